using System.Globalization;
using System.Net;
using SmartHost.Dashboard;
using SmartHost.Devices;
using SmartHost.History;

namespace SmartHost.Hosting;

/// <summary>
/// Behind Docker's bridge, a published port can make every client look like the bridge's gateway. Told by three signs
/// together: we run in a container, every session came from one private address, and that address is our gateway.
/// </summary>
/// <param name="gateway">Our own gateway while we run in a container: see <see cref="OwnGateway()"/>.</param>
internal sealed class DockerBridge(Sightings sightings, Func<DeviceDirectory> devices, Func<IPAddress?> gateway)
{
    private const string WaysOut = "Use the host's network or macvlan, or give each device a login: “Docker and networks” in the documentation says how.";

    /// <summary>Not null while all signs are there.</summary>
    public BridgeWarning? Warning()
    {
        if (sightings.OnlyClient is not { } only || !only.Equals(gateway())) return null;
        var text = $"Every device seems to come from {only}, the gateway of Docker's own network, so devices cannot be told apart by address.";
        return devices().ByAddress(only) is { } allowed
            ? new BridgeWarning(only, $"{text} The device {allowed.Name} is allowed at that address, so everybody on the network may send as {allowed.Name}.", $"{WaysOut} Then take that address from {allowed.Name}.")
            : new BridgeWarning(only, text, $"{WaysOut} Do not allow this address: it would allow everyone.");
    }

    /// <summary>For whoever is about to allow an address: before there are signs enough, it may still be everybody's.</summary>
    public BridgeWarning? Doubt() => Warning() ?? (gateway() is { } own
        ? new BridgeWarning(own, $"SmartHost runs in a container, and {own} is the gateway of its network: behind Docker's bridge every device has that address.", $"{WaysOut} On the host's network {own} is your router, and may be allowed.")
        : null);

    /// <summary>Null outside a container.</summary>
    public static IPAddress? OwnGateway() => InContainer() ? DefaultGateway("/proc/net/route") : null;

    /// <summary>Our default gateway by the kernel's route table; null where there is none (host without a network, not Linux).</summary>
    internal static IPAddress? DefaultGateway(string routes)
    {
        try
        {
            foreach (var line in File.ReadLines(routes).Skip(1))
            {
                // Iface Destination Gateway Flags …; addresses are hexadecimal in the machine's byte order.
                var fields = line.Split('\t', StringSplitOptions.TrimEntries);
                if (fields is [_, "00000000", var gateway, ..] && uint.TryParse(gateway, NumberStyles.HexNumber, CultureInfo.InvariantCulture, out var address) && address != 0)
                    return new IPAddress(address);
            }
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            // Not Linux, or not allowed to look: then nothing can be said.
        }
        return null;
    }

    private static bool InContainer() =>
        File.Exists("/.dockerenv") || File.Exists("/run/.containerenv") || Environment.GetEnvironmentVariable("DOTNET_RUNNING_IN_CONTAINER") == "true";
}
