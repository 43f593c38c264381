using System.Buffers;
using System.Text;
using SmartHost.Mail;

namespace SmartHost.Gmail;

/// <summary>What the repairs need to know about a message and its device.</summary>
/// <param name="Account">The account's own address.</param>
/// <param name="From">The device's <c>from</c> setting, or null: a display name, or a mailbox that is one of the account's.</param>
/// <param name="MessageId">The queue's, with brackets: the header's own where that was valid.</param>
public sealed record RepairContext(
    Mailbox Account, IReadOnlyList<Mailbox> Aliases, string Device, string? From, string? SubjectPrefix,
    ReversePath Sender, string MessageId, DateTimeOffset ReceivedAt);

/// <summary>
/// A stored message made fit for Gmail: a rewritten header, and the body as a stream that is never held in memory.
/// Always CRLF line ends, no NUL, lines of at most 998 octets, one From that the account may use, a Date, a Message-ID,
/// and the text that the device sent.
/// </summary>
/// <remarks>
/// When it fails: nothing about the content does, whatever the octets. Reading the stored stream may throw what the disk
/// throws; the stream is then disposed and nothing was sent.
/// </remarks>
public sealed class OutgoingMessage : IAsyncDisposable
{
    /// <summary>A larger header is cut here, and what is left of it is dropped: Gmail refuses less (552 5.3.4).</summary>
    internal const int MaxHeader = 256 << 10;

    private const int SliceSize = 16 << 10;

    private readonly Stream _stored;
    private readonly byte[] _header;
    private readonly long _bodyStart;

    /// <summary>The whole clean message, where it is small. Pooled.</summary>
    private byte[]? _whole;
    private readonly int _wholeLength;

    /// <summary>Null: the body goes out as it is.</summary>
    private readonly IReadOnlyList<BodySection>? _sections;

    private OutgoingMessage(
        Stream stored, byte[] header, long bodyStart, (byte[]? Octets, int Length) whole, IReadOnlyList<BodySection>? sections)
    {
        (_stored, _header, _bodyStart, _sections) = (stored, header, bodyStart, sections);
        (_whole, _wholeLength) = whole;
    }

    /// <summary>What was mended, for the timeline: "supplied Date", "kept the first of several Subject".</summary>
    public required IReadOnlyList<string> Repairs { get; init; }

    /// <summary>Exact octets that <see cref="WriteToAsync"/> will write.</summary>
    public long Size { get; private set; }

    /// <summary>True where any octet is above 127 (BODY=8BITMIME).</summary>
    public bool Is8Bit { get; private set; }

    /// <summary>The one address of the header From: the account's, or one of its aliases. The envelope sender should be the same.</summary>
    public required Mailbox From { get; init; }

    /// <summary>Received fields, ours included: the loop guard counts them.</summary>
    public required int ReceivedCount { get; init; }

    /// <summary>Names of attachments whose type Gmail refuses (552 5.7.0), at most twenty; what is inside archives is not looked at.</summary>
    public required IReadOnlyList<string> BlockedAttachments { get; init; }

    /// <summary>Reads <paramref name="stored"/> (seekable; owned from here on) once to learn its size and faults, twice where lines are too long.</summary>
    public static async Task<OutgoingMessage> PrepareAsync(Stream stored, RepairContext context, CancellationToken cancellation)
    {
        try
        {
            return await ReadAsync(stored, context, cancellation);
        }
        catch
        {
            await stored.DisposeAsync();
            throw;
        }
    }

    /// <summary>Writes header and body: CRLF line ends, no bare CR or LF, no NUL, lines of at most 998 octets. Not dot-stuffed. May be called again.</summary>
    public async Task WriteToAsync(Stream destination, CancellationToken cancellation)
    {
        await destination.WriteAsync(_header, cancellation);
        if (_sections is null)
        {
            await EachBodyChunkAsync(chunk => destination.WriteAsync(chunk, cancellation), cancellation);
            return;
        }
        await RepairBodyAsync(chunk => destination.WriteAsync(chunk, cancellation), cancellation);
    }

    public ValueTask DisposeAsync()
    {
        if (_whole is not null) ArrayPool<byte>.Shared.Return(_whole);
        _whole = null;
        return _stored.DisposeAsync();
    }

    private static async Task<OutgoingMessage> ReadAsync(Stream stored, RepairContext context, CancellationToken cancellation)
    {
        using var reader = new CleanReader(stored);
        var prefix = new Prefix();
        try
        {
            var block = await ReadHeaderAsync(reader, prefix, cancellation);
            var repairs = block.Repairs.Distinct().ToList();

            long bodyStart = block.BodyStart;
            var rest = prefix.Octets[block.BodyStart..];
            var isWhole = reader.Ended;
            if (block.RanOut && !isWhole && rest.IsEmpty)
            {
                repairs.Add($"cut a header of more than {MaxHeader >> 10} KB");
                (bodyStart, rest) = await SkipHeaderAsync(reader, prefix.Octets, cancellation);
            }

            var scan = new BodyScan(EntityHeader.Of(block.Fields));
            long bodySize = rest.Length;
            scan.Read(rest.Span);
            while (!reader.Ended)
            {
                var chunk = await reader.ReadAsync(cancellation);
                scan.Read(chunk.Span);
                bodySize += chunk.Length;
            }
            var body = scan.Finish();

            if (reader.FoundNul) repairs.Add("dropped NUL octets");
            if (reader.FoundBareLineEnd) repairs.Add("made CRLF of bare CR or LF");
            if (body.HasLongLines) repairs.Add("broke lines of more than 998 octets");
            var (header, from) = HeaderRepair.Repair(block, context, body, repairs);
            var message = new OutgoingMessage(
                stored, header, bodyStart, isWhole ? prefix.Release() : default, body.HasLongLines ? body.Sections : null)
            {
                Repairs = repairs,
                From = from,
                ReceivedCount = block.Fields.Count(field => field.Is("Received")),
                BlockedAttachments = body.BlockedAttachments,
                Size = header.Length + bodySize,
                Is8Bit = body.Is8Bit,
            };
            if (body.HasLongLines) await message.MeasureAsync(cancellation);
            return message;
        }
        finally
        {
            prefix.Dispose();
        }
    }

