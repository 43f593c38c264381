using SmartHost.Mail;
using SmartHost.Queue;

namespace SmartHost.Tests.Queue;

public class IntakeTests
{
    // Around the segments of 16 KB, the blocks of 64 KB and the border between row and file.
    [TestCase(0)]
    [TestCase(1)]
    [TestCase(16384)]
    [TestCase(16385)]
    [TestCase(100_000)]
    [TestCase(262_144)]
    [TestCase(262_145)]
    [TestCase(262_144 + 65_536)]
    [TestCase(1_000_003)]
    public async Task What_was_accepted_comes_back_octet_for_octet_after_a_crash(int length)
    {
        await using var bench = await QueueBench.OpenAsync();
        var id = await bench.AcceptAsync(content: QueueBench.Octets(length));
        await bench.CrashAsync();
        Assert.That(await bench.ContentAsync(id), Is.EqualTo(QueueBench.Octets(length)));
        Assert.That((await bench.FindAsync(id)).Size, Is.EqualTo(length));
        Assert.That(bench.ContentFiles(), Is.EqualTo(length > 262_144 ? new[] { $"{id}.eml" } : []));
    }

    [Test]
    public async Task A_message_keeps_all_that_was_said_about_it()
    {
        await using var bench = await QueueBench.OpenAsync();
        var submission = QueueBench.Submission("shop", Lane.Bulk, "second", ["a@example.com", "b@example.com"], subject: "Größe ✓");
        var id = await bench.AcceptAsync(submission);
        await bench.ReopenAsync();
        var message = await bench.FindAsync(id);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(message.Sender, Is.EqualTo(submission.Envelope.Sender));
            Assert.That(message.Recipients.Select(recipient => recipient.Address), Is.EqualTo(submission.Envelope.Recipients));
            Assert.That(message.Recipients, Has.All.Property("State").EqualTo(RecipientState.Queued));
            Assert.That((message.Device, message.Account, message.Lane), Is.EqualTo(("shop", "second", Lane.Bulk)));
            Assert.That(message.Origin, Is.EqualTo(submission.Origin));
            Assert.That((message.MessageId, message.Subject), Is.EqualTo((submission.MessageId, submission.Subject)));
            Assert.That(message.ReceivedAt, Is.EqualTo(QueueBench.Start));
            Assert.That(message.Due, Is.EqualTo(QueueBench.Start));
            Assert.That(message.Expires, Is.EqualTo(QueueBench.Start + QueueBench.Lifetime));
            Assert.That(message.State, Is.EqualTo(MessageState.Queued));
            Assert.That(message.HasContent, Is.True);
        }
        var received = (await bench.Queue.TimelineAsync(id, default)).Single();
        Assert.That(received.Event, Is.EqualTo(TimelineEvent.Received));
        Assert.That(received.Text, Does.Contain(submission.Rule).And.Contain("192.168.1.23"));
    }

    [Test]
    public async Task A_null_reverse_path_stays_null()
    {
        await using var bench = await QueueBench.OpenAsync();
        var id = await bench.AcceptAsync(QueueBench.Submission(from: null));
        Assert.That((await bench.FindAsync(id)).Sender.IsNull, Is.True);
    }

    [TestCase(100)]
    [TestCase(400_000)]
    public async Task An_intake_that_is_dropped_leaves_nothing(int length)
    {
        await using var bench = await QueueBench.OpenAsync();
        await using (var incoming = bench.Queue.Receive()) await incoming.WriteAsync(QueueBench.Octets(length), default);
        Assert.That(bench.ContentFiles(), Is.Empty);
        Assert.That(bench.Queue.Take((_, _) => true), Is.Null);
        Assert.That(await bench.Queue.SearchAsync(new MessageSearch(), default), Is.Empty);
    }

    [Test]
    public async Task Fifty_writers_share_commits_and_each_message_is_there_once()
    {
        await using var bench = await QueueBench.OpenAsync();
        var commits = 0;
        bench.Fault = step => { if (step == "commit") Interlocked.Increment(ref commits); };
        var accepted = await Task.WhenAll(Enumerable.Range(0, 50).Select(writer => Task.Run(async () =>
        {
            var mine = new List<QueueId>();
            for (var i = 0; i < 20; i++) mine.Add(await bench.AcceptAsync(QueueBench.Submission($"device-{writer}"), QueueBench.Octets(4096)));
            return mine;
        })));
        var ids = accepted.SelectMany(mine => mine).ToHashSet();
        Assert.That(ids, Has.Count.EqualTo(1000));
        Assert.That(commits, Is.LessThan(1000), "each had a commit of its own");
        await bench.CrashAsync();
        var found = await bench.Queue.SearchAsync(new MessageSearch(Limit: 2000), default);
        Assert.That(found.Select(message => message.Id), Is.EquivalentTo(ids));
    }

    [Test]
    public async Task A_full_queue_says_so_before_the_content_comes()
    {
        await using var bench = await QueueBench.OpenAsync(new QueueSettings { Folder = "", MaxMessages = 1 });
        Assert.That(bench.Queue.Refusal(1000), Is.Null);
        await bench.AcceptAsync();
        Assert.That(bench.Queue.Refusal(1000), Does.Contain("queue.maxMessages"));
    }

    [Test]
    public async Task A_message_larger_than_the_free_space_is_refused()
    {
        await using var bench = await QueueBench.OpenAsync();
        Assert.That(bench.Queue.Refusal(1000), Is.Null);
        Assert.That(bench.Queue.Refusal(1L << 60), Does.Contain("full"));
    }

    [Test]
    public async Task After_the_queue_has_closed_intakes_fail_and_leave_nothing()
    {
        await using var bench = await QueueBench.OpenAsync();
        foreach (var length in (int[])[100, 400_000])
        {
            if (length == 400_000) await bench.OpenQueueAsync();
            await using var incoming = bench.Queue.Receive();
            await incoming.WriteAsync(QueueBench.Octets(length), default);
            await bench.CloseAsync();
            Assert.That(await incoming.CommitAsync(QueueBench.Submission(), default), Is.InstanceOf<CommitOutcome.Failed>());
        }
        Assert.That(bench.ContentFiles(), Is.Empty);
    }

    // Counts what the whole process allocates.
    [Test, NonParallelizable]
    public async Task Memory_of_twenty_large_messages_at_once_is_bounded()
    {
        await using var bench = await QueueBench.OpenAsync();
        var block = QueueBench.Octets(32 << 10);
        var allocated = await Allocations.OfAsync(async () =>
        {
            var incoming = Enumerable.Range(0, 20).Select(_ => bench.Queue.Receive()).ToList();
            for (var i = 0; i < 64; i++)
            {
                foreach (var message in incoming) await message.WriteAsync(block, default);
            }
            foreach (var message in incoming) await message.DisposeAsync();
        });
        // 20 × 2 MB went through; what was allocated for it, pooled arrays included, is a fraction.
        Assert.That(allocated, Is.LessThan(20 * (512 << 10)));
        Assert.That(bench.ContentFiles(), Is.Empty);
    }
}
