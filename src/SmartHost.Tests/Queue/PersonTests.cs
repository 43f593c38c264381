using SmartHost.Mail;
using SmartHost.Queue;

namespace SmartHost.Tests.Queue;

/// <summary>Retry, hold, release and delete.</summary>
public class PersonTests
{
    [Test]
    public async Task Held_mail_waits_until_released()
    {
        await using var bench = await QueueBench.OpenAsync();
        var id = await bench.AcceptAsync();
        Assert.That(await bench.Queue.HoldAsync(id, "too many today", default), Is.Null);
        Assert.That(bench.Queue.Take((_, _) => true), Is.Null);
        await bench.ReopenAsync();
        Assert.That(bench.Queue.Take((_, _) => true), Is.Null);
        Assert.That((await bench.FindAsync(id)).StateReason, Is.EqualTo("too many today"));
        Assert.That(await bench.Queue.HoldAsync(id, "again", default), Does.Contain("on hold already"));
        Assert.That(await bench.Queue.ReleaseAsync(id, default), Is.Null);
        Assert.That(bench.Take().StateReason, Is.Null);
        Assert.That(await bench.StoryAsync(id), Is.EqualTo(new[] { TimelineEvent.Received, TimelineEvent.Held, TimelineEvent.Released }));
    }

    [Test]
    public async Task Retry_makes_deferred_mail_due_at_once()
    {
        await using var bench = await QueueBench.OpenAsync();
        var id = await bench.AcceptAsync();
        await bench.SettleAsync(bench.Take(), ("you@gmail.com", bench.Deferred(TimeSpan.FromHours(4))));
        Assert.That(bench.Queue.Take((_, _) => true), Is.Null);
        Assert.That(await bench.Queue.RetryAsync(id, default), Is.Null);
        var message = bench.Take();
        Assert.That((message.Due, message.Recipients[0].Due), Is.EqualTo((QueueBench.Start, QueueBench.Start)));
    }

    [Test]
    public async Task Retry_ends_a_parking_and_gives_an_expired_message_a_new_lifetime()
    {
        await using var bench = await QueueBench.OpenAsync();
        var id = await bench.AcceptAsync();
        await bench.Queue.SettleAsync(new Settlement(bench.Take().Id, [], [], Park: "spam"), default);
        bench.Time.Advance(TimeSpan.FromDays(6));
        Assert.That(await bench.Queue.RetryAsync(id, default), Is.Null);
        Assert.That(bench.Take().Expires, Is.EqualTo(QueueBench.Start + TimeSpan.FromDays(11)));
    }

    [Test]
    public async Task A_bounce_can_be_tried_again_while_its_content_is_kept()
    {
        await using var bench = await QueueBench.OpenAsync(new QueueSettings { Folder = "", KeepContent = 3 });
        var id = await bench.AcceptAsync(QueueBench.Submission(to: ["a@example.com", "b@example.com"]));
        await bench.SettleAsync(bench.Take(), ("a@example.com", QueueBench.Sent), ("b@example.com", QueueBench.Bounced));
        Assert.That(await bench.Queue.RetryAsync(id, default), Is.Null);
        var again = bench.Take();
        Assert.That(again.Open.Select(recipient => recipient.Address.ToString()), Is.EqualTo(new[] { "b@example.com" }));
        var done = await bench.SettleAsync(again, ("b@example.com", QueueBench.Sent));
        Assert.That(done.State, Is.EqualTo(MessageState.Done));
        Assert.That(await bench.Queue.UnreportedAsync(default), Is.Empty);
        Assert.That(await bench.Queue.RetryAsync(id, default), Does.Contain("sent to every recipient"));
    }

    [Test]
    public async Task A_bounce_whose_content_is_gone_cannot_be_tried_again()
    {
        await using var bench = await QueueBench.OpenAsync();
        var id = await bench.AcceptAsync();
        await bench.SettleAsync(bench.Take(), ("you@gmail.com", QueueBench.Bounced));
        await bench.ReportedAsync(id);
        Assert.That(await bench.Queue.RetryAsync(id, default), Does.Contain("history.keepContent"));
        Assert.That((await bench.FindAsync(id)).State, Is.EqualTo(MessageState.Done));
    }

