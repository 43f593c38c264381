using System.Text;
using System.Text.Unicode;

namespace SmartHost.Mail;

/// <summary>
/// Reads header text that is raw, against RFC 5322 §2.2 but with a charset that one can know: the one that the message declares for
/// its text, the escapes of ISO-2022-JP, or UTF-8 that a device cut in the middle of a character.
/// </summary>
internal static class RawText
{
    private const byte Escape = 0x1b;

    /// <param name="declared">The charset that the message names for its text; null where it names none.</param>
    /// <returns>False where there is nothing to decide: ASCII, valid UTF-8, which is hardly ever anything else, or a charset that nobody told.</returns>
    public static bool TryRead(ReadOnlySpan<byte> value, string? declared, out string text)
    {
        text = "";
        if (Ascii.IsValid(value))
        {
            if (!IsIso2022Jp(value)) return false;
            text = ReadIso2022Jp(value);
            return true;
        }
        if (Utf8.IsValid(value)) return false;
        var utf8 = new Utf8Likeness();
        utf8.Read(value.TrimEnd(" \t\r\n"u8));
        // A single character of UTF-8 is often text in an Eastern code page as well.
        if (!(utf8.IsUtf8 && utf8.Good > 1) && Charset.Strict(declared) is { } encoding)
        {
            try
            {
                text = encoding.GetString(value);
                return true;
            }
            catch (DecoderFallbackException)
            {
                // It is not what the message says.
            }
        }
        if (!utf8.IsUtf8) return false;
        text = Encoding.UTF8.GetString(value);
        return true;
    }

    /// <summary>The escapes of RFC 1468, and the one for half-width kana; with another between them it is something else.</summary>
    private static bool IsIso2022Jp(ReadOnlySpan<byte> value)
    {
        var found = false;
        while (value.IndexOf(Escape) is >= 0 and var at)
        {
            value = value[(at + 1)..];
            if (value is [(byte)'$', (byte)'@' or (byte)'B', ..] or [(byte)'(', (byte)'B' or (byte)'J' or (byte)'I', ..]) found = true;
            else if (value is [(byte)'$' or (byte)'(', ..]) return false;
        }
        return found;
    }

    /// <summary>Unfolded before: a device that folds by length does so between the octets of a character, which an encoding would not survive.</summary>
    private static string ReadIso2022Jp(ReadOnlySpan<byte> value)
    {
        var line = new List<byte>(value.Length);
        var isDouble = false;
        for (var i = 0; i < value.Length; i++)
        {
            if (value[i] == Escape && i + 1 < value.Length) isDouble = value[i + 1] is (byte)'$' || (isDouble && value[i + 1] is not (byte)'(');
            if (value[i] is (byte)'\r' or (byte)'\n') continue;
            // No octet of a character of two is a blank: this one is the fold's.
            if (isDouble && value[i] is (byte)' ' or (byte)'\t') continue;
            line.Add(value[i]);
        }
        return Encoding.GetEncoding("iso-2022-jp").GetString(line.ToArray());
    }
}
