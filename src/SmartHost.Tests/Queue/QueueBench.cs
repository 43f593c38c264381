using System.Text;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using SmartHost.Mail;
using SmartHost.Queue;

namespace SmartHost.Tests.Queue;

/// <summary>A data folder of its own, a clock that stands still, and a queue that can be closed and opened again.</summary>
internal sealed class QueueBench : IAsyncDisposable
{
    public static readonly DateTimeOffset Start = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);
    public static readonly TimeSpan Lifetime = TimeSpan.FromDays(5);
    private static readonly Mailbox[] DefaultRecipients = [Mailbox.Parse("you@gmail.com")];
    private MailQueue? queue;

    public string Folder { get; } = Directory.CreateTempSubdirectory("smarthost-queue-").FullName;

    public MovableClock Time { get; } = new(Start);

    public CollectedLog Log { get; } = new();

    public QueueSettings Settings { get; set; } = new() { Folder = "" };

    /// <summary>Steps of the journal fail here, where a test wants it.</summary>
    public Action<string>? Fault { get; set; }

    /// <summary>Takes nothing, and can still be read and closed.</summary>
    public static void FullDisk(string step)
    {
        if (step is not ("read" or "closed")) throw new IOException("No space left on device");
    }

    public MailQueue Queue => queue ?? throw new InvalidOperationException("the queue is closed");

    public static async Task<QueueBench> OpenAsync(QueueSettings? settings = null)
    {
        var bench = new QueueBench();
        if (settings is not null) bench.Settings = settings;
        await bench.OpenQueueAsync();
        return bench;
    }

    public async Task OpenQueueAsync() => queue = await MailQueue.OpenAsync(Settings with { Folder = Folder }, Lifetime, Time, new Random(1), Log, step => Fault?.Invoke(step), default);

    public async Task CloseAsync()
    {
        if (queue is not null) await queue.DisposeAsync();
        queue = null;
    }

    public async Task ReopenAsync()
    {
        await CloseAsync();
        await OpenQueueAsync();
    }

    /// <summary>The disk as a killed process would leave it now, opened as if by the next one.</summary>
    public async Task CrashAsync()
    {
        var snapshot = Directory.CreateTempSubdirectory("smarthost-crash-").FullName;
        Copy(Folder, snapshot);
        await CloseAsync();
        Directory.Delete(Folder, recursive: true);
        Copy(snapshot, Folder);
        Directory.Delete(snapshot, recursive: true);
        await OpenQueueAsync();
    }

    public static Submission Submission(string device = "scanner", Lane lane = Lane.Normal, string? account = null, string[]? to = null, string? from = "scan@lan.example", string? subject = "Scan", QueueId? reportsOn = null) => new()
    {
        Envelope = new Envelope(from is null ? ReversePath.Null : new ReversePath(Mailbox.Parse(from)), to is null ? DefaultRecipients : [.. to.Select(Mailbox.Parse)]),
        Device = device,
        Account = account,
        Lane = lane,
        Origin = new Origin(System.Net.IPAddress.Parse("192.168.1.23"), "printer", "ESMTP"),
        MessageId = "<1@lan.example>",
        Subject = subject,
        Rule = "devices.scanner.recipients you@gmail.com",
        ReportsOn = reportsOn,
    };

    public static byte[] Octets(int length) => [.. Enumerable.Range(0, length).Select(i => (byte)(i * 31 + i / 256))];

    public async Task<CommitOutcome> SubmitAsync(Submission submission, byte[]? content = null)
    {
        await using var incoming = Queue.Receive();
        content ??= Encoding.ASCII.GetBytes("Subject: Scan\r\n\r\nHello.\r\n");
        for (var at = 0; at < content.Length; at += 5000) await incoming.WriteAsync(content.AsMemory(at, Math.Min(5000, content.Length - at)), default);
        return await incoming.CommitAsync(submission, default);
    }

    public async Task<QueueId> AcceptAsync(Submission? submission = null, byte[]? content = null)
    {
        var outcome = await SubmitAsync(submission ?? Submission(), content);
        Assert.That(outcome, Is.InstanceOf<CommitOutcome.Committed>());
        return ((CommitOutcome.Committed)outcome).Id;
    }

    public QueuedMessage Take() => Queue.Take((_, _) => true) ?? throw new AssertionException("nothing to take");

    public async Task<QueuedMessage> FindAsync(QueueId id) => await Queue.FindAsync(id, default) ?? throw new AssertionException($"no message {id}");

    public async Task<byte[]?> ContentAsync(QueueId id)
    {
        await using var content = await Queue.OpenContentAsync(id, default);
        if (content is null) return null;
        using var copy = new MemoryStream();
        await content.CopyToAsync(copy);
        return copy.ToArray();
    }

    public async Task<TimelineEvent[]> StoryAsync(QueueId id) => [.. (await Queue.TimelineAsync(id, default)).Select(entry => entry.Event)];

    public static SmtpReply Ok { get; } = new(250, new EnhancedStatus(2, 0, 0), "OK");

    public static DeliveryStatus Sent => new DeliveryStatus.Sent(Ok);

    public static DeliveryStatus Bounced => new DeliveryStatus.Bounced(new EnhancedStatus(5, 1, 1), "No such user.");

    public DeliveryStatus Deferred(TimeSpan wait) => new DeliveryStatus.Deferred(new EnhancedStatus(4, 2, 1), "Busy.", Time.GetUtcNow() + wait);

    public Task<QueuedMessage> SettleAsync(QueuedMessage message, params (string To, DeliveryStatus Status)[] outcomes) =>
        Queue.SettleAsync(new Settlement(message.Id, [.. outcomes.Select(outcome => new RecipientOutcome(Mailbox.Parse(outcome.To), outcome.Status))], []), default);

    /// <summary>As where nobody is to be told by mail.</summary>
    public Task ReportedAsync(QueueId id) => Queue.MarkReportedAsync(id, null, new TimelineEntry(Time.GetUtcNow(), TimelineEvent.Note, "Nobody was told."), default);

    /// <summary>Seconds pass until it is so.</summary>
    public async Task UntilAsync(Func<Task<bool>> condition)
    {
        for (var i = 0; i < 1000; i++)
        {
            if (await condition()) return;
            Time.Advance(TimeSpan.FromSeconds(1));
            await Task.Delay(TimeSpan.FromMilliseconds(10), TimeProvider.System);
        }
        Assert.Fail("it did not come about");
    }

    public string[] ContentFiles() => [.. Directory.EnumerateFiles(Path.Combine(Folder, "content")).Select(path => Path.GetFileName(path)).Order()];

    public async ValueTask DisposeAsync()
    {
        await CloseAsync();
        Directory.Delete(Folder, recursive: true);
    }

    public static void Copy(string from, string to)
    {
        foreach (var folder in Directory.EnumerateDirectories(from, "*", SearchOption.AllDirectories)) Directory.CreateDirectory(Path.Combine(to, Path.GetRelativePath(from, folder)));
        Directory.CreateDirectory(to);
        // The lock is held by us; the next process makes its own.
        foreach (var file in Directory.EnumerateFiles(from, "*", SearchOption.AllDirectories).Where(file => !file.EndsWith(".lock", StringComparison.Ordinal)))
            File.Copy(file, Path.Combine(to, Path.GetRelativePath(from, file)), overwrite: true);
    }
}

/// <summary>Its wall clock can be put right without time passing.</summary>
internal sealed class MovableClock(DateTimeOffset start) : FakeTimeProvider(start)
{
    private TimeSpan offset;

    public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + offset;

    // FakeTimeProvider's own follows the wall.
    public override long GetTimestamp() => base.GetUtcNow().Ticks;

    public void PutTo(DateTimeOffset wall) => offset = wall - base.GetUtcNow();
}

/// <summary>What the queue said, as text.</summary>
internal sealed class CollectedLog : ILogger<MailQueue>
{
    private readonly List<(LogLevel Level, string Text)> lines = [];

    public (LogLevel Level, string Text)[] Lines
    {
        get { lock (lines) return [.. lines]; }
    }

    public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        lock (lines) lines.Add((logLevel, formatter(state, exception) + exception));
    }
}
