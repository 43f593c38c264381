using SmartHost.Mail;

namespace SmartHost.Queue;

/// <summary>From one state of a message to the next. Pure: the storage writes what comes out.</summary>
internal static class MessageTransitions
{
    /// <summary>Recipients that are no longer open keep their end: the first word about them was the last.</summary>
    public static QueuedMessage Settle(QueuedMessage message, Settlement settlement)
    {
        if (message.State is MessageState.Done or MessageState.Deleted) return message;
        var counted = settlement.CountsAsAttempt ? 1 : 0;
        QueuedRecipient[] recipients = [.. message.Recipients.Select(recipient => Settle(recipient, settlement.Outcomes, counted))];
        var settled = WithDue(message with { Recipients = recipients, Attempts = message.Attempts + counted });
        if (!settled.Open.Any()) return settled with { State = MessageState.Done, StateReason = null };
        return settlement.Park is { } reason ? settled with { State = MessageState.Parked, StateReason = reason } : settled;
    }

    /// <summary>Queued, due now. A lifetime that is over begins anew: a person's word outweighs the clock.</summary>
    public static QueuedMessage Requeue(QueuedMessage message, DateTimeOffset now, TimeSpan lifetime) => WithDue(message with
    {
        State = MessageState.Queued,
        StateReason = null,
        Expires = message.Expires > now ? message.Expires : now + lifetime,
        Recipients = [.. message.Recipients.Select(recipient => recipient.State == RecipientState.Queued ? recipient with { Due = now } : recipient)],
    });

    /// <summary>Those that bounced are open again.</summary>
    public static QueuedMessage Revive(QueuedMessage message) => message with
    {
        Recipients = [.. message.Recipients.Select(recipient =>
            recipient.State == RecipientState.Bounced ? recipient with { State = RecipientState.Queued, Reported = false } : recipient)],
    };

    private static QueuedRecipient Settle(QueuedRecipient recipient, IReadOnlyList<RecipientOutcome> outcomes, int counted)
    {
        if (recipient.State != RecipientState.Queued) return recipient;
        var outcome = outcomes.FirstOrDefault(outcome => outcome.Recipient.Equals(recipient.Address));
        if (outcome is null) return recipient;
        recipient = recipient with { Attempts = recipient.Attempts + counted };
        return outcome.Status switch
        {
            DeliveryStatus.Sent sent => recipient with { State = RecipientState.Sent, Reply = sent.Reply.ToString() },
            DeliveryStatus.Deferred deferred => recipient with { Due = deferred.Due, Reply = deferred.Reason },
            DeliveryStatus.Bounced bounced => recipient with { State = RecipientState.Bounced, Reply = bounced.Reply?.ToString() ?? $"{bounced.Status} {bounced.Reason}" },
            _ => throw new System.Diagnostics.UnreachableException(),
        };
    }

    private static QueuedMessage WithDue(QueuedMessage message) =>
        message.Open.Any() ? message with { Due = message.Open.Min(recipient => recipient.Due) } : message;
}
