using SmartHost.Mail;

namespace SmartHost.Notices;

public enum WebhookFormat
{
    /// <summary>Our own JSON object.</summary>
    Json,
    Ntfy,
    Slack,
    Discord,
    Mattermost,
    HomeAssistant,
}

/// <summary>Where trouble is announced.</summary>
public sealed record AlertSettings
{
    public Mailbox? Email { get; init; }

    /// <summary>A secret, since a webhook's address usually is its password.</summary>
    public Secret? Webhook { get; init; }

    /// <summary>Null: told by the address (ntfy.sh, hooks.slack.com, discord.com), else JSON.</summary>
    public WebhookFormat? Format { get; init; }

    /// <summary>Share of the daily allowance, in percent, that is worth an alert.</summary>
    public int AllowancePercent { get; init; } = 80;

    /// <summary>Free space, in octets, below which the disk counts as low.</summary>
    public long DiskLow { get; init; } = 500L << 20;
}
