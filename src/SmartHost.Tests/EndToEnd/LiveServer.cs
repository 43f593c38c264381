using Serilog;
using SmartHost.Configuration;
using SmartHost.Delivery;
using SmartHost.Hosting;
using SmartHost.Practice;

namespace SmartHost.Tests.EndToEnd;

/// <summary>The whole program within the test: real settings file, real ports, real queue, and the practice Gmail behind it.</summary>
internal sealed class LiveServer : IAsyncDisposable
{
    /// <summary>Nobody listens there: no test asks Google.</summary>
    private static readonly Uri NoTokens = new("http://127.0.0.1:9/token");

    private readonly TemporaryFolder folder;
    private readonly Serilog.Core.Logger silent = new LoggerConfiguration().CreateLogger();

    private LiveServer(TemporaryFolder folder, PracticeGmail gmail) => (this.folder, Gmail) = (folder, gmail);

    /// <summary>The page's, where a test asked for a page.</summary>
    public const string PagePassword = "correct-horse-battery", PageToken = "token-for-scripts";

    public PracticeGmail Gmail { get; }

    public SmartHostServer Server { get; private set; } = null!;

    public string ConfigFile { get; private set; } = "";

    public int Port => Server.EndpointOf("lan").Port;

    public Uri Page => new($"http://127.0.0.1:{Server.PagePort}/");

    public string File(string name) => folder.File(name);

    /// <param name="edit">Of the settings file: <see cref="RunningServer.WriteConfig"/> shows what it gets.</param>
    /// <param name="page">Opens the page, at <see cref="Page"/>.</param>
    /// <param name="time">The server's clock; Gmail's is the real one.</param>
    /// <param name="tokenEndpoint">In Google's place.</param>
    public static async Task<LiveServer> StartAsync(
        CancellationToken cancellation, PracticeSettings? gmail = null, Func<string, string>? edit = null, string more = "",
        bool page = false, TimeProvider? time = null, Serilog.ILogger? log = null, Uri? tokenEndpoint = null)
    {
        var live = new LiveServer(new TemporaryFolder(), await PracticeGmail.StartAsync(gmail ?? new PracticeSettings(), TimeProvider.System));
        live.ConfigFile = RunningServer.WriteConfig(live.folder.Path, RunningServer.FreePort(), live.Gmail, more: more);
        if (page) live.Edit(yaml => yaml.Replace("{ off: true }", $"{{ port: {RunningServer.FreePort()}, address: 127.0.0.1, password: {PagePassword}, token: {PageToken} }}"));
        if (edit is not null) live.Edit(edit);
        var read = SettingsReader.Read(live.ConfigFile, new Dictionary<string, string>());
        Assert.That(read.Settings, Is.Not.Null, ProblemText.Format(read.Problems));
        var source = new SettingsSource(live.ConfigFile, new Dictionary<string, string>(), read);
        live.Server = await SmartHostServer.StartAsync(source, log ?? live.silent, time ?? TimeProvider.System, new Random(1), tokenEndpoint ?? NoTokens, cancellation);
        await WaitAsync(() => !live.Server.Flow.Delivery.State.IsStarting, cancellation);
        return live;
    }

    /// <summary>Changes the settings file, as its owner does while the server runs.</summary>
    public void Edit(Func<string, string> edit) => System.IO.File.WriteAllText(ConfigFile, edit(System.IO.File.ReadAllText(ConfigFile)));

    /// <summary>Whoever has the page's token. Without redirects.</summary>
    public HttpClient Script()
    {
        var client = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, UseProxy = false, UseCookies = false }) { BaseAddress = Page };
        client.DefaultRequestHeaders.Authorization = new("Bearer", PageToken);
        return client;
    }

    public Task<DeviceConversation> PlayAsync(byte[] content, string[] recipients, CancellationToken cancellation) =>
        new PracticeDevice(TimeProvider.System, TimeSpan.FromSeconds(20)).PlayAsync("127.0.0.1", Port,
        [
            DeviceTurn.Command("HELO device"), DeviceTurn.Command("MAIL FROM:<scanner@device.lan>"),
            .. recipients.Select(recipient => DeviceTurn.Command($"RCPT TO:<{recipient}>")),
            DeviceTurn.Command("DATA"), DeviceTurn.Message(content), DeviceTurn.Command("QUIT"),
        ], cancellation);

    public Task WaitForHealthAsync(AccountHealth health, CancellationToken cancellation) =>
        WaitAsync(() => Server.Flow.Delivery.State.Accounts is [{ } account, ..] && account.Health == health, cancellation);

    public static async Task WaitAsync(Func<bool> condition, CancellationToken cancellation)
    {
        while (!condition()) await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, cancellation);
    }

    public async ValueTask DisposeAsync()
    {
        Gmail.Script.Clear();
        if (Server is not null) await Server.DisposeAsync();
        await Gmail.DisposeAsync();
        await silent.DisposeAsync();
        folder.Dispose();
    }
}
