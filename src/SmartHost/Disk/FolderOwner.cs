using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace SmartHost.Disk;

/// <summary>
/// Whom a folder belongs to, where root writes into it for them: what root kept for itself, the server could not read. Under
/// systemd's DynamicUser there is nobody else who could type a command. On Linux alone.
/// </summary>
internal sealed partial class FolderOwner
{
    private const int FromCurrentFolder = -100;
    private const uint UserAndGroup = 0x8 | 0x10;

    private readonly uint user, group;

    private FolderOwner(uint user, uint group) => (this.user, this.group) = (user, group);

    /// <summary>Null where there is nothing to hand over: we are not root, or the folder is root's own.</summary>
    public static FolderOwner? OtherThanRoot(string folder) =>
        OperatingSystem.IsLinux() && Environment.IsPrivilegedProcess && Look(FromCurrentFolder, folder, 0, UserAndGroup, out var status) == 0 && status.User != 0
            ? new FolderOwner(status.User, status.Group)
            : null;

    /// <summary>By its handle: it is the file that we made, whatever stands under its name by now. A share that knows no owners refuses, and needs none.</summary>
    public void Receive(SafeFileHandle file) => _ = ChangeOwner(file, user, group);

    /// <summary>A link in the folder's place is changed itself, and not what it leads to.</summary>
    public void Receive(string folder) => _ = ChangeOwner(folder, user, group);

    [LibraryImport("libc", EntryPoint = "statx", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Look(int from, string path, int flags, uint mask, out Status status);

    [LibraryImport("libc", EntryPoint = "fchown")]
    private static partial int ChangeOwner(SafeFileHandle file, uint user, uint group);

    [LibraryImport("libc", EntryPoint = "lchown", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int ChangeOwner(string path, uint user, uint group);

    /// <summary>Of statx(2), which looks the same on every processor.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 256)]
    private struct Status
    {
        [FieldOffset(20)] public uint User;
        [FieldOffset(24)] public uint Group;
    }
}
