using System.Net;
using SmartHost.Practice;
using SmartHost.Tests.EndToEnd;

namespace SmartHost.Tests.Faults;

/// <summary>
/// The whole program on a disk that fills up, turns read-only or fails: devices are asked to come again and hear why, the
/// page's health says it, nothing that was accepted is lost or torn, and all is well again by itself.
/// </summary>
[Platform(Exclude = "Win", Reason = "signals"), CancelAfter(120_000)]
public class FailingDiskTests
{
    private TemporaryFolder folder = null!;
    private PracticeGmail gmail = null!;
    private Ledger ledger = null!;
    private int port, page;

    [SetUp]
    public async Task Start()
    {
        (folder, ledger, port, page) = (new TemporaryFolder(), new Ledger(), RunningServer.FreePort(), RunningServer.FreePort());
        gmail = await PracticeGmail.StartAsync(new PracticeSettings(), TimeProvider.System);
    }

    [TearDown]
    public async Task Stop()
    {
        await gmail.DisposeAsync();
        folder.Dispose();
    }

    [TestCase(20_000), TestCase(600_000)]
    public async Task A_disk_that_fills_up_under_load_costs_no_message(int size, CancellationToken cancellation)
    {
        // Somebody else's, to be given back: were it our own mail alone that fills the disk, only minFree would keep room to send it,
        // and sending it needs as much again: some 40 KB of the queue's log a message.
        using var disk = SmallDisk.Mount(megabytes: 24);
        disk.Fill(leave: 7 << 20);
        await gmail.GoOfflineAsync();
        await using (var process = SmartHostProcess.Start(["run", "--config", Config(disk.File("data"), minFree: "1K")]))
        {
            await process.WaitForBannerAsync(port, cancellation);
            // Accepting and committing, until there is no room; the mail waits, so the queue keeps what it took.
            Assert.That(await UntilRefusedAsync("full", size, cancellation), Is.GreaterThan(0), process.Output);
            // Down to the last page, and then what the queue's own files had left: now nothing can be settled either.
            disk.Fill();
            await UntilRefusedAsync("small", 5_000, cancellation);
            Assert.That((await SayAsync(10_000, cancellation)).Reply, Does.Match("^452 4.3.1 [Tt]he disk with the data folder is (nearly )?full"), process.Output);
            await LiveServer.WaitAsync(() => Ready(out var reasons) == HttpStatusCode.ServiceUnavailable && reasons.Contains("The queue takes no mail: ", StringComparison.Ordinal), cancellation);
            gmail.GoOnline();
            disk.MakeRoom();
            await LiveServer.WaitAsync(() => Ready(out var reasons) == HttpStatusCode.OK || !reasons.Contains("takes no mail", StringComparison.Ordinal), cancellation);
            Assert.That(await ledger.SendAsync(port, "after", size, cancellation), Is.EqualTo(HandOver.Accepted), process.Output);
            await FinishAsync(disk.File("data"), process, cancellation);
            Assert.That(Ready(out _), Is.EqualTo(HttpStatusCode.OK));
            Assert.That(await process.TerminateAsync(cancellation), Is.Zero, process.Output);
        }
        Assert.That(Directory.GetFiles(disk.File("data/content")), Is.Empty);
    }

    /// <summary>All of it comes within the second in which nobody asks the system what is free, and nobody else makes room.</summary>
    [TestCase(20_000, 64, "24M"), TestCase(600_000, 12, "3M")]
    public async Task Our_own_mail_leaves_the_reserve_by_which_it_is_sent(int size, int megabytes, string minFree, CancellationToken cancellation)
    {
        // Small mail is in the queue's log first, of up to 16 MB, and then once more in its database.
        using var disk = SmallDisk.Mount(megabytes);
        await gmail.GoOfflineAsync();
        await using var process = SmartHostProcess.Start(["run", "--config", Config(disk.File("data"), minFree)]);
        await process.WaitForBannerAsync(port, cancellation);
        Assert.That(await UntilRefusedAsync("own", size, cancellation), Is.GreaterThan(0), process.Output);
        Assert.That(ledger.LastRefusal, Does.Match("^452 4.3.1 .he disk with the data folder is nearly full"), process.Output);
        gmail.GoOnline();
        await FinishAsync(disk.File("data"), process, cancellation);
    }

