using SmartHost.Mail;
using static SmartHost.Gmail.Repair.HeaderBlock;

namespace SmartHost.Gmail.Repair;

/// <summary>
/// Is it still the header, or the text already? Where a line alone does not tell, what follows it does. Each question answers null
/// (or -1) where more has yet to be read, and "text" when in doubt: text in the header is hidden, a field in the text is not.
/// </summary>
internal static class HeaderLookAhead
{
    /// <summary>In octets.</summary>
    internal const int MaxLookAhead = 16 << 10;

    public static bool IsKnownField(ReadOnlySpan<byte> line) => TryName(line, out var name, out _) && HeaderNames.IsKnown(NameOf(line[..name]));

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
                if (at == empty && !HeaderNames.IsKnown(NameOf(line[..name]))) return 0;
                if (IsMail(line[..name])) return empty;
            }
            // The first is a field; behind it, what is neither one nor the rest of one is text.
            else if (at == empty || line.IsEmpty || line[0] is not ((byte)' ' or (byte)'\t')) return 0;
            at += length;
        }
        return complete || rest.Length >= MaxLookAhead ? 0 : -1;
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
}
