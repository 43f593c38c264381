using System.Net;
using Microsoft.Extensions.Time.Testing;
using SmartHost.Configuration;
using SmartHost.Devices;
using SmartHost.Gmail;
using SmartHost.Mail;

namespace SmartHost.Tests.Configuration;

public class SettingsSourceTests
{
    private const string Sound = SettingsFolder.Account + SettingsFolder.Scanner;

    private static readonly Device Ups = new() { Name = "ups", Addresses = [new IPNetwork(IPAddress.Parse("192.168.1.40"), 32)], Recipients = AddressPatterns.Any };

    [Test]
    public void A_changed_file_is_taken_up_whole()
    {
        using var folder = new SettingsFolder();
        var source = Open(folder);
        var changes = new List<SettingsChange>();
        source.Changed += changes.Add;
        folder.Write("smarthost.yaml", Sound + "limits: { connections: 7 }\n");
        Assert.That(source.Reload(), Is.InstanceOf<ReloadOutcome.Applied>());
        Assert.That(source.Current.Limits.Connections, Is.EqualTo(7));
        Assert.That((changes.Single().Old.Limits.Connections, changes.Single().New), Is.EqualTo((100, source.Current)));
        Assert.That(source.AfterRestart, Is.Empty);
    }

    [Test]
    public void A_file_with_a_mistake_is_refused_whole_and_shown_until_it_is_mended()
    {
        using var folder = new SettingsFolder();
        var source = Open(folder);
        var (before, refused) = (source.Current, 0);
        source.Refused += problems => refused += problems.Count;
        folder.Write("smarthost.yaml", Sound + "limits: { connections: 7, errors: many }\n");
        Assert.That(source.Reload(), Is.InstanceOf<ReloadOutcome.Refused>());
        Assert.That(source.Current, Is.SameAs(before));
        Assert.That((refused, source.LastProblems.Single().Path), Is.EqualTo((1, "limits.errors")));
        folder.Write("smarthost.yaml", Sound);
        source.Reload();
        Assert.That(source.LastProblems, Is.Empty);
    }

    [Test]
    public void What_cannot_change_while_running_waits_for_a_restart()
    {
        using var folder = new SettingsFolder();
        var source = Open(folder, Sound + "listeners: { lan: { port: 2525 }, old: { port: 2526 } }\n");
        folder.Write("smarthost.yaml", Sound + "listeners: { lan: { port: 25, authInClear: true }, new: { port: 2527 } }\ndashboard: { port: 8026, token: token-for-scripts }\nhostname: other.lan\n");
        var applied = (ReloadOutcome.Applied)source.Reload();
        var name = applied.Change.Old.Hostname;
        Assert.That(applied.Change.AfterRestart, Is.EqualTo(new[]
        {
            $"hostname is other.lan now; devices are greeted as {name} until SmartHost is restarted",
            "the dashboard's port, address or switch changed, which takes effect after a restart",
            "listeners.new is new; it opens after a restart",
            "listeners.lan changed, which takes effect after a restart",
            "listeners.old is gone; it stays open until SmartHost is restarted",
        }));
        Assert.That(source.Current.Listeners.Select(listener => (listener.Name, listener.Port, listener.AuthInClear)), Is.EqualTo(new[] { ("lan", 2525, false), ("old", 2526, false) }));
        Assert.That((source.Current.Dashboard.Port, source.Current.Dashboard.Token, source.Current.Hostname), Is.EqualTo((8025, new Secret("token-for-scripts"), name)));
        Assert.That(source.AfterRestart, Is.EqualTo(applied.Change.AfterRestart));
    }

    [Test]
    public void The_log_waits_for_a_restart_and_says_so_until_it_is_as_before()
    {
        using var folder = new SettingsFolder();
        var source = Open(folder);
        folder.Write("smarthost.yaml", Sound + "log: { level: debug }\nhistory: { keepDays: 3 }\nqueue: { maxMessages: 5 }\n");
        source.Reload();
        Assert.That(source.AfterRestart, Is.EqualTo(new[] { "log changed, which takes effect after a restart" }));
        Assert.That((source.Current.Log.Level, source.Current.Queue.KeepDays, source.Current.Queue.MaxMessages), Is.EqualTo((SmartHost.History.LogVerbosity.Information, 3, 5)));
        source.Reload();
        Assert.That(source.AfterRestart, Has.Count.EqualTo(1), "read again, still waiting");
        folder.Write("smarthost.yaml", Sound);
        source.Reload();
        Assert.That(source.AfterRestart, Is.Empty);
    }

    [Test]
    public void A_password_that_is_taken_away_opens_the_page_until_a_restart_and_it_is_said()
    {
        using var folder = new SettingsFolder();
        var source = Open(folder, Sound + "dashboard: { password: geheimnis }\n");
        folder.Write("smarthost.yaml", Sound);
        source.Reload();
        Assert.That((source.Current.Dashboard.Password, source.AfterRestart.Single()), Is.EqualTo((new Secret("geheimnis"),
            "dashboard.password is gone; the page opens by the one in the data folder after a restart, and by the old one until then")));
    }

