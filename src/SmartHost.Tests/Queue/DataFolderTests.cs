using Microsoft.Data.Sqlite;
using SmartHost.Queue;

namespace SmartHost.Tests.Queue;

/// <summary>A folder that cannot be used is refused with a sentence, and left as it is.</summary>
public class DataFolderTests
{
    [Test]
    public async Task A_new_folder_is_for_our_user_alone()
    {
        if (OperatingSystem.IsWindows())
        {
            Assert.Ignore("Windows has no modes");
            return;
        }
        await using var bench = new QueueBench();
        var folder = Path.Combine(bench.Folder, "a", "b");
        await using var queue = await Open(folder);
        const UnixFileMode private700 = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
        Assert.That(File.GetUnixFileMode(folder), Is.EqualTo(private700));
        Assert.That(File.GetUnixFileMode(Path.Combine(folder, "content")), Is.EqualTo(private700));
        foreach (var file in Directory.EnumerateFiles(folder, "queue.db*"))
            Assert.That(File.GetUnixFileMode(file), Is.EqualTo(UnixFileMode.UserRead | UnixFileMode.UserWrite), file);
    }

    [Test]
    public async Task A_second_process_is_refused_and_told_who_is_there()
    {
        await using var bench = await QueueBench.OpenAsync();
        var id = await bench.AcceptAsync();
        var refusal = await RefusalAsync(bench.Folder);
        Assert.That(refusal, Does.Contain(bench.Folder).And.Contain($"process {Environment.ProcessId}"));
        Assert.That(bench.Take().Id, Is.EqualTo(id));
        await bench.ReopenAsync();
    }

    [Test]
    public async Task A_file_in_its_place_is_named()
    {
        await using var bench = new QueueBench();
        var path = Path.Combine(bench.Folder, "data");
        await File.WriteAllTextAsync(path, "x");
        Assert.That(await RefusalAsync(path), Does.Contain(path).And.Contain("is a file"));
        Assert.That(await RefusalAsync(Path.Combine(path, "deeper")), Does.Contain("could not be made"));
    }

    [Test]
    public async Task A_database_of_a_newer_version_is_refused_and_not_touched()
    {
        await using var bench = await QueueBench.OpenAsync();
        await bench.CloseAsync();
        Execute(bench, "PRAGMA user_version = 99");
        var before = await File.ReadAllBytesAsync(Database(bench));
        Assert.That(await RefusalAsync(bench.Folder), Does.Contain("newer SmartHost").And.Contain("99"));
        Assert.That(await File.ReadAllBytesAsync(Database(bench)), Is.EqualTo(before));
    }

    [Test]
    public async Task A_foreign_database_is_refused()
    {
        await using var bench = new QueueBench();
        Execute(bench, "CREATE TABLE songs (name TEXT)");
        Assert.That(await RefusalAsync(bench.Folder), Does.Contain("another program"));
    }

    [TestCase(0)]
    [TestCase(4096)]
    public async Task A_damaged_database_is_refused_with_the_way_out_and_not_touched(int from)
    {
        await using var bench = await QueueBench.OpenAsync();
        await bench.AcceptAsync();
        await bench.CloseAsync();
        var octets = await File.ReadAllBytesAsync(Database(bench));
        octets.AsSpan(from).Fill(0x5a);
        await File.WriteAllBytesAsync(Database(bench), octets);
        Assert.That(await RefusalAsync(bench.Folder), Does.Contain("damaged").And.Contain(".recover"));
        Assert.That(await File.ReadAllBytesAsync(Database(bench)), Is.EqualTo(octets));
    }

    /// <summary>The page is whole for SQLite, what it says is not ours: a flipped bit, or a hand at work.</summary>
    [TestCase("id = 'what'")]
    [TestCase("received = -1")]
    [TestCase("expires = 9223372036854775807")]
    public async Task A_row_that_makes_no_sense_is_refused_with_the_way_out(string change)
    {
        await using var bench = await QueueBench.OpenAsync();
        await bench.AcceptAsync();
        await bench.CloseAsync();
        Execute(bench, $"UPDATE messages SET {change}");
        Assert.That(await RefusalAsync(bench.Folder), Does.Contain("damaged").And.Contain(".recover"));
    }

    [Test]
    public async Task An_older_database_is_copied_and_then_brought_up()
    {
        await using var bench = await QueueBench.OpenAsync();
        var id = await bench.AcceptAsync();
        await bench.CloseAsync();
        var newer = Schema.Steps.Append("ALTER TABLE messages ADD COLUMN colour TEXT").ToList();
        var (connection, fresh) = Schema.Open(Database(bench), newer);
        using (connection) Assert.That(fresh, Is.False);
        Assert.That(Scalar(Database(bench), "PRAGMA user_version"), Is.EqualTo(newer.Count));
        Assert.That(Scalar(Database(bench), "SELECT count(colour) + count(*) FROM messages"), Is.EqualTo(1));
        var copy = $"{Database(bench)}.v{Schema.Steps.Count}.bak";
        Assert.That(Scalar(copy, "PRAGMA user_version"), Is.EqualTo(Schema.Steps.Count));
        if (!OperatingSystem.IsWindows()) Assert.That(File.GetUnixFileMode(copy), Is.EqualTo(UnixFileMode.UserRead | UnixFileMode.UserWrite), "it holds mail");
        // The older version, and the copy, work on.
        Assert.That(await RefusalAsync(bench.Folder), Does.Contain(Path.GetFileName(copy)));
        File.Move(copy, Database(bench), overwrite: true);
        await bench.OpenQueueAsync();
        Assert.That(bench.Take().Id, Is.EqualTo(id));
    }

    [Test]
    public async Task A_migration_that_fails_leaves_the_database_as_it_was()
    {
        await using var bench = await QueueBench.OpenAsync();
        var id = await bench.AcceptAsync();
        await bench.CloseAsync();
        var steps = Schema.Steps.Append("ALTER TABLE messages ADD COLUMN colour TEXT; ALTER TABLE nonsense ADD COLUMN colour TEXT").ToList();
        Assert.That(() => Schema.Open(Database(bench), steps), Throws.InstanceOf<QueueUnavailableException>().With.Message.Contains("left as it was"));
        await bench.OpenQueueAsync();
        Assert.That(bench.Take().Id, Is.EqualTo(id));
    }

    private static Task<MailQueue> Open(string folder) =>
        MailQueue.OpenAsync(new QueueSettings { Folder = folder }, QueueBench.Lifetime, TimeProvider.System, new Random(1), new CollectedLog(), default);

    private static async Task<string> RefusalAsync(string folder)
    {
        try
        {
            await (await Open(folder)).DisposeAsync();
        }
        catch (QueueUnavailableException e)
        {
            return e.Message;
        }
        throw new AssertionException($"{folder} was opened");
    }

    private static string Database(QueueBench bench) => Path.Combine(bench.Folder, "queue.db");

    private static void Execute(QueueBench bench, string sql)
    {
        using var connection = new SqliteConnection($"Data Source={Database(bench)};Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }

    private static long Scalar(string path, string sql)
    {
        using var connection = new SqliteConnection($"Data Source={path};Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        return (long)command.ExecuteScalar()!;
    }

    [Test]
    public void A_disk_that_answers_with_an_error_is_no_matter_of_room_or_rights() =>
        Assert.That(Schema.Explain(new SqliteException("SQLite Error 10: 'disk I/O error'.", 10), "queue.db")!.Message,
            Does.StartWith("The queue's database queue.db cannot be opened: the disk answers with an error").And.Contain("dmesg").And.Not.Contain("free some space"));
}
