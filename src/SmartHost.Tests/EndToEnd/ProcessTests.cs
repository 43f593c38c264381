using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using SmartHost.Cli;
using SmartHost.Practice;
using SmartHost.Tests.Listener;

namespace SmartHost.Tests.EndToEnd;

/// <summary>The program as its user meets it: exit codes, sentences, the stop, and what it must never write down.</summary>
[CancelAfter(90_000), Platform(Exclude = "Win", Reason = "signals")]
public class ProcessTests
{
    private static readonly string[] Nobody = ["env", "-u", "HOME", "unshare", "--user", "--map-user=54321"];

    [TestCase("devices:", "\tdevices:", ExitCode.Configuration, "a tab indents this line, which YAML does not allow")]
    [TestCase("dashboard:", "dashbord:", ExitCode.Configuration, "Did you mean dashboard?")]
    [TestCase(", recipients: [\"*@example.com\"]", "", ExitCode.Configuration, "devices.test-device.recipients is missing.")]
    [TestCase("appPassword: abcd efgh ijkl mnop", "appPasswordFile: /nonexistent/secret", ExitCode.Configuration, "names a file that does not exist, and the nearest folder that does is /.")]
    [TestCase("data: ", "data: /proc/nowhere # ", ExitCode.Unavailable, "The folder /proc/nowhere")]
    public async Task A_mistake_ends_the_start_with_its_sentence(string right, string wrong, int code, string sentence, CancellationToken cancellation)
    {
        using var folder = new TemporaryFolder();
        await using var gmail = await PracticeGmail.StartAsync(new PracticeSettings(), TimeProvider.System);
        var config = RunningServer.WriteConfig(folder.Path, RunningServer.FreePort(), gmail);
        await File.WriteAllTextAsync(config, (await File.ReadAllTextAsync(config, cancellation)).Replace(right, wrong), cancellation);
        await using var process = SmartHostProcess.Start(["run", "--config", config]);
        Assert.That(await process.ExitAsync(cancellation), Is.EqualTo(code), process.Output);
        Assert.That(process.Output, Does.Contain(sentence).And.Not.Contain("   at "));
    }

    [Test]
    public async Task A_port_in_use_is_named_with_its_setting(CancellationToken cancellation)
    {
        using var folder = new TemporaryFolder();
        await using var gmail = await PracticeGmail.StartAsync(new PracticeSettings(), TimeProvider.System);
        using var squatter = new TcpListener(IPAddress.Loopback, 0);
        squatter.Start();
        var port = ((IPEndPoint)squatter.LocalEndpoint).Port;
        var config = RunningServer.WriteConfig(folder.Path, port, gmail);
        await File.WriteAllTextAsync(config, (await File.ReadAllTextAsync(config, cancellation)).Replace("listeners:\n", $"listeners:\n  free: {{ port: {RunningServer.FreePort()}, address: 127.0.0.1 }}\n"), cancellation);
        await using var process = SmartHostProcess.Start(["run", "--config", config]);
        Assert.That(await process.ExitAsync(cancellation), Is.EqualTo(ExitCode.Unavailable), process.Output);
        Assert.That(process.Output, Does.Contain($"SmartHost cannot start: Port {port} (listeners.lan): Another program listens here.").And.Contain("choose another port with listeners.lan.port."));
        Assert.That(process.Output, Does.Not.Contain("   at ").And.Not.Contain(" ERR "), "a sentence, and no stack before it");
    }

    [TestCase("address: 127.0.0.1 }", "address: 192.0.2.1 }", "listeners.lan")]
    [TestCase("dashboard: { off: true }", "dashboard: { port: 65431, address: 192.0.2.1 }", "dashboard")]
    public async Task An_address_that_is_not_ours_is_named_with_its_setting(string right, string wrong, string group, CancellationToken cancellation)
    {
        using var folder = new TemporaryFolder();
        await using var gmail = await PracticeGmail.StartAsync(new PracticeSettings(), TimeProvider.System);
        var config = RunningServer.WriteConfig(folder.Path, RunningServer.FreePort(), gmail);
        await File.WriteAllTextAsync(config, (await File.ReadAllTextAsync(config, cancellation)).Replace(right, wrong), cancellation);
        await using var process = SmartHostProcess.Start(["run", "--config", config]);
        Assert.That(await process.ExitAsync(cancellation), Is.EqualTo(ExitCode.Unavailable), process.Output);
        Assert.That(process.Output, Does.Contain($"({group}): 192.0.2.1 is not an address of this machine. Correct {group}.address, or leave it out to listen on all.").And.Not.Contain("   at "));
    }

