using SmartHost.Mail;

namespace SmartHost.Queue;

/// <summary>What delivery asks for and gives back: the next message, its content, its result.</summary>
public sealed partial class MailQueue
{
    /// <summary>
    /// Leases the next due message that <paramref name="serves"/> allows, urgent lane first, and within a lane the
    /// device whose turn it is (round robin), oldest first. Null: nothing is due. The lease is in memory alone (a
    /// crash releases it), but that an attempt began is handed to the disk's next commit before this returns, so that
    /// recovery can tell of a possible duplicate. Ended by <see cref="SettleAsync"/> or <see cref="GiveBack"/>.
    /// A message whose lifetime is over is not handed out: see <see cref="Expired"/>.
    /// </summary>
    /// <param name="serves">Account name as stored (null: default) and lane. Called under the index lock: pure and quick.</param>
    public QueuedMessage? Take(Func<string?, Lane, bool> serves)
    {
        FollowClock();
        while (index.Take(serves) is { } entry)
        {
            try
            {
                if (delivery.FindWhole(entry.Number) is { } stored)
                {
                    attempts[entry.Id] = journal.Post(database => database.MarkAttempt(entry.Number, began: true));
                    return stored.Message;
                }
                LeaveOut(entry.Id, "its row is missing");
            }
            catch (Exception e) when (e is FormatException or QueueDamagedException)
            {
                LeaveOut(entry.Id, e.Message);
            }
            catch (IOException e)
            {
                LogDiskSilent(logger, e.Message);
                // Not at once again, but when something else happens or a minute has passed.
                index.EndLease(entry.Id, quietly: true);
                return null;
            }
        }
        return null;
    }

    /// <summary>
    /// Completes when the note that this attempt began is written (unsynced: it outlives our process, not the power), or cannot be.
    /// Awaited before content leaves: had Gmail the message before the note, a kill right then would send it twice without a word.
    /// Null: it is written. Otherwise why the disk did not take it, a sentence: it would take no result either, and the message
    /// must not leave. A damaged page, which waiting does not mend, is no such reason: only this message's result may lie on it.
    /// </summary>
    public async Task<string?> AttemptNotedAsync(QueueId id) =>
        attempts.TryGetValue(id, out var note) && (await note.ConfigureAwait(false)).Failure is { Damaged: false } failure ? failure.Reason : null;

    /// <summary>The lease of that message ends without a change.</summary>
    /// <param name="begun">The next hop may have it: the note stays, and the next start tells of a possible duplicate.</param>
    public void GiveBack(QueueId id, bool begun = false)
    {
        attempts.TryRemove(id, out _);
        if (index.EndLease(id) is { } number && !begun) journal.Post(database => database.MarkAttempt(number, began: false));
    }

    /// <summary>
    /// Commits an attempt's result and ends the lease. Returns the message as it is now. Where the disk does not take it, waits and tries again: the
    /// lease holds meanwhile, so nothing is sent twice.
    /// </summary>
    /// <exception cref="OperationCanceledException">Cancelled, or the queue closed, before the disk took it. The lease remains.</exception>
    public async Task<QueuedMessage> SettleAsync(Settlement settlement, CancellationToken cancellation) =>
        (await SettleAsync(settlement, _ => true, time.GetUtcNow(), evenDamaged: true, cancellation).ConfigureAwait(false))!;

    /// <summary>Null: it may not be settled, by what it is when the write's turn comes. Then its lease, if there is one, is another's.</summary>
    private async Task<QueuedMessage?> SettleAsync(Settlement settlement, Func<QueuedMessage, bool> may, DateTimeOffset now, bool evenDamaged, CancellationToken cancellation)
    {
        var settled = await PersistAsync(database =>
        {
            var before = database.Rows.Find(settlement.Id) ?? throw new InvalidOperationException($"{settlement.Id} is not in the queue, so it cannot be settled");
            if (!may(before.Message)) return (Before: before, After: (StoredMessage?)null);
            var after = Finish(before with { Message = MessageTransitions.Settle(before.Message, settlement) });
            database.Update(before, after, now);
            foreach (var entry in settlement.Timeline) database.Append(before.Number, entry);
            if (settlement.Spent is { } spent) database.AddSpend(now, spent);
            return (Before: before, After: after);
        }, settled =>
        {
            if (settled.After is null)
            {
                // It is not over: its row was lengthened after we last wrote the index, by a clock put right or by a person.
                index.PutExpires(settlement.Id, settled.Before.Message.Expires);
                index.Wake();
                return;
            }
            index.Put(settled.After);
            index.EndLease(settlement.Id);
            attempts.TryRemove(settlement.Id, out _);
            if (settlement.Spent is { } spent) tallies.Spent(spent, now);
            RaiseChanged(settlement.Id);
        }, cancellation, evenDamaged).ConfigureAwait(false);
        if (settled.After is { } done) Discard(settled.Before, done);
        return settled.After?.Message;
    }

    /// <summary>The stored octets, seekable. Null: the content is missing or not whole (park the message).</summary>
    /// <exception cref="IOException">The disk does not answer, with a sentence: the message is as it was, try it later.</exception>
    public async Task<Stream?> OpenContentAsync(QueueId id, CancellationToken cancellation)
    {
        if (await delivery.FindAsync(id, cancellation).ConfigureAwait(false) is not { } stored) return null;
        return stored.Place switch
        {
            ContentPlace.File => store.Open(id, stored.Message.Size),
            ContentPlace.Row => await delivery.ContentAsync(stored.Number, cancellation).ConfigureAwait(false) is { } octets ? new MemoryStream(octets, writable: false) : null,
            _ => null,
        };
    }

    /// <summary>It is in the queue, neither done nor deleted.</summary>
    public bool IsOpen(QueueId id) => index.Contains(id);

    /// <summary>A message of that device waits for a person, or may in a moment.</summary>
    public bool MayHaveParked(string device) => index.MayHaveParked(device);

    /// <summary>
    /// Completes when there may be something new to take: an arrival, a release, a settlement, or the next due time.
    /// Never misses a change made after the previous <see cref="Take"/>; may complete for nothing.
    /// </summary>
    public Task WaitForWorkAsync(CancellationToken cancellation) => index.WaitAsync(cancellation);
}
