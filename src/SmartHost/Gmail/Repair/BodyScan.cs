using System.Text;
using MimeKit;

namespace SmartHost.Gmail.Repair;

/// <summary>What to do with a stretch of the body: lines too long for SMTP, put so that the decoded content stays the same.</summary>
internal enum BodyAction
{
    /// <summary>A part's header, written anew.</summary>
    Replace,

    /// <summary>Base64: line ends mean nothing, so lines are cut at 76.</summary>
    WrapBase64,

    /// <summary>Quoted-printable: soft line breaks.</summary>
    SoftBreak,

    /// <summary>Plain octets become quoted-printable, and the part's header says so.</summary>
    EncodeQuotedPrintable,
}

/// <param name="Start">Offset in the body: the start of a line, or of a boundary that stands behind something else on its line.</param>
/// <param name="End">Exclusive, likewise.</param>
internal readonly record struct BodySection(long Start, long End, BodyAction Action, byte[]? Replacement = null);

/// <summary>What one reading of the body taught.</summary>
/// <param name="Sections">In order, without overlap. Outside them a line that is too long is folded at a blank.</param>
/// <param name="Charset">Set where the octets of the root need a charset that the header does not name.</param>
/// <param name="TextCharset">Of the first text, declared or found: what raw text in the header will be in.</param>
/// <param name="PartCharsets">Those that parts needed and now declare, as many as a person reads.</param>
/// <param name="PartRepairs">What was mended in parts, in words for a person.</param>
/// <param name="Checksum">Of all octets: tells one body from another.</param>
/// <param name="RootEncoding">Set where the message's own Content-Transfer-Encoding must say something else.</param>
internal sealed record BodyFacts(
    EntityHeader Root, bool HasLongLines, bool Is8Bit, IReadOnlyList<BodySection> Sections, string? Charset, string? TextCharset,
    IReadOnlyCollection<string> PartCharsets, IReadOnlyCollection<string> PartRepairs, string? RootEncoding, IReadOnlyList<string> BlockedAttachments, uint Checksum);

/// <summary>
/// Reads a body once, line by line, and keeps of it only where its MIME parts begin (RFC 2046) as long as they matter:
/// parts with a line over 998 octets, in a charset that they do not declare, with a raw name or a broken header, boundaries that are not on
/// a line of their own, names of attachments. Memory is bounded by one part header.
/// </summary>
internal sealed class BodyScan
{
    /// <summary>Names of blocked attachments: more than a person reads.</summary>
    public const int MaxBlocked = 20;

    private const int MaxPartHeader = 64 << 10, MaxDepth = 20, MaxSections = 2048, MaxEntities = 20_000, MaxPartCharsets = 8;

    /// <summary>Enough of a line to know a boundary (70 octets, RFC 2046 §5.1.1; some write more).</summary>
    private readonly byte[] lineHead = new byte[300], lineTail = new byte[300];
    private readonly List<(byte[] Line, bool OfDigest)> boundaries = [];
    private readonly List<BodySection> sections = [];
    private readonly List<string> blocked = [];
    private readonly EntityHeader root;

    private readonly HashSet<string> partCharsets = [], partRepairs = [];

    private MemoryStream? header;
    private bool inHeader;
    private long headerStart;
    private bool headerNeedsMending;

    /// <summary>Null: between parts, or in what nobody understands.</summary>
    private EntityHeader? leaf;
    private long leafStart;
    private bool leafHasLongLine;

    /// <summary>Of the leaf. Null: it needs none, for it names its own or is no text.</summary>
    private TextCharset? charset;

    /// <summary>With more boundaries than these around it, a part is signed or forwarded, and its header no device's mistake to mend.</summary>
    private int sealedWithin = int.MaxValue;

    private long lineStart;
    private long lineLength;
    private int tailLength;
    private int entities;
    private bool hasLongLines, is8Bit;
    private uint checksum;
    private string? rootEncoding, rootCharset, textCharset;

    public BodyScan(EntityHeader root)
    {
        this.root = root;
        Enter(root, 0);
    }

    public void Read(ReadOnlySpan<byte> body)
    {
        checksum = Checksum.Of(body, checksum);
        is8Bit |= !Ascii.IsValid(body);
        while (!body.IsEmpty)
        {
            var end = body.IndexOf((byte)'\n');
            var line = end < 0 ? body : body[..(end + 1)];
            body = body[line.Length..];
            // With the boundary behind it, which is ASCII and changes nothing.
            if (leaf is not null) charset?.Read(line);
            if (lineLength == 0 && end >= 0 && !inHeader)
            {
                lineLength = line.Length;
                EndLine(line, line);
                continue;
            }
            KeepTail(line);
            if (lineLength < lineHead.Length)
            {
                var room = Math.Min(line.Length, lineHead.Length - (int)lineLength);
                line[..room].CopyTo(lineHead.AsSpan((int)lineLength));
            }
            lineLength += line.Length;
            if (inHeader) header!.Write(line);
            if (end >= 0) EndLine(lineHead.AsSpan(0, (int)Math.Min(lineLength, lineHead.Length)), lineTail.AsSpan(0, tailLength));
            else if (inHeader && header!.Length > MaxPartHeader) GiveUpHeader();
        }
    }

