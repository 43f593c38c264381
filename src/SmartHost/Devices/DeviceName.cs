namespace SmartHost.Devices;

/// <summary>What a device may be called, and an account or a listener too: such names stand in paths of settings, logs, file names and reply texts.</summary>
public static class DeviceName
{
    public const int MaxLength = 64;

    /// <summary>As the rest of a sentence: use ….</summary>
    public static readonly string Rule = $"1 to {MaxLength} letters, digits, - and _, beginning with a letter or digit, such as office-scanner";

    /// <summary>A device's becomes a file's, so it must not be able to leave the folder; and on a command line it must not look like an option.</summary>
    public static bool IsValid(string name) =>
        name.Length is > 0 and <= MaxLength && char.IsAsciiLetterOrDigit(name[0]) && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_');
}
