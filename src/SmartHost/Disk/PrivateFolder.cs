namespace SmartHost.Disk;

/// <summary>The data folder, whoever needs it first: our user alone may look into it, for it holds mail, and what opens the account.</summary>
internal static class PrivateFolder
{
    private const UnixFileMode OursAlone = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    /// <summary>One that is there already stays as its owner made it.</summary>
    public static void Make(string path)
    {
        if (OperatingSystem.IsWindows()) Directory.CreateDirectory(path);
        else Directory.CreateDirectory(path, OursAlone);
    }
}
