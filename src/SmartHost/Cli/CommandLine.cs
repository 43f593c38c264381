using System.CommandLine;
using System.CommandLine.Help;
using SmartHost.Hosting;

namespace SmartHost.Cli;

/// <summary>
/// What a person types. Every verb is a file of this folder; this one lists them. A failure nobody foresaw ends as one
/// sentence and exit code 70, with its stack trace only where SMARTHOST_DEBUG asks for it.
/// </summary>
public static class CommandLine
{
    /// <summary>Columns of the help where there is no screen to ask.</summary>
    private const int HelpWidth = 80;

    /// <summary>
    /// These end by Ctrl+C in their own way: a server has its own signal handling and ten seconds to stop in, of which
    /// System.CommandLine would cut it off; a password is asked for by a read that only the signal itself ends.
    /// </summary>
    private static readonly string[] HandleSignals = ["run", "demo", "login", "hash-password"];

    private static readonly TimeSpan InterruptPatience = TimeSpan.FromSeconds(2);

    public static Task<int> RunAsync(string[] arguments)
    {
        HomeFolder.Ensure();
        return RunAsync(arguments, Console.Out, Console.Error, Screen.OfConsole(), CancellationToken.None);
    }

    internal static async Task<int> RunAsync(string[] arguments, TextWriter output, TextWriter error, Screen screen, CancellationToken cancellation)
    {
        var terminal = new Terminal(output, error, screen, json: false);
        // As git, docker and systemctl have taught.
        if (arguments is ["help", .. var verb]) arguments = [.. verb, "--help"];
        try
        {
            var common = new CommonOptions(screen);
            var root = Root(common);
            var result = root.Parse(arguments);
            // The Tab key hands the line that it wants completed as one argument.
            var meant = arguments is [var directive, var line] && directive.StartsWith("[suggest", StringComparison.Ordinal) ? root.Parse(line) : result;
            common.HideRefused(meant.CommandResult.Command);
            if (result.Errors.Count == 0 || result.Action is HelpAction)
            {
                var command = result.CommandResult.Command;
                return await result.InvokeAsync(new InvocationConfiguration
                {
                    Output = output,
                    Error = error,
                    EnableDefaultExceptionHandler = false,
                    ProcessTerminationTimeout = command is RootCommand || HandleSignals.Contains(command.Name) ? null : InterruptPatience,
                }, cancellation);
            }
            foreach (var sentence in UsageError.Sentences(result)) terminal.Complain(sentence);
            await error.WriteLineAsync($"Try: {UsageError.Path(result.CommandResult)} --help");
            return ExitCode.Usage;
        }
        catch (OperationCanceledException)
        {
            terminal.Complain("stopped before it was done.");
            return ExitCode.Interrupted;
        }
        catch (Exception bug) when (Environment.GetEnvironmentVariable("SMARTHOST_DEBUG") is not { Length: > 0 })
        {
            terminal.Complain($"this should not have happened: {bug.Message} Please report it, with what you typed; SMARTHOST_DEBUG=1 shows where it happened.");
            return ExitCode.Software;
        }
    }

    public static RootCommand Root() => Root(new CommonOptions(Screen.None));

    private static RootCommand Root(CommonOptions common)
    {
        var root = new RootCommand("Takes mail from printers, scanners and old programs on your network by plain SMTP and sends it through Gmail.")
        {
            common.Config,
            common.Json,
            RunCommand.Create(common),
            DemoCommand.Create(common),
            CheckCommand.Create(common),
            SendTestCommand.Create(common),
            ExplainCommand.Create(common),
            LoginCommand.Create(common),
            QueueCommand.Create(common),
            DevicesCommand.Create(common),
            HealthCommand.Create(common),
            HashPasswordCommand.Create(common),
        };
        // In the words of the other options, without the Windows manner (/?, /h) that the parser adds everywhere.
        var help = root.Options.OfType<HelpOption>().Single();
        root.Options.Remove(help);
        root.Options.Add(new HelpOption("--help", "-h", "-?") { Description = "Say what can be typed here.", Action = new HelpAction { MaxWidth = common.Screen.Width ?? HelpWidth } });
        root.Options.OfType<VersionOption>().Single().Description = "Say which version this is.";
        // Without a verb it runs: that is what a container's entry point and a service file want.
        root.SetAction((parsed, cancellation) => RunCommand.RunAsync(parsed.GetValue(common.Config), cancellation));
        return root;
    }
}
