using System.Net;
using SmartHost.Dashboard;
using SmartHost.Delivery;
using SmartHost.Devices;
using SmartHost.Gmail;
using SmartHost.History;
using SmartHost.Listener;
using SmartHost.Mail;
using SmartHost.Notices;
using SmartHost.Queue;

namespace SmartHost.Configuration;

/// <summary>The settings as read, before the checks that look at several of them. Becomes <see cref="SmartHostSettings"/> only if no error was found.</summary>
internal sealed record SettingsDraft
{
    public string? Data { get; init; }
    public string? Hostname { get; init; }
    public IReadOnlyList<AccountDraft> Accounts { get; init; } = [];
    public IReadOnlyList<ListenerSettings> Listeners { get; init; } = [];
    public IReadOnlyList<Device> Devices { get; init; } = [];
    public LimitSettings Limits { get; init; } = new();
    public DeliverySettings Delivery { get; init; } = new();
    public AlertSettings Alerts { get; init; } = new();
    public DashboardSettings Dashboard { get; init; } = new();
    public QueueSettings Queue { get; init; } = new() { Folder = "" };
    public LogSettings Log { get; init; } = new();
    public IReadOnlyList<IPNetwork> Trace { get; init; } = [];
}

/// <summary>An account with all the credentials that were written, of which exactly one kind may stay.</summary>
internal sealed record AccountDraft(AccountSettings Settings)
{
    public Secret? AppPassword { get; init; }
    public OAuthDraft? OAuth { get; init; }
    public Secret? ServiceAccount { get; init; }
}

internal sealed record OAuthDraft
{
    public string? ClientId { get; init; }
    public Secret? ClientSecret { get; init; }
    public Secret? RefreshToken { get; init; }
}
