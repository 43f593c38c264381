using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace SmartHost.Bench;

/// <summary>Devices: each message on a connection of its own, one command at a time, as scanners do.</summary>
internal sealed class Load(int port)
{
    private readonly ConcurrentDictionary<string, long> accepted = new();
    private int failures;

    /// <summary>X-Bench-Id to the timestamp at which the device heard 250.</summary>
    public IReadOnlyDictionary<string, long> Accepted => accepted;

    public int Failures => failures;

    /// <summary>So many messages from so many devices at once, as fast as they are taken.</summary>
    public async Task<TimeSpan> BurstAsync(int messages, int sessions, int size)
    {
        var content = Content(size);
        var next = -1;
        var begin = Stopwatch.GetTimestamp();
        await Task.WhenAll(Enumerable.Range(0, sessions).Select(_ => Task.Run(async () =>
        {
            while (Interlocked.Increment(ref next) < messages) await SendAsync(content);
        })));
        return Stopwatch.GetElapsedTime(begin);
    }

    /// <summary>So many messages at so many a second, whether or not the earlier ones are through.</summary>
    public async Task PacedAsync(int messages, double perSecond, int size)
    {
        var content = Content(size);
        var sending = new List<Task>();
        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(1 / perSecond), TimeProvider.System);
        for (var i = 0; i < messages && await timer.WaitForNextTickAsync(); i++) sending.Add(SendAsync(content));
        await Task.WhenAll(sending);
    }

    private async Task SendAsync(byte[] content)
    {
        var id = Guid.NewGuid().ToString("N");
        try
        {
            using var client = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            await client.ConnectAsync(IPAddress.Loopback, port);
            var reply = new byte[2048];
            await ExpectAsync(client, reply, '2');
            await CommandAsync(client, reply, "EHLO device.lan\r\n", '2');
            await CommandAsync(client, reply, "MAIL FROM:<device@example.com>\r\n", '2');
            await CommandAsync(client, reply, "RCPT TO:<user@example.com>\r\n", '2');
            await CommandAsync(client, reply, "DATA\r\n", '3');
            await SendAllAsync(client, Encoding.ASCII.GetBytes($"X-Bench-Id: {id}\r\n"));
            await SendAllAsync(client, content);
            await ExpectAsync(client, reply, '2');
            accepted[id] = Stopwatch.GetTimestamp();
            await CommandAsync(client, reply, "QUIT\r\n", '2');
        }
        catch (Exception failure) when (failure is SocketException or IOException)
        {
            Interlocked.Increment(ref failures);
        }
    }

    private static async Task CommandAsync(Socket client, byte[] reply, string command, char expected)
    {
        await SendAllAsync(client, Encoding.ASCII.GetBytes(command));
        await ExpectAsync(client, reply, expected);
    }

    private static async Task SendAllAsync(Socket client, ReadOnlyMemory<byte> octets)
    {
        while (octets.Length > 0) octets = octets[await client.SendAsync(octets)..];
    }

    /// <summary>Reads one reply: lines until one whose code is followed by a blank.</summary>
    private static async Task ExpectAsync(Socket client, byte[] reply, char expected)
    {
        var length = 0;
        while (true)
        {
            var read = await client.ReceiveAsync(reply.AsMemory(length));
            if (read == 0) throw new IOException("closed");
            length += read;
            if (reply[length - 1] != '\n') continue;
            var last = reply.AsSpan(0, length - 1).LastIndexOf((byte)'\n') + 1;
            if (length - last < 4 || reply[last + 3] == '-') continue;
            if (reply[last] != expected) throw new IOException($"reply {Encoding.ASCII.GetString(reply, 0, length)}");
            return;
        }
    }

    private static byte[] Content(int size)
    {
        var content = new StringBuilder(
            "From: device@example.com\r\nTo: user@example.com\r\nSubject: bench\r\nDate: Mon, 02 Nov 2026 10:00:00 +0000\r\n\r\n", size + 100);
        while (content.Length < size) content.Append("0123456789abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ\r\n");
        return Encoding.ASCII.GetBytes(content.Append("\r\n.\r\n").ToString());
    }
}
