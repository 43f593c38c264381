using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using SmartHost.Cli;
using SmartHost.Delivery;
using SmartHost.Practice;
using SmartHost.Tests.EndToEnd;

namespace SmartHost.Tests.Cli;

/// <summary>What a helper on the phone would ask for, found by one command.</summary>
[CancelAfter(90_000)]
public class CheckVerbTests
{
    [Test]
    public async Task All_is_well_while_it_runs_and_it_is_left_in_peace(CancellationToken cancellation)
    {
        var log = "";
        using var folder = new TemporaryFolder();
        await using var gmail = await PracticeGmail.StartAsync(new PracticeSettings(), TimeProvider.System);
        var (port, page, tls) = (RunningServer.FreePort(), RunningServer.FreePort(), RunningServer.FreePort());
        var config = await WriteAsync(folder, gmail, port, page, tls, cancellation);
        await using var server = SmartHostProcess.Start(["run", "--config", config]);
        await server.WaitForBannerAsync(port, cancellation);
        var (code, output) = await RunAsync(config, TimeSpan.Zero, cancellation);
        log = server.Output;
        Assert.That(code, Is.EqualTo(ExitCode.Ok), output);
        Assert.That(Lines(output), Is.EqualTo(new[]
        {
            $"✓ settings: {config} has no mistake",
            $"✓ data folder: {folder.Path}/data can be written",
            "✓ disk: N GB free for the queue",
            $"✓ port {port}: SmartHost is running and listens here",
            $"✓ port {tls}: SmartHost is running and listens here",
            $"✓ page on port {page}: SmartHost is running and listens here",
            "✓ devices: 1 device may send: test-device",
            "✓ allowance of default: 1000000 of 1000000 messages and 1000000 of 1000000 recipients are left for these 24 hours",
            "✓ queue: nothing waits",
            "✓ DNS 127.0.0.1: it is an address, so there is nothing to look up",
            $"✓ way to 127.0.0.1:{gmail.Port}: TCP and TLS 1.3 in N ms, the certificate is right",
            $"✓ account default: you@gmail.com can log in (127.0.0.1:{gmail.Port} [127.0.0.1] connected after N s)",
            "✓ clock: right to within two minutes",
        }));
        Assert.That(log, Does.Contain("(lan, tls: optional)"), "as one would write it");
        Assert.That(log, Does.Not.Contain(" WRN ").And.Not.Contain(" ERR "), "a check must not look like trouble to whoever reads the log");
        Assert.That(gmail.Logins, Is.EqualTo(1));
    }

    [Test]
    public async Task Everything_that_is_wrong_is_found_at_once_with_its_remedy(CancellationToken cancellation)
    {
        using var folder = new TemporaryFolder();
        await using var gmail = await PracticeGmail.StartAsync(new PracticeSettings(), TimeProvider.System);
        using var squatter = new TcpListener(IPAddress.Loopback, 0);
        squatter.Start();
        var port = ((IPEndPoint)squatter.LocalEndpoint).Port;
        var config = await WriteAsync(folder, gmail, port, RunningServer.FreePort(), RunningServer.FreePort(), cancellation);
        var yaml = (await File.ReadAllTextAsync(config, cancellation)).Replace("abcd efgh ijkl mnop", "wron gwro ngwr ongw").Replace($"data: {folder.Path}/data", "data: /proc/nowhere");
        await File.WriteAllTextAsync(config, yaml.Split("devices:")[0].Replace("alerts: { email: you@gmail.com }\n", "") + "log: { file: /proc/nowhere/smarthost.log }\n", cancellation);
        var (code, output) = await RunAsync(config, TimeSpan.FromDays(3), cancellation);
        Assert.That(code, Is.EqualTo(ExitCode.Failure), output);
        Assert.Multiple(() =>
        {
            Assert.That(output, Does.Match("✗ data folder: /proc/nowhere does not exist and cannot be made: [^\n]+\n    → Make it and let the user that runs SmartHost own it"));
            Assert.That(output, Does.Not.Contain(" disk: "), "the folder above it has no say");
            Assert.That(output, Does.Match("! log file: /proc/nowhere/smarthost.log cannot be written: [^\n]+\n    → Let the user that runs SmartHost write there"));
            Assert.That(output, Does.Contain($"✗ port {port}: Another program listens here.\n    → Stop it (ss -ltnp shows its name), or choose another port with listeners.lan.port."));
            Assert.That(output, Does.Match("! alerts: Nobody is told of trouble: [^\n]+\n    → Write an address that a person reads as alerts.email"));
            Assert.That(output, Does.Contain("! devices: No device is allowed to send yet.\n    → Add one under devices").And.Not.Contain("names none"), "once");
            Assert.That(output, Does.Contain("✓ allowance of default: 1000000 messages and 1000000 recipients in 24 hours; how much of it is left, only a running SmartHost knows\n"));
            Assert.That(output, Does.Match("✗ account default: [^\n]+ said “535[^\n]+\n    → [^\n]+"));
            Assert.That(output, Does.Contain("✗ clock: This machine's clock is 3 days ahead.").And.Contain("    → Switch on time synchronisation (NTP) on this machine.\n"));
            Assert.That(output, Does.Not.Contain("wron gwro").And.Not.Contain("wrongwrongwrongw"));
        });
    }

