using System.Text;

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
        Assert.That(bench.Take().Recipients, Is.Not.Empty);
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

    /// <summary>The first page that holds that text.</summary>
    internal static async Task DamageAsync(QueueBench bench, string text)
    {
        var database = Path.Combine(bench.Folder, "queue.db");
        var octets = await File.ReadAllBytesAsync(database);
        var page = octets.AsSpan().IndexOf(Encoding.ASCII.GetBytes(text)) / 4096;
        Assert.That(page, Is.GreaterThan(0));
        octets.AsSpan(page * 4096, 4096).Fill(0xa5);
        await File.WriteAllBytesAsync(database, octets);
    }
}
