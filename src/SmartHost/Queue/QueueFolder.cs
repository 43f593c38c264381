using SmartHost.Disk;

namespace SmartHost.Queue;

/// <summary>
/// The data folder: made when missing (nobody else may read it), owned by one process at a time, its log looked at, its free space known.
/// Whatever is wrong with it ends as a <see cref="QueueUnavailableException"/> that says what to do.
/// </summary>
internal sealed class QueueFolder : IDisposable
{
    private readonly FileStream ownership;
    private readonly TimeProvider time;
    private readonly Lock gate = new();
    private long free, measuredAt;
    private bool measured;

    private QueueFolder(string path, FileStream ownership, TimeProvider time)
    {
        (Folder, this.ownership, this.time) = (path, ownership, time);
        Note = new OwnerNote(path, Database, time);
        // Who stops in good order takes the note away, and then the log goes into the database. A note without a log is a log
        // that somebody took: a backup of queue.db alone, or a clean-up of what looked temporary.
        if (!File.Exists(Database)) return;
        var log = $"{Database}-wal";
        if (!File.Exists(log))
        {
            if (Note.Exists) LogTrouble = $"The queue's log {log} is missing, though SmartHost was not stopped in good order, and what was accepted last may be gone with it.";
        }
        else if (WriteAheadLog.IsBroken(log))
        {
            LogIsBroken = true;
            LogTrouble = $"The queue's log {log} is damaged: the disk lost some of it, and what was accepted last may be gone with it.{Keep(log)}";
        }
    }

    /// <summary>Why the last commits of a run that was killed are not all there, in a sentence or two; null: they are.</summary>
    public string? LogTrouble { get; }

    /// <summary>There is a log, and behind the damage in it is more of it, which would be met again.</summary>
    public bool LogIsBroken { get; }

    public string Folder { get; }

    public OwnerNote Note { get; }

    public string Database => Path.Combine(Folder, "queue.db");

    public string Content => Path.Combine(Folder, "content");

    public static QueueFolder Open(string folder, TimeProvider time)
    {
        var path = Path.GetFullPath(folder);
        Make(path);
        Make(Path.Combine(path, "content"));
        return new QueueFolder(path, Own(path), time);
    }

    /// <summary>Octets that this process may still write. Asked of the system at most once a second; what <see cref="Take"/> took since is taken off.</summary>
    public long Free()
    {
        lock (gate)
        {
            if (measured && time.GetElapsedTime(measuredAt) < TimeSpan.FromSeconds(1)) return free;
            try
            {
                free = new DriveInfo(OperatingSystem.IsWindows() ? Path.GetPathRoot(Folder)! : Folder).AvailableFreeSpace;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // A system that will not say must not stop the mail; a disk that is really full says so at the write.
                free = long.MaxValue;
            }
            (measured, measuredAt) = (true, time.GetTimestamp());
            return free;
        }
    }

    /// <summary>So much is about to be written. Not counted, what comes in within a second would eat up the reserve and all else: a gigabit is twice the reserve.</summary>
    /// <param name="reserve">What is to be free then. Before it is said to be touched, the system is asked.</param>
    /// <returns>True where it is.</returns>
    public bool Take(long octets, long reserve)
    {
        lock (gate)
        {
            if (Free() - octets < reserve) measured = false;
            if (Free() != long.MaxValue) free -= octets;
            return free >= reserve;
        }
    }

    public void Dispose()
    {
        Note.Dispose();
        ownership.Dispose();
    }

    /// <summary>
    /// For whoever wants to save more of it: SQLite overwrites what it does not believe, in the log and then in the database. Once for one
    /// log, or each failed start would copy it again; whole or not at all; and only where there is room for it twice.
    /// </summary>
    private string Keep(string log)
    {
        var copy = Path.Combine(Folder, $"damaged-{File.GetLastWriteTimeUtc(log):yyyyMMdd-HHmmss}");
        var kept = $" A copy of it and of the database is kept in {copy}: it holds mail, so delete it when you need it no more.";
        if (Directory.Exists(copy)) return kept;
        var making = copy + ".new";
        try
        {
            if (Free() / 2 < new FileInfo(log).Length + new FileInfo(Database).Length) return " There was no room for a copy of it.";
            if (Directory.Exists(making)) Directory.Delete(making, recursive: true);
            PrivateFolder.Make(making);
            foreach (var file in (string[])[Database, log]) File.Copy(file, Path.Combine(making, Path.GetFileName(file)));
            Directory.Move(making, copy);
            return kept;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return $" It could not be copied ({e.Message.TrimEnd('.')}).";
        }
    }

    private static void Make(string path)
    {
        if (Directory.Exists(path)) return;
        if (File.Exists(path)) throw new QueueUnavailableException($"{path} is a file, but a folder is needed there: move the file away, or name another data folder.");
        try
        {
            PrivateFolder.Make(path);
            if (Path.GetDirectoryName(path) is { } parent) Fsync.Folder(parent);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new QueueUnavailableException($"The folder {path} does not exist and could not be made ({e.Message.TrimEnd('.')}): make it, and let {User} write in it.", e);
        }
    }

    private static FileStream Own(string path)
    {
        try
        {
            // FileShare.None is an flock on Unix: the system drops it with the process, so no stale lock can be left.
            return new FileStream(Path.Combine(path, "queue.lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, 1);
        }
        catch (IOException e) when (e.HResult is 11 or 35 or unchecked((int)0x80070020))
        {
            throw new QueueUnavailableException($"The data folder {path} is in use by another SmartHost ({OwnerNote.OwnerOf(path)}): stop that one, or give this one a data folder of its own.", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Unwritable(path, e);
        }
    }

    public static QueueUnavailableException Unwritable(string path, Exception e) => StorageFailure.From(e) is { Full: true }
        ? new($"The disk with the data folder {path} is full: free some space.", e)
        // EIO.
        : e.HResult == 5 && !OperatingSystem.IsWindows() ? new($"The disk with the data folder {path} answers with an error ({e.Message.TrimEnd('.')}). {Schema.LookAtDisk}", e)
        : new($"SmartHost cannot write in the data folder {path} ({e.Message.TrimEnd('.')}): let {User} write in it, and mount it without “read-only”.", e);

    private static string User => OperatingSystem.IsWindows() ? CurrentUser.Name : $"the user {CurrentUser.Name}";
}
