using System.Diagnostics.CodeAnalysis;
using System.Text;
using SmartHost.Mail;

namespace SmartHost.Gmail.Replies;

/// <summary>
/// Reads the text form of an SMTP reply, one line or several. Lenient where servers are known to be sloppy (no text at
/// all, LF alone), strict where a mistake could change the meaning (another code within one reply).
/// A reply that cannot be read is no reply: the caller drops the connection.
/// </summary>
internal static class ReplyText
{
    public static bool TryParse(IReadOnlyList<string> lines, [NotNullWhen(true)] out SmtpReply? reply)
    {
        reply = null;
        var texts = new List<string>(lines.Count);
        EnhancedStatus? status = null;
        var code = 0;
        for (var i = 0; i < lines.Count; i++)
        {
            if (!TryParseLine(lines[i], out var lineCode, out var isLast, out var text)) return false;
            if (i > 0 && lineCode != code) return false;
            if (isLast != (i == lines.Count - 1)) return false;
            code = lineCode;
            // Google repeats the enhanced code on every line; RFC 2034 §4 asks for it. It also asks for equal classes,
            // which Google's own "454 5.5.1 STARTTLS may not be repeated" does not keep.
            if (EnhancedStatus.TryParse(text, out var lineStatus))
            {
                status ??= lineStatus;
                var space = text.IndexOfAny([' ', '\t']);
                text = space < 0 ? "" : text[space..];
            }
            texts.Add(text.Trim());
        }
        if (texts.Count == 0) return false;
        reply = new SmtpReply(code, status, texts);
        return true;
    }

    /// <exception cref="FormatException">For literals in code: the catalogue's examples.</exception>
    public static SmtpReply Parse(string text) =>
        TryParse(text.Split('\n'), out var reply) ? reply : throw new FormatException($"“{text}” is not an SMTP reply");

    /// <summary>One line of a reply: false where it is not one. Whether it is the last: RFC 5321 §4.2.1 marks all others by a hyphen.</summary>
    public static bool TryParseLine(string line, out int code, out bool isLast, out string text)
    {
        (code, isLast, text) = (0, true, "");
        if (line.Length < 3 || line[0] is < '2' or > '5' || !char.IsAsciiDigit(line[1]) || !char.IsAsciiDigit(line[2])) return false;
        if (line.Length > 3 && line[3] is not (' ' or '-' or '\t')) return false;
        code = (line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0');
        isLast = line.Length == 3 || line[3] != '-';
        text = line.Length > 4 ? line[4..] : "";
        return true;
    }

    /// <summary>As it goes over the wire, enhanced code on each line.</summary>
    public static byte[] ToBytes(SmtpReply reply)
    {
        var text = new StringBuilder();
        for (var i = 0; i < reply.Lines.Count; i++)
        {
            text.Append(reply.Code).Append(i == reply.Lines.Count - 1 ? ' ' : '-');
            if (reply.Status is { } status) text.Append(status).Append(' ');
            text.Append(reply.Lines[i]).Append("\r\n");
        }
        return Encoding.UTF8.GetBytes(text.ToString());
    }
}
