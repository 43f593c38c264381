using System.Globalization;
using SmartHost.Practice;
using SmartHost.Tests.Faults;

namespace SmartHost.Tests.EndToEnd;

/// <summary>
/// The promise itself: the real process, under load from several devices, killed with SIGKILL at random moments and
/// started again on the same folder. Every message that heard 250 arrives; nothing arrives that was not sent whole; a
/// message arrives twice only where a kill fell between Gmail's 250 and the commit of it, and then the restart has
/// announced that very message as a possible duplicate. (<see cref="KillTests"/> aims its kills.)
/// </summary>
public class CrashTests
{
    private const int Devices = 4, Connections = 2;

    /// <summary>
    /// One message on each connection, and those whose result is on its way to disk: a connection goes on to its next
    /// message while the result of the one before it is written, and delivery stops at 16 of them.
    /// </summary>
    private const int MostUnderWay = Connections + 16;

    [Test, CancelAfter(900_000)]
    public async Task Every_message_that_heard_250_arrives_however_often_the_process_is_killed(CancellationToken cancellation)
    {
        var crashes = int.Parse(Environment.GetEnvironmentVariable("SMARTHOST_CRASHES") ?? "50", CultureInfo.InvariantCulture);
        var seed = int.Parse(Environment.GetEnvironmentVariable("SMARTHOST_SEED") ?? Environment.ProcessId.ToString(CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);
        TestContext.Out.WriteLine($"SMARTHOST_SEED={seed}");
        var random = new Random(seed);

        using var folder = new TemporaryFolder();
        await using var gmail = await PracticeGmail.StartAsync(new PracticeSettings { RoundTrip = TimeSpan.FromMilliseconds(5) }, TimeProvider.System);
        var port = RunningServer.FreePort();
        var config = RunningServer.WriteConfig(folder.Path, port, gmail, Connections);

        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var ledger = new Ledger();
        // Room to breathe between messages: what matters is where the kills fall, not how much is sent.
        var devices = Enumerable.Range(0, Devices).Select(device => Task.Run(() => ledger.LoadAsync($"d{device}", port, new Random(seed + device), TimeSpan.FromMilliseconds(30), stop.Token), cancellation)).ToList();

        var logs = new List<string>();
        for (var crash = 0; crash < crashes; crash++)
        {
            await using var process = SmartHostProcess.Start(["run", "--config", config]);
            await process.WaitForBannerAsync(port, cancellation);
            // Any moment may be the one that loses mail, so the moment is drawn.
            await Task.Delay(TimeSpan.FromMilliseconds(random.Next(20, 700)), TimeProvider.System, cancellation);
            await process.KillAsync();
            logs.Add(process.Output);
        }
        await stop.CancelAsync();
        await Task.WhenAll(devices);

        await using (var last = SmartHostProcess.Start(["run", "--config", config]))
        {
            await last.WaitForBannerAsync(port, cancellation);
            Assert.That(await ledger.SendAsync(port, "final", 1000, cancellation), Is.EqualTo(HandOver.Accepted), last.Output);
            await Ledger.DrainedAsync(folder.File("data"), last, cancellation);
            Assert.That(await last.TerminateAsync(cancellation), Is.Zero, last.Output);
            logs.Add(last.Output);
        }
        var duplicates = ledger.AssertBalance(gmail, logs);
        TestContext.Out.WriteLine($"{crashes} crashes, {ledger.Begun} hand-overs begun, {ledger.Accepted.Count} accepted, {gmail.Messages.Count} arrived, {duplicates} duplicates");
        Assert.Multiple(() =>
        {
            Assert.That(ledger.Accepted, Has.Count.GreaterThan(crashes), "the load was too light to prove anything");
            Assert.That(duplicates, Is.LessThanOrEqualTo(crashes * MostUnderWay), "more duplicates than a crash can cut in two");
        });
    }
}
