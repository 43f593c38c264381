namespace SmartHost.Hosting;

/// <summary>
/// A user without a home: systemd's DynamicUser, or a number that no passwd file names. The framework looks for trusted
/// certificates of one's own below the home, and throws where it cannot tell which that is: no TLS, on either side, not
/// even a start. Nothing of ours is read or written there.
/// </summary>
internal static class HomeFolder
{
    /// <summary>Before anything speaks TLS. The root is what the framework itself answers for such a user, where it does answer.</summary>
    public static void Ensure()
    {
        if (OperatingSystem.IsWindows() || Environment.GetEnvironmentVariable("HOME") is { Length: > 0 }) return;
        Environment.SetEnvironmentVariable("HOME", Environment.GetFolderPath(Environment.SpecialFolder.UserProfile, Environment.SpecialFolderOption.DoNotVerify));
    }
}
