using System.Net;
using System.Net.Sockets;

namespace SmartHost.Devices;

/// <summary>All configured devices, as one immutable snapshot: a reload replaces the directory, never changes it.</summary>
public sealed class DeviceDirectory(IReadOnlyList<Device> devices)
{
    public static readonly DeviceDirectory Empty = new([]);

    public IReadOnlyList<Device> Devices => devices;

    /// <summary>The device at that address: the longest matching prefix wins. <c>::ffff:a.b.c.d</c> counts as <c>a.b.c.d</c>.</summary>
    public Device? ByAddress(IPAddress client)
    {
        var address = Normalise(client);
        Device? best = null;
        var longest = -1;
        foreach (var device in devices)
        {
            foreach (var network in device.Addresses)
            {
                if (network.PrefixLength <= longest || !network.Contains(address)) continue;
                (best, longest) = (device, network.PrefixLength);
            }
        }
        return best;
    }

    /// <summary>The device with that user name. Letter case does not matter: old panels type in capitals.</summary>
    public Device? ByUsername(string username) =>
        devices.FirstOrDefault(device => string.Equals(device.Username, username, StringComparison.OrdinalIgnoreCase));

    /// <summary>As settings name it. The scope of a link-local address (<c>fe80::1%2</c>) numbers one of our own interfaces, and says nothing of the client.</summary>
    public static IPAddress Normalise(IPAddress address) =>
        address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address is { AddressFamily: AddressFamily.InterNetworkV6, ScopeId: not 0 } ? new IPAddress(address.GetAddressBytes()) : address;
}
