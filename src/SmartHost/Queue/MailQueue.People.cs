using SmartHost.Mail;

namespace SmartHost.Queue;

/// <summary>
/// What a person may ask about a message and do with it. Each of the deeds returns null when done, else a sentence why not, and
/// then nothing was changed.
/// </summary>
public sealed partial class MailQueue
{
    private sealed record Decision(string? Refusal, QueuedMessage? Message = null, TimelineEntry? Entry = null);

    public async Task<QueuedMessage?> FindAsync(QueueId id, CancellationToken cancellation) =>
        (await people.FindAsync(id, cancellation).ConfigureAwait(false))?.Message;

    public async Task<IReadOnlyList<TimelineEntry>> TimelineAsync(QueueId id, CancellationToken cancellation) =>
        await people.TimelineAsync(id, cancellation).ConfigureAwait(false);

    /// <summary>Newest first.</summary>
    public async Task<IReadOnlyList<QueuedMessage>> SearchAsync(MessageSearch search, CancellationToken cancellation) =>
        Messages(await people.SearchAsync(search, cancellation).ConfigureAwait(false));

    /// <summary>How many came in each hour from <paramref name="first"/> on, by what has become of them.</summary>
    public Task<IReadOnlyList<ReceivedCount>> ReceivedSinceAsync(DateTimeOffset first, CancellationToken cancellation) => people.ReceivedSinceAsync(first, cancellation);

    /// <summary>When each device's newest message came, as far as history goes.</summary>
    public Task<IReadOnlyDictionary<string, DateTimeOffset>> LastReceivedAsync(CancellationToken cancellation) => people.LastReceivedAsync(cancellation);

    /// <summary>Waiting messages by lane, held, parked, octets; from the index, without the disk.</summary>
    public QueueCounts Counts() => index.Counts();

    /// <summary>Due now, whatever its schedule said; ends a hold, a parking, and revives bounced recipients while the content is kept.</summary>
    public Task<string?> RetryAsync(QueueId id, CancellationToken cancellation) => ChangeAsync(id, (message, contentThere, now) => message.State switch
    {
        MessageState.Deleted => new($"{id} was deleted."),
        MessageState.Done when message.Recipients.All(recipient => recipient.State == RecipientState.Sent) => new($"{id} was sent to every recipient: there is nothing to retry."),
        MessageState.Done when !contentThere => new($"The content of {id} was deleted when it was finished (history.keepContent says for how long it is kept): let the device send it again."),
        _ when !contentThere => new(Gone(id)),
        MessageState.Done => new(null, MessageTransitions.Requeue(MessageTransitions.Revive(message) with { Expires = now + terms.Lifetime }, now, terms.Lifetime), new(now, TimelineEvent.Retried, "A person asked to try the failed recipients again.")),
        _ => new(null, MessageTransitions.Requeue(message, now, terms.Lifetime), new(now, TimelineEvent.Retried, "A person asked to try again now.")),
    }, cancellation);

    public Task<string?> HoldAsync(QueueId id, string reason, CancellationToken cancellation) => ChangeAsync(id, (message, _, now) => message.State switch
    {
        MessageState.Queued or MessageState.Parked => new(null, message with { State = MessageState.Held, StateReason = reason }, new(now, TimelineEvent.Held, reason)),
        MessageState.Held => new($"{id} is on hold already."),
        _ => new(Finished(message)),
    }, cancellation);

    public Task<string?> ReleaseAsync(QueueId id, CancellationToken cancellation) => ChangeAsync(id, (message, contentThere, now) => message.State switch
    {
        MessageState.Held or MessageState.Parked when !contentThere => new(Gone(id)),
        MessageState.Held or MessageState.Parked => new(null, MessageTransitions.Requeue(message, now, terms.Lifetime), new(now, TimelineEvent.Released, "Released: it is sent now.")),
        MessageState.Queued => new($"{id} is neither on hold nor parked: it waits for its turn."),
        _ => new(Finished(message)),
    }, cancellation);

    public Task<string?> DeleteAsync(QueueId id, CancellationToken cancellation) => ChangeAsync(id, (message, _, now) => message.State switch
    {
        MessageState.Done or MessageState.Deleted => new(Finished(message)),
        _ => new(null, message with { State = MessageState.Deleted, StateReason = null }, new(now, TimelineEvent.Deleted, "A person deleted it.")),
    }, cancellation);

    private static string Gone(QueueId id) => $"The content of {id} is missing, so it cannot be sent: put content/{id}.eml back, or delete the message.";

    private static string Finished(QueuedMessage message) =>
        message.State == MessageState.Deleted ? $"{message.Id} was deleted." : $"{message.Id} is finished: it is no longer in the queue.";

    private async Task<string?> ChangeAsync(QueueId id, Func<QueuedMessage, bool, DateTimeOffset, Decision> decide, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        // The lease keeps delivery away in between; whoever was first has it.
        var (known, taken) = index.TryLease(id);
        if (unreadable.TryGetValue(id, out var damage)) return $"{id} cannot be read from the queue's database ({damage.TrimEnd('.')}). {WayOut}";
        if (known && !taken) return $"{id} is being sent right now: try again in a moment.";
        try
        {
            var now = time.GetUtcNow();
            var written = await journal.WriteAsync(database =>
            {
                if (database.Rows.Find(id) is not { } before) return (Refusal: $"There is no message {id}.", null, null);
                var there = before.Place switch { ContentPlace.Row => database.HasContentRow(before.Number), ContentPlace.File => store.IsWhole(id, before.Message.Size), _ => false };
                var decision = decide(before.Message, there, now);
                if (decision.Message is null) return (decision.Refusal, null, null);
                var after = Finish(before with { Message = decision.Message });
                database.Update(before, after, now);
                if (decision.Entry is { } entry) database.Append(before.Number, entry);
                return (Refusal: (string?)null, Before: (StoredMessage?)before, After: (StoredMessage?)after);
            }, done =>
            {
                if (done.After is null) return;
                index.Put(done.After);
                RaiseChanged(id);
            }).ConfigureAwait(false);
            if (written.Failure is { } failure) return $"{id} is unchanged. {failure.Reason}";
            if (written.Value is { Before: { } before, After: { } after }) Discard(before, after);
            return written.Value.Refusal;
        }
        finally
        {
            if (taken) index.EndLease(id);
        }
    }
}
