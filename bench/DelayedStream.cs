using System.Diagnostics;
using System.Threading.Channels;

namespace SmartHost.Bench;

/// <summary>
/// A server's side of a long line: what is written arrives one round trip later, in order, and writing does not wait.
/// It lies under TLS, so that a handshake costs its round trips like everything else.
/// </summary>
internal sealed class DelayedStream(Stream inner, TimeSpan roundTrip) : Stream
{
    private readonly Channel<(long Due, byte[] Octets)> line = Channel.CreateUnbounded<(long, byte[])>();
    private Task? pump;

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (roundTrip == TimeSpan.Zero)
        {
            await inner.WriteAsync(buffer, cancellationToken);
            return;
        }
        pump ??= PumpAsync();
        line.Writer.TryWrite((Stopwatch.GetTimestamp() + (long)(roundTrip.TotalSeconds * Stopwatch.Frequency), buffer.ToArray()));
    }

    private async Task PumpAsync()
    {
        try
        {
            await foreach (var (due, octets) in line.Reader.ReadAllAsync())
            {
                var wait = Stopwatch.GetElapsedTime(Stopwatch.GetTimestamp(), due);
                if (wait > TimeSpan.Zero) await Task.Delay(wait, TimeProvider.System);
                await inner.WriteAsync(octets);
            }
        }
        catch (IOException)
        {
            // The other end has gone; its reader will see that too.
        }
    }

    public override async ValueTask DisposeAsync()
    {
        line.Writer.TryComplete();
        if (pump is not null) await pump;
        await inner.DisposeAsync();
        await base.DisposeAsync();
    }

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => inner.ReadAsync(buffer, cancellationToken);
    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();
    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();
    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    public override void Flush() { }
    public override int Read(byte[] buffer, int offset, int count) => inner.Read(buffer, offset, count);
    public override void Write(byte[] buffer, int offset, int count) => WriteAsync(buffer.AsMemory(offset, count)).AsTask().GetAwaiter().GetResult();
    public override bool CanRead => true;
    public override bool CanWrite => true;
    public override bool CanSeek => false;
    public override long Length => throw new NotSupportedException();
    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
    public override void SetLength(long value) => throw new NotSupportedException();
}