    [Test]
    public async Task A_disk_that_is_full_while_results_are_written_sends_nothing_twice(CancellationToken cancellation)
    {
        using var disk = SmallDisk.Mount(megabytes: 12);
        var stall = gmail.Script.Add(new PracticeRule(PracticeStage.EndOfData, new Misbehaviour.Stall()));
        await using var process = SmartHostProcess.Start(["run", "--config", Config(disk.File("data"), minFree: "1K")]);
        await process.WaitForBannerAsync(port, cancellation);
        foreach (var token in (string[])["one", "two", "three"]) Assert.That(await ledger.SendAsync(port, token, 5_000, cancellation), Is.EqualTo(HandOver.Accepted), process.Output);
        await stall.Reached.WaitAsync(cancellation);
        disk.Fill();
        stall.Release();
        await LiveServer.WaitAsync(() => process.Output.Contains("the queue cannot be written: The disk with the data folder is full.", StringComparison.Ordinal), cancellation);
        disk.MakeRoom();
        await FinishAsync(disk.File("data"), process, cancellation);
        Assert.That(gmail.Messages, Has.Count.EqualTo(3), "no crash, so no copy");
    }

    [Test]
    public async Task Below_its_reserve_a_device_hears_452_before_it_sends_anything(CancellationToken cancellation)
    {
        using var disk = SmallDisk.Mount(megabytes: 12);
        await using var process = SmartHostProcess.Start(["run", "--config", Config(disk.File("data"), minFree: "6M")]);
        await process.WaitForBannerAsync(port, cancellation);
        Assert.That(await ledger.SendAsync(port, "before", 5_000, cancellation), Is.EqualTo(HandOver.Accepted), process.Output);
        disk.Fill(leave: 2 << 20);
        await LiveServer.WaitAsync(() => Ready(out _) == HttpStatusCode.ServiceUnavailable, cancellation);
        var said = await SayAsync(5_000, cancellation);
        Assert.That(said, Is.EqualTo(("MAIL FROM:<scanner@device.lan>", "452 4.3.1 the disk with the data folder is nearly full")));
        disk.MakeRoom();
        await LiveServer.WaitAsync(() => Ready(out _) == HttpStatusCode.OK, cancellation);
        Assert.That(await ledger.SendAsync(port, "after", 5_000, cancellation), Is.EqualTo(HandOver.Accepted), process.Output);
        await FinishAsync(disk.File("data"), process, cancellation);
    }

    /// <param name="inject">What the disk does: fail to sync, fail to write, be read-only as a kernel makes it after an error.</param>
    [TestCase("fsync:error=EIO", 5_000), TestCase("fsync:error=EIO", 600_000), TestCase("pwrite64:error=EIO", 5_000), TestCase("pwrite64:error=EIO", 600_000)]
    [TestCase("pwrite64,fsync,rename,unlink,ftruncate:error=EROFS", 5_000), TestCase("pwrite64,fsync,rename,unlink,ftruncate:error=EROFS", 600_000)]
    public async Task A_disk_that_fails_never_becomes_a_250(string inject, int size, CancellationToken cancellation)
    {
        SystemCallFault.Require();
        var data = folder.File("data");
        await using (var process = SmartHostProcess.Start(["run", "--config", Config(data)]))
        {
            await process.WaitForBannerAsync(port, cancellation);
            Assert.That(await ledger.SendAsync(port, "before", size, cancellation), Is.EqualTo(HandOver.Accepted), process.Output);
            await Ledger.DrainedAsync(data, process, cancellation);
            await using (await SystemCallFault.BeginAsync(process, inject, cancellation))
            {
                for (var number = 0; number < 3; number++) Assert.That(await ledger.SendAsync(port, $"failing{number}", size, cancellation), Is.EqualTo(HandOver.NotSent), process.Output);
                var (_, reply) = await SayAsync(size, cancellation);
                Assert.That(reply, Does.StartWith("451 4.3.0 The "), process.Output);
                if (size < 256 << 10)
                {
                    Assert.That(Ready(out var reasons), Is.EqualTo(HttpStatusCode.ServiceUnavailable), process.Output);
                    Assert.That(reasons, Does.Contain("The queue takes no mail: "));
                }
            }
            Assert.That(await ledger.SendAsync(port, "after", size, cancellation), Is.EqualTo(HandOver.Accepted), process.Output);
            Assert.That(Ready(out _), Is.EqualTo(HttpStatusCode.OK), process.Output);
            await Ledger.DrainedAsync(data, process, cancellation);
            // Not by a stop in good order: what a failed commit left in the log must not come to life.
            await process.KillAsync();
        }
        await using var next = SmartHostProcess.Start(["run", "--config", Config(data)]);
        await next.WaitForBannerAsync(port, cancellation);
        await FinishAsync(data, next, cancellation);
        Assert.That(gmail.Messages.Select(Ledger.Token), Is.EquivalentTo(new[] { "before", "after" }));
    }

