using System.Text;
using Microsoft.Extensions.Time.Testing;
using SmartHost.Gmail;
using SmartHost.Gmail.Replies;

namespace SmartHost.Tests.Gmail;

[CancelAfter(30_000)]
public class GmailSessionTests
{
    private const string Hi = "Subject: hi\r\n\r\nhi\r\n";

    [Test]
    public async Task A_small_message_is_one_round_trip()
    {
        // No reply before everything has arrived: a client that waited anywhere would wait for ever.
        await using var gmail = new ScriptedGmail(ScriptedGmail.Login + """
            C: MAIL FROM:<you@gmail.com> SIZE=19
            C: RCPT TO:<a@example.com>
            C: RCPT TO:<b@example.com>
            C: BDAT 19 LAST
            S: 250 2.1.0 OK d9sm1 - gsmtp
            S: 250 2.1.5 OK d9sm1 - gsmtp
            S: 250 2.1.5 OK d9sm1 - gsmtp
            S: 250 2.0.0 OK  1700000000 d9sm1 - gsmtp
            C: QUIT
            S: 221 2.0.0 closing connection d9sm1 - gsmtp
            END
            """);
        var session = await Given.SessionAsync(gmail);
        var outcome = await session.SendAsync(Given.You, Given.To("a@example.com", "b@example.com"), Given.Message(Hi), CancellationToken.None);
        Assert.That(session.IsUsable);
        Assert.That(session.Transactions, Is.EqualTo(1));
        await session.DisposeAsync();
        await gmail.PlayedAsync();
        Assert.That(outcome.Recipients.Select(r => r.Verdict.Action), Is.All.EqualTo(VerdictAction.Accepted));
        Assert.That(outcome.Recipients[0].Reply!.ToString(), Is.EqualTo("250 2.0.0 OK  1700000000 d9sm1 - gsmtp"));
        Assert.That(gmail.Contents, Is.EqualTo(new[] { Hi }));
    }

    [Test]
    public async Task A_large_message_waits_for_the_recipients_and_leaves_in_one_chunk()
    {
        var large = new string('x', 1_000_000);
        await using var gmail = new ScriptedGmail(ScriptedGmail.Login + """
            C: MAIL FROM:<you@gmail.com> SIZE=1000000
            C: RCPT TO:<a@example.com>
            S: 250 2.1.0 OK
            S: 250 2.1.5 OK
            C: BDAT 1000000 LAST
            S: 250 2.0.0 OK
            """);
        await using var session = await Given.SessionAsync(gmail);
        var outcome = await session.SendAsync(Given.You, Given.To("a@example.com"), Given.Message(large), CancellationToken.None);
        Assert.That(outcome.Recipients.Single().Verdict, Is.EqualTo(ReplyCatalogue.Accepted));
        Assert.That(gmail.Contents.Single(), Is.EqualTo(large));
    }

    [Test]
    public async Task No_megabytes_are_pushed_for_recipients_that_nobody_takes()
    {
        await using var gmail = new ScriptedGmail(ScriptedGmail.Login + """
            C: MAIL FROM:<you@gmail.com> SIZE=1000000
            C: RCPT TO:<nobody@example.com>
            S: 250 2.1.0 OK
            S: 550 5.1.1 The email account that you tried to reach does not exist. - gsmtp
            C: RSET
            S: 250 2.1.5 Flushed
            """);
        await using var session = await Given.SessionAsync(gmail);
        var outcome = await session.SendAsync(Given.You, Given.To("nobody@example.com"), Given.Message(new string('x', 1_000_000)), CancellationToken.None);
        Assert.That(outcome.Recipients.Single().Verdict.Row, Is.EqualTo("550-no-such-user"));
        Assert.That(session.IsUsable);
        Assert.That(gmail.Contents, Is.Empty);
    }

