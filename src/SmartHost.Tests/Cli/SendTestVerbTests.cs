using System.Text.Json;
using SmartHost.Cli;
using SmartHost.Delivery;
using SmartHost.Mail;
using SmartHost.Practice;
using SmartHost.Tests.EndToEnd;

namespace SmartHost.Tests.Cli;

/// <summary>One message, followed to each of its ends.</summary>
[CancelAfter(60_000)]
public class SendTestVerbTests
{
    [Test]
    public async Task It_is_followed_to_its_arrival(CancellationToken cancellation)
    {
        await using var live = await LiveServer.StartAsync(cancellation);
        var typed = await RunAsync(live, cancellation);
        Assert.That(typed.Code, Is.EqualTo(ExitCode.Ok), typed.Scene());
        var arrived = (await live.Gmail.WaitForAsync(1, cancellation))[0];
        Assert.That(arrived.Header("Subject"), Is.EqualTo("SmartHost test message"));
        // Who answered and under which name differs each time; what a person reads does not.
        var lines = typed.Output.Split('\n').Where(line => line.Length > 16).Select(line => line[16..].Split(' ')[0]);
        Assert.That(lines, Is.SupersetOf(["Received", "Note", "Attempt", "Sent"]));
        Assert.That(typed.Output, Does.Contain("Gmail: 250 2.0.0 OK").And.EndWith("Gmail took it. Look into the inbox, and the spam folder.\n"));

        var json = JsonDocument.Parse((await RunAsync(live, cancellation, "--json", "--to", "boss@example.com", "--account", "default")).Output).RootElement;
        Assert.That(json.GetProperty("status").GetString(), Is.EqualTo("sent"));
        Assert.That(json.GetProperty("recipients")[0].GetProperty("address").GetString(), Is.EqualTo("boss@example.com"));
    }

    [Test]
    public async Task It_is_followed_to_a_refusal(CancellationToken cancellation)
    {
        await using var live = await LiveServer.StartAsync(cancellation);
        live.Gmail.Script.Add(new PracticeRule(PracticeStage.Rcpt, new Misbehaviour.Reply("550-5.1.1 The email account that you tried to reach does not exist.\n550 5.1.1 - gsmtp")) { Argument = "gone@example.com", Times = 100 });
        var typed = await RunAsync(live, cancellation, "--to", "gone@example.com");
        Assert.That(typed.Code, Is.EqualTo(ExitCode.Failure));
        Assert.That(typed.Output, Does.Contain("Bounced").And.Contain("Gmail: 550"));
        Assert.That(typed.Error, Does.Match("^smarthost: It was not sent: it is bounced. smarthost queue show [0-9a-z]+\ntells its story, smarthost check finds the cause.\n$"));
    }

    [Test]
    public async Task It_is_followed_until_it_must_wait(CancellationToken cancellation)
    {
        await using var live = await LiveServer.StartAsync(cancellation);
        await live.Gmail.GoOfflineAsync();
        var typed = await RunAsync(live, cancellation);
        Assert.That(typed.Code, Is.EqualTo(ExitCode.Failure));
        Assert.That(typed.Output, Does.Contain("Deferred   ").And.Contain("refuses the connection"));
        Assert.That(typed.Error, Does.Contain("It was not sent: it is waiting."));
        Assert.That(live.Server.Queue.Counts().Waiting, Is.EqualTo(1));
    }

