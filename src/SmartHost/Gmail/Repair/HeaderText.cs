using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using System.Text.Unicode;
using MimeKit;
using MimeKit.Utils;
using SmartHost.Mail;

namespace SmartHost.Gmail.Repair;

/// <summary>
/// The text of header values: what devices put there (raw code pages, control characters, endless lines) read, and
/// written back as RFC 5322 and RFC 2047 allow.
/// </summary>
internal static partial class HeaderText
{
    /// <summary>RFC 5322 §2.1.1, in octets, without the line end.</summary>
    public const int MaxLine = 998;

    private const int PreferredLine = 78;

    /// <summary>Windows-1252, which leaves octets without a letter as they are.</summary>
    private static readonly Encoding Western = CodePagesEncodingProvider.Instance.GetEncoding(1252)!;

    public static readonly FormatOptions Format = DosFormat();

    /// <summary>What a line of a header may hold: printable ASCII and tabs.</summary>
    private static readonly SearchValues<byte> Printable = SearchValues.Create([(byte)'\t', .. Enumerable.Range(32, 95).Select(octet => (byte)octet)]);

    /// <summary>True where a field can go out as it stands: printable ASCII, proper folds, lines short enough.</summary>
    public static bool IsClean(ReadOnlySpan<byte> raw)
    {
        foreach (var range in raw.Split("\r\n"u8))
        {
            var line = raw[range];
            // A line of blanks alone looks like the end of the header to some.
            if (line.Length > MaxLine || line.ContainsAnyExcept(Printable) || line.Trim(" \t"u8).IsEmpty) return false;
            if (range.Start.Value > 0 && !HeaderBlock.BeginsBlank(line)) return false;
        }
        return true;
    }

    /// <summary>The value on one line: unfolded, without control characters, raw 8-bit read as UTF-8 if it is that, else Windows-1252.</summary>
    public static string Read(ReadOnlySpan<byte> value) => OnOneLine((Utf8.IsValid(value) ? Encoding.UTF8 : Western).GetString(value));

    /// <summary>Unfolded, without control characters.</summary>
    public static string OnOneLine(string text) =>
        string.Concat(text.Where(c => c is '\t' || !(char.IsControl(c) || c is '\uFEFF' or '\u2028' or '\u2029'))).Replace('\t', ' ').Trim(' ');

    /// <summary>So that whatever looks at the field needs to know one charset: names and addresses must be text before they can be told apart.</summary>
    public static HeaderField InUtf8(HeaderField field, string? charset) =>
        RawText.TryRead(field.Value, charset, out var text) ? field with { Raw = (byte[])[.. field.Raw.Span[..field.ValueStart], .. Encoding.UTF8.GetBytes(text)] } : field;

    /// <summary>An unstructured field (RFC 5322 §2.2.1) with any text, encoded where it must be, folded.</summary>
    public static HeaderField Unstructured(string name, string text) => Folded(name, Encode(text));

    /// <summary>A field whose value is ASCII already, folded at blanks; a word that fits no line is cut.</summary>
    public static HeaderField Folded(string name, string ascii) => HeaderField.Of(name, Fold(name.Length + 2, ascii));

    /// <summary>The value of an unstructured field as it may go out: what is encoded stays so, whoever can read it.</summary>
    public static string Words(ReadOnlySpan<byte> value) => Utf8.IsValid(value) ? Encode(Read(value)) : EncodeOctets(value);

    /// <summary>RFC 2047 where anything is beyond ASCII.</summary>
    public static string Encode(string text) =>
        Ascii.IsValid(text) ? text : Encoding.ASCII.GetString(Rfc2047.EncodeText(Format, Encoding.UTF8, text));

    /// <summary>
    /// Text in a code page that nobody declared, its octets as they are: Western text reads right, and of any other (a Chinese
    /// recorder's GBK) nothing is lost. Only words beyond ASCII are encoded, with the blanks between them; 42 octets fill an encoded-word (RFC 2047 §2).
    /// </summary>
    private static string EncodeOctets(ReadOnlySpan<byte> value)
    {
        var text = string.Concat(Encoding.Latin1.GetString(value).Where(c => c is '\t' or >= ' ' and not '\x7f')).Replace('\t', ' ');
        var charset = value.IndexOfAnyInRange((byte)0x80, (byte)0x9f) >= 0 ? "windows-1252" : "iso-8859-1";
        var words = new List<string>();
        var run = new List<byte>();
        foreach (var word in text.Trim(' ').Split(' '))
        {
            if (Ascii.IsValid(word))
            {
                EndRun();
                words.Add(word);
                continue;
            }
            if (run.Count > 0) run.Add((byte)' ');
            run.AddRange(Encoding.Latin1.GetBytes(word));
        }
        EndRun();
        return string.Join(' ', words);

        void EndRun()
        {
            words.AddRange(run.Chunk(42).Select(piece => $"=?{charset}?b?{Convert.ToBase64String(piece)}?="));
            run.Clear();
        }
    }