    [Test]
    public async Task A_refused_recipient_does_not_keep_the_others_from_their_mail()
    {
        await using var gmail = new ScriptedGmail(ScriptedGmail.Login + """
            C: MAIL FROM:<you@gmail.com> SIZE=19
            C: RCPT TO:<nobody@example.com>
            C: RCPT TO:<a@example.com>
            C: RCPT TO:<many@example.com>
            C: BDAT 19 LAST
            S: 250 2.1.0 OK
            S: 550-5.1.1 The email account that you tried to reach does not exist. Please
            S: 550 5.1.1 try again - gsmtp
            S: 250 2.1.5 OK
            S: 452 4.5.3 Your message has too many recipients. - gsmtp
            S: 250 2.0.0 OK
            """);
        await using var session = await Given.SessionAsync(gmail);
        var outcome = await session.SendAsync(Given.You, Given.To("nobody@example.com", "a@example.com", "many@example.com"), Given.Message(Hi), CancellationToken.None);
        Assert.That(outcome.Recipients.Select(r => r.Verdict.Action), Is.EqualTo(new[] { VerdictAction.BounceRecipient, VerdictAction.Accepted, VerdictAction.SplitRecipients }));
        Assert.That(outcome.Recipients[0].Reply!.ToString(), Is.EqualTo("550 5.1.1 The email account that you tried to reach does not exist. Please try again - gsmtp"));
        Assert.That(session.IsUsable);
    }

    [Test]
    public async Task When_all_recipients_are_refused_each_keeps_its_own_reply_and_the_next_message_goes_on_the_same_connection()
    {
        await using var gmail = new ScriptedGmail(ScriptedGmail.Login + """
            C: MAIL FROM:<you@gmail.com> SIZE=19
            C: RCPT TO:<a@example.com>
            C: RCPT TO:<b@example.com>
            C: BDAT 19 LAST
            S: 250 2.1.0 OK
            S: 550 5.1.1 does not exist
            S: 452 4.2.2 out of storage
            S: 503 5.5.1 RCPT first. - gsmtp
            C: RSET
            S: 250 2.1.5 Flushed
            C: MAIL FROM:<you@gmail.com> SIZE=19
            C: RCPT TO:<c@example.com>
            C: BDAT 19 LAST
            S: 250 2.1.0 OK
            S: 250 2.1.5 OK
            S: 250 2.0.0 OK
            """);
        await using var session = await Given.SessionAsync(gmail);
        var refused = await session.SendAsync(Given.You, Given.To("a@example.com", "b@example.com"), Given.Message(Hi), CancellationToken.None);
        var taken = await session.SendAsync(Given.You, Given.To("c@example.com"), Given.Message(Hi), CancellationToken.None);
        Assert.That(refused.Recipients.Select(r => r.Verdict.Row), Is.EqualTo(new[] { "550-no-such-user", "452-out-of-storage" }));
        Assert.That(taken.Recipients.Single().Verdict.Action, Is.EqualTo(VerdictAction.Accepted));
        Assert.That(session.Transactions, Is.EqualTo(2));
    }

    [Test]
    public async Task A_daily_limit_at_MAIL_is_every_recipients_verdict_and_never_a_bounce()
    {
        await using var gmail = new ScriptedGmail(ScriptedGmail.Login + """
            C: MAIL FROM:<you@gmail.com> SIZE=19
            C: RCPT TO:<a@example.com>
            C: RCPT TO:<b@example.com>
            C: BDAT 19 LAST
            S: 550 5.4.5 Daily user sending limit exceeded. - gsmtp
            S: 503 5.5.1 MAIL first. - gsmtp
            S: 503 5.5.1 MAIL first. - gsmtp
            S: 503 5.5.1 MAIL first. - gsmtp
            C: RSET
            S: 250 2.1.5 Flushed
            """);
        await using var session = await Given.SessionAsync(gmail);
        var outcome = await session.SendAsync(Given.You, Given.To("a@example.com", "b@example.com"), Given.Message(Hi), CancellationToken.None);
        Assert.That(outcome.Recipients.Select(r => r.Verdict.Row), Is.All.EqualTo("550-5.4.5-daily-limit"));
        Assert.That(outcome.Recipients.Select(r => r.Reply!.Code), Is.All.EqualTo(550));
        Assert.That(outcome.MayBeDelivered, Is.False);
    }

