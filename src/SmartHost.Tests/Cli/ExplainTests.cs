using SmartHost.Cli;
using SmartHost.Tests.EndToEnd;

namespace SmartHost.Tests.Cli;

/// <summary>Which rule decides, asked of the settings, and of the running server what only it knows.</summary>
[CancelAfter(30_000)]
public class ExplainTests
{
    private const string Yaml = """
        accounts:
          default: { username: you@gmail.com, appPassword: abcd efgh ijkl mnop }
        limits: { maxSize: 1000000 }
        devices:
          scanner: { addresses: [192.168.1.23], recipients: [you@gmail.com], senders: ["*@example.com"] }
          office: { addresses: [192.168.1.0/24], recipients: ["*@example.com"], maxSize: 100000 }
          camera: { addresses: ["fd00::/8"], recipients: ["*"], requireTls: true }
          door: { addresses: [192.168.2.7], username: door, passwordHash: "HASH", recipients: ["*"], requireAuth: true }
          ups: { addresses: [192.168.2.40], recipients: ["*"], perHour: 5 }
          shop: { username: shop, passwordHash: "HASH", recipients: ["*@example.com"] }
        """;

    // Known by its address, the longest prefix first, however the address is written.
    [TestCase("--client 192.168.1.23 --from a@example.com --to you@gmail.com", true, "scanner", "devices.scanner.recipients you@gmail.com")]
    [TestCase("--client ::ffff:192.168.1.23 --from a@example.com --to you@gmail.com", true, "scanner", "devices.scanner.recipients you@gmail.com")]
    [TestCase("--client 192.168.1.23 --from a@elsewhere.example --to you@gmail.com", false, "scanner", "devices.scanner.senders")]
    [TestCase("--client 192.168.1.23 --from <> --to you@gmail.com", false, "scanner", "devices.scanner.senders")]
    [TestCase("--client 192.168.1.23 --from a@example.com --to other@gmail.com", false, "scanner", "devices.scanner.recipients")]
    [TestCase("--client 192.168.1.24 --from x@anything.example --to a@example.com", true, "office", "devices.office.recipients *@example.com")]
    [TestCase("--client 192.168.1.24 --from <x@anything.example> --to <a@example.com>", true, "office", "devices.office.recipients *@example.com")]
    [TestCase("--client 192.168.1.24 --from <> --to a@example.com", true, "office", "devices.office.recipients *@example.com")]
    [TestCase("--client 192.168.1.24 --from x@y.example --to a@example.com --size 100001", false, "office", "devices.office.maxSize 100000")]
    [TestCase("--client 192.168.1.24 --from x@y.example --to a@example.com --size 2000000", false, "office", "limits.maxSize 1000000")]
    // As the listener reads what cameras give for a sender.
    [TestCase("--client 192.168.1.24 --from a --to a@example.com", true, "office", "devices.office.recipients *@example.com")]
    [TestCase("--client 192.168.1.23 --from <scan@example.com.> --to you@gmail.com", true, "scanner", "devices.scanner.recipients you@gmail.com")]
    [TestCase("--client 192.168.1.23 --from scan --to you@gmail.com", false, "scanner", "devices.scanner.senders")]
    // IPv6 and what a device must do first.
    [TestCase("--client fd00::5 --from x@y.example --to z@gmail.com", false, "camera", "devices.camera.requireTls")]
    [TestCase("--client fd00::5 --from x@y.example --to z@gmail.com --tls", true, "camera", "devices.camera.recipients *")]
    [TestCase("--client 192.168.2.7 --from x@y.example --to z@gmail.com", false, "door", "devices.door.requireAuth")]
    // Strangers, Docker's gateway among them.
    [TestCase("--client 192.168.9.9 --from x@y.example --to a@example.com", false, null, "unknownDevices refuse")]
    [TestCase("--client 172.17.0.1 --from x@y.example --to a@example.com", false, null, "unknownDevices refuse")]
    [TestCase("--client 2001:db8::1 --from x@y.example --to a@example.com", false, null, "unknownDevices refuse")]
    // A login wins over the address; an unknown one gets no further than AUTH.
    [TestCase("--client 192.168.9.9 --auth shop --from x@y.example --to a@example.com", true, "shop", "devices.shop.recipients *@example.com")]
    [TestCase("--client 192.168.9.9 --auth SHOP --from x@y.example --to a@example.com", true, "shop", "devices.shop.recipients *@example.com")]
    [TestCase("--client 192.168.1.23 --auth shop --from a@example.com --to you@gmail.com", false, "shop", "devices.shop.recipients")]
    [TestCase("--client 192.168.1.23 --auth nobody --from a@example.com --to you@gmail.com", false, null, "devices.NAME.username")]
    public async Task The_rule_is_named(string line, bool allowed, string? device, string rule, CancellationToken cancellation)
    {
        var typed = await RunAsync(line, cancellation);
        Assert.That(typed.Code, Is.EqualTo(allowed ? ExitCode.Ok : ExitCode.Failure), typed.Scene());
        Assert.That(typed.Output, Does.StartWith(allowed ? "✓ allowed\n" : "✗ refused\n").And.Contain($"Device  {device ?? "none"} (by its ").And.Contain($"Rule    {rule}\n"));
        Assert.That(typed.Output.Contains("Reply   5", StringComparison.Ordinal), Is.EqualTo(!allowed), typed.Output);
        Assert.That(typed.Error, Is.Empty);

        var json = System.Text.Json.JsonDocument.Parse((await RunAsync(line + " --json", cancellation)).Output).RootElement;
        Assert.That((json.GetProperty("allowed").GetBoolean(), json.GetProperty("device").GetString(), json.GetProperty("rule").GetString()), Is.EqualTo((allowed, device, rule)));
    }

