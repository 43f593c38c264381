using System.Security.Cryptography;
using System.Text;
using SmartHost.Devices;

namespace SmartHost.Configuration;

/// <summary>
/// The settings of a running server. They change as a whole or not at all: what cannot be read leaves the old ones in
/// effect and stands in <see cref="LastProblems"/> until it is mended. Any thread may call any member; changes come one
/// after the other.
/// </summary>
public sealed class SettingsSource
{
    private readonly string? configFile;
    private readonly IReadOnlyDictionary<string, string> environment;
    private readonly Lock gate = new();
    private volatile SmartHostSettings current;
    private volatile SettingsResult last;
    private volatile string known;
    private volatile IReadOnlyDictionary<string, Place> devicePlaces;

    /// <param name="configFile">As given to <see cref="SettingsReader.Read(string?, IReadOnlyDictionary{string, string}, string?)"/>.</param>
    /// <param name="first">What that returned at start, with settings.</param>
    public SettingsSource(string? configFile, IReadOnlyDictionary<string, string> environment, SettingsResult first)
    {
        this.configFile = configFile;
        this.environment = environment;
        last = first;
        current = first.Settings ?? throw new ArgumentException("there are no settings to start with", nameof(first));
        devicePlaces = first.DevicePlaces;
        known = Fingerprint();
    }

    public SmartHostSettings Current => current;

    /// <summary>Where a device stands; null: there is none of that name.</summary>
    public Place? PlaceOf(string device) => devicePlaces.GetValueOrDefault(device);

    /// <summary>Of the last reading, applied or refused: errors where it was refused, else warnings.</summary>
    public IReadOnlyList<Problem> LastProblems => last.Problems;

    /// <summary>Sentences on what was changed and waits for a restart.</summary>
    public IReadOnlyList<string> AfterRestart { get; private set; } = [];

    /// <summary>New settings are in effect. Raised on the thread that reloaded; handlers are quick and do not throw.</summary>
    public event Action<SettingsChange>? Changed;

    /// <summary>A reading was refused.</summary>
    public event Action<IReadOnlyList<Problem>>? Refused;

    public ReloadOutcome Reload()
    {
        lock (gate)
        {
            SettingsResult read;
            var tries = 0;
            do
            {
                // Files that change while they are read, or that are read for the first time, are read once more. A file that
                // never rests is left to the next look: what is known then differs from what it finds.
                known = Fingerprint();
                read = SettingsReader.Read(configFile, environment, current.DataFolder, null);
                // A refused reading may not have come to all files; those of before still count.
                last = read.Settings is null ? read with { Files = [.. read.Files.Union(last.Files)] } : read;
            }
            while (Fingerprint() != known && ++tries < 3);
            return Apply(read);
        }
    }

    /// <summary>A file is not what it was when it was read last.</summary>
    internal bool IsStale(out string fingerprint) => (fingerprint = Fingerprint()) != known;

    /// <summary>
    /// Writes a device's file and takes it up, after a trial: a device that would spoil the settings is never written, since
    /// a server that restarts on spoilt settings would not start.
    /// </summary>
    public ReloadOutcome Allow(Device device)
    {
        lock (gate)
        {
            var text = Edited(device) ?? DeviceFiles.Text(device);
            var trial = SettingsReader.Read(configFile, environment, current.DataFolder, new DeviceTrial(device.Name, text));
            if (trial.Settings is null) return new ReloadOutcome.Refused(trial.Problems);
            return DeviceFiles.Write(current.DataFolder, device.Name, text) is { } failure ? NotWritten(device.Name, failure) : Reload();
        }
    }

    /// <summary>Its file with what an edit changes; null where that does not read as this device, so that the whole is written anew.</summary>
    private string? Edited(Device device)
    {
        if (Find(current, device.Name) is not { } before || DeviceFiles.Edited(current.DataFolder, before, device) is not { } text) return null;
        var trial = SettingsReader.Read(configFile, environment, current.DataFolder, new DeviceTrial(device.Name, text));
        return trial.Settings is { } settings && Find(settings, device.Name) is { } read && DeviceFiles.Text(read) == DeviceFiles.Text(device) ? text : null;
    }

    private static Device? Find(SmartHostSettings settings, string name) => settings.Devices.Devices.FirstOrDefault(device => device.Name == name);

    /// <summary>Removes a device's file. A device of the main file has none: whoever wrote it there removes it there.</summary>
    public ReloadOutcome Forget(string name)
    {
        lock (gate)
        {
            var trial = SettingsReader.Read(configFile, environment, current.DataFolder, new DeviceTrial(name, null));
            if (trial.Settings is null) return new ReloadOutcome.Refused(trial.Problems);
            return DeviceFiles.Delete(current.DataFolder, name) is { } failure ? NotWritten(name, failure) : Reload();
        }
    }

    /// <summary>
    /// Everything whose change matters, as one number: the content of all files, since time stamps lie on network shares and
    /// Docker exchanges secrets behind a link. The files are few and small.
    /// </summary>
    private string Fingerprint()
    {
        var result = last;
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var file in result.Files.Concat(FilesIn(result.DeviceFolder)))
        {
            hash.AppendData(Encoding.UTF8.GetBytes(file));
            try
            {
                hash.AppendData(File.ReadAllBytes(file));
            }
            catch (Exception gone) when (gone is IOException or UnauthorizedAccessException)
            {
                // Gone is a state too, and reading the settings tells what is wrong with it.
                hash.AppendData("gone"u8);
            }
        }
        return Convert.ToHexString(hash.GetHashAndReset());
    }

    /// <summary>The folders in which a change may be heard of.</summary>
    internal IReadOnlyList<string> Folders() =>
        [.. last.Files.Select(file => Path.GetDirectoryName(file)!).Append(last.DeviceFolder!).Where(Directory.Exists).Distinct()];

    private ReloadOutcome Apply(SettingsResult read)
    {
        if (read.Settings is not { } settings)
        {
            Refused?.Invoke(read.Problems);
            return new ReloadOutcome.Refused(read.Problems);
        }
        var change = SettingsChange.Between(current, settings);
        (current, devicePlaces, AfterRestart) = (change.New, read.DevicePlaces, change.AfterRestart);
        Changed?.Invoke(change);
        return new ReloadOutcome.Applied(change, read.Problems);
    }

    private ReloadOutcome.Refused NotWritten(string name, string failure) =>
        new([new Problem(ProblemSeverity.Error, new Place(Path.Combine(current.DataFolder, DeviceFiles.FolderName)), $"devices.{Quoting.Key(name)}", "cannot be changed", failure.TrimEnd('.'))]);

    private static IEnumerable<string> FilesIn(string? folder)
    {
        try
        {
            return folder is null || !Directory.Exists(folder) ? [] : [.. Directory.EnumerateFiles(folder).Order(StringComparer.Ordinal)];
        }
        catch (Exception gone) when (gone is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }
}
