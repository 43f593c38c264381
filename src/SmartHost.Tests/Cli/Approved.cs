using System.Runtime.CompilerServices;

namespace SmartHost.Tests.Cli;

/// <summary>Texts that a person has read and found good, one a file in <c>Cli/Approved</c>. A changed text fails until somebody has looked at the difference.</summary>
internal static class Approved
{
    private const string Refresh = "SMARTHOST_REFRESH_GENERATED";

    public static void Matches(string name, string text)
    {
        var file = Path.Combine(Folder(), name + ".txt");
        text = text.ReplaceLineEndings("\n");
        if (Environment.GetEnvironmentVariable(Refresh) is { Length: > 0 }) File.WriteAllText(file, text);
        Assert.That(File.Exists(file) ? File.ReadAllText(file) : "", Is.EqualTo(text),
            $"What the command line says has changed. If it is better now: {Refresh}=1 dotnet test --filter Tests.Cli, and read git diff");
    }

    public static IEnumerable<string> Names() => Directory.EnumerateFiles(Folder(), "*.txt").Select(file => Path.GetFileNameWithoutExtension(file));

    private static string Folder([CallerFilePath] string path = "") => Path.Combine(Path.GetDirectoryName(path)!, "Approved");
}
