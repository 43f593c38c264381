using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.RegularExpressions;
using SmartHost.Cli;
using SmartHost.Tests.EndToEnd;

namespace SmartHost.Tests.Docs;

/// <summary>
/// What the pages tell a reader to type. Every <c>smarthost …</c> is understood by the program, wherever it stands; every other
/// command of a block is run by CI, or the sentence before its block calls it an example.
/// </summary>
public partial class CommandTests
{
    /// <summary>Commands in blocks, and what runs them.</summary>
    private static readonly Dictionary<string, string> RunByCi = new()
    {
        ["dotnet build"] = "dotnet build SmartHost.sln",
        ["dotnet test"] = "dotnet test SmartHost.sln",
        ["dotnet run --project src/SmartHost -- demo"] = nameof(Cli.DemoTests),
    };

    [TestCaseSource(nameof(Pages))]
    public void Every_smarthost_command_line_is_understood(string page)
    {
        Assert.Multiple(() =>
        {
            foreach (var line in SmartHostLines(File.ReadAllText(Path.Combine(Root(), page))))
                Assert.That(CommandLine.Root().Parse(line).Errors.Select(error => error.Message), Is.Empty, $"{page}: smarthost {line}");
        });
    }

    [TestCaseSource(nameof(Pages))]
    public void Every_block_of_commands_is_run_or_an_example(string page)
    {
        foreach (var block in Blocks(File.ReadAllText(Path.Combine(Root(), page))).Where(block => !block.Before.Contains("example", StringComparison.OrdinalIgnoreCase)))
        {
            Assert.That(block.Shell, Is.EqualTo("sh"), $"{page}: our tests run on Linux, so this is an example: {block.Lines[0]}");
            Assert.That(block.Lines, Is.SubsetOf(RunByCi.Keys), $"{page}: call it an example in the sentence before, or have it run and listed here");
        }
    }

    [Test]
    public void What_is_said_to_be_run_is_run()
    {
        var ci = File.ReadAllText(Path.Combine(Root(), ".ci", "run"));
        var tests = typeof(CommandTests).Assembly.GetTypes().Select(type => type.Name).ToHashSet();
        Assert.That(RunByCi.Values.Where(proof => !tests.Contains(proof) && !ci.Contains(proof)), Is.Empty);
    }

    [Test]
    public void The_pages_have_commands_to_look_at()
    {
        var pages = Pages().Select(page => File.ReadAllText(Path.Combine(Root(), page))).ToList();
        Assert.That(pages.SelectMany(SmartHostLines).Count(), Is.GreaterThan(25));
        Assert.That(pages.SelectMany(Blocks).Count(), Is.GreaterThan(5));
    }

    [TestCase("smarthost chek"), TestCase("smarthost devices allow scanner"), TestCase("smarthost queue list --sate held")]
    public void A_wrong_line_would_be_found(string line) => Assert.That(CommandLine.Root().Parse(SmartHostLines($"`{line}`").Single()).Errors, Is.Not.Empty);

    /// <summary>What a profile says beside the platform (native code, or SQLite's library within the one file), a line of options forgets.</summary>
    [Test]
    public void What_is_published_is_published_by_its_profile()
    {
        var lines = Pages().SelectMany(page => Blocks(File.ReadAllText(Path.Combine(Root(), page)))).SelectMany(block => block.Lines).Where(line => line.StartsWith("dotnet publish", StringComparison.Ordinal)).ToList();
        var profiles = lines.Select(line => Profile().Match(line).Groups[1].Value).ToList();
        Assert.That(profiles, Has.Member("linux-x64").And.Member("win-x64"), string.Join('\n', lines));
        foreach (var profile in profiles) Assert.That(Path.Combine(Root(), "src", "SmartHost", "Properties", "PublishProfiles", $"{profile}.pubxml"), Does.Exist);
    }

