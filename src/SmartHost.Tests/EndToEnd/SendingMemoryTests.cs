using System.Globalization;
using System.Text;
using SmartHost.Practice;

namespace SmartHost.Tests.EndToEnd;

/// <summary>A 35 MB scan through the real process, from the device to Gmail: it streams, so it adds little to what the process holds at rest.</summary>
[NonParallelizable]
[CancelAfter(120_000), Platform("Linux", Reason = "/proc")]
public class SendingMemoryTests
{
    private const int Large = 35_000_000;
    private const long MostAdded = 15 << 20;

    [Test]
    public async Task A_message_of_35_MB_adds_less_than_15_MB([Values("BDAT", "DATA")] string way, [Values("plain", "mended")] string body, CancellationToken cancellation)
    {
        using var folder = new TemporaryFolder();
        var settings = new PracticeSettings { KeepsContent = false };
        if (way == "DATA") settings = settings with { Extensions = [.. settings.Extensions.Where(keyword => keyword != "CHUNKING")] };
        await using var gmail = await PracticeGmail.StartAsync(settings, TimeProvider.System);
        var port = RunningServer.FreePort();
        await using var process = SmartHostProcess.Start(["run", "--config", RunningServer.WriteConfig(folder.Path, port, gmail)]);
        await process.WaitForBannerAsync(port, cancellation);

        // The code on the way is compiled by a few small ones, which is part of no message.
        for (var i = 1; i <= 5; i++)
        {
            await SendAsync(port, Message(400_000, body), cancellation);
            await gmail.WaitForAsync(i, cancellation);
        }
        var idle = PrivateMemory(process.Id);
        var content = Message(Large, body);
        using var over = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var watching = PeakAsync(process.Id, over.Token);
        await SendAsync(port, content, cancellation);
        var arrived = (await gmail.WaitForAsync(6, cancellation))[5];
        await over.CancelAsync();
        var added = await watching - idle;
        TestContext.Out.WriteLine($"{way}, {body}: {idle >> 20} MB at rest, {added >> 20} MB more at the peak");
        Assert.That(arrived.Size, Is.GreaterThan(Large), "it arrived whole");
        Assert.That(arrived.Violations, Is.Empty);
        Assert.That(added, Is.LessThan(MostAdded));
    }

    private static async Task SendAsync(int port, byte[] content, CancellationToken cancellation)
    {
        var conversation = await new PracticeDevice(TimeProvider.System, TimeSpan.FromSeconds(60)).PlayAsync("127.0.0.1", port,
        [
            DeviceTurn.Command("HELO device"), DeviceTurn.Command("MAIL FROM:<scanner@device.lan>"), DeviceTurn.Command("RCPT TO:<you@example.com>"),
            DeviceTurn.Command("DATA"), DeviceTurn.Message(content), DeviceTurn.Command("QUIT"),
        ], cancellation);
        Assert.That(conversation.Succeeded, () => string.Join('\n', conversation.Exchanges) + conversation.Fault);
    }

    /// <summary>Base64 as a scanner writes it; or with what must be mended: a raw 8-bit subject, no Date, and lines that are far too long.</summary>
    private static byte[] Message(int octets, string body)
    {
        var line = body == "plain" ? new string('A', 76) + "\r\n" : new string('w', 1500) + " grüße\r\n";
        var header = body == "plain"
            ? "From: scanner@device.lan\r\nSubject: scan\r\nMIME-Version: 1.0\r\nContent-Type: application/pdf; name=scan.pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n"
            : "From: scanner@device.lan\r\nSubject: Prüfung\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n";
        var octetsOfLine = Encoding.UTF8.GetBytes(line);
        using var message = new MemoryStream(octets + 10_000);
        message.Write(Encoding.UTF8.GetBytes(header));
        // Mended lines grow, and must stay below what Gmail takes.
        var most = body == "plain" ? octets : octets / 100 * 96;
        while (message.Length < most) message.Write(octetsOfLine);
        return message.ToArray();
    }

    /// <summary>Memory that is the process's own: without the pages of files that it has mapped.</summary>
    private static long PrivateMemory(int process)
    {
        var line = File.ReadLines($"/proc/{process}/status").First(line => line.StartsWith("RssAnon:", StringComparison.Ordinal));
        return long.Parse(line["RssAnon:".Length..].Replace("kB", ""), NumberStyles.AllowLeadingWhite | NumberStyles.AllowTrailingWhite, CultureInfo.InvariantCulture) << 10;
    }

    private static async Task<long> PeakAsync(int process, CancellationToken over)
    {
        var peak = 0L;
        while (!over.IsCancellationRequested)
        {
            peak = Math.Max(peak, PrivateMemory(process));
            await Task.Delay(TimeSpan.FromMilliseconds(5), TimeProvider.System, over).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
        return peak;
    }
}
