using System.IO.Pipelines;
using System.Net;
using System.Text;
using Microsoft.AspNetCore.Connections;
using SmartHost.Listener;

namespace SmartHost.Tests.Listener;

/// <summary>A session on pipes that hand over at once: what was sent has been read when sending returns, so that the clock moves between two pieces for certain.</summary>
public class SlowTextTests
{
    private static readonly PipeOptions AtOnce = new(readerScheduler: PipeScheduler.Inline, writerScheduler: PipeScheduler.Inline, useSynchronizationContext: false);

    [Test, CancelAfter(30_000)]
    public async Task A_dot_between_bare_line_feeds_does_not_hurry_the_text_behind_it(CancellationToken cancellation)
    {
        await using var listener = await TestListener.StartAsync();
        var (toServer, toClient) = (new Pipe(AtOnce), new Pipe(AtOnce));
        await using var connection = new DefaultConnectionContext("1", new Duplex(toServer.Reader, toClient.Writer), new Duplex(toClient.Reader, toServer.Writer));
        await using var wire = new Wire(connection, listener.Time, TimeSpan.FromHours(1));
        await using var session = new SmtpSession(listener.Server, new ListenerSettings { Name = "test", Port = 0 }, wire, new Client(IPAddress.Loopback, listener.Time), "1");
        var conversation = session.RunAsync();
        await SendAsync("HELO logger\r\nMAIL FROM:<a@lan.example>\r\nRCPT TO:<you@example.com>\r\n");
        await SendAsync("DATA\r\n");
        await SendAsync("Subject: x\r\n\r\ntext\n.\n");
        await SendAsync("more\n");
        listener.Time.Advance(TimeSpan.FromMinutes(2));
        wire.Tick(listener.Time.GetTimestamp());
        Assert.That(wire.Clock.IsUp, Is.False);
        await SendAsync("the last\r\n.\r\nQUIT\r\n");
        Assert.That(await conversation.WaitAsync(cancellation), Is.EqualTo(SessionEnd.Quit));
        Assert.That(await listener.QueuedAsync(), Has.Count.EqualTo(1));

        async Task SendAsync(string text) => await toServer.Writer.WriteAsync(Encoding.Latin1.GetBytes(text), cancellation);
    }

    private sealed record Duplex(PipeReader Input, PipeWriter Output) : IDuplexPipe;
}
