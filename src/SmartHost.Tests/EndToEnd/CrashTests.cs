using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using SmartHost.Practice;

namespace SmartHost.Tests.EndToEnd;

/// <summary>
/// The promise itself: the real process, under load from several devices, killed with SIGKILL at random moments and
/// started again on the same folder. Every message that heard 250 arrives; nothing arrives that was not sent whole; a
/// message arrives twice only where a kill fell between Gmail's 250 and the commit of it, at most one for each
/// connection that was open.
/// </summary>
public class CrashTests
{
    private const int Devices = 4, Connections = 2;

    [Test, CancelAfter(900_000)]
    public async Task Every_message_that_heard_250_arrives_however_often_the_process_is_killed(CancellationToken cancellation)
    {
        var crashes = int.Parse(Environment.GetEnvironmentVariable("SMARTHOST_CRASHES") ?? "50", CultureInfo.InvariantCulture);
        var seed = int.Parse(Environment.GetEnvironmentVariable("SMARTHOST_SEED") ?? Environment.ProcessId.ToString(CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);
        TestContext.Out.WriteLine($"SMARTHOST_SEED={seed}");
        var random = new Random(seed);

        using var folder = new TemporaryFolder();
        await using var gmail = await PracticeGmail.StartAsync(new PracticeSettings { RoundTrip = TimeSpan.FromMilliseconds(5) }, TimeProvider.System);
        var port = FreePort();
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
            Assert.That(twice.Sum(message => message.Count() - 1), Is.LessThanOrEqualTo(crashes * Connections), "more duplicates than connections that a crash can have cut");
            foreach (var copies in twice)
            {
                Assert.That(copies.Select(copy => copy.Header("Message-ID")).Distinct().Count(), Is.EqualTo(1), $"{copies.Key}: copies must carry one Message-ID");
                // The Message-ID that we made carries the queue id, by which the log tells of it.
                var id = copies.First().Header("Message-ID")!.Trim('<').Split('@')[0];
                Assert.That(logs.Any(log => log.Contains($"{id}: SmartHost stopped in the middle of an attempt", StringComparison.Ordinal)), $"{copies.Key} ({id}) arrived twice without a word");
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

    private static int FreePort()
    {
        using var probe = new TcpListener(IPAddress.Loopback, 0);
        probe.Start();
        return ((IPEndPoint)probe.LocalEndpoint).Port;
    }
}
