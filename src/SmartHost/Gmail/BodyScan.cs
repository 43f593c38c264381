using System.Text;
using System.Text.Unicode;

namespace SmartHost.Gmail;

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

/// <param name="Start">Offset in the clean body; always the start of a line.</param>
/// <param name="End">Exclusive, likewise.</param>
internal readonly record struct BodySection(long Start, long End, BodyAction Action, byte[]? Replacement = null);

/// <summary>What one reading of the body taught.</summary>
/// <param name="Sections">In order, without overlap. Outside them a line that is too long is folded at a blank.</param>
/// <param name="Charset">Set where the octets need a charset that nobody declared.</param>
/// <param name="Checksum">Of all octets: tells one body from another.</param>
/// <param name="RootEncoding">Set where the message's own Content-Transfer-Encoding must say something else.</param>
internal sealed record BodyFacts(
    EntityHeader Root, bool HasLongLines, bool Is8Bit, IReadOnlyList<BodySection> Sections, string? Charset, string? RootEncoding,
    IReadOnlyList<string> BlockedAttachments, uint Checksum);

/// <summary>
/// Reads a body once, line by line, and keeps of it only where its MIME parts begin (RFC 2046) as long as they matter:
/// parts with a line over 998 octets, names of attachments. Memory is bounded by one part header.
/// </summary>
internal sealed class BodyScan
{
    /// <summary>Names of blocked attachments: more than a person reads.</summary>
    public const int MaxBlocked = 20;

    private const int MaxPartHeader = 64 << 10, MaxDepth = 20, MaxSections = 2048, MaxEntities = 20_000;

    /// <summary>Enough of a line to know a boundary (70 octets, RFC 2046 §5.1.1; some write more).</summary>
    private readonly byte[] _head = new byte[300];
    private readonly List<byte[]> _boundaries = [];
    private readonly List<BodySection> _sections = [];
    private readonly List<string> _blocked = [];
    private readonly EntityHeader _root;
    private readonly bool _findsCharset;

    private MemoryStream? _header;
    private bool _inHeader;
    private long _headerStart;
    private bool _headerHasLongLine;

    /// <summary>Null: between parts, or in what nobody understands.</summary>
    private EntityHeader? _leaf;
    private bool _leafIsRoot;
    private long _leafStart;
    private bool _leafHasLongLine;

    private long _lineStart;
    private long _lineLength;
    private int _entities;
    private bool _hasLongLines, _is8Bit, _notUtf8, _hasC1;
    private uint _checksum;
    private string? _rootEncoding;
    private readonly byte[] _cutSequence = new byte[3];
    private int _cutLength;

    public BodyScan(EntityHeader root)
    {
        _root = root;
        _leafIsRoot = true;
        _findsCharset = root.Encoding == TransferEncoding.Identity
            && (root.ContentType is null || (root.ContentType.IsMimeType("text", "*") && string.IsNullOrEmpty(root.ContentType.Charset)));
        Enter(root, 0);
    }

    public void Read(ReadOnlySpan<byte> body)
    {
        _checksum = Checksum.Of(body, _checksum);
        if (!Ascii.IsValid(body))
        {
            _is8Bit = true;
            if (_findsCharset) Recognise(body);
        }
        else if (_cutLength > 0)
        {
            _notUtf8 = true;
            _cutLength = 0;
        }
        while (!body.IsEmpty)
        {
            var end = body.IndexOf((byte)'\n');
            var line = end < 0 ? body : body[..(end + 1)];
            body = body[line.Length..];
            if (_lineLength == 0 && end >= 0 && !_inHeader)
            {
                _lineLength = line.Length;
                EndLine(line);
                continue;
            }
            if (_lineLength < _head.Length)
            {
                var room = Math.Min(line.Length, _head.Length - (int)_lineLength);
                line[..room].CopyTo(_head.AsSpan((int)_lineLength));
            }
            _lineLength += line.Length;
            if (_inHeader) _header!.Write(line);
            if (end >= 0) EndLine(_head.AsSpan(0, (int)Math.Min(_lineLength, _head.Length)));
            else if (_inHeader && _header!.Length > MaxPartHeader) GiveUpHeader();
        }
    }

    public BodyFacts Finish()
    {
        if (_inHeader) EndHeader(_lineStart);
        CloseLeaf(long.MaxValue);
        if (_cutLength > 0) _notUtf8 = true;
        var isLeaf = !_root.IsMultipart && !_root.IsMessage;
        if (isLeaf && _rootEncoding is null && _is8Bit && _root.Encoding == TransferEncoding.Identity && !_root.Is8Bit) _rootEncoding = "8bit";
        var charset = !_findsCharset || !_is8Bit ? null : !_notUtf8 ? "utf-8" : _hasC1 ? "windows-1252" : "iso-8859-1";
        return new BodyFacts(_root, _hasLongLines, _is8Bit, _sections, charset, _rootEncoding, _blocked, _checksum);
    }

