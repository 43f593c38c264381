using SmartHost.Devices;
using SmartHost.Listener;

namespace SmartHost.Configuration;

/// <summary>
/// Reads the settings whole: file, files of devices, environment, secret files. Whatever is wrong ends as a
/// <see cref="Problem"/>, never as an exception, and one error is enough for there to be no settings.
/// </summary>
public static class SettingsReader
{
    /// <summary>Where the file is looked for when nobody named one.</summary>
    public static readonly IReadOnlyList<string> UsualPlaces = ["smarthost.yaml", "/config/smarthost.yaml", "/etc/smarthost/smarthost.yaml"];

    private const int MaxFileOctets = 4 << 20;

    /// <param name="configFile">As the user named it, <c>--config</c>. Null: <c>SMARTHOST_CONFIG</c>, else the first of <see cref="UsualPlaces"/> that exists.</param>
    /// <param name="runningDataFolder">While running: the data folder in use, whose device files count even if the file now names another.</param>
    public static SettingsResult Read(string? configFile, IReadOnlyDictionary<string, string> environment, string? runningDataFolder = null) =>
        Read(configFile, environment, runningDataFolder, null);

    /// <param name="beforeCertificates">
    /// Gets the listeners and the data folder, once, unless there are errors already. It runs before the checks open a certificate,
    /// and with it OpenSSL, which reads its own configuration at that moment and never again.
    /// </param>
    public static SettingsResult Read(string? configFile, IReadOnlyDictionary<string, string> environment, Action<IReadOnlyList<ListenerSettings>, string> beforeCertificates) =>
        Read(configFile, environment, null, null, beforeCertificates);

    /// <summary>The variables of this process, as <see cref="Read(string?, IReadOnlyDictionary{string, string}, string?)"/> wants them.</summary>
    public static IReadOnlyDictionary<string, string> ProcessEnvironment() => Environment.GetEnvironmentVariables()
        .Cast<System.Collections.DictionaryEntry>()
        .ToDictionary(entry => (string)entry.Key, entry => (string?)entry.Value ?? "");

    /// <param name="trial">A device's file as it would be after a change: what would the settings be then?</param>
    internal static SettingsResult Read(string? configFile, IReadOnlyDictionary<string, string> environment, string? runningDataFolder, DeviceTrial? trial, Action<IReadOnlyList<ListenerSettings>, string>? beforeCertificates = null)
    {
        var context = new ReadContext(SettingsSchema.Root, environment);
        var (file, mustExist) = Find(configFile, environment);
        var fullFile = file is null ? null : Path.GetFullPath(file);
        var written = ReadConfigFile(file, mustExist, context);

        // Which files of devices there are depends on the data folder, and that on file and environment.
        var data = DataFolder(written, fullFile, environment);
        var deviceFolder = Path.Combine(runningDataFolder ?? data, DeviceFiles.FolderName);
        var all = WithDeviceFiles(written, deviceFolder, trial, context);
        var result = new SettingsResult(null, []) { ConfigFile = fullFile, DeviceFolder = deviceFolder, IsFileOptional = !mustExist };
        if (written is null || all is null) return Done(result, context);

        var merged = all.With(EnvironmentSettings.Read(environment, all, context.Problems));
        var draft = SettingsSchema.Root.Read(merged, "", "", context);
        if (!context.Problems.Exists(problem => problem.IsError)) beforeCertificates?.Invoke(draft.Listeners, draft.Data ?? data);
        SettingsChecks.Check(draft with { Data = draft.Data ?? data }, context);
        return Done(context.Problems.Exists(problem => problem.IsError) ? result : result with
        {
            Settings = Settle(draft, data),
            DevicePlaces = draft.Devices.ToDictionary(device => device.Name, device => context.PlaceOf($"devices.{device.Name}")),
        }, context);
    }

    private static (string? File, bool MustExist) Find(string? named, IReadOnlyDictionary<string, string> environment)
    {
        if (named is not null) return (named, true);
        // The image names a file for those who mount one; those who configure by environment have none.
        if (environment.TryGetValue(EnvironmentSettings.ConfigVariable, out var variable) && variable.Length > 0) return (variable, !EnvironmentSettings.Configures(environment));
        return (UsualPlaces.FirstOrDefault(Path.Exists), false);
    }

    /// <returns>Null where the file cannot be understood: what is missing cannot be told then.</returns>
    private static SettingsNode.Mapping? ReadConfigFile(string? file, bool mustExist, ReadContext context)
    {
        var place = file is null ? new Place($"no {UsualPlaces[0]} found") : Place.InFile(file);
        context.Places[""] = place;
        var other = OtherEnding(file);
        if (file is null || (!mustExist && !Path.Exists(file)))
        {
            if (other is null) return new SettingsNode.Mapping(place, []);
            var name = Path.GetFileName(file) ?? UsualPlaces[0];
            var isNeeded = !EnvironmentSettings.Configures(context.Environment);
            var (what, instead) = ($"this file is not read, for it is not called {name}", $"Rename it to {name}, or name it with --config");
            if (isNeeded) context.Error(Place.InFile(other), "", what, instead);
            else context.Warning(Place.InFile(other), "", what, instead);
            return isNeeded ? null : new SettingsNode.Mapping(place, []);
        }
        if (TextFile.Read(file, MaxFileOctets, out var trouble) is not { } text)
        {
            context.Error(place, "", $"the configuration file {trouble.What}", Path.Exists(file) ? trouble.Instead
                : other is not null ? $"There is {other}: rename it to {Path.GetFileName(file)}, or name that one"
                : $"{trouble.Instead}. Or do without a file: set GMAIL_USERNAME, GMAIL_APP_PASSWORD_FILE and {EnvironmentSettings.DevicesVariable}");
            return null;
        }
        return YamlReader.Read(text, file, context.Problems);
    }

