using System.Runtime.CompilerServices;
using SmartHost.Gmail;
using SmartHost.Gmail.Replies;
using SmartHost.Mail;
using SmartHost.Practice;
using SmartHost.Tests.Practice;

namespace SmartHost.Tests.Gmail;

public class ReplyCatalogueTests
{
    [TestCaseSource(nameof(Rows))]
    public void Each_rows_example_is_read_by_that_row(ReplyRow row)
    {
        var verdict = ReplyCatalogue.Read(row.Example, row.ExampleStage);
        Assert.That(verdict, Is.EqualTo(row.Verdict));
        Assert.That(verdict.Known);
    }

    [TestCaseSource(nameof(Rows))]
    public void Each_row_speaks_to_a_person(ReplyRow row) => AssertSentences(row.Verdict);

    [TestCaseSource(nameof(Failures))]
    public void Each_failure_speaks_to_a_person(FailureRow row) => AssertSentences(row.Verdict);

    [Test]
    public void Row_names_are_unique() =>
        Assert.That(ReplyCatalogue.Rows.Select(row => row.Name).Concat(ReplyCatalogue.Failures.Select(row => row.Verdict.Row)).Concat(ReplyCatalogue.TokenRefusals.Select(row => row.Verdict.Row)), Is.Unique);

    [Test]
    public void Only_what_is_about_a_token_says_so()
    {
        Assert.That(ReplyCatalogue.TokenRefusals.Select(row => row.Verdict).Append(TokenRefusals.NoConsentYet).Append(TokenRefusals.Read(503, null, null, null)), Has.All.Property("AboutToken").True);
        Assert.That(ReplyCatalogue.Rows.Select(row => row.Verdict), Has.None.Property("AboutToken").True);
    }

    [Test]
    public void Every_failure_has_a_row_at_every_stage()
    {
        foreach (var failure in Enum.GetValues<ConnectionFailure>())
            foreach (var stage in Enum.GetValues<Stage>())
                Assert.That(ReplyCatalogue.Read(failure, stage).Row, Is.Not.Empty, $"{failure} at {stage}");
    }

