using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;
using SmartHost.Mail;
using SmartHost.Queue;

namespace SmartHost.Tests.Queue;

/// <summary>The table of what may be on disk after a crash, row by row.</summary>
public class RecoveryTests
{
    private const int InRow = 1000, InFile = 300_000;

    [Test]
    public async Task What_was_arriving_is_deleted()
    {
        await using var bench = await QueueBench.OpenAsync();
        await using (var incoming = bench.Queue.Receive())
        {
            await incoming.WriteAsync(QueueBench.Octets(InFile), default);
            Assert.That(bench.ContentFiles(), Is.EqualTo(new[] { $"{incoming.Id}.part" }));
            await bench.CrashAsync();
            Assert.That(bench.ContentFiles(), Is.Empty);
        }
        Assert.That(bench.Queue.Counts().Waiting, Is.Zero);
    }

    [Test]
    public async Task Content_without_a_row_is_deleted()
    {
        await using var bench = await QueueBench.OpenAsync();
        var id = QueueId.Create(QueueBench.Start, new Random(7));
        await bench.CloseAsync();
        await File.WriteAllBytesAsync(Path.Combine(bench.Folder, "content", $"{id}.eml"), QueueBench.Octets(10));
        await bench.OpenQueueAsync();
        Assert.That(bench.ContentFiles(), Is.Empty);
        Assert.That(bench.Log.Lines.Any(line => line.Text.Contains($"{id}") && line.Level == LogLevel.Warning), Is.True);
    }

    /// <summary>Put back from a backup that was taken while the message arrived.</summary>
    [Test]
    public async Task A_part_of_long_ago_goes_and_the_message_that_it_became_stays()
    {
        await using var bench = await QueueBench.OpenAsync();
        var id = await bench.AcceptAsync(content: QueueBench.Octets(InFile));
        await bench.CloseAsync();
        await File.WriteAllBytesAsync(Path.Combine(bench.Folder, "content", $"{id}.part"), QueueBench.Octets(10));
        await bench.OpenQueueAsync();
        Assert.That(bench.ContentFiles(), Is.EqualTo(new[] { $"{id}.eml" }));
        Assert.That(await bench.ContentAsync(id), Is.EqualTo(QueueBench.Octets(InFile)));
        Assert.That(bench.Log.Lines.Any(line => line.Text.Contains("never told 250")), Is.False, "it was");
    }

    /// <summary>The log is folded into the database by then.</summary>
    [Test]
    public async Task A_kill_at_the_very_end_of_a_stop_raises_no_alarm_about_the_log()
    {
        await using var bench = await QueueBench.OpenAsync();
        var id = await bench.AcceptAsync();
        var snapshot = $"{bench.Folder}-stop";
        bench.Fault = step =>
        {
            if (step != "closed") return;
            CopyTo(bench.Folder, snapshot);
            foreach (var file in Directory.GetFiles(bench.Folder, "queue.owner")) File.Copy(file, Path.Combine(snapshot, Path.GetFileName(file)));
        };
        await bench.CloseAsync();
        await using (var queue = await MailQueue.OpenAsync(new QueueSettings { Folder = snapshot }, QueueBench.Lifetime, bench.Time, new Random(2), bench.Log, default))
            Assert.That(queue.Take((_, _) => true)?.Id, Is.EqualTo(id));
        Assert.That(bench.Log.Lines.Any(line => line.Text.Contains("-wal is missing")), Is.False);
        Directory.Delete(snapshot, recursive: true);
    }

    [Test]
    public async Task Content_is_kept_where_the_database_was_taken_away()
    {
        await using var bench = await QueueBench.OpenAsync();
        var id = await bench.AcceptAsync(content: QueueBench.Octets(InFile));
        await bench.CloseAsync();
        foreach (var file in Directory.EnumerateFiles(bench.Folder, "queue.db*")) File.Delete(file);
        await bench.OpenQueueAsync();
        Assert.That(bench.ContentFiles(), Is.Empty);
        Assert.That(await File.ReadAllBytesAsync(Path.Combine(bench.Folder, "content", "unclaimed", $"{id}.eml")), Is.EqualTo(QueueBench.Octets(InFile)));
    }

