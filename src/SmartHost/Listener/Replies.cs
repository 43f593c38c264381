using System.Text;
using SmartHost.Mail;

namespace SmartHost.Listener;

/// <summary>What a session says. A refusal names what was wrong and what to change, for the person who reads it on a panel or in a device's log.</summary>
internal static class Replies
{
    public static readonly SmtpReply
        Ok = new(250, new(2, 0, 0), "Ok"),
        SenderOk = new(250, new(2, 1, 0), "Ok"),
        RecipientOk = new(250, new(2, 1, 5), "Ok"),
        StartData = new(354, "End the message with a line that holds a single dot"),
        Goodbye = new(221, new(2, 0, 0), "Goodbye"),
        NotVerified = new(252, new(2, 1, 5), "Addresses are not looked up here: send the mail, and it will be tried"),
        ReadyForTls = new(220, new(2, 0, 0), "Ready to start TLS"),
        LoggedIn = new(235, new(2, 7, 0), "Logged in"),

        UnknownCommand = new(500, new(5, 5, 2), "Unknown command; this is a mail (SMTP) server"),
        LineTooLong = new(500, new(5, 5, 6), "Command line too long"),
        ControlCharacters = new(501, new(5, 5, 2), "Control characters are not allowed in a command"),
        NotImplemented = new(502, new(5, 5, 1), "This command is not offered here"),
        Http = new(554, new(5, 5, 1), "This is a mail (SMTP) port, not a web page"),
        TlsHello = new(554, new(5, 5, 1), "This port does not begin with TLS: set the device to STARTTLS or to no encryption, or use a listener with tls: implicit"),
        MailSyntax = new(501, new(5, 5, 4), "Write MAIL FROM:<name@example.com>"),
        RcptSyntax = new(501, new(5, 5, 4), "Write RCPT TO:<name@example.com>"),
        BinaryMime = new(504, new(5, 5, 4), "BINARYMIME is not offered here: send with BODY=8BITMIME, binary parts in base64"),
        BdatSyntax = new(501, new(5, 5, 4), "Write BDAT SIZE or BDAT SIZE LAST; closing, for the length of what follows is not known"),
        AuthSyntax = new(501, new(5, 5, 4), "Write AUTH PLAIN or AUTH LOGIN"),

        NestedMail = new(503, new(5, 5, 1), "A message has already begun: send RSET to begin another"),
        NeedMail = new(503, new(5, 5, 1), "Send MAIL FROM first"),
        NeedRcpt = new(503, new(5, 5, 1), "Send RCPT TO first"),
        MixedData = new(503, new(5, 5, 1), "Finish with BDAT LAST, or send RSET: DATA and BDAT do not mix in one message"),
        LateRcpt = new(503, new(5, 5, 1), "Every RCPT TO comes before the first BDAT: finish with BDAT LAST, or send RSET to begin another message"),
        TooManyRecipients = new(452, new(4, 5, 3), "Too many recipients for one message: send it again to the rest"),

        TlsOff = new(502, new(5, 5, 1), "TLS is off here: set the device to no encryption, or set tls: optional on this listener"),
        TlsAtOnce = new(554, new(5, 5, 1), "This port begins with TLS: set the device to SSL/TLS, or use the port of a listener without tls: implicit"),
        TlsAlready = new(503, new(5, 5, 1), "TLS is already in use"),
        TlsNotNow = new(454, new(4, 7, 0), "TLS is not available now: the server's log says why"),
        TlsFirst = new(530, new(5, 7, 0), "Send STARTTLS first: switch on STARTTLS in the device, or set tls: optional on this listener"),

        AuthCancelled = new(501, new(5, 7, 0), "Login cancelled"),
        AuthNotBase64 = new(501, new(5, 5, 2), "The login is not in base64: choose the other of PLAIN and LOGIN in the device, or look for newer firmware"),
        AuthMechanism = new(504, new(5, 5, 4), "Only PLAIN and LOGIN are offered: choose one of them in the device"),
        AuthAlready = new(503, new(5, 5, 1), "Already logged in"),
        AuthInTransaction = new(503, new(5, 5, 1), "Log in before MAIL FROM"),
        AuthNotOffered = new(503, new(5, 5, 1), "No login is set up here: leave user name and password empty in the device, or give the device a username and passwordHash in the settings"),
        AuthNeedsTls = new(538, new(5, 7, 11), "Logging in needs TLS here: switch on STARTTLS in the device, or set authInClear: true on this listener"),
        AuthWithoutTls = new(538, new(5, 7, 11), "Logging in needs TLS, which is off here: switch the login off in the device, or set authInClear: true or tls: optional on this listener"),
        AuthFailed = new(535, new(5, 7, 8), "User name or password is wrong: both are the ones given to this device in the settings, not those of the mail account"),

