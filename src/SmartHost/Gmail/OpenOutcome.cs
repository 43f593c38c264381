using System.Net;
using SmartHost.Gmail.Replies;
using SmartHost.Mail;

namespace SmartHost.Gmail;

/// <summary>How opening a session ended. Closed.</summary>
public abstract record OpenOutcome
{
    private OpenOutcome() { }

    /// <param name="Tried">One line for the timeline: which address and port, how long it took.</param>
    public sealed record Opened(GmailSession Session, string Tried) : OpenOutcome;

    public sealed record Failed(Verdict Verdict, SmtpReply? Reply, string Tried) : OpenOutcome;
}

/// <summary>How far the way to a port goes, without a login.</summary>
/// <param name="Trouble">Null: as far as it was asked, encryption included.</param>
/// <param name="Address">The one of the host's that answered.</param>
/// <param name="Encryption">Such as "TLS 1.3"; null where it did not come to that.</param>
public sealed record Reach(Verdict? Trouble, IPAddress? Address, string? Encryption);
