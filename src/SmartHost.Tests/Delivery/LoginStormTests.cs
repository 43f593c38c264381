using SmartHost.Delivery;
using SmartHost.Mail;
using SmartHost.Practice;
using SmartHost.Queue;
using SmartHost.Tests.Queue;

namespace SmartHost.Tests.Delivery;

/// <summary>
/// However many messages wait, an account in trouble is asked by few logins: Gmail locks those that knock too often, after
/// some eighty. Forty messages stand for all of them here.
/// </summary>
public class LoginStormTests
{
    private const int Many = 40;
    private const string DailyLimit = "550 5.4.5 Daily user sending limit exceeded. gsmtp", TooFast = "421 4.7.0 Temporary System Problem.  Try again later (10). gsmtp";

    [Test]
    public async Task A_probe_that_hears_slow_down_makes_the_next_one_wait()
    {
        await using var bench = await PausedByItsLimitAsync(() => Task.CompletedTask);
        bench.Gmail.Script.Add(new PracticeRule(PracticeStage.Mail, new Misbehaviour.Reply(TooFast)) { Times = int.MaxValue });
        var logins = bench.Gmail.Logins;
        await bench.AdvanceAsync(TimeSpan.FromHours(2), TimeSpan.FromMinutes(1));
        Assert.That(bench.Gmail.Logins - logins, Is.InRange(5, 10), "the first after an hour, then after 1, 2, 5 and every 10 minutes");
        Assert.That(bench.State(), Has.Property("Health").EqualTo(AccountHealth.Paused).And.Property("Sentence").Contains("daily sending limit"));
        bench.Gmail.Script.Clear();
        await bench.AdvanceUntilAsync(TimeSpan.FromMinutes(1), () => Task.FromResult(bench.Gmail.Messages.Count == Many), "all of it");
    }

    [Test]
    public async Task A_probe_that_could_not_be_offered_makes_the_next_one_wait()
    {
        DeliveryBench? open = null;
        await using var bench = await PausedByItsLimitAsync(async () =>
        {
            for (var i = 0; i < 6; i++) await open!.AcceptAsync(content: "Subject: x\r\n\r\n" + string.Concat(Enumerable.Repeat(new string('x', 70) + "\r\n", 5000)));
            foreach (var file in open!.QueueBench.ContentFiles()) File.Delete(Path.Combine(open.QueueBench.Folder, "content", file));
        }, opened => open = opened);
        var logins = bench.Gmail.Logins;
        await bench.AdvanceAsync(TimeSpan.FromMinutes(62), TimeSpan.FromMinutes(1));
        Assert.That((bench.Gmail.Logins - logins, bench.Queue.Counts().Parked), Is.EqualTo((2, 2)), "one after the hour, one a minute later");
    }

    [Test]
    public async Task A_person_who_says_now_in_a_rest_gets_one_probe()
    {
        await using var bench = await PausedByItsLimitAsync(() => Task.CompletedTask);
        bench.Gmail.Script.Add(new PracticeRule(PracticeStage.Mail, new Misbehaviour.Reply(TooFast)) { Times = int.MaxValue });
        await bench.AdvanceAsync(TimeSpan.FromMinutes(60), TimeSpan.FromMinutes(1));
        var logins = bench.Gmail.Logins;
        bench.Loop.TryNow("default");
        await bench.UntilAsync(() => bench.Gmail.Logins > logins, "the probe");
        await bench.RestAsync();
        Assert.That(bench.Gmail.Logins, Is.EqualTo(logins + 1));
    }

    [TestCase("reset")]
    [TestCase("421 4.4.5 Server busy, try again later. gsmtp")]
    [TestCase("451 4.4.2 Timeout - closing connection. gsmtp")]
    [TestCase("503 5.5.1 MAIL first. gsmtp")]
    public async Task Where_each_new_connection_breaks_the_account_waits_and_not_every_message(string what)
    {
        await using var bench = await DeliveryBench.OpenAsync();
        Misbehaviour deed = what == "reset" ? new Misbehaviour.Reset() : new Misbehaviour.Reply(what);
        bench.Gmail.Script.Add(new PracticeRule(PracticeStage.Mail, deed) { Times = int.MaxValue });
        for (var i = 0; i < Many; i++) await bench.AcceptAsync();
        bench.Start();
        await bench.AdvanceAsync(TimeSpan.FromHours(1), TimeSpan.FromMinutes(1));
        var doubtful = await Task.WhenAll((await bench.Queue.SearchAsync(new MessageSearch { Limit = 100 }, default)).Select(async message =>
            (await bench.QueueBench.StoryAsync(message.Id)).Contains(TimelineEvent.PossibleDuplicate)));
        Assert.Multiple(() =>
        {
            Assert.That(bench.Gmail.Logins, Is.LessThanOrEqualTo(16), "a handful, then after 1, 2, 5 and every 10 minutes");
            Assert.That(bench.State(), Has.Property("Health").EqualTo(AccountHealth.Paused).And.Property("NeedsPerson").False.And.Property("Sentence").Contains("Connection after connection breaks"));
            Assert.That(bench.Queue.Counts().Parked, Is.LessThanOrEqualTo(what.StartsWith('5') ? 2 : 0), "before it was known");
            Assert.That(doubtful.Count(doubt => doubt), Is.LessThanOrEqualTo(3), "nothing is pushed unasked into a connection that may not hold");
        });
        bench.Gmail.Script.Clear();
        var parked = bench.Queue.Counts().Parked;
        await bench.AdvanceUntilAsync(TimeSpan.FromMinutes(1), () => Task.FromResult(bench.Gmail.Messages.Count == Many - parked), "all of it");
        Assert.That(bench.State().Health, Is.EqualTo(AccountHealth.Healthy));
    }

