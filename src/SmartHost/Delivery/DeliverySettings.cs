namespace SmartHost.Delivery;

/// <summary>Pace and patience towards Gmail. Defaults are gathered from reports of what Gmail accepts; Google publishes none.</summary>
public sealed record DeliverySettings
{
    /// <summary>First and longest wait between attempts of a deferred message.</summary>
    public TimeSpan RetryShortest { get; init; } = TimeSpan.FromMinutes(1);

    public TimeSpan RetryLongest { get; init; } = TimeSpan.FromHours(4);

    /// <summary>After this the sender is told that it failed. Stops while the account is paused.</summary>
    public TimeSpan Lifetime { get; init; } = TimeSpan.FromDays(5);

    /// <summary>Mail older than this is announced once as late.</summary>
    public TimeSpan LateNotice { get; init; } = TimeSpan.FromHours(4);

    /// <summary>Messages that may leave without a pause before <see cref="Pace"/> begins.</summary>
    public int Burst { get; init; } = 20;

    /// <summary>Between two messages of one account in a long run. Zero: no pacing.</summary>
    public TimeSpan Pace { get; init; } = TimeSpan.FromSeconds(1.5);

    /// <summary>Messages after which a connection is closed.</summary>
    public int MessagesPerConnection { get; init; } = 50;

    public TimeSpan IdleConnection { get; init; } = TimeSpan.FromSeconds(60);
}
