using SmartHost.Configuration;

namespace SmartHost.Tests.Configuration;

/// <summary>A folder with a configuration file in it, gone with the test.</summary>
internal sealed class SettingsFolder : IDisposable
{
    public const string Account = """
        accounts:
          default:
            username: you@gmail.com
            appPassword: abcdefghijklmnop

        """;

    public const string Scanner = """
        devices:
          scanner:
            addresses: 192.168.1.23
            recipients: you@gmail.com

        """;

    public string Path { get; } = Directory.CreateTempSubdirectory("smarthost-settings-").FullName;

    public string ConfigFile => System.IO.Path.Combine(Path, "smarthost.yaml");

    public string DataFolder => System.IO.Path.Combine(Path, "data");

    public Dictionary<string, string> Environment { get; } = [];

    /// <summary>Readable by its owner alone, as secrets should be.</summary>
    public string Write(string name, string text)
    {
        var path = System.IO.Path.Combine(Path, name);
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        return path;
    }

    /// <summary>Makes a file readable by everyone.</summary>
    public void Publish(string path)
    {
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead);
    }

    public SettingsResult Read(string yaml)
    {
        Write("smarthost.yaml", yaml);
        return Read();
    }

    public SettingsResult Read() => SettingsReader.Read(ConfigFile, Environment.Append(new("SMARTHOST_DATA", DataFolder)).DistinctBy(variable => variable.Key).ToDictionary());

    /// <summary>Problems without the folder's own name: <c>smarthost.yaml:3:5: error: …</c></summary>
    public List<string> Problems(SettingsResult result) => [.. result.Problems.Select(problem => problem.ToString().Replace(Path + System.IO.Path.DirectorySeparatorChar, ""))];

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
