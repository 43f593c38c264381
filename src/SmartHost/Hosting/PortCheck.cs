using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Text;
using SmartHost.Dashboard;
using SmartHost.Listener;

namespace SmartHost.Hosting;

/// <param name="IsTaken">Somebody listens there, perhaps a SmartHost.</param>
internal sealed record PortTrouble(bool IsTaken, string What, string Remedy);

/// <summary>
/// Whether a port that we are to listen on is free, ours already, or another program's. Asked of a running SmartHost as a
/// polite client: it greets, we quit, and nothing of it is worth a line in its log.
/// </summary>
internal static class PortCheck
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);

    /// <param name="isRunning">The server of this data folder: a SmartHost on the port is that one then, and another one otherwise.</param>
    public static Task<CheckLine> ListenerAsync(ListenerSettings listener, bool isRunning, CancellationToken cancellation) =>
        CheckAsync($"port {listener.Port}", listener.Address, listener.Port, $"listeners.{listener.Name}", isRunning, (stream, patience) => GreetsAsync(stream, listener.Tls == ListenerTls.Implicit, patience), cancellation);

    /// <param name="isRunning">As for a listener's port.</param>
    public static Task<CheckLine> PageAsync(string name, DashboardSettings page, bool isRunning, CancellationToken cancellation) =>
        CheckAsync(name, page.Address, page.Port, "dashboard", isRunning, AnswersAsync, cancellation);

    /// <summary>Opens the port for a moment, without listening.</summary>
    /// <param name="group">Where its settings stand: listeners.lan, or dashboard.</param>
    /// <returns>Why it cannot be opened; null: it can.</returns>
    public static PortTrouble? TroubleOf(IPAddress address, int port, string group)
    {
        // As Kestrel does it on a machine without IPv6.
        if (address.Equals(IPAddress.IPv6Any) && !Socket.OSSupportsIPv6) address = IPAddress.Any;
        try
        {
            using var probe = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            if (address.AddressFamily == AddressFamily.InterNetworkV6) probe.DualMode = true;
            probe.Bind(new IPEndPoint(address, port));
            return null;
        }
        catch (SocketException failure)
        {
            return failure.SocketErrorCode switch
            {
                SocketError.AddressAlreadyInUse => new(true, "Another program listens here.", $"Stop it ({(OperatingSystem.IsWindows() ? "netstat -ano shows its number" : "ss -ltnp shows its name")}), or choose another port with {group}.port."),
                SocketError.AccessDenied => new(false, "Ports below 1024 are root's on this machine.", $"Choose {group}.port above 1023, or see “Port 25” under “Docker and networks” in the documentation."),
                SocketError.AddressNotAvailable => new(false, $"{address} is not an address of this machine.", $"Correct {group}.address, or leave it out to listen on all."),
                _ => new(false, $"It cannot be opened: {failure.Message.TrimEnd('.')}.", $"Check {group}.address and {group}.port."),
            };
        }
    }

    private static async Task<CheckLine> CheckAsync(string name, IPAddress address, int port, string group, bool isRunning, Func<Stream, CancellationToken, Task<bool>> isSmartHost, CancellationToken cancellation)
    {
        if (TroubleOf(address, port, group) is not { } trouble) return new CheckLine(name, CheckResult.Good, "free");
        if (!trouble.IsTaken || !await IsSmartHostAsync(address, port, isSmartHost, cancellation)) return new CheckLine(name, CheckResult.Bad, trouble.What, trouble.Remedy);
        return isRunning
            ? new CheckLine(name, CheckResult.Good, "SmartHost is running and listens here")
            : new CheckLine(name, CheckResult.Bad, "Another SmartHost, with another data folder, has this port.",
                $"Stop it, or choose another port with {group}.port. If it is this one, started before data was changed, restart it; if another user started it, run this as that user or as root.");
    }

    private static async Task<bool> IsSmartHostAsync(IPAddress address, int port, Func<Stream, CancellationToken, Task<bool>> isSmartHost, CancellationToken cancellation)
    {
        try
        {
            using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
            patience.CancelAfter(Patience);
            using var client = new TcpClient();
            var anywhere = address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any);
            await client.ConnectAsync(anywhere ? IPAddress.Loopback : address, port, patience.Token);
            return await isSmartHost(client.GetStream(), patience.Token);
        }
        catch (Exception failure) when (failure is SocketException or IOException or System.Security.Authentication.AuthenticationException || (failure is OperationCanceledException && !cancellation.IsCancellationRequested))
        {
            return false;
        }
    }

    /// <summary>Our greeting ends in "SmartHost".</summary>
    private static async Task<bool> GreetsAsync(Stream stream, bool implicitTls, CancellationToken cancellation)
    {
        if (implicitTls)
        {
            // Whose certificate does not matter: the question is only who listens, and nothing is told.
            var tls = new SslStream(stream, leaveInnerStreamOpen: false);
            await tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions { TargetHost = "localhost", RemoteCertificateValidationCallback = (_, certificate, _, _) => certificate is not null }, cancellation);
            stream = tls;
        }
        using var reader = new StreamReader(stream, Encoding.Latin1, leaveOpen: true);
        var greeting = await reader.ReadLineAsync(cancellation);
        await stream.WriteAsync("QUIT\r\n"u8.ToArray(), cancellation);
        await reader.ReadLineAsync(cancellation);
        return greeting is not null && greeting.StartsWith("220 ", StringComparison.Ordinal) && greeting.Contains("SmartHost", StringComparison.Ordinal);
    }

    private static async Task<bool> AnswersAsync(Stream stream, CancellationToken cancellation)
    {
        await stream.WriteAsync("GET /healthz HTTP/1.0\r\n\r\n"u8.ToArray(), cancellation);
        using var reader = new StreamReader(stream, Encoding.UTF8, leaveOpen: true);
        return (await reader.ReadToEndAsync(cancellation)).Contains("\"status\":\"alive\"", StringComparison.Ordinal);
    }
}
