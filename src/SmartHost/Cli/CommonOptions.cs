using System.CommandLine;

namespace SmartHost.Cli;

/// <summary>Options that nearly every verb understands, and the screen that it writes to.</summary>
public sealed class CommonOptions
{
    private readonly Dictionary<Command, Option[]> refused = [];

    internal CommonOptions(Screen screen)
    {
        Screen = screen;
        // A script whose variable is not set says --config "".
        Config.Validators.Add(given =>
        {
            if (string.IsNullOrWhiteSpace(given.GetValueOrDefault<string?>())) given.AddError("--config names no file.");
        });
    }

    internal Screen Screen { get; }

    public Option<string?> Config { get; } = new("--config", "-c")
    {
        Description = "The configuration file. Default: SMARTHOST_CONFIG, else ./smarthost.yaml, else /config/smarthost.yaml, else /etc/smarthost/smarthost.yaml; none is needed if the environment says it all.",
        Recursive = true,
        HelpName = "FILE",
    };

    public Option<bool> Json { get; } = new("--json")
    {
        Description = "Answer in JSON, for scripts; not for run, demo and login. What goes wrong is told on standard error and by the exit code.",
        Recursive = true,
    };

    /// <summary>For a verb that would not obey them: whoever typed one and hears nothing believes that it was heeded.</summary>
    internal void Refuse(Command command, params Option[] options)
    {
        refused[command] = options;
        command.Validators.Add(given =>
        {
            foreach (var option in options.Where(option => given.GetResult(option) is { Implicit: false })) given.AddError($"smarthost {command.Name} does not take {option.Name}: leave it out.");
        });
    }

    /// <summary>Every verb inherits these options, and neither its help nor the Tab key should offer what it refuses.</summary>
    internal void HideRefused(Command command)
    {
        foreach (var option in refused.GetValueOrDefault(command, [])) option.Hidden = true;
    }
}