    [TestCase(100)]
    [TestCase(300_000)]
    public async Task Deleted_mail_is_gone_but_for_its_story(int length)
    {
        await using var bench = await QueueBench.OpenAsync(new QueueSettings { Folder = "", KeepContent = 3 });
        var id = await bench.AcceptAsync(content: QueueBench.Octets(length));
        Assert.That(await bench.Queue.DeleteAsync(id, default), Is.Null);
        await bench.ReopenAsync();
        Assert.That(bench.Queue.Take((_, _) => true), Is.Null);
        Assert.That(await bench.ContentAsync(id), Is.Null);
        Assert.That(bench.ContentFiles(), Is.Empty);
        Assert.That((await bench.FindAsync(id)).State, Is.EqualTo(MessageState.Deleted));
        Assert.That(await bench.StoryAsync(id), Is.EqualTo(new[] { TimelineEvent.Received, TimelineEvent.Deleted }));
        foreach (var refusal in await Task.WhenAll(bench.Queue.DeleteAsync(id, default), bench.Queue.RetryAsync(id, default), bench.Queue.HoldAsync(id, "x", default), bench.Queue.ReleaseAsync(id, default)))
            Assert.That(refusal, Does.Contain("was deleted"));
    }

    [Test]
    public async Task A_message_that_is_being_sent_is_left_alone()
    {
        await using var bench = await QueueBench.OpenAsync();
        var id = await bench.AcceptAsync();
        var message = bench.Take();
        foreach (var refusal in await Task.WhenAll(bench.Queue.DeleteAsync(id, default), bench.Queue.RetryAsync(id, default), bench.Queue.HoldAsync(id, "x", default), bench.Queue.ReleaseAsync(id, default)))
            Assert.That(refusal, Does.Contain("being sent right now"));
        Assert.That((await bench.SettleAsync(message, ("you@gmail.com", QueueBench.Sent))).State, Is.EqualTo(MessageState.Done));
    }

    [Test]
    public async Task A_message_that_never_was_is_named()
    {
        await using var bench = await QueueBench.OpenAsync();
        var id = QueueId.Create(QueueBench.Start, new Random(3));
        Assert.That(await bench.Queue.RetryAsync(id, default), Is.EqualTo($"There is no message {id}."));
        Assert.That(await bench.Queue.FindAsync(id, default), Is.Null);
        Assert.That(await bench.Queue.TimelineAsync(id, default), Is.Empty);
    }

    [Test]
    public async Task Every_change_is_announced_after_its_commit()
    {
        await using var bench = await QueueBench.OpenAsync();
        var changed = new List<(QueueId Id, MessageState? State)>();
        bench.Queue.Changed += id => changed.Add((id, bench.Queue.FindAsync(id, default).GetAwaiter().GetResult()?.State));
        var id = await bench.AcceptAsync();
        await bench.Queue.HoldAsync(id, "x", default);
        await bench.Queue.ReleaseAsync(id, default);
        await bench.SettleAsync(bench.Take(), ("you@gmail.com", QueueBench.Sent));
        Assert.That(changed, Is.EqualTo(new (QueueId, MessageState?)[] { (id, MessageState.Queued), (id, MessageState.Held), (id, MessageState.Queued), (id, MessageState.Done) }));
    }

    [Test]
    public async Task A_listener_that_throws_harms_nobody()
    {
        await using var bench = await QueueBench.OpenAsync();
        bench.Queue.Changed += _ => throw new InvalidOperationException("broken page");
        var id = await bench.AcceptAsync();
        Assert.That(bench.Take().Id, Is.EqualTo(id));
    }

    [Test]
    public async Task State_is_durable_and_null_removes_it()
    {
        await using var bench = await QueueBench.OpenAsync();
        await bench.Queue.PutStateAsync("account", "default", """{"paused":true}""", default);
        await bench.Queue.PutStateAsync("account", "second", "{}", default);
        await bench.Queue.PutStateAsync("alert", "default", "1", default);
        await bench.Queue.PutStateAsync("account", "second", null, default);
        await bench.ReopenAsync();
        Assert.That(bench.Queue.GetState("account", "default"), Is.EqualTo("""{"paused":true}"""));
        Assert.That(bench.Queue.GetStates("account").Keys, Is.EqualTo(new[] { "default" }));
        Assert.That(bench.Queue.GetState("account", "second"), Is.Null);
    }
}