    /// <summary>A display name: a quoted string, or encoded words (never inside quotes, RFC 2047 §5).</summary>
    public static string Phrase(string name) => Ascii.IsValid(name)
        ? MimeUtils.Quote(name.Replace("=?", "= ?", StringComparison.Ordinal))
        : Encoding.ASCII.GetString(Rfc2047.EncodePhrase(Format, Encoding.UTF8, name));

    /// <summary>What an encoded-word would break (identifiers, traces): ASCII, anything else as a question mark.</summary>
    public static string AsciiOnly(string text) => string.Concat(text.Select(c => c is < ' ' or > '~' ? '?' : c));

    /// <summary>The value with its encoded-words read.</summary>
    public static string Decoded(ReadOnlySpan<byte> value) => DecodedWords(Read(value));

    public static string DecodedWords(string text) =>
        text.Contains("=?", StringComparison.Ordinal) ? OnOneLine(Rfc2047.DecodeText(Encoding.UTF8.GetBytes(text))) : text;

    public static string WithoutBlanksInWords(string text) => text.Contains("=?", StringComparison.Ordinal)
        ? WordWithBlanks().Replace(text, word => word.Groups[2].ValueSpan is "q" or "Q"
            ? $"{word.Groups[1].Value}{word.Groups[3].Value.Replace("= ", "", StringComparison.Ordinal).Replace(' ', '_')}?="
            : $"{word.Groups[1].Value}{word.Groups[3].Value.Replace(" ", "", StringComparison.Ordinal)}?=")
        : text;

    [GeneratedRegex(@"(=\?[!->@-~]+\?([bBqQ])\?)([!->@-~]* [ !->@-~]*)\?=", RegexOptions.CultureInvariant)]
    private static partial Regex WordWithBlanks();

    /// <summary>With its parameters, in RFC 2231 where they must be.</summary>
    public static HeaderField Field(ContentType type) => Refolded("Content-Type", type.ToString(Format, Encoding.UTF8, encode: true));

    /// <summary>With its parameters, in RFC 2231 where they must be.</summary>
    public static HeaderField Field(ContentDisposition disposition) => Refolded("Content-Disposition", disposition.ToString(Format, Encoding.UTF8, encode: true));

    private static HeaderField Refolded(string name, string written) => Folded(name, OnOneLine(written[(name.Length + 1)..]));

    /// <summary>The field made clean, as its kind allows. Null: nothing of it can be kept.</summary>
    public static HeaderField? Mended(HeaderField field)
    {
        var text = Read(field.Value);
        switch (KindOf(field.Name))
        {
            case Kind.Addresses:
                return MailboxList.Field(field.Name, MailboxList.Read(field.Value));
            case Kind.Parameters when ContentType.TryParse(text, out var type) && field.Is("Content-Type"):
                return Field(type);
            case Kind.Parameters when field.Is("Content-Disposition") && ContentDisposition.TryParse(text, out var disposition):
                return Field(disposition);
            case Kind.Parameters or Kind.Machine:
                return Folded(field.Name, AsciiOnly(text));
            default:
                return Folded(field.Name, Words(field.Value));
        }
    }

    /// <summary>False where <see cref="Mended"/> has question marks alone for what is not ASCII.</summary>
    public static bool CanSay(HeaderField field) => KindOf(field.Name) switch
    {
        Kind.Machine => false,
        Kind.Parameters => field.Is("Content-Type") ? ContentType.TryParse(Read(field.Value), out _) : ContentDisposition.TryParse(Read(field.Value), out _),
        _ => true,
    };

    private enum Kind { Text, Addresses, Parameters, Machine }