    private async Task MeasureAsync(CancellationToken cancellation)
    {
        Size = _header.Length;
        Is8Bit = false;
        await RepairBodyAsync(chunk =>
        {
            Size += chunk.Length;
            Is8Bit |= !Ascii.IsValid(chunk.Span);
            return default;
        }, cancellation);
    }

    private static async Task<HeaderBlock> ReadHeaderAsync(CleanReader reader, Prefix prefix, CancellationToken cancellation)
    {
        while (true)
        {
            prefix.Add((await reader.ReadAsync(cancellation)).Span);
            var complete = reader.Ended || prefix.Octets.Length >= MaxHeader;
            if (HeaderBlock.Parse(prefix.Octets, complete) is { } block) return block;
        }
    }

    /// <summary>Reads on to where an endless header ends at last: an empty line, or one that is no field.</summary>
    private static async Task<(long BodyStart, ReadOnlyMemory<byte> Body)> SkipHeaderAsync(
        CleanReader reader, ReadOnlyMemory<byte> read, CancellationToken cancellation)
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
                if (!isInLine) piece[..room].CopyTo(head.AsSpan(length));
                if (!isInLine) length += room;
                i += piece.Length;
                if (!isInLine && (end >= 0 || length == head.Length))
                {
                    var line = head.AsSpan(0, length);
                    if (line.SequenceEqual("\r\n"u8)) return (at + i, chunk[i..]);
                    if (line[0] is not ((byte)' ' or (byte)'\t') && !HeaderBlock.TryName(line, out _, out _))
                    {
                        // The line may have begun in the chunk before: what of it is gone from memory comes from the head.
                        var start = i - piece.Length;
                        var before = length - room;
                        var rest = before == 0 ? chunk[start..] : (byte[])[.. line[..before], .. chunk.Span[start..]];
                        return (at + start - before, rest);
                    }
                    isInLine = end < 0;
                    length = 0;
                }
                else if (end >= 0)
                {
                    isInLine = false;
                    length = 0;
                }
            }
            at += chunk.Length;
        }
        return (at, default);
    }

    private async Task RepairBodyAsync(Func<ReadOnlyMemory<byte>, ValueTask> write, CancellationToken cancellation)
    {
        var repair = new BodyRepair(_sections!);
        var output = new ArrayBufferWriter<byte>(4 * SliceSize);
        await EachBodyChunkAsync(async chunk =>
        {
            for (var at = 0; at < chunk.Length; at += SliceSize)
            {
                repair.Write(chunk.Span[at..Math.Min(chunk.Length, at + SliceSize)], output);
                await write(output.WrittenMemory);
                output.ResetWrittenCount();
            }
        }, cancellation);
    }

    private async Task EachBodyChunkAsync(Func<ReadOnlyMemory<byte>, ValueTask> take, CancellationToken cancellation)
    {
        if (_whole is not null)
        {
            if (_wholeLength > _bodyStart) await take(_whole.AsMemory((int)_bodyStart.._wholeLength));
            return;
        }
        using var reader = new CleanReader(_stored);
        var skip = _bodyStart;
        while (!reader.Ended)
        {
            var chunk = await reader.ReadAsync(cancellation);
            var skipped = (int)Math.Min(skip, chunk.Length);
            skip -= skipped;
            if (chunk.Length > skipped) await take(chunk[skipped..]);
        }
    }

    /// <summary>The message's first octets: the header at least, the whole where it is small.</summary>
    private sealed class Prefix : IDisposable
    {
        private byte[]? _octets;
        private int _length;

        public ReadOnlyMemory<byte> Octets => _octets.AsMemory(0, _length);

        public void Add(ReadOnlySpan<byte> chunk)
        {
            if (_octets is null || _octets.Length - _length < chunk.Length)
            {
                var larger = ArrayPool<byte>.Shared.Rent(_length + chunk.Length);
                _octets.AsSpan(0, _length).CopyTo(larger);
                Dispose();
                _octets = larger;
            }
            chunk.CopyTo(_octets.AsSpan(_length));
            _length += chunk.Length;
        }

        public (byte[]? Octets, int Length) Release()
        {
            var whole = (_octets, _length);
            _octets = null;
            return whole;
        }

        public void Dispose()
        {
            if (_octets is not null) ArrayPool<byte>.Shared.Return(_octets);
            _octets = null;
        }
    }
}