    [Test]
    public async Task A_log_file_that_cannot_be_written_is_told_and_stops_nothing(CancellationToken cancellation)
    {
        using var folder = new TemporaryFolder();
        await using var gmail = await PracticeGmail.StartAsync(new PracticeSettings(), TimeProvider.System);
        var port = RunningServer.FreePort();
        await using var process = SmartHostProcess.Start(["run", "--config", RunningServer.WriteConfig(folder.Path, port, gmail, more: "log: { file: /proc/nowhere/smarthost.log }")]);
        await process.WaitForBannerAsync(port, cancellation);
        Assert.That(process.Output, Does.Contain(" WRN The log file /proc/nowhere/smarthost.log cannot be written: "));
    }

    [Test]
    public async Task The_log_leads_to_the_page_and_ends_no_clause_with_a_full_stop(CancellationToken cancellation)
    {
        using var folder = new TemporaryFolder();
        await using var gmail = await PracticeGmail.StartAsync(new PracticeSettings(), TimeProvider.System);
        var (port, page) = (RunningServer.FreePort(), RunningServer.FreePort());
        var config = RunningServer.WriteConfig(folder.Path, port, gmail);
        await File.WriteAllTextAsync(config, (await File.ReadAllTextAsync(config, cancellation)).Replace("dashboard: { off: true }", $"dashboard: {{ port: {page}, address: 127.0.0.1 }}"), cancellation);
        await using var process = SmartHostProcess.Start(["run", "--config", config]);
        await process.WaitForBannerAsync(port, cancellation);
        await LiveServer.WaitAsync(() => process.Output.Contains($"the page is on http://127.0.0.1:{page}", StringComparison.Ordinal), cancellation);
        using var device = new TcpClient();
        await device.ConnectAsync(IPAddress.Loopback, port, cancellation);
        await device.GetStream().WriteAsync("EHLO copier\r\nSTARTTLS\r\n"u8.ToArray(), cancellation);
        using var reader = new StreamReader(device.GetStream());
        while (await reader.ReadLineAsync(cancellation) is { } line && !line.Contains("Ready to start TLS", StringComparison.Ordinal)) { }
        await device.GetStream().WriteAsync("no handshake at all\r\n"u8.ToArray(), cancellation);
        await LiveServer.WaitAsync(() => process.Output.Contains("TLS failed on listener lan", StringComparison.Ordinal), cancellation);
        Assert.That(process.Output, Does.Not.Contain(".; "));
    }

    [Test]
    public async Task A_second_process_on_the_data_folder_refuses_and_the_first_goes_on(CancellationToken cancellation)
    {
        using var folder = new TemporaryFolder();
        await using var gmail = await PracticeGmail.StartAsync(new PracticeSettings(), TimeProvider.System);
        var port = RunningServer.FreePort();
        var config = RunningServer.WriteConfig(folder.Path, port, gmail);
        await using var first = SmartHostProcess.Start(["run", "--config", config]);
        await first.WaitForBannerAsync(port, cancellation);
        await using var second = SmartHostProcess.Start(["run", "--config", config]);
        Assert.That(await second.ExitAsync(cancellation), Is.EqualTo(ExitCode.Unavailable), second.Output);
        Assert.That(second.Output, Does.Contain($"The data folder {folder.Path}/data is in use by another SmartHost"));
        Assert.That(await SmtpDevice.SendAsync(port, "after", 1000, cancellation), Is.EqualTo(HandOver.Accepted), first.Output);
        await gmail.WaitForAsync(1, cancellation);
    }

