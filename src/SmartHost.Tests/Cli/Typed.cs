using System.CommandLine;
using System.Text.RegularExpressions;
using SmartHost.Cli;

namespace SmartHost.Tests.Cli;

/// <summary>One command line as it was typed, and what came of it.</summary>
internal sealed partial record Typed(string[] Arguments, int Code, string Output, string Error)
{
    /// <summary>A terminal of 80 columns that has the marks and no colours.</summary>
    public static readonly Screen Terminal = new(80, Ascii: false, Styled: false);

    public static Task<Typed> RunAsync(string[] arguments, CancellationToken cancellation) => RunAsync(Terminal, arguments, cancellation);

    public static async Task<Typed> RunAsync(Screen screen, string[] arguments, CancellationToken cancellation)
    {
        using StringWriter output = new(), error = new();
        var code = await CommandLine.RunAsync(arguments, output, error, screen, cancellation);
        // Every scene of every test: what the settings keep secret is on no screen.
        Assert.That(output.ToString() + error, Does.Not.Contain("abcd efgh ijkl mnop").And.Not.Contain("abcdefghijklmnop"));
        // Within a test the parser takes the test's host for the program.
        return new Typed(arguments, code, output.ToString().Replace(RootCommand.ExecutableName, "smarthost"), error.ToString().Replace(RootCommand.ExecutableName, "smarthost"));
    }

    /// <summary>As a person sees it, with what differs from run to run replaced by words of the same length, so that tables stay tables.</summary>
    public string Scene(params (string Text, string Word)[] changing)
    {
        var scene = $"$ smarthost {string.Join(' ', Arguments.Select(Quoted))}\n{Output}{Marked(Error)}(exit code {Code})\n";
        foreach (var (text, word) in changing) scene = scene.Replace(text, word);
        scene = Time().Replace(scene, match => string.Concat(match.Value.Select(c => char.IsDigit(c) ? '0' : c)));
        scene = Duration().Replace(scene, "0 ms");
        // The help pads where it wraps.
        return string.Join('\n', GmailsId().Replace(scene, "7-8.9 - gsmtp").Split('\n').Select(line => line.TrimEnd()));
    }

    /// <summary>Standard error apart from standard output, as no terminal shows it.</summary>
    private static string Marked(string error) => string.Concat(error.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => $"2> {line}\n"));

    private static string Quoted(string argument) => argument.Length > 0 && argument.All(c => char.IsLetterOrDigit(c) || "-_./@=:,".Contains(c)) ? argument : $"'{argument}'";

    [GeneratedRegex(@"\b(\d{4}-)?\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?|\b\d\d:\d\d:\d\d\b")]
    private static partial Regex Time();

    [GeneratedRegex(@"[0-9a-f]+-[0-9a-z]+\.\d+ - gsmtp")]
    private static partial Regex GmailsId();

    [GeneratedRegex(@"\d+ ms|\d+\.\d\d s\b")]
    private static partial Regex Duration();
}
