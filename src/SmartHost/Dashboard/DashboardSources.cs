using System.Net;
using System.Text.Json.Serialization;
using SmartHost.Dashboard.Api;
using SmartHost.Delivery;
using SmartHost.Devices;
using SmartHost.Mail;
using SmartHost.Notices;
using SmartHost.Queue;

namespace SmartHost.Dashboard;

/// <summary>
/// All that the page and the API show and steer, as the composition root hands it in. Snapshots are asked for at every
/// request: they must be quick and must not throw. Actions return null when done, else a sentence that says why not.
/// </summary>
public sealed record DashboardSources
{
    public required MailQueue Queue { get; init; }

    /// <summary>Why devices are turned away at present; null: they are not.</summary>
    public string? Refusal => Queue.WriteTrouble ?? Queue.FolderTrouble ?? Queue.Refusal(declaredSize: 0);

    public required string Version { get; init; }

    public required DateTimeOffset StartedAt { get; init; }

    /// <summary>What devices are to be pointed at, for the empty page: <c>192.168.1.10 port 2525</c>. Asked with a name of this machine; null: none is known.</summary>
    public required Func<string?, IReadOnlyList<string>> ListensAt { get; init; }

    public required Func<DeliveryState> Delivery { get; init; }

    public required Func<AlertsSnapshot> Alerts { get; init; }

    public required Func<IReadOnlyList<DeviceView>> Devices { get; init; }

    public required Func<IReadOnlyList<UnknownDevice>> UnknownDevices { get; init; }

    /// <summary>Writes <c>devices/NAME.yaml</c> for a device that is not there yet; its next message is taken.</summary>
    public required Func<AllowRequest, CancellationToken, Task<string?>> Allow { get; init; }

    /// <summary>Rewrites that file. What the request does not speak of (login, senders, …) stays as it is.</summary>
    public required Func<AllowRequest, CancellationToken, Task<string?>> Update { get; init; }

    /// <summary>Deletes that file, by the device's name.</summary>
    public required Func<string, CancellationToken, Task<string?>> Forget { get; init; }

    /// <summary>Takes an address from the list of unknown devices; it comes back with its next try.</summary>
    public required Action<IPAddress> ForgetUnknown { get; init; }

    /// <summary>Has a paused account tried at once, by name. Its state tells what came of it.</summary>
    public required Action<string> TryAccount { get; init; }

    /// <summary>The same lines as <c>smarthost check</c>, each as soon as it is known.</summary>
    public required Func<CancellationToken, IAsyncEnumerable<CheckLine>> Check { get; init; }

    /// <summary>Whether each account can log in: what is known, or one login where nothing is.</summary>
    public required Func<CancellationToken, Task<IReadOnlyList<LoginReply>>> ProveLogins { get; init; }

    public required Func<SendTestRequest, CancellationToken, Task<SendTestResult>> SendTest { get; init; }

    /// <summary>Mistakes in a changed file that was therefore not taken up; empty when all is well.</summary>
    public required Func<IReadOnlyList<string>> SettingsProblems { get; init; }

    /// <summary>What was changed and takes effect after a restart, each as a sentence without its full stop.</summary>
    public required Func<IReadOnlyList<string>> AfterRestart { get; init; }

    /// <summary>Not null while every session seems to come from one private gateway, as behind Docker's bridge.</summary>
    public required Func<BridgeWarning?> Bridge { get; init; }

    /// <summary>Not null where an address may be every device's, whether or not there are signs of it yet: allowing it needs a second word.</summary>
    public required Func<BridgeWarning?> Gateway { get; init; }
}

/// <summary>A configured device and how it was seen last.</summary>
/// <param name="Editable">It stands in a file of its own, which the page may rewrite. False: its owner wrote it elsewhere.</param>
/// <param name="LastRefusal">Our last reply that refused it, in words.</param>
public sealed record DeviceView(Device Device, bool Editable, DateTimeOffset? LastSeen, DateTimeOffset? LastRefusedAt, string? LastRefusal)
{
    /// <summary>Where it stands, in words: a file, or a variable of the environment.</summary>
    public string WrittenIn { get; init; } = "smarthost.yaml";

    /// <summary>A variable is read at the start alone.</summary>
    public bool IsTakenUpAtOnce { get; init; } = true;

    /// <summary>Why the page does not change it, where it may not.</summary>
    public string NotEditable => $"{Device.Name} stands in {WrittenIn}, which only you write. Change it there{(IsTakenUpAtOnce ? ": it is taken up at once" : ", and start SmartHost again")}.";
}

/// <summary>What a person says when a device is allowed or edited.</summary>
/// <param name="PerHour">Messages in any 60 minutes. Null: no limit.</param>
/// <param name="PerDay">Messages in any 24 hours. Null: no limit.</param>
/// <param name="Account">Null: the first configured one.</param>
/// <param name="AllowGateway">Said by a person who has read that this address may be every device behind Docker's bridge.</param>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record AllowRequest(
    string Name, IReadOnlyList<string> Addresses, IReadOnlyList<string> Recipients,
    Lane Priority = Lane.Normal, int? PerHour = null, int? PerDay = null, string? Account = null, bool AllowGateway = false);

public enum CheckResult
{
    Good,
    Doubtful,
    Bad,
}

/// <param name="Name">What was checked, in a word or two.</param>
public sealed record CheckLine(string Name, CheckResult Result, string Text, string? Remedy = null);

/// <param name="To">Null: the account's own address.</param>
/// <param name="Account">Null: the first configured one.</param>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record SendTestRequest(string? To = null, string? Account = null);

/// <summary>Either the queued message, or a sentence why there is none.</summary>
public sealed record SendTestResult(QueueId? Id, string? Problem);

/// <param name="Gateway">The address that everybody seems to have.</param>
public sealed record BridgeWarning(IPAddress Gateway, string Text, string Remedy);
