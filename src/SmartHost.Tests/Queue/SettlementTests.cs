using SmartHost.Mail;
using SmartHost.Queue;

namespace SmartHost.Tests.Queue;

public class SettlementTests
{
    private static readonly string[] Three = ["a@example.com", "b@example.com", "c@example.com"];

    [Test]
    public async Task Each_recipient_has_its_own_standing()
    {
        await using var bench = await QueueBench.OpenAsync();
        var id = await bench.AcceptAsync(QueueBench.Submission(to: Three));
        var settled = await bench.SettleAsync(bench.Take(), (Three[0], QueueBench.Sent), (Three[1], QueueBench.Bounced), (Three[2], bench.Deferred(TimeSpan.FromMinutes(2))));
        await bench.ReopenAsync();
        var stored = await bench.FindAsync(id);
        foreach (var message in (QueuedMessage[])[settled, stored])
        {
            Assert.That(message.Recipients, Is.EqualTo(new QueuedRecipient[]
            {
                new(Mailbox.Parse(Three[0]), RecipientState.Sent, QueueBench.Start, 1, "250 2.0.0 OK"),
                new(Mailbox.Parse(Three[1]), RecipientState.Bounced, QueueBench.Start, 1, "5.1.1 No such user."),
                new(Mailbox.Parse(Three[2]), RecipientState.Queued, QueueBench.Start.AddMinutes(2), 1, "Busy."),
            }));
            Assert.That((message.State, message.Due, message.Attempts, message.HasContent), Is.EqualTo((MessageState.Queued, QueueBench.Start.AddMinutes(2), 1, true)));
        }
    }

    [TestCase(100)]
    [TestCase(300_000)]
    public async Task A_message_is_done_with_its_last_recipient_and_lets_go_of_its_content(int length)
    {
        await using var bench = await QueueBench.OpenAsync();
        var id = await bench.AcceptAsync(content: QueueBench.Octets(length));
        var settled = await bench.SettleAsync(bench.Take(), ("you@gmail.com", QueueBench.Sent));
        Assert.That((settled.State, settled.HasContent), Is.EqualTo((MessageState.Done, false)));
        Assert.That(await bench.ContentAsync(id), Is.Null);
        Assert.That(bench.ContentFiles(), Is.Empty);
        Assert.That(bench.Queue.Take((_, _) => true), Is.Null);
    }

    [TestCase(100)]
    [TestCase(300_000)]
    public async Task Content_of_a_bounce_stays_until_its_sender_is_told_through_a_crash_and_a_tidying(int length)
    {
        await using var bench = await QueueBench.OpenAsync();
        var id = await bench.AcceptAsync(content: QueueBench.Octets(length));
        await bench.SettleAsync(bench.Take(), ("you@gmail.com", QueueBench.Bounced));
        await bench.Queue.TidyAsync(default);
        await bench.CrashAsync();
        Assert.That(await bench.ContentAsync(id), Is.EqualTo(QueueBench.Octets(length)));

        bench.Time.Advance(TimeSpan.FromSeconds(1));
        await bench.AcceptAsync(QueueBench.Submission(from: null, reportsOn: id));
        Assert.That((await bench.FindAsync(id)).HasContent, Is.False);
        Assert.That(await bench.ContentAsync(id), Is.Null);
        Assert.That(bench.ContentFiles(), Is.Empty);
        await bench.CrashAsync();
        Assert.That((await bench.FindAsync(id)).HasContent, Is.False);
        Assert.That(bench.Log.Lines.Where(line => line.Level >= Microsoft.Extensions.Logging.LogLevel.Warning), Is.Empty);
    }

    [Test]
    public async Task A_crash_between_the_report_and_the_clean_up_leaves_no_content()
    {
        await using var bench = await QueueBench.OpenAsync();
        var id = await bench.AcceptAsync(content: QueueBench.Octets(300_000));
        await bench.SettleAsync(bench.Take(), ("you@gmail.com", QueueBench.Bounced));
        var file = Path.Combine(bench.Folder, "content", bench.ContentFiles().Single());
        await bench.ReportedAsync(id);
        await File.WriteAllBytesAsync(file, QueueBench.Octets(300_000));
        await bench.CrashAsync();
        Assert.That(bench.ContentFiles(), Is.Empty);
    }

    [Test]
    public async Task A_bounce_that_nobody_will_be_told_of_keeps_no_content()
    {
        await using var bench = await QueueBench.OpenAsync();
        var report = await bench.AcceptAsync(QueueBench.Submission(from: null) with { Origin = Origin.Local });
        await bench.SettleAsync(bench.Take(), ("you@gmail.com", QueueBench.Bounced));
        Assert.That((await bench.FindAsync(report)).HasContent, Is.False);
    }

