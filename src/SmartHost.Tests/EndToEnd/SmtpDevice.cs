using System.Net;
using System.Net.Sockets;
using System.Text;

namespace SmartHost.Tests.EndToEnd;

/// <summary>How far a hand-over got, as the device itself can know.</summary>
internal enum HandOver
{
    /// <summary>It heard 250 after the final dot.</summary>
    Accepted,

    /// <summary>It sent the final dot and heard nothing: the message may or may not be ours.</summary>
    Unknown,

    /// <summary>It never got as far as the final dot, or was refused.</summary>
    NotSent,
}

/// <summary>A plain device: HELO, one message, QUIT, and no patience.</summary>
internal static class SmtpDevice
{
    /// <param name="onRefusal">Is told the reply that was not the expected one.</param>
    public static async Task<HandOver> SendAsync(int port, string token, int size, CancellationToken cancellation, string recipient = "you@example.com", Action<string>? onRefusal = null)
    {
        var handOver = HandOver.NotSent;
        try
        {
            using var client = new TcpClient { NoDelay = true };
            await client.ConnectAsync(IPAddress.Loopback, port, cancellation);
            await using var stream = client.GetStream();
            using var reader = new StreamReader(stream, Encoding.Latin1);
            if (!await RepliesAsync("220")) return handOver;
            foreach (var (command, expected) in new[]
            {
                ("HELO device.lan", "250"), ("MAIL FROM:<scanner@device.lan>", "250"), ($"RCPT TO:<{recipient}>", "250"), ("DATA", "354"),
            })
            {
                await stream.WriteAsync(Encoding.Latin1.GetBytes(command + "\r\n"), cancellation);
                if (!await RepliesAsync(expected)) return handOver;
            }
            await stream.WriteAsync(Encoding.Latin1.GetBytes(Content(token, size)), cancellation);
            // From the moment the dot is on its way, only the reply can tell.
            handOver = HandOver.Unknown;
            await stream.WriteAsync("\r\n.\r\n"u8.ToArray(), cancellation);
            var reply = await ReplyAsync(reader, cancellation);
            if (reply is null) return handOver;
            handOver = IsExpected(reply, "250") ? HandOver.Accepted : HandOver.NotSent;
            await stream.WriteAsync("QUIT\r\n"u8.ToArray(), cancellation);
            await ReplyAsync(reader, cancellation);

            async Task<bool> RepliesAsync(string code) => await ReplyAsync(reader, cancellation) is { } said && IsExpected(said, code);
        }
        catch (Exception failure) when (failure is SocketException or IOException)
        {
            // The server died under us: that is what the test is about.
        }
        return handOver;

        bool IsExpected(string said, string code)
        {
            var isExpected = said.StartsWith(code, StringComparison.Ordinal);
            if (!isExpected) onRefusal?.Invoke(said);
            return isExpected;
        }
    }

    private static string Content(string token, int size)
    {
        var content = new StringBuilder($"From: scanner@device.lan\r\nTo: you@example.com\r\nSubject: {token}\r\nX-Token: {token}\r\n\r\n", size + 200);
        while (content.Length < size) content.Append("The quick brown fox jumps over the lazy dog, again and again and again.\r\n");
        return content.Append("end of ").Append(token).ToString();
    }

    private static async Task<string?> ReplyAsync(StreamReader reader, CancellationToken cancellation)
    {
        while (await reader.ReadLineAsync(cancellation) is { } line)
            if (line.Length < 4 || line[3] != '-') return line;
        return null;
    }
}
