using System.Runtime.CompilerServices;
using SmartHost.Configuration;
using SmartHost.Disk;
using YamlDotNet.RepresentationModel;

namespace SmartHost.Tests.Docs;

/// <summary>The example compose files are files that Compose can start, and what they and the file beside them say is understood by the program.</summary>
public class ComposeFilesTests
{
    private const string Secret = "/run/secrets/gmail_app_password", HashToPaste = "is not a hash made by smarthost hash-password";

    /// <summary>Compose copies inline content into the container, which Docker refuses where the root is read-only.</summary>
    [TestCaseSource(nameof(Files))]
    public void Nothing_is_copied_into_a_read_only_root(string name)
    {
        var file = Read(name);
        var inline = Below(file, "configs").Concat(Below(file, "secrets")).Where(entry => entry.Value is YamlMappingNode { Children: var said } && (said.ContainsKey("content") || said.ContainsKey("environment")));
        Assert.That(Service(file).Children["read_only"].ToString(), Is.EqualTo("true"));
        Assert.That(inline.Select(entry => entry.Key.ToString()), Is.Empty, "mount a file in its place");
    }

    [TestCaseSource(nameof(Files))]
    public void Settings_have_no_mistake_but_what_a_person_must_paste(string name)
    {
        var service = Service(Read(name));
        var environment = Below(service, "environment").ToDictionary(entry => entry.Key.ToString(), entry => entry.Value.ToString());
        Assert.That(environment["GMAIL_APP_PASSWORD_FILE"], Is.EqualTo(Secret));
        var mounts = Items(service, "volumes").Select(mount => mount.Split(':')).ToDictionary(parts => parts[1], parts => parts[0]);
        Assert.That(mounts["/data"], Is.EqualTo("./data"));
        // Where the image looks; what is mounted there stands beside the compose file under that name, here under the compose file's.
        var isMounted = mounts.TryGetValue("/config/smarthost.yaml", out var beside);
        var settings = Path.Combine(Folder(), name.Replace("compose.", "smarthost."));
        if (isMounted) Assert.That(beside, Is.EqualTo("./smarthost.yaml"));
        Assert.That(File.Exists(settings), Is.EqualTo(isMounted), settings);

        var problems = SettingsReader.Read(isMounted ? settings : null, environment).Problems;
        var secret = $"names {Secret}, which does not exist; the nearest folder that does is {WriteProbe.Existing(Secret)}";
        Assert.That(problems.Select(problem => problem.What), Is.EquivalentTo(isMounted ? [secret, HashToPaste] : new[] { secret }));
    }

    [Test]
    public void Every_settings_file_has_its_compose_file() => Assert.That(
        Directory.EnumerateFiles(Folder(), "smarthost.*.yaml").Select(path => Path.GetFileName(path).Replace("smarthost.", "compose.")), Is.SubsetOf(Files()));

    public static IEnumerable<string> Files() => Directory.EnumerateFiles(Folder(), "compose.*.yaml").Select(path => Path.GetFileName(path)).Order();

    private static YamlMappingNode Read(string name)
    {
        var yaml = new YamlStream();
        yaml.Load(new StringReader(File.ReadAllText(Path.Combine(Folder(), name))));
        return (YamlMappingNode)yaml.Documents.Single().RootNode;
    }

    private static YamlMappingNode Service(YamlMappingNode file) => (YamlMappingNode)Below(file, "services").Single().Value;

    private static IEnumerable<KeyValuePair<YamlNode, YamlNode>> Below(YamlMappingNode node, string name) => node.Children.TryGetValue(name, out var below) ? ((YamlMappingNode)below).Children : [];

    private static IEnumerable<string> Items(YamlMappingNode node, string name) => node.Children.TryGetValue(name, out var items) ? ((YamlSequenceNode)items).Children.Select(item => item.ToString()) : [];

    private static string Folder([CallerFilePath] string path = "") => Path.GetFullPath(Path.Combine(Path.GetDirectoryName(path)!, "..", "..", "..", "configs", "docker"));
}
