using System.Net;
using SmartHost.Devices;
using SmartHost.Mail;

namespace SmartHost.Tests.Devices;

public class UnknownDevicesTests
{
    private static readonly DateTimeOffset Noon = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    private static readonly UnknownAttempt Attempt = new(
        IPAddress.Parse("192.168.1.77"), "BRN001", null, new ReversePath(Mailbox.Parse("scan@home.lan")), Mailbox.Parse("a@example.com"), Noon);

    [Test]
    public void Tries_of_one_client_are_gathered()
    {
        var unknown = new UnknownDevices();
        unknown.Remember(Attempt);
        unknown.Remember(Attempt with { Client = IPAddress.Parse("::ffff:192.168.1.77"), Recipient = Mailbox.Parse("b@example.com"), At = Noon.AddHours(1) });
        unknown.Remember(Attempt with { Sender = ReversePath.Null, Username = "brother", At = Noon.AddHours(2) });

        var device = unknown.Snapshot().Single();
        Assert.That(device.Client, Is.EqualTo(IPAddress.Parse("192.168.1.77")));
        Assert.That(device.Attempts, Is.EqualTo(3));
        Assert.That((device.FirstSeen, device.LastSeen), Is.EqualTo((Noon, Noon.AddHours(2))));
        Assert.That(device.Helos, Is.EqualTo(new[] { "BRN001" }));
        Assert.That(device.Usernames, Is.EqualTo(new[] { "brother" }));
        Assert.That(device.Senders, Is.EqualTo(new[] { "scan@home.lan" }));
        Assert.That(device.Recipients, Is.EqualTo(new[] { "b@example.com", "a@example.com" }), "the latest last");
    }

    [Test]
    public void Only_a_client_that_is_not_remembered_is_announced()
    {
        var unknown = new UnknownDevices();
        var announced = new List<IPAddress>();
        unknown.Appeared += device => announced.Add(device.Client);
        unknown.Remember(Attempt);
        unknown.Remember(Attempt);
        Assert.That(unknown.Forget(Attempt.Client), Is.True);
        Assert.That(unknown.Forget(Attempt.Client), Is.False);
        Assert.That(unknown.Snapshot(), Is.Empty);
        unknown.Remember(Attempt);
        Assert.That(announced, Is.EqualTo(new[] { Attempt.Client, Attempt.Client }));
    }

    [Test]
    public void The_least_recent_client_makes_room()
    {
        var unknown = new UnknownDevices(maxClients: 3);
        foreach (var last in new[] { 1, 2, 3, 1, 4 }) unknown.Remember(Attempt with { Client = new IPAddress([10, 0, 0, (byte)last]) });
        Assert.That(unknown.Snapshot().Select(device => device.Client.ToString()), Is.EqualTo(new[] { "10.0.0.4", "10.0.0.1", "10.0.0.3" }));
    }

    [Test]
    public void A_client_cannot_fill_the_memory()
    {
        var unknown = new UnknownDevices();
        for (var i = 0; i < 100; i++)
        {
            unknown.Remember(Attempt with { Helo = $"{i}\r\u202e{new string('x', 5000)}", Username = $"{i}", Recipient = Mailbox.Parse($"{i}@example.com") });
        }
        var device = unknown.Snapshot().Single();
        Assert.That(device.Helos, Has.Count.EqualTo(UnknownDevices.MaxTexts));
        Assert.That(device.Helos[^1], Does.StartWith("99??xxx").And.Length.EqualTo(UnknownDevices.MaxTextLength));
        Assert.That(device.Usernames, Is.EqualTo(Enumerable.Range(90, 10).Select(i => $"{i}")));
        Assert.That(device.Recipients, Has.Count.EqualTo(UnknownDevices.MaxTexts));
    }

    [Test]
    public void Many_threads_lose_no_try()
    {
        var unknown = new UnknownDevices();
        var announced = 0;
        unknown.Appeared += _ => Interlocked.Increment(ref announced);
        Parallel.For(0, 2_000, i => unknown.Remember(Attempt with { Client = new IPAddress([10, 0, 0, (byte)(i % 20)]), Helo = $"h{i % 3}" }));
        Assert.That(unknown.Snapshot().Sum(device => device.Attempts), Is.EqualTo(2_000));
        Assert.That(announced, Is.EqualTo(20));
    }
}
