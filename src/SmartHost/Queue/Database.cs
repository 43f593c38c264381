using System.Globalization;
using Microsoft.Data.Sqlite;
using SmartHost.Mail;
using SQLitePCL;

namespace SmartHost.Queue;

/// <summary>
/// The writer's SQLite connection and every change that is made by it, as prepared statements where they come all day. Recovery and
/// loading use it at the start, and from then on the journal's thread alone.
/// <para>When it fails: SqliteException, and nothing of the transaction is to be relied on; <see cref="Journal"/> rolls back and decides.</para>
/// </summary>
internal sealed partial class Database : IDisposable
{
    private readonly SqliteConnection connection;
    private readonly Statement begin, commit, rollback, scar;
    private readonly Statement insertMessage, insertRecipient, insertContent, reserveContent, insertTimeline;
    private readonly Statement updateMessage, updateRecipient, deleteContent, hasContent, markAttempt;
    private readonly Statement markLate, markRecipientReported, refreshUnreported, extend;
    private readonly Statement insertSpent, pruneSpent, putState, deleteState;

    private bool synced = true;

    private Database(SqliteConnection connection)
    {
        this.connection = connection;
        Rows = new MessageRows(connection);
        // IMMEDIATE: should another program hold the database, that shows here and not in the middle.
        begin = new(connection, "BEGIN IMMEDIATE");
        commit = new(connection, "COMMIT");
        rollback = new(connection, "ROLLBACK");
        scar = new(connection, "UPDATE scar SET number = number + 1");
        insertMessage = new(connection, """
            INSERT INTO messages (number, id, sender, device, account, lane, client, helo, protocol, message_id, subject, size, received, due, expires, content,
                                  state, attempts, attempting, duplicate, late, bounced, unreported)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, 0, 0, 0, 0, 0, 0, 0)
            """);
        insertRecipient = new(connection, "INSERT INTO recipients (message, position, address, state, due, attempts, reported) VALUES (?1, ?2, ?3, 0, ?4, 0, 0)");
        insertContent = new(connection, "INSERT INTO content VALUES (?1, ?2)");
        reserveContent = new(connection, "INSERT INTO content VALUES (?1, zeroblob(?2))");
        insertTimeline = new(connection, "INSERT INTO timeline VALUES (?1, (SELECT coalesce(max(position), 0) + 1 FROM timeline WHERE message = ?1), ?2, ?3, ?4, ?5, ?6)");
        updateMessage = new(connection, """
            UPDATE messages SET state = ?2, reason = ?3, due = ?4, expires = ?5, attempts = ?6, attempting = 0, duplicate = ?7, content = ?8, bounced = ?9, unreported = ?10, finished = ?11
            WHERE number = ?1
            """);
        updateRecipient = new(connection, "UPDATE recipients SET state = ?3, due = ?4, attempts = ?5, reply = ?6, reported = ?7 WHERE message = ?1 AND position = ?2");
        deleteContent = new(connection, "DELETE FROM content WHERE message = ?1");
        hasContent = new(connection, "SELECT 1 FROM content WHERE message = ?1");
        markAttempt = new(connection, "UPDATE messages SET attempting = ?2 WHERE number = ?1");
        markLate = new(connection, "UPDATE messages SET late = 1 WHERE id = ?1");
        markRecipientReported = new(connection, "UPDATE recipients SET reported = 1 WHERE message = ?1 AND position = ?2");
        refreshUnreported = new(connection, """
            UPDATE messages SET unreported = client IS NOT NULL AND EXISTS (SELECT 1 FROM recipients WHERE message = ?1 AND state = 2 AND reported = 0) WHERE number = ?1
            """);
        extend = new(connection, """
            UPDATE messages SET expires = expires + (?2 - max(?3, received)) WHERE account IS ?1 AND state < 3 AND received < ?2
            RETURNING id, expires
            """);
        insertSpent = new(connection, "INSERT INTO spent (at, account, messages, recipients) VALUES (?1, ?2, ?3, ?4)");
        pruneSpent = new(connection, "DELETE FROM spent WHERE at <= ?1");
        putState = new(connection, "INSERT INTO state VALUES (?1, ?2, ?3) ON CONFLICT (scope, key) DO UPDATE SET json = excluded.json");
        deleteState = new(connection, "DELETE FROM state WHERE scope = ?1 AND key = ?2");
        using var last = new Statement(connection, "SELECT coalesce(max(number), 0) FROM messages");
        Next = Number(last) + 1;
    }

