namespace SmartHost.Gmail;

/// <summary>
/// How long each phase of a conversation with Gmail may stay silent. Shorter than RFC 5321 §4.5.3.2 before there is a
/// transaction, since nothing is lost by trying again; the full ten minutes after the content, since giving up there
/// risks a second copy.
/// </summary>
internal static class ConversationTimeouts
{
    /// <summary>Between the starts of two connection attempts to different addresses (RFC 8305 §5).</summary>
    public static readonly TimeSpan NextAddress = TimeSpan.FromMilliseconds(250);

    /// <summary>Name lookup and TCP, all addresses together.</summary>
    public static readonly TimeSpan Connect = TimeSpan.FromSeconds(10);

    public static readonly TimeSpan Greeting = TimeSpan.FromSeconds(30);

    public static readonly TimeSpan Ehlo = TimeSpan.FromSeconds(30);

    /// <summary>More when revocation is looked up: a blocked list alone takes the platform about 15 s.</summary>
    public static readonly TimeSpan Tls = TimeSpan.FromSeconds(15);

    public static readonly TimeSpan TlsWithRevocation = TimeSpan.FromSeconds(75);

    public static readonly TimeSpan Auth = TimeSpan.FromSeconds(60);

    /// <summary>MAIL, RCPT and DATA, each.</summary>
    public static readonly TimeSpan Command = TimeSpan.FromMinutes(2);

    /// <summary>One block of at most 32 KB on its way into the socket.</summary>
    public static readonly TimeSpan Write = TimeSpan.FromMinutes(3);

    public static readonly TimeSpan EndOfData = TimeSpan.FromMinutes(10);

    /// <summary>For a last word of Gmail's after a write failed: usually it said why before it closed.</summary>
    public static readonly TimeSpan LastWord = TimeSpan.FromSeconds(5);

    public static readonly TimeSpan Reset = TimeSpan.FromSeconds(10);

    public static readonly TimeSpan Quit = TimeSpan.FromSeconds(3);
}