    // What the catalogue decides, written down a second time and by hand: a row that changes by mistake is noticed here.
    [TestCase("421 4.3.0 Temporary System Problem.  Try again later (10).", Stage.EndOfData, VerdictAction.SlowDown)]
    [TestCase("421 4.4.5 Server busy, try again later.", Stage.Greeting, VerdictAction.RetrySoon)]
    [TestCase("421 4.7.0 Temporary System Problem.  Try again later (10).", Stage.Mail, VerdictAction.SlowDown)]
    [TestCase("421 4.7.0 Try again later, closing connection. (EHLO)", Stage.Ehlo, VerdictAction.HoldAccount)]
    [TestCase("421 4.7.0 Connection expired, try reconnecting.", Stage.Mail, VerdictAction.RetryNow)]
    [TestCase("421 4.7.0 IP not in whitelist for RCPT domain, closing connection.", Stage.Recipient, VerdictAction.RetryLater)]
    [TestCase("421 4.7.0 TLS required for RCPT domain, closing connection.", Stage.Recipient, VerdictAction.RetryLater)]
    [TestCase("421 4.7.25 The sending IP does not have a PTR record", Stage.EndOfData, VerdictAction.HoldAccount)]
    [TestCase("421 4.7.28 unusual rate of unsolicited mail", Stage.EndOfData, VerdictAction.HoldAccount)]
    [TestCase("421 4.7.28 exceeded its quota for sending messages with the same Message-ID", Stage.EndOfData, VerdictAction.RetryLater)]
    [TestCase("432 4.7.12 A password transition is needed", Stage.Auth, VerdictAction.HoldAccountForPerson)]
    [TestCase("450 4.2.1 The user you are trying to contact is receiving mail too quickly.", Stage.Recipient, VerdictAction.RetryLater)]
    [TestCase("450 4.2.1 Peak SMTP relay limit exceeded for customer.", Stage.EndOfData, VerdictAction.HoldAccount)]
    [TestCase("451 4.3.0 Mail server temporarily rejected message.", Stage.EndOfData, VerdictAction.RetrySoon)]
    [TestCase("451 4.3.0 Multiple destination domains per transaction is unsupported.", Stage.Recipient, VerdictAction.SplitRecipients)]
    [TestCase("451 4.4.2 Timeout - closing connection.", Stage.Mail, VerdictAction.RetryNow)]
    [TestCase("451 4.5.0 SMTP protocol violation, visit RFC 2821.", Stage.Mail, VerdictAction.RetryNow)]
    [TestCase("451 4.7.24 The SPF record of the sending domain has suspicious entries", Stage.EndOfData, VerdictAction.RetryLater)]
    [TestCase("452 4.2.2 out of storage space", Stage.Recipient, VerdictAction.RetryLater)]
    [TestCase("452 4.5.3 Domain policy size per transaction exceeded", Stage.Recipient, VerdictAction.SplitRecipients)]
    [TestCase("454 4.7.0 Too many login attempts, please try again later.", Stage.Auth, VerdictAction.HoldAccount)]
    [TestCase("454 4.7.0 Cannot authenticate due to a temporary system problem.", Stage.Auth, VerdictAction.RetrySoon)]
    [TestCase("501 5.5.2 Cannot Decode response", Stage.Auth, VerdictAction.RetryNow)]
    [TestCase("502 5.5.1 Too many unrecognized commands, goodbye.", Stage.Mail, VerdictAction.RetryNow)]
    [TestCase("503 5.7.0 No identity changes permitted.", Stage.Auth, VerdictAction.RetryNow)]
    [TestCase("504 5.7.4 Unrecognized Authentication Type", Stage.Auth, VerdictAction.HoldAccountForPerson)]
    [TestCase("530 5.7.0 Authentication Required.", Stage.Mail, VerdictAction.RetryNow)]
    [TestCase("530 5.5.1 Authentication Required. Learn more at", Stage.Mail, VerdictAction.RetryNow)]
    [TestCase("530 5.7.0 Must issue a STARTTLS command first.", Stage.Mail, VerdictAction.OtherPort)]
    [TestCase("534 5.7.9 Application-specific password required.", Stage.Auth, VerdictAction.HoldAccountForPerson)]
    [TestCase("534 5.7.14 Please log in via your web browser and then try again.", Stage.Auth, VerdictAction.HoldAccountForPerson)]
    [TestCase("535 5.7.8 Username and Password not accepted.", Stage.Auth, VerdictAction.HoldAccountForPerson)]
    [TestCase("535 5.7.1 Username and Password not accepted. Learn more at", Stage.Auth, VerdictAction.HoldAccountForPerson)]
    [TestCase("550 5.1.1 The email account that you tried to reach does not exist.", Stage.Recipient, VerdictAction.BounceRecipient)]
    [TestCase("550 5.2.1 The email account that you tried to reach is disabled.", Stage.Recipient, VerdictAction.BounceRecipient)]
    [TestCase("550 5.2.1 is receiving mail at a rate that prevents additional messages", Stage.Recipient, VerdictAction.RetryLater)]
    [TestCase("550 5.4.5 Daily user sending limit exceeded.", Stage.EndOfData, VerdictAction.HoldAccount)]
    [TestCase("550 5.4.5 Daily sending quota exceeded", Stage.Data, VerdictAction.HoldAccount)]
    [TestCase("550 5.4.5 something new about limits", Stage.Recipient, VerdictAction.HoldAccount)]
    [TestCase("550 5.4.6 Message exceeded 50 hops", Stage.EndOfData, VerdictAction.BounceMessage)]
    [TestCase("554 5.6.0 Message exceeded 50 hops, this may indicate a mail loop.", Stage.EndOfData, VerdictAction.BounceMessage)]
    [TestCase("550 5.5.3 too many recipients for this sender", Stage.Recipient, VerdictAction.SplitRecipients)]
    [TestCase("550 5.7.0 Mail relay denied [203.0.113.7].", Stage.Mail, VerdictAction.HoldAccountForPerson)]
    [TestCase("550 5.7.0 Mail Sending denied.", Stage.EndOfData, VerdictAction.HoldAccountForPerson)]
    [TestCase("550 5.7.1 Invalid credentials for relay [203.0.113.7].", Stage.Mail, VerdictAction.HoldAccountForPerson)]
    [TestCase("550 5.7.1 Daily SMTP relay limit exceeded for customer.", Stage.EndOfData, VerdictAction.HoldAccount)]
    [TestCase("550 5.7.1 Our system has detected that this message is likely unsolicited mail.", Stage.EndOfData, VerdictAction.Park)]
    [TestCase("550 5.7.1 has a policy that prohibited the mail that you sent.", Stage.EndOfData, VerdictAction.BounceMessage)]
    [TestCase("550 5.7.1 whatever an administrator wrote d9sm1 - gcdp", Stage.EndOfData, VerdictAction.BounceMessage)]
    [TestCase("550 5.7.1 The IP you're using to send mail is not authorized to send email directly to our servers.", Stage.EndOfData, VerdictAction.HoldAccountForPerson)]
    [TestCase("550 5.7.1 is not RFC 5322 compliant: duplicate headers", Stage.EndOfData, VerdictAction.Park)]
    [TestCase("550 5.7.26 unauthenticated", Stage.EndOfData, VerdictAction.Park)]
    [TestCase("550 5.7.28 unusual rate", Stage.EndOfData, VerdictAction.HoldAccount)]
    [TestCase("552 5.2.2 over quota", Stage.Recipient, VerdictAction.BounceRecipient)]
    [TestCase("552 5.2.3 Your message exceeded Google's message size limits.", Stage.Mail, VerdictAction.BounceMessage)]
    [TestCase("552 5.3.4 Your message exceeded Google's message size limits.", Stage.Mail, VerdictAction.BounceMessage)]
    [TestCase("552 5.7.0 content presents a potential security issue.", Stage.EndOfData, VerdictAction.BounceMessage)]
    [TestCase("553 5.1.2 We weren't able to find the recipient domain.", Stage.Recipient, VerdictAction.BounceRecipient)]
    [TestCase("553 5.1.3 The recipient address is not a valid RFC 5321 address.", Stage.Recipient, VerdictAction.BounceRecipient)]
    [TestCase("553 5.1.7 The sender address is not a valid RFC 5321 address.", Stage.Mail, VerdictAction.Park)]
    [TestCase("554 5.6.0 Mail message is malformed. Not accepted.", Stage.EndOfData, VerdictAction.Park)]
    [TestCase("555 5.5.2 Syntax error, goodbye.", Stage.Mail, VerdictAction.Park)]
    [TestCase("421 4.7.0 This message is suspicious due to the nature of the content or the links within.", Stage.EndOfData, VerdictAction.RetryLater)]
    [TestCase("421 4.7.0 This message is suspicious due to the very low reputation of the sending domain.", Stage.EndOfData, VerdictAction.HoldAccount)]
    [TestCase("421 4.7.40 the sending domain does not have a DMARC record", Stage.EndOfData, VerdictAction.HoldAccount)]
    [TestCase("535 5.7.8 no", Stage.Auth, VerdictAction.HoldAccountForPerson)]
    [TestCase("534 5.7.14 Please log in through your web browser and then try again.", Stage.Auth, VerdictAction.HoldAccountForPerson)]
    [TestCase("550 5.7.1 Our system has detected an unusual rate of unsolicited mail originating from your IP address. To protect our users from spam, mail has been blocked.", Stage.EndOfData, VerdictAction.HoldAccount)]
    [TestCase("550 5.7.1 this mail has been rate limited", Stage.EndOfData, VerdictAction.HoldAccount)]
    [TestCase("550 5.7.1 fails to pass authentication checks (SPF or DKIM). To best protect our users from spam, the message has been blocked.", Stage.EndOfData, VerdictAction.Park)]
    [TestCase("550 5.7.32 the From: header (RFC5322) isn't aligned", Stage.EndOfData, VerdictAction.Park)]
    [TestCase("550 7.7.1 The IP you're using to send mail is not authorized to send email directly to our servers.", Stage.EndOfData, VerdictAction.HoldAccountForPerson)]
    public void Known_replies(string reply, Stage stage, VerdictAction action)
    {
        var verdict = ReplyCatalogue.Read(ReplyText.Parse(reply), stage);
        Assert.That(verdict.Action, Is.EqualTo(action), verdict.Row);
        Assert.That(verdict.Known);
    }

