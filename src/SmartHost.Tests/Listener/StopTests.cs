using System.Net;
using System.Net.Sockets;
using System.Text;

namespace SmartHost.Tests.Listener;

/// <summary>Stopping: nobody is let in, open transactions finish, the others hear 421.</summary>
[Parallelizable(ParallelScope.All)]
public class StopTests
{
    [Test, CancelAfter(30_000)]
    public async Task A_session_between_transactions_hears_421(CancellationToken cancellation)
    {
        await using var listener = await TestListener.StartAsync();
        using var device = await ConnectAsync(listener, cancellation);
        await SayAsync(device, "EHLO copier\r\n", "250 ", cancellation);
        var stopping = listener.StopAsync(cancellation);
        Assert.That(await HearAsync(device, "421 ", cancellation), Does.Contain("421 4.3.2"));
        device.Shutdown(SocketShutdown.Send);
        await stopping;
        Assert.That(listener.Server.Sessions, Is.Zero);
    }

    [Test, CancelAfter(30_000)]
    public async Task An_open_transaction_is_finished_first(CancellationToken cancellation)
    {
        await using var listener = await TestListener.StartAsync();
        using var device = await ConnectAsync(listener, cancellation);
        await SayAsync(device, "MAIL FROM:<a@lan.example>\r\n", "250 ", cancellation);
        await SayAsync(device, "RCPT TO:<you@example.com>\r\n", "250 ", cancellation);
        await SayAsync(device, "DATA\r\n", "354 ", cancellation);
        var stopping = listener.StopAsync(cancellation);
        await SayAsync(device, "Subject: x\r\n\r\nthe last page\r\n.\r\n", "421 ", cancellation, first: "250 2.0.0");
        device.Shutdown(SocketShutdown.Send);
        await stopping;
        Assert.That(await listener.QueuedAsync(), Has.Count.EqualTo(1));
    }

    [Test, CancelAfter(30_000)]
    public async Task A_transaction_that_does_not_go_on_is_given_seconds(CancellationToken cancellation)
    {
        await using var listener = await TestListener.StartAsync();
        using var device = await ConnectAsync(listener, cancellation);
        await SayAsync(device, "MAIL FROM:<a@lan.example>\r\n", "250 ", cancellation);
        var stopping = listener.StopAsync(cancellation);
        var hearing = HearAsync(device, "421 ", cancellation);
        while (!hearing.IsCompleted)
        {
            listener.Time.Advance(TimeSpan.FromSeconds(1));
            await Task.WhenAny(hearing, Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, cancellation));
        }
        Assert.That(await hearing, Does.Contain("421 4.3.2"));
        device.Shutdown(SocketShutdown.Send);
        await stopping;
    }

    private static async Task<Socket> ConnectAsync(TestListener listener, CancellationToken cancellation)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(IPAddress.Loopback, listener.Port, cancellation);
        await HearAsync(socket, "220 ", cancellation);
        return socket;
    }

    private static async Task SayAsync(Socket socket, string text, string last, CancellationToken cancellation, string first = "")
    {
        await socket.SendAsync(Encoding.ASCII.GetBytes(text), cancellation);
        Assert.That(await HearAsync(socket, last, cancellation), Does.StartWith(first));
    }

    /// <summary>All that comes, up to the line that begins so.</summary>
    private static async Task<string> HearAsync(Socket socket, string last, CancellationToken cancellation)
    {
        var heard = "";
        var buffer = new byte[4096];
        while (!heard.Split('\n').Any(line => line.StartsWith(last, StringComparison.Ordinal) && line.EndsWith('\r')))
        {
            var length = await socket.ReceiveAsync(buffer, cancellation);
            Assert.That(length, Is.Positive, $"closed, after “{heard}”");
            heard += Encoding.ASCII.GetString(buffer, 0, length);
        }
        return heard;
    }
}