    public BodyFacts Finish()
    {
        if (inHeader) EndHeader(lineStart);
        CloseLeaf(long.MaxValue);
        var isLeaf = !root.IsMultipart && !root.IsMessage;
        if (isLeaf && rootEncoding is null && is8Bit && root.Encoding == TransferEncoding.Identity && !root.Is8Bit) rootEncoding = "8bit";
        return new BodyFacts(root, hasLongLines, is8Bit, sections, rootCharset,
            textCharset ?? root.Charset, partCharsets, partRepairs, rootEncoding, blocked, checksum);
    }

    private void KeepTail(ReadOnlySpan<byte> piece)
    {
        if (lineLength == 0) tailLength = 0;
        piece = piece[^Math.Min(piece.Length, lineTail.Length)..];
        var kept = Math.Min(tailLength, lineTail.Length - piece.Length);
        lineTail.AsSpan(tailLength - kept, kept).CopyTo(lineTail);
        piece.CopyTo(lineTail.AsSpan(kept));
        tailLength = kept + piece.Length;
    }

    private void EndLine(ReadOnlySpan<byte> head, ReadOnlySpan<byte> tail)
    {
        var next = lineStart + lineLength;
        var isLong = lineLength > HeaderText.MaxLine + 2;
        hasLongLines |= isLong;
        if (head[0] == '-' && boundaries.Count > 0 && !isLong && IsBoundary(head, out var depth, out var closes))
        {
            if (inHeader)
            {
                header!.SetLength(header.Length - lineLength);
                EndHeader(lineStart);
            }
            CloseLeaf(lineStart);
            Delimit(next, depth, closes);
            return;
        }
        if (leaf is { Encoding: TransferEncoding.Base64 } && sealedWithin == int.MaxValue && Glued(tail, out depth, out closes) is { } delimiter)
        {
            // No base64 has that sign, so what follows would be lost in the attachment.
            var at = next - delimiter.Length;
            leafHasLongLine = true;
            CloseLeaf(at);
            Add(new(at, next, BodyAction.Replace, [.. "\r\n"u8, .. delimiter]));
            partRepairs.Add("put a boundary on a line of its own, which stood behind an attachment's last octets");
            Delimit(next, depth, closes);
            return;
        }
        lineStart = next;
        if (inHeader)
        {
            headerNeedsMending |= isLong;
            if (lineLength == 2) EndHeader(next);
            else if (header!.Length > MaxPartHeader) GiveUpHeader();
        }
        else
        {
            leafHasLongLine |= isLong;
        }
        lineLength = 0;
    }

    private void Delimit(long next, int depth, bool closes)
    {
        boundaries.RemoveRange(depth + (closes ? 0 : 1), boundaries.Count - depth - (closes ? 0 : 1));
        if (boundaries.Count <= sealedWithin) sealedWithin = int.MaxValue;
        lineStart = next;
        lineLength = 0;
        if (!closes) BeginHeader(next);
    }

    /// <summary>The boundary behind base64 on the same line, with its line end. Null: there is none.</summary>
    private byte[]? Glued(ReadOnlySpan<byte> tail, out int depth, out bool closes)
    {
        closes = false;
        depth = boundaries.Count - 1;
        var line = tail.TrimEnd("\r\n \t"u8);
        var dashes = line.IndexOf("--"u8);
        if (dashes < 4 || !BodyBeginning.IsBase64(line[..dashes])) return null;
        return IsBoundary(line[dashes..], out depth, out closes) ? tail[dashes..].ToArray() : null;
    }

    private bool IsBoundary(ReadOnlySpan<byte> line, out int depth, out bool closes)
    {
        closes = false;
        line = line.TrimEnd("\r\n \t"u8);
        for (depth = boundaries.Count - 1; depth >= 0; depth--)
        {
            var boundary = boundaries[depth].Line;
            if (!line.StartsWith(boundary)) continue;
            closes = line[boundary.Length..].SequenceEqual("--"u8);
            if (closes || line.Length == boundary.Length) return true;
        }
        return false;
    }

    private void BeginHeader(long at)
    {
        leaf = null;
        if (++entities > MaxEntities) return;
        inHeader = true;
        headerStart = at;
        headerNeedsMending = false;
        (header ??= new MemoryStream(512)).SetLength(0);
    }

    /// <summary>No header of a part is so long: it is text that follows without an empty line between, or not understood.</summary>
    private void GiveUpHeader()
    {
        if (PartHeader.Parse(HeaderOctets(), out _, out _) is null) EndHeader(headerStart + header!.Length);
        else (inHeader, leaf) = (false, null);
    }

    private ReadOnlyMemory<byte> HeaderOctets() => header!.GetBuffer().AsMemory(0, (int)header.Length);

