using System.Text.Json;
using System.Text.Json.Serialization;
using SmartHost.Delivery;
using SmartHost.Devices;
using SmartHost.Mail;
using SmartHost.Notices;
using SmartHost.Queue;

namespace SmartHost.Dashboard.Api;

// What the API says, and what the command line reads back: the same records at both ends.

public sealed record OverviewReply(
    string Version, DateTimeOffset StartedAt, Flow Flow, QueueReply Queue, IReadOnlyList<AccountReply> Accounts, IReadOnlyList<AlertReply> Alerts,
    IReadOnlyList<string> SettingsProblems, IReadOnlyList<string> AfterRestart, string? BridgeWarning, IReadOnlyList<TrafficHour> Traffic);

/// <param name="Port">The one in use, and how: null before the first connection.</param>
public sealed record AccountReply(
    string Name, string Address, AccountHealth Health, string Sentence, string? Remedy, Uri? Help, DateTimeOffset? Since, DateTimeOffset? NextProbe, bool NeedsPerson,
    int MessagesUsed, int MessagesLimit, int RecipientsUsed, int RecipientsLimit, IReadOnlyList<Lane> LanesSpent, int Connections, int Sending, string? Port, string? Fallback, bool EndsByLogin)
{
    public static AccountReply Of(AccountState account) => new(account.Name, account.Username.ToString(), account.Health, account.Sentence, account.Remedy, account.Help,
        account.Since, account.NextProbe, account.NeedsPerson, account.Allowance.Messages, account.Allowance.DailyMessages,
        account.Allowance.Recipients, account.Allowance.DailyRecipients, [.. account.Allowance.SpentLanes],
        account.Connections, account.Sending, account.Port, account.Fallback, account.EndsByLogin);
}

/// <param name="Lasts">It is a state that will be announced as over; otherwise it was an event.</param>
/// <param name="ToldAt">When a channel last took it. Null: none did yet.</param>
/// <param name="NotTold">Why the last try to tell it reached nobody. Null: it did, or it is on its way.</param>
/// <param name="Message">The id of the message that it is about.</param>
public sealed record AlertReply(
    AlertKind Kind, string Title, string Text, string? Remedy, Uri? Help, string? Message, bool Lasts, DateTimeOffset Since, DateTimeOffset Last, int Count, DateTimeOffset? ToldAt,
    string? NotTold)
{
    public static AlertReply Of(AlertStanding standing) => new(standing.Alert.Kind, standing.Alert.Title, standing.Alert.Text, standing.Alert.Remedy, standing.Alert.Help,
        standing.Alert.Message, standing.Alert.Lasts, standing.Since, standing.Last, standing.Count, standing.ToldAt, standing.Unheard?.Why);
}

/// <summary>How telling an alert on one channel went.</summary>
/// <param name="Mail">The id of the message that carries it.</param>
public sealed record AlertDeliveryReply(DateTimeOffset At, string Channel, string Title, string? Problem, DateTimeOffset? NextTry, string? Mail);

public sealed record AlertsReply(IReadOnlyList<AlertReply> Troubles, IReadOnlyList<AlertDeliveryReply> Deliveries);

public sealed record QueueReply(int Waiting, int Urgent, int Normal, int Bulk, int Held, int Parked, long Octets, DateTimeOffset? Oldest)
{
    public static QueueReply Of(QueueCounts counts) => new(counts.Waiting, counts.Urgent, counts.Normal, counts.Bulk, counts.Held, counts.Parked, counts.Octets, counts.Oldest);
}

public sealed record RecipientReply(string Address, RecipientState State, DateTimeOffset? Due, int Attempts, string? Reply);

/// <param name="Status">In one word: see <see cref="MessageStatus"/>.</param>
/// <param name="Sender">Empty: the null reverse-path of a report.</param>
public sealed record MessageReply(
    string Id, MessageStatus Status, MessageState State, string? StateReason, string Sender, IReadOnlyList<RecipientReply> Recipients, string Device, string? Account, Lane Lane,
    string? Client, string? Helo, string Protocol, string MessageId, string? Subject, long Size, DateTimeOffset ReceivedAt, DateTimeOffset? Due, DateTimeOffset Expires,
    int Attempts, bool PossibleDuplicate, bool HasContent)
{
    public static MessageReply Of(QueuedMessage message)
    {
        var open = message.State == MessageState.Queued;
        return new MessageReply(message.Id.ToString(), MessageStatuses.Of(message), message.State, message.StateReason, message.Sender.Mailbox?.ToString() ?? "",
            [.. message.Recipients.Select(one => new RecipientReply(one.Address.ToString(), one.State, open && one.State == RecipientState.Queued ? one.Due : null, one.Attempts, one.Reply))],
            message.Device, message.Account, message.Lane, message.Origin.Client?.ToString(), message.Origin.Helo, message.Origin.Protocol, message.MessageId, message.Subject,
            message.Size, message.ReceivedAt, open ? message.Due : null, message.Expires, message.Attempts, message.PossibleDuplicate, message.HasContent);
    }
}

