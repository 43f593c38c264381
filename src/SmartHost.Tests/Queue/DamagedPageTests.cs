using System.Text;
using SmartHost.Mail;
using SmartHost.Queue;

namespace SmartHost.Tests.Queue;

/// <summary>One page of the database that is not what was written.</summary>
public class DamagedPageTests
{
    [Test]
    public async Task A_page_of_history_stops_no_start()
    {
        await using var bench = await QueueBench.OpenAsync();
        for (var i = 0; i < 50; i++) await bench.AcceptAsync(QueueBench.Submission());
        await bench.CloseAsync();
        await DamageAsync(bench, "Received from scanner");
        bench.Time.Advance(TimeSpan.FromDays(1));
        await bench.OpenQueueAsync();
        Assert.That(bench.Log.Lines.Count(line => line.Text.Contains("since when nothing ran cannot be read")), Is.EqualTo(1));
        Assert.That(bench.Queue.Take((_, _) => true), Is.Null, "it is the root of that table, so no result of theirs could be written");
        Assert.That(bench.Queue.Damage, Does.StartWith("50 message(s)"));
    }

    [Test]
    public async Task One_that_cannot_be_reported_on_keeps_no_other_from_it()
    {
        await using var bench = await QueueBench.OpenAsync();
        for (var i = 0; i < 100; i++)
        {
            var address = $"someone-with-a-long-address-number-{i}@example.com";
            await bench.AcceptAsync(QueueBench.Submission(to: [address], subject: new string('s', 150)));
            await bench.SettleAsync(bench.Take(), (address, QueueBench.Bounced));
        }
        await bench.CloseAsync();
        await DamageAsync(bench, "number-0@example.com");
        await bench.OpenQueueAsync();
        Assert.That(await bench.Queue.UnreportedAsync(default), Has.Count.InRange(20, 99));
        Assert.That(bench.Queue.Damage, Is.Not.Null);
    }

    [Test]
    public async Task Who_asks_for_a_few_reads_no_more_than_these()
    {
        await using var bench = await QueueBench.OpenAsync();
        for (var i = 0; i < 100; i++) await bench.AcceptAsync(QueueBench.Submission(to: [$"someone-with-a-long-address-number-{i}@example.com"], subject: new string('s', 150)));
        await bench.CloseAsync();
        await DamageAsync(bench, "number-99@example.com");
        await bench.OpenQueueAsync();
        Assert.That(bench.Queue.Late(TimeSpan.Zero).Take(5).ToList(), Has.Count.EqualTo(5));
        bench.Time.Advance(QueueBench.Lifetime);
        Assert.That(bench.Queue.Expired().Take(5).ToList(), Has.Count.EqualTo(5));
        Assert.That(bench.Queue.Damage, Is.Null, "nobody came to the last of them");
        Assert.That(bench.Queue.Expired().ToList(), Has.Count.LessThan(100));
        Assert.That(bench.Queue.Damage, Is.Not.Null);
    }

    [Test]
    public async Task What_lies_on_it_is_set_aside_and_told_and_the_rest_goes_on()
    {
        await using var bench = await QueueBench.OpenAsync();
        for (var i = 0; i < 200; i++) await bench.AcceptAsync(QueueBench.Submission(to: [$"someone-with-a-long-address-number-{i}@example.com"], subject: new string('s', 150)));
        await bench.CloseAsync();
        await DamageAsync(bench, "number-0@example.com");
        await bench.OpenQueueAsync();
        // Whoever asks first: the sweep, or who takes.
        Assert.That(bench.Queue.Late(TimeSpan.Zero).ToList(), Has.Count.InRange(100, 199));
        var taken = 0;
        while (bench.Queue.Take((_, _) => true) is not null) taken++;
        Assert.That(taken, Is.InRange(100, 199), "a page holds some thirty rows");
        Assert.That(bench.Queue.Damage, Does.StartWith($"{200 - taken} message(s) cannot be read"));
        Assert.That(bench.Log.Lines.Count(line => line.Text.Contains("left out")), Is.EqualTo(200 - taken), "each once");
        Assert.That(bench.Queue.WaitForWorkAsync(default).IsCompleted, Is.False, "nobody takes the same one again and again");
    }

