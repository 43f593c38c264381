using SmartHost.Mail;
using SmartHost.Practice;
using SmartHost.Queue;
using SmartHost.Tests.Queue;

namespace SmartHost.Tests.Delivery;

/// <summary>What must not count as five days of trying.</summary>
public class LifetimeTests
{
    [Test]
    public async Task Time_in_which_nothing_ran_does_not_count()
    {
        await using var bench = await DeliveryBench.OpenAsync();
        var id = await bench.AcceptAsync();
        await bench.QueueBench.CloseAsync();
        bench.Time.Advance(TimeSpan.FromDays(6));
        await bench.QueueBench.OpenQueueAsync();
        Assert.That((await bench.FindAsync(id)).Expires - bench.Time.GetUtcNow(), Is.EqualTo(TimeSpan.FromDays(5)));
        // Cut short before anything happened, the next start must not give it a second time.
        await bench.QueueBench.ReopenAsync();
        Assert.That((await bench.FindAsync(id)).Expires - bench.Time.GetUtcNow(), Is.EqualTo(TimeSpan.FromDays(5)));
        bench.Start();
        await bench.DoneAsync(id);
        Assert.That(bench.Gmail.Messages, Has.Count.EqualTo(1));
    }

    // What the start itself writes down about the attempt is no sign that somebody was there before.
    [Test]
    public async Task Nor_does_it_where_it_began_in_the_middle_of_an_attempt()
    {
        await using var bench = await QueueBench.OpenAsync();
        var tried = await bench.AcceptAsync();
        await bench.SettleAsync(bench.Take(), ("you@gmail.com", bench.Deferred(TimeSpan.FromHours(4))));
        var begun = await bench.AcceptAsync();
        Assert.That(bench.Take().Id, Is.EqualTo(begun));
        await bench.Queue.AttemptNotedAsync(begun);
        bench.Time.Advance(TimeSpan.FromDays(6));
        await bench.CrashAsync();
        Assert.That((await bench.FindAsync(begun)).PossibleDuplicate, Is.True);
        foreach (var id in new[] { tried, begun }) Assert.That((await bench.FindAsync(id)).Expires - bench.Time.GetUtcNow(), Is.EqualTo(TimeSpan.FromDays(5)));
    }

    [Test]
    public async Task Recipients_whose_turn_an_allowance_put_off_are_sent_to_in_the_end()
    {
        await using var bench = await DeliveryBench.OpenAsync();
        bench.Accounts = [bench.Account("default", DeliveryBench.You) with { DailyRecipients = 10, DailyMessages = 10 }];
        bench.Start();
        var id = await bench.AcceptAsync("news", Lane.Bulk, to: [.. Enumerable.Range(0, 40).Select(i => $"reader-{i}@example.com")]);
        await bench.AdvanceAsync(TimeSpan.FromDays(9), TimeSpan.FromHours(1));
        Assert.That((await bench.FindAsync(id)).Recipients.Select(recipient => recipient.State), Is.All.EqualTo(RecipientState.Sent), "five a day");
    }

    [Test]
    public async Task What_Gmail_always_puts_off_is_given_up()
    {
        await using var bench = await DeliveryBench.OpenAsync();
        bench.Gmail.Script.Add(new PracticeRule(PracticeStage.Rcpt, new Misbehaviour.Reply("421 4.3.9 Something new about this recipient. gsmtp")) { Times = 100_000 });
        bench.Start();
        var id = await bench.AcceptAsync();
        await bench.AdvanceAsync(TimeSpan.FromDays(6), TimeSpan.FromHours(1));
        Assert.That((await bench.FindAsync(id)).Recipients[0].State, Is.EqualTo(RecipientState.Bounced));
    }

    [Test]
    public async Task Each_recipient_is_told_its_own_last_answer()
    {
        await using var bench = await DeliveryBench.OpenAsync();
        bench.Gmail.Script.Add(new PracticeRule(PracticeStage.Rcpt, new Misbehaviour.Reply("450 4.2.1 The user is receiving mail too quickly. gsmtp")) { Argument = "busy@example.com", Times = 100_000 });
        bench.Gmail.Script.Add(new PracticeRule(PracticeStage.Rcpt, new Misbehaviour.Reply("450 4.4.1 Connection to the mail store failed. gsmtp")) { Argument = "away@example.com", Times = 100_000 });
        bench.Start();
        var id = await bench.AcceptAsync(to: ["busy@example.com", "away@example.com"]);
        await bench.AdvanceAsync(TimeSpan.FromDays(6), TimeSpan.FromHours(1));
        var over = (await bench.FindAsync(id)).Recipients;
        Assert.That(over.Select(one => one.Reply), Is.EqualTo(new[]
        {
            "4.4.7 Tried for 5 days; last answer: The recipient gets mail too quickly for Gmail. Nothing to do: SmartHost tries again later.",
            "4.4.7 Tried for 5 days; last answer: Gmail has trouble in its own network. Nothing to do: SmartHost tries again.",
        }));
        var told = (await bench.Queue.TimelineAsync(id, default)).Where(entry => entry.Event == TimelineEvent.Bounced);
        Assert.That(told.Select(entry => $"4.4.7 {entry.Text}"), Is.EqualTo(over.Select(one => one.Reply)));
        Assert.That(told.Select(entry => entry.Recipient), Is.EqualTo(over.Select(one => one.Address)));
    }

    [Test]
    public async Task Mail_that_an_allowance_kept_from_its_turn_is_sent_in_the_end()
    {
        await using var bench = await DeliveryBench.OpenAsync();
        bench.Accounts = [bench.Account("default", DeliveryBench.You) with { DailyRecipients = 10, DailyMessages = 10 }];
        bench.Start();
        for (var i = 0; i < 40; i++) await bench.AcceptAsync("news", Lane.Bulk);
        await bench.AdvanceAsync(TimeSpan.FromDays(9), TimeSpan.FromHours(1));
        var all = await bench.Queue.SearchAsync(new MessageSearch { Limit = 100 }, default);
        Assert.That(all.Select(message => message.Recipients[0].State), Is.All.EqualTo(RecipientState.Sent), "five a day");
    }

    [TestCase(true), TestCase(false)]
    public async Task An_account_that_is_replaced_while_it_is_paused_leaves_its_mail_its_time(bool running)
    {
        await using var bench = await DeliveryBench.OpenAsync();
        bench.Accounts = [bench.Account("old", DeliveryBench.You, "wrongwrongwrong!")];
        var id = await bench.AcceptAsync(account: "old");
        bench.Start();
        await bench.RestAsync();
        await bench.AdvanceAsync(TimeSpan.FromHours(119), TimeSpan.FromHours(1));
        if (!running) await bench.StopAsync();
        bench.Accounts = [bench.Account("main", DeliveryBench.You)];
        bench.Gmail.Script.Add(new PracticeRule(PracticeStage.Rcpt, new Misbehaviour.Reply("451 4.3.0 Mail server temporarily rejected message. gsmtp")));
        if (running) bench.Loop.NotifySettingsChanged();
        else bench.Start();
        await bench.RestAsync();
        Assert.That((await bench.FindAsync(id)).Expires - bench.Time.GetUtcNow(), Is.GreaterThan(TimeSpan.FromDays(4)));
        await bench.AdvanceUntilAsync(TimeSpan.FromMinutes(1), async () => (await bench.FindAsync(id)).State == MessageState.Done, "a second try");
        Assert.That(bench.Gmail.Messages, Has.Count.EqualTo(1));
    }
}