    // An administrator may write anything; the mark says that it is an administrator who speaks.
    [TestCase("550 5.7.1 Suspicious attachments are not allowed here. - gcdp d9 - gsmtp")]
    [TestCase("550 5.7.1 Duplicate Message-ID, see RFC 5322 - gcdp d9 - gsmtp")]
    [TestCase("550 5.4.5 Your sending limit exceeded our patience - GCDP d9 - gsmtp")]
    [TestCase("552-5.7.0 No scans by mail,\n552 5.7.0 please. -  gcdp d9 - gsmtp")]
    public void What_an_administrator_wrote_is_never_taken_for_Googles_words(string reply) =>
        Assert.That(ReplyCatalogue.Read(ReplyText.Parse(reply), Stage.EndOfData).Row, Is.EqualTo("550-administrators-rule"));

    [TestCase("550 5.4.5 DAILY USER SENDING LIMIT EXCEEDED", "550-5.4.5-daily-limit", TestName = "Letter_case")]
    [TestCase("550   5.4.5   Daily \t user   sending limit  exceeded ", "550-5.4.5-daily-limit", TestName = "More_blanks_than_one")]
    [TestCase("550-5.4.5 Daily user\n550-5.4.5\n550 5.4.5  sending limit exceeded.", "550-5.4.5-daily-limit", TestName = "Words_on_two_lines")]
    [TestCase("550 Daily user sending limit exceeded", "550-5.4.5-daily-limit", TestName = "No_enhanced_code")]
    [TestCase("550-Daily user sending limit exceeded\n550 5.4.5 see below", "550-5.4.5-daily-limit", TestName = "The_enhanced_code_on_the_last_line_alone")]
    [TestCase("550-5.7.1 Daily user sending\n550 5.4.5 limit exceeded", "550-5.4.5-daily-limit", TestName = "An_enhanced_code_for_each_line")]
    [TestCase("550 [5.4.5] Daily sending quota exceeded", "550-5.4.5-daily-limit", TestName = "An_enhanced_code_that_is_none")]
    [TestCase("550 #5.1.1 does not exist", "class-5-message", TestName = "Neither_code_nor_words")]
    public void However_it_is_written(string reply, string row) => Assert.That(ReplyCatalogue.Read(ReplyText.Parse(reply), Stage.EndOfData).Row, Is.EqualTo(row));

