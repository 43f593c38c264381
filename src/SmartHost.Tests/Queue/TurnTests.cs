using SmartHost.Mail;
using SmartHost.Queue;

namespace SmartHost.Tests.Queue;

public class TurnTests
{
    [Test]
    public async Task Urgent_mail_goes_first_then_devices_take_turns_then_age_decides()
    {
        await using var bench = await QueueBench.OpenAsync();
        async Task<QueueId> Accept(string device, Lane lane)
        {
            bench.Time.Advance(TimeSpan.FromSeconds(1));
            return await bench.AcceptAsync(QueueBench.Submission(device, lane));
        }
        var bulk = await Accept("shop", Lane.Bulk);
        var scans = new[] { await Accept("scanner", Lane.Normal), await Accept("scanner", Lane.Normal), await Accept("scanner", Lane.Normal) };
        var print = await Accept("printer", Lane.Normal);
        var alert = await Accept("ups", Lane.Urgent);
        var order = new List<QueueId>();
        while (bench.Queue.Take((_, _) => true) is { } message) order.Add(message.Id);
        Assert.That(order, Is.EqualTo(new[] { alert, scans[0], print, scans[1], scans[2], bulk }));
    }

    [Test]
    public async Task The_turn_survives_between_takes()
    {
        await using var bench = await QueueBench.OpenAsync();
        foreach (var device in (string[])["a", "a", "b", "b", "c"]) await bench.AcceptAsync(QueueBench.Submission(device));
        var order = new List<string>();
        while (bench.Queue.Take((_, _) => true) is { } message)
        {
            order.Add(message.Device);
            await bench.SettleAsync(message, ("you@gmail.com", QueueBench.Sent));
        }
        Assert.That(order, Is.EqualTo(new[] { "a", "b", "c", "a", "b" }));
    }

    [Test]
    public async Task Only_what_the_taker_serves_is_taken()
    {
        await using var bench = await QueueBench.OpenAsync();
        await bench.AcceptAsync(QueueBench.Submission(account: "paused", lane: Lane.Urgent));
        var normal = await bench.AcceptAsync(QueueBench.Submission(account: null));
        Assert.That(bench.Queue.Take((account, _) => account != "paused")?.Id, Is.EqualTo(normal));
        Assert.That(bench.Queue.Take((account, _) => account != "paused"), Is.Null);
        Assert.That(bench.Queue.Take((_, lane) => lane == Lane.Urgent)?.Account, Is.EqualTo("paused"));
    }

    [Test]
    public async Task A_leased_message_is_not_taken_again_until_given_back()
    {
        await using var bench = await QueueBench.OpenAsync();
        var id = await bench.AcceptAsync();
        Assert.That(bench.Take().Id, Is.EqualTo(id));
        Assert.That(bench.Queue.Take((_, _) => true), Is.Null);
        bench.Queue.GiveBack(id);
        Assert.That(bench.Take().Id, Is.EqualTo(id));
    }

    [Test]
    public async Task Deferred_mail_is_taken_when_it_is_due_and_not_before()
    {
        await using var bench = await QueueBench.OpenAsync();
        await bench.AcceptAsync();
        await bench.SettleAsync(bench.Take(), ("you@gmail.com", bench.Deferred(TimeSpan.FromMinutes(5))));
        bench.Time.Advance(TimeSpan.FromMinutes(5) - TimeSpan.FromTicks(1));
        Assert.That(bench.Queue.Take((_, _) => true), Is.Null);
        bench.Time.Advance(TimeSpan.FromTicks(1));
        Assert.That(bench.Take().Attempts, Is.EqualTo(1));
    }

    [Test]
    public async Task Waiting_ends_with_an_arrival()
    {
        await using var bench = await QueueBench.OpenAsync();
        Assert.That(bench.Queue.Take((_, _) => true), Is.Null);
        var waiting = bench.Queue.WaitForWorkAsync(default);
        Assert.That(waiting.IsCompleted, Is.False);
        await bench.AcceptAsync();
        await waiting.WaitAsync(TimeSpan.FromSeconds(10));
    }

    [Test]
    public async Task Waiting_never_misses_what_came_between_taking_and_waiting()
    {
        await using var bench = await QueueBench.OpenAsync();
        Assert.That(bench.Queue.Take((_, _) => true), Is.Null);
        await bench.AcceptAsync();
        Assert.That(bench.Queue.WaitForWorkAsync(default).IsCompleted, Is.True);
    }

    [Test]
    public async Task Waiting_ends_when_the_next_message_falls_due()
    {
        await using var bench = await QueueBench.OpenAsync();
        await bench.AcceptAsync();
        await bench.SettleAsync(bench.Take(), ("you@gmail.com", bench.Deferred(TimeSpan.FromSeconds(30))));
        Assert.That(bench.Queue.Take((_, _) => true), Is.Null);
        var waiting = bench.Queue.WaitForWorkAsync(default);
        bench.Time.Advance(TimeSpan.FromSeconds(29));
        Assert.That(waiting.IsCompleted, Is.False);
        bench.Time.Advance(TimeSpan.FromSeconds(1));
        await waiting.WaitAsync(TimeSpan.FromSeconds(10));
        Assert.That(bench.Queue.Take((_, _) => true), Is.Not.Null);
    }

    [Test]
    public async Task Waiting_ends_when_cancelled()
    {
        await using var bench = await QueueBench.OpenAsync();
        Assert.That(bench.Queue.Take((_, _) => true), Is.Null);
        using var cancel = new CancellationTokenSource();
        var cancelled = bench.Queue.WaitForWorkAsync(cancel.Token);
        await cancel.CancelAsync();
        Assert.That(async () => await cancelled, Throws.InstanceOf<OperationCanceledException>());
    }

    [Test]
    public async Task The_wall_clock_is_asked_again_within_a_minute()
    {
        await using var bench = await QueueBench.OpenAsync();
        await bench.AcceptAsync();
        await bench.SettleAsync(bench.Take(), ("you@gmail.com", bench.Deferred(TimeSpan.FromHours(4))));
        Assert.That(bench.Queue.Take((_, _) => true), Is.Null);
        var waiting = bench.Queue.WaitForWorkAsync(default);
        bench.Time.Advance(TimeSpan.FromMinutes(1));
        await waiting.WaitAsync(TimeSpan.FromSeconds(10));
    }

    [Test]
    public async Task Counts_tell_what_is_open()
    {
        await using var bench = await QueueBench.OpenAsync();
        await bench.AcceptAsync(QueueBench.Submission(lane: Lane.Urgent), QueueBench.Octets(10));
        var held = await bench.AcceptAsync(QueueBench.Submission(lane: Lane.Bulk), QueueBench.Octets(30));
        bench.Time.Advance(TimeSpan.FromSeconds(1));
        await bench.AcceptAsync(QueueBench.Submission(lane: Lane.Normal), QueueBench.Octets(20));
        await bench.Queue.HoldAsync(held, "wait", default);
        await bench.SettleAsync(bench.Take(), ("you@gmail.com", QueueBench.Sent));
        Assert.That(bench.Queue.Counts(), Is.EqualTo(new QueueCounts(0, 1, 0, 1, 0, 50, QueueBench.Start, QueueBench.Start.AddSeconds(1))));
        await bench.ReopenAsync();
        Assert.That(bench.Queue.Counts(), Is.EqualTo(new QueueCounts(0, 1, 0, 1, 0, 50, QueueBench.Start, QueueBench.Start.AddSeconds(1))));
    }
}
