using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;

namespace SmartHost.Tests.Docs;

/// <summary>Links between the repository's own pages lead somewhere, and to a heading that is there.</summary>
public partial class LinkTests
{
    [TestCaseSource(nameof(Pages))]
    public void Links_inside_the_repository_lead_somewhere(string page)
    {
        var path = Path.Combine(Root(), page);
        var broken = new List<string>();
        foreach (Match link in Link().Matches(File.ReadAllText(path)))
        {
            var target = link.Groups[1].Value;
            if (target.Contains("://", StringComparison.Ordinal) || target.StartsWith("mailto:", StringComparison.Ordinal)) continue;
            var (file, anchor) = target.Split('#', 2) is [var f, var a] ? (f, a) : (target, "");
            var full = file == "" ? path : Path.GetFullPath(Path.Combine(Path.GetDirectoryName(path)!, file));
            if (!File.Exists(full) && !Directory.Exists(full)) broken.Add(target);
            else if (anchor != "" && !File.ReadLines(full).Where(line => line.StartsWith('#')).Select(Anchor).Contains(anchor)) broken.Add(target);
        }
        Assert.That(broken, Is.Empty);
    }

    public static IEnumerable<string> Pages() =>
        Directory.EnumerateFiles(Root(), "*.md").Concat(Directory.EnumerateFiles(Path.Combine(Root(), "docs"), "*.md")).Select(path => Path.GetRelativePath(Root(), path));

    /// <summary>As GitHub makes them: lower case, punctuation dropped, blanks to hyphens.</summary>
    private static string Anchor(string heading) =>
        string.Concat(heading.TrimStart('#').Trim().ToLowerInvariant().Where(c => char.IsLetterOrDigit(c) || c is ' ' or '-' or '_')).Replace(' ', '-');

    private static string Root([CallerFilePath] string path = "") => Path.GetFullPath(Path.Combine(Path.GetDirectoryName(path)!, "..", "..", ".."));

    [GeneratedRegex(@"\]\(([^)\s]+)\)")]
    private static partial Regex Link();
}