    [Test]
    public void Each_device_is_known_by_where_it_stands()
    {
        using var folder = new SettingsFolder();
        folder.Write("data/devices/ups.yml", "addresses: 10.0.0.1\nrecipients: \"*\"\n");
        folder.Write("smarthost.yaml", Sound);
        var environment = new Dictionary<string, string> { ["SMARTHOST_DATA"] = folder.DataFolder, ["SMARTHOST_DEVICES"] = "192.168.1.50=>*" };
        var source = new SettingsSource(folder.ConfigFile, environment, SettingsReader.Read(folder.ConfigFile, environment));
        Assert.That((source.PlaceOf("scanner")!.Source, source.PlaceOf("ups")!.Source, source.PlaceOf("device-192-168-1-50")!.Variable, source.PlaceOf("none")),
            Is.EqualTo((folder.ConfigFile, Path.Combine(folder.DataFolder, "devices", "ups.yml"), "SMARTHOST_DEVICES", (Place?)null)));
    }

    [Test]
    public void The_data_folder_stays_with_its_devices_until_a_restart()
    {
        using var folder = new SettingsFolder();
        folder.Write("old/devices/ups.yaml", "addresses: 10.0.0.1\nrecipients: \"*\"\n");
        folder.Write("smarthost.yaml", Sound + "data: old\n");
        var environment = new Dictionary<string, string>();
        var source = new SettingsSource(folder.ConfigFile, environment, SettingsReader.Read(folder.ConfigFile, environment));
        folder.Write("smarthost.yaml", Sound + "data: new\n");
        source.Reload();
        Assert.That((source.Current.DataFolder, source.Current.Queue.Folder), Is.EqualTo((Path.Combine(folder.Path, "old"), Path.Combine(folder.Path, "old"))));
        Assert.That(source.Current.Devices.Devices.Select(device => device.Name), Is.EqualTo(new[] { "scanner", "ups" }));
        Assert.That(source.AfterRestart.Single(), Does.StartWith("data is "));
    }

    [Test]
    public void A_device_is_allowed_edited_and_forgotten()
    {
        using var folder = new SettingsFolder();
        var source = Open(folder);
        Assert.That(source.Allow(Ups), Is.InstanceOf<ReloadOutcome.Applied>());
        Assert.That(source.Current.Devices.ByAddress(IPAddress.Parse("192.168.1.40"))?.Name, Is.EqualTo("ups"));
        Assert.That(source.Allow(Ups with { PerHour = 3 }), Is.InstanceOf<ReloadOutcome.Applied>());
        Assert.That(source.Current.Devices.ByAddress(IPAddress.Parse("192.168.1.40"))?.PerHour, Is.EqualTo(3));
        Assert.That(source.Forget("ups"), Is.InstanceOf<ReloadOutcome.Applied>());
        Assert.That(source.Current.Devices.ByAddress(IPAddress.Parse("192.168.1.40")), Is.Null);
    }

    /// <summary>Its owner may have written in it what no form shows, and why.</summary>
    [Test]
    public void An_edit_writes_anew_only_what_it_changes()
    {
        using var folder = new SettingsFolder();
        const string before = """
            # The one upstairs.
            addresses:
            - 192.168.1.40   # its fixed address
            - 192.168.1.41
            recipients: "*"
            maxSize: 5M      # it hangs on more

            # It cannot encrypt.
            requireTls: false
            priority: bulk

            """;
        var file = folder.Write("data/devices/ups.yaml", before);
        var source = Open(folder);
        var device = source.Current.Devices.Devices.Single(one => one.Name == "ups");
        Assert.That(source.Allow(device with { PerHour = 3 }), Is.InstanceOf<ReloadOutcome.Applied>());
        Assert.That(File.ReadAllText(file), Is.EqualTo(before.TrimEnd() + "\nperHour: 3\n"));
        Assert.That(source.Allow(device with { Addresses = [new IPNetwork(IPAddress.Parse("192.168.1.42"), 32)], Priority = Lane.Normal }), Is.InstanceOf<ReloadOutcome.Applied>());
        Assert.That(File.ReadAllText(file), Is.EqualTo("""
            # The one upstairs.
            addresses: ["192.168.1.42"]
            recipients: "*"
            maxSize: 5M      # it hangs on more

            # It cannot encrypt.
            requireTls: false

            """));
        Assert.That(source.Current.Devices.Devices.Single(one => one.Name == "ups"), Has.Property("MaxSize").EqualTo(5 << 20).And.Property("PerHour").Null);
    }

