using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Text;
using SmartHost.Dashboard;
using SmartHost.Listener;

namespace SmartHost.Hosting;

/// <summary>
/// Whether a port that we are to listen on is free, ours already, or another program's. Asked of a running SmartHost as a
/// polite client: it greets, we quit, and nothing of it is worth a line in its log.
/// </summary>
internal static class PortCheck
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);

    public static Task<CheckLine> ListenerAsync(ListenerSettings listener, CancellationToken cancellation) =>
        CheckAsync($"port {listener.Port}", listener.Address, listener.Port, $"listeners.{listener.Name}.port", stream => GreetsAsync(stream, listener.Tls == ListenerTls.Implicit, cancellation), cancellation);

    public static Task<CheckLine> PageAsync(string name, DashboardSettings page, CancellationToken cancellation) =>
        CheckAsync(name, page.Address, page.Port, "dashboard.port", stream => AnswersAsync(stream, cancellation), cancellation);

    private static async Task<CheckLine> CheckAsync(string name, IPAddress address, int port, string setting, Func<Stream, Task<bool>> isOurs, CancellationToken cancellation)
    {
        try
        {
            using var probe = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            if (address.AddressFamily == AddressFamily.InterNetworkV6) probe.DualMode = true;
            probe.Bind(new IPEndPoint(address, port));
            return new CheckLine(name, CheckResult.Good, "free");
        }
        catch (SocketException failure) when (failure.SocketErrorCode == SocketError.AddressAlreadyInUse)
        {
            return await IsOursAsync(address, port, isOurs, cancellation)
                ? new CheckLine(name, CheckResult.Good, "SmartHost is running and listens here")
                : new CheckLine(name, CheckResult.Bad, "Another program listens here.", $"Stop it (ss -ltnp shows its name), or choose another port with {setting}.");
        }
        catch (SocketException failure) when (failure.SocketErrorCode == SocketError.AccessDenied)
        {
            return new CheckLine(name, CheckResult.Bad, "Ports below 1024 are root's on this machine.", $"Choose {setting} above 1023, or see “Port 25” in docs/docker.md.");
        }
        catch (SocketException failure)
        {
            return new CheckLine(name, CheckResult.Bad, $"It cannot be opened: {failure.Message.TrimEnd('.')}.", $"Check the address beside {setting}: is it one of this machine's?");
        }
    }

    private static async Task<bool> IsOursAsync(IPAddress address, int port, Func<Stream, Task<bool>> isOurs, CancellationToken cancellation)
    {
        try
        {
            using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
            patience.CancelAfter(Patience);
            using var client = new TcpClient();
            var anywhere = address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any);
            await client.ConnectAsync(anywhere ? IPAddress.Loopback : address, port, patience.Token);
            return await isOurs(client.GetStream()).WaitAsync(patience.Token);
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
