using System.Net;
using Microsoft.Extensions.Logging;
using SmartHost.Configuration;
using SmartHost.Dashboard.Api;
using SmartHost.Devices;
using SmartHost.Gmail;
using SmartHost.Gmail.Login;
using SmartHost.History;
using SmartHost.Hosting;
using SmartHost.Mail;
using SmartHost.Notices;
using SmartHost.Tests.Configuration;
using SmartHost.Tests.Notices;

namespace SmartHost.Tests.Hosting;

/// <summary>What is looked at once a minute, and said in the log and in the check.</summary>
[CancelAfter(60_000)]
public class HousekeepingTests
{
    private static readonly IPAddress Gateway = IPAddress.Parse("172.17.0.1");

    [Test]
    public async Task That_all_devices_share_the_gateways_address_is_said_once_in_the_log_and_in_every_check(CancellationToken cancellation)
    {
        await using var bench = await AlertsBench.OpenAsync();
        using var folder = new SettingsFolder();
        var settings = new SettingsSource(folder.ConfigFile, new Dictionary<string, string>(), folder.Read(SettingsFolder.Account + SettingsFolder.Scanner));
        var (time, sightings, log) = (bench.QueueBench.Time, new Sightings(), new Lines());
        using var http = new HttpClient();
        var tokens = new AccessTokens(time, http, new RefreshTokens(folder.DataFolder));
        var bridge = new DockerBridge(sightings, () => settings.Current.Devices, () => Gateway);
        Directory.CreateDirectory(settings.Current.DataFolder);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var housekeeping = new Housekeeping(settings, bench.QueueBench.Queue, new UnknownDevices(), bench.Alerts, new ExpiryWatch(() => settings.Current, tokens, bench.Alerts, time), bridge, log, time);
        var running = housekeeping.RunAsync(stop.Token);
        for (var i = 0; i < 3; i++) sightings.Connected(Gateway);
        await MinutesUntilAsync(() => log.All.Length > 0);
        for (var i = 0; i < 5; i++) time.Advance(TimeSpan.FromMinutes(1));
        await stop.CancelAsync();
        Assert.That(async () => await running, Throws.InstanceOf<OperationCanceledException>());
        Assert.That(log.All.Single(), Does.StartWith("Every device seems to come from 172.17.0.1").And.Contain("macvlan"));

        var checkup = new Checkup(settings.Current, new GmailConnector(time), time, (_, _) => Task.FromResult(false));
        var line = await checkup.AllAsync(new RunningState([], new QueueReply(0, 0, 0, 0, 0, 0, 0, null), bridge.Warning()!.Text, []), listening: true, cancellation).FirstAsync(line => line.Name == "Docker network", cancellation);
        Assert.That((line.Result, line.Text), Is.EqualTo((SmartHost.Dashboard.CheckResult.Bad, bridge.Warning()!.Text)));

        async Task MinutesUntilAsync(Func<bool> condition)
        {
            while (!condition())
            {
                time.Advance(TimeSpan.FromMinutes(1));
                await Task.Delay(TimeSpan.FromMilliseconds(10), TimeProvider.System, cancellation);
            }
        }
    }

    [Test]
    public async Task A_data_folder_moved_to_a_roomier_disk_ends_the_alarm_about_the_old_one(CancellationToken cancellation)
    {
        await using var bench = await AlertsBench.OpenAsync();
        using var folder = new SettingsFolder();
        var settings = new SettingsSource(folder.ConfigFile, new Dictionary<string, string>(), folder.Read(SettingsFolder.Account + SettingsFolder.Scanner + "alerts: { diskLow: 1 }\n"));
        Directory.CreateDirectory(settings.Current.DataFolder);
        Assert.That(Alert.DiskLow("/old", 1, 2).Id, Is.EqualTo(Alert.DiskLow("/new", 1, 2).Id));
        await bench.RaiseAsync(Alert.DiskLow("/old", 1, 2));
        // As an earlier version named it.
        await bench.RaiseAsync(Alert.DiskLow("/older", 1, 2) with { Key = "/older" });
        await RunUntilAsync(bench, settings, new Sightings(), new Lines(), () => bench.Alerts.Snapshot.Troubles.Count == 0, cancellation);
        Assert.That(bench.Receiver.Bodies, Has.Exactly(2).Contains("Over: The disk is nearly full").And.Exactly(2).Contains("There is room again"));
    }

    [Test]
    public async Task A_disk_that_is_gone_keeps_no_other_step_from_its_turn(CancellationToken cancellation)
    {
        await using var bench = await AlertsBench.OpenAsync();
        using var folder = new SettingsFolder();
        // Its data folder is not there, so nobody can say what is free on its disk.
        var settings = new SettingsSource(folder.ConfigFile, new Dictionary<string, string>(), folder.Read(SettingsFolder.Account + SettingsFolder.Scanner));
        var (sightings, log) = (new Sightings(), new Lines());
        for (var i = 0; i < 3; i++) sightings.Connected(Gateway);
        await bench.RaiseAsync(Alert.MailUnreadable("database", "A page is damaged.", "Look."));
        // The bridge is looked at after the disk, the queue after the bridge.
        await RunUntilAsync(bench, settings, sightings, log, () => bench.Alerts.Snapshot.Troubles.Count == 0, cancellation);
        Assert.That(log.All, Has.Some.StartsWith("housekeeping: ").And.Some.StartsWith("Every device seems to come from 172.17.0.1"));
    }

