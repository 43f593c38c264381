using System.Text;
using SmartHost.Mail;

namespace SmartHost.Dashboard;

/// <summary>A message's stored octets, for reading. Never as anything a browser would run: plain text on the page, a file to keep from the link.</summary>
public sealed record RawMessage(string Headers, string Body, bool Cut)
{
    /// <summary>More than this is for the file; a page with a scan in base64 helps nobody.</summary>
    private const int MaxShown = 64 * 1024;

    public const string Gone = "Its content is not kept any more: it is deleted with the last delivery unless history.keepContent says otherwise.";

    public const string Missing = "Its content should be there and is not: somebody removed or shortened it, or the disk lost it. If there is a backup of the data folder, restore it from there.";

    public static IResult Download(Stream content, QueueId id) =>
        // octet-stream, so that even a browser that ignores nosniff finds nothing to render; disposed by the result.
        TypedResults.Stream(content, "application/octet-stream", $"{id}.eml");

    public static async Task<RawMessage> ReadAsync(Stream content, CancellationToken cancellation)
    {
        await using (content)
        {
            var octets = new byte[MaxShown + 1];
            var read = await content.ReadAtLeastAsync(octets, octets.Length, throwOnEndOfStream: false, cancellation);
            var text = Text(octets.AsSpan(0, Math.Min(read, MaxShown)));
            var end = text.IndexOf("\r\n\r\n", StringComparison.Ordinal);
            return new RawMessage(end < 0 ? text : text[..end], end < 0 ? "" : text[(end + 4)..], read > MaxShown);
        }
    }

    /// <summary>UTF-8 where it is; else Latin-1, which shows every octet as something.</summary>
    private static string Text(ReadOnlySpan<byte> octets)
    {
        // The cut may fall inside a letter: three octets at most are then missing at the end.
        for (var spare = 0; spare <= 3 && spare <= octets.Length; spare++)
        {
            var part = octets[..^spare];
            if (System.Text.Unicode.Utf8.IsValid(part)) return Visible(Encoding.UTF8.GetString(part));
        }
        return Visible(Encoding.Latin1.GetString(octets));
    }

    /// <summary>Control characters as their Unicode pictures, so that none of them does anything on the way.</summary>
    private static string Visible(string text) => string.Create(text.Length, text, (span, source) =>
    {
        for (var i = 0; i < span.Length; i++)
        {
            span[i] = source[i] switch
            {
                '\r' or '\n' or '\t' => source[i],
                < ' ' => (char)('\u2400' + source[i]),
                '\x7f' => '\u2421',
                var c => c,
            };
        }
    });
}
