using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Text;
using SmartHost.Cli;
using SmartHost.Practice;
using SmartHost.Queue;
using SmartHost.Tests.EndToEnd;

namespace SmartHost.Tests.Cli;

/// <summary>The program as a shell and a real terminal have it: pipes that break, keys that interrupt, words that complete. (script, of util-linux, makes the terminal.)</summary>
[CancelAfter(90_000), Platform(Exclude = "Win", Reason = "a shell and a pseudo-terminal")]
public class ShellTests
{
    private TemporaryFolder bin = null!;

    private static readonly byte[] Note = "Subject: A subject that is too long for the eighty columns of this terminal\r\n\r\nText.\r\n"u8.ToArray();

    /// <summary>A program of that name on the path, as a person has it: a function would be lost in shells that pass none on (dash, which script starts where SHELL is not set).</summary>
    [OneTimeSetUp]
    public void Install()
    {
        bin = new TemporaryFolder();
        var program = bin.File("smarthost");
        File.WriteAllText(program, $"#!/bin/sh\nexec {Program()} \"$@\"\n");
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(program, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    [OneTimeTearDown]
    public void Remove() => bin.Dispose();

    [Test]
    public async Task A_reader_that_has_seen_enough_is_no_failure(CancellationToken cancellation)
    {
        await using var live = await LiveServer.StartAsync(cancellation);
        for (var i = 0; i < 3; i++) Assert.That((await live.PlayAsync(Note, ["you@example.com"], cancellation)).Succeeded);
        await live.Gmail.WaitForAsync(3, cancellation);
        // The reader is gone before anything is written.
        var (code, output) = await ShellAsync("smarthost queue list | true; echo codes ${PIPESTATUS[*]}; smarthost --help | head -n 1", live.ConfigFile, cancellation);
        Assert.That((code, output), Is.EqualTo((0, "codes 0 0\nDescription:\n")));
    }

    [Test]
    public async Task A_terminal_gets_its_width_and_its_marks_and_no_colour_where_none_is_wanted(CancellationToken cancellation)
    {
        await using var live = await LiveServer.StartAsync(cancellation);
        Assert.That((await live.PlayAsync(Note, ["you@example.com"], cancellation)).Succeeded);
        await live.Gmail.WaitForAsync(1, cancellation);
        var (_, styled) = await TerminalAsync("smarthost queue list", live.ConfigFile, "TERM=xterm", cancellation);
        var (_, plain) = await TerminalAsync("smarthost queue list", live.ConfigFile, "TERM=xterm NO_COLOR=1", cancellation);
        Assert.That(styled, Does.Contain("\u001b[1mID"));
        Assert.That(plain, Does.Not.Match("\u001b\\[[0-9;]*m"));
        // .NET's own greeting to a terminal.
        plain = plain.Replace("\u001b[?1h\u001b=", "");
        Assert.That(plain.Split("\r\n"), Has.All.Length.LessThanOrEqualTo(80));
        Assert.That(plain, Does.Contain("A subject"));

        var explain = "smarthost explain --client 192.0.2.9 --from a@example.com --to you@example.com";
        Assert.That((await TerminalAsync(explain, live.ConfigFile, "LC_ALL=C.UTF-8", cancellation)).Output, Does.Contain("✗ refused\r\n"));
        Assert.That((await TerminalAsync(explain, live.ConfigFile, "LC_ALL=C", cancellation)).Output, Does.Contain("X refused\r\n"));
        Assert.That((await TerminalAsync(explain, live.ConfigFile, "LC_ALL=C.UTF-8 TERM=linux", cancellation)).Output, Does.Contain("X refused\r\n"));
    }

    [Test]
    public async Task Ctrl_C_ends_a_watch_with_a_sentence(CancellationToken cancellation)
    {
        await using var live = await LiveServer.StartAsync(cancellation);
        live.Gmail.Script.Add(new PracticeRule(PracticeStage.EndOfData, new Misbehaviour.Stall()) { Times = 100 });
        using var terminal = Start(Terminal("smarthost send-test", "TERM=xterm"), live.ConfigFile);
        // Shown, so it is being watched.
        await AnswerAsync(terminal, "Received", "\u0003", cancellation);
        var output = await terminal.StandardOutput.ReadToEndAsync(cancellation);
        await terminal.WaitForExitAsync(cancellation);
        Assert.That(terminal.ExitCode, Is.EqualTo(ExitCode.Interrupted), output);
        Assert.That(output, Does.Contain("no longer watching. The message stays in the queue").And.Not.Contain("   at "));
    }

    [Test]
    public async Task A_password_is_read_from_a_pipe_and_never_shown(CancellationToken cancellation)
    {
        var (code, output) = await ShellAsync("printf 'correct horse\\n' | smarthost hash-password", "none", cancellation);
        Assert.That(code, Is.Zero);
        Assert.That(SmartHost.Devices.PasswordHash.Verify(output.Trim(), "correct horse"), output);
        Assert.That((await ShellAsync("printf 'correct horse\\n' | smarthost hash-password --json", "none", cancellation)).Output, Does.Match("^\\{\"passwordHash\":\"[^\"]+\"\\}\n$"));
        Assert.That(await ShellAsync("smarthost hash-password </dev/null 2>&1", "none", cancellation),
            Is.EqualTo((ExitCode.Usage, "smarthost: no password was given, or the two differ; nothing was printed.\n")));
    }

    [Test]
    public async Task The_Tab_key_offers_verbs_messages_devices_and_accounts(CancellationToken cancellation)
    {
        await using var live = await LiveServer.StartAsync(cancellation);
        await live.Gmail.GoOfflineAsync();
        Assert.That((await live.PlayAsync(Note, ["you@example.com"], cancellation)).Succeeded);
        var id = (await live.Server.Queue.SearchAsync(new MessageSearch(), cancellation)).Single().Id.ToString();
        Assert.That(await CompleteAsync("smarthost que", live.ConfigFile, cancellation), Is.EqualTo("queue"));
        Assert.That(await CompleteAsync("smarthost queue ", live.ConfigFile, cancellation), Does.Contain("retry").And.Contain("list"));
        Assert.That(await CompleteAsync("smarthost queue show ", live.ConfigFile, cancellation), Does.Contain(id));
        Assert.That(await CompleteAsync($"smarthost queue hold {id[..4]}", live.ConfigFile, cancellation), Is.EqualTo(id));
        Assert.That(await CompleteAsync("smarthost queue release ", live.ConfigFile, cancellation), Does.Not.Contain(id), "it is not held");
        Assert.That(await CompleteAsync("smarthost queue list --state he", live.ConfigFile, cancellation), Is.EqualTo("held"));
        Assert.That(await CompleteAsync("smarthost queue list --device te", live.ConfigFile, cancellation), Is.EqualTo("test-device"));
        Assert.That(await CompleteAsync("smarthost send-test --account d", live.ConfigFile, cancellation), Is.EqualTo("default"));

        Assert.That(await CompleteAsync("smarthost demo --", live.ConfigFile, cancellation), Does.Contain("--once").And.Not.Contain("--config").And.Not.Contain("--json"), "what it refuses");
        Assert.That(await CompleteAsync("smarthost check --", live.ConfigFile, cancellation), Does.Contain("--config").And.Contain("--json"));

        // Where there is nobody to ask, the shell says nothing and waits for nothing.
        Assert.That(await CompleteAsync("smarthost queue show 1", "/nowhere/smarthost.yaml", cancellation), Is.Empty);
    }

    /// <summary>What bash itself would offer for that line, by the file that we ship.</summary>
    private async Task<string> CompleteAsync(string line, string config, CancellationToken cancellation)
    {
        var words = line.Split(' ');
        var script = $"source '{Repository()}/configs/completion/smarthost.bash'; COMP_LINE='{line}'; COMP_POINT={line.Length}; COMP_WORDS=({string.Join(' ', words.Select(word => $"'{word}'"))}); COMP_CWORD={words.Length - 1}; _smarthost; echo \"${{COMPREPLY[*]}}\"";
        var (code, output) = await ShellAsync(script, config, cancellation);
        Assert.That(code, Is.Zero, output);
        return output.TrimEnd('\n');
    }

    private static async Task AnswerAsync(Process terminal, string prompt, string answer, CancellationToken cancellation)
    {
        var seen = new StringBuilder();
        var one = new char[1];
        while (!seen.ToString().EndsWith(prompt, StringComparison.Ordinal))
        {
            Assert.That(await terminal.StandardOutput.ReadAsync(one, cancellation), Is.EqualTo(1), seen.ToString());
            seen.Append(one[0]);
        }
        await terminal.StandardInput.WriteAsync(answer);
        await terminal.StandardInput.FlushAsync(cancellation);
    }

    private Task<(int Code, string Output)> TerminalAsync(string command, string config, string environment, CancellationToken cancellation) =>
        ShellAsync(Terminal(command, environment), config, cancellation);

    /// <summary>Where the tests themselves run in the background, a shell has told them to ignore Ctrl-C, and that is inherited.</summary>
    private static string Terminal(string command, string environment) =>
        $"exec env --default-signal=INT script -qec \"stty cols 80 rows 24; {environment} bash -c '{command}'\" /dev/null";

    private async Task<(int Code, string Output)> ShellAsync(string script, string config, CancellationToken cancellation)
    {
        using var shell = Start(script, config);
        shell.StandardInput.Close();
        var output = await shell.StandardOutput.ReadToEndAsync(cancellation);
        await shell.WaitForExitAsync(cancellation);
        return (shell.ExitCode, output);
    }

    private Process Start(string script, string config)
    {
        var start = new ProcessStartInfo("bash", ["-c", script]) { RedirectStandardOutput = true, RedirectStandardInput = true };
        start.Environment["PATH"] = $"{bin.Path}:{start.Environment["PATH"]}";
        start.Environment["SMARTHOST_CONFIG"] = config;
        start.Environment["LC_ALL"] = "C.UTF-8";
        start.Environment.Remove("NO_COLOR");
        return Process.Start(start)!;
    }

    private static string Program() => Environment.GetEnvironmentVariable("SMARTHOST_BINARY") is { Length: > 0 } binary
        ? $"'{binary}'"
        : $"dotnet '{Path.Combine(AppContext.BaseDirectory, "smarthost.dll")}'";

    private static string Repository([CallerFilePath] string path = "") => Path.GetFullPath(Path.Combine(Path.GetDirectoryName(path)!, "..", "..", ".."));
}
