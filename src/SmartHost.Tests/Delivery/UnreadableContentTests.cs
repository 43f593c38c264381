using System.Text;
using SmartHost.Mail;
using SmartHost.Queue;
using SmartHost.Tests.Queue;

namespace SmartHost.Tests.Delivery;

/// <summary>A message whose file the disk does not give back: a bad sector, another owner.</summary>
public class UnreadableContentTests
{
    [Test]
    public async Task It_is_told_once_kept_tried_ever_more_rarely_and_sent_when_it_can_be_read()
    {
        await using var bench = await DeliveryBench.OpenAsync();
        bench.AlertSettings = bench.AlertSettings with { Email = DeliveryBench.You };
        var content = Encoding.ASCII.GetBytes("Subject: x\r\n\r\n" + string.Concat(Enumerable.Repeat(new string('x', 70) + "\r\n", 5000)));
        var id = await bench.AcceptAsync("scanner", Lane.Normal, null, null, content);
        var file = Path.Combine(bench.QueueBench.Folder, "content", id + ".eml");
        var stored = await File.ReadAllBytesAsync(file);
        File.Delete(file);
        // A folder of that name cannot be opened as a file, whoever asks, root included.
        Directory.CreateDirectory(file);
        bench.Start();
        for (var i = 0; i < 24 * 6; i++)
        {
            // What an alert's mail has begun must end first: ten minutes in the middle of a write are a disk that hangs.
            await bench.RestAsync();
            bench.Time.Advance(TimeSpan.FromMinutes(10));
            await bench.RestAsync();
            await bench.Alerts.TurnAsync(default);
        }
        Assert.That((await SubjectsAsync(bench)).Where(subject => !subject!.EndsWith("is late", StringComparison.Ordinal)), Is.EqualTo(new[] { "[SmartHost] SmartHost cannot read some of its mail" }));
        Assert.That((await bench.QueueBench.StoryAsync(id)).Count(happened => happened == TimelineEvent.Deferred), Is.InRange(5, 15));

        // Longer than its lifetime.
        await bench.AdvanceAsync(TimeSpan.FromDays(6), TimeSpan.FromHours(1));
        Assert.That((await bench.FindAsync(id)).State, Is.EqualTo(MessageState.Queued));
        Directory.Delete(file);
        await File.WriteAllBytesAsync(file, stored);
        await bench.AdvanceUntilAsync(TimeSpan.FromMinutes(30), async () => (await bench.FindAsync(id)).State == MessageState.Done, "it to be sent");
        await bench.AdvanceAsync(TimeSpan.FromMinutes(2), TimeSpan.FromMinutes(1));
        await bench.Alerts.TurnAsync(default);
        Assert.That(await SubjectsAsync(bench), Has.Exactly(1).StartsWith("[SmartHost] Over:"));
    }

    private static async Task<IEnumerable<string?>> SubjectsAsync(DeliveryBench bench) =>
        (await bench.Queue.SearchAsync(new MessageSearch(Device: "smarthost") { Limit = 500 }, default)).Select(mail => mail.Subject);
}