    [Test]
    public async Task Too_many_recipients_about_the_first_one_is_not_split_again_and_again()
    {
        await using var gmail = new ScriptedGmail(ScriptedGmail.Login + """
            C: MAIL FROM:<you@gmail.com> SIZE=19
            C: RCPT TO:<a@example.com>
            C: BDAT 19 LAST
            S: 250 2.1.0 OK
            S: 452 4.5.3 Your message has too many recipients.
            S: 503 5.5.1 RCPT first.
            C: RSET
            S: 250 2.1.5 Flushed
            """);
        await using var session = await Given.SessionAsync(gmail);
        var outcome = await session.SendAsync(Given.You, Given.To("a@example.com"), Given.Message(Hi), CancellationToken.None);
        Assert.That(outcome.Recipients.Single().Verdict.Action, Is.EqualTo(VerdictAction.RetryLater));
    }

    [TestCase("x@example.com", true, "MAIL FROM:<you@gmail.com> SIZE=20 BODY=8BITMIME")]
    [TestCase("jürgen@example.com", false, "MAIL FROM:<you@gmail.com> SIZE=20 SMTPUTF8")]
    public async Task MAIL_says_what_the_message_needs(string recipient, bool is8Bit, string expected)
    {
        await using var gmail = new ScriptedGmail(ScriptedGmail.Login + $"""
            C: {expected}
            C: RCPT TO:<{recipient}>
            C: BDAT 20 LAST
            S: 250 2.1.0 OK
            S: 250 2.1.5 OK
            S: 250 2.0.0 OK
            """);
        await using var session = await Given.SessionAsync(gmail);
        var outcome = await session.SendAsync(Given.You, Given.To(recipient), Given.Message("Subject: hi\r\n\r\nhé\r\n", is8Bit), CancellationToken.None);
        Assert.That(outcome.Recipients.Single().Verdict.Action, Is.EqualTo(VerdictAction.Accepted));
    }

    [Test]
    public async Task A_plain_server_gets_one_command_at_a_time_and_a_dot_stuffed_message()
    {
        await using var gmail = new ScriptedGmail(ScriptedGmail.Hello + """
            C: EHLO nas.home.arpa
            S: 250-relay.example.com
            S: 250 AUTH PLAIN
            """ + "\n" + ScriptedGmail.Auth + """
            C: MAIL FROM:<you@gmail.com>
            S: 250 2.1.0 OK
            C: RCPT TO:<a@example.com>
            S: 550 5.1.1 no
            C: RCPT TO:<b@example.com>
            S: 250 2.1.5 OK
            C: DATA
            S: 354 Go ahead
            DATA
            S: 250 2.0.0 OK
            """);
        await using var session = await Given.SessionAsync(gmail);
        var text = ".first\r\nx\r\n..\r\n.\r\nlast without an end";
        // In pieces, so that a dot begins a piece and a line end is torn apart.
        var content = new Content(text.Length, false, async (output, cancellation) =>
        {
            foreach (var c in text) await output.WriteAsync(new[] { (byte)c }, cancellation);
        });
        var outcome = await session.SendAsync(Given.You, Given.To("a@example.com", "b@example.com"), content, CancellationToken.None);
        Assert.That(outcome.Recipients.Select(r => r.Verdict.Action), Is.EqualTo(new[] { VerdictAction.BounceRecipient, VerdictAction.Accepted }));
        Assert.That(gmail.Contents.Single(), Is.EqualTo("..first\r\nx\r\n...\r\n..\r\nlast without an end\r\n"));
    }

