using System.Net;
using SmartHost.Dashboard.Access;
using SmartHost.Delivery;
using SmartHost.Listener;
using SmartHost.Mail;
using SmartHost.Practice;
using SmartHost.Queue;
using SmartHost.Tests.Delivery;
using SmartHost.Tests.Queue;

namespace SmartHost.Tests.Faults;

/// <summary>
/// The wall clock is put forward or back by days while everything runs. No message ages by it, nothing that was to happen in
/// minutes waits for days, nobody is shut out or signed out.
/// </summary>
public class ClockJumpTests
{
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    [TestCase(-1), TestCase(1), TestCase(-6), TestCase(6)]
    public async Task A_line_that_comes_back_is_tried_within_minutes_and_no_message_has_aged(int days)
    {
        await using var bench = await DeliveryBench.OpenAsync();
        await bench.Gmail.GoOfflineAsync();
        var id = await bench.AcceptAsync();
        bench.Start();
        await bench.UntilAsync(() => bench.Loop.State.Accounts is [{ Health: AccountHealth.Paused }], "the pause");
        bench.QueueBench.Time.PutTo(QueueBench.Start.AddDays(days));
        bench.Gmail.GoOnline();
        var began = bench.Time.GetTimestamp();
        await bench.AdvanceUntilAsync(Minute, async () => (await bench.FindAsync(id)).State == MessageState.Done, "delivery");
        Assert.That(bench.Time.GetElapsedTime(began), Is.LessThan(TimeSpan.FromMinutes(15)));
        Assert.That((await bench.FindAsync(id)).Recipients.Single().State, Is.EqualTo(RecipientState.Sent));
    }

    [TestCase(-1), TestCase(1)]
    public async Task A_message_that_was_deferred_is_tried_when_it_was_to_be(int days)
    {
        await using var bench = await DeliveryBench.OpenAsync();
        bench.Gmail.Script.Add(PracticeStage.Rcpt, "450 4.2.1 The user you are trying to contact is receiving mail too quickly. - gsmtp");
        var id = await bench.AcceptAsync();
        bench.Start();
        await bench.UntilAsync(async () => (await bench.FindAsync(id)).Attempts == 1, "the first attempt");
        var wait = (await bench.FindAsync(id)).Due - bench.Time.GetUtcNow();
        bench.QueueBench.Time.PutTo(QueueBench.Start.AddDays(days));
        var began = bench.Time.GetTimestamp();
        await bench.AdvanceUntilAsync(Minute, async () => (await bench.FindAsync(id)).State == MessageState.Done, "delivery");
        Assert.That(bench.Time.GetElapsedTime(began), Is.LessThanOrEqualTo(wait + 2 * Minute));
        Assert.That(bench.Gmail.Messages, Has.Count.EqualTo(1));
    }

    [TestCase(-1), TestCase(1)]
    public async Task A_refused_password_is_not_tried_sooner_for_it(int days)
    {
        await using var bench = await DeliveryBench.OpenAsync();
        bench.Accounts = [bench.Account("default", DeliveryBench.You, "wrongwrongwrong!")];
        await bench.AcceptAsync();
        bench.Start();
        await bench.UntilAsync(() => bench.Loop.State.Accounts is [{ Health: AccountHealth.Paused }], "the pause");
        var logins = bench.Gmail.Logins;
        bench.QueueBench.Time.PutTo(QueueBench.Start.AddDays(days));
        await bench.AdvanceAsync(TimeSpan.FromMinutes(14), Minute);
        Assert.That(bench.Gmail.Logins, Is.EqualTo(logins), "the one early second try is due after a quarter of an hour");
        await bench.AdvanceAsync(TimeSpan.FromMinutes(3), Minute);
        Assert.That(bench.Gmail.Logins, Is.EqualTo(logins + 1), "and then it comes");
    }

    /// <summary>While it was off, as the battery of a NAS's clock forgets.</summary>
    [Test]
    public async Task A_pause_reckoned_by_a_clock_that_was_ahead_does_not_outlive_a_restart_by_days()
    {
        await using var bench = await DeliveryBench.OpenAsync();
        await bench.Gmail.GoOfflineAsync();
        var id = await bench.AcceptAsync();
        bench.Start();
        await bench.UntilAsync(() => bench.Loop.State.Accounts is [{ Health: AccountHealth.Paused }], "the pause");
        await bench.StopAsync();
        await bench.QueueBench.CloseAsync();
        bench.QueueBench.Time.PutTo(QueueBench.Start.AddDays(-3));
        await bench.QueueBench.OpenQueueAsync();
        // What waits was due in the future that the clock has left: that is the queue's to see when it opens.
        await bench.Queue.RetryAsync(id, default);
        bench.Gmail.GoOnline();
        bench.Start();
        await bench.AdvanceUntilAsync(Minute, async () => (await bench.FindAsync(id)).State == MessageState.Done, "delivery");
    }