    private void EndLine(ReadOnlySpan<byte> head)
    {
        var next = _lineStart + _lineLength;
        var isLong = _lineLength > HeaderText.MaxLine + 2;
        _hasLongLines |= isLong;
        if (head[0] == '-' && _boundaries.Count > 0 && !isLong && IsBoundary(head, out var depth, out var closes))
        {
            if (_inHeader)
            {
                _header!.SetLength(_header.Length - _lineLength);
                EndHeader(_lineStart);
            }
            CloseLeaf(_lineStart);
            _boundaries.RemoveRange(depth + (closes ? 0 : 1), _boundaries.Count - depth - (closes ? 0 : 1));
            _lineStart = next;
            _lineLength = 0;
            if (!closes) BeginHeader(next);
            return;
        }
        _lineStart = next;
        if (_inHeader)
        {
            _headerHasLongLine |= isLong;
            if (_lineLength == 2) EndHeader(next);
            else if (_header!.Length > MaxPartHeader) GiveUpHeader();
        }
        else
        {
            _leafHasLongLine |= isLong;
        }
        _lineLength = 0;
    }

    private bool IsBoundary(ReadOnlySpan<byte> line, out int depth, out bool closes)
    {
        closes = false;
        line = line.TrimEnd("\r\n \t"u8);
        for (depth = _boundaries.Count - 1; depth >= 0; depth--)
        {
            var boundary = _boundaries[depth];
            if (!line.StartsWith(boundary)) continue;
            closes = line[boundary.Length..].SequenceEqual("--"u8);
            if (closes || line.Length == boundary.Length) return true;
        }
        return false;
    }

    private void BeginHeader(long at)
    {
        _leaf = null;
        _leafIsRoot = false;
        if (++_entities > MaxEntities) return;
        _inHeader = true;
        _headerStart = at;
        _headerHasLongLine = false;
        (_header ??= new MemoryStream(512)).SetLength(0);
    }

    /// <summary>No header of a part is so long: whatever it is, it is not understood.</summary>
    private void GiveUpHeader() => (_inHeader, _leaf) = (false, null);

    private void EndHeader(long end)
    {
        _inHeader = false;
        if (PartHeader.Parse(_header!.GetBuffer().AsMemory(0, (int)_header.Length)) is not { } fields)
        {
            _leaf = null;
            return;
        }
        var entity = EntityHeader.Of(fields);
        if (_headerHasLongLine && (entity.IsMultipart || entity.IsMessage)) Add(new(_headerStart, end, BodyAction.Replace, PartHeader.Write(fields, null)));
        Enter(entity, end);
    }

    private void Enter(EntityHeader entity, long at)
    {
        if (entity.FileName is { } name && _blocked.Count < MaxBlocked && BlockedTypes.Contains(name)) _blocked.Add(name);
        _leaf = null;
        _leafStart = at;
        _leafHasLongLine = false;
        if (entity.Boundary is { } boundary && _boundaries.Count < MaxDepth) _boundaries.Add(Encoding.UTF8.GetBytes("--" + boundary.TrimEnd()));
        else if (entity.IsMessage && _entities < MaxEntities) BeginHeader(at);
        else if (!entity.IsMultipart) _leaf = entity;
    }

    private void CloseLeaf(long end)
    {
        if (_leaf is not { } leaf) return;
        _leaf = null;
        var encodes = _leafHasLongLine && leaf.Encoding == TransferEncoding.Identity;
        if (!_leafIsRoot && (encodes || _headerHasLongLine) && PartHeader.Parse(_header!.GetBuffer().AsMemory(0, (int)_header.Length)) is { } fields)
            Add(new(_headerStart, _leafStart, BodyAction.Replace, PartHeader.Write(fields, encodes ? "quoted-printable" : null)));
        if (!_leafHasLongLine) return;
        if (encodes && _leafIsRoot) _rootEncoding = "quoted-printable";
        Add(new(_leafStart, end, leaf.Encoding switch
        {
            TransferEncoding.Base64 => BodyAction.WrapBase64,
            TransferEncoding.QuotedPrintable => BodyAction.SoftBreak,
            _ => BodyAction.EncodeQuotedPrintable,
        }));
    }

    /// <summary>Room is always left for a part's two sections together, or a header would promise what its body does not keep.</summary>
    private void Add(BodySection section)
    {
        if (_sections.Count < MaxSections || (section.Action != BodyAction.Replace && _sections[^1].End == section.Start)) _sections.Add(section);
    }

    private void Recognise(ReadOnlySpan<byte> body)
    {
        _hasC1 |= body.IndexOfAnyInRange((byte)0x80, (byte)0x9f) >= 0;
        if (_notUtf8) return;
        if (_cutLength > 0)
        {
            // A character that the last chunk cut in two.
            Span<byte> whole = stackalloc byte[4];
            _cutSequence.AsSpan(0, _cutLength).CopyTo(whole);
            var add = Math.Min(4 - _cutLength, body.Length);
            body[..add].CopyTo(whole[_cutLength..]);
            if (Rune.DecodeFromUtf8(whole[..(_cutLength + add)], out _, out var used) != System.Buffers.OperationStatus.Done || used <= _cutLength)
            {
                _notUtf8 = true;
                return;
            }
            body = body[(used - _cutLength)..];
            _cutLength = 0;
        }
        for (var tail = 1; tail <= Math.Min(3, body.Length); tail++)
        {
            if (body[^tail] < 0xC0) continue;
            if (Rune.DecodeFromUtf8(body[^tail..], out _, out _) == System.Buffers.OperationStatus.NeedMoreData)
            {
                body[^tail..].CopyTo(_cutSequence);
                _cutLength = tail;
                body = body[..^tail];
            }
            break;
        }
        _notUtf8 = !Utf8.IsValid(body);
    }
}
