using SmartHost.Delivery;
using SmartHost.Gmail;
using SmartHost.Mail;
using SmartHost.Queue;

namespace SmartHost.Tests.Delivery;

public class AllowanceTests
{
    private static readonly AccountSettings Account = new()
    {
        Name = "default", Username = Mailbox.Parse("you@gmail.com"), Credentials = new AccountCredentials.ByAddress(), DailyMessages = 100, DailyRecipients = 200,
    };

    [TestCase(0, Lane.Bulk, 100)]
    [TestCase(0, Lane.Normal, 180)]
    [TestCase(0, Lane.Urgent, 200)]
    [TestCase(99, Lane.Bulk, 1)]
    [TestCase(100, Lane.Bulk, 0)]
    [TestCase(100, Lane.Normal, 80)]
    [TestCase(180, Lane.Normal, 0)]
    [TestCase(180, Lane.Urgent, 20)]
    [TestCase(200, Lane.Urgent, 0)]
    [TestCase(500, Lane.Urgent, 0)]
    public void Each_lane_stops_at_its_share_of_the_recipients(int spent, Lane lane, int left) =>
        Assert.That(Allowance.Of(Account, new Spend("default", 1, spent), 0, 0).Left(lane), Is.EqualTo(left));

    [TestCase(49, Lane.Bulk, true)]
    [TestCase(50, Lane.Bulk, false)]
    [TestCase(50, Lane.Normal, true)]
    [TestCase(90, Lane.Normal, false)]
    [TestCase(90, Lane.Urgent, true)]
    [TestCase(100, Lane.Urgent, false)]
    public void Each_lane_stops_at_its_share_of_the_messages(int spent, Lane lane, bool goes) =>
        Assert.That(Allowance.Of(Account, new Spend("default", spent, 1), 0, 0).Left(lane) > 0, Is.EqualTo(goes));

    [Test]
    public void What_is_on_its_way_counts_as_spent() =>
        Assert.That(Allowance.Of(Account, new Spend("default", 40, 50), messagesOnTheWay: 10, recipientsOnTheWay: 0).Left(Lane.Bulk), Is.Zero);

    [Test]
    public void An_allowance_written_as_endless_has_no_end() =>
        Assert.That(Allowance.Of(Account with { DailyMessages = int.MaxValue, DailyRecipients = int.MaxValue }, new Spend("default", 1_000_000, 1_000_000), 0, 0).Left(Lane.Bulk), Is.GreaterThan(1_000_000));

    [Test]
    public void However_small_an_allowance_each_lane_has_a_share_of_it([Values] Lane lane) =>
        Assert.That(Allowance.Of(Account with { DailyMessages = 1, DailyRecipients = 1 }, new Spend("default", 0, 0), 0, 0).Left(lane), Is.EqualTo(1));

    [Test]
    public void Used_goes_by_whichever_is_nearer_to_its_end() =>
        Assert.That((Allowance.Of(Account, new Spend("default", 80, 10), 0, 0).Used, Allowance.Of(Account, new Spend("default", 1, 100), 0, 0).Used), Is.EqualTo((0.8, 0.5)));
}
