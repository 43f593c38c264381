using CsCheck;
using Microsoft.Data.Sqlite;
using SmartHost.Queue;

namespace SmartHost.Tests.Queue;

/// <summary>On logs that SQLite itself has written.</summary>
public class WriteAheadLogTests
{
    private string folder = "";
    private byte[] log = [];

    /// <summary>Offset of the first octet of the last commit.</summary>
    private int last;

    [OneTimeSetUp]
    public void Write()
    {
        folder = Directory.CreateTempSubdirectory("smarthost-log-").FullName;
        using var connection = Open();
        Run(connection, "CREATE TABLE t (x BLOB)");
        for (var i = 0; i < 6; i++)
        {
            last = (int)new FileInfo(LogFile).Length;
            Run(connection, "INSERT INTO t VALUES (randomblob(9000))");
        }
        log = Read();
    }

    [OneTimeTearDown]
    public void Delete() => Directory.Delete(folder, recursive: true);

    [Test]
    public void One_that_is_whole_is_not_broken() => Assert.That(IsBroken(log), Is.False);

    [Test]
    public void A_crash_at_any_octet_leaves_one_that_is_not_broken() =>
        Gen.Int[0, log.Length].Sample(length => !IsBroken(log[..length]));

    /// <summary>But for octets that end within a frame's mark of where its commit ends, and leave the rest of its header whole: then the frames behind it look like another commit.</summary>
    [Test]
    public void A_crash_in_the_last_commit_may_leave_any_octets_of_it() =>
        Gen.Select(Gen.Int[last, log.Length - 1], Gen.Int[0, 9000], Gen.Byte).Where((from, length, _) => (from + length - 32) % (4096 + 24) is not (>= 5 and <= 8)).Sample((from, length, octet) =>
            !IsBroken([.. log[..from], .. Enumerable.Repeat(octet, Math.Min(length, log.Length - from)), .. log[Math.Min(from + length, log.Length)..]]));

    /// <summary>But for the mark and the round in the header of the frame that ended the commit before it: without them the two look like one.</summary>
    [Test]
    public void A_bit_that_the_disk_lost_in_front_of_it_breaks_it() =>
        Gen.Select(Gen.Int[0, last - 1], Gen.Int[0, 7]).Where((at, _) => at - (last - 4096 - 24) is not (>= 4 and < 16)).Sample((at, bit) =>
        {
            var damaged = log.ToArray();
            damaged[at] ^= (byte)(1 << bit);
            return IsBroken(damaged);
        });

    /// <summary>Not the frame that ended the commit before it: without its mark the two look like one.</summary>
    [Test]
    public void A_page_of_zeros_in_front_of_it_breaks_it() =>
        Gen.Int[0, (last - 24 - 4096) / 4096 - 1].Sample(page => IsBroken([.. log[..(page * 4096)], .. new byte[4096], .. log[((page + 1) * 4096)..]]));

    [Test]
    public void What_was_never_written_is_not_broken() => Assert.That((IsBroken([]), IsBroken(new byte[40_000]), WriteAheadLog.IsBroken(Path.Combine(folder, "none"))), Is.EqualTo((false, false, false)));

    [Test]
    public void Frames_of_an_earlier_round_behind_the_end_are_no_part_of_it()
    {
        using var connection = Open();
        Run(connection, "PRAGMA wal_checkpoint(RESTART)");
        Run(connection, "INSERT INTO t VALUES (1)");
        var next = Read();
        Assert.That(next, Has.Length.EqualTo(log.Length), "begun again at its head");
        Assert.That(IsBroken(next), Is.False);
        // The first commit of the new round is its last.
        next[32 + 24] ^= 1;
        Assert.That(IsBroken(next), Is.False);
        Run(connection, "INSERT INTO t VALUES (2)");
        next = Read();
        next[32 + 24] ^= 1;
        Assert.That(IsBroken(next), Is.True);
    }

    private string LogFile => Path.Combine(folder, "q.db-wal");

    private SqliteConnection Open()
    {
        var connection = new SqliteConnection($"Data Source={Path.Combine(folder, "q.db")};Pooling=False");
        connection.Open();
        Run(connection, "PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0");
        // As after a kill: closing does not take the log away.
        Assert.That(SQLitePCL.raw.sqlite3_db_config(connection.Handle, SQLitePCL.raw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, out _), Is.Zero);
        return connection;
    }

    private byte[] Read()
    {
        using var file = new FileStream(LogFile, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        var octets = new byte[file.Length];
        file.ReadExactly(octets);
        return octets;
    }

    private static bool IsBroken(byte[] octets) => WriteAheadLog.IsBroken(new MemoryStream(octets));

    private static void Run(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }
}
