using SmartHost.Delivery;
using SmartHost.Mail;
using SmartHost.Practice;
using SmartHost.Queue;

namespace SmartHost.Tests.Delivery;

/// <summary>The line is down, or Gmail is.</summary>
public class OutageTests
{
    [Test]
    public async Task A_week_without_a_line_only_delays()
    {
        await using var bench = await DeliveryBench.OpenAsync();
        await bench.Gmail.GoOfflineAsync();
        bench.Start();
        var id = await bench.AcceptAsync();
        await bench.PausedAsync();
        await bench.AdvanceAsync(TimeSpan.FromDays(7), TimeSpan.FromMinutes(30));
        var middle = await bench.AcceptAsync();
        bench.Gmail.GoOnline();
        await bench.AdvanceUntilAsync(TimeSpan.FromMinutes(1), async () => (await bench.FindAsync(id)).State == MessageState.Done, "delivery");
        await bench.DoneAsync(middle);
        Assert.That(bench.Gmail.Messages, Has.Count.EqualTo(2));
        Assert.That((await bench.FindAsync(id)).Recipients.Single().State, Is.EqualTo(RecipientState.Sent));
    }

    [Test]
    public async Task A_pause_across_a_restart_ages_nothing()
    {
        await using var bench = await DeliveryBench.OpenAsync();
        await bench.Gmail.GoOfflineAsync();
        bench.Start();
        var id = await bench.AcceptAsync();
        await bench.PausedAsync();
        await bench.StopAsync();
        bench.Time.Advance(TimeSpan.FromDays(30));
        bench.Gmail.GoOnline();
        bench.Start();
        await bench.AdvanceUntilAsync(TimeSpan.FromMinutes(1), async () => (await bench.FindAsync(id)).State == MessageState.Done, "delivery");
        Assert.That((await bench.FindAsync(id)).Recipients.Single().State, Is.EqualTo(RecipientState.Sent));
    }

    [Test]
    public async Task While_the_line_is_down_the_first_message_says_so_once_and_connections_are_few()
    {
        await using var bench = await DeliveryBench.OpenAsync();
        await bench.Gmail.GoOfflineAsync();
        for (var i = 0; i < 10; i++) await bench.AcceptAsync();
        bench.Start();
        await bench.PausedAsync();
        await bench.AdvanceAsync(TimeSpan.FromHours(2), TimeSpan.FromMinutes(1));
        var told = 0;
        foreach (var message in await bench.Queue.SearchAsync(new MessageSearch(), default))
        {
            told += (await bench.Queue.TimelineAsync(message.Id, default)).Count(entry => entry.Event == TimelineEvent.Deferred);
        }
        Assert.That(told, Is.EqualTo(1));
        Assert.That(bench.Log.Lines.Count(line => line.Contains("cannot be reached")), Is.InRange(10, 16), "1, 2, 5 minutes, then every ten");
    }

    // As "the issuer's list is out of reach" advises; here the line is down instead, which pauses an account in the same way.
    [Test]
    public async Task Who_switches_the_look_for_revocation_off_need_not_wait_for_the_next_try()
    {
        await using var bench = await DeliveryBench.OpenAsync();
        bench.Accounts = [bench.Account("default", DeliveryBench.You) with { CheckRevocation = true }];
        await bench.Gmail.GoOfflineAsync();
        bench.Start();
        var id = await bench.AcceptAsync();
        await bench.PausedAsync();
        bench.Gmail.GoOnline();
        bench.Accounts = [bench.Account("default", DeliveryBench.You)];
        bench.Loop.NotifySettingsChanged();
        await bench.RestAsync();
        Assert.That((await bench.FindAsync(id)).State, Is.EqualTo(MessageState.Done));
    }

    // Two connections open; the first fails and the account pauses; the second hangs until the pause's wait is over, and its probe waits for it.
    [Test]
    public async Task A_probe_does_not_wait_for_ever_for_a_connection_that_was_opening_before_the_pause()
    {
        await using var bench = await DeliveryBench.OpenAsync();
        bench.Accounts = [bench.Account("default", DeliveryBench.You) with { Connections = 2 }];
        var first = bench.Gmail.Script.Add(new PracticeRule(PracticeStage.Greeting, new Misbehaviour.Stall(), new Misbehaviour.Reply("421 4.3.0 Temporary System Problem. Try again later (10). gsmtp")) { First = 1 });
        var second = bench.Gmail.Script.Add(new PracticeRule(PracticeStage.Greeting, new Misbehaviour.Stall()) { First = 2 });
        var login = bench.Gmail.Script.Add(new PracticeRule(PracticeStage.Auth, new Misbehaviour.Stall()) { First = 1 });
        var ids = new[] { await bench.AcceptAsync(), await bench.AcceptAsync() };
        bench.Start();
        await first.Reached.WaitAsync(bench.TooLong);
        await second.Reached.WaitAsync(bench.TooLong);
        first.Release();
        await bench.UntilAsync(() => bench.State().Health == AccountHealth.Paused, "the pause");
        bench.Time.Advance(TimeSpan.FromSeconds(25));
        second.Release();
        await login.Reached.WaitAsync(bench.TooLong);
        // Its login hangs until the connector's patience with it is over, later than the wait of the pause.
        await bench.AdvanceAnywayUntilAsync(TimeSpan.FromSeconds(1), () => bench.Gmail.Messages.Count == ids.Length, "both messages");
        foreach (var id in ids) await bench.DoneAsync(id);
    }
}
