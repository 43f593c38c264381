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
    public static string Name { get; } = OperatingSystem.IsWindows() || Environment.UserName.Length > 0
        ? Environment.UserName
        : EffectiveId().ToString(CultureInfo.InvariantCulture);

    [LibraryImport("libc", EntryPoint = "geteuid")]
    [UnsupportedOSPlatform("windows")]
    private static partial uint EffectiveId();
}
