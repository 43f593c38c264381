using System.Runtime.CompilerServices;

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
        ["Gmail"] = ["History", "Disk", "Mail"],
        ["Delivery"] = ["Gmail", "Queue", "Notices", "History", "Mail"],
        ["Listener"] = ["Devices", "Queue", "History", "Disk", "Mail"],
        ["Practice"] = ["Listener", "Mail"],
        ["Dashboard"] = ["Devices", "Queue", "Delivery", "Gmail", "Notices", "History", "Disk", "Mail"],
        ["Configuration"] = ["Dashboard", "Delivery", "Devices", "Gmail", "History", "Listener", "Notices", "Queue", "Disk", "Mail"],
        ["Hosting"] = ["Configuration", "Dashboard", "Delivery", "Devices", "Gmail", "History", "Listener", "Notices", "Practice", "Queue", "Disk", "Mail"],
        ["Cli"] = ["Hosting", "Configuration", "Dashboard", "Delivery", "Devices", "Gmail", "History", "Listener", "Notices", "Practice", "Queue", "Mail"],
    };

    [Test]
    public void Every_folder_is_in_the_table() =>
        Assert.That(Directory.EnumerateDirectories(Source()).Select(Path.GetFileName).Where(name => name is not ("bin" or "obj" or "Properties")),
            Is.SubsetOf(MayUse.Keys));

    [TestCaseSource(nameof(Folders))]
    public void Folders_use_only_folders_below_them(string folder)
    {
        var forbidden = MayUse.Keys.Except(MayUse[folder]).Where(name => name != folder).ToList();
        var offences =
            from file in Directory.EnumerateFiles(Path.Combine(Source(), folder), "*.*", SearchOption.AllDirectories)
            where Path.GetExtension(file) is ".cs" or ".cshtml"
            let text = File.ReadAllText(file)
            from name in forbidden
            // A qualified name is a use too, written "SmartHost.Queue." anywhere in the file.
            where text.Contains($"SmartHost.{name};") || text.Contains($"SmartHost.{name}.")
            select $"{Path.GetRelativePath(Source(), file)} uses {name}";
        Assert.That(offences, Is.Empty);
    }

    private static IEnumerable<string> Folders() => MayUse.Keys.Where(folder => Directory.Exists(Path.Combine(Source(), folder)));

    private static string Source([CallerFilePath] string path = "") =>
        Path.GetFullPath(Path.Combine(Path.GetDirectoryName(path)!, "..", "SmartHost"));
}
