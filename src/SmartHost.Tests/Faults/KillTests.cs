using System.Text.RegularExpressions;
using Microsoft.Data.Sqlite;
using SmartHost.Practice;
using SmartHost.Tests.EndToEnd;

namespace SmartHost.Tests.Faults;

/// <summary>
/// SIGKILL with an aim. On the disk's side: as the process is about to make the Nth write, sync or rename of a kind, under
/// load. On Gmail's side: when Gmail has heard so much of a message and no more. After each kill the same folder is opened
/// again by the next process, and in the end the books must balance.
/// </summary>
[Platform(Exclude = "Win", Reason = "signals")]
public class KillTests
{
    private const int Devices = 3;

    // Counted for each thread. The journal's thread is one, so its steps are passed one by one: the frames of one commit, its
    // sync, the next commit's. Content comes in and is settled on threads of the pool: early counts fall there.
    private static readonly string[] DiskSteps =
    [
        "pwrite64:1", "pwrite64:2", "pwrite64:3", "pwrite64:5", "pwrite64:8", "pwrite64:13", "pwrite64:29", "pwrite64:101",
        "fsync:1", "fsync:2", "fsync:4", "fsync:9", "rename:1", "unlink:1",
    ];

    [Test, CancelAfter(300_000)]
    public async Task A_kill_at_any_step_of_the_disk_loses_nothing(CancellationToken cancellation)
    {
        SystemCallFault.Require();
        using var folder = new TemporaryFolder();
        await using var gmail = await PracticeGmail.StartAsync(new PracticeSettings(), TimeProvider.System);
        var port = RunningServer.FreePort();
        var config = RunningServer.WriteConfig(folder.Path, port, gmail);
        var (ledger, logs, missed) = (new Ledger(), new List<string>(), new List<string>());
        foreach (var step in DiskSteps)
        {
            await using var process = SmartHostProcess.Start(["run", "--config", config]);
            await process.WaitForBannerAsync(port, cancellation);
            await using (await SystemCallFault.BeginAsync(process, $"{step.Split(':')[0]}:signal=KILL:when={step.Split(':')[1]}", cancellation))
            {
                using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
                var devices = Enumerable.Range(0, Devices)
                    .Select(device => Task.Run(() => ledger.LoadAsync($"{step}d{device}", port, new Random(device), TimeSpan.FromMilliseconds(10), stop.Token), cancellation)).ToList();
                // A step that is never taken would be a test that never kills.
                using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
                patience.CancelAfter(TimeSpan.FromSeconds(30));
                try
                {
                    await process.ExitAsync(patience.Token);
                }
                catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
                {
                    missed.Add(step);
                }
                await stop.CancelAsync();
                await Task.WhenAll(devices);
            }
            logs.Add(process.Output);
        }
        Assert.That(missed, Is.Empty, "steps that the process never came to");
        await FinishAsync(folder, config, port, gmail, ledger, logs, cancellation);
    }

    /// <summary>The steps of an attempt, as Gmail sees them; the disk is made slow, so that what should be written before it is not written in time by luck.</summary>
    [TestCase(PracticeStage.Connect), TestCase(PracticeStage.Auth), TestCase(PracticeStage.Mail), TestCase(PracticeStage.Content)]
    [TestCase(PracticeStage.EndOfData), TestCase(PracticeStage.Taken), TestCase(PracticeStage.Idle), CancelAfter(120_000)]
    public async Task A_kill_at_any_step_of_an_attempt_loses_nothing_and_a_second_copy_is_announced(PracticeStage stage, CancellationToken cancellation)
    {
        SystemCallFault.Require();
        using var folder = new TemporaryFolder();
        await using var gmail = await PracticeGmail.StartAsync(new PracticeSettings(), TimeProvider.System);
        var port = RunningServer.FreePort();
        var config = RunningServer.WriteConfig(folder.Path, port, gmail);
        var (ledger, logs) = (new Ledger(), new List<string>());
        await using (var process = SmartHostProcess.Start(["run", "--config", config]))
        {
            await process.WaitForBannerAsync(port, cancellation);
            await using var slow = await SystemCallFault.BeginAsync(process, "pwrite64:delay_enter=20000", cancellation);
            // Once through, so that a connection is open; only then the one that is cut.
            if (stage is not (PracticeStage.Connect or PracticeStage.Auth))
            {
                Assert.That(await ledger.SendAsync(port, "before", 800, cancellation), Is.EqualTo(HandOver.Accepted), process.Output);
                await gmail.WaitForAsync(1, cancellation);
            }
            var rule = gmail.Script.Add(new PracticeRule(stage, new Misbehaviour.Stall()) { Times = 100 });
            // At that very moment: a little later, and the slow disk would have caught up.
            var killed = KillAtAsync(rule, process, cancellation);
            await Task.WhenAll(new[] { ("small", 800), ("large", 700_000), ("other", 4_000) }.Select(message => ledger.SendAsync(port, message.Item1, message.Item2, cancellation)));
            await killed;
            logs.Add(process.Output);
        }
        gmail.Script.Clear();
        await FinishAsync(folder, config, port, gmail, ledger, logs, cancellation);
    }

