namespace SmartHost.Cli;

/// <summary>What can be shown where the answers go.</summary>
/// <param name="Width">Columns. Null: no screen but a pipe or a file, so lines are left as long as they are.</param>
/// <param name="Ascii">It may not have the marks ✓ and ✗, nor typographer's quotes.</param>
/// <param name="Styled">It takes escape sequences, and its owner wants them.</param>
internal readonly record struct Screen(int? Width, bool Ascii, bool Styled)
{
    /// <summary>A file, read by whatever reads UTF-8.</summary>
    public static readonly Screen None = new(null, Ascii: false, Styled: false);

    private static readonly string[] LocaleVariables = ["LC_ALL", "LC_CTYPE", "LANG"];

    public static Screen OfConsole()
    {
        var terminal = Environment.GetEnvironmentVariable("TERM");
        var ascii = !SpeaksUtf8() || terminal is "linux" or "dumb";
        if (Console.IsOutputRedirected) return new Screen(null, ascii, Styled: false);
        // https://no-color.org, and more than it asks: nothing bold either.
        var styled = Environment.GetEnvironmentVariable("NO_COLOR") is not { Length: > 0 } && terminal is not ("dumb" or null) && !OperatingSystem.IsWindows();
        // Some serial consoles say that they are 0 columns wide.
        return new Screen(Console.WindowWidth is >= 20 and var width ? width : 80, ascii, styled);
    }

    /// <summary>By the locale, as POSIX orders its variables. Not by Console.Out, which is UTF-8 in the locale C too.</summary>
    private static bool SpeaksUtf8()
    {
        if (OperatingSystem.IsWindows()) return Console.OutputEncoding.CodePage == 65001;
        var locale = LocaleVariables.Select(Environment.GetEnvironmentVariable).FirstOrDefault(value => value is { Length: > 0 });
        return locale is not null && (locale.Contains("utf-8", StringComparison.OrdinalIgnoreCase) || locale.Contains("utf8", StringComparison.OrdinalIgnoreCase));
    }
}