    [Test]
    public async Task An_account_that_waits_for_a_person_and_can_log_in_again_goes_on([Values] bool byThePage, CancellationToken cancellation)
    {
        await using var live = await LiveServer.StartAsync(cancellation, page: byThePage);
        live.Gmail.Script.Add(new PracticeRule(PracticeStage.Auth, new Misbehaviour.Reply("535-5.7.8 Username and Password not accepted.\n535 5.7.8 - gsmtp")) { Times = 100 });
        Assert.That((await live.PlayAsync("Subject: kept\r\n\r\nx\r\n"u8.ToArray(), ["you@example.com"], cancellation)).Succeeded);
        await live.WaitForHealthAsync(AccountHealth.Paused, cancellation);
        live.Gmail.Script.Clear();
        Assert.That(byThePage ? await OnThePageAsync(live, cancellation) : (await RunAsync(live.ConfigFile, TimeSpan.Zero, cancellation)).Output,
            Does.Match("can log in \\([^)]+\\), and its mail is tried now"));
        await LiveServer.WaitAsync(() => live.Gmail.Messages.Count == 1, cancellation);
    }

    /// <summary>Google refuses its mail, not its login: that it can log in mends nothing.</summary>
    [Test]
    public async Task A_pause_over_refused_mail_is_not_ended_by_a_login_that_works(CancellationToken cancellation)
    {
        await using var live = await LiveServer.StartAsync(cancellation);
        live.Gmail.Script.Add(new PracticeRule(PracticeStage.EndOfData, new Misbehaviour.Reply("550 5.7.0 Mail Sending denied. - gsmtp")) { Times = 100 });
        Assert.That((await live.PlayAsync("Subject: kept\r\n\r\nx\r\n"u8.ToArray(), ["you@example.com"], cancellation)).Succeeded);
        await live.WaitForHealthAsync(AccountHealth.Paused, cancellation);
        Assert.That((await RunAsync(live.ConfigFile, TimeSpan.Zero, cancellation)).Output, Does.Contain("can log in (").And.Not.Contain("tried now"));
    }

    [Test]
    public async Task A_closed_way_is_doubtful_and_says_what_to_allow(CancellationToken cancellation)
    {
        using var folder = new TemporaryFolder();
        await using var gmail = await PracticeGmail.StartAsync(new PracticeSettings(), TimeProvider.System);
        var config = await WriteAsync(folder, gmail, RunningServer.FreePort(), RunningServer.FreePort(), RunningServer.FreePort(), cancellation);
        await gmail.GoOfflineAsync();
        var (code, output) = await RunAsync(config, TimeSpan.Zero, cancellation);
        Assert.That(code, Is.EqualTo(ExitCode.Failure), output);
        Assert.That(output, Does.Contain($"! way to 127.0.0.1:{gmail.Port}: The mail server refuses the connection (127.0.0.1).\n    → A firewall or the provider may block it: allow outgoing TCP to it"));
        Assert.That(output, Does.Contain("✗ account default: The mail server refuses the connection"));
    }

    [Test]
    public async Task Before_the_first_start_nothing_is_made(CancellationToken cancellation)
    {
        using var folder = new TemporaryFolder();
        await using var gmail = await PracticeGmail.StartAsync(new PracticeSettings(), TimeProvider.System);
        var config = await WriteAsync(folder, gmail, RunningServer.FreePort(), RunningServer.FreePort(), RunningServer.FreePort(), cancellation);
        await File.AppendAllTextAsync(config, "log: { file: logs/smarthost.log }\n", cancellation);
        var before = Directory.GetFileSystemEntries(folder.Path);
        var typed = await Typed.RunAsync(Screen.None, ["check", "--offline", "--config", config], cancellation);
        Assert.That(typed.Code, Is.EqualTo(ExitCode.Ok), typed.Output);
        Assert.That(typed.Output, Does.Contain($"✓ data folder: {folder.Path}/data does not exist yet; the first start makes it\n").And.Contain("✓ disk: ").And.Contain($"✓ log file: {folder.Path}/logs can be written\n"));
        Assert.That(Directory.GetFileSystemEntries(folder.Path), Is.EquivalentTo(before));

        await File.WriteAllTextAsync(folder.File("data"), "", cancellation);
        typed = await Typed.RunAsync(Screen.None, ["check", "--offline", "--config", config], cancellation);
        Assert.That(typed.Output, Does.Contain($"✗ data folder: {folder.Path}/data is a file, but a folder is needed there.\n    → Move the file away, or name another folder with data.\n"));
    }

