using System.Net;
using CsCheck;
using SmartHost.Configuration;
using SmartHost.Dashboard.Access;
using SmartHost.Devices;
using SmartHost.Gmail;
using SmartHost.Gmail.Login;
using SmartHost.History;
using SmartHost.Listener;
using SmartHost.Mail;
using SmartHost.Notices;

namespace SmartHost.Tests.Configuration;

public class SettingsReaderTests
{
    [Test]
    public void What_is_written_arrives_in_the_records()
    {
        using var folder = new SettingsFolder();
        folder.Environment["SMARTHOST_DATA"] = "";
        var settings = Sound(folder, folder.Read("""
            accounts:
              main: { username: you@gmail.com, appPassword: "abcd efgh ijkl mnop", aliases: [info@example.com], port: 465, tls: Implicit, fallback: office }
              office: { username: office@example.com, oauth: { clientId: id, clientSecret: s1, refreshToken: r1 }, dailyRecipients: 10000, host: Smtp.Example.com }
              relay: { username: relay@example.com, host: smtp-relay.gmail.com }
            listeners:
              lan: { port: 25, address: 127.0.0.1, tls: off, authInClear: yes }
              tls: { port: 465, tls: implicit, legacyTls: on }
            dashboard: { port: 8026, address: localhost, password: geheimnis, token: token-for-scripts, openMetrics: true, hosts: ["*.example.com", mail.example.org] }
            data: ./queue
            hostname: mail.home.lan
            unknownDevices: refuse
            devices:
              scanner:
                addresses: [192.168.1.23, "10.0.0.0/8"]
                senders: "*@home.lan, scan@example.com"
                recipients: [you@gmail.com, "*@example.com"]
                maxSize: 10 MB
                perHour: 5
                perDay: 50
                account: office
                priority: Urgent
                requireTls: true
                from: Office scanner
                addTo: archive@example.com
                subjectPrefix: "[scan]"
                reportTo: boss@example.com
                trace: true
            alerts: { email: you@gmail.com, webhook: "https://ntfy.sh/topic", format: homeAssistant, allowancePercent: 90, diskLow: 1G }
            limits: { maxSize: 25M, connections: 7, sessionTimeout: 90s, authLockout: 1.5h }
            delivery: { pace: 0, lifetime: 2d, retryShortest: 2m }
            history: { keepContent: 3, keepDays: 60 }
            queue: { maxMessages: 10, minFree: 1500K }
            log: { format: json, level: debug, file: logs/smarthost.log }
            trace: 192.168.1.0/255.255.255.0

            """));

        Assert.That(settings.Accounts.Select(account => account.Name), Is.EqualTo(new[] { "main", "office", "relay" }), "in the order of the file");
        Assert.That(settings.Accounts[0].Credentials, Is.EqualTo(new AccountCredentials.AppPassword(new Secret("abcdefghijklmnop"))), "blanks do not matter");
        Assert.That((settings.Accounts[0].Port, settings.Accounts[0].Tls, settings.Accounts[0].Fallback), Is.EqualTo((465, AccountTls.Implicit, "office")));
        Assert.That(settings.Accounts[0].Aliases, Is.EqualTo(new[] { Mailbox.Parse("info@example.com") }));
        Assert.That(settings.Accounts[1].Credentials, Is.EqualTo(new AccountCredentials.OAuth("id", new Secret("s1"), new Secret("r1"))));
        Assert.That((settings.Accounts[1].DailyRecipients, settings.Accounts[1].DailyMessages, settings.Accounts[1].Host), Is.EqualTo((10_000, 500, "Smtp.Example.com")));
        Assert.That(settings.Accounts[2].Credentials, Is.EqualTo(new AccountCredentials.ByAddress()));

        Assert.That(settings.Listeners, Is.EqualTo(new[]
        {
            new ListenerSettings { Name = "lan", Port = 25, Address = IPAddress.Loopback, Tls = ListenerTls.Off, AuthInClear = true },
            new ListenerSettings { Name = "tls", Port = 465, Tls = ListenerTls.Implicit, LegacyTls = true },
        }));
        Assert.That((settings.Dashboard.Port, settings.Dashboard.Address, settings.Dashboard.Password, settings.Dashboard.Token, settings.Dashboard.OpenMetrics),
            Is.EqualTo((8026, IPAddress.Loopback, new Secret("geheimnis"), new Secret("token-for-scripts"), true)));
        Assert.That(settings.Dashboard.Hosts, Is.EqualTo(new[] { "*.example.com", "mail.example.org" }));
        Assert.That((settings.DataFolder, settings.Queue.Folder, settings.Hostname), Is.EqualTo((Path.Combine(folder.Path, "queue"), Path.Combine(folder.Path, "queue"), "mail.home.lan")));

        var scanner = settings.Devices.Devices.Single();
        Assert.That(scanner.Addresses.Select(ClientNetwork.ToText), Is.EqualTo(new[] { "192.168.1.23", "10.0.0.0/8" }));
        Assert.That(scanner.Senders.Patterns, Is.EqualTo(new[] { "*@home.lan", "scan@example.com" }));
        Assert.That(scanner.Recipients.Patterns, Is.EqualTo(new[] { "you@gmail.com", "*@example.com" }));
        Assert.That((scanner.MaxSize, scanner.PerHour, scanner.PerDay, scanner.Account, scanner.Priority, scanner.RequireTls, scanner.RequireAuth), Is.EqualTo((10L << 20, 5, 50, "office", Lane.Urgent, true, false)));
        Assert.That((scanner.From, scanner.SubjectPrefix, scanner.ReportTo, scanner.Trace), Is.EqualTo(("Office scanner", "[scan]", Mailbox.Parse("boss@example.com"), true)));
        Assert.That(scanner.AddTo, Is.EqualTo(new[] { Mailbox.Parse("archive@example.com") }));

        Assert.That(settings.Alerts, Is.EqualTo(new AlertSettings { Email = Mailbox.Parse("you@gmail.com"), Webhook = new Secret("https://ntfy.sh/topic"), Format = WebhookFormat.HomeAssistant, AllowancePercent = 90, DiskLow = 1L << 30 }));
        Assert.That(settings.Limits, Is.EqualTo(new LimitSettings { MaxSize = 25 << 20, Connections = 7, SessionTimeout = TimeSpan.FromSeconds(90), AuthLockout = TimeSpan.FromMinutes(90) }));
        Assert.That((settings.Delivery.Pace, settings.Delivery.Lifetime, settings.Delivery.RetryShortest), Is.EqualTo((TimeSpan.Zero, TimeSpan.FromDays(2), TimeSpan.FromMinutes(2))));
        Assert.That((settings.Queue.KeepContent, settings.Queue.KeepDays, settings.Queue.MaxMessages, settings.Queue.MinFree), Is.EqualTo((3, 60, 10, 1_536_000L)));
        Assert.That(settings.Log, Is.EqualTo(new LogSettings { Format = LogFormat.Json, Level = LogVerbosity.Debug, File = Path.Combine(folder.Path, "logs/smarthost.log") }));
        Assert.That(settings.TraceClients.Select(ClientNetwork.ToText), Is.EqualTo(new[] { "192.168.1.0/24" }));
    }

