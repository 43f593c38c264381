namespace SmartHost.Mail;

/// <summary>RFC 5321 reverse-path. The null path, <c>&lt;&gt;</c>, marks a report: reports are never themselves reported.</summary>
public readonly record struct ReversePath(Mailbox? Mailbox)
{
    public static readonly ReversePath Null;

    public bool IsNull => Mailbox is null;

    public override string ToString() => $"<{Mailbox}>";
}
