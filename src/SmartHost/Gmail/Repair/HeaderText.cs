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

    /// <summary>In octets: what stands behind a name of a hundred on a line of <see cref="MaxLine"/>. Longer words are cut, every time at the same places.</summary>
    private const int MaxWord = 880;

    private const int MaxParameterName = 50;

    /// <summary>A line of blanks alone would look like the header's end.</summary>
    private const int MaxBlanks = PreferredLine / 2;

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
        Ascii.IsValid(text) ? text : Encoding.ASCII.GetString(Rfc2047.EncodeText(Format, Encoding.UTF8, WithFewBlanks(text)));

    /// <summary>MimeKit would make one encoded-word of any number of them, and no line holds that.</summary>
    private static string WithFewBlanks(string text) => ManyBlanks().Replace(text, new string(' ', MaxBlanks));

    [GeneratedRegex(@" {40,}", RegexOptions.CultureInvariant)]
    private static partial Regex ManyBlanks();

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
            // Nothing stands between two blanks. Between encoded-words readers drop them all (RFC 2047 §6.2), so they go into the word.
            if (Ascii.IsValid(word) && (word.Length > 0 || run.Count == 0))
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
    public static string Phrase(string name)
    {
        // Quoting may double a word. One that no line holds is cut here, while a blank is still a blank.
        name = EndlessWord().Replace(WithFewBlanks(name), "$0 ");
        return Ascii.IsValid(name)
            ? MimeUtils.Quote(name.Replace("=?", "= ?", StringComparison.Ordinal))
            : Encoding.ASCII.GetString(Rfc2047.EncodePhrase(Format, Encoding.UTF8, name));
    }

    [GeneratedRegex(@"[^ \t\r\n]{880}", RegexOptions.CultureInvariant)]
    private static partial Regex EndlessToken();

    [GeneratedRegex(@"[^ ]{400}(?=[^ ])", RegexOptions.CultureInvariant)]
    private static partial Regex EndlessWord();

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
    public static HeaderField Field(ContentType type)
    {
        DropEndlessNames(type.Parameters);
        return Refolded("Content-Type", type.ToString(Format, Encoding.UTF8, encode: true));
    }

    /// <summary>With its parameters, in RFC 2231 where they must be.</summary>
    public static HeaderField Field(ContentDisposition disposition)
    {
        DropEndlessNames(disposition.Parameters);
        return Refolded("Content-Disposition", disposition.ToString(Format, Encoding.UTF8, encode: true));
    }

    /// <summary>
    /// MimeKit cuts a value in pieces that fit a line, each behind the parameter's whole name: of 40 KB with a name that is half of them
    /// come gigabytes, after minutes. No parameter that a reader knows has half as long a name.
    /// </summary>
    private static void DropEndlessNames(ParameterList parameters)
    {
        foreach (var endless in parameters.Where(parameter => parameter.Name.Length > MaxParameterName).ToList()) parameters.Remove(endless);
    }

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
                return WithoutCut(Field(type));
            case Kind.Parameters when field.Is("Content-Disposition") && ContentDisposition.TryParse(text, out var disposition):
                return WithoutCut(Field(disposition));
            case Kind.Parameters:
                return WithoutCut(Folded(field.Name, AsciiOnly(text)));
            case Kind.Machine:
                return Folded(field.Name, AsciiOnly(text));
            default:
                return Folded(field.Name, Words(field.Value));
        }
    }

    /// <summary>True where no line holds a word of it, and <see cref="Mended"/> leaves the field out: cut, it would be another type.</summary>
    public static bool IsEndless(HeaderField field) => field.Value.Length > MaxWord && !IsClean(field.Raw.Span) && Mended(field) is null;

    private static HeaderField? WithoutCut(HeaderField field) => EndlessToken().IsMatch(Encoding.ASCII.GetString(field.Raw.Span)) ? null : field;

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
            at = Math.Max(at, word - MaxBlanks);
            // MimeKit puts a tab between encoded-words.
            var end = text.AsSpan(word).IndexOfAny(' ', '\t') is >= 0 and var length ? word + length : text.Length;
            if (at > 0 && column + end - at > PreferredLine)
            {
                made.Append("\r\n");
                column = 0;
            }
            while (end - word > MaxWord)
            {
                var cut = word + MaxWord;
                // Not inside a quoted pair (RFC 5322 §3.2.1).
                while (cut > word + 1 && text[cut - 1] == '\\') cut--;
                made.Append(text, at, cut - at).Append("\r\n ");
                at = word = cut;
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