    [Test, CancelAfter(120_000)]
    public async Task A_kill_while_a_failure_report_is_written_reports_all_the_same(CancellationToken cancellation)
    {
        SystemCallFault.Require();
        using var folder = new TemporaryFolder();
        await using var gmail = await PracticeGmail.StartAsync(new PracticeSettings(), TimeProvider.System);
        gmail.Script.Add(new PracticeRule(PracticeStage.Rcpt, new Misbehaviour.Reply("550-5.1.1 The email account that you tried to reach does not exist.\n550 5.1.1 - gsmtp")) { Argument = "gone@example.com", Times = 100 });
        var port = RunningServer.FreePort();
        var config = RunningServer.WriteConfig(folder.Path, port, gmail, more: "alerts: { email: admin@example.com }");
        // The bounce, the report's own commit, and what follows it.
        foreach (var write in (int[])[2, 5, 9, 14])
        {
            var token = $"bad{write}";
            await using (var process = SmartHostProcess.Start(["run", "--config", config]))
            {
                await process.WaitForBannerAsync(port, cancellation);
                await using var kill = await SystemCallFault.BeginAsync(process, $"pwrite64:signal=KILL:when={write}", cancellation);
                await SmtpDevice.SendAsync(port, token, 800, cancellation, "gone@example.com");
                await process.ExitAsync(cancellation);
            }
            // A process of its own each time: one that has reported waits a minute with what else this device's mail meets.
            await using var next = SmartHostProcess.Start(["run", "--config", config]);
            await next.WaitForBannerAsync(port, cancellation);
            // Where the kill came before its 250, the device comes again.
            if (!IsInQueue(folder, token)) Assert.That(await SmtpDevice.SendAsync(port, token, 800, cancellation, "gone@example.com"), Is.EqualTo(HandOver.Accepted), next.Output);
            await gmail.WaitForAsync(message => message.Envelope.Recipients.Any(to => to.ToString() == "admin@example.com") && Regex.IsMatch(message.Text(), $@"Subject: +{token}\r\n"), cancellation);
            Assert.That(await next.TerminateAsync(cancellation), Is.Zero, next.Output);
        }
    }

    private static async Task KillAtAsync(PracticeRule rule, SmartHostProcess process, CancellationToken cancellation)
    {
        await rule.Reached.WaitAsync(cancellation);
        await process.KillAsync();
    }

    private static bool IsInQueue(TemporaryFolder folder, string subject)
    {
        using var connection = new SqliteConnection($"Data Source={folder.File("data/queue.db")};Mode=ReadOnly;Pooling=False");
        connection.Open();
        using var count = connection.CreateCommand();
        count.CommandText = "SELECT count(*) FROM messages WHERE subject = $subject";
        count.Parameters.AddWithValue("$subject", subject);
        return (long)count.ExecuteScalar()! > 0;
    }

    private static async Task FinishAsync(TemporaryFolder folder, string config, int port, PracticeGmail gmail, Ledger ledger, List<string> logs, CancellationToken cancellation)
    {
        await using (var last = SmartHostProcess.Start(["run", "--config", config]))
        {
            await last.WaitForBannerAsync(port, cancellation);
            Assert.That(await ledger.SendAsync(port, "final", 1000, cancellation), Is.EqualTo(HandOver.Accepted), last.Output);
            await Ledger.DrainedAsync(folder.File("data"), last, cancellation);
            Assert.That(await last.TerminateAsync(cancellation), Is.Zero, last.Output);
            logs.Add(last.Output);
        }
        var duplicates = ledger.AssertBalance(gmail, logs);
        TestContext.Out.WriteLine($"{ledger.Accepted.Count} accepted, {gmail.Messages.Count} arrived, {duplicates} of them twice");
    }
}
