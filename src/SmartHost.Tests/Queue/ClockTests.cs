using SmartHost.Mail;
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
    public async Task A_settlement_that_is_on_its_way_to_disk_while_the_year_becomes_known_ends_no_lifetime()
    {
        await using var bench = await QueueBench.OpenAsync();
        var id = await bench.AcceptAsync();
        var taken = bench.Take();
        using var goOn = new ManualResetEventSlim();
        bench.Fault = step => { if (step == "commit") goOn.Wait(TimeSpan.FromMinutes(1)); };
        var settled = bench.SettleAsync(taken, ("you@gmail.com", bench.Deferred(TimeSpan.FromMinutes(1))));
        bench.Time.PutTo(QueueBench.Start.AddYears(50));
        Assert.That(bench.Queue.Expired(), Is.Empty);
        goOn.Set();
        bench.Fault = null;
        await settled;
        // Whatever is still in the way of the clock's own correction is committed before this.
        await bench.AcceptAsync();
        var end = new Settlement(id, [new RecipientOutcome(Mailbox.Parse("you@gmail.com"), QueueBench.Bounced)], []);
        Assert.That(await bench.Queue.GiveUpAsync(end, default), Is.Null);
        Assert.That((bench.Queue.Expired(), bench.Take().Id), Is.EqualTo((Array.Empty<QueuedMessage>(), id)));
    }

    [Test]
    public async Task What_the_right_clock_stamped_gains_nothing_by_a_start_in_1970()
    {
        await using var bench = await QueueBench.OpenAsync();
        var id = await bench.AcceptAsync();
        await bench.CloseAsync();
        bench.Time.PutTo(DateTimeOffset.UnixEpoch);
        await bench.OpenQueueAsync();
        bench.Time.PutTo(QueueBench.Start.AddDays(1));
        Assert.That(bench.Queue.Expired(), Is.Empty);
        await bench.ReopenAsync();
        Assert.That((await bench.FindAsync(id)).Expires, Is.InRange(QueueBench.Start + QueueBench.Lifetime, QueueBench.Start.AddDays(1) + QueueBench.Lifetime));
        bench.Time.Advance(QueueBench.Lifetime + TimeSpan.FromHours(1));
        Assert.That(bench.Queue.Expired().Select(message => message.Id), Is.EqualTo(new[] { id }));
    }

    [Test]
    public async Task What_a_clock_that_was_ahead_deferred_is_tried_within_a_day_of_the_start()
    {
        await using var bench = await QueueBench.OpenAsync();
        var id = await bench.AcceptAsync();
        await bench.SettleAsync(bench.Take(), ("you@gmail.com", bench.Deferred(TimeSpan.FromMinutes(15))));
        await bench.CloseAsync();
        bench.Time.PutTo(QueueBench.Start.AddDays(-30));
        await bench.OpenQueueAsync();
        bench.Time.Advance(TimeSpan.FromDays(1));
        var message = bench.Take();
        Assert.That((message.Id, message.Due, message.Recipients[0].Due), Is.EqualTo((id, bench.Time.GetUtcNow(), bench.Time.GetUtcNow())));
    }

    [Test]
    public async Task What_a_clock_that_was_ahead_stamped_is_late_in_its_time()
    {
        await using var bench = await QueueBench.OpenAsync();
        var id = await bench.AcceptAsync();
        await bench.CloseAsync();
        bench.Time.PutTo(QueueBench.Start.AddDays(-30));
        await bench.OpenQueueAsync();
        Assert.That(bench.Queue.Late(TimeSpan.FromHours(1)), Is.Empty);
        bench.Time.Advance(TimeSpan.FromHours(1));
        Assert.That(bench.Queue.Late(TimeSpan.FromHours(1)).Select(message => message.Id), Is.EqualTo(new[] { id }));
    }

    [Test]
    public async Task Mail_is_not_late_for_a_start_in_1970()
    {
        await using var bench = await QueueBench.OpenAsync();
        await bench.AcceptAsync();
        bench.Time.PutTo(QueueBench.Start.AddYears(50));
        Assert.That(bench.Queue.Expired(), Is.Empty);
        Assert.That(bench.Queue.Late(TimeSpan.FromHours(1)), Is.Empty);
    }

    [Test]
    public async Task What_a_clock_that_was_ahead_spent_is_spent_for_one_day_through_every_restart()
    {
        await using var bench = await QueueBench.OpenAsync();
        await bench.AcceptAsync();
        await bench.Queue.SettleAsync(new Settlement(bench.Take().Id, [], [], Spent: new Spend("default", 1, 3)), default);
        await bench.CloseAsync();
        bench.Time.PutTo(QueueBench.Start.AddDays(-30));
        await bench.OpenQueueAsync();
        Assert.That(bench.Queue.SpentBy("default").Recipients, Is.EqualTo(3), "nobody knows when, so it counts");
        // One by one is no limit of a device's: it may have been weeks ago.
        Assert.That(bench.Queue.AcceptedFrom("scanner"), Is.EqualTo((0, 0)));
        bench.Time.Advance(TimeSpan.FromHours(25));
        await bench.ReopenAsync();
        Assert.That(bench.Queue.SpentBy("default").Recipients, Is.Zero);
    }

    [Test]
    public async Task What_was_spent_stays_so_when_the_clock_is_put_forward_and_the_queue_is_opened_again()
    {
        await using var bench = await QueueBench.OpenAsync();
        await bench.AcceptAsync();
        await bench.Queue.SettleAsync(new Settlement(bench.Take().Id, [], [], Spent: new Spend("default", 1, 3)), default);
        bench.Time.Advance(TimeSpan.FromHours(1));
        bench.Time.PutTo(QueueBench.Start.AddDays(3));
        Assert.That(bench.Queue.SpentBy("default").Recipients, Is.EqualTo(3));
        await bench.ReopenAsync();
        Assert.That(bench.Queue.SpentBy("default").Recipients, Is.EqualTo(3));
        bench.Time.Advance(TimeSpan.FromHours(23));
        await bench.ReopenAsync();
        Assert.That(bench.Queue.SpentBy("default").Recipients, Is.Zero, "and no longer than a day");
    }

    [Test]
    public async Task A_clock_put_right_while_the_disk_takes_nothing_is_followed_when_it_does()
    {
        await using var bench = await QueueBench.OpenAsync();
        var id = await bench.AcceptAsync();
        var tried = new TaskCompletionSource();
        bench.Fault = step =>
        {
            if (step != "commit") return;
            tried.TrySetResult();
            throw new Microsoft.Data.Sqlite.SqliteException("database or disk is full", 13);
        };
        bench.Time.PutTo(QueueBench.Start.AddDays(3));
        Assert.That(bench.Queue.Expired(), Is.Empty);
        await tried.Task.WaitAsync(TimeSpan.FromSeconds(10));
        bench.Fault = null;
        await bench.UntilAsync(async () => (await bench.FindAsync(id)).Expires == QueueBench.Start.AddDays(3) + QueueBench.Lifetime);
    }

    [Test]
    public async Task A_stop_is_made_good_though_a_clock_that_was_ahead_left_signs_of_the_future()
    {
        await using var bench = new QueueBench();
        bench.Time.PutTo(QueueBench.Start.AddDays(30));
        await bench.OpenQueueAsync();
        await bench.AcceptAsync();
        await bench.SettleAsync(bench.Take(), ("you@gmail.com", QueueBench.Sent));
        await bench.CloseAsync();
        bench.Time.PutTo(QueueBench.Start);
        await bench.OpenQueueAsync();
        var id = await bench.AcceptAsync();
        bench.Time.Advance(TimeSpan.FromDays(6));
        await bench.CrashAsync();
        Assert.That((await bench.FindAsync(id)).Expires, Is.EqualTo(bench.Time.GetUtcNow() + QueueBench.Lifetime));
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
