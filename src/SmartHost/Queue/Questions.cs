using System.Text;
using Microsoft.Data.Sqlite;
using SmartHost.Mail;

namespace SmartHost.Queue;

/// <summary>
/// Reads what was committed, on a connection of its own that cannot write; the journal never waits for it (WAL). One question
/// at a time. A disk that does not answer is an <see cref="IOException"/> with a sentence: whoever asked is told that, and no
/// mail is touched. Where it is a page of the database that is damaged, and asking again is no use, a <see cref="QueueDamagedException"/>.
/// </summary>
internal sealed class Questions : IDisposable
{
    private readonly SqliteConnection connection;
    private readonly MessageRows rows;
    private readonly Statement content, timeline, unreported;
    private readonly SemaphoreSlim turn = new(1);

    public Questions(string path)
    {
        connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, Mode = SqliteOpenMode.ReadOnly, Pooling = false }.ToString());
        connection.Open();
        // SQLite's own LIKE ignores the case of ASCII letters alone; a subject may be in any language.
        connection.CreateFunction("mentions", (string? text, string? words) =>
            text is not null && words is not null && text.Contains(words, StringComparison.OrdinalIgnoreCase), isDeterministic: true);
        rows = new MessageRows(connection);
        content = new(connection, "SELECT octets FROM content WHERE message = ?1");
        timeline = new(connection, "SELECT at, event, text, recipient, reply FROM timeline WHERE message = (SELECT number FROM messages WHERE id = ?1) ORDER BY position");
        unreported = new(connection, "SELECT number, id FROM messages WHERE unreported = 1 ORDER BY number");
    }

    public StoredMessage? Find(long number) => Ask(() => rows.Find(number));

    public Task<StoredMessage?> FindAsync(QueueId id, CancellationToken cancellation) => AskAsync(() => rows.Find(id), cancellation);

    /// <summary>Null: no such row.</summary>
    public Task<byte[]?> ContentAsync(long number, CancellationToken cancellation) => AskAsync(() =>
    {
        using var found = content.Query(number);
        return found.Read() ? found.GetFieldValue<byte[]>(0) : null;
    }, cancellation);

    public Task<List<TimelineEntry>> TimelineAsync(QueueId id, CancellationToken cancellation) => AskAsync(() =>
    {
        var entries = new List<TimelineEntry>();
        using var found = timeline.Query(id.ToString());
        while (found.Read())
        {
            entries.Add(new TimelineEntry(MessageRows.Time(found, 0), Enum.Parse<TimelineEvent>(found.GetString(1)), found.GetString(2),
                MessageRows.Text(found, 3) is { } recipient ? Mailbox.Parse(recipient) : null, MessageRows.Text(found, 4)));
        }
        return entries;
    }, cancellation);

    public Task<List<(long Number, QueueId Id)>> UnreportedAsync(CancellationToken cancellation) => AskAsync(() =>
    {
        var numbers = new List<(long, QueueId)>();
        using var found = unreported.Query();
        while (found.Read()) numbers.Add((found.GetInt64(0), MessageRows.Id(found, 1)));
        return numbers;
    }, cancellation);

    public Task<IReadOnlyDictionary<string, DateTimeOffset>> LastReceivedAsync(CancellationToken cancellation) => AskAsync<IReadOnlyDictionary<string, DateTimeOffset>>(() =>
    {
        var last = new Dictionary<string, DateTimeOffset>();
        using var statement = new Statement(connection, "SELECT device, max(received) FROM messages GROUP BY device");
        using var found = statement.Query();
        while (found.Read()) last[found.GetString(0)] = MessageRows.Time(found, 1);
        return last;
    }, cancellation);

    public Task<IReadOnlyList<ReceivedCount>> ReceivedSinceAsync(DateTimeOffset first, CancellationToken cancellation) => Task.Run(() => AskAsync<IReadOnlyList<ReceivedCount>>(() =>
    {
        var counts = new List<ReceivedCount>();
        // By the id, which sorts by arrival and has an index: history before it is not looked at.
        using var statement = new Statement(connection, "SELECT (received - ?2) / ?3 AS hour, state, bounced, count(*) FROM messages WHERE id >= ?1 AND received >= ?2 GROUP BY hour, state, bounced");
        using var found = statement.Query(QueueId.Least(first).ToString(), first.UtcTicks, TimeSpan.TicksPerHour);
        while (found.Read()) counts.Add(new ReceivedCount(found.GetInt32(0), (MessageState)found.GetInt32(1), found.GetBoolean(2), found.GetInt32(3)));
        return counts;
    }, cancellation), cancellation);

    public Task<List<StoredMessage>> SearchAsync(MessageSearch search, CancellationToken cancellation)
    {
        // Only the shape of the statement depends on what was asked; every word of it is a parameter.
        var sql = new StringBuilder($"SELECT {MessageRows.Columns} FROM messages WHERE 1");
        var values = new List<object?>();
        if (search.Before is { } before) sql.Append($" AND id < {Value(before.ToString())}");
        if (search.Device is { Length: > 0 } device) sql.Append($" AND device = {Value(device)}");
        if (search.States is { Count: > 0 } states) sql.Append($" AND state IN ({string.Join(", ", states.Select(state => Value((int)state)))})");
        if (search.Bounced is { } bounced) sql.Append($" AND bounced = {Value(bounced)}");
        if (search.Text is { Length: > 0 } text)
        {
            var words = Value(text);
            sql.Append($" AND (mentions(id || char(10) || message_id || char(10) || coalesce(sender, '') || char(10) || coalesce(subject, ''), {words})")
               .Append($" OR EXISTS (SELECT 1 FROM recipients WHERE message = messages.number AND mentions(address, {words})))");
        }
        sql.Append($" ORDER BY id DESC LIMIT {Value(search.Limit)}");
        // A search may read all there is: not on the thread of whoever asked.
        return Task.Run(() => AskAsync(() =>
        {
            using var statement = new Statement(connection, sql.ToString());
            using var found = statement.Query(values.ToArray());
            return rows.All(found);
        }, cancellation), cancellation);

        string Value(object? value)
        {
            values.Add(value);
            return $"?{values.Count}";
        }
    }

    public void Dispose()
    {
        turn.Wait();
        rows.Dispose();
        content.Dispose();
        timeline.Dispose();
        unreported.Dispose();
        connection.Dispose();
        turn.Dispose();
    }

    private T Ask<T>(Func<T> question)
    {
        turn.Wait();
        return Answer(question);
    }

    private async Task<T> AskAsync<T>(Func<T> question, CancellationToken cancellation)
    {
        await turn.WaitAsync(cancellation).ConfigureAwait(false);
        return Answer(question);
    }

    /// <summary>Ends the turn.</summary>
    private T Answer<T>(Func<T> question)
    {
        try
        {
            return question();
        }
        catch (SqliteException e) when (StorageFailure.From(e) is { } failure)
        {
            if (failure.Damaged) throw new QueueDamagedException(failure.Reason, e);
            throw new IOException(failure.Reason, e);
        }
        finally
        {
            turn.Release();
        }
    }
}
