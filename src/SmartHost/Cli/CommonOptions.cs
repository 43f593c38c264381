using System.CommandLine;

namespace SmartHost.Cli;

/// <summary>Options that every verb understands.</summary>
public sealed class CommonOptions
{
    public Option<string?> Config { get; } = new("--config", "-c")
    {
        Description = "The configuration file. Default: SMARTHOST_CONFIG, else ./smarthost.yaml, else /config/smarthost.yaml, else /etc/smarthost/smarthost.yaml; none is needed if the environment says it all.",
        Recursive = true,
        HelpName = "FILE",
    };

    public Option<bool> Json { get; } = new("--json")
    {
        Description = "Answer in JSON, for scripts.",
        Recursive = true,
    };
}
