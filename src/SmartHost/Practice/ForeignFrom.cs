using System.Text;
using SmartHost.Mail;

namespace SmartHost.Practice;

/// <summary>
/// Gmail sends nobody's mail under a foreign address: a From that is neither the account nor an alias of it keeps its
/// display name, gets the account's address, and what it was goes to X-Google-Original-From. No error says so.
/// </summary>
internal static class ForeignFrom
{
    public static ReadOnlyMemory<byte> Replace(ReadOnlyMemory<byte> content, Mailbox account, IReadOnlyList<Mailbox> identities)
    {
        var text = Encoding.Latin1.GetString(content.Span[..PracticeHeader.Read(content.Span).Length]);
        var (begin, end) = Find(text);
        if (begin < 0) return content;
        var value = text[(begin + "From:".Length)..end].Replace("\r\n", "").Trim();
        var (name, address) = Split(value);
        if (Mailbox.TryParse(address, out var from) && (from == account || identities.Contains(from))) return content;
        var field = name.Length > 0 ? $"From: {name} <{account}>\r\n" : $"From: {account}\r\n";
        return (byte[])[.. Encoding.Latin1.GetBytes($"X-Google-Original-From: {value}\r\n{text[..begin]}{field}"), .. content.Span[end..]];
    }

    /// <summary>Where the first From field begins and where the next field does, or -1.</summary>
    private static (int Begin, int End) Find(string block)
    {
        for (var at = 0; at < block.Length;)
        {
            var end = at;
            do
            {
                var feed = block.IndexOf('\n', end);
                end = feed < 0 ? block.Length : feed + 1;
            }
            while (end < block.Length && block[end] is ' ' or '\t');
            if (block.AsSpan(at).StartsWith("From:", StringComparison.OrdinalIgnoreCase)) return (at, end);
            at = end;
        }
        return (-1, -1);
    }

    private static (string Name, string Address) Split(string value)
    {
        var open = value.LastIndexOf('<');
        return open < 0 ? ("", value) : (value[..open].Trim(), value[(open + 1)..].TrimEnd('>', ' '));
    }
}
