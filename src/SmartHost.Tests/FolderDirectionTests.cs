using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;

namespace SmartHost.Tests;

/// <summary>The folders are the journey: each may use only those the table names. The compiler cannot say so; this does.</summary>
public class FolderDirectionTests
{
    private static readonly Dictionary<string, string[]> MayUse = new()
    {
        ["Mail"] = [],
        ["Disk"] = [],
        ["History"] = ["Mail"],
        ["Devices"] = ["Mail"],
        ["Queue"] = ["Disk", "Mail"],
        ["Notices"] = ["Queue", "History", "Mail"],
        ["Gmail"] = ["Disk", "Mail"],
        ["Delivery"] = ["Gmail", "Queue", "Notices", "History", "Mail"],
        ["Listener"] = ["Devices", "Queue", "History", "Disk", "Mail"],
        ["Practice"] = ["Mail"],
        ["Dashboard"] = ["Devices", "Queue", "Delivery", "Notices", "History", "Disk", "Mail"],
        ["Configuration"] = ["Dashboard", "Delivery", "Devices", "Gmail", "History", "Listener", "Notices", "Queue", "Disk", "Mail"],
        ["Hosting"] = ["Configuration", "Dashboard", "Delivery", "Devices", "Gmail", "History", "Listener", "Notices", "Queue", "Disk", "Mail"],
        ["Cli"] = ["Hosting", "Configuration", "Dashboard", "Delivery", "Devices", "Gmail", "Listener", "Practice", "Queue", "Mail"],
    };

    private static readonly Regex TypeName = new(@"\b(?:class|record|struct|enum|interface) (?:struct )?(\w+)");

    private static readonly Dictionary<string, Regex> Qualified = Folders().ToDictionary(folder => folder,
        folder => new Regex($@"(?<![\w.]){folder}\.({string.Join('|', FilesOf(folder).SelectMany(file => TypeName.Matches(File.ReadAllText(file))).Select(type => type.Groups[1].Value).Distinct())})\b"));

    [Test]
    public void Every_folder_is_in_the_table() =>
        Assert.That(Directory.EnumerateDirectories(Source()).Select(Path.GetFileName).Where(name => name is not ("bin" or "obj" or "Properties")),
            Is.SubsetOf(MayUse.Keys));

    [TestCaseSource(nameof(Folders))]
    public void Folders_use_only_folders_below_them(string folder)
    {
        var forbidden = MayUse.Keys.Except(MayUse[folder]).Where(name => name != folder).ToList();
        var offences =
            from file in FilesOf(folder)
            let text = File.ReadAllText(file)
            from name in forbidden
            where Uses(text, name)
            select $"{Path.GetRelativePath(Source(), file)} uses {name}";
        Assert.That(offences, Is.Empty);
    }

    [TestCaseSource(nameof(Folders))]
    public void What_a_folder_may_use_it_does_use(string folder) =>
        Assert.That(MayUse[folder].Where(name => !FilesOf(folder).Any(file => Uses(File.ReadAllText(file), name))), Is.Empty);

    /// <summary>A qualified name is a use, too: "SmartHost.Queue.MessageState", and "Queue.MessageState" alone.</summary>
    private static bool Uses(string text, string folder) =>
        text.Contains($"SmartHost.{folder};") || text.Contains($"SmartHost.{folder}.") || Qualified[folder].IsMatch(text);

    private static IEnumerable<string> FilesOf(string folder) =>
        Directory.EnumerateFiles(Path.Combine(Source(), folder), "*.*", SearchOption.AllDirectories).Where(file => Path.GetExtension(file) is ".cs" or ".cshtml");

    private static IEnumerable<string> Folders() => MayUse.Keys.Where(folder => Directory.Exists(Path.Combine(Source(), folder)));

    private static string Source([CallerFilePath] string path = "") =>
        Path.GetFullPath(Path.Combine(Path.GetDirectoryName(path)!, "..", "SmartHost"));
}