    [TestCase("a", "“a” is no complete address: SmartHost takes it for a@device.invalid.")]
    [TestCase("<scan@example.com.>", "“<scan@example.com.>” is no complete address: SmartHost takes it for scan@example.com.")]
    [TestCase("<a@example.com>", null)]
    [TestCase("<>", null)]
    public async Task A_sender_that_was_completed_is_named(string from, string? note, CancellationToken cancellation)
    {
        var typed = await RunAsync($"--client 192.168.1.24 --from {from} --to a@example.com", cancellation);
        Assert.That(typed.Output.Split('\n').SingleOrDefault(line => line.StartsWith("Note")), Is.EqualTo(note is null ? null : $"Note    {note}"));
    }

    [Test]
    public async Task What_a_device_has_sent_is_asked_of_the_running_server(CancellationToken cancellation)
    {
        const string Line = "--client 127.0.0.1 --from scanner@device.lan --to you@example.com";
        await using var live = await LiveServer.StartAsync(cancellation, edit: yaml => yaml.Replace("recipients: [\"*@example.com\"] }", "recipients: [\"*@example.com\"], perHour: 1 }"));
        string[] line = ["explain", .. Line.Split(' '), "--config", live.ConfigFile];
        var before = await Typed.RunAsync(Screen.None, line, cancellation);
        Assert.That(before.Output, Does.StartWith("✓ allowed\n").And.Not.Contain("Note"));
        Assert.That((await live.PlayAsync("Subject: note\r\n\r\nText.\r\n"u8.ToArray(), ["you@example.com"], cancellation)).Succeeded);
        var after = await Typed.RunAsync(Screen.None, line, cancellation);
        Assert.That(after.Code, Is.EqualTo(ExitCode.Failure), after.Output);
        Assert.That(after.Output, Does.StartWith("✗ refused\n").And.Contain("Rule    devices.test-device.perHour 1\n").And.Contain("Reply   450 "));

        var alone = await RunAsync("--client 192.168.2.40 --from a@example.com --to you@gmail.com", cancellation);
        Assert.That(alone.Output, Does.StartWith("✓ allowed\n").And.Contain("Note    perHour and perDay are not looked at: what it has sent, only a running SmartHost knows, and none could be asked.\n"));
    }

    [TestCase("--client 192.168.1 --from a@b.example --to c@d.example", "--client is not an address: write one like 192.168.1.23.")]
    [TestCase("--client 192.168.001.010 --from a@b.example --to c@d.example", "--client is not an address")]
    [TestCase("--client scanner.lan --from a@b.example --to c@d.example", "--client is not an address")]
    [TestCase("--client fe80::1%eth0 --from a@b.example --to c@d.example", "--client is not an address")]
    [TestCase("--client 192.168.1.0/24 --from a@b.example --to c@d.example", "--client is not an address")]
    [TestCase("--client 192.168.1.23 --from a@b.example --to nonsense", "--to is not an e-mail address: write one like you@example.com.")]
    [TestCase("--client 192.168.1.23 --from a@b.example --to <>", "--to is not an e-mail address")]
    public async Task What_is_no_address_is_said(string line, string sentence, CancellationToken cancellation)
    {
        var typed = await RunAsync(line, cancellation);
        Assert.That((typed.Code, typed.Output), Is.EqualTo((ExitCode.Usage, "")));
        Assert.That(typed.Error, Does.Contain(sentence));
    }

    [Test]
    public async Task Mistakes_in_the_settings_come_first(CancellationToken cancellation)
    {
        using var folder = new TemporaryFolder();
        await File.WriteAllTextAsync(folder.File("smarthost.yaml"), Yaml.Replace("HASH", "nonsense"), cancellation);
        var typed = await Typed.RunAsync(Screen.None, ["explain", "--client", "192.168.1.23", "--from", "a@b.example", "--to", "c@d.example", "-c", folder.File("smarthost.yaml")], cancellation);
        Assert.That(typed.Code, Is.EqualTo(ExitCode.Configuration));
        Assert.That(typed.Error, Does.Contain("devices.shop.passwordHash is not a hash made by smarthost hash-password."));
    }

    private static async Task<Typed> RunAsync(string line, CancellationToken cancellation)
    {
        using var folder = new TemporaryFolder();
        using var random = System.Security.Cryptography.RandomNumberGenerator.Create();
        await File.WriteAllTextAsync(folder.File("smarthost.yaml"), Yaml.Replace("HASH", SmartHost.Devices.PasswordHash.Create("secret of the shop", random)), cancellation);
        return await Typed.RunAsync(Screen.None, ["explain", .. line.Split(' '), "--config", folder.File("smarthost.yaml")], cancellation);
    }
}
