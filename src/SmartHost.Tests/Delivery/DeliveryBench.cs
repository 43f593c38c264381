using System.Text;
using Microsoft.Extensions.Time.Testing;
using SmartHost.Delivery;
using SmartHost.Gmail;
using SmartHost.Gmail.Login;
using SmartHost.History;
using SmartHost.Mail;
using SmartHost.Notices;
using SmartHost.Practice;
using SmartHost.Queue;
using SmartHost.Tests.Notices;
using SmartHost.Tests.Queue;

namespace SmartHost.Tests.Delivery;

/// <summary>
/// The whole of delivery against the practice Gmail and a real queue, by a clock that stands still until a test moves it.
/// What is waited for is always a condition; the thirty seconds are only for a test that is wrong.
/// </summary>
internal sealed class DeliveryBench : IAsyncDisposable
{
    public const string Password = "abcdefghijklmnop";
    public static readonly Mailbox You = Mailbox.Parse("you@gmail.com"), Other = Mailbox.Parse("other@gmail.com");
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly CancellationTokenSource tooLong = new(Patience, TimeProvider.System);
    private readonly HttpClient http;
    private readonly Meters meters = new();
    private CancellationTokenSource stop = new();
    private Task running = Task.CompletedTask;

    private DeliveryBench(QueueBench queue, PracticeGmail gmail)
    {
        (QueueBench, Gmail) = (queue, gmail);
        http = new HttpClient(Webhook);
        Connector = () => new GmailConnector(Time);
        Accounts = [Account("default", You)];
    }

    public QueueBench QueueBench { get; }

    public PracticeGmail Gmail { get; }

    public MailQueue Queue => QueueBench.Queue;

    public FakeTimeProvider Time => QueueBench.Time;

    public CollectedLines Log { get; } = new();

    public Receiver Webhook { get; } = new();

    public List<AccountSettings> Accounts { get; set; }

    /// <summary>Without pacing, so that nothing waits for the clock where a test does not mean it to.</summary>
    public DeliverySettings Settings { get; set; } = new() { Pace = TimeSpan.Zero };

    /// <summary>How connections are made; tests may lead Gmail's own ports here.</summary>
    public Func<GmailConnector> Connector { get; set; }

    public AlertSettings AlertSettings { get; set; } = new();

    public DeliveryLoop Loop { get; private set; } = null!;

    public Alerts Alerts { get; private set; } = null!;

    public ReportWriter Reports { get; private set; } = null!;

    public CancellationToken TooLong => tooLong.Token;

    public AccountState State(string account = "default") => Loop.State.Accounts.Single(one => one.Name == account);

    /// <param name="way">By which content travels: BDAT, as Gmail offers it, or DATA.</param>
    /// <param name="gmail">Another Gmail than the usual one with two accounts.</param>
    public static async Task<DeliveryBench> OpenAsync(string way = "BDAT", PracticeSettings? gmail = null)
    {
        var queue = await QueueBench.OpenAsync();
        var settings = gmail ?? new PracticeSettings
        {
            Accounts = [new PracticeAccount(You, new Secret(Password)), new PracticeAccount(Other, new Secret(Password))],
        };
        if (way == "DATA") settings = settings with { Extensions = [.. settings.Extensions.Where(keyword => keyword != "CHUNKING")] };
        return new DeliveryBench(queue, await PracticeGmail.StartAsync(settings, queue.Time));
    }

    public AccountSettings Account(string name, Mailbox username, string password = Password) => new()
    {
        Name = name, Username = username, Credentials = new AccountCredentials.AppPassword(new Secret(password)),
        Host = Gmail.Host, Port = Gmail.Port, CaFile = Gmail.CaFile,
    };

    public void Start()
    {
        var log = new MailLog(Log);
        var mail = new LocalMail(Queue, "nas.lan", Time);
        Alerts = new Alerts(() => AlertSettings, Queue, mail, new Webhook(http, Time), "nas.lan", log, meters, Time);
        Reports = new ReportWriter(Queue, mail, _ => null, () => AlertSettings, "nas.lan", log, Time);
        Loop = new DeliveryLoop(Queue, Connector(), () => [.. Accounts], () => Settings, () => AlertSettings, _ => null, Alerts, Reports, log, meters, Time, new RetryScheduleTests.NoJitter());
        stop = new CancellationTokenSource();
        running = Loop.RunAsync(stop.Token);
    }

    /// <summary>Asks it to stop; returns what ends with it.</summary>
    public async Task<Task> BeginStopAsync()
    {
        await stop.CancelAsync();
        return running;
    }

