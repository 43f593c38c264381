using System.Text;
using SmartHost.Mail;

namespace SmartHost.Gmail.Repair;

/// <summary>The header of a part: simpler than a message's, since only MIME software writes parts.</summary>
internal static class PartHeader
{
    private const int MaxJoined = 4 << 10;

    /// <summary>Null: a line in it is neither a field nor a fold, so it is no header.</summary>
    /// <param name="isJoined">A parameter had lost the blank before it, and is none without it.</param>
    /// <param name="textStart">
    /// Where it is no header: text that follows without an empty line between begins here, behind the last field that mail software writes.
    /// -1: another of MIME's follows, so the header goes on, with a line in it that nobody understands.
    /// </param>
    public static List<HeaderField>? Parse(ReadOnlyMemory<byte> header, out bool isJoined, out int textStart)
    {
        (isJoined, textStart) = (false, 0);
        var fields = new List<HeaderField>();
        var (start, isLastJoined) = ((Index)0, false);
        foreach (var range in header.Span.Split("\r\n"u8))
        {
            var line = header[range];
            if (line.IsEmpty) break;
            // Joining copies, and no header that lost a blank is so long.
            if (isLastJoined && fields[^1].Raw.Length > MaxJoined) return null;
            if (HeaderBlock.BeginsBlank(line.Span) && fields is [.., var folded])
            {
                fields[^1] = folded with { Raw = isLastJoined ? (byte[])[.. folded.Raw.Span, .. "\r\n"u8, .. line.Span] : header[start..range.End] };
            }
            else if (fields is [.., var promising] && BrokenFold.IsPromised(promising, line.Span, out var missing))
            {
                isJoined = isLastJoined = true;
                fields[^1] = promising with { Raw = (byte[])[.. promising.Raw.Span, .. Encoding.ASCII.GetBytes(missing + "\r\n "), .. line.Span] };
            }
            else if (HeaderBlock.TryName(line.Span, out var name, out var value))
            {
                (start, isLastJoined) = (range.Start, false);
                fields.Add(new HeaderField(name, line, value));
            }
            else
            {
                if (IsOddField(line.Span) || HasMimeField(header.Span[range.Start..])) textStart = -1;
                return null;
            }
            if (HeaderNames.IsKnown(fields[^1].Name)) textStart = Math.Min(range.End.GetOffset(header.Length) + 2, header.Length);
        }
        return fields;
    }

    /// <summary>A field by RFC 5322 §3.6.8, though <see cref="HeaderBlock.TryName"/> believes in no such name: <c>2D-Code: x</c>. An address of the web is none.</summary>
    private static bool IsOddField(ReadOnlySpan<byte> line) =>
        line.IndexOf((byte)':') is > 0 and <= HeaderBlock.MaxName and var colon && line[..colon].IndexOfAnyExceptInRange((byte)33, (byte)126) < 0 && !line[(colon + 1)..].StartsWith("//"u8);

    private static bool HasMimeField(ReadOnlySpan<byte> octets)
    {
        foreach (var range in octets.Split("\r\n"u8))
        {
            if (HeaderBlock.TryName(octets[range], out var name, out _) && name.StartsWith("Content-", StringComparison.OrdinalIgnoreCase)) return true;
        }
        return false;
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

    public static bool HasLongLine(ReadOnlySpan<byte> raw)
    {
        foreach (var line in raw.Split("\r\n"u8))
            if (raw[line].Length > HeaderText.MaxLine) return true;
        return false;
    }
}
