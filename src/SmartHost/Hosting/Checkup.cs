using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using SmartHost.Configuration;
using SmartHost.Dashboard;
using SmartHost.Gmail;

namespace SmartHost.Hosting;

/// <summary>
/// Everything that a helper on the phone would ask for, one line each: ✓, ! or ✗ with a remedy. Changes nothing and
/// sends nothing; one login an account, never repeated. Each line stands on its own: where one fails, the others go on.
/// </summary>
public sealed class Checkup(SmartHostSettings settings, GmailConnector connector, TimeProvider time)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <summary>Free space, in octets, below which a line warns: some fifty scans of the largest size.</summary>
    private const long PlentyOfSpace = 2L << 30;

    /// <param name="bridge">Known to the running server alone.</param>
    public async IAsyncEnumerable<CheckLine> AllAsync(bool running, BridgeWarning? bridge, [EnumeratorCancellation] CancellationToken cancellation)
    {
        await foreach (var line in OfflineAsync(running, cancellation)) yield return line;
        if (bridge is not null) yield return Bad("Docker network", bridge.Text, bridge.Remedy);
        await foreach (var line in OnlineAsync(cancellation)) yield return line;
    }

    /// <summary>Without the network: what stands on this machine.</summary>
    /// <param name="running">True while the server itself asks: its own ports are taken then, by itself.</param>
    public async IAsyncEnumerable<CheckLine> OfflineAsync(bool running, [EnumeratorCancellation] CancellationToken cancellation)
    {
        yield return DataFolder();
        yield return FreeSpace();
        foreach (var listener in settings.Listeners)
            yield return await PortAsync($"port {listener.Port}", listener.Address, listener.Port, $"listeners.{listener.Name}.port", running, cancellation);
        if (!settings.Dashboard.Off)
            yield return await PortAsync($"page on port {settings.Dashboard.Port}", settings.Dashboard.Address, settings.Dashboard.Port, "dashboard.port", running, cancellation);
        yield return settings.Devices.Devices.Count switch
        {
            0 => Trouble("devices", "No device is allowed to send yet.", "Add one under devices, or start SmartHost and allow it on the page once it has tried."),
            1 => Good("devices", $"1 device may send: {settings.Devices.Devices[0].Name}"),
            var count => Good("devices", $"{count} devices may send"),
        };
    }

    /// <summary>The way to Gmail, account by account: names, TCP, TLS, login.</summary>
    public async IAsyncEnumerable<CheckLine> OnlineAsync([EnumeratorCancellation] CancellationToken cancellation)
    {
        foreach (var host in settings.Accounts.Select(account => account.Host).Distinct())
        {
            var (line, addresses) = await NameAsync(host, cancellation);
            yield return line;
            if (addresses.Length == 0) continue;
            foreach (var port in settings.Accounts.Where(account => account.Host == host).SelectMany(Ports).Distinct())
                yield return await ReachAsync(host, addresses, port, cancellation);
        }
        foreach (var account in settings.Accounts) yield return await LoginAsync(account, cancellation);
        yield return await ClockAsync(cancellation);
    }

    private CheckLine DataFolder()
    {
        var probe = Path.Combine(settings.DataFolder, $".check-{Environment.ProcessId}");
        try
        {
            Directory.CreateDirectory(settings.DataFolder);
            File.WriteAllText(probe, "");
            File.Delete(probe);
            return Good("data folder", $"{settings.DataFolder} can be written");
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return Bad("data folder", $"{settings.DataFolder} cannot be written: {failure.Message}",
                $"Let the user that runs SmartHost own it (chown -R USER {settings.DataFolder}), or name another folder with data.");
        }
    }

    private CheckLine FreeSpace()
    {
        try
        {
            var free = new DriveInfo(settings.DataFolder).AvailableFreeSpace;
            var text = $"{free / (1 << 30):N0} GB free for the queue";
            return free < PlentyOfSpace ? Trouble("disk", text, "Make room: at the limit devices are told to try again later.") : Good("disk", text);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return Trouble("disk", $"The free space of {settings.DataFolder} cannot be told: {failure.Message}", "Look at it with: df -h");
        }
    }

    private static async Task<CheckLine> PortAsync(string name, IPAddress address, int port, string setting, bool running, CancellationToken cancellation)
    {
        if (running) return Good(name, "SmartHost listens here");
        try
        {
            using var probe = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            if (address.AddressFamily == AddressFamily.InterNetworkV6) probe.DualMode = true;
            probe.Bind(new IPEndPoint(address, port));
            return Good(name, "free");
        }
        catch (SocketException failure) when (failure.SocketErrorCode == SocketError.AddressAlreadyInUse)
        {
            return await GreetsAsUsAsync(port, cancellation)
                ? Good(name, "SmartHost is running and listens here")
                : Bad(name, "Another program listens here.", $"Stop it (ss -ltnp shows its name), or choose another port with {setting}.");
        }
        catch (SocketException failure) when (failure.SocketErrorCode == SocketError.AccessDenied)
        {
            return Bad(name, "Ports below 1024 are root's on this machine.", $"Choose {setting} above 1023, or see “Port 25” in docs/docker.md.");
        }
        catch (SocketException failure)
        {
            return Bad(name, $"It cannot be opened: {failure.Message}.", $"Check the address beside {setting}: is it one of this machine's?");
        }
    }

    /// <summary>Our greeting ends in "SmartHost"; a page needs no such care, for another SmartHost answers there too.</summary>
    private static async Task<bool> GreetsAsUsAsync(int port, CancellationToken cancellation)
    {
        try
        {
            using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
            patience.CancelAfter(TimeSpan.FromSeconds(2));
            using var client = new TcpClient();
            await client.ConnectAsync(IPAddress.Loopback, port, patience.Token);
            var stream = client.GetStream();
            var buffer = new byte[512];
            // A page says nothing until it is asked; a greeting comes by itself.
            await stream.WriteAsync("GET /healthz HTTP/1.0\r\n\r\n"u8.ToArray(), patience.Token);
            var read = await stream.ReadAsync(buffer, patience.Token);
            var text = System.Text.Encoding.Latin1.GetString(buffer, 0, read);
            return text.Contains("SmartHost", StringComparison.Ordinal) || text.StartsWith("HTTP/1.1 200", StringComparison.Ordinal);
        }
        catch (Exception failure) when (failure is SocketException or IOException || (failure is OperationCanceledException && !cancellation.IsCancellationRequested))
        {
            return false;
        }
    }

    private static async Task<(CheckLine Line, IPAddress[] Addresses)> NameAsync(string host, CancellationToken cancellation)
    {
        try
        {
            var addresses = await Dns.GetHostAddressesAsync(host, cancellation);
            var (v4, v6) = (addresses.Count(address => address.AddressFamily == AddressFamily.InterNetwork), addresses.Count(address => address.AddressFamily == AddressFamily.InterNetworkV6));
            return (Good($"DNS {host}", $"{v4} IPv4 and {v6} IPv6 address(es)"), addresses);
        }
        catch (SocketException failure)
        {
            return (Bad($"DNS {host}", $"The name cannot be looked up: {failure.Message}.", "Check the internet connection and the DNS server of this machine (in Docker: dns: in the compose file)."), []);
        }
    }

    private static IEnumerable<int> Ports(AccountSettings account) => account.Port is { } port ? [port] : [587, 465];

    private async Task<CheckLine> ReachAsync(string host, IPAddress[] addresses, int port, CancellationToken cancellation)
    {
        var name = $"TCP {host}:{port}";
        var begin = time.GetTimestamp();
        try
        {
            using var patience = new CancellationTokenSource(Patience, time);
            using var both = CancellationTokenSource.CreateLinkedTokenSource(cancellation, patience.Token);
            using var client = new TcpClient();
            // IPv4 first: a machine with IPv6 addresses and no route is common, and the connector handles it by itself.
            await client.ConnectAsync([.. addresses.OrderBy(address => address.AddressFamily)], port, both.Token);
            return Good(name, $"connected in {time.GetElapsedTime(begin).TotalMilliseconds:0} ms");
        }
        catch (Exception failure) when (failure is SocketException || (failure is OperationCanceledException && !cancellation.IsCancellationRequested))
        {
            var why = failure is SocketException socket ? socket.Message : $"no answer in {Patience.TotalSeconds:0} seconds";
            return Trouble(name, $"It cannot be reached: {why}.", "One of 587 and 465 is enough. If both fail, a firewall or the provider blocks them: allow outgoing TCP to both.");
        }
    }

    private async Task<CheckLine> LoginAsync(AccountSettings account, CancellationToken cancellation)
    {
        var name = $"account {account.Name}";
        var outcome = await connector.OpenAsync(account, cancellation);
        switch (outcome)
        {
            case OpenOutcome.Opened opened:
                await opened.Session.DisposeAsync();
                return Good(name, $"{account.Username} can log in ({opened.Tried})");
            case OpenOutcome.Failed failed:
                var remedy = failed.Verdict.Help is { } help ? $"{failed.Verdict.Remedy} {help}" : failed.Verdict.Remedy;
                return Bad(name, $"{failed.Verdict.Happened}{(failed.Reply is { } reply ? $" Gmail said: {reply}" : "")} ({failed.Tried})", remedy);
            default:
                throw new UnreachableException();
        }
    }

    /// <summary>A clock that is off by more than minutes breaks TLS and OAuth, and dates every message wrongly.</summary>
    private async Task<CheckLine> ClockAsync(CancellationToken cancellation)
    {
        try
        {
            using var patience = new CancellationTokenSource(Patience, time);
            using var both = CancellationTokenSource.CreateLinkedTokenSource(cancellation, patience.Token);
            using var http = new HttpClient();
            // Plain HTTP on purpose: with a clock that is years off, the certificate would not be valid.
            using var answer = await http.SendAsync(new HttpRequestMessage(HttpMethod.Head, "http://www.google.com/generate_204"), both.Token);
            if (answer.Headers.Date is not { } theirs) return Trouble("clock", "Google's answer carries no date to compare with.", "Compare by eye: date");
            var off = (time.GetUtcNow() - theirs).Duration();
            return off < TimeSpan.FromMinutes(2)
                ? Good("clock", "right to within two minutes")
                : Bad("clock", $"This machine's clock is off by {off:d\\.hh\\:mm\\:ss}.", "Switch on time synchronisation (NTP) on this machine.");
        }
        catch (Exception failure) when (failure is HttpRequestException || (failure is OperationCanceledException && !cancellation.IsCancellationRequested))
        {
            return Trouble("clock", "There is nothing to compare it with: www.google.com cannot be reached.", "Compare by eye: date");
        }
    }

    private static CheckLine Good(string name, string text) => new(name, CheckResult.Good, text, null);

    private static CheckLine Trouble(string name, string text, string remedy) => new(name, CheckResult.Doubtful, text, remedy);

    private static CheckLine Bad(string name, string text, string remedy) => new(name, CheckResult.Bad, text, remedy);
}