    /// <summary>As systemd's DynamicUser is, and whoever a container is told to run as: a number that no passwd file names, and no HOME.</summary>
    [Test, Platform("Linux", Reason = "user namespaces")]
    public async Task A_user_without_a_name_or_a_home_can_run_it(CancellationToken cancellation)
    {
        await SkipUnlessNobodyAsync(cancellation);
        using var folder = new TemporaryFolder();
        await using var gmail = await PracticeGmail.StartAsync(new PracticeSettings(), TimeProvider.System);
        var port = RunningServer.FreePort();
        await using var process = SmartHostProcess.Start(["run", "--config", RunningServer.WriteConfig(folder.Path, port, gmail)], within: Nobody);
        await process.WaitForBannerAsync(port, cancellation);
        Assert.That(await SmtpDevice.SendAsync(port, "homeless", 1000, cancellation), Is.EqualTo(HandOver.Accepted), process.Output);
        await gmail.WaitForAsync(1, cancellation);
    }

    [Test, Platform("Linux", Reason = "user namespaces")]
    public async Task A_user_without_a_name_is_told_by_its_number(CancellationToken cancellation)
    {
        await SkipUnlessNobodyAsync(cancellation);
        using var folder = new TemporaryFolder();
        await using var gmail = await PracticeGmail.StartAsync(new PracticeSettings(), TimeProvider.System);
        var secret = folder.File("secret");
        await File.WriteAllTextAsync(secret, "abcdefghijklmnop", cancellation);
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(secret, UnixFileMode.None);
        var config = RunningServer.WriteConfig(folder.Path, RunningServer.FreePort(), gmail);
        await File.WriteAllTextAsync(config, (await File.ReadAllTextAsync(config, cancellation)).Replace("appPassword: abcd efgh ijkl mnop", $"appPasswordFile: {secret}"), cancellation);
        await using var process = SmartHostProcess.Start(["run", "--config", config], within: Nobody);
        Assert.That(await process.ExitAsync(cancellation), Is.EqualTo(ExitCode.Configuration), process.Output);
        Assert.That(process.Output, Does.Contain("cannot be read by the user 54321 that SmartHost runs as.").And.Contain($"chown 54321 {secret}"));
    }

    /// <summary>Started by a test, so not by systemd as the process list shows it: a hardened unit hides that list from the program, too.</summary>
    [Test]
    public async Task The_service_manager_hears_of_the_start_and_of_the_stop(CancellationToken cancellation)
    {
        using var folder = new TemporaryFolder();
        await using var gmail = await PracticeGmail.StartAsync(new PracticeSettings(), TimeProvider.System);
        using var manager = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        var notify = Path.Combine(folder.Path, "notify");
        manager.Bind(new UnixDomainSocketEndPoint(notify));
        var port = RunningServer.FreePort();
        await using var process = SmartHostProcess.Start(["run", "--config", RunningServer.WriteConfig(folder.Path, port, gmail)], new Dictionary<string, string> { ["NOTIFY_SOCKET"] = notify });
        Assert.That(await HeardAsync(), Is.EqualTo("READY=1"), process.Output);
        await process.WaitForBannerAsync(port, cancellation);
        Assert.That(await process.TerminateAsync(cancellation), Is.EqualTo(ExitCode.Ok), process.Output);
        Assert.That(await HeardAsync(), Is.EqualTo("STOPPING=1"));

        async Task<string> HeardAsync()
        {
            var word = new byte[100];
            return Encoding.ASCII.GetString(word, 0, await manager.ReceiveAsync(word, cancellation));
        }
    }

