using Microsoft.Extensions.Logging;
using SmartHost.History;
using SmartHost.Mail;
using SmartHost.Notices;
using SmartHost.Queue;
using SmartHost.Tests.Queue;

namespace SmartHost.Tests.Notices;

/// <summary>Alerts on a real queue with a webhook that answers as told; the loop is turned by hand, so that nothing is waited for.</summary>
internal sealed class AlertsBench : IAsyncDisposable
{
    private readonly HttpClient http;
    private readonly Meters meters = new();

    private AlertsBench(QueueBench queue)
    {
        QueueBench = queue;
        http = new HttpClient(Receiver);
    }

    public QueueBench QueueBench { get; }

    public AlertSettings Settings { get; set; } = new() { Webhook = new Secret("https://hooks.example.com/s3cr3t"), Format = WebhookFormat.Mattermost };

    public Receiver Receiver { get; } = new();

    public CollectedLines Log { get; } = new();

    public Alerts Alerts { get; private set; } = null!;

    public static async Task<AlertsBench> OpenAsync(AlertSettings? settings = null)
    {
        var bench = new AlertsBench(await QueueBench.OpenAsync());
        if (settings is not null) bench.Settings = settings;
        bench.Make();
        return bench;
    }

    /// <summary>As a restarted process would: new alerts on the same folder.</summary>
    public async Task RestartAsync()
    {
        await QueueBench.ReopenAsync();
        Make();
    }

    public Task<TimeSpan> TurnAsync() => Alerts.TurnAsync(default);

    public async Task RaiseAsync(Alert alert)
    {
        Alerts.Raise(alert);
        await TurnAsync();
    }

    public async Task<TimeSpan> AdvanceAsync(TimeSpan by)
    {
        QueueBench.Time.Advance(by);
        return await TurnAsync();
    }

    public Task<IReadOnlyList<QueuedMessage>> MailAsync() => QueueBench.Queue.SearchAsync(new MessageSearch(Device: LocalMail.Device), default);

    public async ValueTask DisposeAsync()
    {
        await QueueBench.DisposeAsync();
        http.Dispose();
        meters.Dispose();
    }

    private void Make()
    {
        var time = QueueBench.Time;
        Alerts = new Alerts(() => Settings, QueueBench.Queue, new LocalMail(QueueBench.Queue, "nas.lan", time), new Webhook(http, time), "nas.lan", new MailLog(Log), meters, time);
    }
}

/// <summary>What was logged, as text.</summary>
internal sealed class CollectedLines : ILogger<MailLog>
{
    private readonly List<string> lines = [];

    public string[] Lines
    {
        get { lock (lines) return [.. lines]; }
    }

    public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        lock (lines) lines.Add(formatter(state, exception) + exception);
    }
}

/// <summary>The webhook's other side.</summary>
internal sealed class Receiver : HttpMessageHandler
{
    private readonly List<string> heard = [];

    public Func<int, HttpResponseMessage> Answer { get; set; } = _ => new HttpResponseMessage(System.Net.HttpStatusCode.OK);

    public IReadOnlyList<string> Bodies
    {
        get { lock (heard) return [.. heard]; }
    }

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var body = await request.Content!.ReadAsStringAsync(cancellationToken);
        int number;
        lock (heard)
        {
            heard.Add(body);
            number = heard.Count;
        }
        return Answer(number);
    }
}
