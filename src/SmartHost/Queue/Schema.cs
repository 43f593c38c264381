using Microsoft.Data.Sqlite;
using SmartHost.Disk;

namespace SmartHost.Queue;

/// <summary>
/// The database's tables and their version (<c>PRAGMA user_version</c>). An older database is copied to
/// <c>queue.db.vN.bak</c> and then brought up step by step in one transaction; a newer one, a foreign one and a damaged
/// one are left exactly as they are and refused with a sentence.
/// </summary>
internal static class Schema
{
    // "SmHo": tells our database from any other that lies under its name.
    private const int ApplicationId = 0x536D486F;

    /// <summary>Step N brings version N to N + 1. Never change a step that was released: add one.</summary>
    public static IReadOnlyList<string> Steps { get; } =
    [
        // Times are .NET ticks, UTC. Enumerations by number as their types say. "live" is what start-up must look at; it serves
        // whoever asks for state < 3 alone, too: SQLite sees that this implies the index's condition.
        """
        CREATE TABLE messages (
            number     INTEGER PRIMARY KEY,
            id         TEXT    NOT NULL UNIQUE,
            sender     TEXT,
            device     TEXT    NOT NULL,
            account    TEXT,
            lane       INTEGER NOT NULL,
            client     TEXT,
            helo       TEXT,
            protocol   TEXT    NOT NULL,
            message_id TEXT    NOT NULL,
            subject    TEXT,
            size       INTEGER NOT NULL,
            received   INTEGER NOT NULL,
            state      INTEGER NOT NULL,
            reason     TEXT,
            due        INTEGER NOT NULL,
            expires    INTEGER NOT NULL,
            attempts   INTEGER NOT NULL,
            attempting INTEGER NOT NULL,
            duplicate  INTEGER NOT NULL,
            late       INTEGER NOT NULL,
            content    INTEGER NOT NULL,
            bounced    INTEGER NOT NULL,
            unreported INTEGER NOT NULL,
            finished   INTEGER
        ) STRICT;
        CREATE INDEX live ON messages(number) WHERE state < 3 OR content > 0;
        CREATE INDEX unreported ON messages(number) WHERE unreported = 1;
        CREATE INDEX finished ON messages(finished) WHERE finished IS NOT NULL;

        CREATE TABLE recipients (
            message    INTEGER NOT NULL,
            position   INTEGER NOT NULL,
            address    TEXT    NOT NULL,
            state      INTEGER NOT NULL,
            due        INTEGER NOT NULL,
            attempts   INTEGER NOT NULL,
            reply      TEXT,
            reported   INTEGER NOT NULL,
            PRIMARY KEY (message, position)
        ) STRICT, WITHOUT ROWID;

        -- Apart from the messages, so that a change of standing does not write the octets again.
        CREATE TABLE content (
            message    INTEGER PRIMARY KEY,
            octets     BLOB    NOT NULL
        ) STRICT;

        CREATE TABLE timeline (
            message    INTEGER NOT NULL,
            position   INTEGER NOT NULL,
            at         INTEGER NOT NULL,
            event      TEXT    NOT NULL,
            text       TEXT    NOT NULL,
            recipient  TEXT,
            reply      TEXT,
            PRIMARY KEY (message, position)
        ) STRICT, WITHOUT ROWID;

        -- Apart from the messages: a message may be deleted, what was spent on it stays spent.
        CREATE TABLE spent (
            number     INTEGER PRIMARY KEY,
            at         INTEGER NOT NULL,
            account    TEXT    NOT NULL,
            messages   INTEGER NOT NULL,
            recipients INTEGER NOT NULL
        ) STRICT;

        CREATE TABLE state (
            scope      TEXT    NOT NULL,
            key        TEXT    NOT NULL,
            json       TEXT    NOT NULL,
            PRIMARY KEY (scope, key)
        ) STRICT, WITHOUT ROWID;

        -- One row, one number: written after a failed commit, see Journal.
        CREATE TABLE scar (number INTEGER NOT NULL) STRICT;
        INSERT INTO scar VALUES (0);
        """,
    ];

