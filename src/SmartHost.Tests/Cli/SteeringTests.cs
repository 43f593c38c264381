using System.Text.Json;
using SmartHost.Cli;
using SmartHost.Delivery;
using SmartHost.Mail;
using SmartHost.Practice;
using SmartHost.Queue;
using SmartHost.Tests.EndToEnd;

namespace SmartHost.Tests.Cli;

/// <summary>The verbs that ask a running server: queue and devices, as a person at a terminal sees them.</summary>
[CancelAfter(60_000)]
public class SteeringTests
{
    [Test]
    public async Task Mail_that_waits_is_looked_at_and_steered(CancellationToken cancellation)
    {
        // Tried once and no more: what is being tried at this very moment can be neither held nor deleted.
        await using var live = await LiveServer.StartAsync(cancellation, edit: yaml => yaml.Replace("retryShortest: 1s, retryLongest: 2s", "retryShortest: 1h, retryLongest: 2h"));
        await live.Gmail.GoOfflineAsync();
        await TakeAsync(live, "Scan of the contract", cancellation);
        await live.WaitForHealthAsync(AccountHealth.Paused, cancellation);
        await TakeAsync(live, "Toner is low in tray 2, and a subject that is far too long for a line of eighty columns", cancellation);
        var ids = (await live.Server.Queue.SearchAsync(new MessageSearch(), cancellation)).Select(message => message.Id.ToString()).ToList();
        var script = new Script(live, cancellation, (ids[0], new string('2', 13)), (ids[1], new string('1', 13)));

        await script.TypeAsync("queue", "list");
        await script.TypeAsync("queue", "list", "--state", "held");
        await script.TypeAsync("queue", "hold", ids[0], ids[1], "--reason", "the boss wants to see it first");
        await script.TypeAsync("queue", "hold", ids[0]);
        await script.TypeAsync("queue", "list", "--state", "held", "--text", "contract");
        await script.TypeAsync("queue", "release", ids[1]);
        await script.TypeAsync("queue", "release", ids[1]);
        await script.TypeAsync("queue", "delete", ids[1], "nothere");
        await script.TypeAsync("queue", "retry", ids[1]);
        await script.TypeAsync("queue", "show", "nothere");
        await script.TypeAsync("queue", "list", "--limit", "0");
        await script.TypeAsync("queue", "list", "--device", "nobody");
        await script.TypeAsync("queue", "delete", ids[0], ids[1], "--json");
        Approved.Matches("queue", script.Text);
        Assert.That(script.Codes, Is.EqualTo([0, 0, 0, 1, 0, 0, 1, 1, 1, 1, 64, 0, 1]));
    }

    [Test]
    public async Task A_message_that_went_tells_its_story(CancellationToken cancellation)
    {
        await using var live = await LiveServer.StartAsync(cancellation);
        live.Gmail.Script.Add(new PracticeRule(PracticeStage.Rcpt, new Misbehaviour.Reply("550-5.1.1 The email account that you tried to reach does not exist.\n550 5.1.1 - gsmtp")) { Argument = "gone@example.com", Times = 100 });
        await TakeAsync(live, "Scan of the contract", cancellation, "the.accountants@example.com", "gone@example.com");
        var message = await DoneAsync(live, cancellation);
        // That nobody is told is noted a moment later.
        while ((await live.Server.Queue.TimelineAsync(message.Id, cancellation))[^1].Event != TimelineEvent.Note) await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, cancellation);
        var script = new Script(live, cancellation, (message.Id.ToString(), new string('1', 13)), (message.MessageId, "<1@smarthost>"), (live.Gmail.Port.ToString(), "587"));
        await script.TypeAsync("queue", "show", message.Id.ToString());
        Approved.Matches("queue-show", script.Text);

