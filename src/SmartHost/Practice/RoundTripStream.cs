using System.Threading.Channels;

namespace SmartHost.Practice;

/// <summary>
/// A stream whose writes arrive a round trip later, as from a server far away. It lies under TLS, so that handshakes
/// cost their flights too; the writer never waits, so a pipelined group of commands costs one round trip and not many.
/// Reads pass straight through. If the far side is gone the pump ends quietly and the next write says so.
/// </summary>
internal sealed class RoundTripStream : Stream
{
    private readonly Stream inner;
    private readonly TimeProvider time;
    private readonly TimeSpan roundTrip;
    private readonly Channel<(byte[] Octets, long Written)> underway =
        Channel.CreateBounded<(byte[], long)>(new BoundedChannelOptions(1024) { SingleReader = true });
    private readonly CancellationTokenSource abandoned = new();
    private readonly Task pump;

    public RoundTripStream(Stream inner, TimeSpan roundTrip, TimeProvider time)
    {
        (this.inner, this.roundTrip, this.time) = (inner, roundTrip, time);
        pump = PumpAsync();
    }

    public override bool CanRead => true;

    public override bool CanWrite => true;

    public override bool CanSeek => false;

    public override long Length => throw new NotSupportedException();

    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
        inner.ReadAsync(buffer, cancellationToken);

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        try
        {
            await underway.Writer.WriteAsync((buffer.ToArray(), time.GetTimestamp()), cancellationToken);
        }
        catch (ChannelClosedException e)
        {
            throw new IOException("the connection is gone", e);
        }
    }

    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Waits until all that was written is on its way; nothing can be written afterwards.</summary>
    public async Task DrainAsync(CancellationToken cancellation)
    {
        underway.Writer.TryComplete();
        await pump.WaitAsync(cancellation);
    }

    public override async ValueTask DisposeAsync()
    {
        underway.Writer.TryComplete();
        await abandoned.CancelAsync();
        await pump;
        abandoned.Dispose();
        await inner.DisposeAsync();
        await base.DisposeAsync();
    }

    private async Task PumpAsync()
    {
        try
        {
            await foreach (var (octets, written) in underway.Reader.ReadAllAsync(abandoned.Token))
            {
                var left = roundTrip - time.GetElapsedTime(written);
                if (left > TimeSpan.Zero) await Task.Delay(left, time, abandoned.Token);
                await inner.WriteAsync(octets, abandoned.Token);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or IOException or ObjectDisposedException)
        {
            underway.Writer.TryComplete(e);
        }
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Flush() { }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();
}
