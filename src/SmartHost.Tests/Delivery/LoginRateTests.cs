using SmartHost.Gmail;
using SmartHost.Mail;
using SmartHost.Practice;
using SmartHost.Queue;

namespace SmartHost.Tests.Delivery;

/// <summary>Gmail locks an account that logs in too often, whoever closes its connections.</summary>
[CancelAfter(120_000)]
public class LoginRateTests
{
    [Test]
    public async Task Connections_that_are_closed_after_each_message_do_not_bring_a_login_for_each()
    {
        await using var bench = await DeliveryBench.OpenAsync();
        bench.Gmail.Script.Add(new PracticeRule(PracticeStage.Idle, new Misbehaviour.Close()) { Times = 1000 });
        bench.Start();
        var ids = new List<QueueId>();
        for (var i = 0; i < 40; i++) ids.Add(await bench.AcceptAsync());
        var began = bench.Time.GetTimestamp();
        await bench.AdvanceUntilAsync(TimeSpan.FromSeconds(5), () => Task.FromResult(bench.Gmail.Messages.Count >= 21), "what may leave at once");
        Assert.That(bench.State().Sentence, Does.StartWith("Sending slowly: its connections are closed after few messages"));
        // Urgent mail does not wait for it.
        var urgent = await bench.AcceptAsync(lane: Lane.Urgent);
        await bench.DoneAsync(urgent);
        await bench.AdvanceUntilAsync(TimeSpan.FromSeconds(10), async () => (await bench.FindAsync(ids[^1])).State == MessageState.Done && bench.Gmail.Messages.Count >= 41, "the rest");
        var minutes = bench.Time.GetElapsedTime(began).TotalMinutes;
        Assert.That(bench.Gmail.Logins, Is.LessThanOrEqualTo(23 + minutes));
        Assert.That(bench.Gmail.Messages, Has.Count.EqualTo(41));
    }

    [Test]
    public async Task A_relay_that_asks_for_no_login_is_not_spared()
    {
        await using var bench = await DeliveryBench.OpenAsync(gmail: new PracticeSettings { RequiresLogin = false });
        bench.Accounts = [bench.Account("default", DeliveryBench.You) with { Credentials = new AccountCredentials.ByAddress() }];
        bench.Gmail.Script.Add(new PracticeRule(PracticeStage.Idle, new Misbehaviour.Close()) { Times = 1000 });
        bench.Start();
        var began = bench.Time.GetTimestamp();
        for (var i = 0; i < 40; i++) await bench.AcceptAsync();
        await bench.AdvanceUntilAsync(TimeSpan.FromSeconds(1), () => Task.FromResult(bench.Gmail.Messages.Count >= 40), "all");
        Assert.That(bench.Time.GetElapsedTime(began), Is.LessThan(TimeSpan.FromMinutes(10)));
    }
}
