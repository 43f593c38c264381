using SmartHost.Mail;

namespace SmartHost.Queue;

/// <summary>The end of a message's patience, and whom it was told: what is late, what is over, what bounced and was not reported.</summary>
public sealed partial class MailQueue
{
    /// <summary>
    /// Open messages (queued, held or parked; not leased) whose lifetime is over. Each is read as it is come to, if it is over
    /// still: who takes a hundred of ten thousand reads a hundred.
    /// </summary>
    public IEnumerable<QueuedMessage> Expired()
    {
        FollowClock();
        return Readable(delivery, InIndex(index.Expired().Where(index.IsOver)));
    }

    /// <summary>Queued messages (not leased) that are older than <paramref name="lateAfter"/> and not announced; read as they are come to.</summary>
    public IEnumerable<QueuedMessage> Late(TimeSpan lateAfter) => Readable(delivery, InIndex(index.Late(lateAfter)));

    /// <summary>
    /// Settles a message whose lifetime is over. Null, and nothing is changed, where it is not: a person asked to try it again
    /// since it was found so, and must not be answered with a bounce. Nor where its rows are damaged, for which the sweep must
    /// not wait: it is set aside like any that cannot be read.
    /// </summary>
    public async Task<QueuedMessage?> GiveUpAsync(Settlement settlement, CancellationToken cancellation)
    {
        var now = time.GetUtcNow();
        try
        {
            return await SettleAsync(settlement, message => message.Expires <= now, now, evenDamaged: false, cancellation).ConfigureAwait(false);
        }
        catch (QueueDamagedException e)
        {
            index.TryLease(settlement.Id);
            LeaveOut(settlement.Id, e.Message);
            return null;
        }
    }

    public Task MarkLateAnnouncedAsync(QueueId id, CancellationToken cancellation) => PersistAsync(database =>
    {
        database.MarkLate(id);
        return true;
    }, _ =>
    {
        index.PutLateAnnounced(id);
        RaiseChanged(id);
    }, cancellation);

    /// <summary>Its lifetime begins anew.</summary>
    public Task RenewLifetimeAsync(QueueId id, CancellationToken cancellation)
    {
        var expires = time.GetUtcNow() + terms.Lifetime;
        return PersistAsync(database =>
        {
            database.PutExpires(id, expires);
            return true;
        }, _ =>
        {
            index.PutExpires(id, expires);
            index.Wake();
        }, cancellation);
    }

    /// <summary>Moves the expiry of every open message that <paramref name="waits"/> names by how long it waited since then.</summary>
    /// <param name="waits">Account name as stored (null: default).</param>
    public Task ExtendLifetimeAsync(Func<string?, bool> waits, DateTimeOffset pausedSince, CancellationToken cancellation)
    {
        var now = time.GetUtcNow();
        var accounts = index.Accounts().Where(waits).ToList();
        return PersistAsync(database => accounts.SelectMany(account => database.Extend(account, now, pausedSince)).ToList(), moved =>
        {
            foreach (var (id, expires) in moved) index.PutExpires(id, expires);
            // One whose lifetime had been over may be taken again.
            index.Wake();
        }, cancellation);
    }

    /// <summary>Messages with a bounced recipient that no report has told of yet (our own mail never).</summary>
    public async Task<IReadOnlyList<QueuedMessage>> UnreportedAsync(CancellationToken cancellation) =>
        [.. Readable(people, await people.UnreportedAsync(cancellation).ConfigureAwait(false))];

    /// <summary>Marks bounces as told without a report of their own.</summary>
    /// <param name="recipients">Whose: what bounced since is still to be told. Null: all of them, for there is nobody to tell.</param>
    public async Task MarkReportedAsync(QueueId id, IReadOnlyCollection<Mailbox>? recipients, TimelineEntry entry, CancellationToken cancellation)
    {
        var told = await PersistAsync(database => database.Rows.Find(id) is { } stored ? Tell(database, stored, recipients, entry) : null, _ => RaiseChanged(id), cancellation).ConfigureAwait(false);
        if (told is not null) Discard(told.Before, told.After);
    }

    private sealed record Told(StoredMessage Before, StoredMessage After);

    /// <summary>
    /// Marks bounces as told. Where that was all that the content was still kept for, it goes in the same commit: a crash
    /// before it finds the bounce unreported and the header to quote, a crash after it at most a file that no row claims,
    /// which recovery deletes.
    /// </summary>
    private Told Tell(Database database, StoredMessage stored, IReadOnlyCollection<Mailbox>? recipients, TimelineEntry entry)
    {
        database.MarkReported(stored, recipients);
        database.Append(stored.Number, entry);
        var before = database.Rows.Find(stored.Number)!;
        var after = Finish(before);
        if (after.Place != before.Place) database.LetGo(before.Number);
        return new Told(before, after);
    }
}
