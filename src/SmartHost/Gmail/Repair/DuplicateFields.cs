using MimeKit;

namespace SmartHost.Gmail.Repair;

/// <summary>
/// Gmail takes no message with two of a field that may stand once (RFC 5322 §3.6, RFC 2045). The first is kept, unless it is empty
/// (PHP's <c>mail($to, '', $text, "Subject: …")</c> writes such a Subject) or the body shows that another says how to read it.
/// </summary>
internal static class DuplicateFields
{
    /// <summary>No device means more of them, and each may cost a look at the body.</summary>
    private const int MaxCompared = 8;

    public static void Settle(List<HeaderField> fields, BodyBeginning body, List<string> repairs)
    {
        foreach (var written in fields.Where(field => IsSettledHere(field.Name)).GroupBy(field => field.Name, StringComparer.OrdinalIgnoreCase).Where(several => several.Skip(1).Any()).ToList())
        {
            var all = written.ToList();
            var compared = all.Where(field => !IsEmpty(field)).Take(MaxCompared).ToList();
            var kept = compared.Count == 0 ? all[0] : compared[Fittest(compared, body)];
            var (number, at) = (all.IndexOf(kept), 0);
            fields.RemoveAll(field => field.Is(written.Key) && at++ != number);
            repairs.Add(number == 0 ? $"kept the first of several {written.Key}" : $"kept the {written.Key} that fits, of several");
            KeepReadable(fields, kept, compared);
        }
    }

    /// <summary>Addresses are merged, and From and Sender have rules of their own.</summary>
    private static bool IsSettledHere(string name) =>
        HeaderBlock.SingleInstance.Contains(name) && name.ToLowerInvariant() is not ("from" or "sender" or "reply-to" or "to" or "cc" or "bcc");

    private static bool IsEmpty(HeaderField field) => field.Value.Trim(" \t\r\n"u8).IsEmpty;

    private static int Fittest(List<HeaderField> fields, BodyBeginning body)
    {
        var fit = fields[0].Name.ToLowerInvariant() switch
        {
            "date" => fields.FindIndex(field => HeaderText.IsDate(field.Value)),
            "content-type" => FittestType(fields, body),
            "content-transfer-encoding" => FittestEncoding(fields.ConvertAll(EntityHeader.EncodingWord), body),
            _ => 0,
        };
        return Math.Max(fit, 0);
    }

    private static int FittestType(List<HeaderField> fields, BodyBeginning body)
    {
        var types = fields.ConvertAll(field => ContentType.TryParse(HeaderText.Read(field.Value), out var type) ? type : null);
        var divided = types.FindIndex(type => type is { MediaType: { } kind, Boundary: { Length: > 0 } boundary } && kind.Equals("multipart", StringComparison.OrdinalIgnoreCase) && body.HasDelimiter(boundary));
        return divided >= 0 ? divided : types.FindIndex(type => type is not null);
    }

    private static int FittestEncoding(List<string> words, BodyBeginning body)
    {
        // What looks like neither keeps the first: base64 with a stray sign in it is still read by most.
        if (words.IndexOf("base64") is >= 0 and var base64 && body.IsBase64()) return base64;
        if (words.IndexOf("quoted-printable") is >= 0 and var quoted && body.IsQuotedPrintable()) return quoted;
        return 0;
    }

    /// <summary>As the repairs of other fields do with what they replace. How to read a body tells a person nothing.</summary>
    private static void KeepReadable(List<HeaderField> fields, HeaderField kept, List<HeaderField> compared)
    {
        if (kept.Name.StartsWith("Content-", StringComparison.OrdinalIgnoreCase) || kept.Is("MIME-Version")) return;
        var text = HeaderText.Read(kept.Value);
        var other = compared.Find(field => HeaderText.Read(field.Value) is { Length: > 0 } differing && differing != text);
        if (other.Name is not null) fields.Add(HeaderText.Folded($"X-Original-{kept.Name}", HeaderText.Words(other.Value)));
    }
}
