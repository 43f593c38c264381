using System.Net;
using SmartHost.Mail;

namespace SmartHost.Dashboard;

/// <summary>The page that people look at.</summary>
public sealed record DashboardSettings
{
    public bool Off { get; init; }

    public IPAddress Address { get; init; } = IPAddress.IPv6Any;

    public int Port { get; init; } = 8025;

    /// <summary>Null: one is made at first start, printed once in the log and kept in the data folder.</summary>
    public Secret? Password { get; init; }

    /// <summary>For scripts: <c>Authorization: Bearer …</c>. Null: no token.</summary>
    public Secret? Token { get; init; }

    /// <summary>Show <c>/metrics</c> without sign-in.</summary>
    public bool OpenMetrics { get; init; }

    /// <summary>
    /// Public names the page may be opened by, such as <c>mail.example.com</c>, <c>*.example.com</c> or <c>*</c>.
    /// Addresses and names of a home network (<c>nas</c>, <c>nas.local</c>) need no mention: see <see cref="Access.HostNames"/>.
    /// </summary>
    public IReadOnlyList<string> Hosts { get; init; } = [];
}
