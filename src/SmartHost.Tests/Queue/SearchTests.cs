using SmartHost.Mail;
using SmartHost.Queue;

namespace SmartHost.Tests.Queue;

public class SearchTests
{
    [TestCase("INVOICE")]
    [TestCase("größe")]
    [TestCase("Boss@Example")]
    [TestCase("camera@lan")]
    [TestCase("<1@LAN")]
    [TestCase("%")]
    public async Task Text_is_found_wherever_a_person_would_look(string text)
    {
        await using var bench = await QueueBench.OpenAsync();
        await bench.AcceptAsync(QueueBench.Submission(subject: "Other", from: null) with { MessageId = "<2@x.example>" });
        var id = await bench.AcceptAsync(QueueBench.Submission(subject: "Invoice 50% GRÖSSE Größe", to: ["boss@example.com"], from: "camera@lan.example"));
        var found = await bench.Queue.SearchAsync(new MessageSearch(text), default);
        Assert.That(found.Select(message => message.Id), Is.EqualTo(new[] { id }));
        Assert.That(await bench.Queue.SearchAsync(new MessageSearch(text + "'; DROP TABLE messages; --"), default), Is.Empty);
    }

    [Test]
    public async Task Each_devices_newest_message_is_known_also_after_a_restart()
    {
        await using var bench = await QueueBench.OpenAsync();
        await bench.AcceptAsync(QueueBench.Submission("camera"));
        bench.Time.Advance(TimeSpan.FromHours(1));
        await bench.AcceptAsync(QueueBench.Submission("scanner"));
        await bench.AcceptAsync(QueueBench.Submission("camera"));
        bench.Time.Advance(TimeSpan.FromHours(1));
        await bench.AcceptAsync(QueueBench.Submission("scanner"));
        await bench.ReopenAsync();
        Assert.That(await bench.Queue.LastReceivedAsync(default), Is.EquivalentTo(new Dictionary<string, DateTimeOffset>
        {
            ["camera"] = QueueBench.Start.AddHours(1), ["scanner"] = QueueBench.Start.AddHours(2),
        }));
    }

    [Test]
    public async Task An_id_is_found_by_itself()
    {
        await using var bench = await QueueBench.OpenAsync();
        bench.Time.Advance(TimeSpan.FromSeconds(1));
        await bench.AcceptAsync();
        bench.Time.Advance(TimeSpan.FromSeconds(1));
        var id = await bench.AcceptAsync();
        Assert.That((await bench.Queue.SearchAsync(new MessageSearch(id.ToString().ToUpperInvariant()), default)).Single().Id, Is.EqualTo(id));
    }

    [Test]
    public async Task Conditions_hold_together_and_pages_follow_on_newest_first()
    {
        await using var bench = await QueueBench.OpenAsync();
        var ids = new List<QueueId>();
        for (var i = 0; i < 7; i++)
        {
            bench.Time.Advance(TimeSpan.FromSeconds(1));
            ids.Add(await bench.AcceptAsync(QueueBench.Submission(i % 2 == 0 ? "even" : "odd")));
        }
        await bench.Queue.HoldAsync(ids[2], "x", default);
        await bench.SettleAsync(await bench.FindAsync(ids[4]), ("you@gmail.com", QueueBench.Bounced));
        async Task<QueueId[]> Search(MessageSearch search) => [.. (await bench.Queue.SearchAsync(search, default)).Select(message => message.Id)];

        Assert.That(await Search(new MessageSearch(Device: "even")), Is.EqualTo(new[] { ids[6], ids[4], ids[2], ids[0] }));
        Assert.That(await Search(new MessageSearch(Device: "even", States: [MessageState.Held, MessageState.Done])), Is.EqualTo(new[] { ids[4], ids[2] }));
        Assert.That(await Search(new MessageSearch(Bounced: true)), Is.EqualTo(new[] { ids[4] }));
        Assert.That(await Search(new MessageSearch(Bounced: false, Limit: 2)), Is.EqualTo(new[] { ids[6], ids[5] }));
        Assert.That(await Search(new MessageSearch(Before: ids[5], Limit: 3)), Is.EqualTo(new[] { ids[4], ids[3], ids[2] }));
        Assert.That(await Search(new MessageSearch(States: [])), Has.Length.EqualTo(7));
    }

    [Test]
    public async Task History_is_forgotten_after_its_days_but_not_what_is_open_or_untold()
    {
        await using var bench = await QueueBench.OpenAsync(new QueueSettings { Folder = "", KeepDays = 3 });
        var done = await bench.AcceptAsync(QueueBench.Submission("a"));
        var untold = await bench.AcceptAsync(QueueBench.Submission("b"));
        var open = await bench.AcceptAsync(QueueBench.Submission("c"));
        await bench.SettleAsync(bench.Take(), ("you@gmail.com", QueueBench.Sent));
        await bench.SettleAsync(bench.Take(), ("you@gmail.com", QueueBench.Bounced));
        bench.Time.Advance(TimeSpan.FromDays(3));
        await bench.Queue.TidyAsync(default);
        Assert.That(await bench.Queue.FindAsync(done, default), Is.Not.Null);
        bench.Time.Advance(TimeSpan.FromHours(2));
        await bench.Queue.TidyAsync(default);
        Assert.That(await bench.Queue.FindAsync(done, default), Is.Null);
        Assert.That(await bench.Queue.TimelineAsync(done, default), Is.Empty);
        Assert.That(await bench.Queue.FindAsync(untold, default), Is.Not.Null);
        Assert.That(await bench.Queue.FindAsync(open, default), Is.Not.Null);
    }

    [Test]
    public async Task Tidying_gives_the_room_back()
    {
        await using var bench = await QueueBench.OpenAsync();
        for (var i = 0; i < 40; i++) await bench.AcceptAsync(content: QueueBench.Octets(200_000));
        while (bench.Queue.Take((_, _) => true) is { } message) await bench.SettleAsync(message, ("you@gmail.com", QueueBench.Sent));
        await bench.Queue.TidyAsync(default);
        await bench.CloseAsync();
        Assert.That(new FileInfo(Path.Combine(bench.Folder, "queue.db")).Length, Is.LessThan(1_000_000));
    }
}
