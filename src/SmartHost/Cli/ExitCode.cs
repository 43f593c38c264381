namespace SmartHost.Cli;

/// <summary>Exit codes in the manner of sysexits.h, so that a service manager and a script can tell a typo from a failure. docs/command-line.md lists them.</summary>
public static class ExitCode
{
    public const int Ok = 0;

    /// <summary>The command ran and its answer is "no": a check found trouble, a message did not arrive.</summary>
    public const int Failure = 1;

    /// <summary>EX_USAGE: the command line is wrong.</summary>
    public const int Usage = 64;

    /// <summary>EX_UNAVAILABLE: a port is taken, the data folder is in use, the server cannot be reached.</summary>
    public const int Unavailable = 69;

    /// <summary>EX_SOFTWARE: a bug of ours.</summary>
    public const int Software = 70;

    /// <summary>EX_CONFIG: the configuration has a mistake; restarting will not help.</summary>
    public const int Configuration = 78;

    /// <summary>Ended by Ctrl+C, as shells count it: 128 + SIGINT.</summary>
    public const int Interrupted = 130;
}
