using System.Buffers;

namespace SmartHost.Gmail.Repair;

/// <summary>
/// Reads a stored message in chunks, cut anywhere. Its lines end in CRLF, the last one too, and no NUL is in it: the listener
/// stores nothing else, nor do our own notices.
/// </summary>
internal sealed class ChunkReader : IDisposable
{
    private const int ChunkSize = 64 << 10;

    private readonly Stream stored;
    private readonly byte[] chunk = ArrayPool<byte>.Shared.Rent(ChunkSize);

    public ChunkReader(Stream stored, long from = 0)
    {
        this.stored = stored;
        stored.Position = from;
    }

    /// <summary>True once the last chunk was handed out.</summary>
    public bool Ended { get; private set; }

    /// <summary>The next chunk, valid until the next call; empty at the end.</summary>
    public async ValueTask<ReadOnlyMemory<byte>> ReadAsync(CancellationToken cancellation)
    {
        var read = await stored.ReadAtLeastAsync(chunk, chunk.Length, throwOnEndOfStream: false, cancellation);
        Ended = read < chunk.Length;
        return chunk.AsMemory(0, read);
    }

    public void Dispose() => ArrayPool<byte>.Shared.Return(chunk);
}
