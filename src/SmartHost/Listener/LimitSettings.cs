namespace SmartHost.Listener;

/// <summary>What one client, and all together, may ask of the listener. Where RFC 5321 §4.5.3 names a number, it is the default.</summary>
public sealed record LimitSettings
{
    /// <summary>Octets of a message: 25 MiB in base64 with 76-character lines plus 10 KiB of header, what Gmail takes.</summary>
    public long MaxSize { get; init; } = 35_882_577;

    public int Connections { get; init; } = 100;

    public int ConnectionsPerDevice { get; init; } = 20;

    /// <summary>Per transaction. RFC 5321 §4.5.3.1.8 asks for at least 100; Gmail takes 100 by SMTP, and delivery splits what is more.</summary>
    public int Recipients { get; init; } = 1000;

    /// <summary>Per client in any 60 seconds.</summary>
    public int MessagesPerMinute { get; init; } = 300;

    public int ConnectionsPerMinute { get; init; } = 600;

    public int RecipientsPerMinute { get; init; } = 3_000;

    /// <summary>Per client, octets of message content in any 60 seconds.</summary>
    public long BytesPerMinute { get; init; } = 2L << 30;

    /// <summary>Replies 4xx and 5xx in one session, since the last message that was taken, before it is closed.</summary>
    public int Errors { get; init; } = 20;

    /// <summary>Failed logins of one client before it must wait <see cref="AuthLockout"/>.</summary>
    public int AuthFailures { get; init; } = 5;

    public TimeSpan AuthLockout { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>RFC 5321 §4.5.3.2.7: five minutes for a command.</summary>
    public TimeSpan CommandTimeout { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>RFC 5321 §4.5.3.2.7: a server waits five minutes, whatever it waits for; the three of §4.5.3.2.5 are the client's.</summary>
    public TimeSpan DataTimeout { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>The longest a session may last. A message that has begun by then may take as long again.</summary>
    public TimeSpan SessionTimeout { get; init; } = TimeSpan.FromHours(1);

    /// <summary>Received headers after which a message is a loop (RFC 5321 §6.3; Gmail stops at 50).</summary>
    public int Hops { get; init; } = 25;
}
