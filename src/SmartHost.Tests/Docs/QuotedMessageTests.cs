using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;

namespace SmartHost.Tests.Docs;

/// <summary>Who looks a message up in docs/troubleshooting.md has it from the program: what is quoted there as ours stands in the source, word for word.</summary>
public partial class QuotedMessageTests
{
    /// <summary>Quotes that begin with a reply's code, and all of those about the page; the other words are the devices' own.</summary>
    [Test]
    public void Every_quoted_message_is_one_that_the_program_prints()
    {
        var page = File.ReadAllText(Path.Combine(Root(), "docs", "troubleshooting.md"));
        var source = string.Concat(new[] { "*.cs", "*.cshtml" }.SelectMany(kind => Directory.EnumerateFiles(Path.Combine(Root(), "src", "SmartHost"), kind, SearchOption.AllDirectories))
            .Where(path => !path.Contains($"{Path.DirectorySeparatorChar}obj{Path.DirectorySeparatorChar}")).Select(File.ReadAllText));
        var quoted = Quotes(page, "## The device says").Where(quote => char.IsAsciiDigit(quote[0])).Concat(Quotes(page, "## The page says")).ToList();
        Assert.That(quoted, Has.Count.GreaterThan(15));
        // "…" stands for what differs, and for the status behind a code.
        var missing = quoted.SelectMany(quote => Code().Replace(quote, "").Split('…', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)).Where(piece => !source.Contains(piece, StringComparison.Ordinal));
        Assert.That(missing, Is.Empty);
    }

    /// <summary>In the first column of the table below the heading.</summary>
    private static IEnumerable<string> Quotes(string page, string heading)
    {
        var from = page.IndexOf(heading, StringComparison.Ordinal);
        Assert.That(from, Is.Not.Negative, heading);
        var rows = page[(from + heading.Length)..].Split("\n## ")[0].Split('\n').Where(line => line.StartsWith('|'));
        return rows.SelectMany(row => Quoted().Matches(row.Split('|')[1])).Select(match => match.Groups[1].Value);
    }

    private static string Root([CallerFilePath] string path = "") => Path.GetFullPath(Path.Combine(Path.GetDirectoryName(path)!, "..", "..", ".."));

    [GeneratedRegex("\"([^\"]+)\"")]
    private static partial Regex Quoted();

    [GeneratedRegex(@"^\d{3}( \d\.\d\.\d)?")]
    private static partial Regex Code();
}
