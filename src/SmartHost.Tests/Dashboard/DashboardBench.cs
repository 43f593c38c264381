using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using SmartHost.Dashboard;
using SmartHost.Dashboard.Access;
using SmartHost.Delivery;
using SmartHost.Devices;
using SmartHost.History;
using SmartHost.Hosting;
using SmartHost.Mail;
using SmartHost.Notices;
using SmartHost.Queue;
using SmartHost.Tests.Queue;

namespace SmartHost.Tests.Dashboard;

/// <summary>
/// The dashboard on a real Kestrel at a loopback port and on a control socket, over a real queue in a folder of its own. What
/// the other folders would tell is set by the test; what the page asks of them is done to lists that a test can look at.
/// </summary>
internal sealed class DashboardBench : IAsyncDisposable
{
    public const string Password = "correct-horse-battery", Token = "token-for-scripts";
    private readonly WebApplication app;
    private readonly Meters meters;

    private DashboardBench(QueueBench queue, WebApplication app, Meters meters) => (Mail, this.app, this.meters) = (queue, app, meters);

    public QueueBench Mail { get; }

    public FakeTimeProvider Time => Mail.Time;

    public DashboardSettings Settings { get; set; } = new() { Token = new Secret(Token) };

    public Secret PasswordNow { get; set; } = new(Password);

    public List<AccountState> Accounts { get; } = [Healthy];

    public List<AlertStanding> Troubles { get; } = [];

    public List<AlertDelivery> Deliveries { get; } = [];

    public List<DeviceView> Devices { get; } = [];

    public UnknownDevices Unknown { get; } = new();

    public List<string> SettingsProblems { get; } = [];

    public List<string> AfterRestart { get; } = [];

    public BridgeWarning? Bridge { get; set; }

    /// <summary>Null: as <see cref="Bridge"/>.</summary>
    public BridgeWarning? Gateway { get; set; }

    public List<AllowRequest> Allowed { get; } = [];

    public List<string> Tried { get; } = [];

    public CheckLine[] CheckLines { get; set; } = [];

    /// <summary>What the server logged.</summary>
    public CollectedLines Log { get; } = new();

    public Uri Address { get; private set; } = null!;

    public string ControlSocketPath => ControlSocket.PathIn(Mail.Folder);

    public static AccountState Healthy { get; } = new("default", Mailbox.Parse("you@gmail.com"), AccountHealth.Healthy, "Healthy.", null, null, null, null, false,
        new Allowance(Messages: 31, Recipients: 42, DailyMessages: 500, DailyRecipients: 500), Connections: 1, Sending: 0, Connecting: false, TimeSpan.Zero, "587");

    public static AccountState AllButUrgentSpent { get; } = Healthy with { Allowance = Healthy.Allowance with { Recipients = 463 } };