    /// <summary>All on one line, moved in, or in quotes: what cannot be changed line by line is written as a whole, and no setting is lost.</summary>
    [TestCase("{ addresses: 192.168.1.40, recipients: \"*\", senders: \"*@home.lan\", perHour: 5 }\n")]
    [TestCase("  addresses: 192.168.1.40\n  recipients: \"*\"\n  senders: \"*@home.lan\"\n  perHour: 5\n")]
    [TestCase("addresses: 192.168.1.40\nrecipients: \"*\"\nsenders: \"*@home.lan\"\n\"perHour\": 5\n")]
    [TestCase("---\naddresses: [\n  192.168.1.40 ]\nrecipients: \"*\"\nsenders: \"*@home.lan\"\n? perHour\n: 5\n")]
    public void However_its_file_is_laid_out_an_edit_takes_effect_and_loses_nothing(string before)
    {
        using var folder = new SettingsFolder();
        folder.Write("data/devices/ups.yaml", before);
        var source = Open(folder);
        var device = source.Current.Devices.Devices.Single(one => one.Name == "ups");
        Assert.That(source.Allow(device with { PerHour = 6 }), Is.InstanceOf<ReloadOutcome.Applied>());
        var after = source.Current.Devices.Devices.Single(one => one.Name == "ups");
        Assert.That(DeviceFiles.Text(after), Is.EqualTo(DeviceFiles.Text(device with { PerHour = 6 })));
        Assert.That(after.Senders.Patterns, Is.EqualTo(new[] { "*@home.lan" }));
    }

    [Test]
    public void A_device_that_would_spoil_the_settings_is_never_written()
    {
        using var folder = new SettingsFolder();
        var source = Open(folder);
        var same = (ReloadOutcome.Refused)source.Allow(Ups with { Addresses = [new IPNetwork(IPAddress.Parse("192.168.1.23"), 32)] });
        Assert.That(same.Problems.Single().What, Does.Contain("which devices.scanner"));
        Assert.That(((ReloadOutcome.Refused)source.Allow(Ups with { Name = "scanner" })).Problems.Select(problem => problem.What), Has.Some.StartsWith("is configured twice"));
        Assert.That(source.Allow(Ups with { Name = "../x" }), Is.InstanceOf<ReloadOutcome.Refused>());
        Assert.That(((ReloadOutcome.Refused)source.Forget("scanner")).Problems.Single().Instead, Does.StartWith("There is no file"));
        Assert.That(Directory.Exists(folder.DataFolder), Is.False);
        Assert.That(source.LastProblems, Is.Empty, "a trial is no reading");
    }

    /// <summary>Files, secret files and the folder of devices alike, with the system's word or without it.</summary>
    [Test]
    public async Task The_watcher_finds_every_change_within_its_interval()
    {
        using var folder = new SettingsFolder();
        folder.Write("secret", "abcdefghijklmnop");
        var source = Open(folder, "accounts: { default: { username: you@gmail.com, appPasswordFile: secret } }\n" + SettingsFolder.Scanner);
        var time = new FakeTimeProvider();
        using var stop = new CancellationTokenSource();
        var running = new SettingsWatcher(source, time).RunAsync(stop.Token);

        await ChangesAsync(() => folder.Write("secret", "ponmlkjihgfedcba"), () => source.Current.Accounts[0].Credentials.Equals(new AccountCredentials.AppPassword(new Secret("ponmlkjihgfedcba"))));
        await ChangesAsync(() => folder.Write("data/devices/ups.yaml", "addresses: 10.0.0.1\nrecipients: \"*\"\n"), () => source.Current.Devices.Devices.Count == 2);
        await ChangesAsync(() => File.AppendAllText(folder.ConfigFile, "limits: { connections: 7 }\n"), () => source.Current.Limits.Connections == 7);
        await ChangesAsync(() => File.AppendAllText(folder.ConfigFile, "oops: 1\n"), () => source.LastProblems.Count == 1);
        await ChangesAsync(() => File.Delete(Path.Combine(folder.DataFolder, "devices", "ups.yaml")), () => !source.IsStale(out _));
        await ChangesAsync(() => folder.Write("smarthost.yaml", Sound), () => source.LastProblems.Count == 0 && source.Current.Devices.Devices.Count == 1);

        await stop.CancelAsync();
        await running;

        async Task ChangesAsync(Action change, Func<bool> seen)
        {
            change();
            using var enough = new CancellationTokenSource(TimeSpan.FromSeconds(20));
            while (!seen())
            {
                Assert.That(enough.IsCancellationRequested, Is.False, "the change was not found");
                time.Advance(SettingsWatcher.Interval);
                await Task.Yield();
            }
        }
    }

    [Test]
    public void Files_at_rest_are_read_once()
    {
        using var folder = new SettingsFolder();
        var source = Open(folder);
        Assert.That(source.IsStale(out _), Is.False);
        folder.Write("smarthost.yaml", Sound + "hostname: other.lan\n");
        Assert.That(source.IsStale(out _), Is.True);
        source.Reload();
        Assert.That(source.IsStale(out _), Is.False);
    }

    private static SettingsSource Open(SettingsFolder folder, string yaml = Sound)
    {
        var result = folder.Read(yaml);
        Assert.That(folder.Problems(result), Is.Empty);
        return new SettingsSource(folder.ConfigFile, new Dictionary<string, string> { ["SMARTHOST_DATA"] = folder.DataFolder }, result);
    }
}
