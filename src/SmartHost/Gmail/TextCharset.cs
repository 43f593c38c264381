using System.Text;
using System.Text.RegularExpressions;
using System.Text.Unicode;

namespace SmartHost.Gmail;

/// <summary>
/// Finds a charset for 8-bit text whose header names none, in one reading, whatever the cuts between chunks. What is valid UTF-8 is
/// that; else Western text reads right, and of any other nothing is lost. A page may name its charset itself, and what a header names
/// outranks that: so the page's word is taken, and nothing is guessed where it says none.
/// </summary>
internal sealed partial class UndeclaredCharset(bool isHtml)
{
    /// <summary>So far browsers look for a page's own word on its charset (HTML, "prescan a byte stream").</summary>
    private const int Prescanned = 1024;

    private readonly byte[] beginning = new byte[isHtml ? Prescanned : 0];
    private int beginningLength;

    private readonly byte[] cutSequence = new byte[3];
    private int cutLength;
    private bool is8Bit, notUtf8, hasC1;

    public void Read(ReadOnlySpan<byte> body)
    {
        var more = Math.Min(body.Length, beginning.Length - beginningLength);
        body[..more].CopyTo(beginning.AsSpan(beginningLength));
        beginningLength += more;
        if (!Ascii.IsValid(body))
        {
            is8Bit = true;
            Recognise(body);
        }
        else if (cutLength > 0)
        {
            notUtf8 = true;
            cutLength = 0;
        }
    }

    /// <summary>Null: none is needed, or none can be told.</summary>
    public string? Finish()
    {
        if (!is8Bit) return null;
        notUtf8 |= cutLength > 0;
        var guess = !notUtf8 ? "utf-8" : hasC1 ? "windows-1252" : "iso-8859-1";
        if (!isHtml) return guess;
        var named = Named(Encoding.Latin1.GetString(beginning, 0, beginningLength));
        // Templates say utf-8, or a Western page, whatever is filled into them, and no octets become it by being called so: what
        // is valid UTF-8 beyond ASCII is hardly ever anything else.
        if (named is not null && (IsUtf8OrLess(named) || (!notUtf8 && IsWestern(named)))) return guess;
        return named ?? (notUtf8 ? null : guess);
    }

    /// <summary>UTF-8 by its names in the wild; or ASCII, which 8-bit text is not.</summary>
    private static bool IsUtf8OrLess(string name) => name.ToLowerInvariant() is "utf-8" or "utf8" or "unicode-1-1-utf-8" or "us-ascii" or "ascii";

    private static bool IsWestern(string name) => name.ToLowerInvariant() is "iso-8859-1" or "iso8859-1" or "latin1" or "iso-8859-15" or "windows-1252" or "cp1252";

    private static string? Named(string html)
    {
        foreach (Match match in Meta().Matches(html))
            // As browsers do: who could read that word did not read it in 16-bit letters.
            if (match.Groups[1] is { Success: true, Value: var name } && !name.StartsWith("utf-16", StringComparison.OrdinalIgnoreCase)) return name;
        return null;
    }

    /// <summary>A comment, to step over it; or a meta element with <c>charset=</c> in either place.</summary>
    [GeneratedRegex("""<!--.*?(?:-->|\z)|<meta\b[^>]*?\bcharset\s*=\s*["']?\s*([a-z0-9][a-z0-9._:+-]{1,39})(?=["'\s;/>])""", RegexOptions.IgnoreCase | RegexOptions.Singleline | RegexOptions.CultureInvariant)]
    private static partial Regex Meta();

    private void Recognise(ReadOnlySpan<byte> body)
    {
        hasC1 |= body.IndexOfAnyInRange((byte)0x80, (byte)0x9f) >= 0;
        if (notUtf8) return;
        if (cutLength > 0)
        {
            // A character that the last chunk cut in two.
            Span<byte> whole = stackalloc byte[4];
            cutSequence.AsSpan(0, cutLength).CopyTo(whole);
            var add = Math.Min(4 - cutLength, body.Length);
            body[..add].CopyTo(whole[cutLength..]);
            if (Rune.DecodeFromUtf8(whole[..(cutLength + add)], out _, out var used) != System.Buffers.OperationStatus.Done || used <= cutLength)
            {
                notUtf8 = true;
                return;
            }
            body = body[(used - cutLength)..];
            cutLength = 0;
        }
        for (var tail = 1; tail <= Math.Min(3, body.Length); tail++)
        {
            if (body[^tail] < 0xC0) continue;
            if (Rune.DecodeFromUtf8(body[^tail..], out _, out _) == System.Buffers.OperationStatus.NeedMoreData)
            {
                body[^tail..].CopyTo(cutSequence);
                cutLength = tail;
                body = body[..^tail];
            }
            break;
        }
        notUtf8 = !Utf8.IsValid(body);
    }
}
