using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Time.Testing;
using SmartHost.Gmail;
using SmartHost.Gmail.Replies;
using SmartHost.Mail;

namespace SmartHost.Tests.Gmail;

[CancelAfter(30_000)]
public class GmailConnectorTests
{
    private const string ImplicitLogin = "TLS\nS: 220 smtp.gmail.com ESMTP - gsmtp\n" + ScriptedGmail.HelloAgain + ScriptedGmail.Auth;

    [Test]
    public async Task An_account_without_a_port_finds_587()
    {
        await using var gmail = new ScriptedGmail(ScriptedGmail.Login);
        var outcome = await Given.Connector(gmail).OpenAsync(Given.Account(port: null), CancellationToken.None);
        var opened = (OpenOutcome.Opened)outcome;
        await using var session = opened.Session;
        Assert.That(opened.Tried, Does.Match(@"^smtp\.gmail\.com:587 \[127\.0\.0\.1\] connected after \d+\.\d\d s$"));
        Assert.That(session.IsUsable);
        Assert.That(session.MaxSize, Is.EqualTo(35_882_577));
    }

    [Test]
    public async Task A_blocked_587_leads_to_465_and_that_is_remembered()
    {
        await using var gmail = new ScriptedGmail(ImplicitLogin, ImplicitLogin);
        var connector = Given.Connector(new Dictionary<int, int> { [465] = gmail.Port });
        var first = (OpenOutcome.Opened)await connector.OpenAsync(Given.Account(port: null), CancellationToken.None);
        await first.Session.DisposeAsync();
        var second = (OpenOutcome.Opened)await connector.OpenAsync(Given.Account(port: null), CancellationToken.None);
        await second.Session.DisposeAsync();
        Assert.That(first.Tried, Does.StartWith("smtp.gmail.com:587 failed (connect-refused) after ").And.Contain("; smtp.gmail.com:465 [127.0.0.1] connected"));
        Assert.That(second.Tried, Does.StartWith("smtp.gmail.com:465"));
    }

    [TestCase("STALL", TestName = "No_greeting")]
    [TestCase("CLOSE", TestName = "Closed_at_once")]
    [TestCase("S: HTTP/1.1 400 Bad Request", TestName = "Not_SMTP")]
    [TestCase("S: 220 hi\nC: EHLO *\nCLOSE", TestName = "Closed_at_EHLO")]
    [TestCase("S: 220 hi\nC: EHLO *\nS: 250 relay.example.com", TestName = "No_STARTTLS_offered")]
    [TestCase("S: 220 hi\nC: EHLO *\nS: 250-hi\nS: 250 STARTTLS\nC: STARTTLS\nS: 454 4.7.0 TLS not available due to temporary reason", TestName = "STARTTLS_refused")]
    [TestCase("S: 220 hi\nC: EHLO *\nS: 250-hi\nS: 250 STARTTLS\nC: STARTTLS\nCLOSE", TestName = "Closed_at_STARTTLS")]
    [TestCase("S: 220 hi\nC: EHLO *\nS: 250-hi\nS: 250 STARTTLS\nC: STARTTLS\nS: 220 go\nS: 250 injected", TestName = "More_said_than_asked")]
    [TestCase("S: 220 hi\nC: EHLO *\nS: 250-hi\nS: 250 STARTTLS\nC: STARTTLS\nS: 220 go\nSTALL", TestName = "No_handshake")]
    public async Task Whatever_keeps_TLS_from_starting_on_587_the_other_port_is_tried(string script)
    {
        var time = new FakeTimeProvider();
        await using var broken = new ScriptedGmail(script);
        await using var gmail = new ScriptedGmail(ImplicitLogin);
        var connector = Given.Connector(new Dictionary<int, int> { [587] = broken.Port, [465] = gmail.Port }, time);
        var opening = connector.OpenAsync(Given.Account(port: null), CancellationToken.None);
        if (script.Contains("STALL", StringComparison.Ordinal))
        {
            // No further: the second port's own time must not run out with the first one's.
            await Given.PassTimeUntilAsync(time, TimeSpan.FromSeconds(1), broken.PlayedAsync());
        }
        var opened = (OpenOutcome.Opened)await opening;
        await opened.Session.DisposeAsync();
        Assert.That(opened.Tried, Does.StartWith("smtp.gmail.com:587").And.Contain("smtp.gmail.com:465 [127.0.0.1] connected"));
    }