    [TestCase("S: 550 5.4.5 Daily user sending limit exceeded.\nC: RSET\nS: 250 OK", "550-5.4.5-daily-limit")]
    [TestCase("S: 250 fine", "class-wrong-moment")]
    public async Task A_DATA_that_is_not_let_through_delivers_nothing(string reply, string row)
    {
        await using var gmail = new ScriptedGmail(ScriptedGmail.Hello + """
            C: EHLO nas.home.arpa
            S: 250-relay.example.com
            S: 250-PIPELINING
            S: 250 AUTH PLAIN
            """ + "\n" + ScriptedGmail.Auth + $"""
            C: MAIL FROM:<you@gmail.com>
            C: RCPT TO:<a@example.com>
            S: 250 2.1.0 OK
            S: 250 2.1.5 OK
            C: DATA
            {reply}
            """);
        await using var session = await Given.SessionAsync(gmail);
        var outcome = await session.SendAsync(Given.You, Given.To("a@example.com"), Given.Message(Hi), CancellationToken.None);
        Assert.That(outcome.Recipients.Single().Verdict.Row, Is.EqualTo(row));
        Assert.That(gmail.Contents, Is.Empty);
        Assert.That(outcome.MayBeDelivered, Is.False);
    }

    [Test]
    public async Task A_message_over_the_announced_SIZE_is_not_sent_at_all()
    {
        await using var gmail = new ScriptedGmail(ScriptedGmail.Login);
        await using var session = await Given.SessionAsync(gmail);
        var outcome = await session.SendAsync(Given.You, Given.To("a@example.com"), new Content(35_882_578, false, (_, _) => throw new AssertionException("read")), CancellationToken.None);
        Assert.That(outcome.Recipients.Single().Verdict.Row, Is.EqualTo("size-known"));
        Assert.That(outcome.Recipients.Single().Verdict.Happened, Does.Contain("35,882,577"));
        Assert.That(session.IsUsable);
    }

    [Test]
    public async Task After_a_rest_the_content_waits_until_the_connection_has_proved_alive()
    {
        var time = new FakeTimeProvider();
        await using var gmail = new ScriptedGmail(ScriptedGmail.Login + """
            C: MAIL FROM:<you@gmail.com> SIZE=19
            C: RCPT TO:<a@example.com>
            S: 451 4.4.2 Timeout - closing connection. d9sm1 - gsmtp
            CLOSE
            """);
        await using var session = await Given.SessionAsync(gmail, time);
        time.Advance(TimeSpan.FromSeconds(11));
        var outcome = await session.SendAsync(Given.You, Given.To("a@example.com"), Given.Message(Hi), CancellationToken.None);
        // Not the sender's fault, though it stands where the reply to MAIL should.
        Assert.That(outcome.Recipients.Single().Verdict.Row, Is.EqualTo("451-timeout"));
        Assert.That(outcome.MayBeDelivered, Is.False);
        Assert.That(session.IsUsable, Is.False);
        Assert.That(gmail.Contents, Is.Empty);
    }

    [Test]
    public async Task A_close_after_the_final_chunk_leaves_the_outcome_open()
    {
        await using var gmail = new ScriptedGmail(ScriptedGmail.Login + """
            C: MAIL FROM:<you@gmail.com> SIZE=19
            C: RCPT TO:<nobody@example.com>
            C: RCPT TO:<a@example.com>
            C: BDAT 19 LAST
            S: 250 2.1.0 OK
            S: 550 5.1.1 no
            S: 250 2.1.5 OK
            CLOSE
            """);
        await using var session = await Given.SessionAsync(gmail);
        var outcome = await session.SendAsync(Given.You, Given.To("nobody@example.com", "a@example.com"), Given.Message(Hi), CancellationToken.None);
        Assert.That(outcome.MayBeDelivered);
        Assert.That(outcome.Recipients.Select(r => r.Verdict.Row), Is.EqualTo(new[] { "550-no-such-user", "outcome-unknown" }));
        Assert.That((session.IsUsable, outcome.LoginSpent), Is.EqualTo((false, true)));
    }

    [Test]
    public async Task Step_by_step_a_close_before_Gmail_took_a_recipient_leaves_no_doubt()
    {
        await using var gmail = new ScriptedGmail(ScriptedGmail.Login + "C: MAIL *\nC: RCPT *\nCLOSE");
        await using var session = await Given.SessionAsync(gmail);
        var outcome = await session.SendAsync(Given.You, Given.To("a@example.com"), Given.Message(Hi), CancellationToken.None, stepByStep: true);
        Assert.That((outcome.Recipients.Single().Verdict.Row, outcome.MayBeDelivered, outcome.LoginSpent), Is.EqualTo(("connection-lost", false, true)));
        Assert.That(gmail.Contents, Is.Empty);
    }

