using System.Net;
using Microsoft.Data.Sqlite;
using SmartHost.Mail;

namespace SmartHost.Queue;

/// <summary>A message as the database has it.</summary>
/// <param name="Number">Its place in the order of acceptance; rows of other tables name it so.</param>
internal sealed record StoredMessage(long Number, ContentPlace Place, QueuedMessage Message);

/// <summary>Reads messages, on the writer's connection or on one for reading alone. Not thread-safe, as the connection is not.</summary>
internal sealed class MessageRows : IDisposable
{
    public const string Columns =
        "number, id, sender, device, account, lane, client, helo, protocol, message_id, subject, size, received, state, reason, due, expires, attempts, duplicate, late, content";

    private readonly Statement byId, byNumber, recipients;

    public MessageRows(SqliteConnection connection)
    {
        byId = new(connection, $"SELECT {Columns} FROM messages WHERE id = ?1");
        byNumber = new(connection, $"SELECT {Columns} FROM messages WHERE number = ?1");
        recipients = new(connection, "SELECT address, state, due, attempts, reply, reported FROM recipients WHERE message = ?1 ORDER BY position");
    }

    public StoredMessage? Find(QueueId id) => First(byId, id.ToString());

    public StoredMessage? Find(long number) => First(byNumber, number);

    /// <summary>All rows of a query that selects <see cref="Columns"/>.</summary>
    public List<StoredMessage> All(SqliteDataReader rows)
    {
        var found = new List<StoredMessage>();
        while (rows.Read()) found.Add(Read(rows));
        return found;
    }

    public void Dispose()
    {
        byId.Dispose();
        byNumber.Dispose();
        recipients.Dispose();
    }

    public static DateTimeOffset Time(SqliteDataReader row, int column) =>
        row.GetInt64(column) is var ticks && ticks >= 0 && ticks <= DateTimeOffset.MaxValue.Ticks ? new(ticks, TimeSpan.Zero) : throw new FormatException($"{ticks} is no time");

    public static string? Text(SqliteDataReader row, int column) => row.IsDBNull(column) ? null : row.GetString(column);

    public static QueueId Id(SqliteDataReader row, int column) =>
        QueueId.TryParse(row.GetString(column), out var id) ? id : throw new FormatException($"“{row.GetString(column)}” is no queue id");

    private StoredMessage? First(Statement statement, object key)
    {
        using var rows = statement.Query(key);
        return rows.Read() ? Read(rows) : null;
    }

    private StoredMessage Read(SqliteDataReader row)
    {
        var number = row.GetInt64(0);
        var place = (ContentPlace)row.GetInt32(20);
        return new StoredMessage(number, place, new QueuedMessage
        {
            Id = Id(row, 1),
            Sender = Text(row, 2) is { } sender ? new ReversePath(Mailbox.Parse(sender)) : ReversePath.Null,
            Recipients = Recipients(number),
            Device = row.GetString(3),
            Account = Text(row, 4),
            Lane = (Lane)row.GetInt32(5),
            Origin = new Origin(Text(row, 6) is { } client ? IPAddress.Parse(client) : null, Text(row, 7), row.GetString(8)),
            MessageId = row.GetString(9),
            Subject = Text(row, 10),
            Size = row.GetInt64(11),
            ReceivedAt = Time(row, 12),
            State = (MessageState)row.GetInt32(13),
            StateReason = Text(row, 14),
            Due = Time(row, 15),
            Expires = Time(row, 16),
            Attempts = row.GetInt32(17),
            PossibleDuplicate = row.GetBoolean(18),
            LateAnnounced = row.GetBoolean(19),
            HasContent = place != ContentPlace.Gone,
        });
    }

    private List<QueuedRecipient> Recipients(long number)
    {
        var found = new List<QueuedRecipient>();
        using var rows = recipients.Query(number);
        while (rows.Read())
        {
            found.Add(new QueuedRecipient(Mailbox.Parse(rows.GetString(0)), (RecipientState)rows.GetInt32(1), Time(rows, 2), rows.GetInt32(3), Text(rows, 4))
            {
                Reported = rows.GetBoolean(5),
            });
        }
        return found;
    }
}
