using SmartHost.Mail;

namespace SmartHost.Queue;

/// <summary>Forgetting what history no longer keeps, a little at a time so that no intake waits for it.</summary>
public sealed partial class MailQueue
{
    private const int RowsAtOnce = 200, PagesAtOnce = 500;

    /// <summary>Deletes what history no longer keeps, and gives the room back to the disk. Called now and then by its owner.</summary>
    public async Task TidyAsync(CancellationToken cancellation)
    {
        var now = time.GetUtcNow();
        await PersistAsync(database => { database.PruneSpent(now - Tallies.Day); return true; }, _ => { }, cancellation).ConfigureAwait(false);
        // Not within the first day: the counts of AcceptedFrom are made from these rows.
        var forgotten = now - TimeSpan.FromDays(Math.Max(terms.Settings.KeepDays, 1)) - TimeSpan.FromHours(1);
        var emptied = now - TimeSpan.FromDays(terms.Settings.KeepContent);
        while (await TidySomeAsync(database => database.LetGo(emptied, RowsAtOnce), cancellation).ConfigureAwait(false)) { }
        while (await TidySomeAsync(database => database.Forget(forgotten, RowsAtOnce), cancellation).ConfigureAwait(false)) { }
        while (await PersistAsync(database => database.Vacuum(PagesAtOnce), _ => { }, cancellation).ConfigureAwait(false)) { }
    }

    /// <summary>False: there is no more of it. The files go after the commit, as ever.</summary>
    private async Task<bool> TidySomeAsync(Func<Database, List<(QueueId Id, ContentPlace Place)>> some, CancellationToken cancellation)
    {
        var gone = await PersistAsync(some, _ => { }, cancellation).ConfigureAwait(false);
        foreach (var (id, place) in gone)
        {
            if (place == ContentPlace.File && !store.Delete(id)) LogUndeletable(logger, id);
        }
        return gone.Count == RowsAtOnce;
    }
}
