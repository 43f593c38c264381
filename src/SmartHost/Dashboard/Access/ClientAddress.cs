using System.Net;

namespace SmartHost.Dashboard.Access;

/// <summary>What counts as one client. An IPv6 host can have any address of its /64, so the network does.</summary>
internal static class ClientAddress
{
    public static IPAddress Of(IPAddress client)
    {
        if (client.IsIPv4MappedToIPv6) return client.MapToIPv4();
        if (client.AddressFamily != System.Net.Sockets.AddressFamily.InterNetworkV6) return client;
        var octets = client.GetAddressBytes();
        octets.AsSpan(8).Clear();
        return new IPAddress(octets);
    }
}
