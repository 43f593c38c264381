using System.Globalization;
using System.Net;

namespace SmartHost.Hosting;

/// <summary>
/// Behind Docker's bridge, a published port can make every client look like the bridge's gateway. Told by three signs
/// together: we run in a container, every session came from one private address, and that address is our gateway.
/// </summary>
internal static class DockerBridge
{
    /// <param name="only">The one address that every session came from; null: there were several, or too few.</param>
    public static IPAddress? Gateway(IPAddress? only) =>
        only is not null && InContainer() && only.Equals(DefaultGateway("/proc/net/route")) ? only : null;

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