    private void EndHeader(long end)
    {
        inHeader = false;
        leaf = null;
        byte[] text = [];
        var fields = PartHeader.Parse(HeaderOctets(), out var isJoined, out var textStart);
        if (fields is null && textStart >= 0 && sealedWithin == int.MaxValue)
        {
            text = HeaderOctets()[textStart..].ToArray();
            header!.SetLength(textStart);
            end = headerStart + textStart;
            fields = PartHeader.Parse(HeaderOctets(), out isJoined, out _);
            headerNeedsMending = true;
        }
        if (fields is null || (text.Length > 0 && !MayBegin(text, EntityHeader.Of(fields)))) return;
        if (text.Length > 0) partRepairs.Add("added the empty line between a part's header and its text");
        if (sealedWithin == int.MaxValue && isJoined)
        {
            headerNeedsMending = true;
            partRepairs.Add("joined a line of a part's header that had lost its leading blank");
        }
        if (sealedWithin == int.MaxValue && fields.Exists(PartHeader.NeedsMending))
        {
            headerNeedsMending = true;
            partRepairs.Add("wrote a part's name in ASCII or in quotes, or its Content-Transfer-Encoding alone");
        }
        var entity = EntityHeader.Of(fields);
        // The parts of a digest are messages where they do not say so (RFC 2046 §5.1.5).
        if (boundaries is [.., { OfDigest: true }] && !fields.Exists(field => field.Is("Content-Type"))) entity = entity with { ContentType = new ContentType("message", "rfc822") };
        if (headerNeedsMending && (entity.IsMultipart || entity.IsMessage)) Add(new(headerStart, end, BodyAction.Replace, PartHeader.Write(fields, textCharset)));
        Enter(entity, end);
        if (leaf is null) return;
        charset?.Read(text);
        leafHasLongLine |= PartHeader.HasLongLine(text);
    }

    /// <summary>A forwarded message would have to begin with what has just been read; and base64 that begins with other letters comes out shifted.</summary>
    private static bool MayBegin(ReadOnlySpan<byte> text, EntityHeader entity)
    {
        if (entity.IsMessage) return false;
        return entity.Encoding != TransferEncoding.Base64 || BodyBeginning.IsBase64(HeaderBlock.NextLine(ref text, out var first) ? first : text);
    }

    private void Enter(EntityHeader entity, long at)
    {
        if (entity.FileName is { } name && blocked.Count < MaxBlocked && BlockedTypes.Contains(name)) blocked.Add(name);
        leaf = null;
        leafStart = at;
        leafHasLongLine = false;
        var isDigest = entity.ContentType?.IsMimeType("multipart", "digest") == true;
        if (entity.IsSigned || entity.IsMessage || isDigest) sealedWithin = Math.Min(sealedWithin, boundaries.Count);
        if (entity.Boundary is { } boundary && boundaries.Count < MaxDepth) boundaries.Add((Encoding.UTF8.GetBytes("--" + boundary.TrimEnd()), isDigest));
        else if (entity.IsMessage && entities < MaxEntities) BeginHeader(at);
        else if (!entity.IsMultipart) (leaf, charset) = (entity, TextCharset.For(entity));
    }

    private void CloseLeaf(long end)
    {
        if (leaf is not { } closed) return;
        leaf = null;
        var isRoot = ReferenceEquals(closed, root);
        var found = charset?.Finish();
        if (closed.FileName is null && closed.ContentType?.IsMimeType("text", "*") != false) textCharset ??= found ?? closed.Charset;
        if (isRoot) rootCharset = found;
        if (isRoot || closed.FileName is not null || sealedWithin != int.MaxValue) found = null;
        var encodes = leafHasLongLine && closed.Encoding == TransferEncoding.Identity;
        if (!isRoot && (encodes || headerNeedsMending || found is not null) && PartHeader.Parse(HeaderOctets(), out _, out _) is { } fields)
        {
            if (found is not null && partCharsets.Count < MaxPartCharsets) partCharsets.Add(found);
            Add(new(headerStart, leafStart, BodyAction.Replace, PartHeader.Write(fields, textCharset, encodes ? "quoted-printable" : null, found is null ? null : TextCharset.Declare(closed, found))));
        }
        if (!leafHasLongLine) return;
        if (encodes && isRoot) rootEncoding = "quoted-printable";
        Add(new(leafStart, end, closed.Encoding switch
        {
            TransferEncoding.Base64 => BodyAction.WrapBase64,
            TransferEncoding.QuotedPrintable => BodyAction.SoftBreak,
            _ => BodyAction.EncodeQuotedPrintable,
        }));
    }

    /// <summary>Room is always left for a part's two sections together, or a header would promise what its body does not keep.</summary>
    private void Add(BodySection section)
    {
        if (sections.Count < MaxSections || (section.Action != BodyAction.Replace && sections[^1].End == section.Start)) sections.Add(section);
    }
}
