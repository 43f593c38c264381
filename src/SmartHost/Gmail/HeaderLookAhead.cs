using System.Text;
using static SmartHost.Gmail.HeaderBlock;

namespace SmartHost.Gmail;

/// <summary>
/// Is it still the header, or the text already? Where a line alone does not tell, what follows it does. Each question answers null
/// (or -1) where more has yet to be read, and "text" when in doubt: text in the header is hidden, a field in the text is not.
/// </summary>
internal static class HeaderLookAhead
{
    /// <summary>A fold that lost its blank is looked for in so many lines.</summary>
    private const int MaxBrokenLines = 3;

    private const int MaxWordsInName = 3;

    /// <summary>In octets.</summary>
    private const int MaxLookAhead = 16 << 10;

    public static bool IsKnownField(ReadOnlySpan<byte> line) => TryName(line, out var name, out _) && IsKnown(NameOf(line[..name]));

    /// <summary>
    /// Known fields behind blanks and nothing else but folds, down to an empty line, one of them that no text has by chance.
    /// A report that begins with an indented <c>Date:</c> is text.
    /// </summary>
    public static bool? IsIndentedHeader(ReadOnlySpan<byte> rest, bool complete)
    {
        var (at, isMail) = (0, false);
        while (at < rest.Length && at < MaxLookAhead)
        {
            var length = LineLength(rest[at..]);
            if (length < 0) break;
            var line = Content(rest.Slice(at, length)).TrimStart(" \t"u8);
            if (line.IsEmpty) return isMail;
            if (TryName(line, out var name, out _))
            {
                if (!IsKnownField(line)) return false;
                isMail |= IsMail(line[..name]);
            }
            // A fold, but of what, where nothing stands before it?
            else if (at == 0) return false;
            at += length;
        }
        return complete || at >= MaxLookAhead ? false : null;
    }

    /// <summary>
    /// Octets of empty lines to skip where a header of the device's follows them; 0: they end the header. As with an indented one,
    /// a report that begins with <c>Date:</c> is text, unless a field follows that no text has by chance.
    /// </summary>
    public static int EmptyLinesBeforeHeader(ReadOnlySpan<byte> rest, bool complete)
    {
        var empty = 0;
        while (rest[empty..].StartsWith("\r\n"u8) && empty < 16) empty += 2;
        for (var at = empty; at < rest.Length && at < MaxLookAhead;)
        {
            var length = LineLength(rest[at..]);
            if (length < 0) break;
            var line = Content(rest.Slice(at, length));
            if (TryName(line, out var name, out _))
            {
                if (at == empty && !IsKnown(NameOf(line[..name]))) return 0;
                if (IsMail(line[..name])) return empty;
            }
            // The first is a field; behind it, what is neither one nor the rest of one is text.
            else if (at == empty || line.IsEmpty || line[0] is not ((byte)' ' or (byte)'\t')) return 0;
            at += length;
        }
        return complete || rest.Length >= MaxLookAhead ? 0 : -1;
    }

    /// <summary>
    /// A line that is no field may be a fold that lost its blank (the header goes on behind it) or the body (it does not).
    /// It is a fold only if nothing but known, not yet seen fields follow down to an empty line.
    /// </summary>
    /// <param name="before">The fields that stand before it.</param>
    public static bool? IsBrokenFold(IReadOnlyList<HeaderField> before, ReadOnlySpan<byte> rest, bool complete)
    {
        var (at, strange, resumed) = (0, 0, false);
        while (at < rest.Length && at < MaxLookAhead)
        {
            var length = LineLength(rest[at..]);
            if (length < 0) break;
            var line = Content(rest.Slice(at, length));
            at += length;
            if (line.Length == 0) return resumed;
            if (line[0] is (byte)' ' or (byte)'\t') continue;
            if (!TryName(line, out var nameLength, out var valueStart))
            {
                if (++strange > MaxBrokenLines) return false;
                continue;
            }
            var name = NameOf(line[..nameLength]);
            if (!IsKnown(name) || !IsPlausible(before, name, line[valueStart..])) return false;
            resumed = true;
        }
        return complete || at >= MaxLookAhead ? false : null;
    }

    /// <summary>
    /// <c>Device Name: X</c> as the field <c>Device-Name</c>, where the header is known to go on: joined to the field before, it would
    /// spoil that. Null: it is rather the rest of a fold, whose words are many or whose colon is a time's.
    /// </summary>
    public static HeaderField? WithBlanksInName(ReadOnlySpan<byte> line)
    {
        var colon = line.IndexOf((byte)':');
        if (colon < 0 || (colon + 1 < line.Length && line[colon + 1] is not ((byte)' ' or (byte)'\t')) || !Ascii.IsValid(line[..colon])) return null;
        var words = NameOf(line[..colon]).Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries);
        if (words.Length > MaxWordsInName) return null;
        byte[] raw = [.. Encoding.ASCII.GetBytes(string.Join('-', words)), .. line[colon..]];
        return TryName(raw, out var name, out var value) ? new HeaderField(NameOf(raw.AsSpan(0, name)), raw, value) : null;
    }

    public static bool? NextIsField(ReadOnlySpan<byte> rest, bool complete)
    {
        var length = LineLength(rest);
        if (length < 0) return complete ? false : null;
        var line = Content(rest[..length]);
        return line.StartsWith(">From "u8) || IsKnownField(line);
    }

    /// <summary>Of all known names these stand in no report by chance, as <c>Date:</c> and <c>Importance:</c> do.</summary>
    private static bool IsMail(ReadOnlySpan<byte> name) => NameOf(name).ToLowerInvariant() is "from" or "to" or "subject" or "mime-version" or "content-type";

    private static bool IsPlausible(IReadOnlyList<HeaderField> before, string name, ReadOnlySpan<byte> value) =>
        !(SingleInstance.Contains(name) && before.Any(field => field.Is(name)))
        && (!name.Equals("Date", StringComparison.OrdinalIgnoreCase) || HeaderText.IsDate(value))
        && (!(name.Equals("From", StringComparison.OrdinalIgnoreCase) || name.Equals("To", StringComparison.OrdinalIgnoreCase)) || value.Contains((byte)'@'));
}