    [Test]
    public async Task One_message_that_breaks_each_connection_waits_by_itself()
    {
        await using var bench = await DeliveryBench.OpenAsync();
        bench.Gmail.Script.Add(new PracticeRule(PracticeStage.Rcpt, new Misbehaviour.Reset()) { Argument = "disliked@example.com", Times = int.MaxValue });
        bench.Start();
        var disliked = await bench.AcceptAsync(to: ["disliked@example.com"]);
        await bench.AdvanceAsync(TimeSpan.FromHours(1), TimeSpan.FromMinutes(1));
        Assert.That(bench.Gmail.Logins, Is.InRange(5, 12));
        Assert.That(bench.Log.Lines, Has.None.Contain("cannot be reached"));
        await bench.DoneAsync(await bench.AcceptAsync());
        Assert.That((await bench.FindAsync(disliked)).State, Is.EqualTo(MessageState.Queued), "Gmail never took its recipient, so there is no doubt about it");
    }

    [Test]
    public async Task Urgent_messages_that_break_each_connection_do_not_stand_in_the_way_of_the_rest()
    {
        await using var bench = await DeliveryBench.OpenAsync();
        bench.Gmail.Script.Add(new PracticeRule(PracticeStage.Rcpt, new Misbehaviour.Reset()) { Argument = "disliked@example.com", Times = int.MaxValue });
        bench.Start();
        var disliked = new List<QueueId>();
        for (var i = 0; i < 4; i++) disliked.Add(await bench.AcceptAsync(to: ["disliked@example.com"], lane: Lane.Urgent));
        await bench.AdvanceUntilAsync(TimeSpan.FromMinutes(1), () => Task.FromResult(bench.Loop.State.Accounts is [{ Health: AccountHealth.Paused }]), "the pause");
        var (scan, logins) = (await bench.AcceptAsync(lane: Lane.Bulk), bench.Gmail.Logins);
        await bench.AdvanceAsync(TimeSpan.FromHours(2), TimeSpan.FromMinutes(1));
        Assert.That((await bench.FindAsync(scan)).State, Is.EqualTo(MessageState.Done));
        Assert.That(bench.Gmail.Logins - logins, Is.LessThanOrEqualTo(40), "half of what gets an account locked, in two hours");
        Assert.That(await Task.WhenAll(disliked.Select(async id => (await bench.FindAsync(id)).State)), Is.All.EqualTo(MessageState.Queued), "theirs is for a person to see, not lost and not parked");
    }

    [Test]
    public async Task A_pause_for_broken_connections_ends_with_its_wait_where_no_mail_is_left_to_ask()
    {
        await using var bench = await DeliveryBench.OpenAsync();
        bench.Gmail.Script.Add(new PracticeRule(PracticeStage.Mail, new Misbehaviour.Reset()) { Times = int.MaxValue });
        var ids = new List<QueueId>();
        for (var i = 0; i < 3; i++) ids.Add(await bench.AcceptAsync());
        bench.Start();
        await bench.UntilAsync(() => bench.Loop.State.Accounts is [{ Health: AccountHealth.Paused }], "the pause");
        await bench.RestAsync();
        foreach (var id in ids) await bench.Queue.DeleteAsync(id, default);
        await bench.AdvanceAsync(TimeSpan.FromMinutes(3), TimeSpan.FromMinutes(1));
        Assert.That(bench.State().Health, Is.EqualTo(AccountHealth.Healthy));
    }

    /// <summary>Many messages wait, the first of them has heard of the daily limit.</summary>
    private static async Task<DeliveryBench> PausedByItsLimitAsync(Func<Task> acceptMore, Action<DeliveryBench>? opened = null)
    {
        var bench = await DeliveryBench.OpenAsync();
        opened?.Invoke(bench);
        bench.Accounts = [bench.Account("default", DeliveryBench.You) with { Connections = 1 }];
        bench.Gmail.Script.Add(PracticeStage.EndOfData, DailyLimit);
        await bench.AcceptAsync();
        bench.Time.Advance(TimeSpan.FromSeconds(1));
        await acceptMore();
        for (var i = 1; i < Many; i++) await bench.AcceptAsync();
        // So that whoever was refused stands behind those that were not tried.
        bench.Time.Advance(TimeSpan.FromSeconds(1));
        bench.Start();
        await bench.UntilAsync(() => bench.Loop.State.Accounts is [{ Health: AccountHealth.Paused }], "the pause");
        await bench.RestAsync();
        return bench;
    }
}