    [TestCase(100)]
    [TestCase(300_000)]
    public async Task History_keeps_content_as_long_as_asked(int length)
    {
        await using var bench = await QueueBench.OpenAsync(new QueueSettings { Folder = "", KeepContent = 2 });
        var id = await bench.AcceptAsync(content: QueueBench.Octets(length));
        await bench.SettleAsync(bench.Take(), ("you@gmail.com", QueueBench.Sent));
        await bench.ReopenAsync();
        bench.Time.Advance(TimeSpan.FromDays(1.9));
        await bench.Queue.TidyAsync(default);
        Assert.That(await bench.ContentAsync(id), Is.EqualTo(QueueBench.Octets(length)));
        bench.Time.Advance(TimeSpan.FromDays(0.2));
        await bench.Queue.TidyAsync(default);
        Assert.That(await bench.ContentAsync(id), Is.Null);
        Assert.That((await bench.FindAsync(id)).HasContent, Is.False);
        Assert.That(bench.ContentFiles(), Is.Empty);
    }

    [Test]
    public async Task Parking_takes_a_message_out_of_the_turns()
    {
        await using var bench = await QueueBench.OpenAsync();
        var id = await bench.AcceptAsync();
        var message = bench.Take();
        var entry = new TimelineEntry(QueueBench.Start, TimelineEvent.Parked, "Gmail calls it spam.");
        var parked = await bench.Queue.SettleAsync(new Settlement(message.Id, [], [entry], Park: "spam"), default);
        Assert.That((parked.State, parked.StateReason), Is.EqualTo((MessageState.Parked, "spam")));
        await bench.ReopenAsync();
        Assert.That(bench.Queue.Take((_, _) => true), Is.Null);
        Assert.That((await bench.Queue.TimelineAsync(id, default))[^1], Is.EqualTo(entry));
    }

    [Test]
    public async Task An_attempt_that_was_not_the_messages_fault_is_not_counted()
    {
        await using var bench = await QueueBench.OpenAsync();
        await bench.AcceptAsync();
        var outcome = new RecipientOutcome(Mailbox.Parse("you@gmail.com"), bench.Deferred(TimeSpan.FromMinutes(1)));
        var settled = await bench.Queue.SettleAsync(new Settlement(bench.Take().Id, [outcome], [], CountsAsAttempt: false), default);
        Assert.That((settled.Attempts, settled.Recipients[0].Attempts, settled.Due), Is.EqualTo((0, 0, QueueBench.Start.AddMinutes(1))));
    }

    [Test]
    public async Task What_a_person_retried_meanwhile_is_not_given_up()
    {
        await using var bench = await QueueBench.OpenAsync();
        var id = await bench.AcceptAsync();
        bench.Time.Advance(QueueBench.Lifetime);
        var end = new Settlement(bench.Queue.Expired().Single().Id, [new RecipientOutcome(Mailbox.Parse("you@gmail.com"), QueueBench.Bounced)], []);
        Assert.That(await bench.Queue.RetryAsync(id, default), Is.Null);
        var taken = bench.Take();
        Assert.That(await bench.Queue.GiveUpAsync(end, default), Is.Null);
        Assert.That((await bench.FindAsync(id)).State, Is.EqualTo(MessageState.Queued));
        Assert.That(bench.Queue.Take((_, _) => true), Is.Null, "it is still whose it was");
        await bench.SettleAsync(taken, ("you@gmail.com", QueueBench.Sent));
        Assert.That((await bench.FindAsync(id)).Recipients[0].State, Is.EqualTo(RecipientState.Sent));
    }

    [Test]
    public async Task What_bounced_after_a_report_was_written_is_still_to_be_told()
    {
        await using var bench = await QueueBench.OpenAsync();
        var id = await bench.AcceptAsync(QueueBench.Submission(to: ["ann@example.com", "bob@example.com"]));
        await bench.SettleAsync(bench.Take(), ("ann@example.com", QueueBench.Bounced), ("bob@example.com", QueueBench.Bounced));
        await bench.Queue.MarkReportedAsync(id, [Mailbox.Parse("ann@example.com")], new TimelineEntry(QueueBench.Start, TimelineEvent.Reported, "Told in another's report."), default);
        Assert.That((await bench.Queue.UnreportedAsync(default)).Single().Recipients.Select(recipient => recipient.Reported), Is.EqualTo(new[] { true, false }));
    }

    [Test]
    public async Task Settling_twice_changes_nothing_more()
    {
        await using var bench = await QueueBench.OpenAsync();
        await bench.AcceptAsync();
        var message = bench.Take();
        await bench.SettleAsync(message, ("you@gmail.com", QueueBench.Sent));
        var again = await bench.SettleAsync(message, ("you@gmail.com", QueueBench.Bounced));
        Assert.That((again.State, again.Recipients[0].State), Is.EqualTo((MessageState.Done, RecipientState.Sent)));
    }