    public MessageRows Rows { get; }

    /// <summary>The number of the next message.</summary>
    public long Next { get; private set; }

    public SqliteConnection Connection => connection;

    /// <param name="again">See <see cref="Schema.Open"/>.</param>
    public static (Database Database, bool Fresh) Open(string path, bool again = false)
    {
        var (connection, fresh) = Schema.Open(path, again: again);
        try
        {
            return (new Database(connection), fresh);
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    /// <param name="synced">False: the commit is written but not synced; it outlives our process, and the next synced one makes it outlive the power.</param>
    public void Begin(bool synced = true)
    {
        if (synced != this.synced)
        {
            // Takes effect when it is compiled, so it cannot be prepared once.
            using var pragma = new Statement(connection, synced ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL");
            pragma.Run();
            this.synced = synced;
        }
        begin.Run();
    }

    public void Commit() => commit.Run();

    /// <summary>Harmless where SQLite has rolled back by itself, as it does after some I/O errors.</summary>
    public void Rollback()
    {
        try
        {
            rollback.Run();
        }
        catch (SqliteException)
        {
            // "no transaction is active". Any other trouble shows at the next BEGIN.
        }
    }

    /// <summary>A transaction of no meaning. See <see cref="Journal"/>.</summary>
    public void Scar()
    {
        Begin();
        Touch();
        commit.Run();
    }

    /// <summary>Changes a counter that nobody reads: whether the database can commit is all that it asks.</summary>
    public void Touch() => scar.Run();

    /// <summary>Removes all messages from that number on.</summary>
    public void Forget(long number)
    {
        if (number >= Next) return;
        Begin();
        Change("DELETE FROM content WHERE message >= ?1", number);
        Change("DELETE FROM timeline WHERE message >= ?1", number);
        Change("DELETE FROM recipients WHERE message >= ?1", number);
        Change("DELETE FROM messages WHERE number >= ?1", number);
        commit.Run();
        Next = number;
    }

    public StoredMessage Insert(QueueId id, Submission submission, IncomingContent content, DateTimeOffset now, DateTimeOffset expires)
    {
        var message = new QueuedMessage
        {
            Id = id,
            Sender = submission.Envelope.Sender,
            Recipients = [.. submission.Envelope.Recipients.Select(address => new QueuedRecipient(address, RecipientState.Queued, now, 0, null))],
            Device = submission.Device,
            Account = submission.Account,
            Lane = submission.Lane,
            Origin = submission.Origin,
            MessageId = submission.MessageId,
            Subject = submission.Subject,
            Size = content.Length,
            ReceivedAt = now,
            State = MessageState.Queued,
            Due = now,
            Expires = expires,
            Attempts = 0,
            HasContent = true,
        };
        var number = Next++;
        insertMessage.Run(number, id.ToString(), message.Sender.Mailbox?.ToString(), message.Device, message.Account, (int)message.Lane,
            message.Origin.Client?.ToString(), message.Origin.Helo, message.Origin.Protocol, message.MessageId, message.Subject, message.Size,
            now.UtcTicks, now.UtcTicks, expires.UtcTicks, (int)content.Place);
        for (var i = 0; i < message.Recipients.Count; i++) insertRecipient.Run(number, i, message.Recipients[i].Address.ToString(), now.UtcTicks);
        if (content.Place == ContentPlace.Row) InsertContent(number, content);
        return new StoredMessage(number, content.Place, message);
    }

    /// <summary>Writes what differs, and that no attempt is under way.</summary>
    public void Update(StoredMessage before, StoredMessage after, DateTimeOffset now)
    {
        var message = after.Message;
        for (var i = 0; i < message.Recipients.Count; i++)
        {
            var recipient = message.Recipients[i];
            if (recipient == before.Message.Recipients[i]) continue;
            updateRecipient.Run(after.Number, i, (int)recipient.State, recipient.Due.UtcTicks, recipient.Attempts, recipient.Reply, recipient.Reported);
        }
        var bounced = message.Recipients.Any(recipient => recipient.State == RecipientState.Bounced);
        var finished = message.State is MessageState.Done or MessageState.Deleted;
        updateMessage.Run(after.Number, (int)message.State, message.StateReason, message.Due.UtcTicks, message.Expires.UtcTicks, message.Attempts,
            message.PossibleDuplicate, (int)after.Place, bounced, message.OwesReport, finished ? now.UtcTicks : null);
        if (before.Place == ContentPlace.Row && after.Place == ContentPlace.Gone) deleteContent.Run(after.Number);
    }

    public void Append(long number, TimelineEntry entry) =>
        insertTimeline.Run(number, entry.At.UtcTicks, entry.Event.ToString(), entry.Text, entry.Recipient?.ToString(), entry.Reply);

    public bool HasContentRow(long number)
    {
        using var rows = hasContent.Query(number);
        return rows.Read();
    }

    public void MarkAttempt(long number, bool began) => markAttempt.Run(number, began);

    public void MarkLate(QueueId id) => markLate.Run(id.ToString());

    /// <param name="told">Null: all that bounced by now.</param>
    public void MarkReported(StoredMessage stored, IReadOnlyCollection<Mailbox>? told)
    {
        var recipients = stored.Message.Recipients;
        for (var i = 0; i < recipients.Count; i++)
        {
            if (recipients[i].State == RecipientState.Bounced && (told is null || told.Contains(recipients[i].Address))) markRecipientReported.Run(stored.Number, i);
        }
        refreshUnreported.Run(stored.Number);
    }

    public List<(QueueId Id, DateTimeOffset Expires)> Extend(string? account, DateTimeOffset now, DateTimeOffset since)
    {
        var moved = new List<(QueueId, DateTimeOffset)>();
        using var rows = extend.Query(account, now.UtcTicks, since.UtcTicks);
        while (rows.Read()) moved.Add((MessageRows.Id(rows, 0), MessageRows.Time(rows, 1)));
        return moved;
    }

    /// <summary>When anything last happened to mail, or <see cref="PutSign"/> was called; what a clock that was ahead stamped is no sign. Null: no mail waits.</summary>
    public DateTimeOffset? LastSign(DateTimeOffset now)
    {
        // By what has an index: all of the history's timeline may be a million rows.
        using var last = new Statement(connection, """
            SELECT max((SELECT received FROM messages WHERE received <= ?1 ORDER BY number DESC LIMIT 1),
                       (SELECT max(at) FROM timeline WHERE at <= ?1 AND message IN (SELECT number FROM messages WHERE state < 3)),
                       coalesce((SELECT max(finished) FROM messages WHERE finished <= ?1), 0),
                       coalesce((SELECT CAST(json AS INTEGER) FROM state WHERE scope = 'queue' AND key = 'alive' AND CAST(json AS INTEGER) <= ?1), 0))
            """);
        using var rows = last.Query(now.UtcTicks);
        return rows.Read() && !rows.IsDBNull(0) ? MessageRows.Time(rows, 0) : null;
    }

    /// <summary>Somebody was here: an outage that was made good is not made good again at the next start.</summary>
    public void PutSign(DateTimeOffset at) => PutState("queue", "alive", at.UtcTicks.ToString(CultureInfo.InvariantCulture));

    public void PutExpires(QueueId id, DateTimeOffset expires)
    {
        using var put = new Statement(connection, "UPDATE messages SET expires = ?2 WHERE id = ?1");
        put.Run(id.ToString(), expires.UtcTicks);
    }

    /// <summary>Lengthens every open message's lifetime, to <paramref name="latest"/> at most: one that was reckoned by the right clock needs no more than a whole one.</summary>
    public void Lengthen(TimeSpan by, DateTimeOffset latest)
    {
        using var move = new Statement(connection, "UPDATE messages SET expires = min(expires + ?1, ?2) WHERE state < 3 AND expires < ?2");
        move.Run(by.Ticks, latest.UtcTicks);
    }

    /// <summary>What was spent before happened no longer ago for that.</summary>
    public void PutClockForward(TimeSpan by, DateTimeOffset now)
    {
        using var spent = new Statement(connection, "UPDATE spent SET at = min(at + ?1, ?2) WHERE at < ?2");
        spent.Run(by.Ticks, now.UtcTicks);
    }

    /// <summary>Brings forward what waits, to now at the earliest.</summary>
    public void PutClockBack(TimeSpan by, DateTimeOffset now)
    {
        using var messages = new Statement(connection, "UPDATE messages SET due = max(?2, due - ?1) WHERE state < 3 AND due > ?2");
        using var recipients = new Statement(connection, """
            UPDATE recipients SET due = max(?2, due - ?1)
            WHERE state = 0 AND due > ?2 AND message IN (SELECT number FROM messages WHERE state < 3)
            """);
        messages.Run(by.Ticks, now.UtcTicks);
        recipients.Run(by.Ticks, now.UtcTicks);
    }

    /// <summary>For what is rare: prepared for this once.</summary>
    public void Change(string sql, params ReadOnlySpan<object?> values)
    {
        using var statement = new Statement(connection, sql);
        statement.Run(values);
    }

    public void AddSpend(DateTimeOffset at, Spend spend) => insertSpent.Run(at.UtcTicks, spend.Mailbox, spend.Messages, spend.Recipients);

    public void PruneSpent(DateTimeOffset until) => pruneSpent.Run(until.UtcTicks);

    public void PutState(string scope, string key, string? json)
    {
        if (json is null) deleteState.Run(scope, key);
        else putState.Run(scope, key, json);
    }

    /// <summary>
    /// Closes what failed. SQLite would fold its log into the database and delete it, by its name: another disk may stand
    /// under that name by now, and on it that log is the newest mail.
    /// </summary>
    public void Abandon()
    {
        _ = raw.sqlite3_db_config(connection.Handle, raw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, out _);
        Dispose();
    }

    public void Dispose()
    {
        Rows.Dispose();
        foreach (var statement in (ReadOnlySpan<Statement>)[begin, commit, rollback, scar, insertMessage, insertRecipient, insertContent, reserveContent,
            insertTimeline, updateMessage, updateRecipient, deleteContent, hasContent, markAttempt, markLate, markRecipientReported, refreshUnreported,
            extend, insertSpent, pruneSpent, putState, deleteState])
        {
            statement.Dispose();
        }
        connection.Dispose();
    }

    private void InsertContent(long number, IncomingContent content)
    {
        if (content.Segments.Count <= 1)
        {
            insertContent.Run(number, content.Segments.Count == 0 ? [] : content.Segments[0].ToArray());
            return;
        }
        // Piece by piece: an array of the whole would land on the large object heap for every message of 85 KB or more.
        reserveContent.Run(number, content.Length);
        using var blob = new SqliteBlob(connection, "content", "octets", number);
        foreach (var segment in content.Segments) blob.Write(segment.Span);
    }

    private static long Number(Statement statement)
    {
        using var rows = statement.Query();
        return rows.Read() ? rows.GetInt64(0) : 0;
    }
}
