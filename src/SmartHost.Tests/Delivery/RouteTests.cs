using SmartHost.Delivery;
using SmartHost.Mail;
using SmartHost.Queue;

namespace SmartHost.Tests.Delivery;

/// <summary>Which account carries a message, and how much of its day is left.</summary>
public class RouteTests
{
    [Test]
    public async Task A_device_names_its_account()
    {
        await using var bench = await DeliveryBench.OpenAsync();
        bench.Accounts.Add(bench.Account("second", DeliveryBench.Other));
        bench.Start();
        await bench.DoneAsync(await bench.AcceptAsync(account: "second"));
        Assert.That(bench.Gmail.Messages.Single().Account, Is.EqualTo(DeliveryBench.Other));
    }

    [Test]
    public async Task Mail_for_an_account_that_is_not_configured_leaves_by_the_default_one()
    {
        await using var bench = await DeliveryBench.OpenAsync();
        bench.Start();
        await bench.DoneAsync(await bench.AcceptAsync(account: "gone"));
        await bench.DoneAsync(await bench.AcceptAsync(account: "gone"));
        Assert.That(bench.Gmail.Messages.Select(message => message.Account), Is.All.EqualTo(DeliveryBench.You));
        Assert.That(bench.Log.Lines.Count(line => line.Contains("the account gone")), Is.EqualTo(1), "said once");
    }

    [Test]
    public async Task The_fallback_takes_over_while_the_first_is_paused()
    {
        await using var bench = await DeliveryBench.OpenAsync();
        bench.Accounts = [bench.Account("default", DeliveryBench.You, "wrongwrongwrong!") with { Fallback = "second" }, bench.Account("second", DeliveryBench.Other)];
        bench.Start();
        await bench.DoneAsync(await bench.AcceptAsync());
        Assert.That(bench.Gmail.Messages.Single().Account, Is.EqualTo(DeliveryBench.Other));
        Assert.That(bench.Gmail.Messages.Single().Envelope.Sender.Mailbox, Is.EqualTo(DeliveryBench.Other));
    }

    [Test]
    public async Task The_fallback_takes_over_when_the_allowance_is_spent()
    {
        await using var bench = await DeliveryBench.OpenAsync();
        bench.Accounts = [bench.Account("default", DeliveryBench.You) with { DailyMessages = 10, Fallback = "second" }, bench.Account("second", DeliveryBench.Other)];
        bench.Start();
        for (var i = 0; i < 11; i++) await bench.DoneAsync(await bench.AcceptAsync());
        Assert.That(bench.Gmail.Messages.Count(message => message.Account == DeliveryBench.You), Is.EqualTo(9), "normal mail spends 90 %");
        Assert.That(bench.Gmail.Messages.Count(message => message.Account == DeliveryBench.Other), Is.EqualTo(2));
    }

    [Test]
    public async Task A_spent_allowance_waits_for_its_window_and_urgent_mail_still_leaves()
    {
        await using var bench = await DeliveryBench.OpenAsync();
        bench.Accounts = [bench.Account("default", DeliveryBench.You) with { DailyMessages = 10 }];
        for (var i = 0; i < 8; i++) await bench.AcceptAsync("shop", Lane.Bulk);
        bench.Start();
        await bench.Gmail.WaitForAsync(5, bench.TooLong);
        await bench.DoneAsync(await bench.AcceptAsync("ups", Lane.Urgent));
        Assert.That(bench.Gmail.Messages, Has.Count.EqualTo(6));
        Assert.That(bench.State().Allowance.SpentLanes, Is.EqualTo([Lane.Bulk]));
        await bench.AdvanceUntilAsync(TimeSpan.FromMinutes(30), () => Task.FromResult(bench.Gmail.Messages.Count == 9), "the window");
        Assert.That(bench.Gmail.Messages[6].At - bench.Gmail.Messages[0].At, Is.GreaterThanOrEqualTo(TimeSpan.FromHours(24)));
        Assert.That(bench.State().Health, Is.EqualTo(AccountHealth.Healthy), "not an error");
    }

    [Test]
    public async Task Mail_to_more_than_the_allowance_leaves_goes_to_as_many_as_it_may()
    {
        await using var bench = await DeliveryBench.OpenAsync();
        bench.Accounts = [bench.Account("default", DeliveryBench.You) with { DailyRecipients = 10 }];
        bench.Start();
        var id = await bench.AcceptAsync(to: [.. Enumerable.Range(0, 12).Select(i => $"r{i}@example.com")]);
        var first = (await bench.Gmail.WaitForAsync(1, bench.TooLong))[0];
        Assert.That(first.Envelope.Recipients, Has.Count.EqualTo(9));
        await bench.AdvanceUntilAsync(TimeSpan.FromMinutes(30), async () => (await bench.FindAsync(id)).State == MessageState.Done, "the rest");
    }

    [Test]
    public async Task An_account_under_another_name_has_the_day_that_its_mailbox_has_left()
    {
        await using var bench = await DeliveryBench.OpenAsync();
        bench.Start();
        await bench.DoneAsync(await bench.AcceptAsync());
        bench.Accounts = [bench.Account("office", DeliveryBench.You), bench.Account("spare", DeliveryBench.Other)];
        bench.Loop.NotifySettingsChanged();
        await bench.UntilAsync(() => bench.Loop.State.Accounts.Count == 2, "the new names");
        Assert.That(bench.Loop.State.Accounts.Select(account => account.Allowance.Messages), Is.EqualTo(new[] { 1, 0 }));
    }

    [Test]
    public async Task An_allowance_near_its_end_is_announced()
    {
        await using var bench = await DeliveryBench.OpenAsync();
        bench.AlertSettings = bench.AlertSettings with { Webhook = new Secret("https://hooks.example.com/x") };
        bench.Accounts = [bench.Account("default", DeliveryBench.You) with { DailyMessages = 5 }];
        bench.Start();
        for (var i = 0; i < 4; i++) await bench.DoneAsync(await bench.AcceptAsync());
        await bench.AdvanceAsync(TimeSpan.FromMinutes(2), TimeSpan.FromSeconds(30));
        await bench.Alerts.TurnAsync(default);
        Assert.That(bench.Webhook.Bodies, Has.Some.Contain("80 %"));
    }
}