    [Test]
    public async Task When_both_ports_fail_the_failure_that_got_further_is_told()
    {
        await using var gmail = new ScriptedGmail(TestCertificates.OtherName, ScriptedGmail.Hello);
        var failed = (OpenOutcome.Failed)await Given.Connector(gmail).OpenAsync(Given.Account(port: null), CancellationToken.None);
        Assert.That(failed.Verdict.Row, Is.EqualTo("tls-wrong-name"));
        Assert.That(failed.Tried, Does.Contain(":587").And.Contain(":465"));
    }

    [Test]
    public async Task A_name_that_is_not_found_is_said_once()
    {
        var connector = new GmailConnector(TimeProvider.System)
        {
            Sockets = new HappyEyeballs(TimeProvider.System) { Resolve = (_, _) => throw new SocketException((int)SocketError.HostNotFound) },
        };
        var failed = (OpenOutcome.Failed)await connector.OpenAsync(Given.Account(port: null), CancellationToken.None);
        Assert.That(failed.Verdict.Row, Is.EqualTo("connect-name-not-found"));
        Assert.That(failed.Verdict.Happened, Does.Contain("smtp.gmail.com"));
        Assert.That(failed.Tried, Does.Not.Contain(":465"));
    }

    [Test]
    public async Task A_password_is_sent_as_the_settings_hand_it_over()
    {
        var response = Convert.ToBase64String("\0you@gmail.com\0 two words "u8);
        await using var gmail = new ScriptedGmail(ScriptedGmail.Hello + ScriptedGmail.HelloAgain + $"C: AUTH PLAIN {response}\nS: 235 2.7.0 Accepted\n");
        var account = Given.Account() with { Credentials = new AccountCredentials.AppPassword(new Secret(" two words ")) };
        await ((OpenOutcome.Opened)await Given.Connector(gmail).OpenAsync(account, CancellationToken.None)).Session.DisposeAsync();
        await gmail.PlayedAsync();
    }

    [Test]
    public async Task A_fixed_port_is_the_only_one_tried()
    {
        var failed = (OpenOutcome.Failed)await Given.Connector(new Dictionary<int, int>()).OpenAsync(Given.Account(587), CancellationToken.None);
        Assert.That(failed.Verdict.Row, Is.EqualTo("connect-refused"));
        Assert.That(failed.Tried, Does.Not.Contain(":465"));
    }

    // The words of the greeting, EHLO and AUTH replies survive with their codes, where MailKit's exceptions lose them.
    [TestCase("S: 421 4.4.5 Server busy, try again later. - gsmtp\nCLOSE", "421-4.4.5-busy")]
    [TestCase("S: 554 5.7.1 no service here", "class-5-connection")]
    [TestCase("S: 220 hi\nC: EHLO *\nS: 421 4.7.0 Try again later, closing connection. (EHLO) - gsmtp\nCLOSE", "421-try-later-at-ehlo")]
    [TestCase("S: 220 hi\nC: EHLO *\nS: 501-5.5.4 HELO/EHLO argument \"nas.home.arpa\" invalid, closing connection.\nS: 501 5.5.4 https://support.google.com/mail/?p=helo\nCLOSE", "501-bad-ehlo-name")]
    [TestCase(ScriptedGmail.Hello + "C: EHLO *\nS: 421 4.7.0 Try again later, closing connection. (EHLO) - gsmtp\nCLOSE", "421-try-later-at-ehlo")]
    [TestCase(ScriptedGmail.Hello + "C: EHLO *\nCLOSE", "connect-closed")]
    [TestCase(ScriptedGmail.Hello + "C: EHLO *\nS: 250 smtp.gmail.com", "auth-not-offered")]
    [TestCase(ScriptedGmail.Hello + ScriptedGmail.HelloAgain + "C: AUTH PLAIN *\nS: 421 4.7.0 Temporary System Problem.  Try again later (10). - gsmtp\nCLOSE", "421-4.7.0-system-problem")]
    [TestCase(ScriptedGmail.Hello + ScriptedGmail.HelloAgain + "C: AUTH PLAIN *\nS: 454 4.7.0 Too many login attempts, please try again later. - gsmtp\nEND", "454-too-many-logins")]
    [TestCase(ScriptedGmail.Hello + ScriptedGmail.HelloAgain + "C: AUTH PLAIN *\nS: 534-5.7.9 Application-specific password required. For more information, go to\nS: 534 5.7.9  https://support.google.com/mail/?p=InvalidSecondFactor x - gsmtp\nEND", "534-app-password-required")]
    [TestCase(ScriptedGmail.Hello + ScriptedGmail.HelloAgain + "C: AUTH PLAIN *\nS: 534-5.7.14 Please log in via your web browser and\nS: 534 5.7.14 then try again. - gsmtp\nEND", "534-web-login-required")]
    [TestCase(ScriptedGmail.Hello + ScriptedGmail.HelloAgain + "C: AUTH PLAIN *\nS: 535-5.7.8 Username and Password not accepted. For more information, go to\nS: 535 5.7.8  https://support.google.com/mail/?p=BadCredentials x - gsmtp\nEND", "535-bad-credentials")]
    [TestCase(ScriptedGmail.Hello + ScriptedGmail.HelloAgain + "C: AUTH PLAIN *\nCLOSE", "connection-lost")]
    [TestCase(ScriptedGmail.Hello + ScriptedGmail.HelloAgain + "C: AUTH PLAIN *\nFLOOD 10000000", "connection-garbled")]
    public async Task A_refusal_keeps_its_code_and_its_words_and_there_is_one_login_at_most(string script, string row)
    {
        await using var gmail = new ScriptedGmail(script);
        var failed = (OpenOutcome.Failed)await Given.Connector(gmail).OpenAsync(Given.Account(), CancellationToken.None);
        Assert.That(failed.Verdict.Row, Is.EqualTo(row));
        Assert.That(failed.Verdict.Remedy, Does.Not.Contain("smarthost login"), "the account has an app password");
        if (script.Contains("END", StringComparison.Ordinal)) await gmail.PlayedAsync();
        var refusal = script.Split('\n').Where(line => line.StartsWith("S: ", StringComparison.Ordinal)).Last()[3..];
        if (failed.Reply is not null) Assert.That(refusal, Does.StartWith(failed.Reply.Code.ToString()));
        Assert.That(failed.Reply, refusal[0] is '4' or '5' ? Is.Not.Null : Is.Null);
        Assert.That(gmail.Heard.Count(line => line.StartsWith("AUTH", StringComparison.Ordinal)), Is.LessThanOrEqualTo(1));
    }