    public static async Task<DashboardBench> StartAsync(Func<DashboardSettings, DashboardSettings>? settings = null, QueueSettings? queueSettings = null, QueueBench? queue = null)
    {
        queue ??= await QueueBench.OpenAsync(queueSettings);
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.Listen(IPAddress.Loopback, 0);
            kestrel.ListenControlSocket(queue.Folder);
        });
        builder.Services.AddDashboard();
        var meters = new Meters();
        var app = builder.Build();
        var bench = new DashboardBench(queue, app, meters);
        app.Services.GetRequiredService<ILoggerFactory>().AddProvider(bench.Log);
        if (settings is not null) bench.Settings = settings(bench.Settings);
        var sessions = await SessionTokens.OpenAsync(queue.Queue, () => bench.PasswordNow, queue.Time, default);
        app.UseDashboard(() => bench.Settings, bench.Sources(), () => bench.PasswordNow, sessions, queue.Time);
        await app.StartAsync();
        var addresses = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses;
        bench.Address = new Uri(addresses.First(address => address.StartsWith("http://127.", StringComparison.Ordinal)));
        return bench;
    }

    public Meters Meters => meters;

    /// <summary>Says that a stop is near; the port stays open until the bench is disposed of.</summary>
    public void BeginStop() => app.Lifetime.StopApplication();

    /// <summary>Every route, as <c>get /api/v1/overview</c>; without those that catch what no other takes.</summary>
    public IEnumerable<string> Routes =>
        from endpoint in app.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()
        let pattern = endpoint.RoutePattern.RawText!
        where !pattern.Contains("{**") && !pattern.Contains("{*")
        from method in endpoint.Metadata.GetMetadata<HttpMethodMetadata>()?.HttpMethods ?? ["GET"]
        select $"{method.ToLowerInvariant()} {pattern}";

    /// <summary>Without redirects and without a memory for cookies, so that a test sees each answer and says what it sends.</summary>
    public HttpClient Visitor() => new(new SocketsHttpHandler { AllowAutoRedirect = false, UseProxy = false, UseCookies = false }) { BaseAddress = Address };

    public HttpClient Script()
    {
        var client = Visitor();
        client.DefaultRequestHeaders.Authorization = new("Bearer", Token);
        return client;
    }

    public HttpClient CommandLine() => new(new SocketsHttpHandler
    {
        UseProxy = false,
        ConnectCallback = async (_, cancellation) =>
        {
            var socket = new System.Net.Sockets.Socket(System.Net.Sockets.AddressFamily.Unix, System.Net.Sockets.SocketType.Stream, System.Net.Sockets.ProtocolType.Unspecified);
            await socket.ConnectAsync(new System.Net.Sockets.UnixDomainSocketEndPoint(ControlSocketPath), cancellation);
            return new System.Net.Sockets.NetworkStream(socket, ownsSocket: true);
        },
    })
    { BaseAddress = new Uri("http://localhost/") };

    /// <summary>A browser that has signed in, and the CSRF token its forms carry.</summary>
    public async Task<(HttpClient Client, string Csrf)> SignInAsync()
    {
        var client = Visitor();
        using var answer = await client.PostAsync("/sign-in", Form(("password", Password)));
        Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.SeeOther));
        client.DefaultRequestHeaders.Add("Cookie", answer.Headers.GetValues("Set-Cookie").Single().Split(';')[0]);
        var page = await client.GetStringAsync("/");
        var csrf = System.Text.RegularExpressions.Regex.Match(page, "name=\"csrf\" value=\"([^\"]+)\"").Groups[1].Value;
        Assert.That(csrf, Is.Not.Empty);
        return (client, csrf);
    }

    public static FormUrlEncodedContent Form(params (string Name, string Value)[] fields) => new(fields.Select(field => KeyValuePair.Create(field.Name, field.Value)));

    /// <summary>One of everything, so that every meter has something to show.</summary>
    public void CountEverything()
    {
        Meters.Accepted("scanner", 1);
        Meters.Refused("size", "scanner");
        Meters.SessionStarted("lan");
        Meters.Attempt("default");
        Meters.Connection("default", opened: true);
        Meters.Sent("default", "normal", TimeSpan.FromSeconds(1));
        Meters.Deferred("default");
        Meters.Bounced("default");
        Meters.Parked("default");
        Meters.Alert("webhook", delivered: true);
        Meters.ObserveQueue(() => [("urgent", 0), ("held", 0)], () => 0, () => 0);
        Meters.ObserveAccounts(() => [new AccountReading("default", Paused: false, AllowanceUsed: 0.1, Connections: 1)]);
    }

    public Device AddDevice(string name, string address, bool editable = true, Device? like = null)
    {
        var device = (like ?? new Device { Name = name, Recipients = AddressPatterns.Parse(["you@gmail.com"], []) }) with { Name = name, Addresses = [IPNetwork.Parse(address)] };
        Devices.Add(new DeviceView(device, editable, Time.GetUtcNow().AddMinutes(-4), null, null));
        return device;
    }

    /// <summary>One refused try.</summary>
    public void Knock(string address, string helo = "KM-C258", string sender = "scan@office.lan", string? recipient = "you@gmail.com") =>
        Unknown.Remember(new UnknownAttempt(IPAddress.Parse(address), helo, null, new ReversePath(Box(sender)), recipient is null ? null : Box(recipient), Time.GetUtcNow()));

    public async ValueTask DisposeAsync()
    {
        await app.DisposeAsync();
        meters.Dispose();
        await Mail.DisposeAsync();
    }

    private static Mailbox Box(string text) => SmartHost.Mail.Mailbox.Parse(text);

    private DashboardSources Sources() => new()
    {
        Queue = Mail.Queue,
        Version = SmartHostServer.Version,
        StartedAt = QueueBench.Start,
        ListensAt = machine => [$"{machine ?? "192.168.1.10"} port 2525"],
        Delivery = () => new DeliveryState([.. Accounts]),
        Alerts = () => new AlertsSnapshot([.. Troubles], [.. Deliveries]),
        Devices = () => [.. Devices],
        UnknownDevices = Unknown.Snapshot,
        Allow = (request, _) =>
        {
            Allowed.Add(request);
            Devices.Add(new DeviceView(DeviceOf(request), Editable: true, null, null, null));
            foreach (var address in request.Addresses.Where(text => IPAddress.TryParse(text, out var _))) Unknown.Forget(IPAddress.Parse(address));
            return Task.FromResult<string?>(null);
        },
        Update = (request, _) =>
        {
            var index = Devices.FindIndex(one => one.Device.Name == request.Name);
            Devices[index] = Devices[index] with { Device = DeviceOf(request) };
            return Task.FromResult<string?>(null);
        },
        Forget = (name, _) =>
        {
            Devices.RemoveAll(one => one.Device.Name == name);
            return Task.FromResult<string?>(null);
        },
        ForgetUnknown = address => Unknown.Forget(address),
        TryAccount = Tried.Add,
        ProveLogins = _ => Task.FromResult<IReadOnlyList<SmartHost.Dashboard.Api.LoginReply>>([]),
        Check = _ => CheckLines.ToAsyncEnumerable(),
        SendTest = async (request, _) => request.To == "nobody@example.com"
            ? new SendTestResult(null, "The queue takes no mail: the disk is full.")
            : new SendTestResult(await Mail.AcceptAsync(QueueBench.Submission("smarthost", to: [request.To ?? "you@gmail.com"], subject: "A test message")), null),
        SettingsProblems = () => [.. SettingsProblems],
        AfterRestart = () => [.. AfterRestart],
        Bridge = () => Bridge,
        Gateway = () => Gateway ?? Bridge,
    };

    private static Device DeviceOf(AllowRequest request) => new()
    {
        Name = request.Name,
        Addresses = [.. request.Addresses.Select(text => ClientNetwork.TryParse(text, out var network) ? network : throw new AssertionException(text))],
        Recipients = AddressPatterns.Parse(request.Recipients, []),
        Priority = request.Priority,
        PerHour = request.PerHour,
        PerDay = request.PerDay,
        Account = request.Account,
    };
}

/// <summary>All that the server logged, as text.</summary>
internal sealed class CollectedLines : ILoggerProvider
{
    private readonly List<string> lines = [];

    public string[] Lines
    {
        get { lock (lines) return [.. lines]; }
    }

    public ILogger CreateLogger(string categoryName) => new Logger(this);

    public void Dispose() { }

    private sealed class Logger(CollectedLines owner) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            lock (owner.lines) owner.lines.Add($"{logLevel} {formatter(state, exception)} {exception}");
        }
    }
}
