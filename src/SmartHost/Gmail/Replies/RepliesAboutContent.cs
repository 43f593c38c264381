using static SmartHost.Gmail.Replies.VerdictAction;

namespace SmartHost.Gmail.Replies;

/// <summary>What Gmail thinks of the message itself. Where a person could mend or judge it, it is parked; where it will never pass, it bounces.</summary>
internal static class RepliesAboutContent
{
    private const string Blocked = "https://support.google.com/mail/answer/6590";
    private const string Senders = "https://support.google.com/mail/answer/81126";
    private const string Size = "https://support.google.com/mail/?p=MaxSizeError";
    private const string NotCompliant = "https://support.google.com/mail/?p=RfcMessageNonCompliant";
    private const string WhyBlocked = "https://support.google.com/mail/answer/188131";
    private const string Loop = "https://support.google.com/mail/?p=MailLoop";

    public static readonly Uri SizeHelp = new(Size);

    public static readonly ReplyRow[] Rows =
    [
        // RFC 1870 §6.1 has words and no enhanced code. At MAIL a bare 552 would be set aside for a person, who could do nothing about it.
        new("552-too-large", "552 *", ["message size limit", "message size exceeds", "exceeds Google's limit of"], BounceMessage,
            "The message is too large for Gmail, or has too many headers or attachments.",
            "Gmail takes about 25 MB of attachments: scan with a lower resolution, or in several parts.",
            "552-5.3.4 Your message exceeded Google's message size limits. To view our message\n552 5.3.4 size guidelines, go to  https://support.google.com/mail/?p=MaxSizeError d9sm1234567abc.12 - gsmtp",
            Stage.Mail, help: Size),
        new("552-too-large-by-code", "552 5.2.3|5.3.4", [], BounceMessage,
            "The message is too large for Gmail.",
            "Gmail takes about 25 MB of attachments: scan with a lower resolution, or in several parts.",
            "552 5.3.4 Message too big",
            Stage.Mail, help: Size),
        new("552-blocked-attachment", "552 5.7.0", [], BounceMessage,
            "Gmail blocks this attachment as a security risk.",
            "Send another kind of file: Gmail takes no programs, scripts or macros, also not inside a zip.",
            "552-5.7.0 This message was blocked because its content presents a potential\n552-5.7.0 security issue. Please visit\n552 5.7.0  https://support.google.com/mail/?p=BlockedMessage to review our message content d9sm1234567abc.12 - gsmtp",
            Stage.EndOfData, help: Blocked),
        new("550-looks-like-spam", "550 5.7.1", ["likely unsolicited", "suspicious", "low reputation", "spam"], Park,
            "Gmail takes this message for spam.",
            "Look at it in the queue: a real subject and a sentence of text often help. Then retry or delete it.",
            "550-5.7.1 Our system has detected that this message is likely unsolicited mail.\n550-5.7.1 To reduce the amount of spam sent to Gmail, this message has been\n550 5.7.1 blocked. d9sm1234567abc.12 - gsmtp",
            Stage.EndOfData, help: WhyBlocked, spam: true),
        new("421-suspicious-content", "421 4.7.0", ["nature of the content"], RetryLater,
            "Gmail finds the content of this message, or a link in it, suspicious.",
            "Look at it in the queue: a real subject and a sentence of text often help. SmartHost tries it again later.",
            "421-4.7.0 This message is suspicious due to the nature of the content or the\n421-4.7.0 links within. To best protect our users from spam, the message has been\n421 4.7.0 blocked. d9sm1234567abc.12 - gsmtp",
            Stage.EndOfData, help: WhyBlocked),
        new("550-policy", "550 5.7.1", ["policy that prohibit", "policy prohibit"], BounceMessage,
            "A rule of the sending or receiving organisation prohibits this message.",
            "Ask the administrator of the Workspace domain.",
            "550-5.7.1 The user or domain that you are sending to (or from) has a policy that\n550 5.7.1 prohibited the mail that you sent. d9sm1234567abc.12 - gsmtp",
            Stage.EndOfData, help: "https://support.google.com/a/answer/172179"),
        // gsmtp is Google speaking; gcdp a rule that a Workspace administrator wrote, with a text of the administrator's own.
        new("550-administrators-rule", "550|551|552|553|554 *", ["- gcdp"], BounceMessage,
            "A rule of a Workspace administrator refuses this message.",
            "Ask the administrator; the reply is in the administrator's own words.",
            "550 5.7.1 No mail from suspicious scanners please. - gcdp d9sm1234567abc.12 - gsmtp",
            Stage.EndOfData, outranks: true),
        new("550-not-rfc-5322", "550 5.7.1", ["RFC 5322", "RFC5322", "Messages missing a valid", "disallowed header", "multiple addresses in From", "Encoded-word syntax", "duplicate headers"], Park,
            "Gmail finds the message's header malformed, even after SmartHost's repairs.",
            "Please report it with the message's header; then retry or delete the message.",
            "550-5.7.1 This message is not RFC 5322 compliant, the issue is: duplicate\n550-5.7.1 Subject headers. To reduce the amount of spam sent to Gmail, this message\n550 5.7.1 has been blocked. d9sm1234567abc.12 - gsmtp",
            Stage.EndOfData, help: NotCompliant),
        new("554-malformed", "554 5.6.0", [], Park,
            "Gmail finds the message malformed, even after SmartHost's repairs.",
            "Please report it with the message's header; then retry or delete the message.",
            "554 5.6.0 Mail message is malformed. Not accepted. d9sm1234567abc.12 - gsmtp",
            Stage.EndOfData, help: NotCompliant),
        new("554-loop", "554|550 5.4.6|5.6.0", ["50 hops", "hop count", "too many hops"], BounceMessage,
            "The message has gone in circles through more than 50 mail servers.",
            "Find the loop: some address forwards back to a device or to SmartHost.",
            "554 5.4.6 Message exceeded 50 hops, this may indicate a mail loop. d9sm1234567abc.12 - gsmtp",
            Stage.EndOfData, help: Loop),
        new("554-loop-by-code", "554|550 5.4.6", [], BounceMessage,
            "The message has gone in circles between mail servers.",
            "Find the loop: some address forwards back to a device or to SmartHost.",
            "550 5.4.6 Mail loop detected. d9sm1234567abc.12 - gsmtp",
            Stage.EndOfData, help: Loop),
        new("451-sender-domain", "451 4.7.24|4.7.26", [], RetryLater,
            "Gmail could not check the sender's domain (SPF or DMARC) just now.",
            "Nothing to do if it passes; else check the domain's DNS records.",
            "451-4.7.24 The SPF record of the sending domain has one or more suspicious\n451 4.7.24 entries. d9si1234567abc.12 - gsmtp",
            Stage.EndOfData, help: Senders),
        new("550-sender-domain", "550 5.7.23|5.7.24|5.7.25|5.7.26|5.7.27|5.7.29|5.7.30|5.7.31|5.7.32|5.7.40", [], Park,
            "Gmail does not trust the sender's domain (SPF, DKIM, DMARC or TLS).",
            "Send from the account's own address, or mend the domain's DNS records; then retry the message.",
            "550-5.7.26 Your email has been blocked because the sender is unauthenticated.\n550 5.7.26 Gmail requires all senders to authenticate with either SPF or DKIM. d9si1234567abc.12 - gsmtp",
            Stage.EndOfData, help: Senders),
        // What 5.7.1 said before Google gave each of these a code of its own.
        new("550-sender-unauthenticated", "550 5.7.1", ["authentication checks", "Unauthenticated email", "DMARC policy", "sending guidelines regarding PTR"], Park,
            "Gmail does not trust the sender's domain (SPF, DKIM or DMARC).",
            "Send from the account's own address, or mend the domain's DNS records; then retry the message.",
            "550-5.7.1 This message does not have authentication information or fails to\n550-5.7.1 pass authentication checks (SPF or DKIM). To best protect our users from\n550 5.7.1 spam, the message has been blocked. d9si1234567abc.12 - gsmtp",
            Stage.EndOfData, help: Senders),
    ];
}
