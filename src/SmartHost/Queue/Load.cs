using System.Collections.Concurrent;
using Microsoft.Data.Sqlite;
using SmartHost.Mail;

namespace SmartHost.Queue;

/// <summary>Fills the memory from the rows, once, at the start.</summary>
internal static class Load
{
    /// <summary>Open messages alone, and of them only what the order needs: ten thousand are a matter of a tenth of a second.</summary>
    public static void Index(SqliteConnection connection, QueueIndex index)
    {
        // Each device's name is stored once, however many of its messages wait.
        var names = new Dictionary<string, string>();
        using var statement = new Statement(connection,
            "SELECT id, number, device, account, lane, size, received, state, due, expires, late FROM messages WHERE state < 3 ORDER BY number");
        using var rows = statement.Query();
        while (rows.Read())
        {
            index.Put(MessageRows.Id(rows, 0), rows.GetInt64(1), Once(rows.GetString(2)), MessageRows.Text(rows, 3) is { } account ? Once(account) : null,
                (Lane)rows.GetInt32(4), rows.GetInt64(5), MessageRows.Time(rows, 6), (MessageState)rows.GetInt32(7), MessageRows.Time(rows, 8), MessageRows.Time(rows, 9), rows.GetBoolean(10));
        }

        string Once(string name) => names.TryAdd(name, name) ? name : names[name];
    }

    public static void Tallies(SqliteConnection connection, Tallies tallies, DateTimeOffset now)
    {
        var since = now - Queue.Tallies.Day;
        using var spent = new Statement(connection, "SELECT at, account, messages, recipients FROM spent WHERE at > ?1 ORDER BY at");
        using (var rows = spent.Query(since.UtcTicks))
        {
            while (rows.Read()) tallies.Spent(new Spend(rows.GetString(1), rows.GetInt32(2), rows.GetInt32(3)), MessageRows.Time(rows, 0));
        }
        // By the id, which sorts by arrival and has an index: history before it is not looked at. Not what a clock that was ahead
        // stamped: it may be weeks of mail, which a device must not be refused for at each start anew.
        using var accepted = new Statement(connection, "SELECT received, device FROM messages WHERE id >= ?1 AND received > ?2 AND received <= ?3 ORDER BY received");
        using (var rows = accepted.Query(QueueId.Least(since).ToString(), since.UtcTicks, now.UtcTicks))
        {
            while (rows.Read()) tallies.Accepted(rows.GetString(1), MessageRows.Time(rows, 0));
        }
    }

    public static ConcurrentDictionary<(string Scope, string Key), string> States(SqliteConnection connection)
    {
        var states = new ConcurrentDictionary<(string, string), string>();
        using var statement = new Statement(connection, "SELECT scope, key, json FROM state");
        using var rows = statement.Query();
        while (rows.Read()) states[(rows.GetString(0), rows.GetString(1))] = rows.GetString(2);
        return states;
    }
}
