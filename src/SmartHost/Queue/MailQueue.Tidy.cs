using SmartHost.Mail;

namespace SmartHost.Queue;

/// <summary>Forgetting what history no longer keeps, a little at a time so that no intake waits for it.</summary>
public sealed partial class MailQueue
{
    private const int RowsAtOnce = 200, PagesAtOnce = 500;

    /// <summary>
    /// Deletes what history no longer keeps, and gives the room back to the disk. Called now and then by its owner. A disk that
    /// takes nothing ends it, since nobody waits for this; the next call goes on.
    /// </summary>
    public async Task TidyAsync(CancellationToken cancellation)
    {
        var now = time.GetUtcNow();
        await TryAsync(database => { database.PruneSpent(now - Tallies.Day); return true; }, cancellation).ConfigureAwait(false);
        // Not within the first day: the counts of AcceptedFrom are made from these rows.
        var forgotten = now - TimeSpan.FromDays(Math.Max(terms.Settings.KeepDays, 1)) - TimeSpan.FromHours(1);
        var emptied = now - TimeSpan.FromDays(terms.Settings.KeepContent);
        while (await TidySomeAsync(database => database.LetGo(emptied, RowsAtOnce), cancellation).ConfigureAwait(false)) { }
        while (await TidySomeAsync(database => database.Forget(forgotten, RowsAtOnce), cancellation).ConfigureAwait(false)) { }
        while (await TryAsync(database => database.Vacuum(PagesAtOnce), cancellation).ConfigureAwait(false)) { }
    }

    /// <summary>The default where the disk does not take it.</summary>
    private async Task<T?> TryAsync<T>(Func<Database, T> apply, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        return (await journal.WriteAsync(apply).ConfigureAwait(false)).Value;
    }

    /// <summary>False: there is no more of it. The files go after the commit, as ever.</summary>
    private async Task<bool> TidySomeAsync(Func<Database, List<(QueueId Id, ContentPlace Place)>> some, CancellationToken cancellation)
    {
        var gone = await TryAsync(some, cancellation).ConfigureAwait(false) ?? [];
        foreach (var (id, place) in gone)
        {
            if (place == ContentPlace.File && !store.Delete(id)) LogUndeletable(logger, id);
        }
        return gone.Count == RowsAtOnce;
    }
}
