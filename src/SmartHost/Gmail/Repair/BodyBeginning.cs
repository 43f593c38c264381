using System.Buffers;
using System.Text;
using static SmartHost.Gmail.Repair.HeaderBlock;

namespace SmartHost.Gmail.Repair;

/// <summary>The first octets of a body, asked where the header contradicts itself or says nothing. Each question costs one reading of them.</summary>
/// <param name="octets">Whole CRLF lines, but for the last, which may be cut.</param>
internal readonly struct BodyBeginning(ReadOnlyMemory<byte> octets)
{
    /// <summary>Before its first part a multipart has a line or two.</summary>
    private const int Length = 64 << 10;

    /// <summary>RFC 2046 §5.1.1 allows 70, and not all of these signs; programs write more.</summary>
    private const int MaxBoundary = 200;

    private static readonly SearchValues<byte> Base64 = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="u8);

    private static readonly SearchValues<byte> Base64OrBlank = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/= \t"u8);

    /// <summary>A cut may fall within a line end.</summary>
    private ReadOnlySpan<byte> Octets => octets.Span[..Math.Min(octets.Length, Length)].TrimEnd((byte)'\r');

    /// <summary>Does a part begin, or the last one end, at a line of this boundary?</summary>
    public bool HasDelimiter(string boundary)
    {
        byte[] delimiter = [.. "--"u8, .. Encoding.UTF8.GetBytes(boundary.TrimEnd())];
        for (var rest = Octets; NextLine(ref rest, out var line);)
        {
            line = line.TrimEnd(" \t"u8);
            if (line.StartsWith(delimiter) && (line.Length == delimiter.Length || line[delimiter.Length..].SequenceEqual("--"u8))) return true;
        }
        return false;
    }

    /// <summary>The boundary of the first line that looks like a delimiter, a part's header behind it. Null: none does.</summary>
    public string? FirstBoundary()
    {
        for (var rest = Octets; NextLine(ref rest, out var line);)
        {
            line = line.TrimEnd(" \t"u8);
            if (line.Length is <= 2 or > MaxBoundary || !line.StartsWith("--"u8) || line[2] == ' ' || line.ContainsAnyExceptInRange((byte)' ', (byte)'~') || line.ContainsAny("\"\\"u8)) continue;
            if (TryName(rest, out var name, out _) && name.StartsWith("Content-", StringComparison.OrdinalIgnoreCase))
                return Encoding.ASCII.GetString(line[2..]);
        }
        return null;
    }

    /// <summary>Nothing but base64, down to the first empty line or the end: lines of one length, the last one shorter.</summary>
    public bool IsBase64()
    {
        var rest = Octets;
        var (width, last, total) = (0, 0, 0);
        while (NextLine(ref rest, out var line))
        {
            line = line.TrimEnd(" \t"u8);
            if (line.IsEmpty)
            {
                if (total == 0) continue;
                rest = default;
                break;
            }
            if (width == 0) width = line.Length;
            if (line.ContainsAnyExcept(Base64) || line.Length % 4 != 0 || line.Length > width || (last > 0 && last < width)) return false;
            last = line.Length;
            total += line.Length;
        }
        if (rest.ContainsAnyExcept(Base64)) return false;
        // "Test" is four of its letters, too.
        return total + rest.Length >= 16 || (total > 0 && Octets.Contains((byte)'='));
    }

    /// <summary>Its first line is no base64, not even some with blanks in it: those may stand anywhere between groups of four.</summary>
    public bool IsPlainText()
    {
        for (var rest = Octets; NextLine(ref rest, out var line);)
        {
            line = line.Trim(" \t"u8);
            if (line.IsEmpty) continue;
            var blanks = line.Count((byte)' ') + line.Count((byte)'\t');
            return (blanks > 0 && (line.Length - blanks) % 4 != 0) || line.ContainsAnyExcept(Base64OrBlank);
        }
        return false;
    }

    /// <summary>Nothing but its letters, and at the end the signs that fill it up.</summary>
    public static bool IsBase64(ReadOnlySpan<byte> line) => !line.TrimEnd((byte)'=').ContainsAnyExcept(Base64);

    /// <summary>Every <c>=</c> begins two hexadecimal digits or ends a line, and one of them is what no text has by chance.</summary>
    public bool IsQuotedPrintable()
    {
        var rest = Octets;
        var isSure = false;
        while (rest.IndexOf((byte)'=') is >= 0 and var at && at + 2 < rest.Length)
        {
            var code = rest.Slice(at + 1, 2);
            if (code.SequenceEqual("\r\n"u8)) isSure = true;
            else if (!char.IsAsciiHexDigit((char)code[0]) || !char.IsAsciiHexDigit((char)code[1])) return false;
            else isSure |= code[0] > '7' || code.SequenceEqual("3D"u8) || code.SequenceEqual("20"u8);
            rest = rest[(at + 3)..];
        }
        return isSure;
    }
}
