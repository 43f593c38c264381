using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using SmartHost.Configuration;
using SmartHost.Tests.Configuration;

namespace SmartHost.Tests.Docs;

/// <summary>The unit that docs/service.md has people install.</summary>
public partial class SystemdUnitTests
{
    /// <summary>A port that is briefly taken or a disk that is mounted late ends it five times within a second: systemd's own limit would keep it down for good.</summary>
    [Test]
    public void It_is_started_again_for_ever_but_for_a_mistake_in_the_configuration()
    {
        var sections = File.ReadAllText(Unit()).Split("\n[").ToDictionary(section => section.TrimStart('[').Split(']')[0], section => section.Split('\n'));
        Assert.That(sections["Unit"], Has.Member("StartLimitIntervalSec=0"));
        Assert.That(sections["Service"], Has.Member("Restart=on-failure").And.Member("RestartSec=5s").And.Member($"RestartPreventExitStatus={SmartHost.Cli.ExitCode.Configuration}"));
    }

    /// <summary>The server by the copies that the unit names, root's check by the files that the YAML names.</summary>
    [Test]
    public void Each_secret_it_can_carry_is_read_by_the_server_and_by_a_check_from_a_shell()
    {
        using var folder = new SettingsFolder();
        var unit = File.ReadAllLines(Unit()).Select(line => line.TrimStart('#')).ToList();
        var credentials = unit.Select(line => Credential().Match(line)).Where(line => line.Success).ToDictionary(line => line.Groups[1].Value, line => line.Groups[2].Value);
        foreach (var (name, original) in credentials)
        {
            folder.Write($"credentials/{name}", $"https://copy.example.com/{name}");
            folder.Write(original, $"https://original.example.com/{name}");
        }
        var yaml = YamlBlock().Matches(File.ReadAllText(Path.Combine(Root(), "docs", "service.md"))).Single().Groups[1].Value;
        folder.Write("smarthost.yaml", SettingsFolder.Account + SettingsFolder.Scanner + yaml.Replace("/etc/smarthost/", $"{folder.Path}/"));

        var shell = folder.Read();
        Assert.That(folder.Problems(shell), Is.Empty);
        Assert.That(shell.Settings!.Dashboard.Token!.Reveal(), Is.EqualTo("https://original.example.com/dashboard_token"));

        folder.Environment["CREDENTIALS_DIRECTORY"] = Path.Combine(folder.Path, "credentials");
        foreach (var variable in unit.Select(line => Variable().Match(line)).Where(line => line.Success && !line.Groups[1].Value.Contains("accounts")))
        {
            Assert.That(credentials.Keys, Has.Member(variable.Groups[3].Value));
            folder.Environment[variable.Groups[1].Value] = variable.Groups[2].Value;
        }
        foreach (var (_, original) in credentials) File.Delete(Path.Combine(folder.Path, original));
        var server = folder.Read();
        Assert.That(folder.Problems(server), Is.Empty);
        Assert.That((server.Settings!.Dashboard.Password!.Reveal(), server.Settings.Dashboard.Token!.Reveal(), server.Settings.Alerts.Webhook!.Reveal()),
            Is.EqualTo(("https://copy.example.com/dashboard_password", "https://copy.example.com/dashboard_token", "https://copy.example.com/alerts_webhook")));
    }

    private static string Unit() => Path.Combine(Root(), "configs", "systemd", "smarthost.service");

    private static string Root([CallerFilePath] string path = "") => Path.GetFullPath(Path.Combine(Path.GetDirectoryName(path)!, "..", "..", ".."));

    [GeneratedRegex("^LoadCredential=([^:]+):/etc/smarthost/(.+)$")]
    private static partial Regex Credential();

    [GeneratedRegex(@"^Environment=(SMARTHOST__[^=]+)=(\$CREDENTIALS_DIRECTORY/(.+))$")]
    private static partial Regex Variable();

    [GeneratedRegex("```yaml\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex YamlBlock();
}
