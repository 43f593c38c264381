using System.Globalization;
using System.Net.Sockets;
using SmartHost.Practice;
using SmartHost.Tests.EndToEnd;

namespace SmartHost.Tests.Faults;

/// <summary>
/// Mixed load for a while (SMARTHOST_SOAK=minutes; a few seconds otherwise): devices that send, clients that vanish, a Gmail
/// that refuses, closes and goes away. Memory stays flat, no descriptor leaks, no message is lost.
/// </summary>
[Platform("Linux", Reason = "reads /proc")]
public class SoakTests
{
    private const int Devices = 4;

    [Test]
    public async Task Nothing_grows_and_nothing_is_lost()
    {
        var length = Environment.GetEnvironmentVariable("SMARTHOST_SOAK") is { Length: > 0 } minutes
            ? TimeSpan.FromMinutes(double.Parse(minutes, CultureInfo.InvariantCulture)) : TimeSpan.FromSeconds(6);
        using var tooLong = new CancellationTokenSource(length + TimeSpan.FromMinutes(3), TimeProvider.System);
        var cancellation = tooLong.Token;
        using var folder = new TemporaryFolder();
        await using var gmail = await PracticeGmail.StartAsync(new PracticeSettings(), TimeProvider.System);
        var port = RunningServer.FreePort();
        var ledger = new Ledger();
        await using var process = SmartHostProcess.Start(["run", "--config", RunningServer.WriteConfig(folder.Path, port, gmail, more: "log: { level: warning }")]);
        await process.WaitForBannerAsync(port, cancellation);

        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var working = Enumerable.Range(0, Devices)
            .Select(device => ledger.LoadAsync($"d{device}", port, new Random(device), TimeSpan.FromMilliseconds(100), stop.Token, 800, 800, 4_000, 4_000, 4_000, 60_000, 60_000, 300_000))
            .Append(VanishAsync(port, new Random(11), stop.Token)).Append(HiccupAsync(gmail, new Random(12), stop.Token)).ToList();
        // The first quarter is for caches, pools and compiled code.
        await Task.Delay(length / 4, TimeProvider.System, cancellation);
        var (memory, files) = (process.ResidentMemory(), process.OpenFiles());
        await Task.Delay(length * 3 / 4, TimeProvider.System, cancellation);
        var (memoryAfter, filesAfter) = (process.ResidentMemory(), process.OpenFiles());
        await stop.CancelAsync();
        await Task.WhenAll(working);
        gmail.Script.Clear();
        gmail.GoOnline();
        await Ledger.DrainedAsync(folder.File("data"), process, cancellation);
        // What is still open are two connections, the queue's files and our own doors.
        await LiveServer.WaitAsync(() => process.OpenFiles() <= files + 16 || cancellation.IsCancellationRequested, CancellationToken.None);
        TestContext.Out.WriteLine($"{length.TotalMinutes:0.0} min: {ledger.Accepted.Count} accepted, {gmail.Messages.Count} arrived; resident {memory >> 20} MB after the warm-up, {memoryAfter >> 20} MB at the end "
            + $"(most {process.PeakMemory() >> 20} MB); descriptors {files}, {filesAfter}, {process.OpenFiles()} when idle");
        Assert.Multiple(() =>
        {
            Assert.That(process.OpenFiles(), Is.LessThanOrEqualTo(files + 16), "descriptors leak");
            Assert.That(memoryAfter - memory, Is.LessThan(64L << 20), "memory grows");
        });
        Balance(ledger, gmail);
        Assert.That(await process.TerminateAsync(cancellation), Is.Zero, process.Output);
    }

    /// <summary>A line that breaks in mid-message may cost a second copy, as the message's timeline says; a lost one never.</summary>
    private static void Balance(Ledger ledger, PracticeGmail gmail)
    {
        Assert.That(ledger.Accepted, Is.Not.Empty);
        Assert.That(ledger.Accepted.Except(gmail.Messages.Select(Ledger.Token)), Is.Empty, "lost");
        Assert.That(gmail.Messages.Where(message => !message.Text().Contains($"end of {Ledger.Token(message)}", StringComparison.Ordinal)), Is.Empty, "torn");
    }

    /// <summary>Clients that open a conversation and are gone, at any word of it.</summary>
    private static async Task VanishAsync(int port, Random random, CancellationToken stop)
    {
        var words = "HELO gone.lan\r\nMAIL FROM:<a@gone.lan>\r\nRCPT TO:<you@example.com>\r\nDATA\r\nSubject: half\r\n\r\nHalf a mess"u8.ToArray();
        while (!stop.IsCancellationRequested)
        {
            try
            {
                using var client = new TcpClient();
                await client.ConnectAsync(System.Net.IPAddress.Loopback, port, stop);
                await client.GetStream().WriteAsync(words.AsMemory(0, random.Next(words.Length)), stop);
                // Half of them with a reset, half in order.
                if (random.Next(2) == 0) client.Client.Close(0);
                await Task.Delay(TimeSpan.FromMilliseconds(random.Next(60)), TimeProvider.System, stop);
            }
            catch (Exception failure) when (failure is OperationCanceledException or SocketException or IOException)
            {
                // Refused for knocking too often, or the end of the test.
            }
        }
    }

    private static async Task HiccupAsync(PracticeGmail gmail, Random random, CancellationToken stop)
    {
        try
        {
            for (var round = 1; ; round++)
            {
                switch (random.Next(4))
                {
                    case 0: gmail.Script.Add(PracticeStage.Rcpt, "451 4.3.0 Mail server temporarily rejected message. - gsmtp"); break;
                    case 1: gmail.Script.Add(PracticeStage.Greeting, new Misbehaviour.Close()); break;
                    case 2: gmail.Script.Add(PracticeStage.Idle, new Misbehaviour.Close()); break;
                    case 3: gmail.Script.Add(PracticeStage.EhloTls, new Misbehaviour.Garbage(), new Misbehaviour.Close()); break;
                }
                if (round % 20 == 0)
                {
                    gmail.Script.Clear();
                    await gmail.GoOfflineAsync();
                    await Task.Delay(TimeSpan.FromMilliseconds(300), TimeProvider.System, stop);
                    gmail.GoOnline();
                }
                await Task.Delay(TimeSpan.FromMilliseconds(random.Next(600)), TimeProvider.System, stop);
            }
        }
        catch (OperationCanceledException)
        {
            // The end of the test.
        }
    }
}
