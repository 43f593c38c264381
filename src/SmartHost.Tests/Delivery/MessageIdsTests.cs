using SmartHost.Delivery;
using SmartHost.Tests.Queue;

namespace SmartHost.Tests.Delivery;

/// <summary>Devices that give every message the same Message-ID, and how much of that is remembered. (That it leaves so: <see cref="DeliveryLoopTests"/>.)</summary>
public class MessageIdsTests
{
    [Test]
    public async Task An_id_that_comes_again_with_other_content_is_replaced_also_after_a_restart()
    {
        await using var bench = await QueueBench.OpenAsync();
        var (first, second) = (await bench.FindAsync(await bench.AcceptAsync()), await bench.FindAsync(await bench.AcceptAsync()));
        var ids = new MessageIds(bench.Queue);
        Assert.That(await ids.OfAsync(first, 1, default), Is.EqualTo(first.MessageId));
        Assert.That(await ids.OfAsync(second, 1, default), Is.EqualTo(second.MessageId), "the same content: its device missed our 250");
        Assert.That(await ids.OfAsync(second, 2, default), Is.EqualTo($"<{second.Id}@lan.example>"));
        await bench.ReopenAsync();
        ids = new MessageIds(bench.Queue);
        Assert.That(await ids.OfAsync(second, 2, default), Is.EqualTo($"<{second.Id}@lan.example>"), "as at the attempt before");
        Assert.That(await ids.OfAsync(first, 1, default), Is.EqualTo(first.MessageId));
    }

    // A UPS that says "Power failure" under one id each time: who has read the first must see the second.
    [TestCase(59, true)]
    [TestCase(61, false)]
    [TestCase(7 * 24 * 60, false)]
    public async Task The_same_content_is_the_same_message_only_soon_after(int minutes, bool same)
    {
        await using var bench = await QueueBench.OpenAsync();
        var first = await bench.FindAsync(await bench.AcceptAsync());
        bench.Time.Advance(TimeSpan.FromMinutes(minutes));
        var second = await bench.FindAsync(await bench.AcceptAsync());
        foreach (var order in new[] { new[] { first, second }, [second, first] })
        {
            var ids = new MessageIds(bench.Queue);
            var given = new[] { await ids.OfAsync(order[0], 1, default), await ids.OfAsync(order[1], 1, default) };
            Assert.That(given[0] == given[1], Is.EqualTo(same));
            Assert.That(await ids.OfAsync(order[1], 1, default), Is.EqualTo(given[1]), "as at the attempt before");
            await bench.Queue.PutStateAsync("message-id", first.MessageId, null, default);
        }
    }

    [Test]
    public async Task What_is_remembered_is_bounded_and_the_oldest_goes_first()
    {
        await using var bench = await QueueBench.OpenAsync();
        var ids = new MessageIds(bench.Queue, remembered: 3);
        for (var number = 0; number < 5; number++)
        {
            var (first, second) = (await bench.FindAsync(await bench.AcceptAsync()), await bench.FindAsync(await bench.AcceptAsync()));
            bench.Time.Advance(TimeSpan.FromSeconds(1));
            await ids.OfAsync(first with { MessageId = $"<{number}@lan>" }, 1, default);
            await ids.OfAsync(second with { MessageId = $"<{number}@lan>" }, 2, default);
        }
        Assert.That(bench.Queue.GetStates("message-id").Keys, Is.EquivalentTo(["<2@lan>", "<3@lan>", "<4@lan>"]));
    }
}
