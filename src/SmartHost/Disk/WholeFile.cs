namespace SmartHost.Disk;

/// <summary>
/// A small file that is replaced as a whole: written beside, synced, renamed, its folder synced. A crash at any moment leaves
/// the old one or the new one, and perhaps a <c>.new</c> that nobody reads and the next write replaces.
/// </summary>
internal static class WholeFile
{
    public const UnixFileMode OursAlone = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    public const UnixFileMode ReadByAll = OursAlone | UnixFileMode.GroupRead | UnixFileMode.OtherRead;

    /// <param name="mode">From the first octet on: a file made with the usual rights and closed off later can be read in between.</param>
    /// <param name="owner">Gets the file; null: it is ours.</param>
    /// <exception cref="IOException">It could not be written; the old file is unchanged.</exception>
    /// <exception cref="UnauthorizedAccessException">Likewise, for want of rights.</exception>
    public static void Write(string path, ReadOnlySpan<byte> content, UnixFileMode mode = OursAlone, FolderOwner? owner = null)
    {
        var beside = path + ".new";
        File.Delete(beside);
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = mode;
        using (var file = new FileStream(beside, options))
        {
            file.Write(content);
            file.Flush();
            owner?.Receive(file.SafeFileHandle);
            // Content before name: after the rename no crash may show an empty file.
            Fsync.File(file.SafeFileHandle);
        }
        File.Move(beside, path, overwrite: true);
        Fsync.Folder(Path.GetDirectoryName(Path.GetFullPath(path))!);
    }
}