    [Test]
    public void Every_exit_code_is_in_the_table()
    {
        var table = File.ReadLines(Path.Combine(Root(), "docs", "command-line.md")).Select(line => ExitCodeRow().Match(line)).Where(row => row.Success).Select(row => int.Parse(row.Groups[1].Value)).ToList();
        var codes = typeof(ExitCode).GetFields(BindingFlags.Public | BindingFlags.Static).Select(field => (int)field.GetRawConstantValue()!);
        Assert.That(table, Is.EqualTo(codes));
    }

    /// <summary>The one command that troubleshooting asks of another machine, as it stands there but for the address.</summary>
    [Test, CancelAfter(60_000), Platform(Exclude = "Win", Reason = "a shell and curl")]
    public async Task The_curl_line_reaches_the_server(CancellationToken cancellation)
    {
        var page = await File.ReadAllTextAsync(Path.Combine(Root(), "docs", "troubleshooting.md"), cancellation);
        var line = Code().Matches(page).Select(match => match.Groups[1].Value.Replace("\\|", "|")).Single(code => code.Contains("curl smtp://", StringComparison.Ordinal));
        await using var live = await LiveServer.StartAsync(cancellation, edit: yaml => yaml.Replace("*@example.com", "you@gmail.com"));
        using var shell = System.Diagnostics.Process.Start(new System.Diagnostics.ProcessStartInfo("bash", ["-c", line.Replace("192.168.1.10:2525", $"127.0.0.1:{live.Port}")]) { RedirectStandardError = true })!;
        var heard = await shell.StandardError.ReadToEndAsync(cancellation);
        await shell.WaitForExitAsync(cancellation);
        Assert.That(shell.ExitCode, Is.Zero, heard);
        Assert.That((await live.Gmail.WaitForAsync(1, cancellation))[0].Header("Subject"), Is.EqualTo("test"));
    }

    public static IEnumerable<string> Pages() => LinkTests.Pages();

    /// <summary>In blocks and between backquotes, after whatever starts the program; without what a shell makes of the rest.</summary>
    private static IEnumerable<string> SmartHostLines(string page)
    {
        var pieces = Code().Matches(page).Select(match => match.Groups[1].Value).Concat(Blocks(page).SelectMany(block => block.Lines));
        foreach (var piece in pieces)
        {
            if (Invocation().Match(piece) is not { Success: true } found) continue;
            yield return found.Groups[1].Value.Replace("…", "").Trim();
        }
    }

    private static IEnumerable<(string Before, string Shell, List<string> Lines)> Blocks(string page)
    {
        foreach (Match block in Block().Matches(page))
        {
            var before = page[..block.Index].TrimEnd();
            before = before[(before.LastIndexOf("\n\n", StringComparison.Ordinal) is >= 0 and var start ? start : 0)..];
            yield return (before, block.Groups[1].Value, [.. block.Groups[2].Value.Split('\n').Select(line => Comment().Replace(line, "").Trim()).Where(line => line.Length > 0)]);
        }
    }

    private static string Root([CallerFilePath] string path = "") => Path.GetFullPath(Path.Combine(Path.GetDirectoryName(path)!, "..", "..", ".."));

    [GeneratedRegex(@"^ *```(sh|bash|console|powershell)\n(.*?)^ *```", RegexOptions.Singleline | RegexOptions.Multiline)]
    private static partial Regex Block();

    [GeneratedRegex(@"(?<!`)`([^`\n]+)`(?!`)")]
    private static partial Regex Code();

    [GeneratedRegex(@"\s+#.*$")]
    private static partial Regex Comment();

    [GeneratedRegex(@"^(?:docker exec smarthost |sc\.exe create \w+ binPath= ""[^""]*\\)?smarthost(?:\.exe)?(?: ([^""|&;]*))")]
    private static partial Regex Invocation();

    [GeneratedRegex(@"-p:PublishProfile=(\S+)")]
    private static partial Regex Profile();

    [GeneratedRegex(@"^\| (\d+) \|")]
    private static partial Regex ExitCodeRow();
}
