using Microsoft.Data.Sqlite;

namespace SmartHost.Queue;

/// <summary>Why the disk did not take something, as a value.</summary>
/// <param name="Full">No room: the device hears 452 and comes again. Otherwise 451.</param>
/// <param name="Reason">A sentence for a person.</param>
/// <param name="MayReturn">
/// The failed transaction might still come to life after a crash: a commit whose sync failed lies in the log file whole.
/// Content that belongs to it must stay where it is until recovery has looked.
/// </param>
/// <param name="Damaged">What is on the disk is not what was written.</param>
internal sealed record StorageFailure(bool Full, string Reason, bool MayReturn = false, bool Damaged = false)
{
    public static readonly StorageFailure NearlyFull = new(true, "The disk with the data folder is nearly full.");
    public static readonly StorageFailure Closing = new(false, "The queue is stopping.");

    // sqlite.org/rescode.html: primary result codes that speak of the disk or the database, not of one statement.
    private const int Permission = 3, Busy = 5, Locked = 6, NoMemory = 7, ReadOnly = 8, Interrupt = 9, IoError = 10, Corrupt = 11,
        DiskFull = 13, CannotOpen = 14, Protocol = 15, NotADatabase = 26;

    public CommitOutcome AsOutcome() => Full ? new CommitOutcome.InsufficientStorage(Reason) : new CommitOutcome.Failed(Reason);

    /// <summary>Null: not the storage's fault, but that of the one statement (a constraint, a bug).</summary>
    public static StorageFailure? From(Exception exception) => exception switch
    {
        SqliteException { SqliteErrorCode: DiskFull } => new(true, "The disk with the data folder is full."),
        SqliteException { SqliteErrorCode: ReadOnly } e => new(false, $"The data folder has become read-only ({e.Message})."),
        SqliteException { SqliteErrorCode: Corrupt or NotADatabase } e => new(false, $"The queue's database is damaged ({e.Message}).", Damaged: true),
        SqliteException { SqliteErrorCode: Permission or Busy or Locked or NoMemory or Interrupt or IoError or CannotOpen or Protocol } e
            => new(false, $"The queue's database does not answer ({e.Message}, code {e.SqliteExtendedErrorCode})."),
        IOException e when IsFull(e) => new(true, "The disk with the data folder is full."),
        IOException or UnauthorizedAccessException => new(false, $"The data folder could not be written ({exception.Message})"),
        _ => null,
    };

    // ENOSPC, EDQUOT (Linux, macOS), ERROR_DISK_FULL, ERROR_HANDLE_DISK_FULL.
    private static bool IsFull(IOException e) =>
        e.HResult is 28 or unchecked((int)0x80070070) or unchecked((int)0x80070027)
        || (OperatingSystem.IsLinux() && e.HResult == 122) || (OperatingSystem.IsMacOS() && e.HResult == 69);
}