    [Test]
    public async Task What_was_spent_rolls_off_after_a_day_and_survives_restart_and_deletion()
    {
        await using var bench = await QueueBench.OpenAsync();
        await bench.AcceptAsync();
        await bench.Queue.SettleAsync(new Settlement(bench.Take().Id, [], [], Spent: new Spend("default", 1, 3)), default);
        bench.Time.Advance(TimeSpan.FromHours(2));
        await bench.Queue.SettleAsync(new Settlement(bench.Take().Id, [], [], Spent: new Spend("default", 1, 2)), default);
        await bench.Queue.DeleteAsync(bench.Queue.SearchAsync(new MessageSearch(), default).Result.Single().Id, default);
        await bench.ReopenAsync();
        Assert.That(bench.Queue.SpentBy("default"), Is.EqualTo(new Spend("default", 2, 5)));
        Assert.That(bench.Queue.SpentBy("other"), Is.EqualTo(new Spend("other", 0, 0)));
        bench.Time.Advance(TimeSpan.FromHours(22) - TimeSpan.FromTicks(1));
        Assert.That(bench.Queue.SpentBy("default"), Is.EqualTo(new Spend("default", 2, 5)));
        bench.Time.Advance(TimeSpan.FromTicks(1));
        Assert.That(bench.Queue.SpentBy("default"), Is.EqualTo(new Spend("default", 1, 2)));
        await bench.Queue.TidyAsync(default);
        await bench.ReopenAsync();
        Assert.That(bench.Queue.SpentBy("default"), Is.EqualTo(new Spend("default", 1, 2)));
    }

    [Test]
    public async Task Arrivals_are_counted_by_device_for_an_hour_and_a_day()
    {
        await using var bench = await QueueBench.OpenAsync();
        await bench.AcceptAsync(QueueBench.Submission("scanner"));
        bench.Time.Advance(TimeSpan.FromMinutes(50));
        await bench.AcceptAsync(QueueBench.Submission("scanner"));
        await bench.AcceptAsync(QueueBench.Submission("ups"));
        Assert.That(bench.Queue.AcceptedFrom("scanner"), Is.EqualTo((2, 2)));
        bench.Time.Advance(TimeSpan.FromMinutes(10));
        Assert.That(bench.Queue.AcceptedFrom("scanner"), Is.EqualTo((1, 2)));
        await bench.ReopenAsync();
        Assert.That(bench.Queue.AcceptedFrom("scanner"), Is.EqualTo((1, 2)));
        Assert.That(bench.Queue.AcceptedFrom("ups"), Is.EqualTo((1, 1)));
        bench.Time.Advance(TimeSpan.FromHours(23));
        Assert.That(bench.Queue.AcceptedFrom("scanner"), Is.EqualTo((0, 1)));
    }

    [Test]
    public async Task A_bounce_is_reported_once_and_in_the_commit_of_its_report()
    {
        await using var bench = await QueueBench.OpenAsync();
        var id = await bench.AcceptAsync(QueueBench.Submission(to: Three));
        Assert.That(await bench.Queue.UnreportedAsync(default), Is.Empty);
        await bench.SettleAsync(bench.Take(), (Three[0], QueueBench.Bounced));
        Assert.That((await bench.Queue.UnreportedAsync(default)).Single().Id, Is.EqualTo(id));
        await bench.AcceptAsync(QueueBench.Submission(from: null, reportsOn: id, to: ["scan@lan.example"]));
        await bench.ReopenAsync();
        Assert.That(await bench.Queue.UnreportedAsync(default), Is.Empty);
        Assert.That((await bench.FindAsync(id)).Recipients.Select(recipient => recipient.Reported), Is.EqualTo(new[] { true, false, false }));
        Assert.That(await bench.StoryAsync(id), Does.Contain(TimelineEvent.Reported));
        // Another bounce is another report.
        await bench.SettleAsync(await bench.FindAsync(id), (Three[1], QueueBench.Bounced));
        Assert.That((await bench.Queue.UnreportedAsync(default)).Single().Id, Is.EqualTo(id));
        await bench.Queue.MarkReportedAsync(id, null, new TimelineEntry(QueueBench.Start, TimelineEvent.Note, "Nobody to tell."), default);
        Assert.That(await bench.Queue.UnreportedAsync(default), Is.Empty);
    }

