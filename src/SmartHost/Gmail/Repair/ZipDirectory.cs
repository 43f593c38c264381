using System.Buffers.Binary;

namespace SmartHost.Gmail.Repair;

/// <summary>
/// Takes a zip archive and keeps of it only the end, where its directory stands: enough to name what is in it without
/// unpacking anything. An archive with thousands of files has the last of them named; what is no zip has none.
/// </summary>
internal sealed class ZipDirectory : WriteOnlyStream
{
    private const int Kept = 256 << 10, EndLength = 22, EntryLength = 46;

    private readonly byte[] end = new byte[2 * Kept];
    private int length;

    /// <summary>Names with their paths, in the directory's order.</summary>
    public IEnumerable<string> Names()
    {
        var last = end.AsSpan(0, length).LastIndexOf("PK\u0005\u0006"u8);
        if (last < 0 || length - last < EndLength) yield break;
        var size = BinaryPrimitives.ReadUInt32LittleEndian(end.AsSpan(last + 12));
        var at = size <= last ? last - (int)size : Math.Max(0, end.AsSpan(0, last).IndexOf("PK\u0001\u0002"u8));
        while (last - at >= EntryLength && end.AsSpan(at).StartsWith("PK\u0001\u0002"u8))
        {
            var (name, extra, comment) = (Length(at + 28), Length(at + 30), Length(at + 32));
            if (at + EntryLength + name > last) yield break;
            yield return HeaderText.Read(end.AsSpan(at + EntryLength, name));
            at += EntryLength + name + extra + comment;
        }

        int Length(int offset) => BinaryPrimitives.ReadUInt16LittleEndian(end.AsSpan(offset));
    }

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> source, CancellationToken cancellationToken = default)
    {
        var octets = source.Span;
        if (octets.Length > Kept) octets = octets[^Kept..];
        if (length + octets.Length > end.Length)
        {
            end.AsSpan(length - Kept, Kept).CopyTo(end);
            length = Kept;
        }
        octets.CopyTo(end.AsSpan(length));
        length += octets.Length;
        return ValueTask.CompletedTask;
    }
}
