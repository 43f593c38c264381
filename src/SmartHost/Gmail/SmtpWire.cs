using System.Net.Sockets;
using System.Text;
using SmartHost.Gmail.Replies;
using SmartHost.Mail;

namespace SmartHost.Gmail;

/// <summary>The conversation broke. Never leaves this folder: a session turns it into a verdict.</summary>
internal sealed class WireException(ConnectionFailure failure, string? detail, Exception? inner = null)
    : IOException(detail ?? failure.ToString(), inner)
{
    public ConnectionFailure Failure => failure;

    /// <summary>For a person, or null where the failure says it all.</summary>
    public string? Detail => detail;
}

/// <summary>
/// One connection to a mail server: writes octets, reads whole replies. Bounded whatever the other side sends: a line,
/// a reply and a silence each have a limit. After any exception the conversation is out of step; close it.
/// One reader and one writer may be at work at the same time.
/// </summary>
internal sealed class SmtpWire(Stream stream, TimeProvider time) : IAsyncDisposable
{
    /// <summary>RFC 5321 §4.5.3.1.5 says 512; servers exceed it, by little.</summary>
    internal const int MaxLine = 4096;

    /// <summary>The longest real reply is to EHLO, about twenty lines.</summary>
    internal const int MaxLines = 128;

    private readonly byte[] buffer = new byte[MaxLine];
    private int start, end;

    public Stream Stream => stream;

    /// <summary>True where the other side has said more than it was asked. Before TLS that is an injection (CVE-2011-0411).</summary>
    public bool HasMore => end > start;

    /// <exception cref="WireException">Silence for too long, a closed connection, or something that is not a reply.</exception>
    public async Task<SmtpReply> ReadReplyAsync(TimeSpan timeout, CancellationToken cancellation)
    {
        using var silence = new CancellationTokenSource(timeout, time);
        return await ReadReplyAsync(silence.Token, cancellation);
    }

    /// <param name="silence">Fires when the caller finds that the other side has been silent for too long.</param>
    /// <exception cref="WireException">As above.</exception>
    public async Task<SmtpReply> ReadReplyAsync(CancellationToken silence, CancellationToken cancellation)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(silence, cancellation);
        try
        {
            var lines = new List<string>();
            while (true)
            {
                var line = await ReadLineAsync(lines.Count > 0, either.Token);
                lines.Add(line);
                if (!ReplyText.TryParseLine(line, out _, out var isLast, out _))
                    throw new WireException(ConnectionFailure.NotSmtp, $"it said “{Shortened(line)}”");
                if (isLast) break;
                if (lines.Count == MaxLines) throw new WireException(ConnectionFailure.NotSmtp, $"its reply had more than {MaxLines} lines");
            }
            return ReplyText.TryParse(lines, out var reply)
                ? reply
                : throw new WireException(ConnectionFailure.NotSmtp, $"it changed the reply code within one reply: “{Shortened(lines[^1])}”");
        }
        catch (OperationCanceledException e) when (!cancellation.IsCancellationRequested)
        {
            throw new WireException(ConnectionFailure.TimedOut, null, e);
        }
    }

    public Task WriteLineAsync(string command, TimeSpan timeout, CancellationToken cancellation) =>
        WriteAsync(Encoding.UTF8.GetBytes(command + "\r\n"), timeout, cancellation);

    /// <exception cref="WireException">The other side takes nothing any more.</exception>
    public async Task WriteAsync(ReadOnlyMemory<byte> octets, TimeSpan timeout, CancellationToken cancellation)
    {
        using var stall = new CancellationTokenSource(timeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(stall.Token, cancellation);
        try
        {
            await stream.WriteAsync(octets, either.Token);
            await stream.FlushAsync(either.Token);
        }
        catch (OperationCanceledException e) when (!cancellation.IsCancellationRequested)
        {
            throw new WireException(ConnectionFailure.TimedOut, null, e);
        }
        catch (Exception e) when (IsBroken(e))
        {
            throw new WireException(ConnectionFailure.Closed, null, e);
        }
    }

    public async ValueTask DisposeAsync()
    {
        try
        {
            await stream.DisposeAsync();
        }
        catch (Exception e) when (IsBroken(e))
        {
            // TLS says goodbye on closing; there may be nobody to hear it.
        }
    }

    internal static bool IsBroken(Exception e) => e is IOException and not WireException or SocketException or ObjectDisposedException or InvalidOperationException;

    private async Task<string> ReadLineAsync(bool withinReply, CancellationToken cancellation)
    {
        while (true)
        {
            var feed = buffer.AsSpan(start, end - start).IndexOf((byte)'\n');
            if (feed >= 0)
            {
                var line = Printable(buffer.AsSpan(start, feed));
                start += feed + 1;
                return line;
            }
            if (start > 0)
            {
                buffer.AsSpan(start, end - start).CopyTo(buffer);
                (start, end) = (0, end - start);
            }
            if (end == buffer.Length) throw new WireException(ConnectionFailure.NotSmtp, $"it sent a line of more than {MaxLine} octets");
            int read;
            try
            {
                read = await stream.ReadAsync(buffer.AsMemory(end), cancellation);
            }
            catch (Exception e) when (IsBroken(e))
            {
                throw new WireException(ConnectionFailure.Closed, null, e);
            }
            if (read == 0) throw new WireException(ConnectionFailure.Closed, withinReply || end > 0 ? "in the middle of a reply" : null);
            end += read;
        }
    }

    /// <summary>A reply ends up in logs and on pages: it may hold no control characters.</summary>
    private static string Printable(ReadOnlySpan<byte> line) =>
        string.Concat(Encoding.UTF8.GetString(line).TrimEnd('\r').Select(c => char.IsControl(c) && c != '\t' ? '?' : c));

    private static string Shortened(string line) => line.Length <= 80 ? line : line[..80] + "…";
}
