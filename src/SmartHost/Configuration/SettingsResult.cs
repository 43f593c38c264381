namespace SmartHost.Configuration;

/// <summary>What reading the settings came to.</summary>
/// <param name="Settings">Null where there is at least one error: nothing is half-applied.</param>
/// <param name="Problems">Errors and warnings, file by file in the order of their lines.</param>
public sealed record SettingsResult(SmartHostSettings? Settings, IReadOnlyList<Problem> Problems)
{
    /// <summary>Full path of the file that was read, or would be if it existed; null where none was named and none found.</summary>
    public string? ConfigFile { get; init; }

    /// <summary>Full paths of all files whose change changes the settings, secret files among them.</summary>
    public IReadOnlyList<string> Files { get; init; } = [];

    /// <summary>Nobody need have written it: there are settings in the environment.</summary>
    public bool IsFileOptional { get; init; }

    /// <summary>Where each device stands, by its name.</summary>
    internal IReadOnlyDictionary<string, Place> DevicePlaces { get; init; } = new Dictionary<string, Place>();

    /// <summary>The folder of the devices that the page and the command line write.</summary>
    public string? DeviceFolder { get; init; }
}
