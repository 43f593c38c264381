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
    internal const int MaxName = 100;

    /// <summary>RFC 5322 §3.6 and RFC 2045: at most one of each. To and Cc are merged, not cut, so text after the header never shows as a second.</summary>
    internal static readonly HashSet<string> SingleInstance = new(StringComparer.OrdinalIgnoreCase)
    {
        "Date", "From", "Sender", "Reply-To", "To", "Cc", "Bcc", "Message-ID", "In-Reply-To", "References", "Subject",
        "MIME-Version", "Content-Type", "Content-Transfer-Encoding", "Content-ID", "Content-Description", "Content-Disposition",
    };

    /// <summary>In octets: so far a line is followed by others that show what it is.</summary>
    private const int MaxLookAhead = 16 << 10;

    private readonly ReadOnlyMemory<byte> data;
    private readonly List<int> starts = [];

    /// <summary>The last field, while it is put together from lines that do not stand so in the message. Its array is copied as it grows, not at every line.</summary>
    private ArrayBufferWriter<byte>? joined;

    /// <summary>Where the line begins that is being read.</summary>
    private int at;

    /// <summary>So far there were only the Received fields that a relay, we among them, put on top.</summary>
    private bool ownOnly = true;

    /// <summary>Every line of the device's header, by a script that indents its text.</summary>
    private bool indented;

    private HeaderBlock(ReadOnlyMemory<byte> data) => this.data = data;

    public List<HeaderField> Fields { get; } = [];

    /// <summary>Offset of the body's first octet.</summary>
    public int BodyStart { get; private set; }

    /// <summary>True where the data ended inside the header.</summary>
    public bool RanOut { get; private set; }

    /// <summary>False where more of the message, if there is more, may show that the header ends elsewhere.</summary>
    public bool IsCertain => at + MaxLookAhead <= data.Length;

    public List<string> Repairs { get; } = [];

    /// <param name="data">From the message's first octet: CRLF line ends, no NUL.</param>
    public static HeaderBlock Parse(ReadOnlyMemory<byte> data)
    {
        var block = new HeaderBlock(data);
        block.Read();
        return block;
    }

    /// <summary>Reads <c>name:</c> at the start of a line, blanks before the colon forgiven.</summary>
    public static bool TryName(ReadOnlySpan<byte> line, out string name, out int valueStart)
    {
        (name, valueStart) = ("", 0);
        var colon = line[..Math.Min(line.Length, MaxName + 8)].IndexOf((byte)':');
        if (colon < 2 || !char.IsAsciiLetter((char)line[0])) return false;
        var written = line[..colon].TrimEnd(" \t"u8);
        // Two letters at least, so that C:\SCANS is text; so is http://….
        if (written.Length is < 2 or > MaxName || written.IndexOfAnyExceptInRange((byte)33, (byte)126) >= 0) return false;
        if (line[(colon + 1)..].StartsWith("//"u8)) return false;
        (name, valueStart) = (Encoding.ASCII.GetString(written), colon + 1);
        return true;
    }

    /// <summary>Takes the next line off, without its line end. False where no whole line is left.</summary>
    internal static bool NextLine(scoped ref ReadOnlySpan<byte> rest, out ReadOnlySpan<byte> line)
    {
        var end = rest.IndexOf("\r\n"u8);
        line = end < 0 ? default : rest[..end];
        if (end >= 0) rest = rest[(end + 2)..];
        return end >= 0;
    }

    internal static bool BeginsBlank(ReadOnlySpan<byte> line) => line is [(byte)' ' or (byte)'\t', ..];

    private ReadOnlySpan<byte> Line
    {
        get
        {
            var rest = data.Span[at..];
            return NextLine(ref rest, out var line) ? line : rest;
        }
    }

    /// <summary>The line, and what follows it.</summary>
    private ReadOnlySpan<byte> Ahead => data.Span[at..Math.Min(data.Length, at + MaxLookAhead)];

    /// <summary>Nothing of the device's own has been read yet.</summary>
    private bool AwaitsDevice => ownOnly && (Fields is not [.., var last] || IsWholeReceived(last));

    private void Read()
    {
        while (at < data.Length)
        {
            SkipByteOrderMarks();
            if (Line.IsEmpty)
            {
                if (SkipEmptyLines()) continue;
                PassLine(0);
                BodyStart = at;
                LeaveTextAlone();
                return;
            }
            SkipIndent();
            var line = Line;
            if (!Take(line))
            {
                EndHere();
                return;
            }
            PassLine(line.Length);
        }
        RanOut = true;
        EndHere();
    }

    private void SkipByteOrderMarks()
    {
        for (; ownOnly && Line.StartsWith("\uFEFF"u8); at += 3) Repairs.Add("removed the byte order mark before the header");
    }

    /// <returns>False: there are none, or they end the header.</returns>
    private bool SkipEmptyLines()
    {
        var skipped = ownOnly ? HeaderLookAhead.EmptyLinesBeforeHeader(Ahead)
            : Fields.Exists(field => field.Is("Content-Type")) ? 0
            : HeaderLookAhead.EmptyLinesBeforeMime(Ahead, isMime: Fields.Exists(field => field.Is("MIME-Version")));
        if (skipped > 0) Repairs.Add($"removed the empty line {(ownOnly ? "before" : "within")} the header");
        at += skipped;
        return skipped > 0;
    }

    private void SkipIndent()
    {
        var line = Line;
        if (!BeginsBlank(line)) return;
        if (!indented && AwaitsDevice && HeaderLookAhead.IsIndentedHeader(Ahead))
        {
            indented = true;
            Repairs.Add("removed the blanks before the header");
        }
        var field = line.TrimStart(" \t"u8);
        if (indented && HeaderLookAhead.IsKnownField(field)) at += line.Length - field.Length;
    }

    /// <returns>False: the line begins the body.</returns>
    private bool Take(ReadOnlySpan<byte> line)
    {
        if (BeginsBlank(line) && Fields.Count > 0 && (!AwaitsDevice || IsComment(line)))
        {
            Extend(line);
        }
        else if (Fields is [.., var promising] && BrokenFold.IsPromised(promising, line, out var missing))
        {
            Join(line, missing);
        }
        else if (TryName(line, out var name, out var value))
        {
            Add(new HeaderField(name, data.Slice(at, line.Length), value));
            ownOnly &= Fields[^1].Is("Received");
        }
        else if (ownOnly)
        {
            if (!HeaderLookAhead.IsMboxLine(Ahead)) return false;
            Repairs.Add("removed the mbox “From ” line before the header");
        }
        else
        {
            if (!BrokenFold.GoesOn(Fields, Ahead)) return false;
            if (BrokenFold.AsField(Fields[^1], line, out var repair) is { } field)
            {
                Repairs.Add(repair);
                Add(field);
            }
            else
            {
                Join(line);
            }
        }
        return true;
    }

    /// <summary>Only where the data is cut a line end is missing.</summary>
    private void PassLine(int length) => at = Math.Min(at + length + 2, data.Length);

    /// <summary>
    /// The header ended without its empty line, so lines such as <c>Time: 22:14</c> just before the end belong to the
    /// text behind them, as does a second Subject.
    /// </summary>
    private void EndHere()
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
    }

    /// <summary>A message without any header may begin with lines that look like fields: with no known name among them they are text.</summary>
    private void LeaveTextAlone()
    {
        var first = Fields.FindIndex(field => !field.Is("Received"));
        if (first < 0 || Fields.Exists(field => !field.Is("Received") && HeaderNames.IsKnown(field.Name))) return;
        BodyStart = starts[first];
        Fields.RemoveRange(first, Fields.Count - first);
    }

    private void Add(HeaderField field)
    {
        starts.Add(at);
        Fields.Add(field);
        joined = null;
    }

    private void Extend(ReadOnlySpan<byte> line)
    {
        var (field, start) = (Fields[^1], starts[^1]);
        // The usual fold: the field just reaches further. One that was written anew is longer or shorter than what stands in the message.
        if (joined is null && field.Raw.Length == at - 2 - start && field.Raw.Span.Overlaps(data.Span)) Fields[^1] = field with { Raw = data.Slice(start, at - start + line.Length) };
        else Append("\r\n"u8, line);
    }

    /// <summary>A fold that had lost its blank, and perhaps the sign before it.</summary>
    private void Join(ReadOnlySpan<byte> line, string missing = "")
    {
        Repairs.Add("joined a header line that had lost its leading blank");
        Append(Encoding.ASCII.GetBytes(missing + "\r\n "), line);
    }

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
}
