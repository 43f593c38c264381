using SmartHost.Mail;

namespace SmartHost.Queue;

/// <summary>How an attempt ended: the one way by which delivery changes a message.</summary>
/// <param name="Outcomes">A subset of the open recipients; those not named stay as they are.</param>
/// <param name="Timeline">Written in the same commit.</param>
/// <param name="CountsAsAttempt">False where the failure was ours or the account's, not the message's.</param>
/// <param name="Park">Not null: the message is parked for this reason, whatever the outcomes leave open.</param>
/// <param name="Spent">The account and what the attempt cost of its allowance, where Gmail took the message.</param>
public sealed record Settlement(
    QueueId Id,
    IReadOnlyList<RecipientOutcome> Outcomes,
    IReadOnlyList<TimelineEntry> Timeline,
    bool CountsAsAttempt = true,
    string? Park = null,
    Spend? Spent = null);

public sealed record RecipientOutcome(Mailbox Recipient, DeliveryStatus Status);

/// <summary>One message and its recipients, counted against an account's rolling 24 hours.</summary>
public sealed record Spend(string Mailbox, int Messages, int Recipients);
