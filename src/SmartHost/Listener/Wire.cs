using System.Buffers;
using System.IO.Pipelines;
using System.Net.Security;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Connections;
using SmartHost.Mail;

namespace SmartHost.Listener;

/// <summary>
/// One connection's octets: reads lines and content, gathers replies and writes them in one go before it waits, so that
/// a greeting or an EHLO reply is one TCP segment and pipelined commands get their replies together. Turns into TLS in
/// place. Holds one small buffer; what is not read yet stays in the transport's pipe, whose bound is back-pressure.
/// A broken connection surfaces as an exception (<see cref="IsBroken"/>) that the session's owner ends on.
/// </summary>
internal sealed class Wire(ConnectionContext connection, TimeProvider time, TimeSpan lifetime) : IAsyncDisposable
{
    private const int MaxDropped = 1 << 20, MaxUnsent = 16 * 1024;

    private PipeReader input = connection.Transport.Input;
    private PipeWriter output = connection.Transport.Output;
    private SslStream? tls;
    private byte[] line = ArrayPool<byte>.Shared.Rent(512);
    private int lineLength;
    private int unsent;

    public SessionClock Clock { get; } = new(time, lifetime);

    public WireTrace? Trace { get; set; }

    /// <summary>The line last read, without its line end. Valid until the next read.</summary>
    public ReadOnlySpan<byte> Line => line.AsSpan(0, lineLength);

    /// <summary>The line last read ended in LF alone.</summary>
    public bool EndedInBareLf { get; private set; }

    /// <summary>The line last read was here already when it was asked for: it came in one go with what stands before it.</summary>
    public bool WasAtHand { get; private set; }

    public bool IsTls => tls is not null;

    /// <summary>An exception that means no more than a lost connection.</summary>
    public static bool IsBroken(Exception exception) => exception is IOException or OperationCanceledException or ObjectDisposedException or System.Net.Sockets.SocketException;

    // --- time ---------------------------------------------------------------------------------------------------

    /// <summary>It has been idle, and others need its place.</summary>
    public void TimeOut(long now)
    {
        Clock.TakeAll(now);
        Tick(now);
    }

    /// <summary>Called about once a second for every session: one timer for all instead of one for every read.</summary>
    public void Tick(long now)
    {
        if (!Clock.Tick(now, out var isLost)) return;
        // Only the wait for octets ends at once: a reply on its way may be the 250 of a message that is already ours.
        input.CancelPendingRead();
        if (isLost) Abort();
    }

    public void Stop()
    {
        Clock.Stop();
        if (!Clock.InTransaction) input.CancelPendingRead();
    }

    public void Abort() => connection.Abort();

    // --- reading ------------------------------------------------------------------------------------------------

    public async ValueTask<Heard> ReadLineAsync(int limit, bool secret = false)
    {
        var dropped = 0L;
        lineLength = 0;
        WasAtHand = true;
        // A client that sends command after command and reads no reply would otherwise have them all kept here.
        if (unsent > MaxUnsent) await SendAsync();
        while (true)
        {
            if (!input.TryRead(out var result))
            {
                WasAtHand = false;
                await SendAsync();
                result = await input.ReadAsync();
            }
            var buffer = result.Buffer;
            if (Clock.IsUp || (Clock.IsStopping && !Clock.InTransaction))
            {
                input.AdvanceTo(buffer.Start, buffer.End);
                return TimeIsUp(withinLine: dropped > 0 || !buffer.IsEmpty);
            }
            if (IsTlsHello(buffer) && dropped == 0)
            {
                input.AdvanceTo(buffer.End);
                return Heard.TlsHello;
            }
            if (buffer.PositionOf((byte)'\n') is { } end)
            {
                var found = buffer.Slice(0, end);
                var heard = dropped == 0 && found.Length <= limit ? Heard.Line : Heard.LineTooLong;
                if (heard == Heard.Line) Keep(found);
                input.AdvanceTo(buffer.GetPosition(1, end));
                if (heard == Heard.Line) Trace?.Received(Line, secret);
                else Trace?.Note($"a line of {dropped + found.Length} octets, thrown away");
                return heard;
            }
            if (result.IsCompleted)
            {
                input.AdvanceTo(buffer.End);
                return Heard.Closed;
            }
            if (dropped > 0 || buffer.Length > limit)
            {
                dropped += buffer.Length;
                input.AdvanceTo(buffer.End);
                if (dropped > MaxDropped) return Heard.Endless;
            }
            else
            {
                input.AdvanceTo(buffer.Start, buffer.End);
            }
        }
    }

