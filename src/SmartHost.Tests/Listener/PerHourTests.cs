using System.Net;
using System.Net.Sockets;
using System.Text;

namespace SmartHost.Tests.Listener;

/// <summary>A device's <c>perHour</c> where it hands over several messages at once.</summary>
[Parallelizable(ParallelScope.All)]
public class PerHourTests
{
    [Test, CancelAfter(60_000)]
    public async Task A_message_under_way_counts_and_one_that_was_dropped_does_not(CancellationToken cancellation)
    {
        await using var listener = await TestListener.StartAsync(devices: [TestListener.Scanner with { PerHour = 2 }]);
        using var first = await ConnectAsync(listener, cancellation);
        using var second = await ConnectAsync(listener, cancellation);
        using var third = await ConnectAsync(listener, cancellation);

        await SayAsync(first, "MAIL FROM:<a@lan.example>\r\n", "250 2.1.0", cancellation);
        await SayAsync(second, "MAIL FROM:<a@lan.example>\r\n", "250 2.1.0", cancellation);
        await SayAsync(third, "MAIL FROM:<a@lan.example>\r\n", "450 4.7.1", cancellation);

        // An end without acceptance gives the place back: RSET, a refused recipient and EHLO, a lost connection.
        await SayAsync(first, "RSET\r\n", "250 2.0.0", cancellation);
        await SayAsync(third, "MAIL FROM:<a@lan.example>\r\n", "250 2.1.0", cancellation);
        await SayAsync(first, "MAIL FROM:<a@lan.example>\r\n", "450 4.7.1", cancellation);
        await SayAsync(third, "RCPT TO:<x@elsewhere.example>\r\n", "550 5.7.1", cancellation);
        await SayAsync(third, "EHLO copier\r\n", "250", cancellation);
        await SayAsync(first, "MAIL FROM:<a@lan.example>\r\n", "250 2.1.0", cancellation);
        second.Close(0);
        while (listener.Server.Sessions > 2) await Task.Delay(TimeSpan.FromMilliseconds(10), TimeProvider.System, cancellation);

        // Both places are used up by acceptance, and stay so.
        await SendAsync(first, cancellation);
        await SayAsync(third, "MAIL FROM:<a@lan.example>\r\n", "250 2.1.0", cancellation);
        await SendAsync(third, cancellation);
        await SayAsync(first, "MAIL FROM:<a@lan.example>\r\n", "450 4.7.1", cancellation);
        await SayAsync(third, "MAIL FROM:<a@lan.example>\r\n", "450 4.7.1", cancellation);
        Assert.That(await listener.QueuedAsync(), Has.Count.EqualTo(2));
    }

    /// <summary>
    /// All at once: whatever the order in which the sessions get their turn, no more than allowed are let through. It may
    /// be fewer, for a message that has just been committed counts twice until its session has noticed.
    /// </summary>
    [Test, CancelAfter(60_000)]
    public async Task Sessions_that_race_get_no_more_than_allowed(CancellationToken cancellation)
    {
        await using var listener = await TestListener.StartAsync(devices: [TestListener.Scanner with { PerDay = 3 }]);
        var replies = await Task.WhenAll(Enumerable.Range(0, 15).Select(async _ =>
        {
            using var device = await ConnectAsync(listener, cancellation);
            var reply = await SayAsync(device, "MAIL FROM:<a@lan.example>\r\n", "", cancellation);
            if (reply.StartsWith("250", StringComparison.Ordinal)) await SendAsync(device, cancellation);
            return reply;
        }));
        Assert.That(replies.Count(reply => reply.StartsWith("250", StringComparison.Ordinal)), Is.InRange(1, 3), string.Join('\n', replies));
        Assert.That(await listener.QueuedAsync(), Has.Count.InRange(1, 3));
    }

    private static async Task SendAsync(Socket device, CancellationToken cancellation)
    {
        await SayAsync(device, "RCPT TO:<you@example.com>\r\n", "250 2.1.5", cancellation);
        await SayAsync(device, "DATA\r\n", "354", cancellation);
        await SayAsync(device, "Subject: x\r\n\r\nthe page\r\n.\r\n", "250 2.0.0", cancellation);
    }

    private static async Task<Socket> ConnectAsync(TestListener listener, CancellationToken cancellation)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(IPAddress.Loopback, listener.Port, cancellation);
        await SayAsync(socket, "", "220", cancellation);
        return socket;
    }

    private static async Task<string> SayAsync(Socket device, string command, string expected, CancellationToken cancellation)
    {
        await device.SendAsync(Encoding.ASCII.GetBytes(command), cancellation);
        var (reply, buffer) = ("", new byte[2048]);
        while (!reply.EndsWith("\r\n", StringComparison.Ordinal) || reply[(reply.LastIndexOf('\n', reply.Length - 2) + 1)..] is [_, _, _, '-', ..])
        {
            var length = await device.ReceiveAsync(buffer, cancellation);
            Assert.That(length, Is.GreaterThan(0), $"closed, after “{reply}”");
            reply += Encoding.ASCII.GetString(buffer, 0, length);
        }
        Assert.That(reply, Does.StartWith(expected), command);
        return reply;
    }
}