    [TestCase("550 5.1.1 The email account that you tried to reach does not exist.", Stage.Mail, VerdictAction.Park)]
    [TestCase("552 5.2.2 over quota", Stage.Mail, VerdictAction.Park)]
    [TestCase("550 5.7.1 No printers here. - gcdp d9 - gsmtp", Stage.Auth, VerdictAction.HoldAccountForPerson)]
    [TestCase("552 5.7.0 security issue", Stage.Greeting, VerdictAction.HoldAccount)]
    public void Nothing_bounces_for_what_was_said_before_it_was_named(string reply, Stage stage, VerdictAction action) =>
        Assert.That(ReplyCatalogue.Read(ReplyText.Parse(reply), stage).Action, Is.EqualTo(action));

    // Another recipient's organisation has other rules and other limits.
    [TestCase("550-5.7.1 The user or domain that you are sending to (or from) has a policy that\n550 5.7.1 prohibited the mail that you sent. d9sm1 - gsmtp", "550-policy")]
    [TestCase("550 5.7.1 No scans to the board, please. d9sm1 - gcdp", "550-administrators-rule")]
    [TestCase("552 5.3.4 Your message exceeded Google's message size limits. d9sm1 - gsmtp", "552-too-large")]
    public void What_is_said_to_RCPT_bounces_no_other_recipient(string reply, string row)
    {
        var verdict = ReplyCatalogue.Read(ReplyText.Parse(reply), Stage.Recipient);
        Assert.That((verdict.Row, verdict.Action), Is.EqualTo((row, VerdictAction.BounceRecipient)));
    }

    // RFC 1870 §6.1 has these words and no enhanced code; what is too large never gets smaller by waiting for a person.
    [TestCase("552 message size exceeds fixed maximium message size", Stage.Mail)]
    [TestCase("552-Your message exceeded Google's message size\n552 limits.", Stage.Mail)]
    [TestCase("552 5.2.0 Message size exceeds fixed limit", Stage.EndOfData)]
    public void Too_large_is_too_large_by_its_words_as_well(string reply, Stage stage) =>
        Assert.That(ReplyCatalogue.Read(ReplyText.Parse(reply), stage).Action, Is.EqualTo(VerdictAction.BounceMessage));

    [TestCaseSource(nameof(Spoken))]
    public void Each_transcripts_reply_is_read_by_the_row_that_names_it(string row, string reply, Stage stage) =>
        Assert.That(ReplyCatalogue.Read(ReplyText.Parse(reply), stage).Row, Is.EqualTo(row));

    [TestCase("451-protocol-violation", VerdictAction.Park)]
    [TestCase("500-not-understood", VerdictAction.Park)]
    [TestCase("501-cannot-decode", VerdictAction.Park)]
    [TestCase("501-argument", VerdictAction.Park)]
    [TestCase("503-wrong-order", VerdictAction.Park)]
    [TestCase("503-no-data-after-bdat", VerdictAction.Park)]
    [TestCase("554-unauthenticated-commands", VerdictAction.Park)]
    [TestCase("530-authentication-required", VerdictAction.HoldAccountForPerson)]
    [TestCase("550-too-many-recipients", VerdictAction.HoldAccount)]
    [TestCase("452-too-many-recipients", VerdictAction.RetryLater)]
    [TestCase("421-connection-expired", VerdictAction.RetrySoon)]
    [TestCase("451-timeout", VerdictAction.RetrySoon)]
    [TestCase("535-bad-credentials", VerdictAction.HoldAccountForPerson)]
    public void What_did_not_help_once_is_not_tried_for_ever(string row, VerdictAction action)
    {
        var again = ReplyCatalogue.Rows.Single(one => one.Name == row).Verdict.Repeated();
        Assert.That(again.Action, Is.EqualTo(action));
        AssertSentences(again);
    }

