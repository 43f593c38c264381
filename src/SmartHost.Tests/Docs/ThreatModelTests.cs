using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;

namespace SmartHost.Tests.Docs;

/// <summary>Every claim of docs/security.md names its proof, and that proof is there.</summary>
public partial class ThreatModelTests
{
    [Test]
    public void Every_threat_names_a_test_that_exists()
    {
        var known = typeof(ThreatModelTests).Assembly.GetTypes().SelectMany(type => type.GetMethods().Select(method => method.Name).Append(type.Name)).ToHashSet();
        known.UnionWith(Directory.EnumerateFiles(Path.Combine(Tests(), "Dialogs"), "*.smtp").Select(Path.GetFileNameWithoutExtension)!);
        var rows = File.ReadLines(Path.Combine(Tests(), "..", "..", "docs", "security.md"))
            .SkipWhile(line => !line.StartsWith("| Threat", StringComparison.Ordinal)).Skip(2).TakeWhile(line => line.StartsWith('|'))
            .Select(line => line.Split('|', StringSplitOptions.TrimEntries)).ToList();
        Assert.That(rows, Has.Count.GreaterThan(10));
        Assert.Multiple(() =>
        {
            foreach (var row in rows)
            {
                var proofs = Name().Matches(row[3]).Select(match => match.Groups[1].Value).ToList();
                Assert.That(proofs, Is.Not.Empty, row[1]);
                Assert.That(proofs, Is.SubsetOf(known), row[1]);
            }
        });
    }

    private static string Tests([CallerFilePath] string path = "") => Path.GetFullPath(Path.Combine(Path.GetDirectoryName(path)!, ".."));

    [GeneratedRegex("`([^`]+)`")]
    private static partial Regex Name();
}