    [Test]
    public async Task Files_that_are_not_ours_are_left_alone()
    {
        await using var bench = await QueueBench.OpenAsync();
        await bench.CloseAsync();
        foreach (var name in (string[])["notes.eml", "draft.part", "readme.txt"]) await File.WriteAllTextAsync(Path.Combine(bench.Folder, "content", name), "x");
        await bench.OpenQueueAsync();
        Assert.That(bench.ContentFiles(), Is.EqualTo(new[] { "draft.part", "notes.eml", "readme.txt" }));
    }

    [TestCase(InRow)]
    [TestCase(InFile)]
    public async Task A_row_with_its_content_is_delivered(int length)
    {
        await using var bench = await QueueBench.OpenAsync();
        var id = await bench.AcceptAsync(content: QueueBench.Octets(length));
        await bench.CrashAsync();
        var message = bench.Take();
        Assert.That((message.Id, message.PossibleDuplicate), Is.EqualTo((id, false)));
        Assert.That(await bench.ContentAsync(id), Is.EqualTo(QueueBench.Octets(length)));
    }

    [TestCase(InRow)]
    [TestCase(InFile)]
    public async Task A_row_without_its_content_is_parked_and_said_loudly_once(int length)
    {
        await using var bench = await QueueBench.OpenAsync();
        var id = await bench.AcceptAsync(content: QueueBench.Octets(length));
        await bench.CloseAsync();
        Remove(bench, id);
        await bench.OpenQueueAsync();
        Assert.That(bench.Queue.Take((_, _) => true), Is.Null);
        var message = await bench.FindAsync(id);
        Assert.That((message.State, message.StateReason), Is.EqualTo((MessageState.Parked, Recovery.ContentMissing)));
        Assert.That(bench.Log.Lines.Any(line => line.Level == LogLevel.Error && line.Text.Contains($"{id}")), Is.True);
        await bench.ReopenAsync();
        Assert.That(await bench.StoryAsync(id), Is.EqualTo(new[] { TimelineEvent.Received, TimelineEvent.Parked }));
        Assert.That(await bench.Queue.ReleaseAsync(id, default), Does.Contain("missing"));
        Assert.That(await bench.Queue.RetryAsync(id, default), Does.Contain("missing"));
        Assert.That(await bench.Queue.OpenContentAsync(id, default), Is.Null);
    }

    [Test]
    public async Task Content_that_was_put_back_can_be_released()
    {
        await using var bench = await QueueBench.OpenAsync();
        var id = await bench.AcceptAsync(content: QueueBench.Octets(InFile));
        await bench.CloseAsync();
        Remove(bench, id);
        await bench.OpenQueueAsync();
        await File.WriteAllBytesAsync(Path.Combine(bench.Folder, "content", $"{id}.eml"), QueueBench.Octets(InFile));
        Assert.That(await bench.Queue.ReleaseAsync(id, default), Is.Null);
        Assert.That(bench.Take().Id, Is.EqualTo(id));
    }

    [Test]
    public async Task Content_of_a_finished_message_is_deleted()
    {
        await using var bench = await QueueBench.OpenAsync();
        var id = await bench.AcceptAsync(content: QueueBench.Octets(InFile));
        await bench.SettleAsync(bench.Take(), ("you@gmail.com", QueueBench.Sent));
        await bench.CloseAsync();
        await File.WriteAllBytesAsync(Path.Combine(bench.Folder, "content", $"{id}.eml"), QueueBench.Octets(InFile));
        await bench.OpenQueueAsync();
        Assert.That(bench.ContentFiles(), Is.Empty);
        Assert.That((await bench.FindAsync(id)).State, Is.EqualTo(MessageState.Done));
    }

