using System.CommandLine;
using SmartHost.Configuration;
using SmartHost.Dashboard;
using SmartHost.Dashboard.Api;
using SmartHost.Gmail;
using SmartHost.Gmail.Login;
using SmartHost.Hosting;

namespace SmartHost.Cli;

/// <summary>The whole way, from the settings to a login at Gmail, each step with its remedy. Needs no running server and disturbs none.</summary>
internal static class CheckCommand
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);

    public static Command Create(CommonOptions common)
    {
        var offline = new Option<bool>("--offline") { Description = "Only what stands on this machine: no DNS, no connection to Gmail." };
        var command = new Command("check", "Check everything: settings, folder and room, ports, allowance, DNS, the way to Gmail, login, clock. Exit code 0: all is well, or nearly; 1: something is wrong; 78: the settings are.") { offline };
        command.SetAction(async (parsed, cancellation) =>
        {
            var terminal = Terminal.Of(parsed, common);
            var read = SettingsReader.Read(parsed.GetValue(common.Config), SettingsReader.ProcessEnvironment());
            var problems = read.Settings is null ? read.Problems : Checkup.WithoutOurs(read.Problems);
            if (!terminal.Json)
            {
                if (problems.Count == 0) Show(terminal, new CheckLine("settings", CheckResult.Good, Sound(read.ConfigFile)));
                else terminal.Line(ProblemText.Format(problems).TrimEnd(), indent: 6);
            }
            var lines = new List<CheckLine>();
            if (read.Settings is { } settings)
            {
                using var http = new HttpClient();
                var time = TimeProvider.System;
                var connector = new GmailConnector(time, null, settings.Hostname, new AccessTokens(time, http, new RefreshTokens(settings.DataFolder)));
                using var control = new ControlClient(settings.DataFolder);
                var checkup = new Checkup(settings, connector, time, async (account, token) =>
                {
                    try
                    {
                        return await control.TryAccountAsync(account, token) is null;
                    }
                    catch (ServerUnavailableException)
                    {
                        // It has stopped meanwhile, and tries every account at its next start.
                        return false;
                    }
                });
                var server = await RunningAsync(control, cancellation);
                var all = parsed.GetValue(offline) ? checkup.OfflineAsync(server, listening: false, cancellation) : checkup.AllAsync(server, listening: false, cancellation);
                await foreach (var line in all)
                {
                    lines.Add(line);
                    if (!terminal.Json) Show(terminal, line);
                }
            }
            var ok = read.Settings is not null && lines.TrueForAll(line => line.Result != CheckResult.Bad);
            if (terminal.Json) terminal.Print(new CheckReply(ok, [.. problems.Select(problem => problem.ToString())], lines), DashboardJson.Default.CheckReply);
            return read.Settings is null ? ExitCode.Configuration : ok ? ExitCode.Ok : ExitCode.Failure;
        });
        return command;
    }

    /// <summary>The image names a file that need not be there: whoever believes to have mounted one sees here that it is not.</summary>
    private static string Sound(string? configFile) => configFile switch
    {
        null => "the environment alone, without a mistake",
        _ when File.Exists(configFile) => $"{configFile} has no mistake",
        _ => $"the environment alone, without a mistake (there is no {configFile})",
    };

    /// <summary>Null: none is running, or none that this user may ask.</summary>
    private static async Task<RunningState?> RunningAsync(ControlClient control, CancellationToken cancellation)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        patience.CancelAfter(Patience);
        try
        {
            var overview = await control.GetAsync("/overview", DashboardJson.Default.OverviewReply, patience.Token);
            return overview.Value is { } value ? new RunningState(value.Accounts, value.Queue, value.BridgeWarning, value.AfterRestart) : null;
        }
        catch (Exception failure) when (failure is ServerUnavailableException || (failure is OperationCanceledException && !cancellation.IsCancellationRequested))
        {
            return null;
        }
    }

    private static void Show(Terminal terminal, CheckLine line)
    {
        var mark = line.Result switch { CheckResult.Good => '✓', CheckResult.Doubtful => '!', _ => '✗' };
        terminal.Line(Terminal.Clean($"{mark} {line.Name}: {line.Text}"), indent: 2);
        if (line.Remedy is { } remedy) terminal.Line(Terminal.Clean($"    → {remedy}"), indent: 6);
    }
}
