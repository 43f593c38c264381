using System.Buffers;
using System.Text;
using MimeKit;
using SmartHost.Mail;

namespace SmartHost.Gmail.Repair;

/// <summary>What the repairs need to know about a message and its device.</summary>
/// <param name="Account">The account's own address.</param>
/// <param name="From">The device's <c>from</c> setting, or null: a display name, or a mailbox that is one of the account's.</param>
/// <param name="MessageId">The queue's, with brackets: the header's own where that was valid.</param>
/// <param name="UniqueId">Asked with a checksum of subject and body: <paramref name="MessageId"/>, or another where other content had that one. Null: it is unique.</param>
public sealed record RepairContext(
    Mailbox Account, IReadOnlyList<Mailbox> Aliases, string Device, string? From, string? SubjectPrefix,
    ReversePath Sender, string MessageId, DateTimeOffset ReceivedAt, Func<uint, ValueTask<string>>? UniqueId = null);

/// <summary>
/// A stored message made fit for Gmail: a rewritten header, and the body as a stream that is never held in memory.
/// Lines of at most 998 octets, one From that the account may use, a Date, a Message-ID, and the text that the device sent;
/// CRLF line ends and no NUL, as it was stored.
/// </summary>
/// <remarks>
/// When it fails: nothing about the content does, whatever the octets. Reading the stored stream may throw what the disk
/// throws; the stream is then disposed and nothing was sent.
/// </remarks>
public sealed class OutgoingMessage : IAsyncDisposable
{
    private const int SliceSize = 16 << 10;

    private readonly Stream stored;
    private readonly byte[] header;
    private readonly long bodyStart;

    /// <summary>The whole message, where it is small. Pooled.</summary>
    private byte[]? whole;
    private readonly int wholeLength;

    /// <summary>Null: the body goes out as it is.</summary>
    private readonly IReadOnlyList<BodySection>? sections;

    private OutgoingMessage(
        Stream stored, byte[] header, long bodyStart, (byte[]? Octets, int Length) whole, IReadOnlyList<BodySection>? sections)
    {
        (this.stored, this.header, this.bodyStart, this.sections) = (stored, header, bodyStart, sections);
        (this.whole, wholeLength) = whole;
    }

    /// <summary>What was mended, for the timeline: "supplied Date", "kept the first of several Subject".</summary>
    public required IReadOnlyList<string> Repairs { get; init; }

    /// <summary>Exact octets that <see cref="WriteToAsync"/> will write.</summary>
    public long Size { get; private set; }

    /// <summary>True where any octet is above 127 (BODY=8BITMIME).</summary>
    public bool Is8Bit { get; private set; }

    /// <summary>The one address of the header From: the account's, or one of its aliases. The envelope sender should be the same.</summary>
    public required Mailbox From { get; init; }

    /// <summary>Names of attachments whose type Gmail refuses (552 5.7.0), at most twenty. For what is inside archives see <see cref="FindBlockedAsync"/>.</summary>
    public required IReadOnlyList<string> BlockedAttachments { get; init; }

    /// <summary>Reads <paramref name="stored"/> (seekable; owned from here on) once to learn its size and faults, twice where the body must change.</summary>
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

    /// <summary>Writes header and body, not dot-stuffed. May be called again.</summary>
    public async Task WriteToAsync(Stream destination, CancellationToken cancellation)
    {
        await destination.WriteAsync(header, cancellation);
        ValueTask Write(ReadOnlyMemory<byte> chunk) => destination.WriteAsync(chunk, cancellation);
        await (sections is null ? EachBodyChunkAsync(Write, cancellation) : RepairBodyAsync(Write, cancellation));
    }

