using SmartHost.Mail;
using SmartHost.Queue;

namespace SmartHost.Delivery;

/// <summary>What becomes of a message without an answer of Gmail's to it; what follows from one is <see cref="Judgement"/>'s.</summary>
internal static class Settlements
{
    /// <summary>Given up without asking Gmail once more: its lifetime is over. Who shares a reason shares a line.</summary>
    public static Settlement GiveUp(QueuedMessage message, EnhancedStatus status, Func<QueuedRecipient, string> reason, DateTimeOffset now)
    {
        var given = message.Open.Select(open => (open.Address, Reason: reason(open))).ToList();
        var isOne = given.Select(one => one.Reason).Distinct().Count() == 1;
        return new Settlement(message.Id,
            [.. given.Select(one => new RecipientOutcome(one.Address, new DeliveryStatus.Bounced(status, one.Reason)))],
            [.. (isOne ? given.Take(1) : given).Select(one => new TimelineEntry(now, TimelineEvent.Bounced, one.Reason, isOne ? null : one.Address))], CountsAsAttempt: false);
    }

    /// <summary>It waits for a person.</summary>
    public static Settlement Park(QueuedMessage message, string reason, DateTimeOffset now) =>
        new(message.Id, [], [new TimelineEntry(now, TimelineEvent.Parked, reason)], CountsAsAttempt: false, Park: reason);

    /// <summary>Not the message's fault and not Gmail's word on it: every recipient of the attempt waits until then.</summary>
    public static Settlement PutOff(QueuedMessage message, IEnumerable<QueuedRecipient> recipients, EnhancedStatus status, string reason, DateTimeOffset due, DateTimeOffset now, string? reply = null) => new(message.Id,
        [.. recipients.Select(recipient => new RecipientOutcome(recipient.Address, new DeliveryStatus.Deferred(status, reason, due)))],
        [new TimelineEntry(now, TimelineEvent.Deferred, reason, Reply: reply)], CountsAsAttempt: false);
}
