using SmartHost.Mail;

namespace SmartHost.Queue;

/// <summary>Stored by number.</summary>
public enum MessageState
{
    /// <summary>Due at a time, or being sent now.</summary>
    Queued = 0,

    /// <summary>A person, or a rule, asked to wait.</summary>
    Held = 1,

    /// <summary>Needs a person; the timeline says why.</summary>
    Parked = 2,

    /// <summary>Every recipient is sent or bounced.</summary>
    Done = 3,

    /// <summary>A person deleted it.</summary>
    Deleted = 4,
}

/// <summary>Stored by number.</summary>
public enum RecipientState
{
    Queued = 0,
    Sent = 1,
    Bounced = 2,
}

/// <summary>One recipient's standing.</summary>
/// <param name="Due">When it may be tried (again).</param>
/// <param name="Reply">The last word about it: the next hop's, or our reason; where we gave it up, with the status before it (<c>5.3.4 The message is …</c>).</param>
public sealed record QueuedRecipient(Mailbox Address, RecipientState State, DateTimeOffset Due, int Attempts, string? Reply)
{
    /// <summary>A report has told the sender of its bounce.</summary>
    public bool Reported { get; init; }
}

/// <summary>A message of the queue: what is known of it, without its content. Immutable; ask again for news.</summary>
public sealed record QueuedMessage
{
    public required QueueId Id { get; init; }
    public required ReversePath Sender { get; init; }
    public required IReadOnlyList<QueuedRecipient> Recipients { get; init; }
    public required string Device { get; init; }
    public required string? Account { get; init; }
    public required Lane Lane { get; init; }
    public required Origin Origin { get; init; }
    public required string MessageId { get; init; }
    public required string? Subject { get; init; }

    /// <summary>Octets as stored: CRLF line ends, our Received on top.</summary>
    public required long Size { get; init; }
    public required DateTimeOffset ReceivedAt { get; init; }
    public required MessageState State { get; init; }

    /// <summary>Why it is held or parked.</summary>
    public string? StateReason { get; init; }

    /// <summary>The earliest of the open recipients'.</summary>
    public required DateTimeOffset Due { get; init; }

    /// <summary>When its lifetime ends. A paused account moves this back.</summary>
    public required DateTimeOffset Expires { get; init; }

    /// <summary>Attempts of the whole message so far.</summary>
    public required int Attempts { get; init; }

    /// <summary>A process died during an attempt of it, so Gmail may have it already.</summary>
    public bool PossibleDuplicate { get; init; }

    /// <summary>False once its content was deleted.</summary>
    public bool HasContent { get; init; }

    /// <summary>Its lateness was announced.</summary>
    public bool LateAnnounced { get; init; }

    /// <summary>
    /// Its owner has yet to be told of a bounce. Our own mail is never reported in turn. A device's is even where it names no
    /// sender: the report goes to a person who is named in the settings, so it cannot loop, and in many panels the field is just empty.
    /// </summary>
    public bool OwesReport => !Origin.IsLocal && Recipients.Any(recipient => recipient is { State: RecipientState.Bounced, Reported: false });

    public IEnumerable<QueuedRecipient> Open => Recipients.Where(recipient => recipient.State == RecipientState.Queued);
}
