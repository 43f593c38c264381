using System.Net;
using SmartHost.Delivery;
using SmartHost.Devices;
using SmartHost.Mail;
using SmartHost.Notices;
using SmartHost.Queue;

namespace SmartHost.Dashboard.Pages;

// What each page is made from.

public sealed record MessageList(IReadOnlyList<QueuedMessage> Messages, Clock Clock);

/// <param name="IsRefusing">Devices are turned away at present.</param>
/// <param name="Unread">Why there are no newest messages and no traffic to show; null: they are all there is.</param>
/// <param name="Reports">By the id of an alert of failed mail: what its report by mail is at, in a sentence.</param>
public sealed record OverviewPage(
    Frame Frame, Flow Flow, IReadOnlyList<AccountState> Accounts, QueueCounts Counts, IReadOnlyList<TrafficHour> Traffic, MessageList Newest,
    IReadOnlyList<AlertStanding> Troubles, IReadOnlyList<Told> Deliveries, IReadOnlyList<string> SettingsProblems, IReadOnlyList<string> AfterRestart, BridgeWarning? Bridge, int UnknownDevices,
    IReadOnlyList<string> ListensAt, bool IsRefusing, string? Unread, IReadOnlyDictionary<string, string> Reports)
{
    /// <summary>The headline speaks of accounts, so that is where its link leads.</summary>
    public bool IsPaused => !IsRefusing && Accounts.Any(account => account.Health == AccountHealth.Paused);

    public bool HasTrouble => Troubles.Count > 0 || SettingsProblems.Count > 0 || AfterRestart.Count > 0 || Bridge is not null || UnknownDevices > 0;
}

/// <param name="Mail">What became of the mail that carries it; mail handed to the queue has told nobody yet. Null: it went another way, or that mail is forgotten.</param>
public sealed record Told(AlertDelivery Delivery, MessageStatus? Mail);

/// <param name="Next">The address of the page with older ones. Null: these are all.</param>
public sealed record MessagesPage(
    Frame Frame, MessageList List, string? Text, string? Device, string? State, IReadOnlyList<string> Devices, string? Next, IReadOnlyList<string> ListensAt, bool IsFiltered)
{
    public static readonly IReadOnlyList<(string Word, string Label)> States =
        [("", "Any status"), ("waiting", "Waiting"), ("held", "Held"), ("parked", "Parked"), ("sent", "Sent"), ("bounced", "Bounced"), ("deleted", "Deleted")];
}

/// <param name="Verb">The last part of the address that does it.</param>
/// <param name="Warning">Not null: ask first, with this text.</param>
public sealed record MessageAction(string Verb, string Label, string? Warning = null, string? Confirm = null);

/// <param name="NoRaw">Why <paramref name="Raw"/> is null.</param>
/// <param name="Waits">What keeps it back although it may be due; null: nothing.</param>
public sealed record MessagePage(Frame Frame, QueuedMessage Message, IReadOnlyList<TimelineEntry> Timeline, RawMessage? Raw, string? NoRaw, string? Waits)
{
    /// <summary>The story in a sentence.</summary>
    public string Sentence => MessageStatuses.Of(Message) switch
    {
        MessageStatus.Sent => "Gmail took it for every recipient.",
        MessageStatus.Bounced => "It was given up for at least one recipient.",
        MessageStatus.Held => "It waits until somebody releases it.",
        MessageStatus.Parked => "It needs you: other mail goes on without it.",
        MessageStatus.Deleted => "It was deleted and will not be sent.",
        _ when Waits is not null => $"It waits: {Waits}{(Waits is [.., '.' or '?' or '!'] ? "" : ".")}",
        MessageStatus.Deferred when Message.Due <= Frame.Clock.Now => "It could not leave yet, and is tried next.",
        MessageStatus.Deferred => $"It could not leave yet. Next try {Frame.Clock.Relative(Message.Due)}.",
        _ => "It is about to leave.",
    };

    /// <summary>The likeliest first. What cannot be undone asks first.</summary>
    public IReadOnlyList<MessageAction> Actions => Message.State switch
    {
        MessageState.Queued => [Retry, Hold, Delete],
        MessageState.Held => [new("release", "Release"), Delete],
        MessageState.Parked => [Retry, Hold, Delete],
        MessageState.Done when Message.HasContent && Message.Recipients.Any(one => one.State == RecipientState.Bounced) => [RetryFailed],
        _ => [],
    };

    private static readonly MessageAction
        Retry = new("retry", "Retry now"),
        RetryFailed = new("retry", "Try the failed recipients again"),
        Hold = new("hold", "Hold"),
        Delete = new("delete", "Delete", "The message will not be sent, and nobody is told. This cannot be undone.", "Delete it for good");
}

/// <param name="Unknown">Each with its name by reverse DNS, if it has one.</param>
/// <param name="Gateway">The address that may be every device's, whether or not there are signs of it yet.</param>
public sealed record DevicesPage(
    Frame Frame, IReadOnlyList<(DeviceView View, (int LastHour, int LastDay) Accepted)> Known, IReadOnlyList<(UnknownDevice Device, string? Name)> Unknown, BridgeWarning? Bridge,
    IPAddress? Gateway, IReadOnlyList<string> ListensAt)
{
    public DeviceDirectory Directory { get; } = new([.. Known.Select(one => one.View.Device)]);
}

/// <summary>The form as it stands: prefilled, or as the person wrote it when something in it was wrong.</summary>
/// <param name="Bridge">Not null: this form is about the gateway, so it asks twice.</param>
public sealed record DeviceForm(
    Frame Frame, bool IsNew, string Name, string Addresses, string Recipients, Lane Priority, string? PerHour, string? PerDay, string? Account,
    IReadOnlyList<string> Accounts, bool NeedsAddress, BridgeWarning? Bridge);

/// <param name="Lines">Null: not asked for yet.</param>
public sealed record CheckPage(Frame Frame, IAsyncEnumerable<CheckLine>? Lines, string? To, string? DefaultTo, IReadOnlyList<string> Accounts);

/// <param name="To">Where to go afterwards: a path of our own.</param>
public sealed record SignInPage(string To, string? Problem);
