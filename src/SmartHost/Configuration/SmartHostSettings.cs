using SmartHost.Dashboard;
using SmartHost.Delivery;
using SmartHost.Devices;
using SmartHost.Gmail;
using SmartHost.History;
using SmartHost.Listener;
using SmartHost.Notices;
using SmartHost.Queue;

namespace SmartHost.Configuration;

/// <summary>Everything a user configured, read and checked as a whole: there is no half-valid one.</summary>
public sealed record SmartHostSettings
{
    /// <summary>Full path. Every relative path in the file is taken from the file's own folder, the default of this one too; without a file, from the current folder.</summary>
    public required string DataFolder { get; init; }

    /// <summary>The name in our greeting and in Received. Default: the machine's.</summary>
    public required string Hostname { get; init; }

    /// <summary>In the order of the file; the first is the default.</summary>
    public required IReadOnlyList<AccountSettings> Accounts { get; init; }

    public required IReadOnlyList<ListenerSettings> Listeners { get; init; }

    public required DeviceDirectory Devices { get; init; }

    public LimitSettings Limits { get; init; } = new();

    public DeliverySettings Delivery { get; init; } = new();

    public AlertSettings Alerts { get; init; } = new();

    public DashboardSettings Dashboard { get; init; } = new();

    public required QueueSettings Queue { get; init; }

    public LogSettings Log { get; init; } = new();

    /// <summary>A client address or network whose conversations are written to a file, whatever device it is.</summary>
    public IReadOnlyList<System.Net.IPNetwork> TraceClients { get; init; } = [];
}
