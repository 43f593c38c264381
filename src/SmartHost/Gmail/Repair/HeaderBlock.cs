using System.Buffers;
using System.Text;
using SmartHost.Mail;

namespace SmartHost.Gmail.Repair;

/// <summary>One header field as it stands in the message.</summary>
/// <param name="Raw">Name, colon and value with its folds, without the final CRLF.</param>
/// <param name="ValueStart">Where the value begins in <paramref name="Raw"/>, behind the colon.</param>
internal readonly record struct HeaderField(string Name, ReadOnlyMemory<byte> Raw, int ValueStart)
{
    public ReadOnlySpan<byte> Value => Raw.Span[ValueStart..];

    public bool Is(string name) => Name.Equals(name, StringComparison.OrdinalIgnoreCase);

    /// <summary>A field of our own making: ASCII, folded already.</summary>
    public static HeaderField Of(string name, string value) =>
        new(name, Encoding.ASCII.GetBytes($"{name}: {value}"), name.Length + 1);
}

/// <summary>
/// A message's header as devices write it: with a byte order mark or an mbox line before it, folds without their blank,
/// no empty line behind it, or no header at all. The first line that can be neither a field nor the rest of one begins the
/// body, so whatever is not understood is kept as text.
/// </summary>
internal sealed class HeaderBlock
{
    /// <summary>Longer names are text: RFC 5322 asks for less than 77 in practice, and some text has colons far to the right.</summary>
    private const int MaxName = 100;

    /// <summary>RFC 5322 §3.6 and RFC 2045: at most one of each. To and Cc are merged, not cut, so text after the header never shows as a second.</summary>
    internal static readonly HashSet<string> SingleInstance = new(StringComparer.OrdinalIgnoreCase)
    {
        "Date", "From", "Sender", "Reply-To", "To", "Cc", "Bcc", "Message-ID", "In-Reply-To", "References", "Subject",
        "MIME-Version", "Content-Type", "Content-Transfer-Encoding", "Content-ID", "Content-Description", "Content-Disposition",
    };

    private readonly List<int> starts = [];

    /// <summary>The last field, while it is put together from lines that do not stand so in the message. Its array is copied as it grows, not at every line.</summary>
    private ArrayBufferWriter<byte>? joined;

    private HeaderBlock() { }

    public List<HeaderField> Fields { get; } = [];

    /// <summary>Offset of the body's first octet.</summary>
    public int BodyStart { get; private set; }

    /// <summary>True where the data ended inside the header.</summary>
    public bool RanOut { get; private set; }

    public List<string> Repairs { get; } = [];

    /// <param name="data">From the message's first octet: CRLF line ends, no NUL.</param>
    /// <param name="complete">True where no more can come: the message ends here, or the header is cut here.</param>
    /// <returns>Null: the header goes on behind <paramref name="data"/>.</returns>
    public static HeaderBlock? Parse(ReadOnlyMemory<byte> data, bool complete)
    {
        var block = new HeaderBlock();
        return block.Read(data, complete) ? block : null;
    }

    /// <summary>Reads <c>name:</c> at the start of a line, blanks before the colon forgiven.</summary>
    public static bool TryName(ReadOnlySpan<byte> line, out int nameLength, out int valueStart)
    {
        (nameLength, valueStart) = (0, 0);
        var colon = line[..Math.Min(line.Length, MaxName + 8)].IndexOf((byte)':');
        if (colon < 2 || !char.IsAsciiLetter((char)line[0])) return false;
        var name = line[..colon].TrimEnd(" \t"u8);
        // Two letters at least, so that C:\SCANS is text; so is http://….
        if (name.Length is < 2 or > MaxName || name.IndexOfAnyExceptInRange((byte)33, (byte)126) >= 0) return false;
        if (line[(colon + 1)..].StartsWith("//"u8)) return false;
        (nameLength, valueStart) = (name.Length, colon + 1);
        return true;
    }

