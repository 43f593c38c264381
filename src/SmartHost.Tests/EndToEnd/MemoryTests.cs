using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using SmartHost.Practice;

namespace SmartHost.Tests.EndToEnd;

/// <summary>What many devices at once cost the real process.</summary>
public class MemoryTests
{
    private const int Connected = 200, Senders = 20, MessageSize = 20_000_000, MostAdded = 40;

    [Test, CancelAfter(300_000)]
    public async Task Two_hundred_clients_of_whom_twenty_send_20_MB_at_once_add_at_most_40_MB(CancellationToken cancellation)
    {
        if (!OperatingSystem.IsLinux()) Assert.Ignore("reads /proc");
        using var folder = new TemporaryFolder();
        await using var gmail = await PracticeGmail.StartAsync(new PracticeSettings { KeepsContent = false }, TimeProvider.System);
        var port = RunningServer.FreePort();
        var config = RunningServer.WriteConfig(folder.Path, port, gmail, more: "limits: { connections: 300, connectionsPerDevice: 300 }");
        await using var process = SmartHostProcess.Start(["run", "--config", config]);
        await process.WaitForBannerAsync(port, cancellation);

        // What the runtime compiles and loads for its first messages, to and fro, is there once and for all.
        for (var i = 0; i < 5; i++) Assert.That(await SmtpDevice.SendAsync(port, $"warm{i}", 1_000, cancellation), Is.EqualTo(HandOver.Accepted), process.Output);
        await gmail.WaitForAsync(5, cancellation);
        var idle = Status(process, "VmRSS");

        await File.WriteAllTextAsync($"/proc/{process.Id}/clear_refs", "5", cancellation); // The peak from now on.
        var clients = new List<TcpClient>();
        try
        {
            for (var i = 0; i < Connected; i++) clients.Add(await ReadyAsync(port, cancellation));
            var connected = Status(process, "VmRSS");
            var accepted = await Task.WhenAll(clients.Take(Senders).Select(client => SendAsync(client, cancellation)));
            var peak = Status(process, "VmHWM");
            TestContext.Out.WriteLine($"idle {idle} MB, {Connected} connected {connected} MB, peak while {Senders} send {peak} MB");
            Assert.That(accepted, Is.All.StartsWith("250 2.0.0"), process.Output);
            Assert.That(peak - idle, Is.LessThanOrEqualTo(MostAdded), $"idle {idle} MB, {Connected} connected {connected} MB");
        }
        finally
        {
            foreach (var client in clients) client.Dispose();
        }
    }

    /// <summary>Connected, greeted, and in the middle of a transaction.</summary>
    private static async Task<TcpClient> ReadyAsync(int port, CancellationToken cancellation)
    {
        var client = new TcpClient { NoDelay = true };
        await client.ConnectAsync(IPAddress.Loopback, port, cancellation);
        await HearAsync(client, "220", cancellation);
        await SayAsync(client, "EHLO scanner\r\n", "250", cancellation);
        await SayAsync(client, "MAIL FROM:<scanner@device.lan>\r\n", "250", cancellation);
        await SayAsync(client, "RCPT TO:<you@example.com>\r\n", "250", cancellation);
        return client;
    }

    private static async Task<string> SendAsync(TcpClient client, CancellationToken cancellation)
    {
        await SayAsync(client, "DATA\r\n", "354", cancellation);
        await client.GetStream().WriteAsync("Subject: large\r\n\r\n"u8.ToArray(), cancellation);
        var block = Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat(new string('A', 76) + "\r\n", 800)));
        for (var sent = 0; sent < MessageSize; sent += block.Length) await client.GetStream().WriteAsync(block, cancellation);
        await client.GetStream().WriteAsync(".\r\n"u8.ToArray(), cancellation);
        return await HearAsync(client, "", cancellation);
    }

    private static async Task SayAsync(TcpClient client, string command, string expected, CancellationToken cancellation)
    {
        await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(command), cancellation);
        await HearAsync(client, expected, cancellation);
    }

    private static async Task<string> HearAsync(TcpClient client, string expected, CancellationToken cancellation)
    {
        var (reply, buffer) = ("", new byte[1024]);
        while (!reply.Split("\r\n").SkipLast(1).Any(line => line is [_, _, _, ' ', ..]))
        {
            var length = await client.GetStream().ReadAsync(buffer, cancellation);
            Assert.That(length, Is.GreaterThan(0), $"closed, after “{reply}”");
            reply += Encoding.ASCII.GetString(buffer, 0, length);
        }
        Assert.That(reply, Does.StartWith(expected));
        return reply;
    }

    /// <summary>In MB.</summary>
    private static int Status(SmartHostProcess process, string key) =>
        int.Parse(File.ReadLines($"/proc/{process.Id}/status").First(line => line.StartsWith(key, StringComparison.Ordinal)).Split(' ', StringSplitOptions.RemoveEmptyEntries)[^2], CultureInfo.InvariantCulture) / 1024;
}