    /// <summary>A start would fail on its ports.</summary>
    [Test]
    public async Task Another_SmartHost_on_the_ports_is_not_the_one_of_this_data_folder(CancellationToken cancellation)
    {
        using TemporaryFolder running = new(), folder = new();
        await using var gmail = await PracticeGmail.StartAsync(new PracticeSettings(), TimeProvider.System);
        var (port, page, tls) = (RunningServer.FreePort(), RunningServer.FreePort(), RunningServer.FreePort());
        await using var server = SmartHostProcess.Start(["run", "--config", await WriteAsync(running, gmail, port, page, tls, cancellation)]);
        await server.WaitForBannerAsync(port, cancellation);
        var config = await WriteAsync(folder, gmail, port, page, tls, cancellation);
        var typed = await Typed.RunAsync(Screen.None, ["check", "--offline", "--config", config], cancellation);
        Assert.That(typed.Code, Is.EqualTo(ExitCode.Failure), typed.Output);
        foreach (var (name, setting) in new[] { ($"port {port}", "listeners.lan.port"), ($"port {tls}", "listeners.secure.port"), ($"page on port {page}", "dashboard.port") })
            Assert.That(typed.Output, Does.Contain($"✗ {name}: Another SmartHost, with another data folder, has this port.\n    → Stop it, or choose another port with {setting}."));
    }

    [Test]
    public async Task A_file_with_YAMLs_other_ending_is_told_in_place_of_what_is_missing(CancellationToken cancellation)
    {
        using var folder = new TemporaryFolder();
        await File.WriteAllTextAsync(folder.File("smarthost.yml"), "accounts: { default: { username: you@gmail.com, appPassword: abcdefghijklmnop } }\n", cancellation);
        await using var check = SmartHostProcess.Start(["check", "--offline"], workingFolder: folder.Path);
        Assert.That(await check.ExitAsync(cancellation), Is.EqualTo(ExitCode.Configuration), check.Output);
        Assert.That(check.Output, Does.Contain("smarthost.yml\n").And.Contain("Rename it to smarthost.yaml").And.Not.Contain("accounts"));
    }

    [Test]
    public async Task A_file_that_is_not_there_has_no_praise(CancellationToken cancellation)
    {
        using var folder = new TemporaryFolder();
        await using var check = SmartHostProcess.Start(["check", "--offline"], new Dictionary<string, string>
        {
            ["SMARTHOST_CONFIG"] = folder.File("none.yaml"), ["SMARTHOST_DATA"] = folder.File("data"),
            ["GMAIL_USERNAME"] = "you@gmail.com", ["GMAIL_APP_PASSWORD"] = "abcdefghijklmnop", ["SMARTHOST_DEVICES"] = "192.168.1.23=>you@gmail.com",
        });
        await check.ExitAsync(cancellation);
        Assert.That(check.Output, Does.Contain($"✓ settings: the environment alone, without a mistake (there is no {folder.File("none.yaml")})"));
    }

    [Test]
    public async Task A_certificate_that_is_not_Gmails_is_named_before_any_login(CancellationToken cancellation)
    {
        using var folder = new TemporaryFolder();
        await using var gmail = await PracticeGmail.StartAsync(new PracticeSettings { CertificateFlaw = CertificateFlaw.WrongName }, TimeProvider.System);
        var config = await WriteAsync(folder, gmail, RunningServer.FreePort(), RunningServer.FreePort(), RunningServer.FreePort(), cancellation);
        var (code, output) = await RunAsync(config, TimeSpan.Zero, cancellation);
        Assert.That(code, Is.EqualTo(ExitCode.Failure), output);
        Assert.That(output, Does.Match($"! way to 127.0.0.1:{gmail.Port}: [^\n]*certificate is for another name"));
        Assert.That(gmail.Logins, Is.Zero);
    }

    [Test]
    public async Task Offline_it_asks_nobody_and_in_JSON_it_is_one_answer(CancellationToken cancellation)
    {
        using var folder = new TemporaryFolder();
        await using var gmail = await PracticeGmail.StartAsync(new PracticeSettings(), TimeProvider.System);
        var config = await WriteAsync(folder, gmail, RunningServer.FreePort(), RunningServer.FreePort(), RunningServer.FreePort(), cancellation);
        var typed = await Typed.RunAsync(Screen.None, ["check", "--offline", "--json", "--config", config], cancellation);
        var json = JsonDocument.Parse(typed.Output).RootElement;
        Assert.That((typed.Code, json.GetProperty("ok").GetBoolean()), Is.EqualTo((ExitCode.Ok, true)));
        Assert.That(json.GetProperty("lines").EnumerateArray().Select(line => line.GetProperty("result").GetString()), Has.All.EqualTo("good"));
        Assert.That(json.GetProperty("lines").GetArrayLength(), Is.EqualTo(7));
        Assert.That(gmail.Logins, Is.Zero);
    }

