using Microsoft.Data.Sqlite;
using SmartHost.Queue;

namespace SmartHost.Tests.Queue;

/// <summary>The disk with the data folder goes away while the queue is open, and comes back. Nobody is told 250 for what lies elsewhere.</summary>
public class LostDiskTests
{
    private static readonly SqliteException SyncFailed = new("disk I/O error", 10, 1034);

    [TestCase("nothing")]
    [TestCase("an empty file")]
    [TestCase("a queue of long ago")]
    public async Task Its_mountpoint_is_not_taken_for_it(string there)
    {
        await using var bench = await QueueBench.OpenAsync();
        var first = await bench.AcceptAsync();
        var away = $"{bench.Folder}-away";
        Directory.Move(bench.Folder, away);
        Directory.CreateDirectory(Path.Combine(bench.Folder, "content"));
        if (there == "an empty file") await File.WriteAllBytesAsync(Path.Combine(bench.Folder, "queue.db"), []);
        if (there == "a queue of long ago") await (await MailQueue.OpenAsync(new QueueSettings { Folder = bench.Folder }, QueueBench.Lifetime, bench.Time, new Random(2), bench.Log, default)).DisposeAsync();
        var before = Listing(bench.Folder);
        await LoseConnectionAsync(bench);

        var outcome = await bench.SubmitAsync(QueueBench.Submission());
        Assert.That(outcome, Is.InstanceOf<CommitOutcome.Failed>());
        Assert.That(((CommitOutcome.Failed)outcome).Reason, Does.Contain("disk").And.Contain("gone").And.Contain(bench.Folder));
        Assert.That(await bench.Queue.ObstacleAsync(default), Does.Contain("gone"));
        Assert.That(Listing(bench.Folder), Is.EqualTo(before), "nothing is left there for the next start to find");

        Directory.Delete(bench.Folder, recursive: true);
        Directory.Move(away, bench.Folder);
        Assert.That(await bench.Queue.ObstacleAsync(default), Is.Null);
        var second = await bench.AcceptAsync();
        Assert.That(new[] { bench.Take().Id, bench.Take().Id }, Is.EquivalentTo(new[] { first, second }));
    }

    /// <summary>The same files under the same name, and yet not those that are open.</summary>
    [Test]
    public async Task Who_reads_follows_who_writes_to_the_disk_that_came_back()
    {
        await using var bench = await QueueBench.OpenAsync();
        var first = await bench.AcceptAsync();
        // Both have read, and so have all of the files open.
        bench.Queue.GiveBack(bench.Take().Id);
        await bench.FindAsync(first);
        await LoseConnectionAsync(bench);
        Remount(bench);
        var second = await bench.AcceptAsync();
        Assert.That(new[] { bench.Take().Id, bench.Take().Id }, Is.EquivalentTo(new[] { first, second }));
        Assert.That(bench.Queue.Damage, Is.Null);
        Assert.That(await bench.Queue.SearchAsync(new MessageSearch(), default), Has.Count.EqualTo(2));
    }

    [Test]
    public async Task A_failure_before_the_commit_costs_the_connection_too()
    {
        await using var bench = await QueueBench.OpenAsync();
        var first = await bench.AcceptAsync();
        bench.Fault = step => { if (step == "begin") throw SyncFailed; };
        Assert.That(await bench.SubmitAsync(QueueBench.Submission()), Is.InstanceOf<CommitOutcome.Failed>());
        bench.Fault = null;
        Remount(bench);
        var second = await bench.AcceptAsync();
        await bench.CrashAsync();
        Assert.That((await bench.Queue.SearchAsync(new MessageSearch(), default)).Select(message => message.Id), Is.EquivalentTo(new[] { first, second }));
    }

    [Test]
    public async Task A_disk_that_cannot_be_read_is_told_and_read_again_when_it_is_back()
    {
        await using var bench = await QueueBench.OpenAsync();
        var id = await bench.AcceptAsync();
        bench.Queue.GiveBack(bench.Take().Id);
        bench.Fault = step => { if (step == "read") throw SyncFailed; };
        Assert.That(bench.Queue.Take((_, _) => true), Is.Null);
        Assert.That(await bench.Queue.ObstacleAsync(default), Is.Null, "it takes mail all the same");
        Assert.That(bench.Queue.ReadTrouble, Does.Contain("does not answer"));
        bench.Fault = null;
        Remount(bench);
        await bench.Queue.AskDiskAsync();
        Assert.That(bench.Queue.ReadTrouble, Is.Null);
        Assert.That(bench.Take().Id, Is.EqualTo(id));
    }