    [Test]
    public void What_is_not_written_has_its_default()
    {
        using var folder = new SettingsFolder();
        var settings = Sound(folder, folder.Read(SettingsFolder.Account + SettingsFolder.Scanner));
        Assert.That(settings.Listeners, Is.EqualTo(new[] { new ListenerSettings { Name = "lan", Port = 2525, Tls = ListenerTls.Optional, Address = IPAddress.IPv6Any } }));
        Assert.That(settings.Limits, Is.EqualTo(new LimitSettings()));
        Assert.That(settings.DataFolder, Is.EqualTo(folder.DataFolder));
        Assert.That(settings.Hostname, Is.Not.Empty);
        Assert.That(settings.Devices.Devices.Single().Senders.Patterns, Is.EqualTo(new[] { "*" }));
    }

    /// <summary>Else one verb would look for the data of the file here and another there, each by where it was typed.</summary>
    [Test]
    public void The_data_stand_beside_the_file_where_nobody_says_where()
    {
        using var folder = new SettingsFolder();
        folder.Write("smarthost.yaml", SettingsFolder.Account + SettingsFolder.Scanner);
        Assert.That(SettingsReader.Read(folder.ConfigFile, new Dictionary<string, string>()).Settings!.DataFolder, Is.EqualTo(folder.DataFolder));
        var mistaken = folder.Write("mistaken.yaml", "devises: {}\n");
        Assert.That(SettingsReader.Read(mistaken, new Dictionary<string, string>()).DeviceFolder, Is.EqualTo(Path.Combine(folder.DataFolder, "devices")), "a server that runs by it is asked there");

        var environment = new Dictionary<string, string> { ["SMARTHOST_CONFIG"] = folder.ConfigFile + "x", ["GMAIL_USERNAME"] = "you@gmail.com", ["GMAIL_APP_PASSWORD"] = "abcdefghijklmnop" };
        Assert.That(SettingsReader.Read(null, environment).Settings!.DataFolder, Is.EqualTo(Path.GetFullPath("data")), "without a file, in the current folder");
    }

