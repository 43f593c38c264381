using System.Text;
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
        var empty = TakeEmptyLines(ref rest);
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

    /// <summary>
    /// Octets of empty lines to skip where nothing but MIME's fields follows them, and behind an empty line of its own what they announce:
    /// the first part of a multipart, or a page. 0: they end the header. Scripts that end a field twice cut their header in two,
    /// and what they attach would be shown as the base64 that it is.
    /// </summary>
    /// <param name="isMime">The header has said so already. Of one that has not, the text may be what a web program prints, from Content-Type on.</param>
    public static int EmptyLinesBeforeMime(ReadOnlySpan<byte> rest, bool isMime)
    {
        var empty = TakeEmptyLines(ref rest);
        var (begins, isBehind) = (default(string), false);
        for (var isFirst = true; NextLine(ref rest, out var line); isFirst = false)
        {
            if (line.IsEmpty)
            {
                if (begins is null) return 0;
                isBehind = true;
            }
            else if (isBehind) return (isMime || begins == "--") && line.StartsWith(Encoding.ASCII.GetBytes(begins!)) ? empty : 0;
            else if (TryName(line, out var name, out var value) && IsMime(name))
            {
                isMime |= name.Equals("MIME-Version", StringComparison.OrdinalIgnoreCase);
                if (name.Equals("Content-Type", StringComparison.OrdinalIgnoreCase)) begins = BeginningOf(HeaderText.Read(line[value..]).Trim());
            }
            else if (isFirst || !BeginsBlank(line)) return 0;
        }
        return 0;

        static bool IsMime(string name) => name.Equals("MIME-Version", StringComparison.OrdinalIgnoreCase)
            || name.StartsWith("Content-", StringComparison.OrdinalIgnoreCase) || name.StartsWith("X-", StringComparison.OrdinalIgnoreCase);

        static string? BeginningOf(string type) => type.StartsWith("multipart/", StringComparison.OrdinalIgnoreCase) ? "--"
            : type.StartsWith("text/html", StringComparison.OrdinalIgnoreCase) ? "<" : null;
    }

    /// <summary>Sixteen octets of them at most; how many octets.</summary>
    private static int TakeEmptyLines(ref ReadOnlySpan<byte> rest)
    {
        var empty = 0;
        while (rest[empty..].StartsWith("\r\n"u8) && empty < 16) empty += 2;
        rest = rest[empty..];
        return empty;
    }

    /// <summary><c>From x@lan Tue Jul 2</c> before a field; before anything else it is text that begins so.</summary>
    public static bool IsMboxLine(ReadOnlySpan<byte> rest) =>
        NextLine(ref rest, out var line) && (line.StartsWith("From "u8) || line.StartsWith(">From "u8))
            && NextLine(ref rest, out var next) && (next.StartsWith(">From "u8) || IsKnownField(next));

    /// <summary>Of all known names these stand in no report by chance, as <c>Date:</c> and <c>Importance:</c> do.</summary>
    private static bool IsMail(string name) => name.ToLowerInvariant() is "from" or "to" or "subject" or "mime-version" or "content-type";
}
