using System.CommandLine;

namespace SmartHost.Cli;

/// <summary>
/// What a person types. Every verb is a file of this folder; this one lists them. A failure nobody foresaw ends as one
/// sentence and exit code 70, with its stack trace only where SMARTHOST_DEBUG asks for it.
/// </summary>
public static class CommandLine
{
    public static async Task<int> RunAsync(string[] arguments)
    {
        try
        {
            var result = Root().Parse(arguments);
            if (result.Errors.Count == 0)
            {
                // The host has its own signal handling and ten seconds to stop in; System.CommandLine would cut it off after two.
                return await result.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null });
            }
            foreach (var error in result.Errors) await Console.Error.WriteLineAsync($"smarthost: {error.Message}");
            await Console.Error.WriteLineAsync("Try: smarthost --help");
            return ExitCode.Usage;
        }
        catch (OperationCanceledException)
        {
            return ExitCode.Failure;
        }
        catch (Exception bug) when (Environment.GetEnvironmentVariable("SMARTHOST_DEBUG") is not { Length: > 0 })
        {
            await Console.Error.WriteLineAsync($"smarthost: this should not have happened: {bug.Message} Please report it, with what you typed; SMARTHOST_DEBUG=1 shows where it happened.");
            return ExitCode.Software;
        }
    }

    public static RootCommand Root()
    {
        var common = new CommonOptions();
        var root = new RootCommand("Takes mail from printers, scanners and old programs on your network by plain SMTP and sends it through Gmail.")
        {
            common.Config,
            common.Json,
            RunCommand.Create(common),
            DemoCommand.Create(),
            CheckCommand.Create(common),
            SendTestCommand.Create(common),
            ExplainCommand.Create(common),
            LoginCommand.Create(common),
            QueueCommand.Create(common),
            DevicesCommand.Create(common),
            HealthCommand.Create(common),
            HashPasswordCommand.Create(),
        };
        // Without a verb it runs: that is what a container's entry point and a service file want.
        root.SetAction((parsed, cancellation) => RunCommand.RunAsync(parsed.GetValue(common.Config), cancellation));
        return root;
    }
}
