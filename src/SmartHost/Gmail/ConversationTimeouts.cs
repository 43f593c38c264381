namespace SmartHost.Gmail;

/// <summary>
/// How long each phase of a conversation with Gmail may stay silent. Shorter than RFC 5321 §4.5.3.2 before there is a
/// transaction, since nothing is lost by trying again; the full ten minutes after the content, since giving up there
/// risks a second copy.
/// </summary>
internal sealed record ConversationTimeouts
{
    /// <summary>Between the starts of two connection attempts to different addresses (RFC 8305 §5).</summary>
    public TimeSpan NextAddress { get; init; } = TimeSpan.FromMilliseconds(250);

    /// <summary>Name lookup and TCP, all addresses together.</summary>
    public TimeSpan Connect { get; init; } = TimeSpan.FromSeconds(10);

    public TimeSpan Greeting { get; init; } = TimeSpan.FromSeconds(30);

    public TimeSpan Ehlo { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>More when revocation is looked up: a blocked list alone takes the platform about 15 s.</summary>
    public TimeSpan Tls { get; init; } = TimeSpan.FromSeconds(15);

    public TimeSpan TlsWithRevocation { get; init; } = TimeSpan.FromSeconds(75);

    public TimeSpan Auth { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>MAIL, RCPT and DATA, each.</summary>
    public TimeSpan Command { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>One block of at most 32 KB on its way into the socket.</summary>
    public TimeSpan Write { get; init; } = TimeSpan.FromMinutes(3);

    public TimeSpan EndOfData { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>For a last word of Gmail's after a write failed: usually it said why before it closed.</summary>
    public TimeSpan LastWord { get; init; } = TimeSpan.FromSeconds(5);

    public TimeSpan Reset { get; init; } = TimeSpan.FromSeconds(10);

    public TimeSpan Quit { get; init; } = TimeSpan.FromSeconds(3);
}