    [Test]
    public async Task A_paused_account_is_named_and_not_waited_for(CancellationToken cancellation)
    {
        await using var live = await LiveServer.StartAsync(cancellation, new PracticeSettings { Accounts = [new(Mailbox.Parse("you@gmail.com"), new Secret("another password"))] });
        Assert.That((await RunAsync(live, cancellation)).Error, Does.Contain("It was not sent: it is waiting."));
        await live.WaitForHealthAsync(AccountHealth.Paused, cancellation);
        var typed = await RunAsync(live, cancellation);
        Assert.That(typed.Code, Is.EqualTo(ExitCode.Failure), typed.Scene());
        Assert.That(typed.Error.ReplaceLineEndings(" "), Does.StartWith("smarthost: It waits, for account default is paused: Gmail does not accept the user name and password. Make a new app password"));
        Assert.That(typed.Error.ReplaceLineEndings(" "), Does.Contain("Next try: 20"));
        Assert.That(live.Gmail.Logins, Is.EqualTo(1), "watching asks nobody");

        var check = await Typed.RunAsync(Typed.Terminal, ["check", "--offline", "--config", live.ConfigFile], cancellation);
        Assert.That(check.Code, Is.EqualTo(ExitCode.Failure));
        Assert.That(check.Output.ReplaceLineEndings(" "), Does.Contain("✗ mail of default: The account is paused,").And.Contain("✓ queue: 2 messages wait"));
    }

    [Test]
    public async Task A_pause_that_soon_ends_is_explained_and_waited_for(CancellationToken cancellation)
    {
        await using var live = await LiveServer.StartAsync(cancellation, edit: yaml => yaml.Replace("retryShortest: 1s, retryLongest: 2s", "retryShortest: 1m, retryLongest: 1m"));
        await live.Gmail.GoOfflineAsync();
        await RunAsync(live, cancellation);
        await live.WaitForHealthAsync(AccountHealth.Paused, cancellation);
        using WatchedWriter output = new(), error = new();
        var watching = CommandLine.RunAsync(["send-test", "--config", live.ConfigFile], output, error, Screen.None, cancellation);
        await LiveServer.WaitAsync(() => error.Text.Contains("It is tried again at ", StringComparison.Ordinal), cancellation);
        live.Gmail.GoOnline();
        live.Server.Flow.Delivery.TryNow("default");
        Assert.That(await watching, Is.EqualTo(ExitCode.Ok), error.Text);
        Assert.That(error.Text, Does.Match("^smarthost: It waits, for account default is paused: The mail server refuses the connection[^\n]+ It is tried again at \\d\\d:\\d\\d:\\d\\d\\.\n$"), "once");
        Assert.That(output.Text, Does.EndWith("Gmail took it. Look into the inbox, and the spam folder.\n"));
    }

    [Test]
    public async Task Whoever_stops_watching_is_told_that_it_stays(CancellationToken cancellation)
    {
        await using var live = await LiveServer.StartAsync(cancellation);
        var stall = live.Gmail.Script.Add(new PracticeRule(PracticeStage.EndOfData, new Misbehaviour.Stall()) { Times = 100 });
        using var interrupt = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var watching = RunAsync(live, interrupt.Token);
        await stall.Reached.WaitAsync(cancellation);
        await interrupt.CancelAsync();
        var typed = await watching;
        Assert.That(typed.Code, Is.EqualTo(ExitCode.Interrupted));
        Assert.That(typed.Error, Does.StartWith("smarthost: no longer watching. The message stays in the queue and is sent all\nthe same; smarthost queue show "));
        Assert.That(live.Server.Queue.Counts().Waiting, Is.EqualTo(1));
    }

    [TestCase("--to nonsense", "“nonsense” is not an e-mail address.")]
    [TestCase("--account other", "There is no account other; there is default.")]
    public async Task What_cannot_be_is_said(string options, string sentence, CancellationToken cancellation)
    {
        await using var live = await LiveServer.StartAsync(cancellation);
        var typed = await RunAsync(live, cancellation, options.Split(' '));
        Assert.That((typed.Code, typed.Output, typed.Error), Is.EqualTo((ExitCode.Usage, "", $"smarthost: {sentence}\n")));
        Assert.That(live.Server.Queue.Counts().Waiting, Is.Zero);
    }

    private static Task<Typed> RunAsync(LiveServer live, CancellationToken cancellation, params string[] options) =>
        Typed.RunAsync(Typed.Terminal, ["send-test", .. options, "--config", live.ConfigFile], cancellation);
}
