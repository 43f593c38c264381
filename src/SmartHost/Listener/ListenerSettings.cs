using System.Net;

namespace SmartHost.Listener;

public enum ListenerTls
{
    /// <summary>STARTTLS is not offered.</summary>
    Off,

    /// <summary>STARTTLS is offered; a device may use it.</summary>
    Optional,

    /// <summary>No mail and no login before TLS.</summary>
    Required,

    /// <summary>TLS from the first octet (port 465 style).</summary>
    Implicit,
}

/// <summary>One port that devices connect to.</summary>
public sealed record ListenerSettings
{
    public required string Name { get; init; }

    /// <summary>Default: every address of the machine, IPv4 and IPv6.</summary>
    public IPAddress Address { get; init; } = IPAddress.IPv6Any;

    public required int Port { get; init; }

    public ListenerTls Tls { get; init; } = ListenerTls.Optional;

    /// <summary>Offer AUTH without TLS: many old devices know no other way. Off by default.</summary>
    public bool AuthInClear { get; init; }

    /// <summary>PEM files of the user's own; null: the self-signed one in the data folder.</summary>
    public string? CertificateFile { get; init; }

    public string? KeyFile { get; init; }

    /// <summary>Accept TLS 1.0 and 1.1 here, for devices that know nothing newer.</summary>
    public bool LegacyTls { get; init; }
}
