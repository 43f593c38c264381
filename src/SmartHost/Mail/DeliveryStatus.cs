namespace SmartHost.Mail;

/// <summary>How one attempt ended for one recipient. Closed: there are exactly three endings, named as Postfix logs them.</summary>
public abstract record DeliveryStatus
{
    private DeliveryStatus() { }

    /// <summary>The next hop took it.</summary>
    public sealed record Sent(SmtpReply Reply) : DeliveryStatus;

    /// <summary>Not now; due again at a time. The reason is a sentence for a person.</summary>
    public sealed record Deferred(EnhancedStatus Status, string Reason, DateTimeOffset Due) : DeliveryStatus;

    /// <summary>Never. The reason is a sentence for a person; the reply is the next hop's, if it gave one.</summary>
    public sealed record Bounced(EnhancedStatus Status, string Reason, SmtpReply? Reply = null) : DeliveryStatus;
}