    [Test]
    public async Task Where_the_screen_has_no_marks_there_are_words(CancellationToken cancellation)
    {
        using var folder = new TemporaryFolder();
        await using var gmail = await PracticeGmail.StartAsync(new PracticeSettings(), TimeProvider.System);
        var config = await WriteAsync(folder, gmail, RunningServer.FreePort(), RunningServer.FreePort(), RunningServer.FreePort(), cancellation);
        await File.AppendAllTextAsync(config, "devises: {}\n", cancellation);
        var typed = await Typed.RunAsync(new Screen(80, Ascii: true, Styled: false), ["check", "--offline", "--config", config], cancellation);
        Assert.That(typed.Code, Is.EqualTo(ExitCode.Configuration));
        Assert.That(typed.Output, Does.StartWith("X ").And.Contain("    -> Did you mean devices?"));
        Assert.That(Ascii.IsValid(typed.Output), typed.Output);
    }

    private static async Task<string> WriteAsync(TemporaryFolder folder, PracticeGmail gmail, int port, int page, int tls, CancellationToken cancellation)
    {
        var config = RunningServer.WriteConfig(folder.Path, port, gmail);
        var lan = $"  lan: {{ port: {port}, address: 127.0.0.1 }}\n";
        var yaml = (await File.ReadAllTextAsync(config, cancellation))
            .Replace(lan, $"{lan}  secure: {{ port: {tls}, address: 127.0.0.1, tls: implicit }}\n")
            .Replace("dashboard: { off: true }", $"dashboard: {{ port: {page}, address: 127.0.0.1, password: correct-horse-battery }}\nalerts: {{ email: you@gmail.com }}");
        await File.WriteAllTextAsync(config, yaml, cancellation);
        // It holds secrets in clear, and check says so where others can read it.
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(config, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        return config;
    }

    /// <summary>Up to the line about the account: what follows asks the network for the time.</summary>
    private static async Task<string> OnThePageAsync(LiveServer live, CancellationToken cancellation)
    {
        using var script = live.Script();
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/v1/check");
        using var answer = await script.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellation);
        using var reader = new StreamReader(await answer.Content.ReadAsStreamAsync(cancellation));
        var lines = "";
        while (!lines.Contains("can log in", StringComparison.Ordinal) && await reader.ReadLineAsync(cancellation) is { } line) lines += line + "\n";
        return lines;
    }

    /// <summary>As a process, so that a proxy of its own can stand in for Google's clock: nothing leaves this machine.</summary>
    private static async Task<(int Code, string Output)> RunAsync(string config, TimeSpan off, CancellationToken cancellation)
    {
        using var proxy = new TcpListener(IPAddress.Loopback, 0);
        proxy.Start();
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var answering = AnswerAsync(proxy, off, ended.Token);
        await using var check = SmartHostProcess.Start(["check", "--config", config], new Dictionary<string, string>
        {
            ["http_proxy"] = $"http://127.0.0.1:{((IPEndPoint)proxy.LocalEndpoint).Port}", ["LC_ALL"] = "C.UTF-8",
        });
        var code = await check.ExitAsync(cancellation);
        await ended.CancelAsync();
        await answering;
        return (code, check.Output);
    }

    private static async Task AnswerAsync(TcpListener proxy, TimeSpan off, CancellationToken stop)
    {
        try
        {
            while (true)
            {
                using var client = await proxy.AcceptTcpClientAsync(stop);
                using var reader = new StreamReader(client.GetStream(), Encoding.Latin1, leaveOpen: true);
                while (await reader.ReadLineAsync(stop) is { Length: > 0 }) { }
                var date = (TimeProvider.System.GetUtcNow() - off).ToString("r", CultureInfo.InvariantCulture);
                await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes($"HTTP/1.1 204 No Content\r\nDate: {date}\r\nConnection: close\r\n\r\n"), stop);
            }
        }
        catch (Exception failure) when (failure is OperationCanceledException or IOException)
        {
            // The check is over.
        }
    }

    private static IEnumerable<string> Lines(string output) => output.Split('\n', StringSplitOptions.RemoveEmptyEntries)
        .Select(line => System.Text.RegularExpressions.Regex.Replace(line, @"[\d.,]+ (GB|ms|s)\b", "N $1"));
}
