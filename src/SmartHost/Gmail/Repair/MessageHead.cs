using System.Buffers;

namespace SmartHost.Gmail.Repair;

/// <summary>The beginning of a message: its header, and as much of the body as came with it. Memory: <see cref="MaxHeader"/> and one chunk.</summary>
internal sealed class MessageHead : IDisposable
{
    /// <summary>A larger header is cut here, and the rest of it is dropped: no device means it, and Gmail takes no such header (552 5.3.4).</summary>
    public const int MaxHeader = 256 << 10;

    /// <summary>From the message's first on. Pooled.</summary>
    private byte[]? octets;
    private int length;
    private bool isWhole;

    private MessageHead() { }

    public HeaderBlock Block { get; private set; } = null!;

    public bool WasCut { get; private set; }

    /// <summary>Offset of the body in the message.</summary>
    public long BodyStart { get; private set; }

    /// <summary>What of the body has been read. Valid until the reader reads on.</summary>
    public ReadOnlyMemory<byte> Rest { get; private set; }

    public static async Task<MessageHead> ReadAsync(ChunkReader reader, CancellationToken cancellation)
    {
        var head = new MessageHead();
        try
        {
            do
            {
                head.Add((await reader.ReadAsync(cancellation)).Span);
                head.Block = HeaderBlock.Parse(head.Octets);
            }
            while (!head.Block.IsCertain && !reader.Ended && head.length < MaxHeader);

            head.isWhole = reader.Ended;
            (head.BodyStart, head.Rest) = (head.Block.BodyStart, head.Octets[head.Block.BodyStart..]);
            head.WasCut = head.Block.RanOut && !reader.Ended && head.Rest.IsEmpty;
            if (head.WasCut) (head.BodyStart, head.Rest) = await SkipHeaderAsync(reader, head.Octets, cancellation);
            return head;
        }
        catch
        {
            head.Dispose();
            throw;
        }
    }

    /// <summary>Hands over the whole message, where it is so small that all of it was read; else null.</summary>
    public (byte[]? Octets, int Length) TakeWhole()
    {
        if (!isWhole) return default;
        var whole = (octets, length);
        octets = null;
        return whole;
    }

    public void Dispose()
    {
        if (octets is not null) ArrayPool<byte>.Shared.Return(octets);
        octets = null;
    }

    private ReadOnlyMemory<byte> Octets => octets.AsMemory(0, length);

    private void Add(ReadOnlySpan<byte> chunk)
    {
        if (octets is null || octets.Length - length < chunk.Length)
        {
            var larger = ArrayPool<byte>.Shared.Rent(length + chunk.Length);
            octets.AsSpan(0, length).CopyTo(larger);
            Dispose();
            octets = larger;
        }
        chunk.CopyTo(octets.AsSpan(length));
        length += chunk.Length;
    }

    /// <summary>Reads on to where an endless header ends at last: an empty line, or one that is no field.</summary>
    private static async Task<(long BodyStart, ReadOnlyMemory<byte> Body)> SkipHeaderAsync(
        ChunkReader reader, ReadOnlyMemory<byte> read, CancellationToken cancellation)
    {
        var at = (long)read.Length;
        var head = new byte[128];
        var length = 0;
        var isInLine = !read.Span.EndsWith("\n"u8); // The rest of a line that was cut is dropped with it.
        while (!reader.Ended)
        {
            var chunk = await reader.ReadAsync(cancellation);
            for (var i = 0; i < chunk.Length;)
            {
                var end = chunk.Span[i..].IndexOf((byte)'\n');
                var piece = chunk.Span.Slice(i, end < 0 ? chunk.Length - i : end + 1);
                var room = Math.Min(piece.Length, head.Length - length);
                piece[..room].CopyTo(head.AsSpan(length));
                length += room;
                i += piece.Length;
                if (!isInLine && (end >= 0 || length == head.Length))
                {
                    var line = head.AsSpan(0, length);
                    if (line.SequenceEqual("\r\n"u8)) return (at + i, chunk[i..]);
                    if (!HeaderBlock.BeginsBlank(line) && !HeaderBlock.TryName(line, out _, out _))
                    {
                        // The line may have begun in the chunk before: what of it is gone from memory comes from the head.
                        var start = i - piece.Length;
                        var before = length - room;
                        var rest = before == 0 ? chunk[start..] : (byte[])[.. line[..before], .. chunk.Span[start..]];
                        return (at + start - before, rest);
                    }
                    isInLine = true;
                }
                if (end >= 0) (isInLine, length) = (false, 0);
            }
            at += chunk.Length;
        }
        return (at, default);
    }
}