    [Test]
    public async Task A_stop_ends_in_time_with_a_device_in_mid_message_and_an_attempt_that_stalls(CancellationToken cancellation)
    {
        using var folder = new TemporaryFolder();
        await using var gmail = await PracticeGmail.StartAsync(new PracticeSettings(), TimeProvider.System);
        var stall = gmail.Script.Add(new PracticeRule(PracticeStage.EndOfData, new Misbehaviour.Stall()) { Times = 100 });
        var port = RunningServer.FreePort();
        var config = RunningServer.WriteConfig(folder.Path, port, gmail);
        await using (var process = SmartHostProcess.Start(["run", "--config", config]))
        {
            await process.WaitForBannerAsync(port, cancellation);
            Assert.That(await SmtpDevice.SendAsync(port, "stalled", 1000, cancellation), Is.EqualTo(HandOver.Accepted), process.Output);
            await stall.Reached.WaitAsync(cancellation);
            using var device = new TcpClient();
            await device.ConnectAsync(IPAddress.Loopback, port, cancellation);
            await BeginMessageAsync(device, cancellation);
            // A stop that waited for devices first and for attempts then would take twelve seconds.
            using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
            // Docker kills after ten; this machine may be busy.
            patience.CancelAfter(TimeSpan.FromSeconds(11.5));
            Assert.That(await process.TerminateAsync(patience.Token), Is.EqualTo(ExitCode.Ok), process.Output);
        }
        gmail.Script.Clear();
        await using var again = SmartHostProcess.Start(["run", "--config", config]);
        await again.WaitForBannerAsync(port, cancellation);
        var arrived = await gmail.WaitForAsync(1, cancellation);
        Assert.That(arrived[0].Header("X-Token"), Is.EqualTo("stalled"));
    }

    [Test]
    public async Task A_client_that_begins_a_second_handshake_costs_only_its_connection(CancellationToken cancellation)
    {
        using var folder = new TemporaryFolder();
        await using var gmail = await PracticeGmail.StartAsync(new PracticeSettings(), TimeProvider.System);
        var port = RunningServer.FreePort();
        await using var process = SmartHostProcess.Start(["run", "--config", RunningServer.WriteConfig(folder.Path, port, gmail)]);
        await process.WaitForBannerAsync(port, cancellation);
        await OpenSslClient.RenegotiateAsync(port, cancellation);
        Assert.That(await SmtpDevice.SendAsync(port, "after", 1000, cancellation), Is.EqualTo(HandOver.Accepted), process.Output);
        await process.TerminateAsync(cancellation);
        Assert.That(process.Output, Does.Not.Contain("Unhandled exception"));
    }

    [Test]
    public async Task A_SIGHUP_stops_nothing(CancellationToken cancellation)
    {
        using var folder = new TemporaryFolder();
        await using var gmail = await PracticeGmail.StartAsync(new PracticeSettings(), TimeProvider.System);
        var port = RunningServer.FreePort();
        await using var process = SmartHostProcess.Start(["run", "--config", RunningServer.WriteConfig(folder.Path, port, gmail)]);
        await process.WaitForBannerAsync(port, cancellation);
        await process.HangUpAsync(cancellation);
        // A killed process would be gone by then, or be gone in the middle of it.
        for (var i = 0; i < 3; i++) Assert.That(await SmtpDevice.SendAsync(port, $"after {i}", 1000, cancellation), Is.EqualTo(HandOver.Accepted), process.Output);
        Assert.That(await process.TerminateAsync(cancellation), Is.EqualTo(ExitCode.Ok), process.Output);
    }

    [Test]
    public async Task A_device_that_vanishes_or_sends_too_much_leaves_nothing_behind(CancellationToken cancellation)
    {
        using var folder = new TemporaryFolder();
        await using var gmail = await PracticeGmail.StartAsync(new PracticeSettings(), TimeProvider.System);
        var port = RunningServer.FreePort();
        await using var process = SmartHostProcess.Start(["run", "--config", RunningServer.WriteConfig(folder.Path, port, gmail)]);
        await process.WaitForBannerAsync(port, cancellation);
        using (var vanishing = new TcpClient())
        {
            await vanishing.ConnectAsync(IPAddress.Loopback, port, cancellation);
            await BeginMessageAsync(vanishing, cancellation);
            vanishing.Client.Close(0);
        }
        Assert.That(await SmtpDevice.SendAsync(port, "huge", 100_000_000, cancellation), Is.EqualTo(HandOver.NotSent), process.Output);
        Assert.That(await SmtpDevice.SendAsync(port, "small", 1000, cancellation), Is.EqualTo(HandOver.Accepted), process.Output);
        var arrived = await gmail.WaitForAsync(1, cancellation);
        Assert.That(arrived[0].Header("X-Token"), Is.EqualTo("small"));
        await LiveServer.WaitAsync(() => !Directory.EnumerateFiles(Path.Combine(folder.Path, "data", "content"), "*.*", SearchOption.AllDirectories).Any(), cancellation);
    }

