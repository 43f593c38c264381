using System.Buffers;
using System.Text;
using SmartHost.Mail;
using static SmartHost.Gmail.Repair.HeaderBlock;

namespace SmartHost.Gmail.Repair;

/// <summary>A line in the header that is no field: a fold that lost its blank, a field with a strange name, or the text already.</summary>
internal static class BrokenFold
{
    /// <summary>More lines than these, which are no fields, are text.</summary>
    private const int MaxLines = 3;

    /// <summary>As many as a long Subject has, where a MIME field says that it is a header.</summary>
    private const int MaxLinesBeforeMime = 8;

    private const int MaxWordsInName = 3;

    /// <summary>Real fields, which stand in alarm texts as well: they do not hinder a header from going on, and do not show that it does.</summary>
    private static readonly HashSet<string> InTextToo = new(StringComparer.OrdinalIgnoreCase) { "Priority", "Organization", "Comments", "Keywords", "Status" };

    private static readonly SearchValues<byte> ParameterName = SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-*"u8);

    /// <summary>
    /// A line that is no field may be a fold that lost its blank (the header goes on behind it) or the body (it does not). It is a fold
    /// if nothing but known, not yet seen fields follow down to an empty line; or whatever fields do, where one of them is MIME's:
    /// taken for text, it would make text of every attachment. Devices write all sorts of names and dates, and so will the next one:
    /// no list of names is ever long enough.
    /// </summary>
    /// <param name="before">The fields that stand before it.</param>
    public static bool GoesOn(IReadOnlyList<HeaderField> before, ReadOnlySpan<byte> rest)
    {
        var seen = new HashSet<string>(before.Select(field => field.Name).Where(SingleInstance.Contains), StringComparer.OrdinalIgnoreCase);
        var again = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        var isMime = before.Any(HidesText);
        var (strange, resumed, known, doubtful) = (0, false, false, false);
        while (NextLine(ref rest, out var line))
        {
            if (line.IsEmpty) return resumed && (isMime || (known && !doubtful && strange <= MaxLines));
            if (BeginsBlank(line)) continue;
            if (!TryName(line, out var name, out var valueStart))
            {
                if (IsDelimiter(line) || IsHttp(line) || ++strange > MaxLinesBeforeMime) return false;
                continue;
            }
            var value = line[valueStart..];
            resumed = true;
            known |= HeaderNames.IsKnown(name);
            if (seen.Contains(name))
            {
                doubtful = true;
                // PHP's mail() repeats one or the other. From and Subject again are those of another message, which the text quotes.
                if (!IsMerged(name) && again.Add(name) && again.Count > 1) return false;
                continue;
            }
            isMime |= IsMime(name, value);
            doubtful |= !(HeaderNames.IsKnown(name) || InTextToo.Contains(name)) || !IsPlausible(name, value);
        }
        return false;
    }

    /// <summary>
    /// The rest of the field before, promised by the sign at its end: <c>boundary="…"</c> behind a <c>Content-Type: multipart/mixed;</c>,
    /// without which nobody finds the attachments, or an address behind <c>To: a@b.example,</c>.
    /// </summary>
    /// <param name="missing">A multipart always has a boundary (RFC 2046 §5.1.1), so that one is believed without its semicolon, which is this then.</param>
    public static bool IsPromised(HeaderField before, ReadOnlySpan<byte> line, out string missing)
    {
        missing = "";
        var value = before.Value.TrimEnd(" \t"u8);
        if (before.Is("To") || before.Is("Cc") || before.Is("Bcc"))
            return value.EndsWith(","u8) && line.Contains((byte)'@') && !line.Contains((byte)':') && MailboxList.Read(line) is { Count: > 0 } entries && entries.TrueForAll(entry => entry.Address is not null);
        if (!before.Is("Content-Type") && !before.Is("Content-Disposition")) return false;
        var name = line[..Math.Max(0, line.IndexOf((byte)'='))].TrimEnd(" \t"u8);
        if (name.IsEmpty || name.ContainsAnyExcept(ParameterName)) return false;
        if (value.EndsWith(";"u8)) return true;
        missing = ";";
        return before.Is("Content-Type") && IsMultipart(value) && Ascii.EqualsIgnoreCase(name, "boundary"u8);
    }

