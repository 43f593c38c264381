using System.Text.Json;
using SmartHost.Cli;
using SmartHost.Delivery;
using SmartHost.Mail;
using SmartHost.Practice;
using SmartHost.Tests.EndToEnd;
using SmartHost.Tests.Queue;

namespace SmartHost.Tests.Cli;

/// <summary>What Docker and monitors are told, and by which exit code.</summary>
[CancelAfter(60_000)]
public class HealthVerbTests
{
    private static readonly byte[] Note = "Subject: note\r\n\r\nText.\r\n"u8.ToArray();

    [Test]
    public async Task Healthy_is_a_server_that_takes_mail(CancellationToken cancellation)
    {
        await using var live = await LiveServer.StartAsync(cancellation, more: "queue: { maxMessages: 1 }");
        var well = await RunAsync(live, "", cancellation);
        Assert.That((well.Code, well.Output, well.Error), Is.EqualTo((ExitCode.Ok, "ready\n", "")));

        await live.Gmail.GoOfflineAsync();
        Assert.That((await live.PlayAsync(Note, ["you@example.com"], cancellation)).Succeeded);
        var full = await RunAsync(live, "", cancellation);
        Assert.That(full.Code, Is.EqualTo(ExitCode.Failure));
        Assert.That(full.Output, Does.StartWith("alive, but it takes no mail\n! The queue takes no mail: 1 messages are waiting already (queue.maxMessages)\n"));
        var json = JsonDocument.Parse((await RunAsync(live, "--json", cancellation)).Output).RootElement;
        Assert.That(json.GetProperty("takesMail").GetBoolean(), Is.False);

        live.Gmail.GoOnline();
        await live.Gmail.WaitForAsync(1, cancellation);
        await LiveServer.WaitAsync(() => live.Server.Queue.Counts().Waiting == 0, cancellation);
        Assert.That((await RunAsync(live, "", cancellation)).Code, Is.EqualTo(ExitCode.Ok));
    }

    /// <summary>A restart mends no password, and Docker's users have tools that restart what is unhealthy.</summary>
    [Test]
    public async Task A_paused_account_is_healthy_with_a_word_of_it_and_unhealthy_in_depth(CancellationToken cancellation)
    {
        await using var live = await LiveServer.StartAsync(cancellation);
        live.Gmail.SetAccount(new PracticeAccount(Mailbox.Parse("you@gmail.com"), new Secret("anotheronenow")));
        Assert.That((await live.PlayAsync(Note, ["you@example.com"], cancellation)).Succeeded);
        await live.WaitForHealthAsync(AccountHealth.Paused, cancellation);
        var alive = await RunAsync(live, "", cancellation);
        Assert.That((alive.Code, alive.Output), Is.EqualTo((ExitCode.Ok, "alive\n! No Gmail account can send now; mail is kept. The page says why.\n")));

        var tried = live.Gmail.Logins;
        var deep = await RunAsync(live, "--deep", cancellation);
        Assert.That(deep.Code, Is.EqualTo(ExitCode.Failure));
        Assert.That(deep.Output, Does.StartWith("unhealthy\n").And.Contain($"! account default: {live.Server.Flow.Delivery.State.Accounts[0].Sentence}"));
        Assert.That(live.Gmail.Logins, Is.EqualTo(tried), "what is known to be refused is not tried again");
    }

    [TestCase("abcd efgh ijkl mnop", ExitCode.Ok)]
    [TestCase("wron gwro ngwr ongw", ExitCode.Failure)]
    public async Task However_often_it_is_asked_in_depth_Gmail_sees_one_login(string password, int code, CancellationToken cancellation)
    {
        await using var live = await LiveServer.StartAsync(cancellation, edit: yaml => yaml.Replace("abcd efgh ijkl mnop", password));
        // Side by side, as two monitors would, and one after the other.
        var asked = await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => RunAsync(live, "--deep", cancellation)));
        for (var i = 0; i < 3; i++) asked = [.. asked, await RunAsync(live, "--deep", cancellation)];
        Assert.That(asked.Select(typed => typed.Code), Has.All.EqualTo(code), asked[0].Scene());
        // Above it, from the moment delivery pauses the account, stands that nothing can be sent.
        Assert.That(asked.Select(typed => typed.Output.TrimEnd().Split('\n')[^1]).Distinct(), Has.Exactly(1).Items);
        // A refused one is tried once more by delivery, whose account it is from then on.
        Assert.That(live.Gmail.Logins, code == ExitCode.Ok ? Is.EqualTo(1) : Is.InRange(1, 2));
        await LiveServer.WaitAsync(() => code == ExitCode.Ok || live.Server.Flow.Delivery.State.Accounts is [{ Health: AccountHealth.Paused }], cancellation);

        // A corrected password is tried at once; what has nothing to do with the login costs none.
        await File.WriteAllTextAsync(live.ConfigFile, (await File.ReadAllTextAsync(live.ConfigFile, cancellation)).Replace(password, "abcd efgh ijkl mnop") + "\nlimits: { connections: 90 }\n", cancellation);
        await LiveServer.WaitAsync(() => live.Server.Flow.Settings.Current.Limits.Connections == 90, cancellation);
        await live.WaitForHealthAsync(AccountHealth.Healthy, cancellation);
        Assert.That((await RunAsync(live, "--deep", cancellation)).Code, Is.EqualTo(ExitCode.Ok));
        Assert.That(live.Gmail.Logins, code == ExitCode.Ok ? Is.EqualTo(1) : Is.InRange(3, 4));
    }

    [Test]
    public async Task A_disk_that_failed_is_tried_again_and_a_sound_one_left_in_peace()
    {
        await using var bench = await QueueBench.OpenAsync();
        var commits = 0;
        bench.Fault = step => commits += step == "commit" ? 1 : 0;
        Assert.That(await bench.Queue.ObstacleAsync(default), Is.Null);
        Assert.That(commits, Is.Zero);

        bench.Fault = step => throw new IOException("Input/output error");
        Assert.That(await bench.SubmitAsync(QueueBench.Submission()), Is.InstanceOf<SmartHost.Queue.CommitOutcome.Failed>());
        Assert.That(await bench.Queue.ObstacleAsync(default), Does.Contain("The data folder could not be written").And.Contain("Input/output error"));
        bench.Fault = null;
        Assert.That(await bench.Queue.ObstacleAsync(default), Is.Null);
    }

    private static Task<Typed> RunAsync(LiveServer live, string options, CancellationToken cancellation) =>
        Typed.RunAsync(Screen.None, ["health", .. options.Split(' ', StringSplitOptions.RemoveEmptyEntries), "--config", live.ConfigFile], cancellation);
}
