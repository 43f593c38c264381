using SmartHost.Mail;

namespace SmartHost.Gmail.Repair;

/// <summary>
/// How the header From is made. Gmail replaces an address that is neither the account's nor a verified alias by the
/// account's and keeps only the display name, so we do it first and put the device's identity where it survives.
/// </summary>
/// <remarks>
/// Address: the <c>from</c> setting's, if it is the account or an alias; else the first such in the device's own From;
/// else the account. Display name: the setting's; else the device's own, since it tells two channels of one recorder
/// apart and people already filter by it; else the device's name here.
/// </remarks>
/// <param name="Mailbox">The one address of the header From.</param>
/// <param name="Value">The field's value, ASCII, folded by the caller.</param>
/// <param name="IsKept">The device's own From goes out as it came.</param>
/// <param name="ReplyTo">The other real mailboxes that the device named: answers should still reach them.</param>
internal sealed record FromRule(Mailbox Mailbox, string Value, bool IsKept, IReadOnlyList<Mailbox> ReplyTo)
{
    private const int MaxDisplayName = 80;

    /// <summary>Names that no mail from outside a LAN can be answered to (RFC 6761, RFC 6762, RFC 8375 and custom).</summary>
    private static readonly string[] LocalDomains =
        ["local", "lan", "invalid", "localdomain", "localhost", "internal", "intranet", "home", "corp", "private", "arpa", "test"];

    /// <param name="fields">The message's From fields.</param>
    public static FromRule Decide(IReadOnlyList<HeaderField> fields, RepairContext context)
    {
        var written = fields.SelectMany(field => MailboxList.Read(field.Value)).ToList();
        var setting = ReadSetting(context);
        var kept = written.Find(own => own.Address is not null && IsOurs(own.Address, context));
        var address = setting.Address ?? kept?.Address ?? context.Account;
        var name = setting.Name ?? NameOf(kept) ?? NameOf(written.FirstOrDefault()) ?? Tidy(context.Device) ?? "SmartHost";

        var isKept = setting is (null, null) && kept is not null && written.Count == 1 && fields.Count == 1
            && HeaderText.IsClean(fields[0].Raw.Span) && MailboxList.IsPlain(fields[0].Value, written);
        var others = written.Select(own => own.Address);
        if (written.Count == 0) others = others.Append(context.Sender.Mailbox);
        var replyTo = others.OfType<Mailbox>().Where(IsReal).Distinct().Where(other => !other.Equals(address) && !other.Equals(context.Account)).ToList();
        return new FromRule(address, $"{HeaderText.Phrase(name)} <{MailboxList.AsciiAddress(address) ?? address.ToString()}>", isKept, replyTo);
    }

    public static bool IsOurs(Mailbox address, RepairContext context) =>
        address.Equals(context.Account) || context.Aliases.Contains(address);

    /// <summary>Could an answer reach it from outside the LAN?</summary>
    public static bool IsReal(Mailbox mailbox)
    {
        var domain = mailbox.Domain;
        var dot = domain.LastIndexOf('.');
        if (dot <= 0 || MailboxList.AsciiAddress(mailbox) is null) return false;
        var top = domain[(dot + 1)..];
        // No top-level domain has digits alone: 192.168.1.10 without its brackets is an address literal too.
        return !domain.StartsWith('[') && !top.All(char.IsAsciiDigit) && !LocalDomains.Contains(top, StringComparer.OrdinalIgnoreCase);
    }

    /// <summary>A display name, or a mailbox with or without one. An address that is no alias of the account is left out.</summary>
    private static (string? Name, Mailbox? Address) ReadSetting(RepairContext context)
    {
        if (string.IsNullOrWhiteSpace(context.From)) return default;
        var text = context.From.Trim();
        if (Mailbox.TryParse(text, out var bare)) return (null, IsOurs(bare, context) ? bare : null);
        var open = text.LastIndexOf('<');
        if (open < 0 || text[^1] != '>' || !Mailbox.TryParse(text[(open + 1)..^1].Trim(), out var address)) return (Tidy(text), null);
        var name = text[..open].Trim();
        if (name.Length > 1 && name[0] == '"' && name[^1] == '"') name = name[1..^1];
        return (Tidy(name), IsOurs(address, context) ? address : null);
    }

    /// <summary>The name that the device gives itself. An address is no name: it would look like a forged sender.</summary>
    private static string? NameOf(MailboxList.Entry? own)
    {
        if (own is null) return null;
        var name = Tidy(own.Name is "" && own.Address is null ? HeaderText.DecodedWords(own.Written) : own.Name);
        return name is null || name.Contains('@', StringComparison.Ordinal) ? null : name;
    }

    private static string? Tidy(string name)
    {
        var words = string.Join(' ', string.Concat(name.Select(c => char.IsControl(c) || char.IsWhiteSpace(c) ? ' ' : c))
            .Split(' ', StringSplitOptions.RemoveEmptyEntries));
        if (words.Length > MaxDisplayName)
            words = words[..(char.IsHighSurrogate(words[MaxDisplayName - 1]) ? MaxDisplayName - 1 : MaxDisplayName)].TrimEnd();
        return words.Any(char.IsLetterOrDigit) ? words : null;
    }
}