        var json = JsonDocument.Parse((await script.TypeAsync("queue", "show", message.Id.ToString(), "--json")).Output).RootElement;
        Assert.That(json.GetProperty("message").GetProperty("status").GetString(), Is.EqualTo("bounced"));
        Assert.That(json.GetProperty("timeline").EnumerateArray().Select(entry => entry.GetProperty("event").GetString()), Does.Contain("sent").And.Contain("bounced"));
    }

    [Test]
    public async Task Mail_that_was_never_tried_tells_why_it_waits(CancellationToken cancellation)
    {
        await using var live = await LiveServer.StartAsync(cancellation, edit: yaml => yaml.Replace("abcd efgh ijkl mnop", "wrongwrongwrong!"));
        await TakeAsync(live, "Scan of the contract", cancellation);
        await live.WaitForHealthAsync(AccountHealth.Paused, cancellation);
        await TakeAsync(live, "Scan of the bill", cancellation);
        var second = (await live.Server.Queue.SearchAsync(new MessageSearch(), cancellation))[0];
        var show = await Typed.RunAsync(Typed.Terminal, ["queue", "show", second.Id.ToString(), "--config", live.ConfigFile], cancellation);
        Assert.That(show.Output, Does.Contain("Scan of the bill").And.Contain("Waits    account default is paused, next try ").And.Contain("app password"));
        var capitals = await Typed.RunAsync(Typed.Terminal, ["queue", "show", second.Id.ToString().ToUpperInvariant(), "--config", live.ConfigFile], cancellation);
        Assert.That(capitals.Output, Is.EqualTo(show.Output), "as it may be read out, or pasted from a mail");

        var retry = await Typed.RunAsync(Screen.None, ["queue", "retry", second.Id.ToString(), "--config", live.ConfigFile], cancellation);
        Assert.That(retry.Code, Is.EqualTo(ExitCode.Ok), retry.Scene());
        Assert.That(retry.Output, Does.StartWith($"{second.Id} is due now, but account default is paused, next try ").And.Contain("app password").And.EndWith(". “Try now” on the page tries the account at once.\n"));
    }

    [Test]
    public async Task Nothing_is_said_to_be_tried_now_on_a_day_that_is_spent(CancellationToken cancellation)
    {
        await using var live = await LiveServer.StartAsync(cancellation, edit: yaml => yaml.Replace("dailyMessages: 1000000", "dailyMessages: 1"));
        await TakeAsync(live, "Scan of the contract", cancellation);
        await DoneAsync(live, cancellation);
        await TakeAsync(live, "Scan of the bill", cancellation);
        var second = (await live.Server.Queue.SearchAsync(new MessageSearch(), cancellation))[0];
        var retry = await Typed.RunAsync(Screen.None, ["queue", "retry", second.Id.ToString(), "--config", live.ConfigFile], cancellation);
        Assert.That((retry.Code, retry.Output), Is.EqualTo((ExitCode.Ok, $"{second.Id} is due now, but account default has spent its 24-hour allowance for normal mail; it goes on as that moves on.\n")));
    }

    [Test]
    public async Task Devices_are_listed_allowed_and_forgotten(CancellationToken cancellation)
    {
        await using var live = await LiveServer.StartAsync(cancellation, edit: yaml => yaml.Replace("addresses: [127.0.0.1]", "addresses: [192.0.2.1]"));
        var script = new Script(live, cancellation);
        await script.TypeAsync("devices", "list", "--unknown");
        var refused = await live.PlayAsync("Subject: note\r\n\r\nText.\r\n"u8.ToArray(), ["you@example.com"], cancellation);
        Assert.That(refused.Succeeded, Is.False);
        await script.TypeAsync("devices", "list");
        await script.TypeAsync("devices", "list", "--unknown");
        await script.TypeAsync("devices", "allow", "front office", "--address", "127.0.0", "--to", "you");
        await script.TypeAsync("devices", "allow", "scanner", "--address", "127.0.0.1", "--to", "*@example.com", "--to", "boss@gmail.com", "--priority", "urgent", "--per-hour", "20", "--per-day", "100");
        await script.TypeAsync("devices", "allow", "scanner", "--address", "127.0.0.1", "--to", "*");
        await TakeAsync(live, "Let in", cancellation);
        await DoneAsync(live, cancellation);
        await script.TypeAsync("devices", "list");
        await script.TypeAsync("devices", "forget", "scanner");
        await script.TypeAsync("devices", "forget", "scanner");
        await script.TypeAsync("devices", "forget", "test-device");
        await script.TypeAsync("devices", "allow", "ups", "--address", "192.168.1.40", "--to", "you@gmail.com", "--json");
        await script.TypeAsync("devices", "forget", "ups", "--json");
        Approved.Matches("devices", script.Text);
        Assert.That(script.Codes, Is.EqualTo([0, 0, 0, 64, 0, 1, 0, 0, 1, 1, 0, 0]));
    }

    /// <summary>Every verb that asks a server, and a server that is not there, not ours to ask, or not where it was looked for.</summary>
    [TestCase("queue list"), TestCase("queue show 1"), TestCase("queue retry 1"), TestCase("queue hold 1"), TestCase("queue release 1"), TestCase("queue delete 1")]
    [TestCase("devices list"), TestCase("devices list --unknown"), TestCase("devices forget x"), TestCase("devices allow x --address 192.0.2.1 --to *"), TestCase("send-test"), TestCase("health"), TestCase("health --deep")]
    public async Task Without_a_server_it_says_what_to_do(string line, CancellationToken cancellation)
    {
        using var folder = new TemporaryFolder();
        var config = folder.File("smarthost.yaml");
        await File.WriteAllTextAsync(config, "accounts: { default: { username: you@gmail.com, appPassword: abcd efgh ijkl mnop } }\n", cancellation);
        var unavailable = line.StartsWith("health", StringComparison.Ordinal) ? ExitCode.Failure : ExitCode.Unavailable;

        var none = await Typed.RunAsync(Screen.None, [.. line.Split(' '), "--config", config], cancellation);
        Assert.That((none.Code, none.Output), Is.EqualTo((unavailable, "")));
        Assert.That(none.Error, Is.EqualTo($"smarthost: No server is running with the data folder {folder.Path}/data. Start it with smarthost run, or name its configuration with --config (in Docker: docker exec smarthost smarthost …). If data was changed since it started, restart it.\n"));

        var elsewhere = await Typed.RunAsync(Screen.None, [.. line.Split(' '), "--config", config + "x"], cancellation);
        Assert.That((elsewhere.Code, elsewhere.Output), Is.EqualTo((ExitCode.Configuration, "")));
        Assert.That(elsewhere.Error, Is.EqualTo($"smarthost: There is no configuration file {config}x. Name the one that the server runs with by --config.\n"));
    }

    /// <summary>The image names a file that need not be there; a health check by it must not fail for that.</summary>
    [TestCase("GMAIL_APP_PASSWORD", "abcd efgh ijkl mnop")]
    [TestCase("GMAIL_APP_PASSWORD_FILE", "/nowhere/secret")]
    public async Task Without_a_file_the_environment_says_where_the_server_is(string variable, string value, CancellationToken cancellation)
    {
        using var folder = new TemporaryFolder();
        await using var health = SmartHostProcess.Start(["queue", "list"], new Dictionary<string, string>
        {
            ["SMARTHOST_CONFIG"] = "/nowhere/smarthost.yaml", ["SMARTHOST_DATA"] = folder.File("data"), ["GMAIL_USERNAME"] = "you@gmail.com", [variable] = value,
        });
        Assert.That(await health.ExitAsync(cancellation), Is.EqualTo(ExitCode.Unavailable), health.Output);
        Assert.That(health.Output, Does.StartWith($"smarthost: No server is running with the data folder {folder.File("data")}."));
    }

    [Test]
    public async Task A_table_is_for_the_width_of_the_screen_and_whole_in_a_pipe(CancellationToken cancellation)
    {
        await using var live = await LiveServer.StartAsync(cancellation);
        var subject = string.Join(' ', Enumerable.Repeat("long", 35));
        await TakeAsync(live, subject, cancellation);
        var message = await DoneAsync(live, cancellation);
        string[] list = ["queue", "list", "--config", live.ConfigFile];
        Assert.That((await Typed.RunAsync(Screen.None, list, cancellation)).Output, Does.Contain(subject));
        foreach (var width in new[] { 60, 80, 132 })
        {
            var lines = (await Typed.RunAsync(new Screen(width, Ascii: true, Styled: false), list, cancellation)).Output.Split('\n');
            Assert.That(lines, Has.All.Length.LessThanOrEqualTo(width));
            Assert.That(lines, Has.One.StartsWith(message.Id.ToString()), "what people copy is never broken");
        }
    }

    [Test]
    public async Task A_subject_cannot_steer_the_terminal(CancellationToken cancellation)
    {
        await using var live = await LiveServer.StartAsync(cancellation);
        await TakeAsync(live, "red \u001b[31m and \u009b31m and \a bell", cancellation);
        // What an earlier version kept may hold them still.
        Assert.That(Terminal.Clean("\u202etxt.\u2066exe\u200f\a"), Is.EqualTo(" txt. exe  "));
        var message = await DoneAsync(live, cancellation);
        foreach (var line in (string[][])[["queue", "list"], ["queue", "show", message.Id.ToString()]])
        {
            var typed = await Typed.RunAsync(Typed.Terminal, [.. line, "--config", live.ConfigFile], cancellation);
            Assert.That(typed.Output.Where(c => c != '\n'), Has.None.Matches<char>(char.IsControl));
            Assert.That(typed.Output, Does.Contain("red"));
        }
    }

    private static async Task TakeAsync(LiveServer live, string subject, CancellationToken cancellation, params string[] recipients)
    {
        var conversation = await live.PlayAsync(System.Text.Encoding.Latin1.GetBytes($"Subject: {subject}\r\n\r\nText.\r\n"), recipients is [] ? ["you@example.com"] : recipients, cancellation);
        Assert.That(conversation.Succeeded, conversation.Fault);
    }

    private static async Task<QueuedMessage> DoneAsync(LiveServer live, CancellationToken cancellation)
    {
        while (true)
        {
            if ((await live.Server.Queue.SearchAsync(new MessageSearch(States: [MessageState.Done]), cancellation)).FirstOrDefault(message => message.Device != "smarthost") is { } done) return done;
            await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, cancellation);
        }
    }

    /// <summary>Command lines to one server, one after the other, and what was on the screen in the end.</summary>
    private sealed class Script(LiveServer live, CancellationToken cancellation, params (string Text, string Word)[] changing)
    {
        public string Text { get; private set; } = "";

        public List<int> Codes { get; } = [];

        public async Task<Typed> TypeAsync(params string[] arguments)
        {
            // By the environment it would be everybody's; what a person sees leaves the option out.
            var typed = await Typed.RunAsync(Typed.Terminal, [.. arguments, "--config", live.ConfigFile], cancellation);
            Codes.Add(typed.Code);
            Text += (typed with { Arguments = arguments }).Scene(changing) + "\n";
            return typed;
        }
    }
}