    [Test]
    public void A_file_with_YAMLs_other_ending_is_found_and_told()
    {
        using var folder = new SettingsFolder();
        folder.Write("smarthost.yml", SettingsFolder.Account + SettingsFolder.Scanner);
        Assert.That(folder.Problems(folder.Read()), Is.EqualTo(new[] { "smarthost.yaml: error: the configuration file does not exist. There is smarthost.yml: rename it to smarthost.yaml, or name that one." }));

        var environment = new Dictionary<string, string>
        {
            ["SMARTHOST_CONFIG"] = folder.ConfigFile, ["SMARTHOST_DATA"] = folder.DataFolder, ["GMAIL_USERNAME"] = "you@gmail.com", ["GMAIL_APP_PASSWORD"] = "abcdefghijklmnop", ["SMARTHOST_DEVICES"] = "192.168.1.23=>you@gmail.com",
        };
        var result = SettingsReader.Read(null, environment);
        Assert.That(folder.Problems(result), Is.EqualTo(new[] { "smarthost.yml: warning: this file is not read, for it is not called smarthost.yaml. Rename it to smarthost.yaml, or name it with --config." }));
        Assert.That(result.Settings, Is.Not.Null);
    }

    [Test]
    public void A_folder_is_asked_for_where_a_folder_is_meant()
    {
        using var folder = new SettingsFolder();
        folder.Environment["SMARTHOST_DATA"] = "";
        Assert.That(folder.Problems(folder.Read(SettingsFolder.Account + SettingsFolder.Scanner + "data: ''\n")), Is.EqualTo(new[] { "smarthost.yaml:9:7: error: data is “”, which is not a path. Write the path of a folder." }));
        Assert.That(folder.Problems(folder.Read(SettingsFolder.Account + SettingsFolder.Scanner + "data: ${HOME}/smarthost\n")).Single(), Does.EndWith("Write the whole path: variables such as $HOME are not read."));
    }

    [Test]
    public void The_usual_listener_keeps_its_port_when_only_something_else_is_written()
    {
        using var folder = new SettingsFolder();
        var settings = Sound(folder, folder.Read(SettingsFolder.Account + SettingsFolder.Scanner + "listeners: { lan: { authInClear: true } }\n"));
        Assert.That(settings.Listeners, Is.EqualTo(new[] { new ListenerSettings { Name = "lan", Port = 2525, AuthInClear = true } }));
        Assert.That(folder.Problems(folder.Read(SettingsFolder.Account + SettingsFolder.Scanner + "listeners: { tls: { tls: implicit } }\n")),
            Is.EqualTo(new[] { "smarthost.yaml:9:14: error: listeners.tls.port is missing. Write a number from 1 to 65535, such as 2525." }));
    }

    /// <summary>A socket's path is bound by the system, and the start would fail on it.</summary>
    [Test]
    public void A_data_folder_is_no_longer_than_its_socket_allows()
    {
        using var folder = new SettingsFolder();
        string Data(int octets) => "/" + new string('d', octets - 1);
        folder.Write("smarthost.yaml", SettingsFolder.Account + SettingsFolder.Scanner);
        SettingsResult In(int octets) => SettingsReader.Read(folder.ConfigFile, new Dictionary<string, string> { ["SMARTHOST_DATA"] = Data(octets) });
        Assert.That(In(ControlSocket.MaxPath - 13).Problems, Is.Empty);
        Assert.That(In(ControlSocket.MaxPath - 12).Problems.Single().ToString(),
            Is.EqualTo($"environment variable SMARTHOST_DATA: error: data is {Data(ControlSocket.MaxPath - 12)}, too long for the socket that the command line asks the server by. Name a folder of {ControlSocket.MaxPath - 13} octets at most."));
    }

    [Test]
    public void A_file_that_was_named_must_exist_unless_the_environment_says_enough()
    {
        using var folder = new SettingsFolder();
        Assert.That(folder.Problems(folder.Read()), Is.EqualTo(new[]
            { "smarthost.yaml: error: the configuration file does not exist. Create it, or correct the path; in a container the file must be mounted there. Or do without a file: set GMAIL_USERNAME, GMAIL_APP_PASSWORD_FILE and SMARTHOST_DEVICES." }));

        var environment = new Dictionary<string, string> { ["SMARTHOST_CONFIG"] = folder.ConfigFile, ["SMARTHOST_DATA"] = folder.DataFolder };
        Assert.That(SettingsReader.Read(null, environment).Problems.Single().What, Is.EqualTo("the configuration file does not exist"));
        environment["GMAIL_USERNAME"] = "you@gmail.com";
        environment["GMAIL_APP_PASSWORD"] = "abcdefghijklmnop";
        environment["SMARTHOST_DEVICES"] = "192.168.1.23=>you@gmail.com";
        var result = SettingsReader.Read(null, environment);
        Assert.That(result.Problems, Is.Empty);
        Assert.That(result.Settings!.Devices.Devices.Single().Recipients.Patterns, Is.EqualTo(new[] { "you@gmail.com" }));
        Assert.That(result.Files, Is.EqualTo(new[] { folder.ConfigFile }), "watched, for it may appear");
    }

