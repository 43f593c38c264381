using System.Net;
using System.Net.Sockets;
using System.Text;
using SmartHost.Dashboard.Access;
using SmartHost.Tests.EndToEnd;

namespace SmartHost.Tests.Dashboard;

/// <summary>Somebody on the network who connects to the page and asks nothing.</summary>
[CancelAfter(90_000), Platform("Linux", Reason = "every address of 127.0.0.0/8 is one's own")]
public class PageConnectionsTests
{
    [Test]
    public async Task Who_connects_and_asks_nothing_shuts_out_neither_others_nor_for_long_himself(CancellationToken cancellation)
    {
        await using var live = await LiveServer.StartAsync(cancellation, page: true);
        var idle = new List<TcpClient>();
        try
        {
            for (var i = 0; i < PageConnections.OfOneClient; i++) idle.Add(await ConnectAsync(live.Page.Port, "127.0.0.2", cancellation));
            foreach (var one in idle) Assert.That(await AnswersAsync(one, cancellation));
            using (var tooMany = await ConnectAsync(live.Page.Port, "127.0.0.2", cancellation)) Assert.That(await AnswersAsync(tooMany, cancellation), Is.False);
            using (var neighbour = await ConnectAsync(live.Page.Port, "127.0.0.3", cancellation)) Assert.That(await AnswersAsync(neighbour, cancellation));
            idle[0].Dispose();
            while (!await HasRoomAsync()) await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, cancellation);
        }
        finally
        {
            foreach (var one in idle) one.Dispose();
        }

        async Task<bool> HasRoomAsync()
        {
            using var next = await ConnectAsync(live.Page.Port, "127.0.0.2", cancellation);
            return await AnswersAsync(next, cancellation);
        }
    }

    [Test]
    public async Task Many_neighbours_at_once_cost_no_more_than_the_page(CancellationToken cancellation)
    {
        await using var live = await LiveServer.StartAsync(cancellation, page: true);
        var idle = new List<TcpClient>();
        try
        {
            for (var i = 0; i < PageConnections.InAll; i++) idle.Add(await ConnectAsync(live.Page.Port, $"127.0.1.{i % 8 + 1}", cancellation));
            foreach (var one in idle) Assert.That(await AnswersAsync(one, cancellation));
            using (var tooMany = await ConnectAsync(live.Page.Port, "127.0.0.3", cancellation)) Assert.That(await AnswersAsync(tooMany, cancellation), Is.False);
            Assert.That((await live.PlayAsync("Subject: x\r\n\r\n.\r\n"u8.ToArray(), ["you@example.com"], cancellation)).Succeeded, "devices have connections of their own");
        }
        finally
        {
            foreach (var one in idle) one.Dispose();
        }
    }

    private static async Task<TcpClient> ConnectAsync(int port, string from, CancellationToken cancellation)
    {
        var client = new TcpClient(new IPEndPoint(IPAddress.Parse(from), 0));
        await client.ConnectAsync(IPAddress.Loopback, port, cancellation);
        return client;
    }

    /// <summary>False: it was closed, before or after the question.</summary>
    private static async Task<bool> AnswersAsync(TcpClient client, CancellationToken cancellation)
    {
        try
        {
            await client.GetStream().WriteAsync("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"u8.ToArray(), cancellation);
            var answer = new byte[1024];
            return Encoding.ASCII.GetString(answer, 0, await client.GetStream().ReadAsync(answer, cancellation)).StartsWith("HTTP/1.1 200", StringComparison.Ordinal);
        }
        catch (IOException)
        {
            return false;
        }
    }
}
