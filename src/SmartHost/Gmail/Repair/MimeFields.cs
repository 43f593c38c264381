using System.Diagnostics.CodeAnalysis;
using System.Text;
using System.Text.RegularExpressions;
using MimeKit;

namespace SmartHost.Gmail.Repair;

/// <summary>A message's own Content-Type and Content-Transfer-Encoding, where no reader would understand them as the device means them.</summary>
internal static partial class MimeFields
{
    private static readonly string[] Encodings = ["7bit", "8bit", "binary", "base64", "quoted-printable"];

    public static void Mend(List<HeaderField> fields, BodyBeginning body, List<string> repairs)
    {
        if (Find("Content-Type") is >= 0 and var subtype && TextAlone(HeaderText.Read(fields[subtype].Value)) is { } text)
        {
            fields[subtype] = HeaderText.Field(text);
            repairs.Add($"wrote {text.MimeType} in Content-Type, which had the second word alone");
        }
        if (Find("Content-Type") is >= 0 and var type && MendedMultipart(HeaderText.Read(fields[type].Value), body) is { } multipart)
        {
            fields[type] = HeaderText.Field(multipart);
            repairs.Add($"mended the Content-Type, {multipart.MimeType} with the boundary {multipart.Boundary}");
        }
        if (Find("Content-Transfer-Encoding") is >= 0 and var encoding && MendedEncoding(fields[encoding]) is { } word)
        {
            fields[encoding] = word;
            repairs.Add($"wrote {EntityHeader.EncodingWord(word)} alone in Content-Transfer-Encoding");
        }
        if (Find("Content-Transfer-Encoding") is >= 0 and var encoded && EntityHeader.EncodingWord(fields[encoded]) is "base64" or "quoted-printable")
        {
            var entity = EntityHeader.Of(fields);
            if (entity.Boundary is { } boundary && body.HasDelimiter(boundary))
            {
                // RFC 2045 §6.4 forbids it, for the parts say how they are encoded. Some readers would decode all of them together.
                fields.RemoveAt(encoded);
                repairs.Add("removed the Content-Transfer-Encoding of a multipart, whose parts have their own");
            }
            else if (entity.Encoding == TransferEncoding.Base64 && entity.ContentType?.IsMimeType("text", "*") != false && body.IsPlainText())
            {
                fields[encoded] = HeaderField.Of("Content-Transfer-Encoding", "7bit");
                repairs.Add("set Content-Transfer-Encoding to 7bit, since the text is not in base64");
            }
        }
        foreach (var name in (ReadOnlySpan<string>)["Content-Type", "Content-Disposition"])
        {
            if (Find(name) is not (>= 0 and var at) || !LacksQuotes(fields[at]) || !Ascii.IsValid(fields[at].Raw.Span) || HeaderText.Mended(fields[at]) is not { } quoted) continue;
            fields[at] = quoted;
            repairs.Add($"put the quotes that were missing in {name}");
        }

        int Find(string name) => fields.FindIndex(field => field.Is(name));
    }

    /// <summary><c>Content-Type: html</c>, as scripts have it, is no type (RFC 2045 §5.1): of a page the tags would be shown, or a file offered. Null: it is another.</summary>
    private static ContentType? TextAlone(string written) =>
        Subtype().Match(written) is { Success: true } word && ContentType.TryParse($"text/{word.Value.ToLowerInvariant()}{written[word.Length..]}", out var type) ? type : null;

    [GeneratedRegex(@"^(?:html|plain)(?= *(?:;|$))", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Subtype();

    /// <summary>The word alone: of quotes around it, or anything behind it (if but a blank), few readers make sense. Null: it stands alone, or nobody knows it.</summary>
    public static HeaderField? MendedEncoding(HeaderField field) =>
        field.Is("Content-Transfer-Encoding") && EntityHeader.EncodingWord(field) is var word && Encodings.Contains(word)
            && !Ascii.EqualsIgnoreCase(field.Value.TrimStart(" \t\r\n"u8), word) ? HeaderField.Of("Content-Transfer-Encoding", word) : null;

    /// <summary>
    /// A name or a boundary with blanks or other signs in it that RFC 2045 §5.1 wants in quotes: of <c>filename=scan 1.pdf</c> many
    /// readers leave <c>scan</c>, which nobody can open, and of <c>boundary=--=_1:2</c> no parts. Or a quote that never closes.
    /// </summary>
    public static bool LacksQuotes(HeaderField field) =>
        (field.Is("Content-Type") || field.Is("Content-Disposition")) && Unquoted().IsMatch(HeaderText.Read(field.Value)) && HeaderText.CanSay(field);

    [GeneratedRegex("""^(?:[^"]|"(?:[^"\\]|\\.)*")*?;\s*(?:(?:file)?name|boundary)\s*=\s*(?:[^";\s]*[][()<>@,:\\/?=]|[^";\s]+\s+(?!\([^()]*\)\s*(?:;|$)|[a-z0-9*-]+\s*=)[^";\s]|"(?:[^"\\]|\\.)*$)""", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Unquoted();

    /// <summary>
    /// With the boundary that its parts have, and mixed where it does not say how they belong together. Null: it is no multipart, it
    /// needs no mending, or no boundary is to be found, and then it is text for all we know.
    /// </summary>
    private static ContentType? MendedMultipart(string written, BodyBeginning body)
    {
        if (!written.StartsWith("multipart", StringComparison.OrdinalIgnoreCase)) return null;
        var isRead = TryRead(written, out var type);
        if (isRead && type!.Boundary is { Length: > 0 } own && body.HasDelimiter(own)) return null;
        var end = written.IndexOfAny([';', ' ']) is >= 0 and var found ? found : written.Length;
        // RFC 6838 §4.2: a subtype's name has 127 letters at most.
        var name = end > "multipart/".Length && end <= "multipart/".Length + 127 ? written[..end] : "multipart/mixed";
        // The semicolon may be missing, too.
        if (!TryRead($"{name}; {written[end..].TrimStart(';', ' ')}", out type) && !TryRead(name, out type)) return null;
        var boundary = type.Boundary is { Length: > 0 } declared && body.HasDelimiter(declared) ? declared : body.FirstBoundary();
        if (boundary is null && (isRead || string.IsNullOrEmpty(type.Boundary))) return null;
        type.Boundary = boundary ?? type.Boundary;
        return type;
    }

    private static bool TryRead(string text, [NotNullWhen(true)] out ContentType? type) =>
        ContentType.TryParse(text, out type) && type.MediaType.Equals("multipart", StringComparison.OrdinalIgnoreCase) && type.MediaSubtype.Length > 0;
}
