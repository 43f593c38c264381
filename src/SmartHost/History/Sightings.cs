using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using SmartHost.Mail;

namespace SmartHost.History;

/// <summary>When a device was last heard, and what it was refused last.</summary>
public sealed record Sighting(DateTimeOffset? LastAccepted, DateTimeOffset? LastRefusedAt, string? LastRefusal)
{
    public static readonly Sighting None = new(null, null, null);

    /// <summary>A device that is refused is there, too.</summary>
    public DateTimeOffset? LastSeen => LastAccepted > LastRefusedAt || LastRefusedAt is null ? LastAccepted : LastRefusedAt;
}

/// <summary>
/// Who was seen: configured devices (so bounded by them), and whether all clients share one private address, as behind
/// Docker's bridge. In memory alone: of the time before the start the queue's messages tell. Any thread may call it.
/// </summary>
public sealed class Sightings
{
    /// <summary>Sessions after which a single address stops looking like chance.</summary>
    private const int Enough = 3;

    private readonly ConcurrentDictionary<string, Sighting> devices = new();
    private readonly Lock gate = new();
    private IPAddress? only;
    private bool several;
    private int sessions;

    public Sighting Of(string device) => devices.GetValueOrDefault(device, Sighting.None);

    /// <summary>The private address that every session so far came from; null while it may be chance, or once another was seen. Loopback does not count.</summary>
    public IPAddress? OnlyClient
    {
        get { lock (gate) return !several && sessions >= Enough ? only : null; }
    }

    public void Connected(IPAddress client)
    {
        // The health check and the owner's own tries come from here; they say nothing about the network.
        if (IPAddress.IsLoopback(client)) return;
        lock (gate)
        {
            if (several) return;
            if (!IsPrivate(client) || (only is not null && !only.Equals(client))) several = true;
            else (only, sessions) = (client, Math.Min(sessions + 1, Enough));
        }
    }

    public void Accepted(string device, DateTimeOffset at) =>
        devices.AddOrUpdate(device, static (_, at) => new Sighting(at, null, null), static (_, known, at) => known with { LastAccepted = at }, at);

    public void Refused(string device, SmtpReply reply, DateTimeOffset at) => devices.AddOrUpdate(device,
        static (_, refusal) => new Sighting(null, refusal.at, refusal.reply.ToString()),
        static (_, known, refusal) => known with { LastRefusedAt = refusal.at, LastRefusal = refusal.reply.ToString() }, (at, reply));

    private static bool IsPrivate(IPAddress address)
    {
        if (address.AddressFamily == AddressFamily.InterNetworkV6) return address.IsIPv6UniqueLocal || address.IsIPv6LinkLocal;
        var octets = address.GetAddressBytes();
        return octets[0] == 10 || (octets[0] == 172 && octets[1] is >= 16 and < 32) || (octets[0] == 192 && octets[1] == 168);
    }
}
