using SmartHost.Configuration;
using SmartHost.Delivery;
using SmartHost.Devices;
using SmartHost.Gmail;
using SmartHost.Gmail.Login;
using SmartHost.History;
using SmartHost.Notices;
using SmartHost.Queue;

namespace SmartHost.Hosting;

/// <summary>
/// Everything behind the queue: delivery, reports, alerts, housekeeping, the reload of settings. It owns their tasks. One
/// that ends before its time is a bug: it is logged, and <see cref="Failed"/> tells the program to stop, for a mail server
/// that takes mail and sends none is worse than one that is restarted.
/// </summary>
internal sealed class MailFlow : IAsyncDisposable
{
    private readonly ILogger<MailFlow> logger;
    private readonly CancellationTokenSource stopDelivery = new(), stopNotices = new();
    private readonly TaskCompletionSource<Exception> failed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly List<Task> delivering = [], noticing = [];
    private readonly SettingsWatcher watcher;
    private readonly ReportWriter reports;
    private readonly Housekeeping housekeeping;
    private readonly HttpClient http = new();
    private readonly Meters meters;

    public MailFlow(
        SettingsSource settings, MailQueue queue, UnknownDevices unknown, DockerBridge bridge, Meters meters, MailLog log, ILoggerFactory loggers, TimeProvider time, Random random, Uri tokenEndpoint)
    {
        (Settings, Queue, this.meters) = (settings, queue, meters);
        logger = loggers.CreateLogger<MailFlow>();
        var hostname = settings.Current.Hostname;
        RefreshTokens = new RefreshTokens(settings.Current.DataFolder);
        var tokens = new AccessTokens(time, http, RefreshTokens, loggers.CreateLogger<AccessTokens>(), tokenEndpoint);
        Connector = new GmailConnector(time, loggers.CreateLogger<GmailConnector>(), hostname, tokens);
        Mail = new LocalMail(queue, hostname, time);
        Alerts = new Alerts(() => settings.Current.Alerts, queue, Mail, new Webhook(http, time), hostname, log, meters, time);
        reports = new ReportWriter(
            queue, Mail, device => Device(device)?.ReportTo, () => settings.Current.Alerts, hostname, log, time);
        Delivery = new DeliveryLoop(
            queue, Connector, () => settings.Current.Accounts, () => settings.Current.Delivery, () => settings.Current.Alerts,
            device => Device(device) is { } known ? new DeviceRouting(known.From, known.SubjectPrefix) : null,
            Alerts, reports, log, meters, time, random);
        Logins = new LoginProofs(Connector, () => settings.Current.Accounts, () => Delivery.State, Delivery.TryNow, time);
        watcher = new SettingsWatcher(settings, time);
        Expiry = new ExpiryWatch(() => settings.Current, tokens, Alerts, time);
        housekeeping = new Housekeeping(settings, queue, unknown, Alerts, Expiry, bridge, loggers.CreateLogger<Housekeeping>(), time);
        settings.Changed += _ =>
        {
            logger.LogInformation("settings were taken up: {Devices} device(s), {Accounts} account(s)", settings.Current.Devices.Devices.Count, settings.Current.Accounts.Count);
            foreach (var sentence in settings.AfterRestart) logger.LogWarning("{Sentence}", sentence);
            queue.Change(settings.Current.Queue, settings.Current.Delivery.Lifetime);
            Delivery.NotifySettingsChanged();
            Alerts.NotifySettingsChanged();
        };
        settings.Refused += problems => logger.LogError("the changed settings have a mistake, so the old ones stay: {Problems}", string.Join("; ", problems.Where(problem => problem.IsError)));
        meters.ObserveQueue(Waiting, () => queue.Counts().Octets, () => queue.Counts().OldestWaiting is { } oldest ? (time.GetUtcNow() - oldest).TotalSeconds : 0);
        meters.ObserveAccounts(() => Delivery.State.Accounts.Select(account => new AccountReading(
            account.Name, account.Health is AccountHealth.Paused, account.Allowance.Used, account.Connections)));
    }

    public SettingsSource Settings { get; }

    public MailQueue Queue { get; }

    public GmailConnector Connector { get; }

    public LoginProofs Logins { get; }

    public RefreshTokens RefreshTokens { get; }

    public LocalMail Mail { get; }

    public Alerts Alerts { get; }

    public ExpiryWatch Expiry { get; }

    public DeliveryLoop Delivery { get; }

    /// <summary>Completes, with the bug, if a part ended before its time.</summary>
    public Task<Exception> Failed => failed.Task;

    public void Start()
    {
        delivering.Add(Own("delivery", Delivery.RunAsync, stopDelivery.Token));
        delivering.Add(Own("reload of settings", watcher.RunAsync, stopDelivery.Token));
        delivering.Add(Own("housekeeping", housekeeping.RunAsync, stopDelivery.Token));
        noticing.Add(Own("failure reports", reports.RunAsync, stopNotices.Token));
        noticing.Add(Own("alerts", Alerts.RunAsync, stopNotices.Token));
    }

    /// <summary>Attempts in flight finish or are abandoned; what is accepted from here on waits for the next start.</summary>
    public async Task StopDeliveryAsync()
    {
        await stopDelivery.CancelAsync();
        await Task.WhenAll(delivering);
    }

    /// <summary>Delivery first, since its last words may be alerts; then the notices. The queue is closed by whoever opened it.</summary>
    public async ValueTask DisposeAsync()
    {
        await StopDeliveryAsync();
        await stopNotices.CancelAsync();
        await Task.WhenAll(noticing);
        Delivery.Dispose();
        http.Dispose();
        Logins.Dispose();
        meters.Dispose();
        stopDelivery.Dispose();
        stopNotices.Dispose();
    }

    private async Task Own(string name, Func<CancellationToken, Task> run, CancellationToken stop)
    {
        try
        {
            // Off the caller's stack: a part that works before its first wait must not hold up the others' start.
            await Task.Run(() => run(stop), CancellationToken.None);
            if (!stop.IsCancellationRequested) throw new InvalidOperationException($"{name} ended by itself");
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // as asked
        }
        catch (Exception bug)
        {
            logger.LogCritical(bug, "{Part} failed; SmartHost stops, so that whoever watches it starts it again", name);
            failed.TrySetResult(bug);
        }
    }

    private Device? Device(string name) => Settings.Current.Devices.Devices.FirstOrDefault(device => device.Name == name);

    private IEnumerable<(string, int)> Waiting()
    {
        var counts = Queue.Counts();
        return [("urgent", counts.Urgent), ("normal", counts.Normal), ("bulk", counts.Bulk), ("held", counts.Held), ("parked", counts.Parked)];
    }
}
