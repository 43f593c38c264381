using System.Text;
using System.Text.RegularExpressions;
using MimeKit;
using SmartHost.Mail;

namespace SmartHost.Gmail.Repair;

/// <summary>
/// Finds a charset for 8-bit text whose header names none, or one that its octets contradict, in one reading, whatever the cuts
/// between chunks. What is UTF-8 is that; else Western text reads right, and of any other nothing is lost. A page, or XML, may name its charset
/// itself, and what a header names outranks that: so the page's word is taken, and nothing is guessed where neither says any.
/// </summary>
internal sealed partial class TextCharset
{
    /// <summary>So far browsers look for a page's own word on its charset (HTML, "prescan a byte stream").</summary>
    private const int Prescanned = 1024;

    private readonly bool isMarkup;

    /// <summary>What the header says; null where it says nothing.</summary>
    private readonly string? declared;

    /// <summary>What it says is read by few, so where it holds it must be written anew.</summary>
    private readonly bool isStray;

    private readonly Utf8Likeness utf8 = new();
    private readonly byte[] beginning;
    private int beginningLength;
    private bool is8Bit, hasC1;

    private TextCharset(bool isMarkup, string? declared, bool isStray) =>
        (this.isMarkup, this.declared, this.isStray, beginning) = (isMarkup, declared, isStray, new byte[isMarkup ? Prescanned : 0]);

    /// <summary>Null: no text, no octets as they are, or in a charset that only a reader can tell to be wrong.</summary>
    public static TextCharset? For(EntityHeader entity)
    {
        if (entity.Encoding != TransferEncoding.Identity) return null;
        var type = entity.ContentType;
        if (type?.IsMimeType("text", "*") == false) return null;
        var (declared, isStray) = (entity.Charset, entity.StrayCharset is not null);
        return declared is null || isStray || Charset.IsUtf8(declared) || Charset.SaysNothing(declared) ? new TextCharset(type?.IsMimeType("text", "html") == true || type?.IsMimeType("text", "xml") == true, declared, isStray) : null;
    }

    /// <summary>The entity's Content-Type with that charset.</summary>
    public static HeaderField Declare(EntityHeader entity, string charset)
    {
        if (entity.ContentType is not { } known) return HeaderField.Of("Content-Type", $"text/plain; charset={charset}");
        known.Charset = charset;
        return HeaderText.Field(known);
    }

    public void Read(ReadOnlySpan<byte> body)
    {
        var more = Math.Min(body.Length, beginning.Length - beginningLength);
        body[..more].CopyTo(beginning.AsSpan(beginningLength));
        beginningLength += more;
        if (Ascii.IsValid(body) && !is8Bit) return;
        is8Bit = true;
        hasC1 |= body.IndexOfAnyInRange((byte)0x80, (byte)0x9f) >= 0;
        utf8.Read(body);
    }

    /// <summary>Null: what the header says holds, or none can be told.</summary>
    public string? Finish()
    {
        if (!is8Bit) return declared is not null && Charset.IsWide(declared) ? "us-ascii" : null;
        // What is UTF-8 in most places would lose them by another name.
        if (declared is not null && (Charset.IsUtf8(declared) ? utf8.Bad <= utf8.Good : !Charset.SaysNothing(declared))) return isStray ? declared : null;
        var guess = utf8.IsUtf8 ? "utf-8" : hasC1 ? "windows-1252" : "iso-8859-1";
        if (!isMarkup) return guess;
        var named = Named(Encoding.Latin1.GetString(beginning, 0, beginningLength));
        // Templates say utf-8, or a Western page, whatever is filled into them, and no octets become it by being called so: what
        // is valid UTF-8 beyond ASCII is hardly ever anything else.
        if (named is not null && (Charset.IsUtf8(named) || Charset.SaysNothing(named) || (utf8.IsUtf8 && Charset.IsWestern(named)))) return guess;
        return named ?? (utf8.IsUtf8 || declared is not null ? guess : null);
    }

    private static string? Named(string html)
    {
        foreach (Match match in Meta().Matches(html))
            // As browsers do: who could read that word did not read it in 16-bit letters.
            if (match.Groups[1] is { Success: true, Value: var name } && !name.StartsWith("utf-16", StringComparison.OrdinalIgnoreCase)) return name;
        return null;
    }

    /// <summary>A comment, to step over it; or a meta element with <c>charset=</c> in either place; or XML's declaration.</summary>
    [GeneratedRegex("""<!--.*?(?:-->|\z)|<(?:meta\b[^>]*?\bcharset|\?xml\b[^>]*?\bencoding)\s*=\s*["']?\s*([a-z0-9][a-z0-9._:+-]{1,39})(?=["'\s;/?>])""", RegexOptions.IgnoreCase | RegexOptions.Singleline | RegexOptions.CultureInvariant)]
    private static partial Regex Meta();
}
