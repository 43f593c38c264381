using System.Runtime.CompilerServices;

namespace SmartHost.Tests.Listener;

/// <summary>Every conversation in <c>Dialogs/</c>. Its name says what it shows; <see cref="Dialog"/> says how it is written.</summary>
[Parallelizable(ParallelScope.All)]
public class DialogTests
{
    [TestCaseSource(nameof(Names))]
    public async Task Plays(string name) => await Dialog.PlayAsync(await File.ReadAllTextAsync(Path.Combine(Folder(), name + ".smtp")));

    private static IEnumerable<string> Names() => Directory.EnumerateFiles(Folder(), "*.smtp").Select(path => Path.GetFileNameWithoutExtension(path)).Order();

    private static string Folder([CallerFilePath] string path = "") => Path.GetFullPath(Path.Combine(Path.GetDirectoryName(path)!, "..", "Dialogs"));
}
