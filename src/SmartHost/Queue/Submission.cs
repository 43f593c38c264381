using System.Net;
using SmartHost.Mail;

namespace SmartHost.Queue;

/// <summary>Where a message came from, as the session saw it.</summary>
/// <param name="Protocol">RFC 3848: SMTP, ESMTP, ESMTPS, ESMTPA, ESMTPSA; or "local" for what we write ourselves.</param>
public sealed record Origin(IPAddress? Client, string? Helo, string Protocol)
{
    public static readonly Origin Local = new(null, null, "local");

    /// <summary>We wrote it ourselves: a report, an alert, a test.</summary>
    public bool IsLocal => Client is null;
}

/// <summary>What the queue is told about a message when it is to become ours.</summary>
public sealed record Submission
{
    public required Envelope Envelope { get; init; }

    /// <summary>The device's name; "smarthost" for reports and alerts of our own.</summary>
    public required string Device { get; init; }

    /// <summary>The account it should leave by. Null: the default one, decided at delivery.</summary>
    public string? Account { get; init; }

    public Lane Lane { get; init; } = Lane.Normal;

    public required Origin Origin { get; init; }

    /// <summary>With its brackets. Fixed here, at intake, so that a receiver recognises what was sent twice. A made one where the device sent none.</summary>
    public required string MessageId { get; init; }

    /// <summary>Decoded, for lists and alerts; at most 200 characters.</summary>
    public string? Subject { get; init; }

    /// <summary>Why it was allowed, for the timeline: the rule's name, such as <c>devices.ups.recipients *@example.com</c>.</summary>
    public required string Rule { get; init; }

    /// <summary>Set on a report about another message: that one is marked reported in the same commit, so neither is lost or doubled.</summary>
    public QueueId? ReportsOn { get; init; }

    /// <summary>The bounced recipients that report tells of. Null: all that have bounced when it is committed.</summary>
    public IReadOnlyCollection<Mailbox>? ReportedRecipients { get; init; }
}

/// <summary>How an intake ended. Closed.</summary>
public abstract record CommitOutcome
{
    private CommitOutcome() { }

    /// <summary>On disk, synced. Now, and not before, may the device hear 250.</summary>
    public sealed record Committed(QueueId Id) : CommitOutcome;

    /// <summary>Nothing is ours; the device keeps it and tries again (452). The reason is a sentence.</summary>
    public sealed record InsufficientStorage(string Reason) : CommitOutcome;

    /// <summary>Nothing is ours (451): the disk failed, or the queue is stopping.</summary>
    public sealed record Failed(string Reason) : CommitOutcome;
}
