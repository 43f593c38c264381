using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using SmartHost.Cli;
using SmartHost.Mail;
using SmartHost.Practice;
using SmartHost.Queue;
using SmartHost.Tests.EndToEnd;
using SmartHost.Tests.Queue;

namespace SmartHost.Tests.Faults;

/// <summary>After a weekend without a line: ten thousand messages wait at the start.</summary>
[Platform("Linux", Reason = "reads /proc")]
public class ManyWaitingTests
{
    private const int Waiting = 10_000, Urgent = 20;

    [Test, CancelAfter(300_000)]
    public async Task Ten_thousand_waiting_messages_stop_no_device_fill_no_memory_and_leave_in_order_of_their_lanes(CancellationToken cancellation)
    {
        // How many of them to wait for; all of them takes a minute.
        var delivered = int.Parse(Environment.GetEnvironmentVariable("SMARTHOST_WAITING") ?? "500", CultureInfo.InvariantCulture);
        using var folder = new TemporaryFolder();
        await using var gmail = await PracticeGmail.StartAsync(new PracticeSettings(), TimeProvider.System);
        var port = RunningServer.FreePort();
        var config = RunningServer.WriteConfig(folder.Path, port, gmail, connections: 1);
        await using (var queue = await MailQueue.OpenAsync(new QueueSettings { Folder = folder.File("data") }, QueueBench.Lifetime, TimeProvider.System, new Random(1), new CollectedLog(), cancellation))
        {
            // The most patient first, so that the order in which they leave is not the one in which they came.
            await Task.WhenAll(Enumerable.Range(0, Waiting).Select(number => SubmitAsync(queue, number, number < 100 ? Lane.Bulk : number >= Waiting - Urgent ? Lane.Urgent : Lane.Normal)));
        }
        await gmail.GoOfflineAsync();
        var clock = Stopwatch.StartNew();
        await using var process = SmartHostProcess.Start(["run", "--config", config]);
        await process.WaitForBannerAsync(port, cancellation);
        var greeted = clock.Elapsed;
        Assert.That(await SmtpDevice.SendAsync(port, "new", 1000, cancellation), Is.EqualTo(HandOver.Accepted), process.Output);
        var list = new StringWriter();
        Assert.That(await CommandLine.Root().Parse(["queue", "list", "--config", config]).InvokeAsync(new InvocationConfiguration { Output = list, Error = list }, cancellation), Is.Zero, list.ToString());
        Assert.That(list.ToString(), Does.Contain("new"));
        gmail.GoOnline();
        await gmail.WaitForAsync(delivered, cancellation);
        TestContext.Out.WriteLine($"greeted after {greeted.TotalMilliseconds:0} ms, {delivered} delivered after {clock.Elapsed.TotalSeconds:0.0} s, most memory {process.PeakMemory() >> 20} MB");
        var lanes = gmail.Messages.Select(message => message.Header("Subject")!.Split(' ')[0]).Take(delivered).ToList();
        Assert.Multiple(() =>
        {
            Assert.That(process.PeakMemory(), Is.LessThan(256L << 20), "the queue's index is a few dozen octets a message");
            // The connection that serves the rest works beside the one more that urgent mail may have.
            Assert.That(lanes.Take(2 * Urgent + 2).Count(lane => lane == "Urgent"), Is.EqualTo(Urgent), string.Join(' ', lanes.Take(50)));
            Assert.That(lanes.Take(Waiting - 100).Count(lane => lane == "Bulk"), Is.Zero);
            Assert.That(gmail.Messages.Select(message => message.Header("Subject")), Is.Unique);
        });
        Assert.That(await process.TerminateAsync(cancellation), Is.Zero, process.Output);
    }

    private static async Task SubmitAsync(MailQueue queue, int number, Lane lane)
    {
        await using var incoming = queue.Receive();
        await incoming.WriteAsync(System.Text.Encoding.ASCII.GetBytes($"Subject: {lane} {number}\r\n\r\nText.\r\n"), default);
        Assert.That(await incoming.CommitAsync(QueueBench.Submission("scanner", lane, subject: $"{lane} {number}"), default), Is.InstanceOf<CommitOutcome.Committed>());
    }
}