        TooBusy = new(421, new(4, 7, 0), "Too many connections at present: try again later"),
        TooManyFromClient = new(421, new(4, 7, 0), "Too many connections from your address at once (limits.connectionsPerDevice): try again later"),
        TooManyConnectionsPerMinute = new(421, new(4, 7, 0), "Too many connections from your address in a minute: try again later"),
        TooManyErrors = new(421, new(4, 7, 0), "Too many errors, closing: the replies before this one say what to change"),
        TooManyLogins = new(421, new(4, 7, 0), "Too many failed logins: closing"),
        TooManyMessages = new(450, new(4, 7, 1), "Too many messages from your address in a minute: try again later"),
        TooManyRecipientsPerMinute = new(450, new(4, 7, 1), "Too many recipients from your address in a minute: try again later"),
        TooManyOctets = new(450, new(4, 7, 1), "Too much mail from your address in a minute: try again later"),
        TimedOut = new(421, new(4, 4, 2), "Nothing heard for too long: closing"),
        HalfLine = new(421, new(4, 4, 2), "The last command never ended, closing: a command ends in CR LF"),
        NeverEnded = new(421, new(4, 4, 2), "Nothing more of the message came: it broke off, or never ended with a dot between two CR LF, or BDAT LAST. Nothing of it was kept"),
        Stopping = new(421, new(4, 3, 2), "The server is stopping: try again in a minute"),
        Endless = new(500, new(5, 5, 6), "Command line without an end: closing"),
        SloppyEnd = new(451, new(4, 5, 2), "The message never ended: its last line must be a dot between two CR LF, and the dot here had a bare CR or LF or a NUL beside it. Look for newer firmware of the device"),
        BrokenOff = new(451, new(4, 4, 2), "The message broke off: neither a dot between two CR LF nor the last chunk ever came, and nothing of it was kept"),
        Loop = new(554, new(5, 4, 6), "This message has passed too many servers: it goes round in a loop"),
        Broken = new(451, new(4, 3, 0), "Something went wrong here, and the server's log says what: try again later");

    public static SmtpReply Greeting(string hostname) => new(220, $"{hostname} ESMTP SmartHost");

    public static SmtpReply Outlived(TimeSpan lifetime) =>
        new(421, new(4, 4, 2), $"This session has lasted the {Math.Ceiling(lifetime.TotalMinutes)} min that limits.sessionTimeout allows: connect again");

    /// <summary>Nobody hears it: there is no connection left to say it on. It is for the page.</summary>
    public static SmtpReply HandshakeFailed(string hint) => new(454, new(4, 7, 0), $"TLS could not begin: {hint}");

    public static SmtpReply LockedOut(TimeSpan wait) =>
        new(454, new(4, 7, 0), $"Too many failed logins from your address: correct the password, and try again in {Math.Max(1, Math.Ceiling(wait.TotalMinutes))} min");

    public static SmtpReply Queued(QueueId id) => new(250, new(2, 0, 0), $"Ok: queued as {id}");

    /// <summary>Many programs and panels listen to no reply to RCPT, or show the last one alone: so it says once more why. Where trying again may help it is no final refusal.</summary>
    public static SmtpReply NoValidRecipients(SmtpReply why) =>
        new(why.Code < 500 ? 451 : 554, new(why.Code < 500 ? 4 : 5, 5, 1), $"Every recipient was refused: {why.Text}");

    public static SmtpReply ChunkTaken(long size) => new(250, new(2, 0, 0), $"{size} octets taken");

    /// <param name="setting">That names the limit.</param>
    public static SmtpReply TooLarge(long limit, string setting = "limits.maxSize") => new(552, new(5, 3, 4),
        $"The message is larger than the {limit} octets that {setting} allows; Gmail takes no more than 35882577. Scan at a lower resolution or in fewer pages");

    public static SmtpReply NoStorage(string reason) => new(452, new(4, 3, 1), reason);

    public static SmtpReply NoRecipientAddress(string path) => new(553, new(5, 1, 3), path.Trim('<', '>', ' ') is { Length: > 0 } text
        ? $"\"{Printable(text, 80)}\" is not a complete address: write it as name@example.com in the device"
        : "The recipient is empty: enter an address, name@example.com, in the device");

    public static SmtpReply NoPostmaster(string device) =>
        new(550, new(5, 1, 1), $"There is no postmaster here: write to one of the addresses in devices.{device}.recipients");

    /// <summary>Whatever a device sent, made fit for a reply, a log line or a header: printable ASCII, of bounded length.</summary>
    public static string Printable(string text, int length)
    {
        var printable = new StringBuilder(Math.Min(text.Length, length));
        foreach (var c in text)
        {
            if (printable.Length == length) break;
            printable.Append(c is >= ' ' and <= '~' ? c : '?');
        }
        return printable.ToString();
    }
}
