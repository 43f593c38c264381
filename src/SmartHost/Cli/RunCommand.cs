using System.CommandLine;
using System.Runtime.InteropServices;
using SmartHost.Configuration;
using SmartHost.Hosting;
using SmartHost.Listener;

namespace SmartHost.Cli;

/// <summary>Runs the server until a signal or the service manager stops it. Mistakes in the settings are all said at once, on standard error.</summary>
public static class RunCommand
{
    public static Command Create(CommonOptions common)
    {
        var command = new Command("run", "Run the server. This is what happens without any command, too.");
        common.Refuse(command, common.Json);
        command.SetAction((parsed, cancellation) => RunAsync(parsed.GetValue(common.Config), cancellation));
        return command;
    }

    public static async Task<int> RunAsync(string? configFile, CancellationToken cancellation)
    {
        var environment = SettingsReader.ProcessEnvironment();
        string? legacyTrouble = null;
        var read = SettingsReader.Read(configFile, environment, (listeners, dataFolder) =>
        {
            if (listeners.Any(listener => listener.LegacyTls)) legacyTrouble = LegacyTls.EnableForProcess(dataFolder);
        });
        if (read.Problems.Count > 0) await Console.Error.WriteAsync(ProblemText.Format(read.Problems));
        if (read.Settings is not { } settings)
        {
            if (read.ConfigFile is null) await Console.Error.WriteLineAsync($"No configuration file was named, and there is none in the usual places: {string.Join(", ", SettingsReader.UsualPlaces)}.");
            return ExitCode.Configuration;
        }

        SocketThreads.AnswerAtOnce();
        await using var log = LogSetup.Create(settings.Log);
        if (legacyTrouble is not null) log.Warning("{Trouble}", legacyTrouble);
        if (settings.Log.File is { } file && LogSetup.Obstacle(file, TimeProvider.System.GetLocalNow()) is { } obstacle)
            log.Warning("The log file {File} cannot be written: {Reason} Let the user that runs SmartHost write there, or name another file with log.file", file, obstacle);
        // Unheard, a SIGHUP kills. Who sends one wants the settings read, and those are read whenever their file changes; only
        // where a person's terminal is closed does it mean the end, which is then one in good order.
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        using var hangup = PosixSignalRegistration.Create(PosixSignal.SIGHUP, signal =>
        {
            signal.Cancel = true;
            if (!Console.IsInputRedirected) stop.Cancel();
        });
        try
        {
            await using var server = await SmartHostServer.StartAsync(
                new SettingsSource(configFile, environment, read), log, TimeProvider.System, new Random(), stop.Token);
            if (!await server.RunAsync(stop.Token)) return ExitCode.Software;
            log.Information("SmartHost has stopped");
            return ExitCode.Ok;
        }
        catch (StartFailedException failure)
        {
            log.Fatal("SmartHost cannot start: {Reason}", failure.Message);
            return ExitCode.Unavailable;
        }
    }
}
