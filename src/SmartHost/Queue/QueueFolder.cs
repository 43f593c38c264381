using System.Globalization;
using System.Text;
using SmartHost.Disk;

namespace SmartHost.Queue;

/// <summary>
/// The data folder: made when missing (nobody else may read it), owned by one process at a time, its free space known.
/// Whatever is wrong with it ends as a <see cref="QueueUnavailableException"/> that says what to do.
/// </summary>
internal sealed class QueueFolder : IDisposable
{
    private readonly FileStream ownership;
    private readonly string owner;
    private readonly TimeProvider time;
    private readonly Lock gate = new();

    /// <summary>Around the note and what it says: whoever compares the two must not meet them halfway. Taken within the other, never around it.</summary>
    private readonly Lock signing = new();
    private long free, measuredAt, seenAt;
    private bool measured, owned, isThere, wasGone;
    private FileStream? note;
    private string? signature;

    private QueueFolder(string path, FileStream ownership, TimeProvider time)
    {
        (Folder, this.ownership, this.time) = (path, ownership, time);
        owner = Path.Combine(path, "queue.owner");
        // Who stops in good order takes the note away, and then the log goes into the database. A note without a log is a log
        // that somebody took: a backup of queue.db alone, or a clean-up of what looked temporary.
        if (!File.Exists(Database)) return;
        var log = $"{Database}-wal";
        if (!File.Exists(log))
        {
            if (File.Exists(owner)) LogTrouble = $"The queue's log {log} is missing, though SmartHost was not stopped in good order, and what was accepted last may be gone with it.";
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

    public string Database => Path.Combine(Folder, "queue.db");

    public string Content => Path.Combine(Folder, "content");

    public static QueueFolder Open(string folder, TimeProvider time)
    {
        var path = Path.GetFullPath(folder);
        Make(path);
        Make(Path.Combine(path, "content"));
        return new QueueFolder(path, Own(path), time);
    }

    /// <summary>Leaves a note of who we are, once the database is open.</summary>
    /// <exception cref="QueueUnavailableException"/>
    public void SignAsOwner()
    {
        owned = true;
        try
        {
            lock (signing)
            {
                // Held open: by it the folder that was opened is told from a copy of it.
                note = OpenNote(FileMode.Create);
                Sign(string.Create(CultureInfo.InvariantCulture, $"process {Environment.ProcessId} on {Environment.MachineName}, since {time.GetUtcNow():u}"));
            }
        }
        catch (Exception e) when (StorageFailure.From(e) is { Full: true })
        {
            // A full disk must not keep us from delivering, which makes room.
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Unwritable(Folder, e);
        }
    }

    /// <summary>
    /// Before anything of it is opened again. Where its disk was unmounted, its mountpoint stands under its name: empty, or with
    /// a queue of a start before the disk was there. What was committed to that one would vanish behind the disk that comes back.
    /// </summary>
    /// <exception cref="QueueUnavailableException">It is not the folder that was opened.</exception>
    public void AssertStillOurs()
    {
        if (!IsStillOurs()) throw new QueueUnavailableException(IsGone);
    }

    /// <summary>The writer has opened it again: on a disk that was mounted anew the note says the same, and yet is not the one that is open here.</summary>
    public void FollowNote()
    {
        lock (signing)
        {
            note?.Dispose();
            note = null;
            try
            {
                note = OpenNote(FileMode.Open);
                note.Seek(0, SeekOrigin.End);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // Then a copy would not be told from it. What is wrong with the disk is the writer's to tell of.
            }
        }
        lock (gate) (isThere, wasGone) = (true, false);
    }

    /// <summary>
    /// The folder that was opened lies under its name no more, in a sentence or two; null: it does. What is open of it can still be
    /// read and written, and so what waits can still leave; but mail that is taken now would be lost with the process. Asked of
    /// the system at most once a second.
    /// </summary>
    public string? Gone()
    {
        lock (gate)
        {
            if (isThere && time.GetElapsedTime(seenAt) < TimeSpan.FromSeconds(1)) return null;
            try
            {
                isThere = IsStillOurs() && (!wasGone || IsTheSame());
                wasGone |= !isThere;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // A disk that does not answer is the writer's to tell of.
                isThere = true;
            }
            seenAt = time.GetTimestamp();
            return isThere ? null : IsGone;
        }
    }

    private string IsGone => $"The data folder is gone: what lies in {Folder} now is not the queue that was opened. Mount its disk again, and SmartHost goes on by itself. If you put back a copy, or this is its right place, restart SmartHost.";

    /// <summary>
    /// What is written into the note that is open shows under its name. In a copy that somebody put back it does not: what the open files have
    /// taken since would end with this process, and what it has sent would be sent again.
    /// </summary>
    private bool IsTheSame()
    {
        lock (signing)
        {
            Sign("+");
            return IsStillOurs();
        }
    }

    private FileStream OpenNote(FileMode mode) => new(owner, mode, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete, bufferSize: 1);

    /// <summary>Goes on with what the note says.</summary>
    private void Sign(string text)
    {
        if (note is null) return;
        note.Write(Encoding.UTF8.GetBytes(text));
        // Synced: a disk that comes back after a failure is known by it.
        Fsync.File(note.SafeFileHandle);
        signature += text;
    }

    /// <summary>While its writer has it open, too.</summary>
    private static string ReadNote(string path)
    {
        using var reader = new StreamReader(new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete));
        return reader.ReadToEnd();
    }

    /// <summary>Where it is deleted and a copy put back at once, nobody saw the folder gone. Linux tells it of a file that is open.</summary>
    private bool IsNoteDeleted => OperatingSystem.IsLinux() && note is not null
        && new FileInfo($"/proc/self/fd/{note.SafeFileHandle.DangerousGetHandle()}").LinkTarget?.EndsWith(" (deleted)", StringComparison.Ordinal) == true;

    private bool IsStillOurs()
    {
        try
        {
            // No note: the disk had no room for one.
            lock (signing) return File.Exists(Database) && (signature is null || (!IsNoteDeleted && ReadNote(owner) == signature));
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return false;
        }
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

    /// <summary>All is committed: what is left to do may be cut short.</summary>
    public void TakeNoteAway()
    {
        try
        {
            if (owned) File.Delete(owner);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The next start may say that a log is missing which was folded: once too often, not once too seldom.
        }
    }

    public void Dispose()
    {
        note?.Dispose();
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
            throw new QueueUnavailableException($"The data folder {path} is in use by another SmartHost ({Owner(path)}): stop that one, or give this one a data folder of its own.", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Unwritable(path, e);
        }
    }

    private static QueueUnavailableException Unwritable(string path, Exception e) => StorageFailure.From(e) is { Full: true }
        ? new($"The disk with the data folder {path} is full: free some space.", e)
        // EIO.
        : e.HResult == 5 && !OperatingSystem.IsWindows() ? new($"The disk with the data folder {path} answers with an error ({e.Message.TrimEnd('.')}). {Schema.LookAtDisk}", e)
        : new($"SmartHost cannot write in the data folder {path} ({e.Message.TrimEnd('.')}): let {User} write in it, and mount it without “read-only”.", e);

    private static string User => OperatingSystem.IsWindows() ? CurrentUser.Name : $"the user {CurrentUser.Name}";

    private static string Owner(string path)
    {
        try
        {
            return ReadNote(Path.Combine(path, "queue.owner"));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return "which one, it does not say";
        }
    }
}