    [Test]
    public async Task A_copy_that_is_put_back_in_its_place_is_not_taken_for_it([Values] bool beforeAnybodyLooks)
    {
        if (beforeAnybodyLooks && !OperatingSystem.IsLinux()) Assert.Ignore("only Linux tells that an open file was deleted");
        await using var bench = await QueueBench.OpenAsync();
        await bench.AcceptAsync();
        var copy = Directory.CreateTempSubdirectory("smarthost-copy-").FullName;
        QueueBench.Copy(bench.Folder, copy);
        Directory.Delete(bench.Folder, recursive: true);
        bench.Time.Advance(TimeSpan.FromSeconds(1));
        if (!beforeAnybodyLooks) Assert.That(bench.Queue.FolderTrouble, Is.Not.Null);
        Directory.Move(copy, bench.Folder);
        Assert.That(bench.Queue.FolderTrouble, Is.Not.Null, "what is taken now would be in the files that are open, and not in these");
        Assert.That(await bench.SubmitAsync(QueueBench.Submission()), Is.InstanceOf<CommitOutcome.Failed>());
        await bench.ReopenAsync();
        Assert.That(bench.Queue.FolderTrouble, Is.Null);
        await bench.AcceptAsync();
        Assert.That(bench.Queue.Counts().Waiting, Is.EqualTo(2));
    }

    [Test]
    public async Task The_folder_itself_is_known_when_it_is_back()
    {
        await using var bench = await QueueBench.OpenAsync();
        var away = $"{bench.Folder}-away";
        for (var i = 0; i < 2; i++)
        {
            Directory.Move(bench.Folder, away);
            bench.Time.Advance(TimeSpan.FromSeconds(1));
            Assert.That(bench.Queue.FolderTrouble, Is.Not.Null);
            Directory.Move(away, bench.Folder);
            Assert.That(bench.Queue.FolderTrouble, Is.Null);
        }
        var id = await bench.AcceptAsync();
        await bench.CrashAsync();
        Assert.That(bench.Take().Id, Is.EqualTo(id));
    }

    /// <summary>A monitor that asks every second would keep the disk awake for ever.</summary>
    [Test]
    public async Task Once_it_is_known_again_nothing_is_written_to_know_it()
    {
        await using var bench = await QueueBench.OpenAsync();
        var (away, note) = ($"{bench.Folder}-away", Path.Combine(bench.Folder, "queue.owner"));
        Directory.Move(bench.Folder, away);
        bench.Time.Advance(TimeSpan.FromSeconds(1));
        Assert.That(bench.Queue.FolderTrouble, Is.Not.Null);
        Directory.Move(away, bench.Folder);
        Assert.That(bench.Queue.FolderTrouble, Is.Null);
        var length = new FileInfo(note).Length;
        for (var i = 0; i < 3; i++)
        {
            bench.Time.Advance(TimeSpan.FromSeconds(1));
            Assert.That(bench.Queue.FolderTrouble, Is.Null);
        }
        Assert.That(new FileInfo(note).Length, Is.EqualTo(length));
    }

    /// <summary>As by a person who tidies up. The files that are open are there until they are closed.</summary>
    [Test]
    public async Task A_folder_that_was_deleted_takes_no_mail_and_what_waits_can_still_leave()
    {
        await using var bench = await QueueBench.OpenAsync();
        await bench.AcceptAsync();
        var (left, stays) = (bench.Take(), await bench.AcceptAsync());
        Directory.Delete(bench.Folder, recursive: true);
        bench.Time.Advance(TimeSpan.FromSeconds(1));

        Assert.That(bench.Queue.Refusal(0), Is.EqualTo("the data folder is gone"));
        Assert.That(bench.Queue.FolderTrouble, Does.Contain(bench.Folder).And.Contain("restart SmartHost"));
        Assert.That(await bench.SubmitAsync(QueueBench.Submission()), Is.InstanceOf<CommitOutcome.Failed>(), "also where the device asked before it was gone");
        Assert.That(bench.Queue.WriteTrouble, Is.Null);
        await bench.SettleAsync(left, (left.Recipients[0].Address.ToString(), QueueBench.Sent));
        Assert.That(bench.Take().Id, Is.EqualTo(stays));

        await bench.CloseAsync();
        Assert.That(bench.Log.Lines.Select(line => line.Text), Has.Some.Contain("1 message(s) that are not sent yet stay behind"));
        Assert.That(Directory.Exists(bench.Folder), Is.False);
        Directory.CreateDirectory(bench.Folder);
    }

    private static async Task LoseConnectionAsync(QueueBench bench)
    {
        bench.Fault = step => { if (step is "commit" or "scar") throw SyncFailed; };
        Assert.That(await bench.SubmitAsync(QueueBench.Submission()), Is.InstanceOf<CommitOutcome.Failed>());
        bench.Fault = null;
    }

    private static void Remount(QueueBench bench)
    {
        foreach (var file in Directory.GetFiles(bench.Folder, "queue.db*"))
        {
            File.Copy(file, $"{file}.new");
            File.Move($"{file}.new", file, overwrite: true);
        }
    }

    private static string[] Listing(string folder) => [.. Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).Order()];
}
