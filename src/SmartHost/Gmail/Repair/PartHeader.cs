using System.Text;

namespace SmartHost.Gmail.Repair;

/// <summary>The header of a part: simpler than a message's, since only MIME software writes parts.</summary>
internal static class PartHeader
{
    /// <summary>Null: a line in it is neither a field nor a fold, so it is no header.</summary>
    public static List<HeaderField>? Parse(ReadOnlyMemory<byte> header)
    {
        var fields = new List<HeaderField>();
        Index start = 0;
        foreach (var range in header.Span.Split("\r\n"u8))
        {
            var line = header[range];
            if (line.IsEmpty) break;
            if (HeaderBlock.BeginsBlank(line.Span) && fields.Count > 0)
            {
                fields[^1] = fields[^1] with { Raw = header[start..range.End] };
            }
            else if (HeaderBlock.TryName(line.Span, out var name, out var value))
            {
                start = range.Start;
                fields.Add(new HeaderField(name, line, value));
            }
            else
            {
                return null;
            }
        }
        return fields;
    }

    /// <summary>A name of a file in raw text or without its quotes, which one reader shows and the next does not, or an encoding that few would find. With a comment it is well-formed.</summary>
    public static bool NeedsMending(HeaderField field) => !Ascii.IsValid(field.Raw.Span) || MimeFields.LacksQuotes(field) || (MimeFields.MendedEncoding(field) is not null && !field.Value.Contains((byte)'('));

    private static HeaderField? Kept(HeaderField field, string? charset)
    {
        var isLong = HasLongLine(field.Raw.Span);
        if (!isLong && !NeedsMending(field)) return field;
        if (MimeFields.MendedEncoding(field) is { } encoding) return encoding;
        // Raw text that would end as question marks: some reader may know it as it stands.
        return isLong || HeaderText.CanSay(field) ? HeaderText.Mended(HeaderText.InUtf8(field, charset)) : field;
    }

    /// <summary>As it was, but for lines that are too long, what <see cref="NeedsMending"/> and, where given, encoding and Content-Type; with the empty line behind it.</summary>
    /// <param name="charset">Of the message's text: that of raw names, too.</param>
    public static byte[] Write(List<HeaderField> fields, string? charset, string? encoding = null, HeaderField? contentType = null)
    {
        using var made = new MemoryStream();
        foreach (var field in fields)
        {
            if (encoding is not null && field.Is("Content-Transfer-Encoding")) continue;
            if (contentType is not null && field.Is("Content-Type")) continue;
            if (Kept(field, charset) is not { } kept) continue;
            made.Write(kept.Raw.Span);
            made.Write("\r\n"u8);
        }
        if (contentType is { } type)
        {
            made.Write(type.Raw.Span);
            made.Write("\r\n"u8);
        }
        if (encoding is not null) made.Write(Encoding.ASCII.GetBytes($"Content-Transfer-Encoding: {encoding}\r\n"));
        made.Write("\r\n"u8);
        return made.ToArray();
    }

    private static bool HasLongLine(ReadOnlySpan<byte> raw)
    {
        foreach (var line in raw.Split("\r\n"u8))
            if (raw[line].Length > HeaderText.MaxLine) return true;
        return false;
    }
}