    [Test]
    public async Task A_close_after_the_final_dot_leaves_the_outcome_open()
    {
        await using var gmail = new ScriptedGmail(ScriptedGmail.Hello + """
            C: EHLO nas.home.arpa
            S: 250-relay.example.com
            S: 250 AUTH PLAIN
            """ + "\n" + ScriptedGmail.Auth + """
            C: MAIL FROM:<you@gmail.com>
            S: 250 2.1.0 OK
            C: RCPT TO:<a@example.com>
            S: 250 2.1.5 OK
            C: DATA
            S: 354 Go ahead
            DATA
            S+ 250 2.0
            CLOSE
            """);
        await using var session = await Given.SessionAsync(gmail);
        var outcome = await session.SendAsync(Given.You, Given.To("a@example.com"), Given.Message(Hi), CancellationToken.None);
        Assert.That(outcome.MayBeDelivered, "half a reply confirms nothing");
        Assert.That(outcome.Recipients.Single().Verdict.Row, Is.EqualTo("outcome-unknown"));
    }

    [Test]
    public async Task A_close_between_two_messages_leaves_no_doubt_about_the_second()
    {
        await using var gmail = new ScriptedGmail(ScriptedGmail.Login + "C: MAIL *\nC: RCPT *\nC: BDAT *\nS: 250 OK\nS: 250 OK\nS: 250 OK\nCLOSE");
        await using var session = await Given.SessionAsync(gmail);
        var first = await session.SendAsync(Given.You, Given.To("a@example.com"), Given.Message(Hi), CancellationToken.None);
        Assert.That(first.Recipients.Single().Verdict.Action, Is.EqualTo(VerdictAction.Accepted));
        await gmail.PlayedAsync();
        var second = await session.SendAsync(Given.You, Given.To("a@example.com"), Given.Message(Hi), CancellationToken.None);
        Assert.That((second.Recipients.Single().Verdict.Row, second.MayBeDelivered, second.LoginSpent), Is.EqualTo(("connection-lost", false, false)));
    }

    [Test]
    public async Task A_5xx_to_RSET_ends_the_session_and_judges_nothing()
    {
        await using var gmail = new ScriptedGmail(ScriptedGmail.Login + "C: MAIL *\nC: RCPT *\nC: BDAT *\nS: 250 OK\nS: 550 5.1.1 no\nS: 503 5.5.1 RCPT first\nC: RSET\nS: 550 5.7.1 policy - gcdp d9 - gsmtp");
        await using var session = await Given.SessionAsync(gmail);
        var outcome = await session.SendAsync(Given.You, Given.To("a@example.com"), Given.Message(Hi), CancellationToken.None);
        Assert.That(outcome.Recipients.Single().Verdict.Row, Is.EqualTo("550-no-such-user"));
        Assert.That(session.IsUsable, Is.False);
    }

    [TestCase("C: MAIL FROM:<you@gmail.com> SIZE=20000000\nCLOSE", TestName = "Close_at_MAIL")]
    [TestCase("C: MAIL FROM:<you@gmail.com> SIZE=20000000\nC: RCPT TO:<a@example.com>\nS: 250 2.1.0 OK\nCLOSE", TestName = "Close_at_RCPT")]
    [TestCase("C: MAIL FROM:<you@gmail.com> SIZE=20000000\nC: RCPT TO:<a@example.com>\nS: 250 2.1.0 OK\nS: 250 2.1.5 OK\nC: BDAT *\nEARLY 1000\nCLOSE", TestName = "Close_within_the_content")]
    public async Task A_close_before_the_end_of_the_content_leaves_no_doubt(string script)
    {
        await using var gmail = new ScriptedGmail(ScriptedGmail.Login + script);
        await using var session = await Given.SessionAsync(gmail);
        var outcome = await session.SendAsync(Given.You, Given.To("a@example.com"), Given.Message(new string('x', 20_000_000)), CancellationToken.None);
        Assert.That(outcome.Recipients.Single().Verdict.Row, Is.EqualTo("connection-lost"));
        Assert.That(outcome.Recipients.Single().Reply, Is.Null);
        Assert.That(outcome.MayBeDelivered, Is.False);
        Assert.That(session.IsUsable, Is.False);
    }

