using System.Globalization;
using System.Text;
using SmartHost.Devices;
using SmartHost.Disk;
using SmartHost.Mail;

namespace SmartHost.Configuration;

/// <param name="Name">Whose file changes.</param>
/// <param name="Text">What it would hold; null: it would be gone.</param>
internal sealed record DeviceTrial(string Name, string? Text);

/// <summary>
/// Devices that stand one a file in the data folder: what the page and the command line write, so that nobody's commented
/// file is ever rewritten. A crash while writing leaves the old file or the new one.
/// </summary>
public static class DeviceFiles
{
    public const string FolderName = "devices";

    private const string Extension = ".yaml";
    private const int MaxOctets = 64 * 1024;

    /// <summary>Where a device of that name stands, or would.</summary>
    public static string PathOf(string dataFolder, string name)
    {
        var (path, other) = (Path.Combine(dataFolder, FolderName, name + Extension), Path.Combine(dataFolder, FolderName, name + ".yml"));
        // Its owner may have chosen YAML's other ending; a second file beside it would be a second device of that name.
        return File.Exists(other) && !File.Exists(path) ? other : path;
    }

    /// <summary>Writes the device's file, making folder and file as needed. Checks nothing but the name: <see cref="SettingsSource.Allow"/> checks the whole.</summary>
    /// <returns>Null when it is on disk, else a sentence why not.</returns>
    public static string? Write(string dataFolder, Device device) => Write(dataFolder, device.Name, Text(device));

    /// <param name="text">What its file is to hold.</param>
    internal static string? Write(string dataFolder, string name, string text)
    {
        if (!DeviceName.IsValid(name)) return BadName(name);
        var path = PathOf(dataFolder, name);
        return Try(path, () =>
        {
            PrivateFolder.Make(dataFolder);
            PrivateFolder.Make(Path.GetDirectoryName(path)!);
            // For us alone: a password hash may stand in it.
            WholeFile.Write(path, Encoding.UTF8.GetBytes(text));
        });
    }

    /// <returns>Null when it is gone, else a sentence why not.</returns>
    public static string? Delete(string dataFolder, string name)
    {
        if (!DeviceName.IsValid(name)) return BadName(name);
        var path = PathOf(dataFolder, name);
        if (!File.Exists(path)) return $"There is no file {path}";
        return Try(path, () =>
        {
            File.Delete(path);
            Fsync.Folder(Path.GetDirectoryName(path)!);
        });
    }

    /// <summary>The device as it would stand in its file: what differs from the defaults, and nothing more.</summary>
    public static string Text(Device device) => "# Written by SmartHost; you may edit it. The page writes anew only what it changes, without the comments in those lines.\n"
        + string.Concat(Lines(device).Select(line => line.Text + "\n"));

    /// <summary>
    /// The device's file as it stands, with only those settings written anew that an edit changes: comments, and what its owner says in
    /// words of his own (5M, requireTls: false), stay. It may come out wrong where the file is laid out in a way of its own, so whoever
    /// takes it reads it first.
    /// </summary>
    /// <returns>Null where there is no file, or its lines are not settings.</returns>
    internal static string? Edited(string dataFolder, Device before, Device after)
    {
        if (!DeviceName.IsValid(after.Name) || TextFile.Read(PathOf(dataFolder, after.Name), MaxOctets, out _) is not { } text) return null;
        var (old, wanted) = (Lines(before).ToDictionary(line => line.Key, line => line.Text), Lines(after).ToDictionary(line => line.Key, line => line.Text));
        var changed = old.Keys.Union(wanted.Keys).Where(key => old.GetValueOrDefault(key) != wanted.GetValueOrDefault(key)).ToHashSet();
        var edited = new List<string>();
        var isDropped = false;
        foreach (var line in text.TrimEnd().Split('\n').Select(line => line.TrimEnd('\r')))
        {
            if (line.Length == 0 || line[0] == '#') edited.Add(line);
            else if (line[0] is ' ' or '\t' or '-')
            {
                // Goes on with the setting above it.
                if (!isDropped) edited.Add(line);
            }
            else if (line.Split(':', 2) is [var key, _])
            {
                isDropped = changed.Contains(key);
                if (!isDropped) edited.Add(line);
                else if (wanted.Remove(key, out var anew)) edited.Add(anew);
            }
            else return null;
        }
        edited.AddRange(Lines(after).Where(line => changed.Contains(line.Key) && wanted.ContainsKey(line.Key)).Select(line => line.Text));
        return string.Concat(edited.Select(line => line + "\n"));
    }

