using SmartHost.Queue;

namespace SmartHost.Tests.Queue;

/// <summary>The wall clock is put right while the queue runs.</summary>
public class ClockTests
{
    [Test]
    public async Task A_start_in_1970_does_not_end_every_lifetime_when_the_year_is_known()
    {
        await using var bench = await QueueBench.OpenAsync();
        var id = await bench.AcceptAsync();
        bench.Time.PutTo(QueueBench.Start.AddYears(50));
        Assert.That(bench.Queue.Expired(), Is.Empty);
        Assert.That(bench.Take().Id, Is.EqualTo(id));
        await bench.ReopenAsync();
        Assert.That(bench.Queue.Expired(), Is.Empty);
        Assert.That((await bench.FindAsync(id)).Expires, Is.EqualTo(QueueBench.Start.AddYears(50) + QueueBench.Lifetime));
    }

    [Test]
    public async Task A_clock_put_back_by_a_day_does_not_delay_a_retry_by_a_day()
    {
        await using var bench = await QueueBench.OpenAsync();
        await bench.AcceptAsync();
        await bench.SettleAsync(bench.Take(), ("you@gmail.com", bench.Deferred(TimeSpan.FromMinutes(15))));
        bench.Time.PutTo(QueueBench.Start.AddDays(-1));
        Assert.That(bench.Queue.Take((_, _) => true), Is.Null);
        await bench.Queue.PutStateAsync("test", "barrier", "1", default);
        bench.Time.Advance(TimeSpan.FromMinutes(14));
        Assert.That(bench.Queue.Take((_, _) => true), Is.Null);
        await bench.ReopenAsync();
        bench.Time.Advance(TimeSpan.FromMinutes(1));
        var message = bench.Take();
        Assert.That((message.Due, message.Recipients[0].Due), Is.EqualTo((QueueBench.Start.AddDays(-1).AddMinutes(15), QueueBench.Start.AddDays(-1).AddMinutes(15))));
    }

    [Test]
    public async Task Counts_of_a_clock_that_was_ahead_still_roll_off()
    {
        await using var bench = await QueueBench.OpenAsync();
        await bench.AcceptAsync();
        bench.Time.PutTo(QueueBench.Start.AddYears(-1));
        Assert.That(bench.Queue.AcceptedFrom("scanner"), Is.EqualTo((1, 1)));
        bench.Time.Advance(TimeSpan.FromHours(1));
        Assert.That(bench.Queue.AcceptedFrom("scanner"), Is.EqualTo((0, 1)));
        bench.Time.Advance(TimeSpan.FromHours(23));
        Assert.That(bench.Queue.AcceptedFrom("scanner"), Is.EqualTo((0, 0)));
    }

    [Test]
    public async Task A_clock_that_is_trimmed_changes_nothing()
    {
        await using var bench = await QueueBench.OpenAsync();
        var id = await bench.AcceptAsync();
        bench.Time.PutTo(QueueBench.Start.AddSeconds(30));
        Assert.That(bench.Take().Expires, Is.EqualTo(QueueBench.Start + QueueBench.Lifetime));
        Assert.That((await bench.FindAsync(id)).Expires, Is.EqualTo(QueueBench.Start + QueueBench.Lifetime));
    }
}