    /// <summary>Some octets of content, at least one where it returns <see cref="Heard.Content"/>; say with <see cref="AdvanceTo"/> how many were used.</summary>
    public async ValueTask<(Heard Heard, ReadOnlySequence<byte> Octets)> ReadContentAsync()
    {
        while (true)
        {
            if (!input.TryRead(out var result))
            {
                await SendAsync();
                result = await input.ReadAsync();
            }
            if (!result.Buffer.IsEmpty && !Clock.IsUp) return (Heard.Content, result.Buffer);
            input.AdvanceTo(result.Buffer.Start, result.Buffer.End);
            if (Clock.IsUp) return (TimeIsUp(withinLine: false), default);
            if (result.IsCompleted) return (Heard.Closed, default);
        }
    }

    public void AdvanceTo(SequencePosition consumed) => input.AdvanceTo(consumed);

    /// <summary>The client has sent on without waiting for the reply to its last line, and not merely to take its leave.</summary>
    public bool SendsOn()
    {
        if (!input.TryRead(out var result)) return false;
        Span<byte> next = stackalloc byte[6];
        var buffer = result.Buffer.Slice(0, Math.Min(result.Buffer.Length, next.Length));
        buffer.CopyTo(next);
        next = next[..(int)buffer.Length];
        input.AdvanceTo(result.Buffer.Start);
        return !next.IsEmpty && !IsBeginOf(next, "QUIT\r\n"u8) && !IsBeginOf(next, "RSET\r\n"u8);
    }

    private static bool IsBeginOf(ReadOnlySpan<byte> octets, ReadOnlySpan<byte> command) => Ascii.EqualsIgnoreCase(octets.TrimEnd("\r\n"u8), command[..octets.Length].TrimEnd("\r\n"u8));

    // --- writing ------------------------------------------------------------------------------------------------

    /// <summary>Puts a reply behind those not sent yet. RFC 5321 §4.2: ASCII, every line with the code; RFC 2034: and with the enhanced code.</summary>
    public void Write(SmtpReply reply)
    {
        Trace?.Sent(reply);
        var status = reply.Status is { } code ? $"{code} " : "";
        for (var i = 0; i < reply.Lines.Count; i++)
        {
            var text = reply.Lines[i];
            // RFC 5321 §4.5.3.1.5: 512 octets with code and line end.
            var room = Math.Min(text.Length, 512 - 6 - status.Length);
            var span = output.GetSpan(6 + status.Length + room);
            reply.Code.TryFormat(span, out _);
            span[3] = (byte)(i == reply.Lines.Count - 1 ? ' ' : '-');
            var written = 4;
            foreach (var c in status) span[written++] = (byte)c;
            foreach (var c in text.AsSpan(0, room)) span[written++] = c is >= ' ' and <= '~' ? (byte)c : (byte)'?';
            span[written++] = (byte)'\r';
            span[written++] = (byte)'\n';
            output.Advance(written);
            unsent += written;
        }
    }

    public async ValueTask SendAsync()
    {
        if (unsent == 0) return;
        unsent = 0;
        var result = await output.FlushAsync();
        if (result.IsCompleted) throw new IOException("the client no longer reads");
    }

    /// <summary>
    /// After an error that ends the session: sends what is left and reads on for a moment. Closing a socket with unread
    /// octets resets it, and a reset overtakes the very reply that says why. A client that has gone quiet sends no more,
    /// and may itself be waiting for the close.
    /// </summary>
    public async ValueTask LingerAsync(TimeSpan span, TimeSpan quiet, long octets)
    {
        // Before it is sent: behind a login or a commit no time is measured, and a client that does not read would never be left.
        Clock.AllowToLeave(span);
        await SendAsync();
        await using var patience = time.CreateTimer(_ => input.CancelPendingRead(), null, quiet, Timeout.InfiniteTimeSpan);
        while (octets > 0)
        {
            var result = await input.ReadAsync();
            octets -= result.Buffer.Length;
            input.AdvanceTo(result.Buffer.End);
            if (result.IsCompleted || result.IsCanceled || Clock.IsUp || Clock.IsStopping) return;
            patience.Change(quiet, Timeout.InfiniteTimeSpan);
        }
    }