    [Test]
    public async Task A_crash_in_an_attempt_makes_a_possible_duplicate_and_says_so()
    {
        await using var bench = await QueueBench.OpenAsync();
        var attempted = await bench.AcceptAsync(QueueBench.Submission("a"));
        var settled = await bench.AcceptAsync(QueueBench.Submission("b"));
        var givenBack = await bench.AcceptAsync(QueueBench.Submission("c"));
        var waiting = await bench.AcceptAsync(QueueBench.Submission("d"));
        Assert.That(bench.Take().Id, Is.EqualTo(attempted));
        await bench.SettleAsync(bench.Take(), ("you@gmail.com", bench.Deferred(TimeSpan.Zero)));
        bench.Queue.GiveBack(bench.Take().Id);
        // The journal keeps order: once this is on disk, so is what went before.
        await bench.Queue.PutStateAsync("test", "barrier", "1", default);
        await bench.CrashAsync();
        foreach (var id in (QueueId[])[attempted, settled, givenBack, waiting])
            Assert.That((await bench.FindAsync(id)).PossibleDuplicate, Is.EqualTo(id == attempted), id.ToString());
        Assert.That(await bench.StoryAsync(attempted), Does.Contain(TimelineEvent.PossibleDuplicate));
        Assert.That(bench.Log.Lines.Count(line => line.Text.Contains("may arrive twice")), Is.EqualTo(1));
        await bench.ReopenAsync();
        Assert.That((await bench.StoryAsync(attempted)).Count(entry => entry == TimelineEvent.PossibleDuplicate), Is.EqualTo(1), "told again without another attempt");
        Assert.That((await bench.FindAsync(attempted)).PossibleDuplicate, Is.True);
    }

    /// <summary>The disk is copied at each step of the commit; each copy is what a kill at that moment leaves.</summary>
    [TestCase(InRow)]
    [TestCase(InFile)]
    public async Task A_crash_at_any_step_leaves_what_was_promised_and_nothing_else(int length)
    {
        await using var bench = await QueueBench.OpenAsync();
        var first = await bench.AcceptAsync(content: QueueBench.Octets(length));
        var steps = new List<string>();
        bench.Fault = step =>
        {
            steps.Add(step);
            CopyTo(bench.Folder, $"{bench.Folder}-{step}");
        };
        var second = await bench.AcceptAsync(content: QueueBench.Octets(length));
        bench.Fault = null;
        CopyTo(bench.Folder, $"{bench.Folder}-after");
        Assert.That(steps, Is.EqualTo(new[] { "begin", "commit" }));
        foreach (var step in (string[])["begin", "commit", "after"])
        {
            var folder = $"{bench.Folder}-{step}";
            await using (var queue = await MailQueue.OpenAsync(new QueueSettings { Folder = folder }, QueueBench.Lifetime, bench.Time, new Random(2), bench.Log, default))
            {
                var found = await queue.SearchAsync(new MessageSearch(), default);
                Assert.That(found.Select(message => message.Id), Is.EqualTo(step == "after" ? new[] { second, first } : [first]), step);
                var files = Directory.GetFiles(Path.Combine(folder, "content"));
                Assert.That(files, Has.Length.EqualTo(length == InFile ? found.Count : 0), step);
            }
            Directory.Delete(folder, recursive: true);
        }
    }

    [Test]
    public async Task Ten_thousand_waiting_messages_come_back_in_order()
    {
        await using var bench = await QueueBench.OpenAsync();
        var ids = await Task.WhenAll(Enumerable.Range(0, 10_000).Select(_ => bench.AcceptAsync()));
        await bench.CrashAsync();
        Assert.That(bench.Queue.Counts().Normal, Is.EqualTo(10_000));
        Assert.That(bench.Queue.AcceptedFrom("scanner"), Is.EqualTo((10_000, 10_000)));
        var taken = Enumerable.Range(0, 100).Select(_ => bench.Take().Id).ToList();
        Assert.That(taken, Is.Unique.And.SubsetOf(ids));
    }

    private static void Remove(QueueBench bench, QueueId id)
    {
        File.Delete(Path.Combine(bench.Folder, "content", $"{id}.eml"));
        using var connection = new SqliteConnection($"Data Source={Path.Combine(bench.Folder, "queue.db")};Pooling=False");
        connection.Open();
        using var delete = connection.CreateCommand();
        delete.CommandText = "DELETE FROM content";
        delete.ExecuteNonQuery();
    }

    private static void CopyTo(string from, string to)
    {
        Directory.CreateDirectory(Path.Combine(to, "content"));
        foreach (var file in Directory.EnumerateFiles(from, "queue.db*").Concat(Directory.EnumerateFiles(Path.Combine(from, "content"))))
            File.Copy(file, Path.Combine(to, Path.GetRelativePath(from, file)));
    }
}
