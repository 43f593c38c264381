using SmartHost.Mail;

namespace SmartHost.Gmail.Replies;

/// <summary>
/// What each reply of Gmail's means for us. Reply code, enhanced code and text decide together, since 421 4.7.0,
/// 550 5.7.1 and 534 5.7.9 each carry several meanings; the row that pins down most of the reply wins.
/// A reply without a row is judged by its class, and is never taken for more than its stage can mean: only a refused
/// recipient or a refused message can bounce, everything else keeps the mail.
/// </summary>
public static class ReplyCatalogue
{
    /// <summary>Every reply we know, for the documentation and the tests.</summary>
    public static IReadOnlyList<ReplyRow> Rows { get; } =
        [.. RepliesAboutLogin.Rows, .. RepliesAboutPace.Rows, .. RepliesAboutRecipients.Rows, .. RepliesAboutContent.Rows, .. RepliesAboutProtocol.Rows];

    /// <summary>Every way to get no reply at all.</summary>
    public static IReadOnlyList<FailureRow> Failures => ConnectionFailures.Rows;

    /// <summary>Every way in which Google refuses to give an access token.</summary>
    public static IReadOnlyList<TokenRefusalRow> TokenRefusals => Replies.TokenRefusals.Rows;

    public static Verdict Accepted { get; } = new(VerdictAction.Accepted, "accepted", "Gmail took the message.", "Nothing to do.");

    /// <summary>Not a reply: the message is larger than the SIZE in Gmail's EHLO, so it is not sent in vain.</summary>
    public static Verdict TooLarge(long size, long limit) => new(VerdictAction.BounceMessage, "size-known",
        string.Create(null, $"The message is {size:N0} octets, Gmail takes at most {limit:N0} (about 25 MB of attachments)."),
        "Scan with fewer dots per inch, in black and white, or fewer pages at a time.", RepliesAboutContent.SizeHelp);

    /// <summary>Not a reply: an address needs SMTPUTF8 (RFC 6531), and this server does not offer it.</summary>
    public static Verdict NeedsUtf8 { get; } = new(VerdictAction.BounceRecipient, "smtputf8-not-offered",
        "The address has letters outside ASCII, and the mail server does not take such addresses.", "Use an address in plain ASCII letters.");

    /// <summary>Not a reply to this recipient: Gmail closed the connection over another one of the same message, who alone has to wait.</summary>
    public static Verdict ClosedOverAnother { get; } = new(VerdictAction.RetryNow, "closed-over-another-recipient",
        "Gmail closed the connection over another recipient, before it took the message.", "Nothing to do: SmartHost uses a new connection.");

    /// <summary>What <see cref="AboutOneOfSeveral"/> makes of a reply that names no recipient.</summary>
    public static Verdict OneOfSeveral { get; } = new(VerdictAction.SplitRecipients, "one-of-several-recipients",
        "Gmail refused one of the recipients after it had the whole message, without saying which.", "Nothing to do: SmartHost sends to fewer at a time until it knows which.");

    /// <summary>
    /// Said to the whole message of several recipients, one recipient's trouble must not become that of all: they are offered in
    /// ever smaller transactions, until it is said to one alone.
    /// </summary>
    internal static bool AboutOneOfSeveral(Verdict verdict, Stage stage, int accepted) => stage >= Stage.Data && accepted > 1
        && verdict.Action is VerdictAction.BounceRecipient or VerdictAction.RetryLater && RepliesAboutRecipients.Rows.Any(row => row.Name == verdict.Row);

    public static Verdict Read(SmtpReply reply, Stage stage)
    {
        var words = string.Join(' ', reply.Text.Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries));
        ReplyRow? best = null;
        var bestMatch = 0;
        foreach (var row in Rows)
        {
            var match = row.Match(reply, words, stage);
            if (match > bestMatch) (best, bestMatch) = (row, match);
        }
        var verdict = best?.Verdict ?? ByClass(reply, stage);
        // Said to RCPT it is about that recipient: another one's organisation has other rules and another limit.
        return verdict.Action == VerdictAction.BounceMessage && stage == Stage.Recipient ? verdict with { Action = VerdictAction.BounceRecipient } : verdict;
    }

    /// <param name="detail">What a person needs besides the row's sentence: an issuer's name, an address. Null: nothing.</param>
    public static Verdict Read(ConnectionFailure failure, Stage stage, string? detail = null) => ConnectionFailures.Read(failure, stage, detail);

    private static Verdict ByClass(SmtpReply reply, Stage stage) => (reply.Code, stage) switch
    {
        (>= 200 and < 300, not Stage.Data) => Accepted,
        (354, Stage.Data) => Accepted,
        // Not an answer to what we asked at all. A fresh connection settles it.
        (< 400, _) => Unknown(VerdictAction.RetryNow, "class-wrong-moment", "at the wrong moment", "Nothing to do: SmartHost tries again on a new connection."),
        (421, _) => Unknown(VerdictAction.SlowDown, "class-421", "and closed the connection", "Nothing to do: SmartHost tries again, more slowly."),
        // Before there is a transaction it is about the account or about us, never about a message. Trying a login again
        // and again is what gets an account locked.
        (< 500, Stage.Auth) => Unknown(VerdictAction.HoldAccount, "class-4-login", "when logging in", "Nothing to do: SmartHost tries again later.", TimeSpan.FromMinutes(15)),
        (< 500, _) => Unknown(VerdictAction.RetrySoon, "class-4", "for the time being", "Nothing to do: SmartHost tries again."),
        (_, Stage.Auth) => Unknown(VerdictAction.HoldAccountForPerson, "class-5-login", "to let the account in", "Check the account in a browser, and its settings here."),
        (_, < Stage.Auth) => Unknown(VerdictAction.HoldAccount, "class-5-connection", "to talk to us", "Check the account's host and port, and whether something between here and Gmail answers in its place.", TimeSpan.FromMinutes(15)),
        (_, Stage.Recipient) => Unknown(VerdictAction.BounceRecipient, "class-5-recipient", "for this recipient", "Check the address."),
        (_, Stage.EndOfData) => Unknown(VerdictAction.BounceMessage, "class-5-message", "for good", "Read Gmail's reply, change the message and send it again."),
        // At MAIL and DATA Gmail has seen nothing of the message: to bounce it would blame the wrong one.
        _ => Unknown(VerdictAction.Park, "class-5-transaction", "before it saw the message", "Read Gmail's reply; then retry or delete the message."),
    };

    /// <summary>Whatever a row says, nothing bounces for what was said before it was named: at MAIL no recipient, before MAIL no message.</summary>
    internal static bool CanBeSaidAt(this VerdictAction action, Stage stage) => action switch
    {
        VerdictAction.BounceRecipient or VerdictAction.SplitRecipients => stage >= Stage.Recipient,
        VerdictAction.BounceMessage => stage >= Stage.Mail,
        _ => true,
    };

    private static Verdict Unknown(VerdictAction action, string row, string what, string remedy, TimeSpan? wait = null) =>
        new(action, row, $"Gmail refused {what}, with a reply that SmartHost does not know.", remedy, null, wait, Known: false);
}