    [TestCase("abcd efgh ijkl mnop"), TestCase("wron gwro ngwr ongw")]
    public async Task No_secret_is_in_the_output_or_in_the_data_folder(string appPassword, CancellationToken cancellation)
    {
        using var folder = new TemporaryFolder();
        await using var gmail = await PracticeGmail.StartAsync(new PracticeSettings(), TimeProvider.System);
        var port = RunningServer.FreePort();
        var config = RunningServer.WriteConfig(folder.Path, port, gmail, more: "trace: [127.0.0.1]\nlog: { level: debug }");
        var yaml = (await File.ReadAllTextAsync(config, cancellation)).Replace("abcd efgh ijkl mnop", appPassword).Replace("address: 127.0.0.1 }", "address: 127.0.0.1, authInClear: true }");
        await File.WriteAllTextAsync(config, yaml, cancellation);
        const string devicePassword = "Device-Password-4711";
        var login = Convert.ToBase64String(Encoding.ASCII.GetBytes($"\0scanner\0{devicePassword}"));
        await using var process = SmartHostProcess.Start(["run", "--config", config]);
        await process.WaitForBannerAsync(port, cancellation);
        var conversation = await new PracticeDevice(TimeProvider.System, TimeSpan.FromSeconds(20)).PlayAsync("127.0.0.1", port, [DeviceTurn.Command("EHLO device"), DeviceTurn.Command($"AUTH PLAIN {login}")], cancellation);
        Assert.That(conversation.Exchanges.Single(exchange => exchange.Sent?.StartsWith("AUTH", StringComparison.Ordinal) == true).Code, Is.InRange(500, 599), "the login was to be heard and refused");
        Assert.That(await SmtpDevice.SendAsync(port, "one", 1000, cancellation), Is.EqualTo(HandOver.Accepted), process.Output);
        await LiveServer.WaitAsync(() => process.Output.Contains(appPassword[0] == 'a' ? ": sent to" : "is paused until", StringComparison.Ordinal), cancellation);
        Assert.That(await process.TerminateAsync(cancellation), Is.Zero, process.Output);

        var bare = appPassword.Replace(" ", "");
        string[] secrets = [appPassword, bare, Convert.ToBase64String(Encoding.ASCII.GetBytes($"\0you@gmail.com\0{bare}")), Convert.ToBase64String(Encoding.ASCII.GetBytes(bare)), devicePassword, login];
        var written = Directory.EnumerateFiles(Path.Combine(folder.Path, "data"), "*", SearchOption.AllDirectories).Where(file => !file.EndsWith(".sock", StringComparison.Ordinal)).ToList();
        Assert.That(written, Has.Some.Contains("trace"), "there was to be a trace to search");
        Assert.Multiple(() =>
        {
            foreach (var secret in secrets)
            {
                Assert.That(process.Output, Does.Not.Contain(secret));
                foreach (var file in written.Where(File.Exists)) Assert.That(Encoding.Latin1.GetString(File.ReadAllBytes(file)), Does.Not.Contain(secret), file);
            }
        });
    }

    private static async Task SkipUnlessNobodyAsync(CancellationToken cancellation)
    {
        using var attempt = Process.Start(Nobody[0], [.. Nobody[1..], "true"]);
        await attempt.WaitForExitAsync(cancellation);
        if (attempt.ExitCode != 0) Assert.Ignore("this machine does not let us become another user");
    }

    private static async Task BeginMessageAsync(TcpClient device, CancellationToken cancellation)
    {
        var stream = device.GetStream();
        using var reader = new StreamReader(stream, Encoding.Latin1, leaveOpen: true);
        await reader.ReadLineAsync(cancellation);
        foreach (var command in (string[])["HELO device", "MAIL FROM:<a@device.lan>", "RCPT TO:<you@example.com>", "DATA"])
        {
            await stream.WriteAsync(Encoding.ASCII.GetBytes(command + "\r\n"), cancellation);
            await reader.ReadLineAsync(cancellation);
        }
        await stream.WriteAsync("Subject: half\r\n\r\nHalf a mess"u8.ToArray(), cancellation);
    }
}