    /// <summary>
    /// <c>Device Name: X</c> as the field <c>Device-Name</c>, where the header is known to go on, and as a Comments what can be no field:
    /// joined to the field before, they would spoil that. Null: it is rather the rest of that field, since its words are many, its
    /// colon is a time's, or it is free text, where it is read and spoils nothing.
    /// </summary>
    public static HeaderField? AsField(HeaderField before, ReadOnlySpan<byte> line, out string repair)
    {
        repair = "kept as Comments a header line that is no field";
        if (before.Is("Subject") || before.Is("Comments")) return null;
        var colon = line.IndexOf((byte)':');
        if (colon > 0 && (colon + 1 == line.Length || line[colon + 1] is (byte)' ' or (byte)'\t')
            && Encoding.Latin1.GetString(line[..colon]).Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries) is { Length: <= MaxWordsInName } words)
        {
            byte[] raw = [.. Encoding.Latin1.GetBytes(string.Join('-', words)), .. line[colon..]];
            if (!TryName(raw, out var name, out var value)) return Ascii.IsValid(line[..colon]) && !IsStrict(before) ? null : Comment(line);
            repair = $"wrote hyphens for the blanks in the name of {name}";
            return new HeaderField(name, raw, value);
        }
        return IsStrict(before) ? Comment(line) : null;
    }

    private static HeaderField Comment(ReadOnlySpan<byte> line) => new("Comments", (byte[])[.. "Comments: "u8, .. line], "Comments:".Length);

    /// <summary>Nobody reads these with words behind what belongs there.</summary>
    private static bool IsStrict(HeaderField field) =>
        field.Name.ToLowerInvariant() is "content-type" or "content-transfer-encoding" or "content-disposition" or "mime-version" or "date" or "message-id"
        && !field.Value.TrimEnd(" \t"u8).EndsWith(";"u8);

    /// <summary>Behind it no text would be read, whatever stands there: before the first part nobody looks, and base64 would be spoilt.</summary>
    private static bool HidesText(HeaderField field) =>
        field.Is("Content-Type") ? IsMultipart(field.Value) : field.Is("Content-Transfer-Encoding") && EntityHeader.EncodingWord(field) is "base64";

    private static bool IsMultipart(ReadOnlySpan<byte> value)
    {
        var type = value.TrimStart(" \t\r\n"u8);
        return type.Length >= 9 && Ascii.EqualsIgnoreCase(type[..9], "multipart"u8);
    }

    private static bool IsMime(string name, ReadOnlySpan<byte> value) => name.ToLowerInvariant() switch
    {
        "mime-version" => value.TrimStart(" \t"u8).StartsWith("1"u8),
        "content-type" => value.Trim(" \t"u8) is var type && type.IndexOf((byte)'/') is > 0 and var slash && !type[..slash].ContainsAnyExcept(ParameterName),
        _ => false,
    };

    /// <summary>The body has begun. Behind <c>--</c> and a blank it is a dash.</summary>
    private static bool IsDelimiter(ReadOnlySpan<byte> line) => line.Length > 2 && line.StartsWith("--"u8) && line[2] is not ((byte)' ' or (byte)'\t');

    /// <summary>A text that shows a request to a web server, or the answer: their fields are MIME's, too.</summary>
    private static bool IsHttp(ReadOnlySpan<byte> line) => line.StartsWith("HTTP/"u8) || line.IndexOf(" HTTP/1."u8) >= 0;

    private static bool IsMerged(string name) => name.Equals("To", StringComparison.OrdinalIgnoreCase) || name.Equals("Cc", StringComparison.OrdinalIgnoreCase);

    private static bool IsPlausible(string name, ReadOnlySpan<byte> value) => name.ToLowerInvariant() switch
    {
        "date" => HeaderText.IsDate(value),
        "from" or "to" => value.Contains((byte)'@'),
        _ => true,
    };
}
