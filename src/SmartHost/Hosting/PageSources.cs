using System.Diagnostics;
using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using MimeKit;
using SmartHost.Configuration;
using SmartHost.Dashboard;
using SmartHost.Dashboard.Api;
using SmartHost.Devices;
using SmartHost.History;
using SmartHost.Mail;
using SmartHost.Queue;

namespace SmartHost.Hosting;

/// <summary>What the page and the API show and steer, gathered from all parts: the page itself knows none of them.</summary>
internal sealed class PageSources(MailFlow flow, UnknownDevices unknown, Sightings sightings, DockerBridge bridge, string version, TimeProvider time)
{
    private readonly SettingsSource settings = flow.Settings;
    private readonly string ownAddress = OwnAddress() ?? "this machine";

    public DashboardSources Create() => new()
    {
        Queue = flow.Queue,
        Version = version,
        StartedAt = time.GetUtcNow(),
        ListensAt = ListensAt,
        Delivery = () => flow.Delivery.State,
        Alerts = () => flow.Alerts.Snapshot,
        Devices = Devices,
        UnknownDevices = unknown.Snapshot,
        Allow = (request, _) => Task.FromResult(Allow(request, known: null)),
        Update = (request, _) => Task.FromResult(Allow(request, Find(request.Name))),
        Forget = (name, _) => Task.FromResult(Problem(settings.Forget(name), name)),
        ForgetUnknown = address => unknown.Forget(address),
        TryAccount = flow.Delivery.TryNow,
        Check = CheckAsync,
        ProveLogins = flow.Logins.AskAsync,
        SendTest = SendTestAsync,
        SettingsProblems = () => [.. settings.LastProblems.Where(problem => problem.IsError).Select(problem => problem.ToString())],
        AfterRestart = () => settings.AfterRestart,
        Bridge = bridge.Warning,
        Gateway = bridge.Doubt,
    };

    private IReadOnlyList<DeviceView> Devices() => [.. settings.Current.Devices.Devices.Select(device =>
    {
        var sighting = sightings.Of(device.Name);
        var view = new DeviceView(device, File.Exists(DeviceFiles.PathOf(settings.Current.DataFolder, device.Name)), sighting.LastSeen, sighting.LastRefusedAt, sighting.LastRefusal);
        return settings.PlaceOf(device.Name) switch
        {
            { Variable: { } variable } => view with { WrittenIn = variable, IsTakenUpAtOnce = false },
            { } place => view with { WrittenIn = Path.GetFileName(place.Source) },
            null => view,
        };
    })];

    private string? Allow(AllowRequest request, Device? known)
    {
        var problems = new List<string>();
        var recipients = AddressPatterns.Parse(request.Recipients, problems);
        var networks = new List<IPNetwork>();
        foreach (var text in request.Addresses)
        {
            if (ClientNetwork.TryParse(text, out var network)) networks.Add(network);
        }
        var device = (known ?? new Device { Name = request.Name, Recipients = recipients }) with
        {
            Addresses = networks, Recipients = recipients, Priority = request.Priority, PerHour = request.PerHour, PerDay = request.PerDay, Account = request.Account,
        };
        if (Problem(settings.Allow(device), device.Name) is { } problem) return problem;
        // It is known now; whatever else still knocks from elsewhere stays on the list.
        foreach (var stranger in unknown.Snapshot().Where(stranger => settings.Current.Devices.ByAddress(stranger.Client) is not null)) unknown.Forget(stranger.Client);
        return null;
    }

