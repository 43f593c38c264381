using Microsoft.Win32.SafeHandles;
using SmartHost.Disk;
using SmartHost.Mail;

namespace SmartHost.Queue;

/// <summary>Where a message's octets are. Stored by number.</summary>
internal enum ContentPlace
{
    Gone = 0,

    /// <summary>In the table <c>content</c>, under the message's number.</summary>
    Row = 1,

    /// <summary>In <c>content/ID.eml</c>.</summary>
    File = 2,
}

/// <summary>
/// The content of larger messages, a file each: <c>ID.part</c> while it arrives, <c>ID.eml</c> once it is whole and synced.
/// A crash leaves a <c>.part</c>, or an <c>.eml</c> without a row: nobody heard 250 for either, and recovery deletes both.
/// </summary>
internal sealed class ContentStore(string folder)
{
    public string Folder => folder;

    public string PathOf(QueueId id) => Path.Combine(folder, $"{id}.eml");

    /// <summary>Begins <c>ID.part</c>, readable by our user alone.</summary>
    public SafeFileHandle Begin(QueueId id)
    {
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, Share = FileShare.Read, BufferSize = 0 };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        // The stream is only the way to set the mode; its handle outlives it.
        return new FileStream(PartOf(id), options).SafeFileHandle;
    }

    /// <summary>Octets first, then the name, then the folder that holds the name: each on disk before the next.</summary>
    public void Finish(QueueId id, SafeFileHandle part)
    {
        Fsync.File(part);
        part.Dispose();
        File.Move(PartOf(id), PathOf(id), overwrite: true);
        Fsync.Folder(folder);
    }

    /// <summary>Deletes whatever there is of it. False: it could not be deleted (recovery will try again).</summary>
    public bool Delete(QueueId id) => Delete(PartOf(id)) && Delete(PathOf(id));

    /// <summary>The unfinished copy alone: the whole one beside it may be ours.</summary>
    public bool DeletePart(QueueId id) => Delete(PartOf(id));

    /// <summary>There, and as long as it was accepted: a repaired disk hands back files that were cut short, and half a scan must not be sent for a whole one.</summary>
    public bool IsWhole(QueueId id, long length) => new FileInfo(PathOf(id)) is { Exists: true } file && file.Length == length;

    /// <summary>Null: it is missing, or not whole.</summary>
    public Stream? Open(QueueId id, long length)
    {
        try
        {
            var content = new FileStream(PathOf(id), FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete, 32 << 10,
                FileOptions.Asynchronous | FileOptions.SequentialScan);
            if (content.Length == length) return content;
            content.Dispose();
            return null;
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
    }

    public IEnumerable<QueueId> Parts() => Named("*.part");

    public IEnumerable<QueueId> Whole() => Named("*.eml");

    /// <summary>Out of the way, but kept: <c>content/unclaimed/</c>.</summary>
    public void MoveAside(QueueId id)
    {
        var aside = Directory.CreateDirectory(Path.Combine(folder, "unclaimed")).FullName;
        File.Move(PathOf(id), Path.Combine(aside, $"{id}.eml"), overwrite: true);
    }

    private static bool Delete(string path)
    {
        try
        {
            File.Delete(path);
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    private string PartOf(QueueId id) => Path.Combine(folder, $"{id}.part");

    /// <summary>Files of other names are not ours and are left alone.</summary>
    private List<QueueId> Named(string pattern) =>
        [.. Directory.EnumerateFiles(folder, pattern).Select(Path.GetFileNameWithoutExtension)
            .SelectMany(name => QueueId.TryParse(name, out var id) ? [id] : (QueueId[])[])];
}
