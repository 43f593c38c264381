using SmartHost.Delivery;
using SmartHost.Practice;
using SmartHost.Queue;
using SmartHost.Tests.Queue;

namespace SmartHost.Tests.Delivery;

/// <summary>Gmail wants less for a while, or nothing: it is heard by all that waits, and it passes.</summary>
public class RestTests
{
    private const string DailyLimit = "550-5.4.5 Daily user sending limit exceeded. For more information on Gmail\n550 5.4.5 sending limits go to https://support.google.com/a/answer/166852 gsmtp";

    [Test]
    public async Task The_daily_limit_waits_and_probes_one_message_an_hour_and_bounces_nothing()
    {
        await using var bench = await DeliveryBench.OpenAsync();
        bench.Gmail.Script.Add(new PracticeRule(PracticeStage.EndOfData, new Misbehaviour.Reply(DailyLimit)) { First = 3, Times = 5 });
        for (var i = 0; i < 10; i++) await bench.AcceptAsync();
        bench.Accounts = [bench.Account("default", DeliveryBench.You) with { Connections = 1 }];
        bench.Start();
        await bench.PausedAsync();
        Assert.That(bench.Gmail.Messages, Has.Count.EqualTo(2));
        var transactions = bench.Heard("MAIL");
        await bench.AdvanceAsync(TimeSpan.FromHours(3.5), TimeSpan.FromMinutes(5));
        await bench.UntilAsync(() => bench.Heard("MAIL") == transactions + 3, "one probe an hour");
        Assert.That(bench.Gmail.Messages, Has.Count.EqualTo(2));
        await bench.AdvanceUntilAsync(TimeSpan.FromMinutes(5), () => Task.FromResult(bench.Gmail.Messages.Count == 10), "the end of the limit");
        Assert.That(await bench.Queue.SearchAsync(new MessageSearch(Bounced: true), default), Is.Empty);
        Assert.That(bench.State().Health, Is.EqualTo(AccountHealth.Healthy));
    }

    [Test]
    public async Task Without_mail_a_daily_limits_pause_ends_with_its_wait_and_one_for_a_person_does_not()
    {
        await using var bench = await DeliveryBench.OpenAsync();
        bench.Gmail.Script.Add(PracticeStage.EndOfData, DailyLimit);
        bench.Start();
        var id = await bench.AcceptAsync();
        await bench.PausedAsync();
        await bench.Queue.HoldAsync(id, "not now", default);
        await bench.AdvanceAsync(TimeSpan.FromMinutes(62), TimeSpan.FromMinutes(1));
        Assert.That(bench.State().Health, Is.EqualTo(AccountHealth.Healthy));

        bench.Gmail.Script.Add(PracticeStage.Mail, "550 5.7.0 Mail relay denied [203.0.113.7]. gsmtp");
        var other = await bench.AcceptAsync();
        await bench.PausedAsync();
        await bench.Queue.HoldAsync(other, "not now", default);
        await bench.AdvanceAsync(TimeSpan.FromHours(3), TimeSpan.FromMinutes(5));
        Assert.That(bench.State(), Has.Property("Health").EqualTo(AccountHealth.Paused).And.Property("NeedsPerson").True);
        bench.Loop.TryNow("default");
        await bench.UntilAsync(() => bench.State().Health == AccountHealth.Healthy, "a person's word");
        Assert.That(bench.Gmail.Messages, Is.Empty);
    }

