using SmartHost.Mail;

namespace SmartHost.Listener;

/// <summary>One command line, understood. Closed: what is not one of these is <see cref="Invalid"/> with the reply it deserves.</summary>
internal abstract record SmtpCommand
{
    private SmtpCommand() { }

    /// <param name="Name">As sent, and perhaps empty: no device is refused for the name it gives itself.</param>
    public sealed record Helo(string Name, bool Extended) : SmtpCommand;

    /// <param name="DeclaredSize">RFC 1870 SIZE in octets; zero where it was not said or not readable.</param>
    public sealed record Mail(ReversePath Sender, long DeclaredSize) : SmtpCommand;

    /// <param name="Recipients">At least one: a copier's address book may put two into one RCPT.</param>
    public sealed record Rcpt(IReadOnlyList<Mailbox> Recipients) : SmtpCommand;

    public sealed record Data : SmtpCommand;

    /// <summary>RFC 3030; the octets follow the line.</summary>
    public sealed record Bdat(long Size, bool Last) : SmtpCommand;

    public sealed record Reset : SmtpCommand;

    public sealed record Noop : SmtpCommand;

    public sealed record Verify : SmtpCommand;

    public sealed record Help : SmtpCommand;

    public sealed record Quit : SmtpCommand;

    public sealed record StartTls : SmtpCommand;

    /// <param name="Mechanism">In capitals.</param>
    /// <param name="Initial">The initial response, still in base64. Null: none was sent.</param>
    public sealed record Auth(string Mechanism, Secret? Initial) : SmtpCommand;

    /// <param name="Hangup">The session ends after the reply: what follows is no SMTP.</param>
    public sealed record Invalid(SmtpReply Reply, bool Hangup = false) : SmtpCommand;
}
