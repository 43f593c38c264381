using System.IO.Pipelines;
using System.Text;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Time.Testing;
using SmartHost.Listener;

namespace SmartHost.Tests.Listener;

public class WireTests
{
    /// <summary>Its replies would pile up here, and take all memory there is. All input is at hand, so the session runs until it has to wait.</summary>
    [Test, CancelAfter(30_000)]
    public async Task A_client_that_reads_no_reply_is_no_longer_listened_to(CancellationToken cancellation)
    {
        const int commands = 100_000;
        var (toServer, toClient) = (new Pipe(new PipeOptions(pauseWriterThreshold: 0)), new Pipe(new PipeOptions(pauseWriterThreshold: 4096, resumeWriterThreshold: 2048)));
        await using var connection = new DefaultConnectionContext("1", new Duplex(toServer.Reader, toClient.Writer), new Duplex(toClient.Reader, toServer.Writer));
        await using var wire = new Wire(connection, TimeProvider.System, TimeSpan.FromHours(1));
        await toServer.Writer.WriteAsync(Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat("NOOP\r\n", commands))), cancellation);
        await toServer.Writer.CompleteAsync();

        var answered = 0;
        var session = AnswerAsync();
        Assert.That(session.IsCompleted, Is.False);
        Assert.That(answered, Is.InRange(1, 5000), "a few buffers full");

        await toClient.Reader.CompleteAsync();
        await Assert.ThrowsAsync<IOException>(() => session, "gone without having read");

        async Task AnswerAsync()
        {
            while (await wire.ReadLineAsync(512) == Heard.Line)
            {
                wire.Write(Replies.Ok);
                answered++;
            }
        }
    }

    /// <summary>A login was looked at, for which no clock runs, and the refusal is the last straw: this client reads nothing, and would hold its place for ever.</summary>
    [Test, CancelAfter(30_000)]
    public async Task A_client_that_does_not_read_its_last_reply_is_not_waited_for(CancellationToken cancellation)
    {
        var time = new FakeTimeProvider();
        var (toServer, toClient) = (new Pipe(), new Pipe(new PipeOptions(pauseWriterThreshold: 2, resumeWriterThreshold: 1)));
        await using var connection = new DefaultConnectionContext("1", new Duplex(toServer.Reader, toClient.Writer), new Duplex(toClient.Reader, toServer.Writer));
        await using var wire = new Wire(connection, time, TimeSpan.FromHours(1));
        wire.Clock.AllowAny();
        wire.Write(Replies.TooManyLogins);
        var leaving = wire.LingerAsync(TimeSpan.FromSeconds(3), TimeSpan.FromSeconds(0.5), 1000);
        time.Advance(TimeSpan.FromHours(3));
        var aborted = new TaskCompletionSource();
        await using var closed = connection.ConnectionClosed.Register(aborted.SetResult);
        wire.Tick(time.GetTimestamp());
        await aborted.Task.WaitAsync(cancellation);
        await toClient.Reader.CompleteAsync();
        await Assert.ThrowsAsync<IOException>(async () => await leaving);
    }

    private sealed record Duplex(PipeReader Input, PipeWriter Output) : IDuplexPipe;
}
