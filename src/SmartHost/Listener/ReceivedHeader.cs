using System.Net;
using System.Net.Sockets;
using System.Text;
using SmartHost.Mail;

namespace SmartHost.Listener;

/// <summary>The trace header that goes on top of what a device sent (RFC 5321 §4.4). Holds nothing that the device could use to write a header of its own.</summary>
internal static class ReceivedHeader
{
    public static string Create(string? helo, IPAddress client, string device, string hostname, string protocol, QueueId id, DateTimeOffset at) =>
        $"Received: from {Domain(helo, client)} ({Literal(client)})\r\n\t(SmartHost device {Comment(device)})\r\n"
        + $"\tby {hostname} (SmartHost) with {protocol} id {id};\r\n\t{at:ddd, dd MMM yyyy HH:mm:ss} {(at.Offset < TimeSpan.Zero ? '-' : '+')}{at.Offset:hhmm}\r\n";

    /// <summary>The name it gave where that is a domain or an address literal; else its address, which is what RFC 5321 wants from those without a name.</summary>
    private static string Domain(string? helo, IPAddress client) =>
        helo is not null && Ascii.IsValid(helo) && Mailbox.TryParse($"x@{helo}", out _) ? helo : Literal(client);

    private static string Literal(IPAddress client) =>
        client.AddressFamily == AddressFamily.InterNetworkV6 ? $"[IPv6:{new IPAddress(client.GetAddressBytes())}]" : $"[{client}]";

    private static string Comment(string text) =>
        string.Concat(Replies.Printable(text, 60).Select(c => c is '(' or ')' or '\\' or '"' ? '_' : c));
}
