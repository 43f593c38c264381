using System.Runtime.CompilerServices;
using System.Text;

namespace SmartHost.Mail;

/// <summary>The charsets of mail by name: the registered ones (RFC 2978), and those that devices write instead.</summary>
internal static class Charset
{
    private const string SameInAscii = "AZ az 09 <@>";

    /// <summary>UTF-8 by its names in the wild.</summary>
    public static bool IsUtf8(string name) => name.ToUpperInvariant() is "UTF-8" or "UTF8" or "UNICODE-1-1-UTF-8";

    /// <summary>A name that tells nothing of octets above 127: ASCII, by whatever name a C library gives it, a word for "unknown" (RFC 1428), or Windows' for whatever code page it has.</summary>
    public static bool SaysNothing(string name) =>
        name.ToUpperInvariant() is "US-ASCII" or "ASCII" or "ANSI_X3.4-1968" or "ISO646-US" or "UNKNOWN-8BIT" or "X-UNKNOWN" or "UNKNOWN" or "ANSI" || IsWide(name);

    /// <summary>Letters of sixteen bits or more, which no text is in that came without an encoding: mail carries no NUL. Windows' programs say "Unicode" of any text.</summary>
    public static bool IsWide(string name) =>
        name.ToUpperInvariant() is "UNICODE" or "UTF-16" or "UTF-16LE" or "UTF-16BE" or "UTF16" or "UCS-2" or "ISO-10646-UCS-2" or "UTF-32" or "UTF-32LE" or "UTF-32BE";

    public static bool IsWestern(string name) =>
        name.ToUpperInvariant() is "ISO-8859-1" or "ISO8859-1" or "LATIN1" or "ISO-8859-15" or "WINDOWS-1252" or "CP1252";

    /// <summary>A reader that throws at octets which are no text in that charset. Null: unknown here, or one that header text cannot be in.</summary>
    public static Encoding? Strict(string? name)
    {
        // Not for Western charsets: undeclared text is read as Western anyway, and since they take every octet, a wrong declaration would not show.
        if (string.IsNullOrEmpty(name) || IsUtf8(name) || SaysNothing(name) || IsWestern(name)) return null;
        try
        {
            var (encoder, decoder) = (EncoderFallback.ReplacementFallback, DecoderFallback.ExceptionFallback);
            var encoding = CodePage(name) is { } page ? Encoding.GetEncoding(page, encoder, decoder) : Encoding.GetEncoding(name, encoder, decoder);
            return encoding.GetString(Encoding.ASCII.GetBytes(SameInAscii)) == SameInAscii ? encoding : null;
        }
        catch (Exception e) when (e is ArgumentException or NotSupportedException)
        {
            return null;
        }
    }

    /// <summary>Names that .NET does not know, and one that it takes too strictly: Windows writes its own superset of EUC-KR under that name.</summary>
    private static int? CodePage(string name)
    {
        name = name.ToUpperInvariant();
        if (name is "EUC-KR") return 949;
        if (name is "WINDOWS-31J") return 932;
        foreach (var prefix in (string[])["CP", "MS", "X-CP", "WINDOWS-"])
        {
            if (name.StartsWith(prefix, StringComparison.Ordinal) && ushort.TryParse(name.AsSpan(prefix.Length), out var page)) return page;
        }
        return null;
    }

    /// <summary>
    /// .NET knows Unicode and Latin-1 until it is told of more. It is told before anything else runs, for MimeKit reads encoded-words
    /// by the same tables: without them a well-formed name in GB2312 or ISO-2022-JP would be read as Latin-1 and written so.
    /// </summary>
    [ModuleInitializer]
    internal static void KnowCodePages() => Encoding.RegisterProvider(CodePagesEncodingProvider.Instance);
}
