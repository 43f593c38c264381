using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Text;

namespace SmartHost.Mail;

/// <summary>
/// An address as RFC 5321 §4.1.2 means it: local part and domain, no display name, no brackets.
/// Two mailboxes are equal when they differ in letter case alone: Gmail, and every mail system a LAN device
/// writes to, reads local parts so, though RFC 5321 §2.4 leaves it to the receiving host.
/// </summary>
public sealed record Mailbox
{
    /// <summary>RFC 5321 §4.5.3.1.3, in octets: a path has 256 with its brackets.</summary>
    public const int MaxLength = 254;

    /// <summary>RFC 5321 §4.5.3.1.1, for those that we make. Others are taken as they are: addresses to which one replies to a ticket or a mailing list have more, and it is a size that all must take, not one that none may exceed.</summary>
    public const int MaxLocalPart = 64;

    private Mailbox(string localPart, string domain) => (LocalPart, Domain) = (localPart, domain);

    /// <summary>As written, with its quotes if it has any.</summary>
    public string LocalPart { get; }

    /// <summary>A host name, or an address literal in brackets.</summary>
    public string Domain { get; }

    /// <summary>True where a letter outside ASCII makes SMTPUTF8 (RFC 6531) necessary.</summary>
    public bool IsInternational => !Ascii.IsValid(LocalPart) || !Ascii.IsValid(Domain);

    /// <summary>Reads a strict <c>local@domain</c>. Leniency towards devices is the listener's business, not this type's.</summary>
    public static bool TryParse(string? text, [NotNullWhen(true)] out Mailbox? mailbox)
    {
        mailbox = null;
        if (string.IsNullOrEmpty(text)) return false;
        var at = text.LastIndexOf('@');
        if (at <= 0 || at == text.Length - 1) return false;
        var (local, domain) = (text[..at], text[(at + 1)..]);
        if (Encoding.UTF8.GetByteCount(text) > MaxLength) return false;
        if (!IsLocalPart(local) || !IsDomain(domain)) return false;
        mailbox = new Mailbox(local, domain);
        return true;
    }

    /// <exception cref="FormatException">For literals in code; input from outside goes through <see cref="TryParse"/>.</exception>
    public static Mailbox Parse(string text) =>
        TryParse(text, out var mailbox) ? mailbox : throw new FormatException($"“{text}” is not an e-mail address");

    public bool Equals(Mailbox? other) => other is not null
        && LocalPart.Equals(other.LocalPart, StringComparison.OrdinalIgnoreCase)
        && Domain.Equals(other.Domain, StringComparison.OrdinalIgnoreCase);

    public override int GetHashCode() => HashCode.Combine(
        LocalPart.GetHashCode(StringComparison.OrdinalIgnoreCase), Domain.GetHashCode(StringComparison.OrdinalIgnoreCase));

    public override string ToString() => $"{LocalPart}@{Domain}";

    private static bool IsLocalPart(string local) =>
        local[0] == '"' ? IsQuotedString(local) : local.Split('.').All(IsAtom);

    private static bool IsQuotedString(string text)
    {
        if (text.Length < 2 || text[^1] != '"') return false;
        for (var i = 1; i < text.Length - 1; i++)
        {
            if (text[i] == '"' || char.IsControl(text[i])) return false;
            if (text[i] == '\\' && (++i >= text.Length - 1 || char.IsControl(text[i]))) return false;
        }
        return true;
    }

    private static bool IsAtom(string atom) => atom.Length > 0 && atom.All(c =>
        char.IsAsciiLetterOrDigit(c) || "!#$%&'*+-/=?^_`{|}~".Contains(c) || (c > '\x7f' && !char.IsControl(c) && !char.IsWhiteSpace(c)));

    private static bool IsDomain(string domain) => domain[0] == '['
        ? IsLiteral(domain)
        : domain.Split('.').All(label => label is { Length: > 0 and <= 63 } && label[0] != '-' && label[^1] != '-'
            && label.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' || (c > '\x7f' && char.IsLetterOrDigit(c))));

    private static bool IsLiteral(string domain) => domain[^1] == ']' && domain.Length > 2
        && IPAddress.TryParse(domain.StartsWith("[IPv6:", StringComparison.OrdinalIgnoreCase) ? domain[6..^1] : domain[1..^1], out _);
}
