using System.Net.Sockets;
using System.Text;

namespace SmartHost.Practice;

/// <summary>What a device sends in one turn, before it waits for a reply.</summary>
/// <param name="Text">The line, or a word for what is sent, as shown to a person.</param>
/// <param name="Octets">What goes over the wire, its end included.</param>
public sealed record DeviceTurn(string Text, ReadOnlyMemory<byte> Octets)
{
    public static DeviceTurn Command(string line) => new(line, Encoding.UTF8.GetBytes(line + "\r\n"));

    /// <summary>Dot-stuffs CRLF lines and adds the final dot (RFC 5321 §4.5.2).</summary>
    public static DeviceTurn Message(byte[] content)
    {
        var text = Encoding.Latin1.GetString(content);
        var end = text.Length == 0 || text.EndsWith("\r\n", StringComparison.Ordinal) ? ".\r\n" : "\r\n.\r\n";
        var stuffed = (text.StartsWith('.') ? "." : "") + text.Replace("\r\n.", "\r\n..") + end;
        return new DeviceTurn($"({content.Length:N0} octets of message)", Encoding.Latin1.GetBytes(stuffed));
    }
}

/// <summary>One turn of the conversation.</summary>
/// <param name="Sent">Null: the greeting, for which nothing is sent.</param>
/// <param name="Reply">The reply's lines as they came; empty where the server closed instead.</param>
public sealed record DeviceExchange(string? Sent, IReadOnlyList<string> Reply)
{
    /// <summary>The reply's code; 0 where there was none.</summary>
    public int Code => Reply is [.., { Length: >= 3 } last] && int.TryParse(last.AsSpan(0, 3), out var code) ? code : 0;

    public bool IsPositive => Code is >= 200 and < 400;
}

/// <summary>How a device's conversation went.</summary>
/// <param name="Fault">A sentence where it broke off: refused connection, silence, nonsense. Null: it came to its end.</param>
public sealed record DeviceConversation(IReadOnlyList<DeviceExchange> Exchanges, string? Fault)
{
    /// <summary>Every turn was answered well, the message's among them.</summary>
    public bool Succeeded => Fault is null && Exchanges.Count > 1 && Exchanges.All(exchange => exchange.IsPositive);
}

/// <summary>
/// A device: plain SMTP over TCP, one turn at a time, one answer awaited for each. After a refusal it says QUIT and stops,
/// as printers do. It never throws for what the network or the server does: the conversation's fault says it.
/// </summary>
/// <param name="timeout">The longest wait for the connection, and for each reply.</param>
public sealed class PracticeDevice(TimeProvider time, TimeSpan timeout)
{
    private const int LongestReplyLine = 2048, MostReplyLines = 100;

    /// <param name="heard">Told of each exchange as it ends, for a person who watches.</param>
    public async Task<DeviceConversation> PlayAsync(
        string host, int port, IEnumerable<DeviceTurn> turns, CancellationToken cancellation, Action<DeviceExchange>? heard = null)
    {
        var exchanges = new List<DeviceExchange>();
        using var client = new TcpClient { NoDelay = true };
        try
        {
            await InTimeAsync(token => client.ConnectAsync(host, port, token), cancellation);
            var reader = new ReplyReader(client.GetStream());
            await ExchangeAsync(null);
            foreach (var turn in turns)
            {
                var refused = !exchanges[^1].IsPositive;
                await ExchangeAsync(refused ? DeviceTurn.Command("QUIT") : turn);
                if (refused) break;
            }
            return new DeviceConversation(exchanges, null);

            async Task ExchangeAsync(DeviceTurn? turn)
            {
                IReadOnlyList<string> reply = [];
                await InTimeAsync(
                    async token =>
                    {
                        if (turn is not null) await client.GetStream().WriteAsync(turn.Octets, token);
                        reply = await reader.ReadAsync(token);
                    },
                    cancellation);
                exchanges.Add(new DeviceExchange(turn?.Text, reply));
                heard?.Invoke(exchanges[^1]);
            }
        }
        catch (TimeoutException)
        {
            return new DeviceConversation(exchanges, $"no answer from {host} port {port} within {timeout.TotalSeconds:0} s");
        }
        catch (Exception e) when (e is IOException or SocketException or InvalidDataException)
        {
            return new DeviceConversation(exchanges, e.Message);
        }
    }

    private async Task InTimeAsync(Func<CancellationToken, ValueTask> work, CancellationToken cancellation)
    {
        using var late = new CancellationTokenSource(timeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(late.Token, cancellation);
        try
        {
            await work(either.Token);
        }
        catch (OperationCanceledException) when (late.IsCancellationRequested && !cancellation.IsCancellationRequested)
        {
            throw new TimeoutException();
        }
    }

    /// <summary>Replies of bounded length, strictly: CRLF lines, one code, a blank or a hyphen after it.</summary>
    private sealed class ReplyReader(Stream stream)
    {
        private readonly byte[] buffer = new byte[LongestReplyLine];
        private int held;

        public async ValueTask<IReadOnlyList<string>> ReadAsync(CancellationToken cancellation)
        {
            var lines = new List<string>();
            while (lines.Count < MostReplyLines)
            {
                var line = await ReadLineAsync(cancellation);
                if (line.Length < 3 || line.AsSpan(0, 3).ContainsAnyExceptInRange('0', '9') || (line.Length > 3 && line[3] is not (' ' or '-')))
                    throw new InvalidDataException($"this is no SMTP reply: {line}");
                if (lines.Count > 0 && line[..3] != lines[0][..3]) throw new InvalidDataException($"one reply with two codes, {lines[0][..3]} and {line[..3]}");
                lines.Add(line);
                if (line.Length == 3 || line[3] == ' ') return lines;
            }
            throw new InvalidDataException($"the reply has more than {MostReplyLines} lines");
        }

        private async ValueTask<string> ReadLineAsync(CancellationToken cancellation)
        {
            while (true)
            {
                var end = buffer.AsSpan(0, held).IndexOf("\r\n"u8);
                if (end >= 0)
                {
                    var line = Encoding.UTF8.GetString(buffer, 0, end);
                    buffer.AsSpan(end + 2, held - end - 2).CopyTo(buffer);
                    held -= end + 2;
                    return line;
                }
                if (held == buffer.Length) throw new InvalidDataException($"a reply line is longer than {LongestReplyLine} octets");
                var read = await stream.ReadAsync(buffer.AsMemory(held), cancellation);
                if (read == 0) throw new InvalidDataException("the server closed the connection without a reply");
                held += read;
            }
        }
    }
}
