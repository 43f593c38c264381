using System.Globalization;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;

namespace SmartHost.Disk;

/// <summary>
/// Whoever SmartHost runs as, as chown takes it: the name, or the number where no passwd file has one, as in a container that
/// is told to run as <c>1000:1000</c>.
/// </summary>
internal static partial class CurrentUser
{
    public static string Name => NameBy(() => Environment.UserName);

    /// <param name="system">It opens the passwd file, and so fails where no descriptor is left: that is told in sentences with this name in them.</param>
    internal static string NameBy(Func<string> system)
    {
        var name = "";
        try
        {
            name = system();
        }
        catch (IOException)
        {
            // Then the number, which needs no file.
        }
        return name.Length > 0 || OperatingSystem.IsWindows() ? name : EffectiveId().ToString(CultureInfo.InvariantCulture);
    }

    [LibraryImport("libc", EntryPoint = "geteuid")]
    [UnsupportedOSPlatform("windows")]
    private static partial uint EffectiveId();
}