    /// <summary>
    /// What to name to a person after Gmail has refused an attachment: <see cref="BlockedAttachments"/>, and the files of such
    /// types in zip archives, for Gmail looks into them. Reads the message once more, so it is asked only then. Never throws:
    /// what cannot be read, or not before <paramref name="cancellation"/>, is not named.
    /// </summary>
    public async Task<IReadOnlyList<string>> FindBlockedAsync(CancellationToken cancellation)
    {
        var found = new List<string>(BlockedAttachments);
        try
        {
            stored.Position = 0;
            using var message = await MimeMessage.LoadAsync(ParserOptions.Default, stored, persistent: true, cancellation);
            foreach (var part in message.BodyParts.OfType<MimePart>())
            {
                if (part is not { FileName: { } archive, Content: { } content } || !archive.EndsWith(".zip", StringComparison.OrdinalIgnoreCase)) continue;
                await using var directory = new ZipDirectory();
                await content.DecodeToAsync(directory, cancellation);
                found.AddRange(directory.Names().Where(BlockedTypes.Contains).Select(name => $"{name} in {HeaderText.OnOneLine(archive)}"));
            }
        }
        catch (Exception)
        {
            // A name is a courtesy. Gmail's answer is known and must not be lost over it, neither by a part that the reader
            // stumbles over nor by a stop: the message would be offered again only to be refused again.
        }
        return [.. found.Take(BodyScan.MaxBlocked)];
    }

    public ValueTask DisposeAsync()
    {
        if (whole is not null) ArrayPool<byte>.Shared.Return(whole);
        whole = null;
        return stored.DisposeAsync();
    }

    private static async Task<OutgoingMessage> ReadAsync(Stream stored, RepairContext context, CancellationToken cancellation)
    {
        using var reader = new ChunkReader(stored);
        using var head = await MessageHead.ReadAsync(reader, cancellation);
        var repairs = head.Block.Repairs.Distinct().ToList();
        if (head.WasCut) repairs.Add($"cut a header of more than {MessageHead.MaxHeader >> 10} KB");

        var beginning = new BodyBeginning(head.Rest);
        DuplicateFields.Settle(head.Block.Fields, beginning, repairs);
        MimeFields.Mend(head.Block.Fields, beginning, repairs);
        var scan = new BodyScan(EntityHeader.Of(head.Block.Fields));
        long bodySize = head.Rest.Length;
        scan.Read(head.Rest.Span);
        while (!reader.Ended)
        {
            var chunk = await reader.ReadAsync(cancellation);
            scan.Read(chunk.Span);
            bodySize += chunk.Length;
        }
        var body = scan.Finish();

        if (body.HasLongLines) repairs.Add("broke lines of more than 998 octets" + (body.Root.IsSigned ? ", so its signature no longer holds" : ""));
        if (body.PartCharsets.Count > 0) repairs.Add($"named the charset of a part's text, {string.Join(" and ", body.PartCharsets)}");
        repairs.AddRange(body.PartRepairs);
        if (context.UniqueId is { } unique)
        {
            var subject = head.Block.Fields.FirstOrDefault(field => field.Is("Subject"));
            var id = await unique(subject.Name is null ? body.Checksum : Checksum.Of(subject.Value, body.Checksum));
            if (id != context.MessageId) repairs.Add("gave it a Message-ID of its own, since its device gives several the same");
            context = context with { MessageId = id };
        }
        var changes = body.HasLongLines || body.Sections.Count > 0;
        var (header, from) = HeaderRepair.Repair(head.Block, context, body, repairs);
        var message = new OutgoingMessage(stored, header, head.BodyStart, head.TakeWhole(), changes ? body.Sections : null)
        {
            Repairs = repairs,
            From = from,
            BlockedAttachments = body.BlockedAttachments,
            Size = header.Length + bodySize,
            Is8Bit = body.Is8Bit,
        };
        if (changes) await message.MeasureAsync(cancellation);
        return message;
    }

    private async Task MeasureAsync(CancellationToken cancellation)
    {
        Size = header.Length;
        Is8Bit = false;
        await RepairBodyAsync(chunk =>
        {
            Size += chunk.Length;
            Is8Bit |= !Ascii.IsValid(chunk.Span);
            return default;
        }, cancellation);
    }

    private async Task RepairBodyAsync(Func<ReadOnlyMemory<byte>, ValueTask> write, CancellationToken cancellation)
    {
        var repair = new BodyRepair(sections!);
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
        if (whole is not null)
        {
            await take(whole.AsMemory((int)bodyStart..wholeLength));
            return;
        }
        using var reader = new ChunkReader(stored, from: bodyStart);
        while (!reader.Ended) await take(await reader.ReadAsync(cancellation));
    }
}
