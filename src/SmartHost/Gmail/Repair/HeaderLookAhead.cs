using SmartHost.Mail;
using static SmartHost.Gmail.Repair.HeaderBlock;

namespace SmartHost.Gmail.Repair;

/// <summary>
/// Is it still the header, or the text already? Where a line alone does not tell, what follows it does. Each question is answered by
/// "text" when in doubt: text in the header is hidden, a field in the text is not.
/// </summary>
internal static class HeaderLookAhead
{
    public static bool IsKnownField(ReadOnlySpan<byte> line) => TryName(line, out var name, out _) && HeaderNames.IsKnown(name);

    /// <summary>
    /// Known fields behind blanks and nothing else but folds, down to an empty line, one of them that no text has by chance.
    /// A report that begins with an indented <c>Date:</c> is text.
    /// </summary>
    public static bool IsIndentedHeader(ReadOnlySpan<byte> rest)
    {
        var isMail = false;
        for (var isFirst = true; NextLine(ref rest, out var line); isFirst = false)
        {
            line = line.TrimStart(" \t"u8);
            if (line.IsEmpty) return isMail;
            if (TryName(line, out var name, out _))
            {
                if (!HeaderNames.IsKnown(name)) return false;
                isMail |= IsMail(name);
            }
            // A fold, but of what, where nothing stands before it?
            else if (isFirst) return false;
        }
        return false;
    }

    /// <summary>
    /// Octets of empty lines to skip where a header of the device's follows them; 0: they end the header. As with an indented one,
    /// a report that begins with <c>Date:</c> is text, unless a field follows that no text has by chance.
    /// </summary>
    public static int EmptyLinesBeforeHeader(ReadOnlySpan<byte> rest)
    {
        var empty = 0;
        while (rest[empty..].StartsWith("\r\n"u8) && empty < 16) empty += 2;
        rest = rest[empty..];
        for (var isFirst = true; NextLine(ref rest, out var line); isFirst = false)
        {
            if (TryName(line, out var name, out _))
            {
                if (isFirst && !HeaderNames.IsKnown(name)) return 0;
                if (IsMail(name)) return empty;
            }
            // The first is a field; behind it, what is neither one nor the rest of one is text.
            else if (isFirst || !BeginsBlank(line)) return 0;
        }
        return 0;
    }

    /// <summary><c>From x@lan Tue Jul 2</c> before a field; before anything else it is text that begins so.</summary>
    public static bool IsMboxLine(ReadOnlySpan<byte> rest) =>
        NextLine(ref rest, out var line) && (line.StartsWith("From "u8) || line.StartsWith(">From "u8))
            && NextLine(ref rest, out var next) && (next.StartsWith(">From "u8) || IsKnownField(next));

    /// <summary>Of all known names these stand in no report by chance, as <c>Date:</c> and <c>Importance:</c> do.</summary>
    private static bool IsMail(string name) => name.ToLowerInvariant() is "from" or "to" or "subject" or "mime-version" or "content-type";
}