    /// <summary>The file that somebody wrote with YAML's other ending, where the one that is looked for is not there.</summary>
    /// <param name="file">Null: none was found in the usual places.</param>
    private static string? OtherEnding(string? file) => (file is null ? UsualPlaces : Path.Exists(file) ? [] : [file])
        .Select(place => Path.GetExtension(place) switch { ".yaml" => Path.ChangeExtension(place, ".yml"), ".yml" => Path.ChangeExtension(place, ".yaml"), _ => null })
        .FirstOrDefault(File.Exists);

    /// <summary>
    /// The default stands beside the file in force, like every relative path in it: whoever names that file, from whatever folder
    /// and with whatever verb, means the same data.
    /// </summary>
    private static string DataFolder(SettingsNode.Mapping? written, string? fullFile, IReadOnlyDictionary<string, string> environment)
    {
        var file = written ?? new SettingsNode.Mapping(new Place("settings"), []);
        var node = file.With(EnvironmentSettings.Read(environment, file, [])).Find("data");
        return node is SettingsNode.Scalar { Text: { } text } && ValueKinds.FolderPath.TryRead(text.Trim(), node.Place, out var folder) ? folder
            : Path.Combine(fullFile is not null && Path.Exists(fullFile) ? Path.GetDirectoryName(fullFile)! : Directory.GetCurrentDirectory(), "data");
    }

    /// <summary>Adds the devices that stand one a file. One that cannot be read spoils the whole, like a mistake in the main file.</summary>
    private static SettingsNode.Mapping? WithDeviceFiles(SettingsNode.Mapping? written, string folder, DeviceTrial? trial, ReadContext context)
    {
        var entries = new List<SettingsNode.Entry>();
        var isReadable = true;
        foreach (var (name, path, text) in DeviceFiles.List(folder, trial, context.Problems, ref isReadable))
        {
            if (YamlReader.Read(text, path, context.Problems) is not { } settings)
            {
                isReadable = false;
                continue;
            }
            var place = Place.InFile(path);
            var known = written?.Under("devices").Entries.Concat(entries).FirstOrDefault(entry => string.Equals(entry.Key, name, StringComparison.OrdinalIgnoreCase));
            if (settings.Entries.FirstOrDefault(entry => entry.Key == "devices") is { } group) context.Error(group.Place, $"devices.{name}", "cannot begin with devices: here, for this file holds one device", "Write its settings directly, without devices: and its name, which is that of the file");
            else if (known is not null) context.Error(place, $"devices.{name}", $"is configured twice: also in {known.Place}", "Remove one of the two, or give it another name");
            else entries.Add(new SettingsNode.Entry(name, place, new SettingsNode.Mapping(place, settings.Entries)));
        }
        if (!isReadable || written is null) return null;
        if (entries.Count == 0) return written;
        // A list or text in place of the group is told when the whole is read; it must not vanish under the files' devices.
        if (written.Find("devices") is not (null or SettingsNode.Mapping or SettingsNode.Scalar { Text: null })) return written;
        var devices = new SettingsNode.Mapping(Place.InFile(folder), entries);
        var at = written.Entries.FirstOrDefault(entry => entry.Key == "devices");
        var over = new SettingsNode.Entry("devices", at?.Place ?? devices.Place, devices);
        return written.With(new SettingsNode.Mapping(written.Place, [over]));
    }

    private static SmartHostSettings Settle(SettingsDraft draft, string data) => new()
    {
        DataFolder = draft.Data ?? data,
        Hostname = draft.Hostname ?? MachineName(),
        Accounts = [.. draft.Accounts.Select(AccountChecks.Settle)],
        Listeners = draft.Listeners.Count > 0 ? draft.Listeners : [SettingsChecks.DefaultListener],
        Devices = new DeviceDirectory(draft.Devices),
        Limits = draft.Limits,
        Delivery = draft.Delivery,
        Alerts = draft.Alerts,
        Dashboard = draft.Dashboard,
        Queue = draft.Queue with { Folder = draft.Data ?? data },
        Log = draft.Log,
        TraceClients = draft.Trace,
    };

    /// <summary>Machines may have names that no SMTP greeting may hold.</summary>
    private static string MachineName() =>
        ValueKinds.HostName.TryRead(Environment.MachineName, new Place(""), out var name) ? name.ToLowerInvariant() : "smarthost.lan";

    private static SettingsResult Done(SettingsResult result, ReadContext context)
    {
        var sources = context.Problems.Select(problem => problem.Place.Source).Distinct().ToList();
        return result with
        {
            Problems = [.. context.Problems.OrderBy(problem => sources.IndexOf(problem.Place.Source)).ThenBy(problem => problem.Place.Line).ThenBy(problem => problem.Place.Column)],
            Files = [.. context.Files.Prepend(result.ConfigFile).OfType<string>().Distinct()],
        };
    }
}