    private async Task<SendTestResult> SendTestAsync(SendTestRequest request, CancellationToken cancellation)
    {
        var accounts = settings.Current.Accounts;
        var account = request.Account is null ? accounts[0] : accounts.FirstOrDefault(account => account.Name == request.Account);
        if (account is null) return new SendTestResult(null, $"There is no account {request.Account}; there is {string.Join(", ", accounts.Select(known => known.Name))}.");
        Mailbox? to = account.Username;
        if (request.To is { Length: > 0 } text && !Mailbox.TryParse(text, out to)) return new SendTestResult(null, $"“{text}” is not an e-mail address. Write one like you@example.com.");
        var outcome = await flow.Mail.SubmitAsync(to, "SmartHost test message", Lane.Urgent, account.Name, "a test message that was asked for", (message, id) =>
        {
            message.Body = new TextPart("plain") { Text = $"This is the test message {id} from SmartHost on {settings.Current.Hostname}.\r\nIf you can read it, the way from here to Gmail works.\r\n" };
        }, null, cancellation);
        return outcome switch
        {
            CommitOutcome.Committed committed => new SendTestResult(committed.Id, null),
            CommitOutcome.InsufficientStorage full => new SendTestResult(null, full.Reason),
            CommitOutcome.Failed failed => new SendTestResult(null, failed.Reason),
            _ => throw new UnreachableException(),
        };
    }

    /// <summary>What only the running server knows, then what anybody could find out.</summary>
    private async IAsyncEnumerable<CheckLine> CheckAsync([EnumeratorCancellation] CancellationToken cancellation)
    {
        foreach (var line in SettingsLines()) yield return line;
        foreach (var ending in flow.Expiry.All())
        {
            var near = flow.Expiry.IsNear(ending);
            yield return new CheckLine(ending.What, near ? CheckResult.Doubtful : CheckResult.Good, $"good until {ending.At.UtcDateTime:yyyy-MM-dd}", near ? ending.Remedy : null);
        }
        var checkup = new Checkup(settings.Current, flow.Connector, time, (account, _) =>
        {
            flow.Delivery.TryNow(account);
            return Task.FromResult(true);
        });
        await foreach (var line in checkup.AllAsync(Running(), listening: true, cancellation)) yield return line;
    }

    private RunningState Running() =>
        new([.. flow.Delivery.State.Accounts.Select(AccountReply.Of)], QueueReply.Of(flow.Queue.Counts()), bridge.Warning() is { } warning ? $"{warning.Text} {warning.Remedy}" : null, settings.AfterRestart);

    private IEnumerable<CheckLine> SettingsLines()
    {
        var problems = Checkup.WithoutOurs(settings.LastProblems);
        if (problems.Count == 0 && settings.AfterRestart.Count == 0) yield return new CheckLine("settings", CheckResult.Good, "in force as they stand in the files");
        foreach (var problem in problems)
        {
            yield return problem.IsError
                ? new CheckLine("settings", CheckResult.Bad, $"The changed settings were not taken up, and the ones before stay. {problem}", "Mend the file: it is read again as soon as you save it.")
                : new CheckLine("settings", CheckResult.Doubtful, problem.ToString());
        }
    }

    private List<string> ListensAt(string? machine) => [.. settings.Current.Listeners.Select(listener =>
        $"{(listener.Address.Equals(IPAddress.IPv6Any) || listener.Address.Equals(IPAddress.Any) ? machine ?? ownAddress : listener.Address.ToString())} port {listener.Port}")];

    /// <summary>Null: none, or some containers hide their cards.</summary>
    internal static string? OwnAddress()
    {
        try
        {
            return NetworkInterface.GetAllNetworkInterfaces()
                .Where(network => network.OperationalStatus == OperationalStatus.Up && network.NetworkInterfaceType != NetworkInterfaceType.Loopback)
                .SelectMany(network => network.GetIPProperties().UnicastAddresses)
                .Select(unicast => unicast.Address)
                .FirstOrDefault(address => address.AddressFamily == AddressFamily.InterNetwork)?.ToString();
        }
        catch (NetworkInformationException)
        {
            return null;
        }
    }

    private Device? Find(string name) => settings.Current.Devices.Devices.FirstOrDefault(device => device.Name == name);

    private string? Problem(ReloadOutcome outcome, string device)
    {
        if (outcome is not ReloadOutcome.Refused refused) return null;
        var own = DeviceFiles.PathOf(settings.Current.DataFolder, device);
        return string.Join(" ", refused.Problems.Where(problem => problem.IsError).Select(problem => problem.Place.Source == own || problem.Place.Source == Path.GetDirectoryName(own)
            ? $"{problem.Path} {problem.What}. {problem.Advice}".Trim()
            : $"The settings have a mistake elsewhere, and until it is mended nothing can be changed: {problem}"));
    }
}