    [TestCase(-1), TestCase(1)]
    public async Task A_day_spent_is_spent_for_a_day_and_no_longer(int days)
    {
        await using var bench = await DeliveryBench.OpenAsync();
        bench.Accounts = [bench.Account("default", DeliveryBench.You) with { DailyMessages = 2 }];
        for (var number = 0; number < 3; number++) await bench.AcceptAsync(lane: Lane.Urgent);
        bench.Start();
        await bench.Gmail.WaitForAsync(2, bench.TooLong);
        // Until both are in the books: what is entered later is entered by the clock as it was, too.
        await bench.RestAsync();
        bench.QueueBench.Time.PutTo(QueueBench.Start.AddDays(days));
        await bench.AdvanceAsync(TimeSpan.FromHours(23.5), TimeSpan.FromMinutes(30));
        Assert.That(bench.Gmail.Messages, Has.Count.EqualTo(2), "its allowance is spent");
        await bench.AdvanceUntilAsync(TimeSpan.FromMinutes(10), () => Task.FromResult(bench.Gmail.Messages.Count == 3), "the third");
    }

    [TestCase(-1), TestCase(1)]
    public void Lockouts_and_limits_last_as_long_as_they_should(int days)
    {
        var time = new MovableClock(QueueBench.Start);
        var limits = new LimitSettings { AuthFailures = 2, MessagesPerMinute = 1 };
        var client = new Client(IPAddress.Loopback, time);
        for (var failure = 0; failure < 2; failure++) client.LoginFailed(limits);
        Assert.That(client.Message(limits), Is.Null);
        var throttle = new LoginThrottle(time);
        for (var failure = 0; failure < 6; failure++) throttle.Attempt(IPAddress.Loopback, () => false);

        time.PutTo(QueueBench.Start.AddDays(days));
        Assert.That(client.Lockout(), Is.EqualTo(limits.AuthLockout), "neither longer nor over");
        Assert.That(client.Message(limits)?.Code, Is.EqualTo(450));
        Assert.That(throttle.Attempt(IPAddress.Loopback, () => true), Has.Property("Right").False.And.Property("Wait").LessThan(TimeSpan.FromMinutes(15)));
        time.Advance(limits.AuthLockout + TimeSpan.FromMinutes(15));
        Assert.That(client.Lockout(), Is.EqualTo(TimeSpan.Zero));
        Assert.That(client.Message(limits), Is.Null);
        Assert.That(throttle.Attempt(IPAddress.Loopback, () => true).Right);
    }

    [TestCase(-1), TestCase(1)]
    public void Nobody_is_signed_out(int days)
    {
        var time = new MovableClock(QueueBench.Start);
        var tokens = new SessionTokens(new byte[32], () => new Secret("password"), time);
        var (token, session) = tokens.Issue();
        time.PutTo(QueueBench.Start.AddDays(days));
        Assert.That(tokens.Read(token)?.Id, Is.EqualTo(session.Id));
    }

    [Test]
    public async Task An_alert_that_was_to_be_tried_again_in_seconds_does_not_wait_for_a_day()
    {
        await using var bench = await DeliveryBench.OpenAsync();
        bench.AlertSettings = bench.AlertSettings with { Webhook = new Secret("https://hooks.example.com/x") };
        bench.Webhook.Answer = _ => new HttpResponseMessage(HttpStatusCode.ServiceUnavailable);
        bench.Start();
        bench.Alerts.Raise(SmartHost.Notices.Alert.QueueTrouble("The disk is full."));
        await bench.Alerts.TurnAsync(default);
        bench.Webhook.Answer = _ => new HttpResponseMessage(HttpStatusCode.OK);
        bench.QueueBench.Time.PutTo(QueueBench.Start.AddDays(-1));
        Assert.That(await bench.Alerts.TurnAsync(default), Is.LessThanOrEqualTo(TimeSpan.FromSeconds(10)));
        bench.Time.Advance(TimeSpan.FromSeconds(10));
        await bench.Alerts.TurnAsync(default);
        Assert.That(bench.Alerts.Snapshot.Deliveries[0], Has.Property("Problem").Null);
    }
}
