using System.Net;
using Microsoft.Extensions.Time.Testing;
using SmartHost.Listener;

namespace SmartHost.Tests.Listener;

[Parallelizable(ParallelScope.All)]
public class ClientTableTests
{
    private readonly FakeTimeProvider time = new(new DateTimeOffset(2026, 3, 4, 5, 6, 7, TimeSpan.Zero));

    [Test]
    public void All_together_and_each_alone_have_a_limit_and_leaving_frees_a_place()
    {
        var table = new ClientTable(time);
        var limits = new LimitSettings { Connections = 3, ConnectionsPerDevice = 2 };
        Assert.That(table.Enter(Address(1), limits, out var first), Is.Null);
        Assert.That(table.Enter(Address(1), limits, out _), Is.Null);
        Assert.That(table.Enter(Address(1), limits, out _)?.Code, Is.EqualTo(421));
        Assert.That(table.Enter(Address(2), limits, out _), Is.Null);
        Assert.That(table.Enter(Address(3), limits, out _)?.Code, Is.EqualTo(421));
        table.Leave(first);
        Assert.That(table.Enter(Address(3), limits, out _), Is.Null);
        Assert.That(table.Open, Is.EqualTo(3));
    }

    [Test]
    public void A_minute_is_any_sixty_seconds()
    {
        var client = new Client(Address(1), time);
        var limits = new LimitSettings { MessagesPerMinute = 2 };
        Assert.That(client.Message(limits), Is.Null);
        time.Advance(TimeSpan.FromSeconds(59));
        Assert.That(client.Message(limits), Is.Null);
        Assert.That(client.Message(limits)?.Code, Is.EqualTo(450));
        time.Advance(TimeSpan.FromSeconds(10));
        Assert.That(client.Message(limits), Is.Null, "the first is more than a minute ago");
        Assert.That(client.Message(limits)?.Code, Is.EqualTo(450), "the second is not");
        time.Advance(TimeSpan.FromHours(1));
        Assert.That(client.Message(limits), Is.Null);
    }

    [Test]
    public void Octets_count_too()
    {
        var client = new Client(Address(1), time);
        var limits = new LimitSettings { BytesPerMinute = 1000 };
        client.Octets(999);
        Assert.That(client.Message(limits), Is.Null);
        client.Octets(1);
        Assert.That(client.Message(limits)?.Code, Is.EqualTo(450));
    }

    [Test]
    public void The_table_is_bounded_and_forgets_whoever_was_longest_away_but_nobody_connected()
    {
        var table = new ClientTable(time, capacity: 10);
        var limits = new LimitSettings { Connections = 1000, ConnectionsPerMinute = 1 };
        Assert.That(table.Enter(Address(0), limits, out _), Is.Null);
        for (var i = 1; i <= 50; i++)
        {
            Assert.That(table.Enter(Address(i), limits, out var client), Is.Null);
            table.Leave(client);
            time.Advance(TimeSpan.FromSeconds(1));
        }
        Assert.That(table.Enter(Address(0), limits, out _)?.Code, Is.EqualTo(421), "connected, so remembered");
        Assert.That(table.Enter(Address(50), limits, out _)?.Code, Is.EqualTo(421), "just gone, so remembered");
        Assert.That(table.Enter(Address(1), limits, out _), Is.Null, "forgotten");
    }

    private static IPAddress Address(int last) => IPAddress.Parse($"192.168.{last / 256}.{last % 256}");
}