    // --- TLS ----------------------------------------------------------------------------------------------------

    /// <summary>
    /// Waits for the first octets, on a port that begins with TLS, and leaves them unread: <see cref="Heard.TlsHello"/>, or
    /// <see cref="Heard.Content"/> where they are none. Who waits for a greeting sends nothing, and the time is up.
    /// </summary>
    public async ValueTask<Heard> HelloAsync()
    {
        while (true)
        {
            var result = await input.ReadAsync();
            var first = result.Buffer.IsEmpty ? (byte?)null : result.Buffer.FirstSpan[0];
            input.AdvanceTo(result.Buffer.Start);
            if (first is { } octet) return octet is 0x16 or >= 0x80 ? Heard.TlsHello : Heard.Content;
            if (result.IsCompleted) return Heard.Closed;
            if (Clock.IsUp || Clock.IsStopping) return TimeIsUp(withinLine: false);
        }
    }

    /// <summary>
    /// Begins TLS on this connection. Octets that arrived in clear behind STARTTLS are thrown away first: inside TLS they
    /// would count as the authenticated client's (CVE-2011-0411). Not null: why the handshake failed; the connection is of no use.
    /// </summary>
    public async Task<string?> StartTlsAsync(SslServerAuthenticationOptions options, SmtpReply? ready, TimeSpan timeout)
    {
        if (ready is not null)
        {
            if (input.TryRead(out var pending)) input.AdvanceTo(pending.Buffer.End);
            Write(ready);
            await SendAsync();
        }
        var stream = new SslStream(new TransportStream(connection.Transport), leaveInnerStreamOpen: true);
        using var patience = new CancellationTokenSource(timeout, time);
        try
        {
            await stream.AuthenticateAsServerAsync(options, patience.Token);
        }
        catch (Exception e) when (e is System.Security.Authentication.AuthenticationException || IsBroken(e))
        {
            await stream.DisposeAsync();
            // The innermost names the client's alert; those round it only say that there was one.
            return e is OperationCanceledException ? "nothing came" : e.GetBaseException().Message;
        }
        tls = stream;
        input = PipeReader.Create(stream, new StreamPipeReaderOptions(bufferSize: 4096, minimumReadSize: 1024, leaveOpen: true));
        output = PipeWriter.Create(stream, new StreamPipeWriterOptions(leaveOpen: true));
        Trace?.Note($"{stream.SslProtocol}, {stream.NegotiatedCipherSuite}");
        return null;
    }

    public async ValueTask DisposeAsync()
    {
        ArrayPool<byte>.Shared.Return(line);
        line = [];
        Trace?.Dispose();
        if (tls is null) return;
        await input.CompleteAsync();
        try
        {
            await output.CompleteAsync();
            await tls.ShutdownAsync();
        }
        catch (Exception e) when (IsBroken(e) || e is InvalidOperationException or CryptographicException)
        {
            // A close_notify to someone who has gone, or who is in the middle of another handshake: OpenSSL knows no end there.
        }
        await tls.DisposeAsync();
    }

    private Heard TimeIsUp(bool withinLine) =>
        Clock.IsStopping ? Heard.Stopping
        : Clock.IsOld ? Heard.Outlived
        : withinLine ? Heard.HalfLine
        : Heard.TimedOut;

    private void Keep(ReadOnlySequence<byte> found)
    {
        lineLength = (int)found.Length;
        if (line.Length < lineLength)
        {
            ArrayPool<byte>.Shared.Return(line);
            line = ArrayPool<byte>.Shared.Rent(lineLength);
        }
        found.CopyTo(line);
        EndedInBareLf = lineLength == 0 || line[lineLength - 1] != (byte)'\r';
        if (!EndedInBareLf) lineLength--;
    }

    /// <summary>A TLS record of type handshake, or the SSL 2.0 form of it (RFC 5246 appendix E.2) that older devices begin with even for TLS 1.0.</summary>
    private static bool IsTlsHello(in ReadOnlySequence<byte> buffer) =>
        buffer.FirstSpan is [0x16, ..] or [>= 0x80, _, 0x01, 0x00, 0x02, ..] or [>= 0x80, _, 0x01, 0x03, <= 0x04, ..];
}
