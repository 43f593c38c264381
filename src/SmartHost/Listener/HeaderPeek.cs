using System.Buffers;
using System.Text;
using MimeKit;
using MimeKit.Utils;
using SmartHost.Mail;

namespace SmartHost.Listener;

/// <summary>
/// Looks at the header of a message while it passes, without holding it up or changing it: its Message-ID and Subject for
/// the queue, the program that wrote it, and how many servers it has passed. Sees the first 64 KB at most. Mending a header is delivery's business.
/// </summary>
internal sealed class HeaderPeek : IDisposable
{
    private const int MaxHeader = 64 * 1024, MaxSubject = 200, MaxMessageId = 250;

    /// <summary>Octets of empty lines before a header. More of them are a message without one, as delivery sees it, too.</summary>
    private const int MaxEmpty = 16;

    private byte[]? seen = ArrayPool<byte>.Shared.Rent(2048);
    private int length;

    /// <summary>In brackets; null where there is none that is valid.</summary>
    public string? MessageId { get; private set; }

    /// <summary>Decoded (RFC 2047, or whatever code page the octets look like), without control characters.</summary>
    public string? Subject { get; private set; }

    /// <summary>The program that it says it was written by, decoded like <see cref="Subject"/>.</summary>
    public string? Mailer { get; private set; }

    /// <summary>Received headers: one for every server it has passed.</summary>
    public int Hops { get; private set; }

    public void Feed(ReadOnlySpan<byte> content)
    {
        if (seen is null) return;
        var taken = content[..Math.Min(content.Length, MaxHeader - length)];
        if (length + taken.Length > seen.Length)
        {
            var larger = ArrayPool<byte>.Shared.Rent(Math.Min(MaxHeader, Math.Max(seen.Length * 2, length + taken.Length)));
            seen.AsSpan(0, length).CopyTo(larger);
            ArrayPool<byte>.Shared.Return(seen);
            seen = larger;
        }
        taken.CopyTo(seen.AsSpan(length));
        var from = Math.Max(0, length - 3);
        length += taken.Length;
        from = Math.Max(from, EmptyLines(seen.AsSpan(0, length)));
        if (length >= MaxHeader || seen.AsSpan(from, length - from).IndexOf("\r\n\r\n"u8) >= 0) Complete();
    }

    /// <summary>The message is over, or its header is.</summary>
    public void Complete()
    {
        if (seen is null) return;
        Read(seen.AsSpan(0, length));
        Dispose();
    }

    public void Dispose()
    {
        if (seen is null) return;
        ArrayPool<byte>.Shared.Return(seen);
        seen = null;
    }

    private void Read(ReadOnlySpan<byte> header)
    {
        while (header.StartsWith("\uFEFF"u8)) header = header[3..];
        // Behind an empty line a field that mail software writes begins the header, as delivery reads it; any other word with a colon may be text.
        if (EmptyLines(header) is > 0 and var empty && IsKnownField(header[empty..])) header = header[empty..];
        ReadOnlySpan<byte> subject = default, mailer = default, type = default;
        while (!header.IsEmpty)
        {
            var field = Field(ref header);
            if (field.IsEmpty) break;
            // A line that is no field (an mbox separator, a fold without its blank) is passed over: what follows may still be header.
            var colon = field.IndexOf((byte)':');
            if (colon <= 0) continue;
            var name = field[..colon].TrimEnd(" \t"u8);
            var value = field[(colon + 1)..].Trim(" \t\r\n"u8);
            if (Is(name, "received"u8)) Hops++;
            else if (subject.IsEmpty && Is(name, "subject"u8)) subject = value;
            else if (mailer.IsEmpty && (Is(name, "x-mailer"u8) || Is(name, "user-agent"u8))) mailer = value;
            else if (type.IsEmpty && Is(name, "content-type"u8)) type = value;
            else if (MessageId is null && Is(name, "message-id"u8)) MessageId = ValidId(value);
        }
        // Read for the few that need it alone: every message passes here.
        var charset = Ascii.IsValid(subject) && Ascii.IsValid(mailer) ? null
            : ContentType.TryParse(Encoding.Latin1.GetString(type), out var parsed) ? parsed.Charset : null;
        (Subject, Mailer) = (Decoded(subject, charset), Decoded(mailer, charset));
    }

    /// <summary>Octets of the empty lines at the beginning: some devices send one before their header, and they end none.</summary>
    private static int EmptyLines(ReadOnlySpan<byte> text)
    {
        var length = 0;
        while (length < MaxEmpty && text[length..].StartsWith("\r\n"u8)) length += 2;
        return length;
    }

    private static bool IsKnownField(ReadOnlySpan<byte> line)
    {
        var colon = line.IndexOf((byte)':');
        return colon > 0 && HeaderNames.IsKnown(Encoding.Latin1.GetString(line[..colon].TrimEnd(" \t"u8)));
    }

    /// <summary>The next field with its folded lines; empty at the line that ends the header.</summary>
    private static ReadOnlySpan<byte> Field(scoped ref ReadOnlySpan<byte> header)
    {
        var end = 0;
        do
        {
            var lineEnd = header[end..].IndexOf("\r\n"u8);
            if (lineEnd == 0 && end == 0) return default;
            end = lineEnd < 0 ? header.Length : end + lineEnd + 2;
        }
        while (end < header.Length && header[end] is (byte)' ' or (byte)'\t');
        var field = header[..end];
        header = header[end..];
        return field;
    }

    private static bool Is(ReadOnlySpan<byte> name, ReadOnlySpan<byte> wanted) => Ascii.EqualsIgnoreCase(name, wanted);

    private static string? Decoded(ReadOnlySpan<byte> value, string? charset)
    {
        value = value[..Math.Min(value.Length, 4096)];
        if (RawText.TryRead(value, charset, out var raw)) value = Encoding.UTF8.GetBytes(raw);
        var text = Ascii.IsValid(value) && value.IndexOf("=?"u8) < 0 ? Encoding.ASCII.GetString(value) : Rfc2047.DecodeText(value.ToArray());
        var clean = new StringBuilder(Math.Min(text.Length, MaxSubject));
        foreach (var rune in text.EnumerateRunes())
        {
            if (clean.Length + rune.Utf16SequenceLength > MaxSubject) break;
            // Folding leaves CR LF before its blank; every other character that a screen obeys would reach somebody's terminal.
            if (rune.Value is '\r' or '\n') continue;
            // A fold's blank may be a tab.
            clean.Append(rune.Value is '\t' ? " " : ScreenControl.Is(rune) ? "\uFFFD" : rune.ToString());
        }
        return clean.Length == 0 ? null : clean.ToString();
    }

    private static string? ValidId(ReadOnlySpan<byte> value)
    {
        value = value.Trim(" \t\r\n"u8);
        // Some write it without its brackets, or with blanks inside them. Gmail would put an id of its own in its place.
        if (value is [(byte)'<', .. var bracketed, (byte)'>']) value = bracketed.Trim(" \t"u8);
        var at = value.IndexOf((byte)'@');
        if (at <= 0 || at == value.Length - 1 || value.Length > MaxMessageId - 2 || value.ContainsAnyExceptInRange((byte)'!', (byte)'~') || value.ContainsAny("<>"u8)) return null;
        return $"<{Encoding.ASCII.GetString(value)}>";
    }
}
