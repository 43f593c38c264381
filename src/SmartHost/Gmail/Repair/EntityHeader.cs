using System.Text;
using System.Text.RegularExpressions;
using MimeKit;

namespace SmartHost.Gmail.Repair;

internal enum TransferEncoding
{
    /// <summary>7bit, 8bit, binary, none, or a word nobody knows: the octets are what they are.</summary>
    Identity,
    Base64,
    QuotedPrintable,
}

/// <summary>What the header of a message or of one of its parts says about the octets behind it (RFC 2045).</summary>
/// <param name="ContentType">Null: none, or unreadable. Text then, says RFC 2045 §5.2.</param>
/// <param name="StrayCharset">One that the Content-Type names where not every reader looks: <c>text/plain charset=koi8-r</c>, or <c>text; charset=koi8-r</c>.</param>
internal sealed partial record EntityHeader(ContentType? ContentType, TransferEncoding Encoding, bool Is8Bit, string? FileName, string? StrayCharset)
{
    /// <summary>What the header names, if only for who looks closely; null where it names none.</summary>
    public string? Charset => ContentType?.Charset is { Length: > 0 } charset ? charset : StrayCharset;

    public string? Boundary => IsMultipart && ContentType?.Boundary is { Length: > 0 } boundary ? boundary : null;

    public bool IsMultipart => ContentType?.IsMimeType("multipart", "*") == true;

    /// <summary>S/MIME or OpenPGP, with the content in the open: what changes an octet of it breaks the signature.</summary>
    public bool IsSigned => ContentType?.IsMimeType("multipart", "signed") == true;

    /// <summary>A forwarded message, whose own header follows.</summary>
    public bool IsMessage => ContentType is { } type && Encoding == TransferEncoding.Identity
        && (type.IsMimeType("message", "rfc822") || type.IsMimeType("message", "global"));

    public static EntityHeader Of(IReadOnlyList<HeaderField> fields)
    {
        ContentType? type = null;
        string? fileName = null, typeName = null, strayCharset = null;
        var (encoding, is8Bit, seenEncoding) = (TransferEncoding.Identity, false, false);
        foreach (var field in fields)
        {
            if (!field.Name.StartsWith("Content-", StringComparison.OrdinalIgnoreCase)) continue;
            if (type is null && field.Is("Content-Type"))
            {
                if (HeaderText.IsEndless(field)) continue;
                var written = HeaderText.Read(field.Value);
                if (ContentType.TryParse(written, out type)) typeName = type.Name;
                // A file may have the word in its name.
                var isNamed = type?.Name?.Contains("charset", StringComparison.OrdinalIgnoreCase) == true;
                strayCharset = string.IsNullOrEmpty(type?.Charset) && !isNamed && CharsetName().Match(written) is { Success: true } named ? named.Groups[1].Value : null;
            }
            else if (fileName is null && field.Is("Content-Disposition"))
            {
                if (ContentDisposition.TryParse(HeaderText.Read(field.Value), out var disposition)) fileName = disposition.FileName;
            }
            else if (!seenEncoding && field.Is("Content-Transfer-Encoding"))
            {
                seenEncoding = true;
                var word = EncodingWord(field);
                encoding = word switch
                {
                    "base64" => TransferEncoding.Base64,
                    "quoted-printable" => TransferEncoding.QuotedPrintable,
                    _ => TransferEncoding.Identity,
                };
                is8Bit = word is "8bit" or "binary";
            }
        }
        return new EntityHeader(type, encoding, is8Bit, fileName ?? typeName, strayCharset);
    }

    /// <summary>
    /// The word of a Content-Transfer-Encoding in lower case, without the comments that RFC 2045 §6.1 allows and the quotes that it does
    /// not. Of words that few readers know, those that can mean but one thing: a NAS of QNAP writes <c>8bits</c>, and RFC 2045 §6.4 has such text shown as an attachment.
    /// </summary>
    public static string EncodingWord(HeaderField field)
    {
        var (word, depth) = (new StringBuilder(), 0);
        foreach (var c in HeaderText.Read(field.Value))
        {
            if (c == '(') depth++;
            else if (c == ')') depth--;
            else if (depth <= 0) word.Append(char.ToLowerInvariant(c));
        }
        var written = word.ToString().Trim('"', '\'', ';', ' ');
        return string.Concat(written.Where(c => c is not (' ' or '-' or '_'))) switch
        {
            "7bit" or "7bits" => "7bit",
            // A charset in the encoding's place says as much.
            "8bit" or "8bits" or "utf8" => "8bit",
            "base64" or "xbase64" => "base64",
            "quotedprintable" => "quoted-printable",
            _ => written,
        };
    }

    [GeneratedRegex("""\bcharset["'\s]*[=:][="'\s]*([a-z0-9][a-z0-9._:+-]{1,39})""", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex CharsetName();
}
