using System.Text;
using Microsoft.Data.Sqlite;
using SmartHost.Mail;

namespace SmartHost.Queue;

/// <summary>
/// Reads what was committed, on a connection of its own that cannot write; the journal never waits for it (WAL). One question
/// at a time. A disk that does not answer is an <see cref="IOException"/> with a sentence: whoever asked is told that, no
/// mail is touched, and the next question opens another connection. Where it is a page of the database that is damaged, and
/// asking again is no use, a <see cref="QueueDamagedException"/>.
/// </summary>
internal sealed class Questions : IDisposable
{
    private readonly Func<SqliteConnection> open;
    private readonly Action<string>? fault;
    private readonly SemaphoreSlim turn = new(1);
    private Reader? reader;
    private volatile bool stale;
    private volatile string? trouble;

    /// <param name="open">Opens a connection for reading, now and whenever the last one failed.</param>
    /// <param name="fault">For tests, see <see cref="Journal"/>.</param>
    public Questions(Func<SqliteConnection> open, Action<string>? fault)
    {
        (this.open, this.fault) = (open, fault);
        reader = new Reader(open());
    }

    /// <summary>Why the disk did not answer the last question, a sentence; null: it did.</summary>
    public string? Trouble => trouble;

    public static SqliteConnection Open(string path)
    {
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, Mode = SqliteOpenMode.ReadOnly, Pooling = false }.ToString());
        connection.Open();
        return connection;
    }

    /// <summary>The writer has another connection: what it commits from now on may be in another file of the same name.</summary>
    public void Renew() => stale = true;

    /// <summary>A question of no meaning: whether it is answered is all that it tells. See <see cref="Trouble"/>.</summary>
    public bool IsAnswered()
    {
        try
        {
            Ask(reader => reader.Rows.Find(0));
            return true;
        }
        catch (IOException)
        {
            // Kept as the trouble; a damaged page is told by what lies on it.
            return false;
        }
    }

    /// <summary>
    /// A message with all that its settlement will read: one that was sent and could never be settled would be sent again at
    /// each start. A row that the disk does not give, twice, where it gives others, is as good as damaged: else it would stay
    /// the first of its turn, and nothing behind it would leave.
    /// </summary>
    public StoredMessage? FindWhole(long number)
    {
        try
        {
            return Find();
        }
        catch (IOException)
        {
            if (!IsAnswered()) throw;
        }
        try
        {
            return Find();
        }
        catch (IOException e)
        {
            if (!IsAnswered()) throw;
            throw new QueueDamagedException(e.Message, e);
        }

        StoredMessage? Find() => Ask(reader =>
        {
            var stored = reader.Rows.Find(number);
            using var rest = reader.Settling.Query(number, stored?.Message.Id.ToString());
            rest.Read();
            return stored;
        });
    }

    public Task<StoredMessage?> FindAsync(QueueId id, CancellationToken cancellation) => AskAsync(reader => reader.Rows.Find(id), cancellation);

    /// <summary>Null: no such row.</summary>
    public Task<byte[]?> ContentAsync(long number, CancellationToken cancellation) => AskAsync(reader =>
    {
        using var found = reader.Content.Query(number);
        return found.Read() ? found.GetFieldValue<byte[]>(0) : null;
    }, cancellation);

    public Task<List<TimelineEntry>> TimelineAsync(QueueId id, CancellationToken cancellation) => AskAsync(reader =>
    {
        var entries = new List<TimelineEntry>();
        using var found = reader.Timeline.Query(id.ToString());
        while (found.Read())
        {
            entries.Add(new TimelineEntry(MessageRows.Time(found, 0), Enum.Parse<TimelineEvent>(found.GetString(1)), found.GetString(2),
                MessageRows.Text(found, 3) is { } recipient ? Mailbox.Parse(recipient) : null, MessageRows.Text(found, 4)));
        }
        return entries;
    }, cancellation);

    public Task<List<(long Number, QueueId Id)>> UnreportedAsync(CancellationToken cancellation) => AskAsync(reader =>
    {
        var numbers = new List<(long, QueueId)>();
        using var found = reader.Unreported.Query();
        while (found.Read()) numbers.Add((found.GetInt64(0), MessageRows.Id(found, 1)));
        return numbers;
    }, cancellation);

    public Task<IReadOnlyDictionary<string, DateTimeOffset>> LastReceivedAsync(CancellationToken cancellation) => AskAsync<IReadOnlyDictionary<string, DateTimeOffset>>(reader =>
    {
        var last = new Dictionary<string, DateTimeOffset>();
        using var statement = new Statement(reader.Connection, "SELECT device, max(received) FROM messages GROUP BY device");
        using var found = statement.Query();
        while (found.Read()) last[found.GetString(0)] = MessageRows.Time(found, 1);
        return last;
    }, cancellation);

    public Task<IReadOnlyList<ReceivedCount>> ReceivedSinceAsync(DateTimeOffset first, CancellationToken cancellation) => Task.Run(() => AskAsync<IReadOnlyList<ReceivedCount>>(reader =>
    {
        var counts = new List<ReceivedCount>();
        // By the id, which sorts by arrival and has an index: history before it is not looked at.
        using var statement = new Statement(reader.Connection, "SELECT (received - ?2) / ?3 AS hour, state, bounced, count(*) FROM messages WHERE id >= ?1 AND received >= ?2 GROUP BY hour, state, bounced");
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
        return Task.Run(() => AskAsync(reader =>
        {
            using var statement = new Statement(reader.Connection, sql.ToString());
            using var found = statement.Query(values.ToArray());
            return reader.Rows.All(found);
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
        reader?.Dispose();
        turn.Dispose();
    }

    private T Ask<T>(Func<Reader, T> question)
    {
        turn.Wait();
        return Answer(question);
    }

    private async Task<T> AskAsync<T>(Func<Reader, T> question, CancellationToken cancellation)
    {
        await turn.WaitAsync(cancellation).ConfigureAwait(false);
        return Answer(question);
    }

    /// <summary>Ends the turn.</summary>
    private T Answer<T>(Func<Reader, T> question)
    {
        try
        {
            if (stale) Close();
            fault?.Invoke("read");
            var answer = question(reader ??= new Reader(open()));
            trouble = null;
            return answer;
        }
        catch (SqliteException e) when (StorageFailure.From(e) is { Damaged: true } damage)
        {
            // It answered, if not with what was written.
            trouble = null;
            throw new QueueDamagedException(damage.Reason, e);
        }
        catch (Exception e) when (e is QueueUnavailableException || StorageFailure.From(e) is not null)
        {
            Close();
            trouble = StorageFailure.From(e)?.Reason ?? e.Message;
            throw new IOException(trouble, e);
        }
        finally
        {
            turn.Release();
        }
    }

    private void Close()
    {
        stale = false;
        reader?.Dispose();
        reader = null;
    }

    /// <summary>One connection, and what is prepared on it.</summary>
    private sealed class Reader : IDisposable
    {
        public Reader(SqliteConnection connection)
        {
            Connection = connection;
            // SQLite's own LIKE ignores the case of ASCII letters alone; a subject may be in any language.
            connection.CreateFunction("mentions", (string? text, string? words) =>
                text is not null && words is not null && text.Contains(words, StringComparison.OrdinalIgnoreCase), isDeterministic: true);
            Rows = new MessageRows(connection);
            Settling = new(connection, "SELECT (SELECT max(position) FROM timeline WHERE message = ?1), (SELECT number FROM messages WHERE id = ?2)");
            Content = new(connection, "SELECT octets FROM content WHERE message = ?1");
            Timeline = new(connection, "SELECT at, event, text, recipient, reply FROM timeline WHERE message = (SELECT number FROM messages WHERE id = ?1) ORDER BY position");
            Unreported = new(connection, "SELECT number, id FROM messages WHERE unreported = 1 ORDER BY number");
        }

        public SqliteConnection Connection { get; }

        public MessageRows Rows { get; }

        public Statement Settling { get; }

        public Statement Content { get; }

        public Statement Timeline { get; }

        public Statement Unreported { get; }

        public void Dispose()
        {
            Rows.Dispose();
            Settling.Dispose();
            Content.Dispose();
            Timeline.Dispose();
            Unreported.Dispose();
            Connection.Dispose();
        }
    }
}
