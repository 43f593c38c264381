using SmartHost.Queue;

namespace SmartHost.Dashboard;

/// <summary>A message's status in one word, Postfix's where Postfix has one.</summary>
public enum MessageStatus
{
    /// <summary>Not tried yet, or being sent.</summary>
    Queued,

    /// <summary>Tried, and due again.</summary>
    Deferred,
    Held,
    Parked,

    /// <summary>Every recipient got it.</summary>
    Sent,

    /// <summary>It is over, and at least one recipient did not get it.</summary>
    Bounced,
    Deleted,
}

public static class MessageStatuses
{
    public static MessageStatus Of(QueuedMessage message) => message.State switch
    {
        MessageState.Held => MessageStatus.Held,
        MessageState.Parked => MessageStatus.Parked,
        MessageState.Deleted => MessageStatus.Deleted,
        MessageState.Done => message.Recipients.Any(one => one.State == RecipientState.Bounced) ? MessageStatus.Bounced : MessageStatus.Sent,
        _ => message.Attempts > 0 ? MessageStatus.Deferred : MessageStatus.Queued,
    };

    /// <summary>For people.</summary>
    public static string Word(this MessageStatus status) => status switch
    {
        MessageStatus.Queued => "waiting",
        MessageStatus.Deferred => "deferred",
        MessageStatus.Held => "held",
        MessageStatus.Parked => "parked",
        MessageStatus.Sent => "sent",
        MessageStatus.Bounced => "bounced",
        _ => "deleted",
    };

    /// <summary>What to ask the queue for, given the word; "waiting" means queued and deferred alike.</summary>
    public static MessageSearch? Search(string? word) => word switch
    {
        null or "" => new MessageSearch(),
        "waiting" or "queued" or "deferred" => new MessageSearch(States: [MessageState.Queued]),
        "held" => new MessageSearch(States: [MessageState.Held]),
        "parked" => new MessageSearch(States: [MessageState.Parked]),
        "sent" => new MessageSearch(States: [MessageState.Done], Bounced: false),
        "bounced" => new MessageSearch(Bounced: true),
        "deleted" => new MessageSearch(States: [MessageState.Deleted]),
        _ => null,
    };
}