    [Test]
    public async Task A_relay_that_knows_our_address_gets_no_login()
    {
        await using var gmail = new ScriptedGmail(ScriptedGmail.Hello + ScriptedGmail.HelloAgain + "C: MAIL *\nC: RCPT *\nC: BDAT *\nS: 250 OK\nS: 250 OK\nS: 250 OK");
        var account = Given.Account() with { Credentials = new AccountCredentials.ByAddress() };
        var opened = (OpenOutcome.Opened)await Given.Connector(gmail).OpenAsync(account, CancellationToken.None);
        await using var session = opened.Session;
        var outcome = await session.SendAsync(Given.You, Given.To("a@example.com"), Given.Message("hi\r\n"), CancellationToken.None);
        Assert.That(outcome.Recipients.Single().Verdict.Action, Is.EqualTo(VerdictAction.Accepted));
    }

    [Test]
    public async Task What_comes_right_behind_the_login_is_not_lost()
    {
        // In one TLS record with the 235: had MailKit read ahead, the 421 would be gone and only a closed connection left.
        await using var gmail = new ScriptedGmail(ScriptedGmail.Login + "S: 421 4.7.0 Temporary System Problem.  Try again later (10). - gsmtp\nCLOSE");
        await using var session = await Given.SessionAsync(gmail);
        var outcome = await session.SendAsync(Given.You, Given.To("a@example.com"), Given.Message("hi\r\n"), CancellationToken.None);
        Assert.That(outcome.Recipients.Single().Verdict.Row, Is.EqualTo("421-4.7.0-system-problem"));
    }

    [TestCase("nas.example.com", "nas.example.com")]
    [TestCase("nas", "nas.home.arpa")]
    [TestCase("localhost", "smarthost.home.arpa")]
    [TestCase("localhost.localdomain", "smarthost.home.arpa")]
    [TestCase("büro_nas", "bronas.home.arpa")]
    [TestCase("-", "smarthost.home.arpa")]
    [TestCase("", "smarthost.home.arpa")]
    [TestCase(null, "smarthost.home.arpa")]
    [TestCase("a\r\nb.example.com", "ab.example.com")]
    public void Our_name_is_always_one_that_Gmail_accepts(string? hostname, string expected) =>
        Assert.That(GmailConnector.LocalDomain(hostname), Is.EqualTo(expected));

    [Test]
    public async Task Cancellation_is_thrown()
    {
        await using var gmail = new ScriptedGmail("STALL");
        using var stop = new CancellationTokenSource();
        var opening = Given.Connector(gmail).OpenAsync(Given.Account(), stop.Token);
        await gmail.Stalled;
        await stop.CancelAsync();
        Assert.That(async () => await opening, Throws.InstanceOf<OperationCanceledException>());
    }
}