    [TestCase("S: 421 4.7.0 Temporary System Problem.  Try again later (10). - gsmtp\nCLOSE", TestName = "At_MAIL")]
    [TestCase("S: 250 2.1.0 OK\nS: 421 4.7.0 Temporary System Problem.  Try again later (10). - gsmtp\nCLOSE", TestName = "At_the_first_RCPT")]
    [TestCase("S: 250 2.1.0 OK\nS: 250 2.1.5 OK\nS: 421 4.7.0 Temporary System Problem.  Try again later (10). - gsmtp\nCLOSE", TestName = "At_the_second_RCPT")]
    [TestCase("S: 250 2.1.0 OK\nS: 250 2.1.5 OK\nS: 250 2.1.5 OK\nS: 421 4.7.0 Temporary System Problem.  Try again later (10). - gsmtp\nCLOSE", TestName = "At_the_end_of_data")]
    public async Task A_421_speaks_for_all_that_is_unanswered_and_ends_the_session(string replies)
    {
        await using var gmail = new ScriptedGmail(ScriptedGmail.Login + "C: MAIL FROM:<you@gmail.com> SIZE=19\nC: RCPT TO:<a@example.com>\nC: RCPT TO:<b@example.com>\nC: BDAT 19 LAST\n" + replies);
        await using var session = await Given.SessionAsync(gmail);
        var outcome = await session.SendAsync(Given.You, Given.To("a@example.com", "b@example.com"), Given.Message(Hi), CancellationToken.None);
        Assert.That(outcome.Recipients.Select(r => r.Verdict.Row), Is.All.EqualTo("421-4.7.0-system-problem"));
        Assert.That(outcome.Recipients.Select(r => r.Verdict.Action), Is.All.EqualTo(VerdictAction.SlowDown));
        Assert.That(outcome.MayBeDelivered, Is.False);
        Assert.That(session.IsUsable, Is.False);
    }

