using System.CommandLine;
using System.Text.Json.Serialization;
using SmartHost.Configuration;
using SmartHost.Dashboard;
using SmartHost.Dashboard.Api;
using SmartHost.Gmail;
using SmartHost.Hosting;

namespace SmartHost.Cli;

internal sealed record CheckReply(bool Ok, IReadOnlyList<string> Settings, IReadOnlyList<CheckLine> Lines);

/// <param name="Allowed">For the whole; the rule and the reply are those of the recipient.</param>
internal sealed record ExplainReply(bool Allowed, string? Device, string RecognisedBy, string Rule, string? Reply);

[JsonSourceGenerationOptions(System.Text.Json.JsonSerializerDefaults.Web, Converters = [typeof(CamelCase<CheckResult>)])]
[JsonSerializable(typeof(CheckReply))]
[JsonSerializable(typeof(ExplainReply))]
internal sealed partial class CliJson : JsonSerializerContext;

/// <summary>The whole way, from the settings to a login at Gmail, each step with its remedy. Needs no running server and disturbs none.</summary>
internal static class CheckCommand
{
    public static Command Create(CommonOptions common)
    {
        var offline = new Option<bool>("--offline") { Description = "Only what stands on this machine: no DNS, no connection to Gmail." };
        var command = new Command("check", "Check everything: settings, folder, ports, DNS, the way to Gmail, login. Exit code 1: something is wrong; 78: the settings are.") { offline };
        command.SetAction(async (parsed, cancellation) =>
        {
            var terminal = Terminal.Of(parsed, common);
            var read = SettingsReader.Read(parsed.GetValue(common.Config), SettingsReader.ProcessEnvironment());
            if (!terminal.Json)
            {
                if (read.Problems.Count == 0) terminal.Line($"{terminal.Mark('✓')} settings: {ProblemText.Summary(read.Problems)}");
                else terminal.Line(ProblemText.Format(read.Problems).TrimEnd());
            }
            var lines = new List<CheckLine>();
            if (read.Settings is { } settings)
            {
                using var http = new HttpClient();
                var time = TimeProvider.System;
                var connector = new GmailConnector(time, null, GmailConnector.LocalDomain(settings.Hostname), new AccessTokens(time, http, new RefreshTokens(settings.DataFolder)));
                var checkup = new Checkup(settings, connector, time);
                var all = parsed.GetValue(offline) ? checkup.OfflineAsync(running: false, cancellation) : checkup.AllAsync(running: false, bridge: null, cancellation);
                await foreach (var line in all)
                {
                    lines.Add(line);
                    if (!terminal.Json) Show(terminal, line);
                }
            }
            var ok = read.Settings is not null && lines.TrueForAll(line => line.Result != CheckResult.Bad);
            if (terminal.Json) terminal.Print(new CheckReply(ok, [.. read.Problems.Select(problem => problem.ToString())], lines), CliJson.Default.CheckReply);
            return read.Settings is null ? ExitCode.Configuration : ok ? ExitCode.Ok : ExitCode.Failure;
        });
        return command;
    }

    private static void Show(Terminal terminal, CheckLine line)
    {
        var mark = line.Result switch { CheckResult.Good => '✓', CheckResult.Doubtful => '!', _ => '✗' };
        terminal.Line(Terminal.Clean($"{terminal.Mark(mark)} {line.Name}: {line.Text}"));
        if (line.Remedy is { } remedy) terminal.Line(Terminal.Clean($"    {terminal.Mark('→')} {remedy}"));
    }
}
