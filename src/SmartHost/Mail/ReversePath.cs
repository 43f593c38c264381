namespace SmartHost.Mail;

/// <summary>RFC 5321 reverse-path. The null path, <c>&lt;&gt;</c>, marks a report, of which no report may be sent back to its sender. A device whose sender field was left empty sends it as well.</summary>
public readonly record struct ReversePath(Mailbox? Mailbox)
{
    public static readonly ReversePath Null;

    public bool IsNull => Mailbox is null;

    public override string ToString() => $"<{Mailbox}>";
}
