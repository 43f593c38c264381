using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Numerics;

namespace SmartHost.Devices;

/// <summary>
/// A client address or network as people write it: <c>192.168.1.23</c>, <c>192.168.1.0/24</c>, <c>192.168.1.0/255.255.255.0</c>,
/// <c>fd00::/8</c>. Stricter than <see cref="IPAddress.TryParse(string?, out IPAddress?)"/>, for which <c>192.168.1</c> and
/// <c>192.168.001.010</c> are addresses, only not those that were meant; more lenient than <see cref="IPNetwork"/>, which
/// refuses <c>192.168.1.23/24</c> although everyone knows which network that is.
/// </summary>
public static class ClientNetwork
{
    public static bool TryParse(string? text, out IPNetwork network)
    {
        network = default;
        var (addressText, prefixText) = (text ?? "").Trim().Split('/', 2) is [var before, var after] ? (before, after) : ((text ?? "").Trim(), null);
        if (!TryParseAddress(addressText, out var address)) return false;
        var bits = address.AddressFamily == AddressFamily.InterNetwork ? 32 : 128;
        var prefix = bits;
        if (prefixText is not null && !TryParsePrefix(prefixText, bits, out prefix)) return false;
        network = new IPNetwork(Masked(address, prefix), prefix);
        return true;
    }

    /// <summary>One address, without a scope; <c>::ffff:a.b.c.d</c> becomes <c>a.b.c.d</c>.</summary>
    public static bool TryParseAddress(string text, out IPAddress address)
    {
        address = IPAddress.None;
        var isPlain = text.Contains(':')
            ? !text.AsSpan().ContainsAny('%', '[', ']')
            : text.Split('.') is { Length: 4 } parts && parts.All(part => part.Length is > 0 and <= 3 && part.All(char.IsAsciiDigit) && (part.Length == 1 || part[0] != '0'));
        if (!isPlain || !IPAddress.TryParse(text, out var read)) return false;
        address = DeviceDirectory.Normalise(read);
        return true;
    }

    /// <summary>The shortest way to write it: a single address without its prefix length.</summary>
    public static string ToText(IPNetwork network) =>
        network.PrefixLength == (network.BaseAddress.AddressFamily == AddressFamily.InterNetwork ? 32 : 128) ? network.BaseAddress.ToString() : network.ToString();

    private static bool TryParsePrefix(string text, int bits, out int prefix)
    {
        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out prefix)) return prefix <= bits;
        if (bits != 32 || !TryParseAddress(text, out var mask) || mask.AddressFamily != AddressFamily.InterNetwork) return false;
        var value = BitConverter.ToUInt32([.. mask.GetAddressBytes().Reverse()]);
        prefix = BitOperations.PopCount(value);
        // A mask is ones, then zeros; 255.0.255.0 is a slip.
        return prefix == BitOperations.LeadingZeroCount(~value);
    }

    private static IPAddress Masked(IPAddress address, int prefix)
    {
        var bytes = address.GetAddressBytes();
        for (var i = 0; i < bytes.Length; i++)
        {
            var kept = Math.Clamp(prefix - (i * 8), 0, 8);
            bytes[i] &= (byte)(0xff << (8 - kept));
        }
        return new IPAddress(bytes);
    }
}
