using System.Globalization;
using System.Text;
using SmartHost.Disk;

namespace SmartHost.Queue;

/// <summary>
/// The note <c>queue.owner</c>: who has the data folder open. It is held open, and what it says is known, so that the folder that was opened is told
/// from whatever may lie under its name later: the mountpoint of a disk that was unmounted, an older queue on that, a copy that somebody put back.
/// Where it cannot be written for want of room, nothing is told: a full disk must not keep mail from leaving.
/// </summary>
internal sealed class OwnerNote(string folder, string database, TimeProvider time) : IDisposable
{
    private readonly string path = PathIn(folder);

    /// <summary>Around what was seen last. Around the other, never within it.</summary>
    private readonly Lock gate = new();

    /// <summary>Around the note and what it says: whoever compares the two must not meet them halfway.</summary>
    private readonly Lock signing = new();
    private long seenAt;
    private bool owned, isThere, wasGone;
    private FileStream? note;
    private string? signature;

    /// <summary>Before <see cref="Write"/>: it is that of a run that was not stopped in good order.</summary>
    public bool Exists => File.Exists(path);

    /// <summary>Who has that folder open, by their note, for a person.</summary>
    public static string OwnerOf(string folder)
    {
        try
        {
            return Read(PathIn(folder));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return "which one, it does not say";
        }
    }

    /// <summary>Says who we are, once the database is open.</summary>
    /// <exception cref="QueueUnavailableException"/>
    public void Write()
    {
        owned = true;
        try
        {
            lock (signing)
            {
                note = Open(FileMode.Create);
                Sign(string.Create(CultureInfo.InvariantCulture, $"process {Environment.ProcessId} on {Environment.MachineName}, since {time.GetUtcNow():u}"));
            }
        }
        catch (Exception e) when (StorageFailure.From(e) is { Full: true })
        {
            // A full disk must not keep us from delivering, which makes room.
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw QueueFolder.Unwritable(folder, e);
        }
    }

    /// <summary>All is committed: what is left to do may be cut short.</summary>
    public void TakeAway()
    {
        try
        {
            if (owned) File.Delete(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The next start may say that a log is missing which was folded: once too often, not once too seldom.
        }
    }

    public void Dispose() => note?.Dispose();

    /// <summary>
    /// Before anything of the folder is opened again. Where its disk was unmounted, its mountpoint stands under its name: empty, or with
    /// a queue of a start before the disk was there. What was committed to that one would vanish behind the disk that comes back.
    /// </summary>
    /// <exception cref="QueueUnavailableException">It is not the folder that was opened.</exception>
    public void AssertStillOurs()
    {
        if (!IsStillOurs()) throw new QueueUnavailableException(FolderIsGone);
    }

    /// <summary>The writer has opened the folder again: on a disk that was mounted anew the note says the same, and yet is not the one that is open here.</summary>
    public void Follow()
    {
        lock (signing)
        {
            note?.Dispose();
            note = null;
            try
            {
                note = Open(FileMode.Open);
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
                // Known once more, it is asked no more than before: each proof is a write, and a disk may fall asleep.
                wasGone = !isThere;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // A disk that does not answer is the writer's to tell of.
                isThere = true;
            }
            seenAt = time.GetTimestamp();
            return isThere ? null : FolderIsGone;
        }
    }

    private string FolderIsGone => $"The data folder is gone: what lies in {folder} now is not the queue that was opened. Mount its disk again, and SmartHost goes on by itself. If you put back a copy, or this is its right place, restart SmartHost.";

    private bool IsStillOurs()
    {
        try
        {
            // No note: the disk had no room for one.
            lock (signing) return File.Exists(database) && (signature is null || (!IsDeleted && Read(path) == signature));
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return false;
        }
    }

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

    /// <summary>Where it is deleted and a copy put back at once, nobody saw the folder gone. Linux tells it of a file that is open.</summary>
    private bool IsDeleted => OperatingSystem.IsLinux() && note is not null
        && new FileInfo($"/proc/self/fd/{note.SafeFileHandle.DangerousGetHandle()}").LinkTarget?.EndsWith(" (deleted)", StringComparison.Ordinal) == true;

    /// <summary>Goes on with what the note says.</summary>
    private void Sign(string text)
    {
        if (note is null) return;
        note.Write(Encoding.UTF8.GetBytes(text));
        // It says so now, whatever becomes of the sync.
        signature += text;
        // Synced: a disk that comes back after a failure is known by it.
        Fsync.File(note.SafeFileHandle);
    }

    private FileStream Open(FileMode mode) => new(path, mode, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete, bufferSize: 1);

    /// <summary>While its writer has it open, too.</summary>
    private static string Read(string path)
    {
        using var reader = new StreamReader(new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete));
        return reader.ReadToEnd();
    }

    private static string PathIn(string folder) => Path.Combine(folder, "queue.owner");
}