    [Test]
    public void A_file_that_is_no_text_or_a_folder_is_told()
    {
        using var folder = new SettingsFolder();
        File.WriteAllBytes(folder.ConfigFile, [0xff, 0xfe, (byte)'a', 0]);
        Assert.That(folder.Read().Problems.Single().What, Is.EqualTo("the configuration file is not text in UTF-8"));
        File.Delete(folder.ConfigFile);
        Directory.CreateDirectory(folder.ConfigFile);
        Assert.That(folder.Read().Problems.Single().Instead, Does.Contain("Docker makes an empty folder"));
    }

    [Test]
    public void A_byte_order_mark_and_Windows_line_ends_do_not_matter()
    {
        using var folder = new SettingsFolder();
        Sound(folder, folder.Read("\ufeff" + (SettingsFolder.Account + SettingsFolder.Scanner).ReplaceLineEndings("\r\n")));
    }

    /// <summary>Any text ends in settings or problems, and every problem has a place and a remedy.</summary>
    [Test]
    public void No_text_is_too_strange()
    {
        string[] pieces =
        [
            "accounts", "devices", "listeners", ":", ": ", "\n", "\n  ", "\n    ", "\t", "- ", "[", "]", "{", "}", ",", "\"", "'", "|", ">", "&a", "*a", "*", "!x", "!!str ", "%YAML 1.2", "%YAML 99999999999.1", "---", "...",
            "#", "? ", "<<", "~", "port", "default", "username", "x@y", "25", "-1", "\\", "\\x", "\\U0011FFFF", "\"\\uD800\"", "\0", "\r", "é", "漢", "\ud83d\ude00", "\u2028", "@", "`", "%", "recipients", "addresses", "appPasswordFile", "appPassword", "lifetime", "delivery", "99999999999999999999d", "/nowhere", "$CREDENTIALS_DIRECTORY/x",
        ];
        using var folder = new SettingsFolder();
        var piece = Gen.Int[0, pieces.Length - 1].Select(i => pieces[i]);
        var random = Gen.OneOf(piece, piece, Gen.String[0, 5]).Array[0, 40].Select(string.Concat);
        var mangled = Gen.Select(Gen.Int[0, 150], piece).Select((at, text) => (SettingsFolder.Account + SettingsFolder.Scanner).Insert(at, text));
        Gen.OneOf(random, mangled).Sample(yaml =>
        {
            var problems = new List<Problem>();
            var tree = YamlReader.Read(yaml, folder.ConfigFile, problems);
            Assert.That(tree is not null || problems.Count > 0, Is.True, "nothing is refused without a word");
            if (tree is not null)
            {
                var context = new ReadContext(SettingsSchema.Root, new Dictionary<string, string>());
                context.Places[""] = tree.Place;
                SettingsChecks.Check(SettingsSchema.Root.Read(tree, "", "", context), context);
                problems.AddRange(context.Problems);
            }
            foreach (var problem in problems)
            {
                Assert.That(problem.Place.Source, Is.Not.Empty);
                Assert.That(problem.What, Is.Not.Empty);
                Assert.That(problem.Instead, Is.Not.Empty);
                Assert.That(problem.ToString().Any(c => char.IsControl(c)), Is.False, problem.ToString());
            }
        }, iter: 5_000, threads: 1);
    }

    [Test]
    public void Deep_nesting_is_refused_without_overflowing()
    {
        var problems = new List<Problem>();
        Assert.That(YamlReader.Read(new string('[', 5_000), "f.yaml", problems), Is.Null);
        Assert.That(YamlReader.Read("a: " + new string('[', 500) + new string(']', 500), "f.yaml", problems), Is.Null);
        Assert.That(problems.Select(problem => problem.What), Has.Member("this is nested too deeply"));
    }

    private static SmartHostSettings Sound(SettingsFolder folder, SettingsResult result)
    {
        Assert.That(folder.Problems(result), Is.Empty);
        return result.Settings!;
    }
}