    private static List<(string Key, string Text)> Lines(Device device)
    {
        var lines = new List<(string, string)>();
        var plain = new Device { Name = device.Name, Recipients = device.Recipients };
        Line("addresses", List(device.Addresses.Select(ClientNetwork.ToText)));
        Line("username", Quoted(device.Username));
        if (device.PasswordHashFile is { } file) Line("passwordHashFile", Quoted(file));
        else Line("passwordHash", Quoted(device.PasswordHash?.Reveal()));
        if (!device.Senders.Patterns.SequenceEqual(plain.Senders.Patterns)) Line("senders", List(device.Senders.Patterns));
        Line("recipients", List(device.Recipients.Patterns));
        Line("maxSize", device.MaxSize?.ToString(CultureInfo.InvariantCulture));
        Line("perHour", device.PerHour?.ToString(CultureInfo.InvariantCulture));
        Line("perDay", device.PerDay?.ToString(CultureInfo.InvariantCulture));
        Line("account", Quoted(device.Account));
        if (device.Priority != plain.Priority) Line("priority", device.Priority switch { Lane.Urgent => "urgent", Lane.Bulk => "bulk", _ => "normal" });
        if (device.RequireAuth) Line("requireAuth", "true");
        if (device.RequireTls) Line("requireTls", "true");
        Line("from", Quoted(device.From));
        Line("addTo", List(device.AddTo.Select(mailbox => mailbox.ToString())));
        Line("subjectPrefix", Quoted(device.SubjectPrefix));
        Line("reportTo", Quoted(device.ReportTo?.ToString()));
        if (device.Trace) Line("trace", "true");
        return lines;

        void Line(string key, string? value)
        {
            if (value is not null) lines.Add((key, $"{key}: {value}"));
        }
    }

    /// <summary>Every device file with its content, by name. The names of others (temporary, hidden) are passed over.</summary>
    internal static IReadOnlyList<(string Name, string Path, string Text)> List(string folder, DeviceTrial? trial, List<Problem> problems, ref bool isReadable)
    {
        var files = new List<(string, string, string)>();
        foreach (var path in Paths(folder, problems, ref isReadable))
        {
            var name = Path.GetFileNameWithoutExtension(path);
            if (string.Equals(name, trial?.Name, StringComparison.OrdinalIgnoreCase)) continue;
            if (TextFile.Read(path, MaxOctets, out var trouble) is { } text)
            {
                files.Add((name, path, text));
                continue;
            }
            problems.Add(new Problem(ProblemSeverity.Error, Place.InFile(path), "", $"this device's file {trouble.What}", trouble.Instead));
            isReadable = false;
        }
        if (trial is { Text: { } changed }) files.Add((trial.Name, Path.Combine(folder, trial.Name + Extension), changed));
        return files;
    }

    private static List<string> Paths(string folder, List<Problem> problems, ref bool isReadable)
    {
        try
        {
            return !Directory.Exists(folder) ? [] : [.. Directory.EnumerateFiles(folder)
                .Where(path => Path.GetExtension(path) is Extension or ".yml" && !Path.GetFileName(path).StartsWith('.'))
                .Order(StringComparer.Ordinal)];
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            problems.Add(new Problem(ProblemSeverity.Error, Place.InFile(folder), "", $"the folder of devices cannot be read by the user {CurrentUser.Name} that SmartHost runs as", "Give that user the right to read it"));
            isReadable = false;
            return [];
        }
    }

    private static string BadName(string name) =>
        $"{Quoting.Value(name)} is not a name for a device: use {DeviceName.Rule}";

    private static string? Try(string path, Action action)
    {
        try
        {
            action();
            return null;
        }
        catch (UnauthorizedAccessException)
        {
            return $"{path} cannot be written by the user {CurrentUser.Name} that SmartHost runs as: give that user the right to write there";
        }
        catch (IOException failure)
        {
            return $"{path} cannot be written: {failure.Message}";
        }
    }

    private static string? List(IEnumerable<string> items) => items.Select(Quoted).ToList() is { Count: > 0 } quoted ? $"[{string.Join(", ", quoted)}]" : null;

    /// <summary>YAML's double quotes: the one style in which every text can stand on one line.</summary>
    private static string? Quoted(string? text)
    {
        if (text is null) return null;
        var quoted = new StringBuilder("\"");
        foreach (var c in text)
        {
            if (c is '"' or '\\') quoted.Append('\\').Append(c);
            else if (char.IsControl(c) || c is '\u2028' or '\u2029' or '\ufeff') quoted.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:X4}");
            else quoted.Append(c);
        }
        return quoted.Append('"').ToString();
    }
}