    private static Kind KindOf(string name) => name.ToUpperInvariant() switch
    {
        "TO" or "CC" or "FROM" or "SENDER" or "REPLY-TO" or "RESENT-TO" or "RESENT-CC" or "RESENT-FROM" or "RESENT-SENDER"
            or "RESENT-REPLY-TO" or "DISPOSITION-NOTIFICATION-TO" or "RETURN-RECEIPT-TO" or "ERRORS-TO" => Kind.Addresses,
        "CONTENT-TYPE" or "CONTENT-DISPOSITION" => Kind.Parameters,
        "RECEIVED" or "MESSAGE-ID" or "IN-REPLY-TO" or "REFERENCES" or "RESENT-MESSAGE-ID" or "DATE" or "RESENT-DATE" or "MIME-VERSION"
            or "CONTENT-TRANSFER-ENCODING" or "CONTENT-ID" or "DKIM-SIGNATURE" or "AUTHENTICATION-RESULTS" => Kind.Machine,
        _ => Kind.Text,
    };

    /// <summary>
    /// RFC 5322 §3.3 with a numeric zone, or one of the old names that mean a known time. A date without a zone is not one:
    /// hours off is worse than the time of arrival.
    /// </summary>
    public static bool IsDate(ReadOnlySpan<byte> value) => YearOf(value) is not null;

    /// <summary>Null: it is no date.</summary>
    public static int? YearOf(ReadOnlySpan<byte> value)
    {
        value = WithoutComment(value);
        if (value.Length is < 16 or > 60 || !Ascii.IsValid(value)) return null;
        var text = Encoding.ASCII.GetString(value);
        var comma = text.IndexOf(',');
        if (comma >= 0)
        {
            if (comma != 3 || "MonTueWedThuFriSatSun".IndexOf(text[..3], StringComparison.OrdinalIgnoreCase) % 3 != 0) return null;
            text = text[4..];
        }
        text = text.Trim();
        var blank = text.LastIndexOf(' ');
        if (blank < 0) return null;
        var zone = text[(blank + 1)..];
        var numeric = zone.Length == 5 && zone[0] is '+' or '-' && int.TryParse(zone.AsSpan(1), NumberStyles.None, null, out var offset)
            && offset / 100 <= 14 && offset % 100 < 60;
        if (!numeric && zone is not ("GMT" or "UT" or "UTC" or "Z" or "EST" or "EDT" or "CST" or "CDT" or "MST" or "MDT" or "PST" or "PDT")) return null;
        return DateTime.TryParseExact(text[..blank].TrimEnd(), DateFormats, CultureInfo.InvariantCulture, DateTimeStyles.AllowInnerWhite, out var date)
            && date.Year is > 1900 ? date.Year : null;
    }

    /// <summary>What stands before a comment. Windows' names of time zones are long, and in the letters of its language.</summary>
    public static ReadOnlySpan<byte> WithoutComment(ReadOnlySpan<byte> date) =>
        (date.IndexOf((byte)'(') is > 0 and var comment ? date[..comment] : date).Trim(" \t\r\n"u8);

    private static readonly string[] DateFormats = ["d MMM yyyy H:mm:ss", "d MMM yyyy H:mm"];

    /// <summary>The rest of a line that has come to <paramref name="column"/>, broken at blanks; a word that fits no line is cut.</summary>
    internal static string Fold(int column, string text)
    {
        if (column + text.Length <= PreferredLine) return text;
        var made = new StringBuilder(text.Length + 64);
        for (var at = 0; at < text.Length;)
        {
            // A word with the blanks before it: they become the fold's own.
            var word = at;
            while (word < text.Length && text[word] is ' ' or '\t') word++;
            at = Math.Max(at, word - PreferredLine / 2); // No line may be blanks alone.
            // MimeKit puts a tab between encoded-words.
            var end = text.AsSpan(word).IndexOfAny(' ', '\t') is >= 0 and var length ? word + length : text.Length;
            if (at > 0 && column + end - at > PreferredLine)
            {
                made.Append("\r\n");
                column = 0;
            }
            while (column + end - at > MaxLine)
            {
                var piece = MaxLine - column;
                // Not inside a quoted pair (RFC 5322 §3.2.1).
                while (piece > 1 && text[at + piece - 1] == '\\') piece--;
                made.Append(text, at, piece).Append("\r\n ");
                at += piece;
                column = 1;
            }
            made.Append(text, at, end - at);
            column += end - at;
            at = end;
        }
        return made.ToString();
    }

    private static FormatOptions DosFormat()
    {
        var format = FormatOptions.Default.Clone();
        format.NewLineFormat = NewLineFormat.Dos;
        return format;
    }
}
