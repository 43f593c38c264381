using System.Net;

namespace SmartHost.Dashboard.Access;

/// <summary>
/// The names the page answers to. A web site elsewhere can point its own name at an address of the home network (DNS
/// rebinding) and so make a visitor's browser talk to us as if we were that site. Our cookie is bound to the name it was set
/// for, so no session comes with such a request; still it could guess passwords from inside. Answered therefore: addresses,
/// names without a dot, names below the endings that no stranger can register, and those the owner listed.
/// </summary>
public static class HostNames
{
    // RFC 6762, RFC 6761, RFC 8375 and ICANN's "internal"; then what home routers hand out. fritz.box belongs to its maker;
    // that name itself is the router, where we are not. Endings of two letters are countries', and no country is ip, so nobody can have speedport.ip.
    private static readonly string[] PrivateEndings = [".local", ".localhost", ".home.arpa", ".internal", ".lan", ".home", ".localdomain", ".test", ".fritz.box", ".speedport.ip"];

    /// <param name="host">Without the port.</param>
    public static bool Answers(string host, IReadOnlyList<string> listed)
    {
        var name = host.TrimEnd('.');
        if (name.Length == 0) return false;
        // An IPv6 address comes in brackets. Strictly as IPAddress reads it: "0x7f.1" is no name either.
        if (IPAddress.TryParse(name.Trim('[', ']'), out _)) return true;
        if (!name.Contains('.')) return true;
        return PrivateEndings.Any(ending => name.EndsWith(ending, StringComparison.OrdinalIgnoreCase)) || listed.Any(entry => Matches(entry, name));
    }

    /// <summary>
    /// A name by which devices find this machine too, told by the one that a person's browser found it by; better than any of
    /// our own addresses, which in a container are nobody else's. Null where the browser says nothing of use: it runs here,
    /// or came through a proxy, which may be another machine.
    /// </summary>
    public static string? OfThisMachine(HttpRequest request)
    {
        var name = request.Host.Host.TrimEnd('.').Trim('[', ']');
        if (request.HttpContext.IsControlSocket() || request.Headers.ContainsKey("X-Forwarded-For") || request.Headers.ContainsKey("Forwarded")) return null;
        if (IPAddress.TryParse(name, out var address)) return IPAddress.IsLoopback(address) ? null : name;
        return name is "localhost" || name.EndsWith(".localhost", StringComparison.OrdinalIgnoreCase) || !Answers(name, []) ? null : name;
    }

    private static bool Matches(string entry, string name) => entry == "*"
        || (entry.StartsWith("*.", StringComparison.Ordinal)
            ? name.EndsWith(entry[1..], StringComparison.OrdinalIgnoreCase)
            : name.Equals(entry, StringComparison.OrdinalIgnoreCase));
}
