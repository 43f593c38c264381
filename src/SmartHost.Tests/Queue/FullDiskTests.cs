using SmartHost.Mail;
using SmartHost.Queue;
using SmartHost.Tests.Faults;

namespace SmartHost.Tests.Queue;

/// <summary>On a disk of a few megabytes that really fills up. Needs root on Linux, to mount one.</summary>
public class FullDiskTests
{
    private SmallDisk disk = null!;

    [SetUp]
    public void Mount() => disk = SmallDisk.Mount(megabytes: 6);

    [TearDown]
    public void Unmount() => disk?.Dispose();

    [TestCase(20_000)]
    [TestCase(200_000)]
    [TestCase(600_000)]
    public async Task A_full_disk_costs_no_message_and_ends_when_there_is_room_again(int length)
    {
        var filler = disk.File("filler");
        await File.WriteAllBytesAsync(filler, new byte[1_500_000]);
        var accepted = new List<QueueId>();
        await using (var queue = await OpenAsync())
        {
            CommitOutcome? refused = null;
            while (refused is null)
            {
                var outcome = await SubmitAsync(queue, length);
                if (outcome is CommitOutcome.Committed committed) accepted.Add(committed.Id);
                else refused = outcome;
            }
            Assert.That(refused, Is.InstanceOf<CommitOutcome.InsufficientStorage>(), refused.ToString());
            Assert.That(accepted, Is.Not.Empty);
            Assert.That(queue.Counts().Normal, Is.EqualTo(accepted.Count));
            // A settlement waits for the room that somebody makes.
            var settling = SendAsync(queue, accepted[0]);
            File.Delete(filler);
            await settling.WaitAsync(TimeSpan.FromSeconds(30));
            if (await SubmitAsync(queue, length) is CommitOutcome.Committed more) accepted.Add(more.Id);
            else Assert.Fail("there was room");
        }
        await using (var queue = await OpenAsync())
        {
            Assert.That(await queue.OpenContentAsync(accepted[0], default), Is.Null);
            foreach (var id in accepted.Skip(1)) Assert.That(await ReadAsync(queue, id), Is.EqualTo(QueueBench.Octets(length)));
            Assert.That(Directory.GetFiles(disk.File("data/content")), Has.Length.EqualTo(length > 262_144 ? accepted.Count - 1 : 0));
        }
    }

    [Test]
    public async Task Room_that_somebody_else_took_and_gives_back_is_used_without_a_restart()
    {
        await using var queue = await OpenAsync();
        var before = await SubmitAsync(queue, 1000);
        disk.Fill();
        Assert.That(await SubmitAsync(queue, 300_000), Is.InstanceOf<CommitOutcome.InsufficientStorage>());
        CommitOutcome? small = null;
        for (var i = 0; i < 1000 && small is not CommitOutcome.InsufficientStorage; i++) small = await SubmitAsync(queue, 5000);
        Assert.That(small, Is.InstanceOf<CommitOutcome.InsufficientStorage>());
        var waiting = queue.Counts().Normal;
        var settling = SendAsync(queue, ((CommitOutcome.Committed)before).Id);
        disk.MakeRoom();
        await settling.WaitAsync(TimeSpan.FromSeconds(30));
        Assert.That(queue.Counts().Normal, Is.EqualTo(waiting - 1));
        foreach (var length in (int[])[1000, 300_000]) Assert.That(await SubmitAsync(queue, length), Is.InstanceOf<CommitOutcome.Committed>());
    }

    [Test]
    public void A_read_only_disk_is_refused_with_a_sentence()
    {
        disk.TurnReadOnly();
        Assert.That(async () => await OpenAsync(), Throws.InstanceOf<QueueUnavailableException>().With.Message.Contains("could not be made"));
    }

    [Test]
    public async Task A_folder_that_has_become_read_only_is_refused_with_a_sentence()
    {
        await (await OpenAsync()).DisposeAsync();
        disk.TurnReadOnly();
        Assert.That(async () => await OpenAsync(), Throws.InstanceOf<QueueUnavailableException>().With.Message.Contains("cannot write in the data folder"));
    }

    [Test]
    public void A_disk_that_is_full_from_the_start_is_refused_with_a_sentence()
    {
        Directory.CreateDirectory(disk.File("data"));
        disk.Fill();
        Assert.That(async () => await OpenAsync(), Throws.InstanceOf<QueueUnavailableException>().With.Message.Contains("full"));
    }

    private Task<MailQueue> OpenAsync() => MailQueue.OpenAsync(new QueueSettings { Folder = disk.File("data"), MinFree = 0 },
        QueueBench.Lifetime, TimeProvider.System, new Random(1), new CollectedLog(), default);

    private static async Task<CommitOutcome> SubmitAsync(MailQueue queue, int length)
    {
        await using var incoming = queue.Receive();
        await incoming.WriteAsync(QueueBench.Octets(length), default);
        return await incoming.CommitAsync(QueueBench.Submission(), default);
    }

    private static async Task SendAsync(MailQueue queue, QueueId id) =>
        await queue.SettleAsync(new Settlement(id, [new RecipientOutcome(Mailbox.Parse("you@gmail.com"), QueueBench.Sent)], []), default);

    private static async Task<byte[]> ReadAsync(MailQueue queue, QueueId id)
    {
        await using var content = await queue.OpenContentAsync(id, default);
        using var copy = new MemoryStream();
        await content!.CopyToAsync(copy);
        return copy.ToArray();
    }
}
