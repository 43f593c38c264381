using static SmartHost.Gmail.Replies.VerdictAction;

namespace SmartHost.Gmail.Replies;

/// <summary>
/// Gmail does not understand us, or says we broke the rules. That is our mistake or a garbled connection, never the
/// message's: a new connection once, then a person, and no bounce.
/// </summary>
internal static class RepliesAboutProtocol
{
    private const string Report = "If it stays, please report it with this reply.", Once = "Nothing to do if it happens once; retry the message if it was set aside. " + Report;

    public static readonly ReplyRow[] Rows =
    [
        new("451-protocol-violation", "451 4.5.0", [], RetryNow,
            "Gmail says that SmartHost broke the protocol.", Once,
            "451 4.5.0 SMTP protocol violation, visit RFC 2821. d9sm1234567abc.12 - gsmtp",
            Stage.Mail, again: Park),
        new("454-pipelined-after-starttls", "454 4.5.0", [], OtherPort,
            "Gmail objects to how TLS was started.",
            "Nothing to do: SmartHost tries the other port. " + Report,
            "454 4.5.0 SMTP protocol violation, no commands allowed to pipeline after STARTTLS. d9sm1234567abc.12 - gsmtp",
            Stage.StartTls),
        new("523-pipelined-after-starttls", "523|525 5.7.10", [], OtherPort,
            "Gmail objects to how TLS was started.",
            "Nothing to do: SmartHost tries the other port. " + Report,
            "523 5.7.10 SMTP protocol violation, no commands allowed to pipeline after STARTTLS. d9sm1234567abc.12 - gsmtp",
            Stage.StartTls),
        new("454-starttls-repeated", "454 5.5.1", [], OtherPort,
            "Gmail objects to how TLS was started.",
            "Nothing to do: SmartHost tries the other port. " + Report,
            "454 5.5.1 STARTTLS may not be repeated. d9sm1234567abc.12 - gsmtp",
            Stage.StartTls),
        new("454-tls-not-available", "454 *", ["TLS not available", "TLS is not available", "TLS currently unavailable"], OtherPort,
            "Gmail cannot start TLS on this port now.",
            "Nothing to do: SmartHost tries the other port.",
            "454 4.7.0 TLS not available due to temporary reason",
            Stage.StartTls),
        new("500-not-understood", "500|502 *", [], RetryNow,
            "Gmail did not understand a command.", Once,
            "502 5.5.1 Unrecognized command. d9sm1234567abc.12 - gsmtp",
            Stage.Mail, again: Park),
        new("501-cannot-decode", "501 5.5.2|5.7.11", [], RetryNow,
            "Gmail could not decode what SmartHost sent.", Once,
            "501 5.5.2 Cannot Decode response d9sm1234567abc.12 - gsmtp",
            Stage.Auth, again: Park),
        new("501-bad-ehlo-name", "501 5.5.4", ["HELO", "EHLO"], HoldAccountForPerson,
            "Gmail does not accept the name with which this machine introduces itself.",
            "Set hostname to a full name such as mail.example.com.",
            "501-5.5.4 HELO/EHLO argument \"nas_1\" invalid, closing connection.\n501 5.5.4  https://support.google.com/mail/?p=helo d9sm1234567abc.12 - gsmtp",
            Stage.Ehlo),
        new("501-argument", "501 5.5.4", [], RetryNow,
            "Gmail did not understand an argument.", Once,
            "501 5.5.4 Optional argument not permitted. d9sm1234567abc.12 - gsmtp",
            Stage.Mail, again: Park),
        new("503-wrong-order", "503 *", [], RetryNow,
            "Gmail expected another command.", Once,
            "503 5.5.1 MAIL first. d9sm1234567abc.12 - gsmtp",
            Stage.Recipient, again: Park),
        new("503-no-data-after-bdat", "503 5.5.1", ["No DATA after BDAT"], RetryNow,
            "Gmail mixed up two ways of sending a message.", Once,
            "503 5.5.1 No DATA after BDAT. d9sm1234567abc.12 - gsmtp",
            Stage.Data, again: Park),
        new("554-unauthenticated-commands", "554 5.7.0", ["Too Many Unauthenticated commands", "Unauthenticated commands"], RetryNow,
            "Gmail saw too many commands before the login.", Once,
            "554 5.7.0 Too Many Unauthenticated commands. d9sm1234567abc.12 - gsmtp",
            Stage.Ehlo, again: Park),
        new("555-syntax", "555 *", [], Park,
            "Gmail did not understand the sender's or recipient's address.",
            "Check the addresses; then retry or delete the message. " + Report,
            "555 5.5.2 Syntax error, goodbye. d9sm1234567abc.12 - gsmtp",
            Stage.Mail),
    ];
}
