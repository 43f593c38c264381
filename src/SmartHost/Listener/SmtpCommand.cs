using SmartHost.Mail;

namespace SmartHost.Listener;

/// <summary>One command line, understood. Closed: what is not one of these is <see cref="Invalid"/> with the reply it deserves.</summary>
internal abstract record SmtpCommand
{
    private SmtpCommand() { }

    /// <param name="Name">As sent, and perhaps empty: no device is refused for the name it gives itself.</param>
    public sealed record Helo(string Name, bool Extended) : SmtpCommand;

    /// <param name="DeclaredSize">RFC 1870 SIZE in octets; zero where it was not said or not readable.</param>
    /// <param name="Refusal">Not null: it begins no message, for this reason.</param>
    public sealed record Mail(ReversePath Sender, long DeclaredSize, SmtpReply? Refusal = null) : SmtpCommand;

    /// <param name="Recipients">At least one where it could be read: a copier's address book may put two into one RCPT.</param>
    /// <param name="Refusal">Not null: it names nobody, for this reason.</param>
    public sealed record Rcpt(IReadOnlyList<Mailbox> Recipients, SmtpReply? Refusal = null) : SmtpCommand
    {
        /// <summary>It names the one address that needs no domain (RFC 5321 §4.5.1). Who that is its device's settings say; elsewhere it is an address without a domain like others.</summary>
        public bool IsPostmaster { get; init; }
    }

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

    /// <param name="Verb">As the log names it.</param>
    /// <param name="Hangup">The session ends after the reply: where the next command begins is not known.</param>
    public sealed record Invalid(SmtpReply Reply, string Verb = "command", bool Hangup = false) : SmtpCommand;

    /// <summary>Another protocol. The session ends after the reply.</summary>
    public sealed record NotSmtp(SmtpReply Reply) : SmtpCommand;
}
