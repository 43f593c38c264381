using System.CommandLine;
using SmartHost.Configuration;
using SmartHost.Dashboard.Access;
using SmartHost.Dashboard.Api;

namespace SmartHost.Cli;

/// <summary>What the verbs that ask a running server have in common: finding it, and saying that it is not there.</summary>
internal static class ServerVerb
{
    /// <summary>
    /// The data folder is known even where the settings have mistakes or a secret cannot be read by this user: the server has
    /// its own, and asking it must work just then.
    /// </summary>
    public static void Asks(this Command command, CommonOptions common, Func<ParseResult, ControlClient, Terminal, CancellationToken, Task<int>> ask) =>
        command.SetAction(async (parsed, cancellation) =>
        {
            var terminal = Terminal.Of(parsed, common);
            var read = SettingsReader.Read(parsed.GetValue(common.Config), SettingsReader.ProcessEnvironment());
            var dataFolder = Path.GetDirectoryName(read.DeviceFolder!)!;
            if (read.Settings is null && !Path.Exists(ControlSocket.PathIn(dataFolder)) && Unreadable(read) is { } why)
            {
                terminal.Complain(why);
                return ExitCode.Configuration;
            }
            using var client = new ControlClient(dataFolder);
            try
            {
                return await ask(parsed, client, terminal, cancellation);
            }
            catch (ServerUnavailableException failure)
            {
                terminal.Complain(failure.Message);
                return ExitCode.Unavailable;
            }
        });

    /// <summary>Only the file tells where the data folder is; without it we would ask at the wrong door and say that nobody is there.</summary>
    private static string? Unreadable(SettingsResult read)
    {
        if (read.ConfigFile is not { } configFile || (read.IsFileOptional && !Path.Exists(configFile))) return null;
        try
        {
            using var opened = File.OpenRead(configFile);
            return null;
        }
        catch (Exception failure) when (failure is FileNotFoundException or DirectoryNotFoundException)
        {
            return $"There is no configuration file {configFile}. Name the one that the server runs with by --config.";
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return $"You may not read the configuration file {configFile}, which says where the server is. Run this as the user that runs it or as root.";
        }
    }

    /// <summary>Says what the server refused; otherwise nothing, or what was done.</summary>
    public static int Report(this Terminal terminal, string? problem, string done) => terminal.Report(new Answer<ApiProblem>(null, problem), done);

    public static int Report<T>(this Terminal terminal, Answer<T> answer, string done) where T : class
    {
        if (answer.Problem is not null)
        {
            terminal.Complain(answer.Problem);
            return answer.IsMisuse ? ExitCode.Usage : ExitCode.Failure;
        }
        if (!terminal.Json) terminal.Line(done);
        return ExitCode.Ok;
    }
}
