using System.Net;
using System.Net.Sockets;
using SmartHost.Gmail.Replies;

namespace SmartHost.Gmail;

/// <summary>
/// Connects to whichever of a host's addresses answers first (RFC 8305): IPv6 and IPv4 in turn, each started 250 ms
/// after the one before or as soon as that one failed. A home line with an IPv6 address but no IPv6 route, which would
/// stall a plain connect for two minutes, costs a quarter of a second.
/// </summary>
internal sealed class HappyEyeballs(TimeProvider time)
{
    public Func<string, CancellationToken, Task<IPAddress[]>> Resolve { get; init; } = static (host, cancellation) => Dns.GetHostAddressesAsync(host, cancellation);

    public Func<IPEndPoint, CancellationToken, Task<Stream>> Dial { get; init; } = DialAsync;

    /// <exception cref="WireException">No address answered; the failure is that of the address that got furthest.</exception>
    public async Task<(Stream Stream, IPAddress Address)> ConnectAsync(string host, int port, CancellationToken cancellation)
    {
        using var limit = new CancellationTokenSource(ConversationTimeouts.Connect, time);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellation);
        try
        {
            return await RaceAsync(Alternating(await LookUpAsync(host, stop.Token, cancellation)), port, stop);
        }
        catch (OperationCanceledException e) when (!cancellation.IsCancellationRequested)
        {
            throw new WireException(ConnectionFailure.TimedOut, null, e);
        }
    }

    /// <summary>Keeps the system's order (RFC 6724) within a family, and alternates the families.</summary>
    internal static IReadOnlyList<IPAddress> Alternating(IReadOnlyList<IPAddress> addresses) =>
        [.. addresses.GroupBy(address => address.AddressFamily).SelectMany(family => family.Index()).OrderBy(one => one.Index).Select(one => one.Item)];

    private async Task<IPAddress[]> LookUpAsync(string host, CancellationToken stop, CancellationToken cancellation)
    {
        try
        {
            var addresses = await Resolve(host, stop);
            return addresses.Length > 0 ? addresses : throw new WireException(ConnectionFailure.NameNotFound, host);
        }
        catch (SocketException e)
        {
            throw new WireException(ConnectionFailure.NameNotFound, host, e);
        }
        catch (OperationCanceledException e) when (!cancellation.IsCancellationRequested)
        {
            // To blame the mail server for a DNS server that is silent would send people to their firewall.
            throw new WireException(ConnectionFailure.NameNotFound, $"{host}; the DNS server does not answer", e);
        }
    }

    private async Task<(Stream, IPAddress)> RaceAsync(IReadOnlyList<IPAddress> addresses, int port, CancellationTokenSource stop)
    {
        var running = new List<(Task<Stream> Task, IPAddress Address)>();
        var failures = new List<WireException>();
        try
        {
            for (var next = 0; next < addresses.Count || running.Count > 0;)
            {
                if (next < addresses.Count)
                {
                    var address = addresses[next++];
                    running.Add((Dial(new IPEndPoint(address, port), stop.Token), address));
                }
                // Whatever comes first: an attempt ends, or it is the next address's turn.
                using var turn = CancellationTokenSource.CreateLinkedTokenSource(stop.Token);
                var pause = Task.Delay(next < addresses.Count ? ConversationTimeouts.NextAddress : Timeout.InfiniteTimeSpan, time, turn.Token);
                var ended = await Task.WhenAny([pause, .. running.Select(attempt => attempt.Task)]);
                await turn.CancelAsync();
                if (running.FirstOrDefault(attempt => attempt.Task == ended) is not { Task: not null } winner)
                {
                    stop.Token.ThrowIfCancellationRequested();
                    continue;
                }
                running.Remove(winner);
                try
                {
                    return (await winner.Task, winner.Address);
                }
                catch (SocketException e)
                {
                    failures.Add(new WireException(Meaning(e.SocketErrorCode), winner.Address.ToString(), e));
                }
            }
        }
        finally
        {
            await stop.CancelAsync();
            foreach (var (task, _) in running) await DropAsync(task);
        }
        // "No route" for the IPv6 address says less than "refused" for the IPv4 one.
        throw failures.OrderBy(e => e.Failure == ConnectionFailure.Unreachable).First();
    }

    /// <summary>An attempt that lost the race may still have connected.</summary>
    private static async Task DropAsync(Task<Stream> attempt)
    {
        try
        {
            await (await attempt).DisposeAsync();
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException or IOException)
        {
            // It failed, or was told to stop: nothing to close.
        }
    }

    private static ConnectionFailure Meaning(SocketError error) => error switch
    {
        SocketError.ConnectionRefused => ConnectionFailure.Refused,
        SocketError.TimedOut => ConnectionFailure.TimedOut,
        SocketError.ConnectionReset or SocketError.ConnectionAborted => ConnectionFailure.Closed,
        _ => ConnectionFailure.Unreachable,
    };

    private static async Task<Stream> DialAsync(IPEndPoint endpoint, CancellationToken cancellation)
    {
        // No Nagle: the last, short block of a message would wait for an acknowledgement of the one before.
        var socket = new Socket(endpoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(endpoint, cancellation);
            return new ThreadPoolStream(socket);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