    private bool Read(ReadOnlyMemory<byte> data, bool complete)
    {
        var span = data.Span;
        var at = 0;
        var ownOnly = true; // Only the Received fields that a relay, we among them, put on top.
        var ended = false;
        var indented = false; // Every line of the device's header, by a script that indents its text.
        while (at < span.Length)
        {
            var length = LineLength(span[at..]);
            if (length < 0)
            {
                if (!complete) return false;
                length = span.Length - at;
            }
            var line = Content(span.Slice(at, length));
            while (ownOnly && line.StartsWith("\uFEFF"u8))
            {
                Repairs.Add("removed the byte order mark before the header");
                at += 3;
                length -= 3;
                line = line[3..];
            }
            if (line.Length == 0)
            {
                if (ownOnly)
                {
                    var skipped = HeaderLookAhead.EmptyLinesBeforeHeader(span[at..], complete);
                    if (skipped < 0) return false;
                    if (skipped > 0)
                    {
                        Repairs.Add("removed the empty line before the header");
                        at += skipped;
                        continue;
                    }
                }
                at += length;
                ended = true;
                break;
            }
            if (line[0] is (byte)' ' or (byte)'\t' && !indented && (Fields.Count == 0 || (ownOnly && IsWholeReceived(Fields[^1]))))
            {
                var follows = HeaderLookAhead.IsIndentedHeader(span[at..], complete);
                if (follows is null) return false;
                indented = follows.Value;
                if (indented) Repairs.Add("removed the blanks before the header");
            }
            if (indented && HeaderLookAhead.IsKnownField(line.TrimStart(" \t"u8)) && line[0] is (byte)' ' or (byte)'\t')
            {
                var blanks = line.IndexOfAnyExcept(" \t"u8);
                at += blanks;
                length -= blanks;
                line = line[blanks..];
            }
            if (line[0] is (byte)' ' or (byte)'\t' && Fields.Count > 0 && !(ownOnly && IsWholeReceived(Fields[^1]) && !IsComment(line)))
            {
                Extend(data, at, line.Length);
            }
            else if (Fields is [.., var promising] && BrokenFold.IsPromised(promising, line, out var missing))
            {
                Repairs.Add("joined a header line that had lost its leading blank");
                Join(data.Span.Slice(at, line.Length), missing);
            }
            else if (TryName(line, out var name, out var value))
            {
                var text = NameOf(line[..name]);
                Add(at, new HeaderField(text, data.Slice(at, line.Length), value));
                ownOnly &= Fields[^1].Is("Received");
            }
            else if (ownOnly && (line.StartsWith("From "u8) || line.StartsWith(">From "u8)))
            {
                var next = HeaderLookAhead.NextIsField(span[(at + length)..], complete);
                if (next is null) return false;
                if (next is false) return EndAt(at);
                Repairs.Add("removed the mbox “From ” line before the header");
            }
            else
            {
                var broken = ownOnly ? false : BrokenFold.GoesOn(Fields, span[at..], complete);
                if (broken is null) return false;
                if (broken is false) return EndAt(at);
                if (Fields is [.., var before] && BrokenFold.AsField(before, line, out var repair) is { } field)
                {
                    Repairs.Add(repair);
                    Add(at, field);
                }
                else
                {
                    Repairs.Add("joined a header line that had lost its leading blank");
                    Join(data.Span.Slice(at, line.Length));
                }
            }
            at += length;
        }
        if (!ended)
        {
            if (!complete) return false;
            RanOut = true;
            return EndAt(at);
        }
        BodyStart = at;
        LeaveTextAlone();
        return true;
    }

    /// <summary>
    /// The header ended without its empty line, so lines such as <c>Time: 22:14</c> just before the end belong to the
    /// text behind them, as does a second Subject.
    /// </summary>
    private bool EndAt(int at)
    {
        BodyStart = at;
        for (var i = Fields.Count - 1; i >= 0; i--)
        {
            var field = Fields[i];
            var repeated = SingleInstance.Contains(field.Name) && !field.Is("To") && !field.Is("Cc") && Fields.FindIndex(f => f.Is(field.Name)) < i;
            if (HeaderNames.IsKnown(field.Name) && !repeated) break;
            BodyStart = starts[i];
            Fields.RemoveAt(i);
        }
        LeaveTextAlone();
        if (Fields.Exists(field => !field.Is("Received"))) Repairs.Add("added the empty line that ends the header");
        return true;
    }

    /// <summary>A message without any header may begin with lines that look like fields: with no known name among them they are text.</summary>
    private void LeaveTextAlone()
    {
        var first = Fields.FindIndex(field => !field.Is("Received"));
        if (first < 0 || Fields.Exists(field => !field.Is("Received") && HeaderNames.IsKnown(field.Name))) return;
        BodyStart = starts[first];
        Fields.RemoveRange(first, Fields.Count - first);
    }

    private void Add(int at, HeaderField field)
    {
        starts.Add(at);
        Fields.Add(field);
        joined = null;
    }

    private void Extend(ReadOnlyMemory<byte> data, int at, int length)
    {
        var (field, start) = (Fields[^1], starts[^1]);
        // The usual fold: the field just reaches further. One that was written anew is longer or shorter than what stands in the message.
        if (joined is null && field.Raw.Length == at - 2 - start && field.Raw.Span.Overlaps(data.Span)) Fields[^1] = field with { Raw = data.Slice(start, at - start + length) };
        else Append("\r\n"u8, data.Span.Slice(at, length));
    }

    /// <summary>A fold that had lost its blank, and perhaps the sign before it.</summary>
    private void Join(ReadOnlySpan<byte> line, string missing = "") => Append(Encoding.ASCII.GetBytes(missing + "\r\n "), line);

    private void Append(ReadOnlySpan<byte> between, ReadOnlySpan<byte> line)
    {
        if (joined is null)
        {
            joined = new ArrayBufferWriter<byte>(Fields[^1].Raw.Length + between.Length + line.Length);
            joined.Write(Fields[^1].Raw.Span);
        }
        joined.Write(between);
        joined.Write(line);
        Fields[^1] = Fields[^1] with { Raw = joined.WrittenMemory };
    }

    /// <summary>Our own Received ends in a date. A blank line start behind it is the device's first line of text, not a fold.</summary>
    private static bool IsWholeReceived(HeaderField field)
    {
        if (!field.Is("Received") || field.Raw.Length > 2000) return false; // Ours is short.
        var semicolon = field.Value.LastIndexOf((byte)';');
        return semicolon >= 0 && HeaderText.IsDate(field.Value[(semicolon + 1)..]);
    }

    private static bool IsComment(ReadOnlySpan<byte> line) => line.TrimStart(" \t"u8).StartsWith("("u8);

    /// <summary>With its line end; -1: not all of it is there.</summary>
    internal static int LineLength(ReadOnlySpan<byte> rest) => rest.IndexOf((byte)'\n') is >= 0 and var end ? end + 1 : -1;

    internal static ReadOnlySpan<byte> Content(ReadOnlySpan<byte> line) => line.EndsWith("\r\n"u8) ? line[..^2] : line;

    internal static string NameOf(ReadOnlySpan<byte> name) => Encoding.ASCII.GetString(name);
}
