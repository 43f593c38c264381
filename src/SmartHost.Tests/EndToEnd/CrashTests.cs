using System.Collections.Concurrent;
using System.Globalization;
using System.Text.RegularExpressions;
using SmartHost.Practice;

namespace SmartHost.Tests.EndToEnd;

/// <summary>
/// The promise itself: the real process, under load from several devices, killed with SIGKILL at random moments and
/// started again on the same folder. Every message that heard 250 arrives; nothing arrives that was not sent whole; a
/// message arrives twice only where a kill fell between Gmail's 250 and the commit of it, and then the restart has
/// announced that very message as a possible duplicate.
/// </summary>
public class CrashTests
{
    private const int Devices = 4, Connections = 2;

    /// <summary>One message on each connection, and those whose result is on its way to disk: delivery stops at 16 of them.</summary>
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
        var handOvers = new ConcurrentDictionary<string, HandOver>();
        var devices = Enumerable.Range(0, Devices).Select(device => Task.Run(() => SendAsync(device, new Random(seed + device), port, handOvers, stop.Token), cancellation)).ToList();

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

        var accepted = handOvers.Where(pair => pair.Value == HandOver.Accepted).Select(pair => pair.Key).ToHashSet();
        await using (var last = SmartHostProcess.Start(["run", "--config", config]))
        {
            await last.WaitForBannerAsync(port, cancellation);
            // The last one of all, sent after the last crash: behind it, nothing else is new.
            Assert.That(await SmtpDevice.SendAsync(port, "final", 1000, cancellation), Is.EqualTo(HandOver.Accepted), last.Output);
            using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
            patience.CancelAfter(TimeSpan.FromMinutes(3));
            try
            {
                var awaited = accepted.Append("final").ToHashSet();
                await foreach (var message in gmail.ReadAllAsync(patience.Token))
                {
                    awaited.Remove(Token(message));
                    if (awaited.Count == 0) break;
                }
            }
            catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
            {
                var missing = accepted.Except(gmail.Messages.Select(Token)).ToList();
                Assert.Fail($"{missing.Count} of {accepted.Count} accepted messages did not arrive: {string.Join(", ", missing.Take(10))}\n{last.Output}");
            }
            logs.Add(last.Output);
            Assert.That(await last.TerminateAsync(cancellation), Is.Zero, last.Output);
        }

        var arrived = gmail.Messages.GroupBy(Token).ToList();
        var invented = arrived.Where(message => message.Key != "final" && handOvers.GetValueOrDefault(message.Key, HandOver.NotSent) == HandOver.NotSent).Select(message => message.Key);
        Assert.That(invented, Is.Empty, "arrived, but was never sent whole or was refused");

        var torn = gmail.Messages.Where(message => !message.Text().Contains($"end of {Token(message)}", StringComparison.Ordinal)).Select(Token);
        Assert.That(torn, Is.Empty, "arrived without its end");

        var twice = arrived.Where(message => message.Count() > 1).ToList();
        TestContext.Out.WriteLine($"{crashes} crashes, {handOvers.Count} hand-overs begun, {accepted.Count} accepted, {arrived.Count} arrived, {twice.Sum(message => message.Count() - 1)} duplicates");
        Assert.Multiple(() =>
        {
            Assert.That(accepted, Has.Count.GreaterThan(crashes), "the load was too light to prove anything");
            Assert.That(twice.Sum(message => message.Count() - 1), Is.LessThanOrEqualTo(crashes * MostUnderWay), "more duplicates than a crash can cut in two");
            foreach (var copies in twice)
            {
                Assert.That(copies.Select(copy => copy.Header("Message-ID")).Distinct().Count(), Is.EqualTo(1), $"{copies.Key}: copies must carry one Message-ID");
                // A restart says it of each message whose attempt was cut off: a copy more than it said would be an unexplained one.
                var id = QueueIdOf(copies.First());
                var announced = logs.Sum(log => log.Split('\n').Count(line => line.Contains($"{id}: possible duplicate", StringComparison.Ordinal)));
                Assert.That(copies.Count() - 1, Is.LessThanOrEqualTo(announced), $"{copies.Key} ({id}): copies that no restart announced");
            }
        });
    }

    private static async Task SendAsync(int device, Random random, int port, ConcurrentDictionary<string, HandOver> handOvers, CancellationToken stop)
    {
        int[] sizes = [800, 4_000, 60_000, 700_000];
        for (var number = 0; !stop.IsCancellationRequested; number++)
        {
            var token = $"d{device}n{number}";
            handOvers[token] = HandOver.NotSent;
            try
            {
                handOvers[token] = await SmtpDevice.SendAsync(port, token, sizes[random.Next(sizes.Length)], CancellationToken.None);
                // Room to breathe: what matters is where the kills fall, not how much is sent.
                await Task.Delay(TimeSpan.FromMilliseconds(random.Next(30)), TimeProvider.System, stop);
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
    }

    private static string Token(PracticeMessage message) => message.Header("X-Token") ?? "(no token)";

    /// <summary>From our Received field, the first one: "… with SMTP id 1ABC …; date".</summary>
    private static string QueueIdOf(PracticeMessage message) => Regex.Match(message.Header("Received") ?? "", @"\bid (\w+)").Groups[1].Value;
}
