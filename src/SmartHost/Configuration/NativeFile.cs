using System.Runtime.InteropServices;

namespace SmartHost.Configuration;

/// <summary>The two calls of libc that syncing a folder takes.</summary>
internal static partial class NativeFile
{
    public const int ReadOnly = 0;

    /// <returns>A file descriptor, or -1.</returns>
    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync")]
    public static partial int FSync(int descriptor);
}