    [TestCase(421, Stage.Mail, VerdictAction.SlowDown)]
    [TestCase(451, Stage.EndOfData, VerdictAction.RetrySoon)]
    [TestCase(451, Stage.Recipient, VerdictAction.RetrySoon)]
    [TestCase(451, Stage.Auth, VerdictAction.HoldAccount)]
    [TestCase(554, Stage.Greeting, VerdictAction.HoldAccount)]
    [TestCase(536, Stage.Auth, VerdictAction.HoldAccountForPerson)]
    [TestCase(550, Stage.Mail, VerdictAction.Park)]
    [TestCase(550, Stage.Recipient, VerdictAction.BounceRecipient)]
    [TestCase(550, Stage.Data, VerdictAction.Park)]
    [TestCase(550, Stage.EndOfData, VerdictAction.BounceMessage)]
    [TestCase(354, Stage.Mail, VerdictAction.RetryNow)]
    [TestCase(250, Stage.Data, VerdictAction.RetryNow)]
    public void Unknown_replies_are_judged_by_class_and_stage(int code, Stage stage, VerdictAction action)
    {
        var verdict = ReplyCatalogue.Read(new SmtpReply(code, "quite new"), stage);
        Assert.That(verdict.Action, Is.EqualTo(action));
        Assert.That(verdict.Known, Is.False);
        AssertSentences(verdict);
    }

    [Test]
    public void Nothing_said_before_a_recipient_bounces_anything()
    {
        var bounces = ReplyCatalogue.Rows.Where(row => row.Verdict.Action is VerdictAction.BounceMessage or VerdictAction.BounceRecipient);
        Assert.That(bounces.Where(row => row.ExampleStage < Stage.Mail), Is.Empty);
    }

    private static void AssertSentences(Verdict verdict)
    {
        Assert.That(verdict.Happened, Does.EndWith(".").And.Length.GreaterThan(10));
        Assert.That(verdict.Remedy, Does.EndWith(".").And.Length.GreaterThan(10));
    }

    private static IEnumerable<TestCaseData> Rows() => ReplyCatalogue.Rows.Select(row => new TestCaseData(row).SetArgDisplayNames(row.Name));

    /// <summary>Without those that end in silence: their name is a failure's.</summary>
    private static IEnumerable<TestCaseData> Spoken() =>
        from file in Directory.EnumerateFiles(Folder(), "*.txt").Order(StringComparer.Ordinal)
        let transcript = Transcript.Load(file)
        where ReplyCatalogue.Rows.Any(row => row.Name == transcript.Row)
        let rule = transcript.Rules().First(rule => rule.What.Any(what => what is Misbehaviour.Reply))
        select new TestCaseData(transcript.Row, rule.What.OfType<Misbehaviour.Reply>().First().Text, StageOf(rule.Stage)).SetArgDisplayNames(transcript.Name);

    private static Stage StageOf(PracticeStage stage) => stage switch
    {
        PracticeStage.Greeting => Stage.Greeting,
        PracticeStage.Ehlo or PracticeStage.EhloTls => Stage.Ehlo,
        PracticeStage.StartTls => Stage.StartTls,
        PracticeStage.Auth or PracticeStage.AuthResponse => Stage.Auth,
        PracticeStage.Mail or PracticeStage.Idle => Stage.Mail, // what is said while idle is read as the answer to the next command
        PracticeStage.Rcpt => Stage.Recipient,
        PracticeStage.Data => Stage.Data,
        PracticeStage.EndOfData => Stage.EndOfData,
        _ => throw new ArgumentException($"no reply is read at {stage}"),
    };

    private static string Folder([CallerFilePath] string path = "") => Path.GetFullPath(Path.Combine(Path.GetDirectoryName(path)!, "..", "Transcripts"));

    private static IEnumerable<TestCaseData> Failures() => ReplyCatalogue.Failures.Select(row => new TestCaseData(row).SetArgDisplayNames(row.Verdict.Row));
}