    [Test]
    public async Task A_page_of_a_messages_story_sets_it_aside_before_it_is_sent()
    {
        await using var bench = await QueueBench.OpenAsync();
        await DamageStoryAsync(bench);
        var settled = 0;
        while (bench.Queue.Take((_, _) => true) is { } message)
        {
            await bench.SettleAsync(message, ("you@gmail.com", QueueBench.Sent)).WaitAsync(TimeSpan.FromSeconds(10));
            settled++;
        }
        Assert.That(settled, Is.InRange(20, 99), "what was sent is written");
        Assert.That(bench.Queue.Damage, Does.StartWith($"{100 - settled} message(s) cannot be read"));
    }

    [Test]
    public async Task Nobody_waits_for_the_end_of_what_cannot_be_written()
    {
        await using var bench = await QueueBench.OpenAsync();
        for (var i = 0; i < 100; i++) await bench.AcceptAsync();
        bench.Time.Advance(QueueBench.Lifetime);
        var first = bench.Queue.Expired().First();
        await bench.CloseAsync();
        await DamageAsync(bench, "Received from scanner", page: 1);
        await bench.OpenQueueAsync();
        // Found before its page was damaged.
        var end = new Settlement(first.Id, [new RecipientOutcome(Mailbox.Parse("you@gmail.com"), QueueBench.Bounced)], [new TimelineEntry(bench.Time.GetUtcNow(), TimelineEvent.Bounced, "Over.")]);
        Assert.That(await bench.Queue.GiveUpAsync(end, default).WaitAsync(TimeSpan.FromSeconds(10)), Is.Null);
        Assert.That(bench.Queue.Damage, Does.Contain(first.Id.ToString()));
        Assert.That(bench.Queue.Expired().Select(message => message.Id), Has.None.EqualTo(first.Id));
    }

    /// <summary>A bad sector: the disk answers, but for this one.</summary>
    [Test]
    public async Task A_row_that_the_disk_does_not_give_stands_in_no_others_way()
    {
        await using var bench = await QueueBench.OpenAsync();
        var bad = await bench.AcceptAsync();
        bench.Time.Advance(TimeSpan.FromSeconds(1));
        var good = await bench.AcceptAsync();
        var reads = 0;
        bench.Fault = step => { if (step == "read" && reads++ is 0 or 2) throw new IOException("Input/output error"); };
        Assert.That(bench.Take().Id, Is.EqualTo(good));
        Assert.That(bench.Queue.Damage, Does.Contain(bad.ToString()).And.Contain("Input/output error"));
        Assert.That(bench.Queue.ReadTrouble, Is.Null, "the disk answers");
    }

    [Test]
    public async Task A_disk_that_stumbles_once_costs_no_message_its_turn()
    {
        await using var bench = await QueueBench.OpenAsync();
        var id = await bench.AcceptAsync();
        var reads = 0;
        bench.Fault = step => { if (step == "read" && reads++ == 0) throw new IOException("Input/output error"); };
        Assert.That((bench.Take().Id, bench.Queue.Damage), Is.EqualTo((id, (string?)null)));
    }

    /// <summary>Of a hundred messages, some of whose stories lie on one page. Returns the first of those.</summary>
    internal static async Task<QueueId> DamageStoryAsync(QueueBench bench)
    {
        var first = await bench.AcceptAsync();
        for (var i = 1; i < 100; i++) await bench.AcceptAsync();
        await bench.CloseAsync();
        await DamageAsync(bench, "Received from scanner", page: 1);
        bench.Time.Advance(TimeSpan.FromSeconds(1));
        await bench.OpenQueueAsync();
        return first;
    }

    /// <param name="page">Of the pages that hold that text; the first is a table's root, where it has grown beyond one.</param>
    internal static async Task DamageAsync(QueueBench bench, string text, int page = 0)
    {
        const int Size = 4096;
        var database = Path.Combine(bench.Folder, "queue.db");
        var octets = await File.ReadAllBytesAsync(database);
        var at = Enumerable.Range(1, octets.Length / Size - 1).Where(number => octets.AsSpan(number * Size, Size).IndexOf(Encoding.ASCII.GetBytes(text)) >= 0).ElementAt(page);
        octets.AsSpan(at * Size, Size).Fill(0xa5);
        await File.WriteAllBytesAsync(database, octets);
    }
}
