using System.Text;
using SmartHost.Mail;

namespace SmartHost.Practice;

/// <summary>What smtp.gmail.com says in the ordinary course, word for word where Google publishes it.</summary>
internal static class PracticeReplies
{
    public static readonly SmtpReply
        ReadyForTls = new(220, new(2, 0, 0), "Ready to start TLS"),
        LoggedIn = new(235, new(2, 7, 0), "Accepted"),
        Done = new(250, new(2, 1, 0), "OK"),
        RecipientDone = new(250, new(2, 1, 5), "OK"),
        Flushed = new(250, new(2, 1, 5), "Flushed"),
        Nothing = new(250, new(2, 0, 0), "OK"),
        Taken = new(250, new(2, 0, 0), "OK"),
        Unverified = new(252, new(2, 1, 5), "Send some mail, I'll try my best"),
        Go = new(354, "Go ahead"),
        Goodbye = new(221, new(2, 0, 0), "closing connection"),
        TimedOut = new(451, new(4, 4, 2), "Timeout - closing connection."),
        TooManyRecipients = new(452, new(4, 5, 3),
            ["Your message has too many recipients. For more information regarding", "Google's sending limits, go to", " https://support.google.com/mail/?p=TooManyRecipientsError"]),
        StartTlsRepeated = new(454, new(5, 5, 1), "STARTTLS may not be repeated"),
        PipelinedAfterStartTls = new(454, new(4, 5, 0), "SMTP protocol violation, no commands allowed to pipeline after STARTTLS, see RFC 3207"),
        ProtocolViolation = new(451, new(4, 5, 0), "SMTP protocol violation, visit RFC 5321"),
        LineTooLong = new(500, new(5, 5, 2), "Syntax error, line too long"),
        CannotDecode = new(501, new(5, 5, 2), "Cannot Decode response"),
        NoHelloArgument = new(501, new(5, 5, 4), "Empty HELO/EHLO argument not allowed, closing connection."),
        NoParameters = new(501, new(5, 7, 11), "Syntax error (no parameters allowed)"),
        Unrecognized = new(502, new(5, 5, 1), "Unrecognized command."),
        TooManyUnrecognized = new(502, new(5, 5, 1), "Too many unrecognized commands, goodbye."),
        Unimplemented = new(502, new(5, 5, 1), "Unimplemented command."),
        HelloFirst = new(503, new(5, 5, 1), "EHLO/HELO first."),
        MailFirst = new(503, new(5, 5, 1), "MAIL first."),
        RecipientFirst = new(503, new(5, 5, 1), "RCPT first."),
        WrongOrder = new(503, new(5, 5, 1), "Bad sequence of commands."),
        NoDataAfterBdat = new(503, new(5, 5, 1), "No DATA after BDAT"),
        NoIdentityChange = new(503, new(5, 7, 0), "No identity changes permitted."),
        UnknownMechanism = new(504, new(5, 7, 4), "Unrecognized Authentication Type"),
        XoauthGone = new(504, new(5, 7, 4), "XOAUTH is no longer supported."),
        StartTlsFirst = new(530, new(5, 7, 0), "Must issue a STARTTLS command first."),
        LoginFirst = new(530, new(5, 7, 0), ["Authentication Required. For more information, go to", " https://support.google.com/mail/?p=WantAuthError"]),
        BadCredentials = new(535, new(5, 7, 8), ["Username and Password not accepted. For more information, go to", " https://support.google.com/mail/?p=BadCredentials"]),
        DailyLimit = new(550, new(5, 4, 5),
            ["Daily user sending limit exceeded. For more information on Gmail", "sending limits go to", " https://support.google.com/a/answer/166852"]),
        TooLarge = new(552, new(5, 3, 4),
            ["Your message exceeded Google's message size limits. To view our", "message size guidelines, go to", " https://support.google.com/mail/?p=MaxSizeError"]),
        SyntaxError = new(555, new(5, 5, 2), "Syntax error, goodbye."),
        UnknownParameter = new(555, new(5, 5, 4), "MAIL FROM/RCPT TO parameters not recognized or not implemented");

    public static SmtpReply BadSender(string path) => new(553, new(5, 1, 7), $"The sender address {path} is not a valid RFC 5321 address.");

    public static SmtpReply BadRecipient(string path) => new(553, new(5, 1, 3), $"The recipient address {path} is not a valid RFC 5321 address.");

    /// <summary>The reply's octets as text: every line with code and enhanced code, the last with the session's mark.</summary>
    public static string Render(SmtpReply reply, string mark)
    {
        var text = new StringBuilder();
        for (var i = 0; i < reply.Lines.Count; i++)
        {
            var last = i == reply.Lines.Count - 1;
            text.Append(reply.Code).Append(last ? ' ' : '-');
            if (reply.Status is { } status) text.Append(status).Append(' ');
            text.Append(reply.Lines[i]);
            if (last) text.Append(' ').Append(mark);
            text.Append("\r\n");
        }
        return text.ToString();
    }
}
