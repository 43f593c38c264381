namespace SmartHost.Mail;

/// <summary>What can happen to a message. Stored by name; a page shows one line each.</summary>
public enum TimelineEvent
{
    Received,
    Attempt,
    Sent,
    Deferred,
    Bounced,
    Held,
    Released,
    Parked,
    Retried,
    Deleted,
    Reported,
    PossibleDuplicate,
    Note,
}

/// <summary>One line of a message's story, in words for a person.</summary>
/// <param name="Recipient">Whom it concerns, where it is not the whole message.</param>
/// <param name="Reply">What the next hop said, word for word, where it said something.</param>
public sealed record TimelineEntry(DateTimeOffset At, TimelineEvent Event, string Text, Mailbox? Recipient = null, string? Reply = null);
