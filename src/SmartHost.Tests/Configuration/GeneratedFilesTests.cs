using System.Runtime.CompilerServices;
using System.Text.Json;
using SmartHost.Configuration;

namespace SmartHost.Tests.Configuration;

/// <summary>What is made from the table of settings is committed for readers and editors, and must not lag behind it.</summary>
public class GeneratedFilesTests
{
    private const string Refresh = "SMARTHOST_REFRESH_GENERATED";

    [Test]
    public void The_schema_for_editors_is_fresh() => IsFresh("configs/smarthost.schema.json", SchemaFile.Text());

    [Test]
    public void The_reference_is_fresh() => IsFresh("docs/configuration.md", ReferenceText.Text());

    [Test]
    public void Every_setting_has_a_sentence_and_a_name_of_its_own() => Check(SettingsSchema.Root, "");

    [TestCase("smarthost.minimal.yaml")]
    [TestCase("smarthost.full.yaml")]
    public void The_examples_have_no_mistake_but_the_secrets_they_cannot_have(string name)
    {
        var file = Path.Combine(Repository(), "configs", name);
        var result = SettingsReader.Read(file, new Dictionary<string, string>());
        Assert.That(result.Problems.Where(problem => !problem.Path.EndsWith("File", StringComparison.Ordinal)).Select(problem => problem.ToString()), Is.Empty);
        Assert.That(result.Problems, Has.All.Property(nameof(Problem.What)).Contains("does not exist"));
        Assert.That(File.ReadLines(file).First(), Is.EqualTo("# yaml-language-server: $schema=smarthost.schema.json"));
    }

    [Test]
    public void The_full_example_shows_every_setting()
    {
        var text = File.ReadAllText(Path.Combine(Repository(), "configs", "smarthost.full.yaml"));
        var missing = Rows(SettingsSchema.Root).Select(row => row.Name).Distinct().Where(name => !text.Contains($" {name}:") && !text.Contains($"\n{name}:"));
        // Of a secret and its file one is set; the other stands beside it as a comment.
        Assert.That(missing.Where(name => !text.Contains(name)), Is.Empty);
    }

    private static void Check(SettingsSection section, string path)
    {
        Assert.That(section.Rows.Select(row => row.Name), Is.Unique, path);
        foreach (var row in section.Rows)
        {
            Assert.That(row.Doc, Has.Length.GreaterThan(5).And.Not.EndsWith("."), $"{path}.{row.Name}");
            Assert.That(row.Name, Does.Match("^[a-z][A-Za-z]*$"));
            using var schema = JsonDocument.Parse(row.JsonSchema);
            Assert.That(schema.RootElement.ValueKind, Is.EqualTo(JsonValueKind.Object), $"{path}.{row.Name}");
            if (row.Children is { } children) Check(children, $"{path}.{row.Name}");
        }
    }

    private static IEnumerable<SettingsRow> Rows(SettingsSection section) =>
        section.Rows.Concat(section.Rows.SelectMany(row => row.Children is { } children ? Rows(children) : []));

    private static void IsFresh(string path, string text)
    {
        var file = Path.Combine(Repository(), path);
        if (Environment.GetEnvironmentVariable(Refresh) is { Length: > 0 }) File.WriteAllText(file, text);
        Assert.That(File.Exists(file) ? File.ReadAllText(file) : "", Is.EqualTo(text),
            $"{path} is older than the table of settings. Write it anew with: {Refresh}=1 dotnet test --filter GeneratedFiles");
    }

    private static string Repository([CallerFilePath] string path = "") => Path.GetFullPath(Path.Combine(Path.GetDirectoryName(path)!, "..", "..", ".."));
}