    /// <summary>Opens for writing, makes or migrates. True where the database is new.</summary>
    /// <param name="steps">For tests: other steps than ours.</param>
    /// <param name="again">It was open before: one that is missing or empty now is refused and not made, for the mail is somewhere else.</param>
    /// <exception cref="QueueUnavailableException"/>
    public static (SqliteConnection Connection, bool Fresh) Open(string path, IReadOnlyList<string>? steps = null, bool again = false)
    {
        steps ??= Steps;
        var mode = again ? SqliteOpenMode.ReadWrite : SqliteOpenMode.ReadWriteCreate;
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, Mode = mode, Pooling = false }.ToString());
        try
        {
            if (!again) MakePrivate(path);
            connection.Open();
            var version = (int)Scalar(connection, "PRAGMA user_version");
            var tables = Scalar(connection, "SELECT count(*) FROM sqlite_schema");
            var fresh = version == 0 && tables == 0;
            if (fresh && again) throw new QueueUnavailableException($"The queue's database {path} has become empty. Put it back, or restart SmartHost to begin a new one.");
            if (!fresh && Scalar(connection, "PRAGMA application_id") != ApplicationId)
                throw new QueueUnavailableException($"{path} is a database of another program: move it away, or name another data folder.");
            if (version > steps.Count)
                throw new QueueUnavailableException($"{path} was written by a newer SmartHost (its layout is version {version}, this one knows {steps.Count}): run that version again, or put back a backup from before the upgrade (queue.db.v{steps.Count}.bak, if there is one).");
            // Before the first table, or it has no effect.
            if (fresh) Execute(connection, "PRAGMA auto_vacuum = INCREMENTAL");
            Configure(connection, path);
            if (!fresh && version < steps.Count) Backup(connection, $"{path}.v{version}.bak");
            if (version < steps.Count) Migrate(connection, path, steps, version);
            return (connection, fresh);
        }
        catch (Exception e)
        {
            connection.Dispose();
            if (Explain(e, path) is { } unavailable) throw unavailable;
            throw;
        }
    }

    /// <summary>How to save what can be read of a damaged database, as the end of a sentence.</summary>
    public const string Salvage = "`sqlite3 queue.db .recover | sqlite3 repaired.db` saves what can be read, to be put in queue.db's place.";

    public const string LookAtDisk = "Look at the disk, its cable and the system's log (dmesg); if the disk fails, copy the data folder to a sound one before anything else.";

    /// <summary>The sentence for a database that cannot be used; null where the exception speaks of something else.</summary>
    public static QueueUnavailableException? Explain(Exception e, string path) => e switch
    {
        QueueUnavailableException => null,
        // SQLITE_CORRUPT, SQLITE_NOTADB. Kept untouched: a person, or `sqlite3 … .recover`, may still save what is in it.
        // FormatException: a row that SQLite finds whole and that says what we never wrote.
        SqliteException { SqliteErrorCode: 11 or 26 } or FormatException => new($"The queue's database {path} is damaged ({e.Message.TrimEnd('.')}). Nothing in it was changed. Copy the data folder first; {Salvage} To start without it, move queue.db, queue.db-wal and queue.db-shm away together: larger messages then go to content/unclaimed.", e),
        // SQLITE_IOERR: neither room nor rights would mend it.
        SqliteException { SqliteErrorCode: 10 } => new($"The queue's database {path} cannot be opened: the disk answers with an error ({e.Message.TrimEnd('.')}). {LookAtDisk}", e),
        _ when StorageFailure.From(e) is { } failure => new($"The queue's database {path} cannot be opened. {failure.Reason.TrimEnd('.')}: free some space, or let this user write in the data folder.", e),
        _ => null,
    };

    public static void Configure(SqliteConnection connection, string path)
    {
        using var command = connection.CreateCommand();
        command.CommandText = "PRAGMA journal_mode = WAL";
        if (command.ExecuteScalar() as string is not "wal")
            throw new QueueUnavailableException($"The file system of {path} lacks what a safe queue needs (shared memory and locks): put the data folder on a local disk, not on a network share.");
        // FULL: every commit is synced. The fullfsync pair matters on macOS alone, where fsync leaves data in the drive's cache.
        Execute(connection, "PRAGMA synchronous = FULL; PRAGMA fullfsync = 1; PRAGMA checkpoint_fullfsync = 1");
        // 16 MB of log before it is copied into the database, and no more kept of it; temporary data stays off the disk.
        Execute(connection, "PRAGMA wal_autocheckpoint = 4000; PRAGMA journal_size_limit = 16777216; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -4096");
    }

    /// <summary>SQLite would make it by the umask, for all to read; its log and shared memory copy the mode.</summary>
    private static void MakePrivate(string path)
    {
        if (OperatingSystem.IsWindows() || File.Exists(path)) return;
        var mode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        new FileStream(path, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = mode }).Dispose();
    }

    private static void Backup(SqliteConnection connection, string path)
    {
        // Written beside and renamed, so that a copy under that name is always whole.
        var unfinished = path + ".part";
        File.Delete(unfinished);
        MakePrivate(unfinished);
        using (var copy = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = unfinished, Pooling = false }.ToString()))
        {
            copy.Open();
            connection.BackupDatabase(copy);
        }
        using (var file = File.OpenHandle(unfinished, FileMode.Open, FileAccess.ReadWrite)) Fsync.File(file);
        File.Move(unfinished, path, overwrite: true);
        Fsync.Folder(Path.GetDirectoryName(path)!);
    }

    /// <summary>All steps or none: whatever fails in between, the database stays as it was.</summary>
    private static void Migrate(SqliteConnection connection, string path, IReadOnlyList<string> steps, int from)
    {
        try
        {
            using var transaction = connection.BeginTransaction();
            for (var version = from; version < steps.Count; version++) Execute(connection, steps[version], transaction);
            Execute(connection, $"PRAGMA application_id = {ApplicationId}; PRAGMA user_version = {steps.Count}", transaction);
            transaction.Commit();
        }
        catch (SqliteException e) when (StorageFailure.From(e) is null)
        {
            throw new QueueUnavailableException($"{path} could not be brought from layout {from} to {steps.Count} ({e.Message.TrimEnd('.')}). It was left as it was: run the version of SmartHost that you had before, and report this.", e);
        }
    }

    private static long Scalar(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        return (long)command.ExecuteScalar()!;
    }

    private static void Execute(SqliteConnection connection, string sql, SqliteTransaction? transaction = null)
    {
        using var command = connection.CreateCommand();
        (command.CommandText, command.Transaction) = (sql, transaction);
        // Each statement in turn. ExecuteNonQuery stops being strict at the first that looks like a query, as ALTER TABLE on a
        // strict table does: the rest then runs as the reader is disposed of, and what fails there is swallowed.
        using var results = command.ExecuteReader();
        do
        {
            while (results.Read()) { }
        }
        while (results.NextResult());
    }
}
