using SmartHost.Mail;

namespace SmartHost.Practice;

/// <summary>The argument of MAIL or RCPT as RFC 5321 §4.1.2 writes it, and nothing beside: no blank after the colon, no display name.</summary>
/// <param name="Path">With its brackets, for a reply that names it.</param>
/// <param name="Mailbox">Null where the path is empty, or no address.</param>
internal sealed record PracticePath(string Path, Mailbox? Mailbox, IReadOnlyList<string> Parameters)
{
    public bool IsEmpty => Path == "<>";

    /// <param name="keyword"><c>FROM:</c> or <c>TO:</c>.</param>
    /// <returns>Null: a syntax error.</returns>
    public static PracticePath? Read(string argument, string keyword)
    {
        if (!argument.StartsWith(keyword + "<", StringComparison.OrdinalIgnoreCase)) return null;
        var path = argument[keyword.Length..];
        var end = path.StartsWith("<\"", StringComparison.Ordinal) ? path.IndexOf("\"@", 2, StringComparison.Ordinal) : 0;
        if (end < 0) return null;
        end = path.IndexOf('>', end);
        if (end < 0) return null;
        var rest = path[(end + 1)..];
        if (rest.Length > 0 && rest[0] != ' ') return null;
        return new PracticePath(path[..(end + 1)], Mail.Mailbox.TryParse(path[1..end], out var mailbox) ? mailbox : null, rest.Split(' ', StringSplitOptions.RemoveEmptyEntries));
    }
}