    [Test]
    public async Task A_queue_that_cannot_be_read_is_not_told_as_one_that_cannot_be_written(CancellationToken cancellation)
    {
        await using var bench = await AlertsBench.OpenAsync();
        using var folder = new SettingsFolder();
        var settings = new SettingsSource(folder.ConfigFile, new Dictionary<string, string>(), folder.Read(SettingsFolder.Account + SettingsFolder.Scanner));
        Directory.CreateDirectory(settings.Current.DataFolder);
        await bench.QueueBench.AcceptAsync();
        bench.QueueBench.Fault = step => { if (step == "read") throw new IOException("Input/output error"); };
        Assert.That(bench.QueueBench.Queue.Take((_, _) => true), Is.Null);
        await RunUntilAsync(bench, settings, new Sightings(), new Lines(), () => bench.Alerts.Snapshot.Troubles.Count > 0, cancellation);
        Assert.That(bench.Alerts.Snapshot.Troubles.Select(trouble => trouble.Alert.Title), Is.EqualTo(new[] { "SmartHost cannot read its queue" }));
        bench.QueueBench.Fault = null;
        await RunUntilAsync(bench, settings, new Sightings(), new Lines(), () => bench.Alerts.Snapshot.Troubles.Count == 0, cancellation);
        Assert.That(bench.Receiver.Bodies, Has.Some.Contains("SmartHost reads its queue again."));
    }

    /// <summary>Whoever knows a device's user name is that device with a mistake in it, and not to be allowed a second time.</summary>
    [TestCase("PANEL", null, "Somebody at 192.168.1.55 tried to log in as panel with a wrong password", "It called itself KM-C258. It was refused.", "If it is your device upstairs, correct the password in it.")]
    [TestCase("stranger", null, "An unknown device at 192.168.1.55 tried to send", "It called itself KM-C258. It was refused.", "If it is yours, allow it on the page under Devices.")]
    [TestCase(null, "scan@home.lan", "An unknown device at 192.168.1.55 tried to send", "It called itself KM-C258 and wrote as scan@home.lan. It was refused.", "If it is yours, allow it on the page under Devices.")]
    public async Task Who_was_refused_is_told_by_what_it_said(string? username, string? sender, string title, string text, string remedy, CancellationToken cancellation)
    {
        await using var bench = await AlertsBench.OpenAsync();
        using var folder = new SettingsFolder();
        var settings = new SettingsSource(folder.ConfigFile, new Dictionary<string, string>(), folder.Read(SettingsFolder.Account + SettingsFolder.Scanner
            + "  upstairs: { username: panel, passwordHash: pbkdf2-sha256$80000$MDEyMzQ1Njc4OWFiY2RlZg==$31B9Accg8dLeg9jrPeAj0Aw5iKcR4Au8MbgZvknk0CQ=, recipients: you@gmail.com }\n"));
        Directory.CreateDirectory(settings.Current.DataFolder);
        var unknown = new UnknownDevices();
        var from = sender is null ? ReversePath.Null : new ReversePath(Mailbox.Parse(sender));
        var (isKnocking, alert) = (true, default(Alert));
        await RunUntilAsync(bench, settings, new Sightings(), new Lines(), () =>
        {
            if (isKnocking) unknown.Remember(new UnknownAttempt(IPAddress.Parse("192.168.1.55"), "KM-C258", username, from, null, DateTimeOffset.UnixEpoch));
            isKnocking = false;
            return (alert = bench.Alerts.Snapshot.Troubles.SingleOrDefault(trouble => trouble.Alert.Kind == AlertKind.UnknownDevice)?.Alert) is not null;
        }, cancellation, unknown);
        Assert.That((alert!.Title, alert.Text, alert.Remedy), Is.EqualTo((title, text, remedy)));
    }

    /// <summary>The first round comes at once; the alerts' turns are the test's own.</summary>
    private static async Task RunUntilAsync(AlertsBench bench, SettingsSource settings, Sightings sightings, Lines log, Func<bool> condition, CancellationToken cancellation, UnknownDevices? unknown = null)
    {
        var time = bench.QueueBench.Time;
        using var http = new HttpClient();
        var expiry = new ExpiryWatch(() => settings.Current, new AccessTokens(time, http, new RefreshTokens(settings.Current.DataFolder)), bench.Alerts, time);
        var bridge = new DockerBridge(sightings, () => settings.Current.Devices, () => Gateway);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var running = new Housekeeping(settings, bench.QueueBench.Queue, unknown ?? new UnknownDevices(), bench.Alerts, expiry, bridge, log, time).RunAsync(stop.Token);
        while (!condition())
        {
            cancellation.ThrowIfCancellationRequested();
            await bench.TurnAsync();
            await Task.Yield();
        }
        await stop.CancelAsync();
        Assert.That(async () => await running, Throws.InstanceOf<OperationCanceledException>());
    }

    private sealed class Lines : ILogger<Housekeeping>
    {
        private readonly List<string> lines = [];

        public string[] All
        {
            get { lock (lines) return [.. lines]; }
        }

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            lock (lines) lines.Add(formatter(state, exception));
        }
    }
}
