using Microsoft.Data.Sqlite;
using SmartHost.Queue;

namespace SmartHost.Tests.Queue;

/// <summary>What a disk that damages the log, or a person who deletes it, can take with it is the last minute's.</summary>
public class FoldedLogTests
{
    [Test]
    public async Task After_a_minute_the_database_alone_holds_what_came()
    {
        await using var bench = await QueueBench.OpenAsync();
        foreach (var _ in new[] { "after the start", "after a fold" })
        {
            var id = await bench.AcceptAsync();
            bench.Time.Advance(Journal.FoldAfter - TimeSpan.FromSeconds(1));
            Assert.That(LogLength(bench), Is.Positive, "its minute is not over");
            await bench.UntilAsync(() => Task.FromResult(LogLength(bench) == 0));
            Assert.That(InDatabaseAlone(bench), Does.Contain(id.ToString()));
        }
    }

    [Test]
    public async Task A_reader_that_is_in_the_way_puts_it_off_and_no_more()
    {
        await using var bench = await QueueBench.OpenAsync();
        await using (var reader = new SqliteConnection($"Data Source={Path.Combine(bench.Folder, "queue.db")};Pooling=False"))
        {
            await reader.OpenAsync();
            await using var snapshot = reader.BeginTransaction(deferred: true);
            Assert.That(Ids(reader, snapshot), Is.Empty);
            await bench.AcceptAsync();
            bench.Time.Advance(Journal.FoldAfter);
            // Written behind the attempt, whether that came first or not.
            await bench.AcceptAsync();
            Assert.That(LogLength(bench), Is.Positive);
        }
        await bench.UntilAsync(() => Task.FromResult(LogLength(bench) == 0));
        Assert.That(InDatabaseAlone(bench), Has.Count.EqualTo(2));
    }

    private static long LogLength(QueueBench bench) => new FileInfo(Path.Combine(bench.Folder, "queue.db-wal")).Length;

    private static List<string> InDatabaseAlone(QueueBench bench)
    {
        var copy = Directory.CreateTempSubdirectory("smarthost-alone-").FullName;
        try
        {
            File.Copy(Path.Combine(bench.Folder, "queue.db"), Path.Combine(copy, "queue.db"));
            using var connection = new SqliteConnection($"Data Source={Path.Combine(copy, "queue.db")};Pooling=False");
            connection.Open();
            return Ids(connection, null);
        }
        finally
        {
            Directory.Delete(copy, recursive: true);
        }
    }

    private static List<string> Ids(SqliteConnection connection, SqliteTransaction? transaction)
    {
        using var command = connection.CreateCommand();
        (command.CommandText, command.Transaction) = ("SELECT id FROM messages", transaction);
        using var rows = command.ExecuteReader();
        var ids = new List<string>();
        while (rows.Read()) ids.Add(rows.GetString(0));
        return ids;
    }
}
