using SmartHost.Delivery;
using SmartHost.Gmail;
using SmartHost.History;
using SmartHost.Notices;
using SmartHost.Tests.Notices;

namespace SmartHost.Tests.Delivery;

/// <summary>An alarm about an allowance ends, whatever became of the account and however low the mark.</summary>
public class AllowanceWatchTests
{
    [TestCase(1)]
    [TestCase(5)]
    [TestCase(80)]
    public async Task What_is_spent_no_more_ends_the_alarm_whatever_the_mark(int percent)
    {
        await using var bench = await AlertsBench.OpenAsync();
        bench.Settings = bench.Settings with { AllowancePercent = percent };
        var watch = Watch(bench, "default");
        await bench.RaiseAsync(Alert.AllowanceHigh("default", percent / 100.0));
        watch.Look();
        await bench.TurnAsync();
        Assert.That(bench.Alerts.Snapshot.Troubles, Is.Empty);
        Assert.That(bench.Receiver.Bodies, Has.Some.Contains("0 % of the daily allowance is used."));
    }

    [Test]
    public async Task An_account_that_was_renamed_leaves_no_alarm_behind()
    {
        await using var bench = await AlertsBench.OpenAsync();
        await bench.RaiseAsync(Alert.AllowanceHigh("office", 0.8));
        await bench.RestartAsync();
        Watch(bench, "accounting").Look();
        await bench.TurnAsync();
        Assert.That(bench.Alerts.Snapshot.Troubles, Is.Empty);
        Assert.That(bench.Receiver.Bodies, Has.Some.Contains("The account is no longer configured."));
    }

    private static AllowanceWatch Watch(AlertsBench bench, string account)
    {
        var log = new MailLog(bench.Log);
        var accounts = new Accounts(bench.QueueBench.Queue, log, bench.QueueBench.Time);
        accounts.Configure([new AccountSettings { Name = account, Username = DeliveryBench.You, Credentials = new AccountCredentials.ByAddress() }], new DeliverySettings());
        return new AllowanceWatch(bench.QueueBench.Queue, accounts, bench.Alerts, log, () => bench.Settings);
    }
}