    public async Task StopAsync()
    {
        await stop.CancelAsync();
        await running.WaitAsync(Patience, TimeProvider.System);
        Loop?.Dispose();
        stop.Dispose();
    }

    public async Task RestartAsync()
    {
        await StopAsync();
        await QueueBench.ReopenAsync();
        Start();
    }

    public Task<QueueId> AcceptAsync(string device = "scanner", Lane lane = Lane.Normal, string? account = null, string[]? to = null, string? content = null) =>
        AcceptAsync(device, lane, account, to, Encoding.ASCII.GetBytes(content ?? $"Received: from printer\r\nSubject: {device}\r\n\r\nHello.\r\n"));

    public async Task<QueueId> AcceptAsync(string device, Lane lane, string? account, string[]? to, byte[] content) =>
        await QueueBench.AcceptAsync(QueueBench.Submission(device, lane, account, to ?? ["ann@example.com"]), content);

    public async Task<QueuedMessage> FindAsync(QueueId id) => await QueueBench.FindAsync(id);

    public Task PausedAsync() => UntilAsync(() => Loop.State.Accounts is [{ Health: AccountHealth.Paused }, ..], "the pause");

    public async Task<QueuedMessage> DoneAsync(QueueId id) => await StateAsync(id, MessageState.Done);

    public async Task<QueuedMessage> StateAsync(QueueId id, MessageState state)
    {
        await UntilAsync(async () => (await FindAsync(id)).State == state, $"{id} to be {state}");
        return await FindAsync(id);
    }

    public Task UntilAsync(Func<bool> condition, string what) => UntilAsync(() => Task.FromResult(condition()), what);

    public async Task UntilAsync(Func<Task<bool>> condition, string what)
    {
        while (!await condition())
        {
            if (TooLong.IsCancellationRequested) Assert.Fail(Story(what));
            await Task.Delay(TimeSpan.FromMilliseconds(2), TimeProvider.System);
        }
    }

    /// <summary>
    /// Moves the clock step by step until it is so. Not while something is on the wire: an hour that passes in the middle of
    /// a conversation is Gmail's silence to it.
    /// </summary>
    public async Task AdvanceUntilAsync(TimeSpan step, Func<Task<bool>> condition, string what)
    {
        await RestAsync();
        while (!await condition())
        {
            if (TooLong.IsCancellationRequested) Assert.Fail(Story(what));
            Time.Advance(step);
            await RestAsync();
        }
    }

    /// <summary>
    /// Until all that is due now was tried and its result is written. The queue's own notes are waited for, too: where the
    /// clock was put back, what waits is due sooner once that is on disk, and only then can it be tried.
    /// </summary>
    public async Task RestAsync()
    {
        try
        {
            await Loop.RestAsync().WaitAsync(TooLong);
            await Queue.PutStateAsync("bench", "rest", null, TooLong).WaitAsync(TooLong);
            await Loop.RestAsync().WaitAsync(TooLong);
        }
        catch (OperationCanceledException)
        {
            Assert.Fail(Story("delivery to come to rest"));
        }
    }

    private string Story(string what) => $"""
        waited too long for {what}.
        State: {string.Join("; ", Loop.State.Accounts)}
        Heard: {string.Join(" | ", Gmail.Commands.TakeLast(12).Select(heard => $"{heard.Connection} {heard.Text}"))}
        Log:
        {string.Join('\n', Log.Lines)}
        """;

    /// <summary>Moves the clock though something is on the wire.</summary>
    public async Task AdvanceAnywayUntilAsync(TimeSpan step, Func<bool> condition, string what)
    {
        while (!condition())
        {
            if (TooLong.IsCancellationRequested) Assert.Fail($"waited too long for {what}");
            Time.Advance(step);
            await Task.Delay(TimeSpan.FromMilliseconds(3), TimeProvider.System);
        }
    }

    /// <summary>Moves the clock over a span in steps.</summary>
    public async Task AdvanceAsync(TimeSpan span, TimeSpan step)
    {
        var end = Time.GetUtcNow() + span;
        await AdvanceUntilAsync(step, () => Task.FromResult(Time.GetUtcNow() >= end), "the clock");
    }

    public int Heard(string command) => Gmail.Commands.Count(heard => heard.Text.StartsWith(command, StringComparison.OrdinalIgnoreCase));

    public async ValueTask DisposeAsync()
    {
        Gmail.Script.Clear();
        await StopAsync();
        await Gmail.DisposeAsync();
        await QueueBench.DisposeAsync();
        http.Dispose();
        meters.Dispose();
        tooLong.Dispose();
    }
}