    [Test]
    public async Task A_bounce_that_came_while_its_report_was_written_is_still_to_be_told()
    {
        await using var bench = await QueueBench.OpenAsync();
        var id = await bench.AcceptAsync(QueueBench.Submission(to: Three));
        await bench.SettleAsync(bench.Take(), (Three[0], QueueBench.Bounced));
        await bench.SettleAsync(bench.Take(), (Three[1], QueueBench.Bounced));
        await bench.AcceptAsync(QueueBench.Submission(from: null, reportsOn: id, to: ["scan@lan.example"]) with { ReportedRecipients = [Mailbox.Parse(Three[0])] });
        Assert.That((await bench.Queue.UnreportedAsync(default)).Single().Recipients.Select(recipient => recipient.Reported), Is.EqualTo(new[] { true, false, false }));
    }

    [Test]
    public async Task A_bounced_report_is_never_reported()
    {
        await using var bench = await QueueBench.OpenAsync();
        await bench.AcceptAsync(QueueBench.Submission(from: null) with { Origin = Origin.Local });
        await bench.SettleAsync(bench.Take(), ("you@gmail.com", QueueBench.Bounced));
        Assert.That(await bench.Queue.UnreportedAsync(default), Is.Empty);
    }

    [Test]
    public async Task A_message_whose_lifetime_is_over_is_not_sent_but_told_of()
    {
        await using var bench = await QueueBench.OpenAsync();
        var id = await bench.AcceptAsync();
        var held = await bench.AcceptAsync();
        await bench.Queue.HoldAsync(held, "wait", default);
        bench.Time.Advance(QueueBench.Lifetime - TimeSpan.FromTicks(1));
        Assert.That(bench.Queue.Expired(), Is.Empty);
        bench.Time.Advance(TimeSpan.FromTicks(1));
        Assert.That(bench.Queue.Take((_, _) => true), Is.Null);
        Assert.That(bench.Queue.Expired().Select(message => message.Id), Is.EqualTo(new[] { id, held }));
        foreach (var message in bench.Queue.Expired()) await bench.SettleAsync(message, ("you@gmail.com", QueueBench.Bounced));
        Assert.That(bench.Queue.Expired(), Is.Empty);
        Assert.That((await bench.FindAsync(held)).State, Is.EqualTo(MessageState.Done));
    }

    [Test]
    public async Task A_message_that_is_being_sent_does_not_expire()
    {
        await using var bench = await QueueBench.OpenAsync();
        await bench.AcceptAsync();
        bench.Take();
        bench.Time.Advance(QueueBench.Lifetime);
        Assert.That(bench.Queue.Expired(), Is.Empty);
    }

    [Test]
    public async Task The_clock_of_a_message_stands_still_while_its_account_is_paused()
    {
        await using var bench = await QueueBench.OpenAsync();
        var before = await bench.AcceptAsync(QueueBench.Submission(account: "paused"));
        var other = await bench.AcceptAsync(QueueBench.Submission(account: null));
        bench.Time.Advance(TimeSpan.FromHours(1));
        var since = bench.Time.GetUtcNow();
        bench.Time.Advance(TimeSpan.FromHours(10));
        var during = await bench.AcceptAsync(QueueBench.Submission(account: "paused"));
        bench.Time.Advance(TimeSpan.FromHours(10));
        await bench.Queue.ExtendLifetimeAsync(account => account == "paused", since, default);
        Assert.That((await bench.FindAsync(before)).Expires, Is.EqualTo(QueueBench.Start + QueueBench.Lifetime + TimeSpan.FromHours(20)));
        Assert.That((await bench.FindAsync(during)).Expires, Is.EqualTo(QueueBench.Start + QueueBench.Lifetime + TimeSpan.FromHours(21)));
        Assert.That((await bench.FindAsync(other)).Expires, Is.EqualTo(QueueBench.Start + QueueBench.Lifetime));
        bench.Time.Advance(QueueBench.Lifetime - TimeSpan.FromHours(21));
        Assert.That(bench.Queue.Expired().Select(message => message.Id), Is.EqualTo(new[] { other }));
        // After a start, too, though the days of which nothing tells are added to both.
        await bench.ReopenAsync();
        Assert.That((await bench.FindAsync(before)).Expires - (await bench.FindAsync(other)).Expires, Is.EqualTo(TimeSpan.FromHours(20)));
    }

    [Test]
    public async Task Lateness_is_announced_once()
    {
        await using var bench = await QueueBench.OpenAsync();
        var id = await bench.AcceptAsync();
        var late = TimeSpan.FromMinutes(30);
        Assert.That(bench.Queue.Late(late), Is.Empty);
        bench.Time.Advance(late);
        Assert.That(bench.Queue.Late(late).Single().Id, Is.EqualTo(id));
        await bench.Queue.MarkLateAnnouncedAsync(id, default);
        Assert.That(bench.Queue.Late(late), Is.Empty);
        await bench.ReopenAsync();
        Assert.That(bench.Queue.Late(late), Is.Empty);
        Assert.That((await bench.FindAsync(id)).LateAnnounced, Is.True);
    }
}