    [Test]
    public async Task A_probe_that_outlasts_its_pause_says_nothing_about_the_next_one()
    {
        await using var bench = await DeliveryBench.OpenAsync();
        bench.Accounts = [bench.Account("default", DeliveryBench.You) with { Connections = 2 }];
        await bench.Gmail.GoOfflineAsync();
        bench.Start();
        await bench.AcceptAsync();
        await bench.PausedAsync();
        var probe = bench.Gmail.Script.Add(PracticeStage.Taken, new Misbehaviour.Stall());
        bench.Gmail.GoOnline();
        await bench.AdvanceAnywayUntilAsync(TimeSpan.FromMinutes(1), () => probe.Reached.IsCompleted, "the probe, whose login ended the pause");
        bench.Gmail.Script.Add(PracticeStage.Mail, "550 5.4.5 Daily user sending limit exceeded. gsmtp");
        await bench.AcceptAsync();
        await bench.PausedAsync();
        probe.Release();
        await bench.RestAsync();
        Assert.That(bench.Gmail.Messages, Has.Count.EqualTo(1));
        Assert.That(bench.State(), Has.Property("Health").EqualTo(AccountHealth.Paused).And.Property("Sentence").Contains("daily sending limit"));
    }

    [Test]
    public async Task Slow_down_means_one_connection_a_rest_and_a_slower_pace_that_recovers()
    {
        await using var bench = await DeliveryBench.OpenAsync();
        bench.Gmail.Script.Add(PracticeStage.EndOfData, "421 4.7.0 Temporary System Problem.  Try again later (10). gsmtp");
        bench.Start();
        var id = await bench.AcceptAsync();
        await bench.UntilAsync(() => bench.Loop.State.Accounts is [{ Health: AccountHealth.Slowed }], "slowing");
        Assert.That((await bench.FindAsync(id)).State, Is.EqualTo(MessageState.Queued));
        for (var i = 0; i < 100; i++) await bench.AcceptAsync();
        Assert.That(bench.Gmail.Messages, Is.Empty, "it rests");
        await bench.AdvanceUntilAsync(TimeSpan.FromSeconds(1), () => Task.FromResult(bench.Gmail.Messages.Count == 101), "all of it");
        var times = bench.Gmail.Messages.Select(message => message.At).ToList();
        Assert.Multiple(() =>
        {
            Assert.That(times[0] - QueueBench.Start, Is.GreaterThanOrEqualTo(TimeSpan.FromMinutes(1)));
            Assert.That(times[5] - times[4], Is.GreaterThanOrEqualTo(TimeSpan.FromSeconds(1)));
            Assert.That(times[100], Is.EqualTo(times[95]), "as fast as before");
        });
        await bench.UntilAsync(() => bench.State().Health == AccountHealth.Healthy, "health");
    }

    [Test]
    public async Task Slow_down_is_heard_by_what_waits_for_a_connection()
    {
        await using var bench = await DeliveryBench.OpenAsync();
        bench.Accounts = [bench.Account("default", DeliveryBench.You) with { Connections = 2 }];
        var slow = bench.Gmail.Script.Add(new PracticeRule(PracticeStage.Mail, new Misbehaviour.Stall(), new Misbehaviour.Reply("421 4.7.0 Temporary System Problem.  Try again later (10). gsmtp")));
        bench.Start();
        await bench.AcceptAsync();
        await slow.Reached.WaitAsync(bench.TooLong);
        var second = bench.Gmail.Script.Add(PracticeStage.Greeting, new Misbehaviour.Stall());
        await bench.AcceptAsync();
        await second.Reached.WaitAsync(bench.TooLong);
        slow.Release();
        await bench.UntilAsync(() => bench.Loop.State.Accounts is [{ Health: AccountHealth.Slowed }], "slowing");
        second.Release();
        await bench.RestAsync();
        Assert.That(bench.Gmail.Messages, Is.Empty, "it rests");
        await bench.AdvanceUntilAsync(TimeSpan.FromSeconds(10), () => Task.FromResult(bench.Gmail.Messages.Count == 2), "both");
        Assert.That(bench.Gmail.Messages[0].At - QueueBench.Start, Is.GreaterThanOrEqualTo(TimeSpan.FromMinutes(1)));
    }

