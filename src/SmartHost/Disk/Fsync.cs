using System.ComponentModel;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using Microsoft.Win32.SafeHandles;

namespace SmartHost.Disk;

/// <summary>
/// Puts a file, or a folder's list of names, on the disk. Every failure is an <see cref="IOException"/>: after a failed
/// fsync Linux forgets which pages were not written, so asking again proves nothing and the message must not be ours.
/// </summary>
internal static partial class Fsync
{
    private const int ReadOnly = 0;
    private const int NotADevice = 19, InvalidArgument = 22, NotSupported = 95, NotSupportedMac = 45;

    /// <summary>fsync(2), F_FULLFSYNC on macOS, FlushFileBuffers on Windows.</summary>
    public static void File(SafeFileHandle file)
    {
        // .NET's own call passes over EROFS and EINVAL, which is how a disk that just turned read-only would get a 250.
        if (!OperatingSystem.IsLinux()) RandomAccess.FlushToDisk(file);
        else if (Sync(file) != 0) throw Failure("fsync", Marshal.GetLastPInvokeError());
    }

    /// <summary>
    /// A rename is on disk only when its folder is; .NET cannot open one as a file. Windows keeps names in its own journal,
    /// and some network file systems know no such call: both are let pass.
    /// </summary>
    public static void Folder(string path)
    {
        if (OperatingSystem.IsWindows()) return;
        using var folder = Open(path, ReadOnly);
        if (folder.IsInvalid) throw Failure($"opening {path}", Marshal.GetLastPInvokeError());
        if (Sync(folder) == 0) return;
        var error = Marshal.GetLastPInvokeError();
        if (error is not (NotADevice or InvalidArgument or NotSupported or NotSupportedMac)) throw Failure($"fsync of {path}", error);
    }

    private static IOException Failure(string what, int error) => new($"{what} failed: {new Win32Exception(error).Message}", error);

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    [UnsupportedOSPlatform("windows")]
    private static partial SafeFileHandle Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    [UnsupportedOSPlatform("windows")]
    private static partial int Sync(SafeFileHandle file);
}
