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
