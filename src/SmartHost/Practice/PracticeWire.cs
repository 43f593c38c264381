using System.Buffers;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Text;

namespace SmartHost.Practice;

/// <summary>Why a line is not a line.</summary>
internal enum LineFault
{
    None,
    Closed,
    BareLineFeed,
    BareCarriageReturn,
    Nul,
    NotUtf8,
    TooLong,
}

/// <summary>
/// One connection's octets: strict lines in, replies out. Where the listener forgives a device, this forgives nothing:
/// SmartHost is its only client, and every liberty SmartHost takes should show here first.
/// Replies wait until input runs dry, so that a pipelined group is answered in one flush.
/// A broken connection is an <see cref="IOException"/>, silence a <see cref="TimeoutException"/>; the session ends on either.
/// </summary>
internal sealed class PracticeWire : IAsyncDisposable
{
    /// <summary>RFC 4954 §4 asks for 12288 octets, because tokens are long.</summary>
    public const int MaxLine = 12_288;

    private readonly Socket socket;
    private readonly RoundTripStream? delayed;
    private readonly TimeProvider time;
    private readonly TimeSpan idle;
    private readonly CancellationTokenSource silence;
    private readonly CancellationTokenSource reading;
    private readonly byte[] buffer = new byte[64 * 1024];
    private readonly ArrayBufferWriter<byte> replies = new();
    private Stream stream;
    private int start, end;

    public PracticeWire(Socket socket, PracticeSettings settings, TimeProvider time, CancellationToken stopping)
    {
        (this.socket, this.time, idle) = (socket, time, settings.IdleTimeout);
        socket.NoDelay = true;
        stream = new NetworkStream(socket, ownsSocket: true);
        if (settings.RoundTrip > TimeSpan.Zero) stream = delayed = new RoundTripStream(stream, settings.RoundTrip, time);
        silence = new CancellationTokenSource(Timeout.InfiniteTimeSpan, time);
        reading = CancellationTokenSource.CreateLinkedTokenSource(silence.Token, stopping);
    }

    /// <summary>Null before TLS.</summary>
    public SslProtocols? Tls => stream is SslStream tls ? tls.SslProtocol : null;

    public ReadOnlySpan<byte> Input => buffer.AsSpan(start, end - start);

    public bool HasInput => end > start;

    public void Skip(int octets) => start += octets;

    /// <summary>Flushes what was said, then reads more. False: the client closed.</summary>
    public async ValueTask<bool> FillAsync(CancellationToken cancellation)
    {
        await FlushAsync(cancellation);
        if (start > 0)
        {
            buffer.AsSpan(start, end - start).CopyTo(buffer);
            (start, end) = (0, end - start);
        }
        if (end == buffer.Length) throw new InvalidOperationException("the buffer is full: its reader must take something first");
        silence.CancelAfter(idle);
        try
        {
            var read = await stream.ReadAsync(buffer.AsMemory(end), reading.Token);
            end += read;
            return read > 0;
        }
        catch (OperationCanceledException) when (silence.IsCancellationRequested && !cancellation.IsCancellationRequested)
        {
            throw new TimeoutException();
        }
        finally
        {
            silence.CancelAfter(Timeout.InfiniteTimeSpan);
        }
    }

    /// <summary>Waits until the client has sent something, and leaves it there: a read of no octets ends when there are some.</summary>
    public async Task WaitForInputAsync(CancellationToken cancellation)
    {
        await FlushAsync(cancellation);
        await socket.ReceiveAsync(Memory<byte>.Empty, SocketFlags.None, cancellation);
    }

    /// <summary>One CRLF line without its end; with a fault, the text as far as it could be read.</summary>
    public async ValueTask<(string Text, LineFault Fault)> ReadLineAsync(CancellationToken cancellation)
    {
        while (true)
        {
            var feed = Input.IndexOf((byte)'\n');
            if (feed >= 0)
            {
                var line = Judge(Input[..feed]);
                Skip(feed + 1);
                return line;
            }
            if (Input.Length > MaxLine) return ("", LineFault.TooLong);
            if (!await FillAsync(cancellation)) return ("", LineFault.Closed);
        }
    }

    /// <summary>Adds to what the next flush sends, exactly as given.</summary>
    public void Say(ReadOnlySpan<byte> octets) => replies.Write(octets);

    public void Say(string text) => Encoding.UTF8.GetBytes(text, replies);

    public async ValueTask FlushAsync(CancellationToken cancellation)
    {
        if (replies.WrittenCount == 0) return;
        await stream.WriteAsync(replies.WrittenMemory, cancellation);
        await stream.FlushAsync(cancellation);
        replies.ResetWrittenCount();
    }

    /// <exception cref="AuthenticationException">The client would not shake hands.</exception>
    public async Task StartTlsAsync(SslStreamCertificateContext certificate, CancellationToken cancellation)
    {
        await FlushAsync(cancellation);
        var tls = new SslStream(stream, leaveInnerStreamOpen: false);
        stream = tls;
        await tls.AuthenticateAsServerAsync(
            new SslServerAuthenticationOptions
            {
                ServerCertificateContext = certificate,
                EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
            },
            cancellation);
    }

    /// <summary>
    /// Sends what was said and closes. Reading on until the client closes too matters: a socket closed with unread input
    /// resets, and a reset can overtake the last reply.
    /// </summary>
    public async Task CloseAsync(CancellationToken cancellation)
    {
        await FlushAsync(cancellation);
        if (delayed is not null) await delayed.DrainAsync(cancellation);
        socket.Shutdown(SocketShutdown.Send);
        using var enough = new CancellationTokenSource(TimeSpan.FromSeconds(5), time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(enough.Token, cancellation);
        try
        {
            while (await socket.ReceiveAsync(buffer, SocketFlags.None, either.Token) > 0) { }
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            // A client that does not close is closed.
        }
    }

    /// <summary>Ends the connection with RST, dropping what was not yet sent.</summary>
    public void Reset()
    {
        socket.LingerState = new LingerOption(true, 0);
        socket.Close();
    }

    public async ValueTask DisposeAsync()
    {
        socket.Close();
        await stream.DisposeAsync();
        reading.Dispose();
        silence.Dispose();
    }

    private static (string, LineFault) Judge(ReadOnlySpan<byte> line)
    {
        if (line.Length > MaxLine) return ("", LineFault.TooLong);
        var bare = line.IsEmpty || line[^1] != '\r';
        var text = bare ? line : line[..^1];
        if (!System.Text.Unicode.Utf8.IsValid(text)) return (Encoding.Latin1.GetString(text), LineFault.NotUtf8);
        var fault = bare ? LineFault.BareLineFeed
            : text.Contains((byte)0) ? LineFault.Nul
            : text.Contains((byte)'\r') ? LineFault.BareCarriageReturn
            : LineFault.None;
        return (Encoding.UTF8.GetString(text), fault);
    }
}