/// <param name="Next">Ask again with <c>before</c> set to this for older ones. Null: these are all.</param>
public sealed record MessagesReply(IReadOnlyList<MessageReply> Messages, string? Next);

public sealed record TimelineReply(DateTimeOffset At, TimelineEvent Event, string Text, string? Recipient, string? Reply);

public sealed record DeviceReply(
    string Name, IReadOnlyList<string> Addresses, string? Username, IReadOnlyList<string> Senders, IReadOnlyList<string> Recipients, Lane Priority, string? Account,
    int? PerHour, int? PerDay, long? MaxSize, bool Editable, int LastHour, int LastDay, DateTimeOffset? LastSeen, DateTimeOffset? LastRefusedAt, string? LastRefusal)
{
    public static DeviceReply Of(DeviceView view, (int LastHour, int LastDay) accepted) => new(
        view.Device.Name, [.. view.Device.Addresses.Select(ClientNetwork.ToText)], view.Device.Username, view.Device.Senders.Patterns, view.Device.Recipients.Patterns,
        view.Device.Priority, view.Device.Account, view.Device.PerHour, view.Device.PerDay, view.Device.MaxSize, view.Editable,
        accepted.LastHour, accepted.LastDay, view.LastSeen, view.LastRefusedAt, view.LastRefusal);
}

public sealed record UnknownDeviceReply(
    string Address, string? HostName, int Attempts, DateTimeOffset FirstSeen, DateTimeOffset LastSeen, IReadOnlyList<string> Helos, IReadOnlyList<string> Usernames,
    IReadOnlyList<string> Senders, IReadOnlyList<string> Recipients, IReadOnlyList<string> Mailers, bool IsGateway);

[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record HoldRequest(string? Reason = null);

public sealed record SendTestReply(string Id);

/// <summary>Why something was not done, in a sentence for a person.</summary>
public sealed record ApiProblem(string Problem)
{
    public static IResult Result(int status, string sentence) => TypedResults.Json(new ApiProblem(sentence), DashboardJson.Default.ApiProblem, statusCode: status);
}

/// <param name="TakesMail">False: devices are told to come again, since the disk is full or cannot be written.</param>
public sealed record HealthReply(string Status, bool TakesMail, IReadOnlyList<string> Reasons);

/// <summary>Whether an account can log in, and when that was tried. Answers are kept for a while: see the API's document.</summary>
/// <param name="At">Null: it was not tried, since what is known of the account says enough.</param>
public sealed record LoginReply(string Account, bool CanLogIn, string Text, DateTimeOffset? At);

/// <summary>What <c>smarthost check --json</c> prints.</summary>
/// <param name="Settings">What is wrong or doubtful in the settings file; the rest of the check is in the lines.</param>
public sealed record CheckReply(bool Ok, IReadOnlyList<string> Settings, IReadOnlyList<CheckLine> Lines);

/// <summary>What <c>smarthost queue show --json</c> prints, which asks twice for it.</summary>
public sealed record StoryReply(MessageReply Message, IReadOnlyList<TimelineReply> Timeline);

/// <summary>Enumerations are words in camel case, in the API as in its document.</summary>
internal sealed class CamelCase<T>() : JsonStringEnumConverter<T>(JsonNamingPolicy.CamelCase, allowIntegerValues: false) where T : struct, Enum;

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, GenerationMode = JsonSourceGenerationMode.Metadata, RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true, Converters = [
    typeof(CamelCase<MessageStatus>), typeof(CamelCase<FlowState>), typeof(CamelCase<MessageState>), typeof(CamelCase<RecipientState>), typeof(CamelCase<Lane>),
    typeof(CamelCase<TimelineEvent>), typeof(CamelCase<AccountHealth>), typeof(CamelCase<AlertKind>), typeof(CamelCase<CheckResult>)])]
[JsonSerializable(typeof(OverviewReply))]
[JsonSerializable(typeof(MessagesReply))]
[JsonSerializable(typeof(MessageReply))]
[JsonSerializable(typeof(IReadOnlyList<TimelineReply>))]
[JsonSerializable(typeof(IReadOnlyList<DeviceReply>))]
[JsonSerializable(typeof(IReadOnlyList<UnknownDeviceReply>))]
[JsonSerializable(typeof(AlertsReply))]
[JsonSerializable(typeof(CheckLine))]
[JsonSerializable(typeof(AllowRequest))]
[JsonSerializable(typeof(HoldRequest))]
[JsonSerializable(typeof(SendTestRequest))]
[JsonSerializable(typeof(SendTestReply))]
[JsonSerializable(typeof(ApiProblem))]
[JsonSerializable(typeof(DeviceReply))]
[JsonSerializable(typeof(HealthReply))]
[JsonSerializable(typeof(LoginReply))]
[JsonSerializable(typeof(IReadOnlyList<LoginReply>))]
[JsonSerializable(typeof(CheckReply))]
[JsonSerializable(typeof(StoryReply))]
public sealed partial class DashboardJson : JsonSerializerContext;