    [Test]
    public async Task A_refusal_in_the_middle_of_a_large_message_ends_the_upload()
    {
        await using var gmail = new ScriptedGmail(ScriptedGmail.Login + """
            C: MAIL FROM:<you@gmail.com> SIZE=30000000
            C: RCPT TO:<a@example.com>
            S: 250 2.1.0 OK
            S: 250 2.1.5 OK
            C: BDAT *
            EARLY 100000
            S: 552 5.7.0 This message was blocked because its content presents a potential security issue.
            STALL
            """);
        await using var session = await Given.SessionAsync(gmail);
        var written = 0L;
        var content = new Content(30_000_000, false, async (output, cancellation) =>
        {
            var block = new byte[10_000];
            for (; written < 30_000_000; written += block.Length)
            {
                // The rest exists only once the refusal is known: a client that did not listen while writing would never end.
                if (written == 20_000_000) await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellation);
                await output.WriteAsync(block, cancellation);
            }
        });
        var outcome = await session.SendAsync(Given.You, Given.To("a@example.com"), content, CancellationToken.None);
        Assert.That(outcome.Recipients.Single().Verdict.Row, Is.EqualTo("552-blocked-attachment"));
        Assert.That(session.IsUsable, Is.False);
    }

    [Test]
    public async Task A_250_for_a_message_that_is_still_being_written_is_not_believed()
    {
        await using var gmail = new ScriptedGmail(ScriptedGmail.Login + """
            C: MAIL FROM:<you@gmail.com> SIZE=1000000
            C: RCPT TO:<a@example.com>
            S: 250 2.1.0 OK
            S: 250 2.1.5 OK
            S: 250 2.0.0 OK
            STALL
            """);
        await using var session = await Given.SessionAsync(gmail);
        var content = new Content(1_000_000, false, (_, cancellation) => Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellation));
        var outcome = await session.SendAsync(Given.You, Given.To("a@example.com"), content, CancellationToken.None);
        Assert.That(outcome.Recipients.Single().Verdict.Action, Is.EqualTo(VerdictAction.RetryNow));
        Assert.That(session.IsUsable, Is.False);
    }

    [TestCase("FLOOD 10000000", TestName = "A_reply_of_ten_megabytes")]
    [TestCase("S: hello, nice to meet you", TestName = "Garbage")]
    [TestCase("S: 250-2.1.0 OK\nS: 550 5.1.1 no", TestName = "Two_codes_in_one_reply")]
    [TestCase("S: 999 what", TestName = "A_code_that_is_none")]
    public async Task What_is_not_a_reply_ends_the_session_and_bounces_nothing(string said)
    {
        await using var gmail = new ScriptedGmail(ScriptedGmail.Login + "C: MAIL FROM:<you@gmail.com> SIZE=1000000\nC: RCPT TO:<a@example.com>\n" + said);
        await using var session = await Given.SessionAsync(gmail);
        var outcome = await session.SendAsync(Given.You, Given.To("a@example.com"), Given.Message(new string('x', 1_000_000)), CancellationToken.None);
        Assert.That(outcome.Recipients.Single().Verdict.Row, Is.EqualTo("connection-garbled"));
        Assert.That(outcome.Recipients.Single().Verdict.Happened.Length, Is.LessThan(300));
        Assert.That(session.IsUsable, Is.False);
    }

    [TestCase("C: MAIL *\nSTALL", "connection-stalled", false, TestName = "Silent_at_MAIL")]
    [TestCase("C: MAIL *\nC: RCPT *\nS: 250 OK\nSTALL", "connection-stalled", false, TestName = "Silent_at_RCPT")]
    [TestCase("C: MAIL *\nC: RCPT *\nS: 250 OK\nS+ 25\nSTALL", "connection-stalled", false, TestName = "Silent_within_a_reply")]
    [TestCase("C: MAIL *\nC: RCPT *\nS: 250 OK\nS: 250 OK\nC: BDAT *\nSTALL", "outcome-unknown", true, TestName = "Silent_after_the_content")]
    public async Task Silence_ends_by_itself(string script, string row, bool mayBeDelivered)
    {
        var time = new FakeTimeProvider();
        await using var gmail = new ScriptedGmail(ScriptedGmail.Login + script);
        await using var session = await Given.SessionAsync(gmail, time);
        var sending = session.SendAsync(Given.You, Given.To("a@example.com"), Given.Message(new string('x', 300_000)), CancellationToken.None);
        await gmail.Stalled;
        var outcome = await Given.PassTimeUntilAsync(time, TimeSpan.FromMinutes(1), sending);
        Assert.That(outcome.Recipients.Single().Verdict.Row, Is.EqualTo(row));
        Assert.That(outcome.MayBeDelivered, Is.EqualTo(mayBeDelivered));
    }

    [Test]
    public async Task A_server_that_takes_nothing_any_more_does_not_hold_the_message_for_ever()
    {
        var time = new FakeTimeProvider();
        await using var gmail = new ScriptedGmail(ScriptedGmail.Login + "C: MAIL *\nC: RCPT *\nS: 250 OK\nS: 250 OK\nDEAF");
        await using var session = await Given.SessionAsync(gmail, time);
        var writing = new TaskCompletionSource();
        var content = new Content(35_000_000, false, async (output, cancellation) =>
        {
            writing.TrySetResult();
            var block = new byte[1_000_000];
            for (var i = 0; i < 35; i++) await output.WriteAsync(block, cancellation);
        });
        var sending = session.SendAsync(Given.You, Given.To("a@example.com"), content, CancellationToken.None);
        await writing.Task;
        var outcome = await Given.PassTimeUntilAsync(time, TimeSpan.FromSeconds(10), sending);
        Assert.That(outcome.Recipients.Single().Verdict.Action, Is.EqualTo(VerdictAction.RetryNow).Or.EqualTo(VerdictAction.RetrySoon));
        Assert.That(outcome.MayBeDelivered, Is.False);
    }

    [Test]
    public async Task Replies_are_read_while_writing_so_that_neither_side_waits_for_the_other()
    {
        // Small buffers, and more in either direction than fits into them: whoever only writes, or only reads, stands still.
        var recipients = Given.To([.. Enumerable.Range(0, 100).Select(i => $"r{i}@example.com")]);
        var script = new StringBuilder(ScriptedGmail.Login).AppendLine("C: MAIL *").AppendLine("S: 250 OK");
        foreach (var recipient in recipients) script.AppendLine($"C: RCPT TO:<{recipient}>").AppendLine("S: 550 5.1.1 " + new string('x', 3000));
        script.AppendLine("C: BDAT *").AppendLine("S: 503 5.5.1 RCPT first").AppendLine("C: RSET").AppendLine("S: 250 OK");
        await using var gmail = new ScriptedGmail(TestCertificates.Good, socketBuffer: 8192, script.ToString());
        await using var session = await Given.SessionAsync(gmail);
        var outcome = await session.SendAsync(Given.You, recipients, Given.Message(new string('x', 200_000)), CancellationToken.None);
        Assert.That(outcome.Recipients.Select(r => r.Verdict.Row), Is.All.EqualTo("550-no-such-user"));
        Assert.That(session.IsUsable);
    }

    [Test]
    public async Task A_message_that_cannot_be_read_is_the_callers_error_and_not_the_networks()
    {
        await using var gmail = new ScriptedGmail(ScriptedGmail.Login + "C: MAIL *\nC: RCPT *\nC: BDAT *\nCLOSE");
        await using var session = await Given.SessionAsync(gmail);
        var content = new Content(19, false, (_, _) => throw new FileNotFoundException("content/1.eml"));
        await Assert.ThrowsAsync<FileNotFoundException>(() => session.SendAsync(Given.You, Given.To("a@example.com"), content, CancellationToken.None));
        Assert.That(session.IsUsable, Is.False);
    }

    [TestCase(18)]
    [TestCase(20)]
    public async Task A_message_that_is_not_as_long_as_announced_is_never_completed(int octets)
    {
        await using var gmail = new ScriptedGmail(ScriptedGmail.Login + "STALL");
        await using var session = await Given.SessionAsync(gmail);
        var content = new Content(19, false, (output, cancellation) => output.WriteAsync(new byte[octets], cancellation).AsTask());
        await Assert.ThrowsAsync<InvalidOperationException>(() => session.SendAsync(Given.You, Given.To("a@example.com"), content, CancellationToken.None));
        Assert.That(session.IsUsable, Is.False);
    }

    [Test]
    public async Task Cancellation_is_thrown_and_ends_the_session()
    {
        await using var gmail = new ScriptedGmail(ScriptedGmail.Login + "C: MAIL *\nSTALL");
        await using var session = await Given.SessionAsync(gmail);
        using var stop = new CancellationTokenSource();
        var sending = session.SendAsync(Given.You, Given.To("a@example.com"), Given.Message(Hi), stop.Token);
        await gmail.Stalled;
        await stop.CancelAsync();
        Assert.That(async () => await sending, Throws.InstanceOf<OperationCanceledException>());
        Assert.That(session.IsUsable, Is.False);
    }

    [Test]
    public async Task More_replies_than_questions_put_a_session_out_of_use()
    {
        await using var gmail = new ScriptedGmail(ScriptedGmail.Login + "C: MAIL *\nC: RCPT *\nC: BDAT *\nS: 250 OK\nS: 250 OK\nS: 250 OK\nS: 250 OK\nSTALL");
        await using var session = await Given.SessionAsync(gmail);
        var outcome = await session.SendAsync(Given.You, Given.To("a@example.com"), Given.Message(Hi), CancellationToken.None);
        Assert.That(outcome.Recipients.Single().Verdict.Action, Is.EqualTo(VerdictAction.Accepted));
        Assert.That(session.IsUsable, Is.False);
    }
}