    [Test]
    public async Task An_account_slowed_at_its_login_says_so_afterwards()
    {
        await using var bench = await DeliveryBench.OpenAsync();
        bench.Gmail.Script.Add(PracticeStage.Auth, "421 4.7.0 Temporary System Problem.  Try again later (10). gsmtp");
        bench.Start();
        var id = await bench.AcceptAsync();
        await bench.AdvanceUntilAsync(TimeSpan.FromMinutes(1), async () => (await bench.FindAsync(id)).State == MessageState.Done, "delivery");
        Assert.That(bench.State(), Has.Property("Health").EqualTo(AccountHealth.Slowed).And.Property("Sentence").StartsWith("Sending slowly: Gmail finds").And.Property("Since").Not.Null);
    }

    [Test]
    public async Task Three_spam_verdicts_in_an_hour_rest_the_account()
    {
        await using var bench = await DeliveryBench.OpenAsync();
        bench.Accounts = [bench.Account("default", DeliveryBench.You) with { Connections = 1 }];
        bench.Gmail.Script.Add(new PracticeRule(PracticeStage.EndOfData,
            new Misbehaviour.Reply("550-5.7.1 Our system has detected that this message is\n550 5.7.1 likely unsolicited mail. gsmtp")) { Times = 3 });
        for (var i = 0; i < 4; i++) await bench.AcceptAsync();
        bench.Start();
        await bench.PausedAsync();
        Assert.That(bench.Queue.Counts(), Has.Property("Parked").EqualTo(3).And.Property("Waiting").EqualTo(1));
        await bench.AdvanceUntilAsync(TimeSpan.FromMinutes(5), () => Task.FromResult(bench.Gmail.Messages.Count == 1), "the fourth");
        Assert.That(bench.Time.GetUtcNow() - QueueBench.Start, Is.GreaterThanOrEqualTo(TimeSpan.FromHours(1)));
    }

    [Test]
    public async Task One_message_that_a_person_tries_again_is_no_third_verdict()
    {
        await using var bench = await DeliveryBench.OpenAsync();
        bench.Gmail.Script.Add(new PracticeRule(PracticeStage.EndOfData, new Misbehaviour.Reply("550 5.7.1 This message is likely unsolicited mail. gsmtp")) { Times = 3 });
        var id = await bench.AcceptAsync();
        bench.Start();
        await bench.RestAsync();
        for (var i = 0; i < 2; i++)
        {
            Assert.That(await bench.Queue.RetryAsync(id, default), Is.Null);
            await bench.RestAsync();
        }
        Assert.That(await bench.FindAsync(id), Has.Property("State").EqualTo(MessageState.Parked).And.Property("Attempts").EqualTo(3));
        Assert.That(bench.State().Health, Is.EqualTo(AccountHealth.Healthy));
    }

    [Test]
    public async Task After_the_third_spam_verdict_nothing_that_waits_for_a_connection_goes_out()
    {
        await using var bench = await DeliveryBench.OpenAsync();
        bench.Accounts = [bench.Account("default", DeliveryBench.You) with { Connections = 2 }];
        bench.Gmail.Script.Add(new PracticeRule(PracticeStage.EndOfData, new Misbehaviour.Reply("550 5.7.1 This message is likely unsolicited mail. gsmtp")) { Times = 3 });
        // The second connection does not come, so that there is always one who waits for it.
        var second = bench.Gmail.Script.Add(new PracticeRule(PracticeStage.Greeting, new Misbehaviour.Stall()) { First = 2 });
        for (var i = 0; i < 4; i++) await bench.AcceptAsync();
        bench.Start();
        await second.Reached.WaitAsync(bench.TooLong);
        await bench.PausedAsync();
        second.Release();
        await bench.RestAsync();
        Assert.That(bench.Gmail.Messages, Is.Empty);
        Assert.That(bench.Queue.Counts(), Has.Property("Parked").EqualTo(3).And.Property("Waiting").EqualTo(1));
    }
}
