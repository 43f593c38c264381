using System.Net;
using System.Net.Sockets;
using System.Text;
using SmartHost.Listener;

namespace SmartHost.Tests.Listener;

/// <summary>More connections than there are places: who waits, who gives up its place, who hears 421.</summary>
[Parallelizable(ParallelScope.All)]
public class CrowdTests
{
    private const string Greeting = "220 smarthost.test ESMTP SmartHost";

    [Test, CancelAfter(60_000)]
    public async Task Sixty_alarms_at_once_are_all_taken(CancellationToken cancellation)
    {
        await using var listener = await TestListener.StartAsync(limits: new LimitSettings { ConnectionsPerDevice = 5 });
        await Task.WhenAll(Enumerable.Range(0, 60).Select(async number =>
        {
            using var alarm = await Caller.ConnectAsync(listener, cancellation);
            await alarm.SendAsync($"HELO monitor\r\nMAIL FROM:<m@lan.example>\r\nRCPT TO:<you@example.com>\r\nDATA\r\nSubject: alarm {number}\r\n\r\ndown\r\n.\r\nQUIT\r\n");
            Assert.That(await alarm.HearAllAsync(), Does.StartWith(Greeting).And.Contain("queued as").And.Contain("221 2.0.0"));
        }));
        Assert.That(listener.Server.Sessions, Is.Zero);
    }

    [Test, CancelAfter(30_000)]
    public async Task An_idle_session_gives_its_place_to_a_device_that_comes(CancellationToken cancellation)
    {
        await using var listener = await TestListener.StartAsync(limits: new LimitSettings { ConnectionsPerDevice = 1 });
        using var idle = await Caller.ConnectAsync(listener, cancellation);
        Assert.That(await idle.HearAsync(), Is.EqualTo(Greeting));
        listener.Time.Advance(TimeSpan.FromSeconds(11));
        using var device = await Caller.ConnectAsync(listener, cancellation);
        Assert.That(await idle.HearAsync(), Does.StartWith("421 4.4.2"));
        idle.Close();
        Assert.That(await device.HearAsync(), Is.EqualTo(Greeting));
    }

    [Test, CancelAfter(30_000)]
    public async Task For_each_device_that_comes_another_idle_session_gives_its_place(CancellationToken cancellation)
    {
        await using var listener = await TestListener.StartAsync(limits: new LimitSettings { ConnectionsPerDevice = 2 });
        using var idlest = await Caller.ConnectAsync(listener, cancellation);
        Assert.That(await idlest.HearAsync(), Is.EqualTo(Greeting));
        listener.Time.Advance(TimeSpan.FromSeconds(1));
        using var idle = await Caller.ConnectAsync(listener, cancellation);
        Assert.That(await idle.HearAsync(), Is.EqualTo(Greeting));
        listener.Time.Advance(TimeSpan.FromSeconds(11));
        using var one = await Caller.ConnectAsync(listener, cancellation);
        Assert.That(await idlest.HearAsync(), Does.StartWith("421 4.4.2"));
        // The first has had its last word, and has not gone yet.
        using var other = await Caller.ConnectAsync(listener, cancellation);
        Assert.That(await idle.HearAsync(), Does.StartWith("421 4.4.2"));
        idlest.Close();
        idle.Close();
        Assert.That((await one.HearAsync(), await other.HearAsync()), Is.EqualTo((Greeting, Greeting)));
    }

    [Test, CancelAfter(30_000)]
    public async Task A_session_within_a_message_keeps_its_place_and_the_next_hears_421(CancellationToken cancellation)
    {
        await using var listener = await TestListener.StartAsync(limits: new LimitSettings { Connections = 1 });
        using var busy = await Caller.ConnectAsync(listener, cancellation);
        await busy.SendAsync("MAIL FROM:<a@lan.example>\r\n");
        Assert.That(await busy.HearAsync(), Is.EqualTo(Greeting));
        Assert.That(await busy.HearAsync(), Does.StartWith("250"));
        listener.Time.Advance(TimeSpan.FromSeconds(30));
        using var next = await Caller.ConnectAsync(listener, cancellation);
        var heard = next.HearAsync();
        while (!heard.IsCompleted)
        {
            listener.Time.Advance(TimeSpan.FromSeconds(1));
            await Task.WhenAny(heard, Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, cancellation));
        }
        Assert.That(await heard, Does.StartWith("421 4.7.0"));
        await busy.SendAsync("NOOP\r\n");
        Assert.That(await busy.HearAsync(), Does.StartWith("250"));
    }

    /// <summary>A connection that reads line by line.</summary>
    private sealed class Caller(Socket socket, CancellationToken cancellation) : IDisposable
    {
        private readonly StreamReader _reader = new(new NetworkStream(socket, ownsSocket: true), Encoding.Latin1);

        public static async Task<Caller> ConnectAsync(TestListener listener, CancellationToken cancellation)
        {
            var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            await socket.ConnectAsync(IPAddress.Loopback, listener.Port, cancellation);
            return new Caller(socket, cancellation);
        }

        public async Task SendAsync(string text) => await socket.SendAsync(Encoding.Latin1.GetBytes(text), cancellation);

        public async Task<string?> HearAsync() => await _reader.ReadLineAsync(cancellation);

        public async Task<string> HearAllAsync() => await _reader.ReadToEndAsync(cancellation);

        public void Close() => socket.Shutdown(SocketShutdown.Send);

        public void Dispose() => _reader.Dispose();
    }
}