    [Test]
    public async Task Killed_while_its_disk_fails_it_has_lost_nothing(CancellationToken cancellation)
    {
        SystemCallFault.Require();
        var data = folder.File("data");
        await gmail.GoOfflineAsync();
        await using (var process = SmartHostProcess.Start(["run", "--config", Config(data)]))
        {
            await process.WaitForBannerAsync(port, cancellation);
            foreach (var size in (int[])[800, 600_000]) Assert.That(await ledger.SendAsync(port, $"before{size}", size, cancellation), Is.EqualTo(HandOver.Accepted), process.Output);
            await using var failing = await SystemCallFault.BeginAsync(process, "fsync:error=EIO", cancellation);
            foreach (var size in (int[])[800, 600_000, 800]) Assert.That(await ledger.SendAsync(port, $"failing{size}", size, cancellation), Is.EqualTo(HandOver.NotSent), process.Output);
            await process.KillAsync();
        }
        gmail.GoOnline();
        await using var next = SmartHostProcess.Start(["run", "--config", Config(data)]);
        await next.WaitForBannerAsync(port, cancellation);
        await Ledger.DrainedAsync(data, next, cancellation);
        // What was refused may be whole in the log of a process that could neither sync nor take it back, and then it is
        // sent; the device sends it again. Two copies are right there, a lost one never is.
        Assert.That(gmail.Messages.Select(Ledger.Token), Is.SupersetOf(new[] { "before800", "before600000" }));
        Assert.That(gmail.Messages.All(message => message.Text().Contains($"end of {Ledger.Token(message)}", StringComparison.Ordinal)), "a torn one");
    }

    /// <returns>How many were accepted.</returns>
    private async Task<int> UntilRefusedAsync(string name, int size, CancellationToken cancellation)
    {
        for (var number = 0; ; number++)
        {
            if (await ledger.SendAsync(port, $"{name}{number}", size, cancellation) != HandOver.Accepted) return number;
        }
    }

    private string Config(string data, string minFree = "1M")
    {
        var config = RunningServer.WriteConfig(folder.Path, port, gmail, more: $"queue: {{ minFree: {minFree} }}\nlimits: {{ messagesPerMinute: 100000, connectionsPerMinute: 100000, recipientsPerMinute: 100000 }}");
        var yaml = File.ReadAllText(config).Replace($"data: {folder.Path}/data", $"data: {data}").Replace("dashboard: { off: true }", $"dashboard: {{ port: {page}, address: 127.0.0.1 }}");
        File.WriteAllText(config, yaml);
        return config;
    }

    private HttpStatusCode Ready(out string reasons)
    {
        using var http = new HttpClient();
        using var reply = http.Send(new HttpRequestMessage(HttpMethod.Get, $"http://127.0.0.1:{page}/readyz"));
        using var text = new StreamReader(reply.Content.ReadAsStream());
        reasons = text.ReadToEnd();
        return reply.StatusCode;
    }

    /// <summary>What was said last, and what came back: the refusal, word for word.</summary>
    private async Task<(string? Said, string? Reply)> SayAsync(int size, CancellationToken cancellation)
    {
        var conversation = await new PracticeDevice(TimeProvider.System, TimeSpan.FromSeconds(20)).PlayAsync("127.0.0.1", port,
        [
            DeviceTurn.Command("HELO device"), DeviceTurn.Command("MAIL FROM:<scanner@device.lan>"), DeviceTurn.Command("RCPT TO:<you@example.com>"),
            DeviceTurn.Command("DATA"), DeviceTurn.Message(System.Text.Encoding.ASCII.GetBytes("Subject: more\r\n\r\n" + new string('x', size / 2).Insert(size / 4, "\r\n"))), DeviceTurn.Command("QUIT"),
        ], cancellation);
        var refused = conversation.Exchanges.First(exchange => exchange.Code >= 400);
        return (refused.Sent, refused.Reply[0]);
    }

    private async Task FinishAsync(string data, SmartHostProcess process, CancellationToken cancellation)
    {
        await Ledger.DrainedAsync(data, process, cancellation);
        Assert.That(ledger.AssertBalance(gmail, [process.Output]), Is.Zero);
    }
}
