using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using SmartHost.Configuration;
using SmartHost.Dashboard;
using SmartHost.Dashboard.Api;
using SmartHost.Dashboard.Pages;
using SmartHost.Delivery;
using SmartHost.Disk;
using SmartHost.Gmail;
using SmartHost.Gmail.Login;
using SmartHost.Notices;

namespace SmartHost.Hosting;

/// <summary>What only a running server knows.</summary>
/// <param name="Bridge">Not null where every device seems to be Docker's gateway: what that means and what to do.</param>
/// <param name="Queue">What waits in it.</param>
/// <param name="AfterRestart">What was changed in the settings and it could not take up, each a sentence without its full stop.</param>
public sealed record RunningState(IReadOnlyList<AccountReply> Accounts, QueueReply Queue, string? Bridge, IReadOnlyList<string> AfterRestart);

/// <summary>
/// Everything that a helper on the phone would ask for, one line each: ✓, ! or ✗ with a remedy. Leaves nothing behind and
/// sends nothing; one login an account, never repeated. Each line stands on its own: where one fails, the others go on.
/// </summary>
/// <param name="tryNow">Tells the running server to try an account now that it paused over a login, and that can log in again; else its mail waits for the next try. False: it could not be told.</param>
public sealed class Checkup(SmartHostSettings settings, GmailConnector connector, TimeProvider time, Func<string, CancellationToken, Task<bool>> tryNow)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <summary>Free space, in octets, below which a line warns: some fifty scans of the largest size.</summary>
    private const long PlentyOfSpace = 2L << 30;

    /// <summary>What is wrong with the settings, but for what a line of ours tells.</summary>
    public static IReadOnlyList<Problem> WithoutOurs(IReadOnlyList<Problem> problems) => [.. problems.Where(problem => problem.IsError || problem.What != DeviceChecks.NobodyYet)];

    /// <param name="server">Null: none is running.</param>
    /// <param name="listening">True while the server itself asks: its own ports are taken then, by itself.</param>
    public async IAsyncEnumerable<CheckLine> AllAsync(RunningState? server, bool listening, [EnumeratorCancellation] CancellationToken cancellation)
    {
        await foreach (var line in OfflineAsync(server, listening, cancellation)) yield return line;
        await foreach (var line in OnlineAsync(server, cancellation)) yield return line;
    }

    /// <summary>Without the network: what stands on this machine.</summary>
    public async IAsyncEnumerable<CheckLine> OfflineAsync(RunningState? server, bool listening, [EnumeratorCancellation] CancellationToken cancellation)
    {
        foreach (var sentence in server?.AfterRestart ?? []) yield return Trouble("settings", $"{sentence}.", "Restart SmartHost when it suits: what waits is kept.");
        var folder = DataFolder();
        yield return folder;
        // Of a folder that cannot be, the nearest one above tells nothing: /proc has no room for anybody.
        if (folder.Result != CheckResult.Bad) yield return FreeSpace();
        if (settings.Log.File is { } log) yield return LogFile(log);
        foreach (var listener in settings.Listeners)
        {
            yield return listening ? Good($"port {listener.Port}", "SmartHost listens here") : await PortCheck.ListenerAsync(listener, server is not null, cancellation);
        }
        if (!settings.Dashboard.Off)
        {
            var name = $"page on port {settings.Dashboard.Port}";
            yield return listening ? Good(name, "SmartHost listens here") : await PortCheck.PageAsync(name, settings.Dashboard, server is not null, cancellation);
        }
        if (server?.Bridge is { } bridge) yield return Bad("Docker network", bridge, "“Docker and networks” in the documentation has the ways out.");
        yield return settings.Devices.Devices.Count switch
        {
            0 => Trouble("devices", "No device is allowed to send yet.", "Add one under devices, or start SmartHost and allow it on the page once it has tried."),
            1 => Good("devices", $"1 device may send: {settings.Devices.Devices[0].Name}"),
            var count => Good("devices", $"{count} devices may send"),
        };
        if (NobodyIsTold(settings.Alerts) is { } deaf) yield return deaf;
        foreach (var account in settings.Accounts) yield return Allowance(account, server?.Accounts.FirstOrDefault(one => one.Name == account.Name));
        if (server is null) yield break;
        foreach (var paused in server.Accounts.Where(account => account.Health == AccountHealth.Paused)) yield return Paused(paused);
        yield return Waiting(server.Queue);
    }

    /// <summary>The way to Gmail, account by account: names, TCP, TLS, login.</summary>
    public async IAsyncEnumerable<CheckLine> OnlineAsync(RunningState? server, [EnumeratorCancellation] CancellationToken cancellation)
    {
        foreach (var host in settings.Accounts.GroupBy(account => account.Host))
        {
            var (line, found) = await NameAsync(host.Key, cancellation);
            yield return line;
            if (!found) continue;
            foreach (var (account, port) in host.SelectMany(account => Ports(account).Select(port => (account, port))).DistinctBy(pair => (pair.port, pair.account.CaFile)))
                yield return await ReachAsync(account, port, cancellation);
        }
        foreach (var account in settings.Accounts)
        {
            yield return await LoginAsync(account, server?.Accounts.Any(one => one.Name == account.Name && one is { NeedsPerson: true, EndsByLogin: true }) == true, cancellation);
        }
        yield return await ClockAsync(cancellation);
    }

    private CheckLine DataFolder()
    {
        const string name = "data folder";
        var folder = settings.DataFolder;
        var exists = Directory.Exists(folder);
        if (File.Exists(folder)) return Bad(name, $"{folder} is a file, but a folder is needed there.", "Move the file away, or name another folder with data.");
        if (WriteProbe.Obstacle(folder) is not { } obstacle) return Good(name, exists ? $"{folder} can be written" : $"{folder} does not exist yet; the first start makes it");
        return exists
            ? Bad(name, $"{folder} cannot be written: {obstacle}", $"Let the user that runs SmartHost own it (chown -R USER {folder}), or name another folder with data.")
            : Bad(name, $"{folder} does not exist and cannot be made: {obstacle}", $"Make it and let the user that runs SmartHost own it (mkdir -p {folder}; chown USER {folder}), or name another folder with data.");
    }

    private CheckLine LogFile(string file) => LogSetup.Obstacle(file, time.GetLocalNow()) is { } obstacle
        ? Trouble("log file", $"{file} cannot be written: {obstacle}", "Let the user that runs SmartHost write there, or name another file with log.file.")
        : Good("log file", $"{Path.GetDirectoryName(file)} can be written");

    private CheckLine FreeSpace()
    {
        try
        {
            var free = new DriveInfo(WriteProbe.Existing(settings.DataFolder)).AvailableFreeSpace;
            var text = $"{free / (1 << 30):N0} GB free for the queue";
            return free < PlentyOfSpace ? Trouble("disk", text, "Make room: at the limit devices are told to try again later.") : Good("disk", text);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return Trouble("disk", $"The free space of {settings.DataFolder} cannot be told: {failure.Message}", "Look at it with: df -h");
        }
    }

    /// <summary>Null: somebody is.</summary>
    public static CheckLine? NobodyIsTold(AlertSettings alerts) => alerts is { Email: null, Webhook: null }
        ? Trouble("alerts", "Nobody is told of trouble: of mail that Gmail refuses, of a paused account, of a full disk.", "Write an address that a person reads as alerts.email (in Docker: SMARTHOST__alerts__email).")
        : null;

    private static CheckLine Allowance(AccountSettings account, AccountReply? now)
    {
        var name = $"allowance of {account.Name}";
        if (now is null)
        {
            return Good(name, $"{account.DailyMessages} messages and {account.DailyRecipients} recipients in 24 hours; how much of it is left, only a running SmartHost knows");
        }
        var text = $"{Math.Max(0, now.MessagesLimit - now.MessagesUsed)} of {now.MessagesLimit} messages and {Math.Max(0, now.RecipientsLimit - now.RecipientsUsed)} of {now.RecipientsLimit} recipients are left for these 24 hours";
        var isShort = now.LanesSpent.Count > 0 || now.MessagesUsed * 5L >= now.MessagesLimit * 4L || now.RecipientsUsed * 5L >= now.RecipientsLimit * 4L;
        return isShort
            ? Trouble(name, text, "Nothing is lost: mail waits until older mail is 24 hours gone. If this happens often, name a second account as fallback.")
            : Good(name, text);
    }

    /// <summary>A login that works now does not end a pause that has another reason.</summary>
    private CheckLine Paused(AccountReply account)
    {
        var next = account.NextProbe is { } probe ? $" It is tried again {new Clock(time).Relative(probe)}, or at once by “Try now” on the page." : "";
        return Bad($"mail of {account.Name}", $"The account is paused, and its mail is kept: {account.Sentence}{next}", account.Remedy ?? "Nothing to do: it heals by itself.");
    }

    private static CheckLine Waiting(QueueReply queue)
    {
        var waiting = queue.Waiting == 0 ? "nothing waits" : Wording.Count(queue.Waiting, "message waits", "messages wait");
        return queue.Parked == 0 ? Good("queue", waiting)
            : Trouble("queue", $"{waiting}; {Wording.Count(queue.Parked, "parked message needs", "parked messages need")} you.", "See why: smarthost queue list --state parked, or Messages on the page.");
    }

    /// <summary>A and AAAA are asked for one by one: a resolver that never answers the one must not hide the other.</summary>
    private async Task<(CheckLine Line, bool Found)> NameAsync(string host, CancellationToken cancellation)
    {
        var name = $"DNS {host}";
        if (IPAddress.TryParse(host, out _)) return (Good(name, "it is an address, so there is nothing to look up"), true);
        var lookups = await Task.WhenAll(AddressesAsync(host, AddressFamily.InterNetwork, cancellation), AddressesAsync(host, AddressFamily.InterNetworkV6, cancellation));
        var (v4, v6) = (lookups[0], lookups[1]);
        if (v4.Addresses.Length + v6.Addresses.Length == 0)
        {
            return (Bad(name, $"The name cannot be looked up: {v4.Problem ?? v6.Problem ?? "it has no address"}.",
                "Check the internet connection and the DNS server of this machine (in Docker: dns: in the compose file)."), false);
        }
        static string Text(string record, IPAddress[] addresses) => addresses.Length == 0 ? $"no {record}" : $"{record} {string.Join(", ", addresses.Take(2).Select(one => one.ToString()))}{(addresses.Length > 2 ? ", …" : "")}";
        var text = $"{Text("A", v4.Addresses)}; {Text("AAAA", v6.Addresses)}";
        return (v4.Addresses.Length == 0 ? Trouble(name, text, "Only an IPv6 address was found: if this machine has no IPv6, check its DNS server.") : Good(name, text), true);
    }

    private async Task<(IPAddress[] Addresses, string? Problem)> AddressesAsync(string host, AddressFamily family, CancellationToken cancellation)
    {
        using var patience = new CancellationTokenSource(Patience, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(cancellation, patience.Token);
        try
        {
            return (await Dns.GetHostAddressesAsync(host, family, both.Token), null);
        }
        catch (SocketException failure)
        {
            return ([], failure.Message.TrimEnd('.'));
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return ([], $"no answer in {Patience.TotalSeconds:0} seconds");
        }
    }

    private static IEnumerable<int> Ports(AccountSettings account) => account.Port is { } port ? [port] : [587, 465];

    private async Task<CheckLine> ReachAsync(AccountSettings account, int port, CancellationToken cancellation)
    {
        var name = $"way to {account.Host}:{port}";
        var begin = time.GetTimestamp();
        using var patience = new CancellationTokenSource(Patience, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(cancellation, patience.Token);
        Reach reach;
        try
        {
            // Its own port alone: with tls fixed for the account, the other one is never used.
            reach = await connector.ReachAsync(account.Port is null ? account with { Tls = null } : account, port, both.Token);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return Trouble(name, $"No answer in {Patience.TotalSeconds:0} seconds.", Advice(account));
        }
        if (reach.Trouble is { } trouble) return Trouble(name, trouble.Happened, reach.Address is null ? Advice(account) : trouble.Remedy);
        return Good(name, $"TCP and {reach.Encryption} in {time.GetElapsedTime(begin).TotalMilliseconds:0} ms, the certificate is right{(reach.Address is null || account.Host == reach.Address.ToString() ? "" : $" ({reach.Address})")}");
    }

    private static string Advice(AccountSettings account) => account.Port is null
        ? "One of 587 and 465 is enough. If both fail, a firewall or the provider blocks them: allow outgoing TCP to both."
        : "A firewall or the provider may block it: allow outgoing TCP to it, or leave the account's port out to have 587 and 465 tried.";

    private async Task<CheckLine> LoginAsync(AccountSettings account, bool isPaused, CancellationToken cancellation)
    {
        var name = $"account {account.Name}";
        var outcome = await connector.OpenAsync(account, cancellation);
        switch (outcome)
        {
            case OpenOutcome.Opened opened:
                await opened.Session.DisposeAsync();
                var goesOn = isPaused && await tryNow(account.Name, cancellation);
                return Good(name, $"{account.Username} can log in ({opened.Tried}){(goesOn ? ", and its mail is tried now" : "")}");
            case OpenOutcome.Failed failed:
                var remedy = failed.Verdict.Help is { } help ? $"{failed.Verdict.Remedy} {help}" : failed.Verdict.Remedy;
                // What was tried tells most replies by itself, and which of two addresses gave it.
                var said = failed.Reply is { } reply && !failed.Tried.Contains(reply.Text, StringComparison.Ordinal) ? $" Gmail said: {reply}" : "";
                return Bad(name, $"{failed.Verdict.Happened}{said} ({failed.Tried})", remedy);
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
            if (answer.Headers.Date is not { } theirs) return Trouble("clock", "Google's answer carries no date to compare with.", ByEye());
            var ahead = time.GetUtcNow() - theirs;
            return ahead.Duration() < TimeSpan.FromMinutes(2)
                ? Good("clock", "right to within two minutes")
                : Bad("clock", $"This machine's clock is {Length(ahead.Duration())} {(ahead > TimeSpan.Zero ? "ahead" : "behind")}.", "Switch on time synchronisation (NTP) on this machine.");
        }
        catch (Exception failure) when (failure is HttpRequestException || (failure is OperationCanceledException && !cancellation.IsCancellationRequested))
        {
            return Trouble("clock", "There is nothing to compare it with: www.google.com cannot be reached.", ByEye());
        }
    }

    private static string Length(TimeSpan time) => time switch
    {
        { TotalDays: >= 2 } => $"{time.TotalDays:0} days",
        { TotalMinutes: >= 90 } => Wording.Invariant($"{time.TotalHours:0.#} hours"),
        _ => $"{time.TotalMinutes:0} minutes",
    };

    private string ByEye() => $"Compare by eye: here it is {time.GetUtcNow():yyyy-MM-dd HH:mm} UTC.";

    private static CheckLine Good(string name, string text) => new(name, CheckResult.Good, text, null);

    private static CheckLine Trouble(string name, string text, string remedy) => new(name, CheckResult.Doubtful, text, remedy);

    private static CheckLine Bad(string name, string text, string remedy) => new(name, CheckResult.Bad, text, remedy);
}
