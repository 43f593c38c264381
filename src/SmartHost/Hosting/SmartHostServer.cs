using System.Collections;
using System.Net;
using System.Net.Sockets;
using System.Reflection;
using System.Security.Cryptography;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Hosting.Systemd;
using Serilog;
using Serilog.Extensions.Logging;
using SmartHost.Configuration;
using SmartHost.Dashboard;
using SmartHost.Dashboard.Access;
using SmartHost.Devices;
using SmartHost.Gmail.Login;
using SmartHost.History;
using SmartHost.Listener;
using SmartHost.Mail;
using SmartHost.Queue;

namespace SmartHost.Hosting;

/// <summary>
/// The composition root: what the program is made of, what starts in which order, and how it stops.
/// <para>
/// Start: queue (with its recovery) → mail flow (delivery, notices, housekeeping) → listeners and page. So a device is
/// never greeted by a server that could not keep its mail. Stop, the other way round: no new sessions; open
/// transactions finish or hear 421, and meanwhile attempts in flight finish or are abandoned; what waits is committed; the
/// queue closes. Being killed instead loses nothing: that is what the queue is for.
/// </para>
/// </summary>
public sealed class SmartHostServer : IAsyncDisposable
{
    /// <summary>
    /// In which open sessions end: they finish, or hear 421 after five seconds. Attempts in flight have <see cref="Delivery.DeliveryTasks.Grace"/>. The longer of
    /// the two leaves room below the ten seconds after which Docker and most service managers kill.
    /// </summary>
    private static readonly TimeSpan DrainTime = TimeSpan.FromSeconds(7);

    private readonly WebApplication app;
    private readonly MailFlow flow;
    private readonly SmtpServer smtp;
    private readonly SettingsSource settings;
    private bool stopped;

    private SmartHostServer(WebApplication app, MailFlow flow, SmtpServer smtp, SettingsSource settings) =>
        (this.app, this.flow, this.smtp, this.settings) = (app, flow, smtp, settings);

    public static string Version { get; } =
        typeof(SmartHostServer).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? "0";

    public MailQueue Queue => flow.Queue;

    internal MailFlow Flow => flow;

    /// <summary>Where each listener really listens.</summary>
    public IPEndPoint EndpointOf(string listener) => smtp.EndpointOf(listener) ?? throw new ArgumentException($"there is no listener {listener}", nameof(listener));

    /// <summary>Where the page is; null when it is off.</summary>
    public int? PagePort { get; private set; }

    /// <exception cref="StartFailedException">With a sentence: a port is taken, the data folder cannot be used, a certificate cannot be read.</exception>
    public static Task<SmartHostServer> StartAsync(SettingsSource settings, Serilog.ILogger log, TimeProvider time, Random random, CancellationToken cancellation) =>
        StartAsync(settings, log, time, random, AccessTokens.GoogleEndpoint, cancellation);

    /// <param name="tokenEndpoint">Where access tokens come from; tests have their own.</param>
    internal static async Task<SmartHostServer> StartAsync(SettingsSource settings, Serilog.ILogger log, TimeProvider time, Random random, Uri tokenEndpoint, CancellationToken cancellation)
    {
        var loggers = new SerilogLoggerFactory(log);
        var now = settings.Current;
        MailQueue queue;
        try
        {
            queue = await MailQueue.OpenAsync(now.Queue, now.Delivery.Lifetime, time, random, loggers.CreateLogger<MailQueue>(), cancellation);
        }
        catch (QueueUnavailableException failure)
        {
            throw new StartFailedException(failure.Message, failure);
        }

        SmtpServer? smtp = null;
        MailFlow? flow = null;
        WebApplication? app = null;
        try
        {
            var mailLog = new MailLog(loggers.CreateLogger<MailLog>());
            var meters = new Meters();
            var unknown = new UnknownDevices();
            var sightings = new Sightings();
            foreach (var (device, at) in await queue.LastReceivedAsync(cancellation)) sightings.Accepted(device, at);
            var bridge = new DockerBridge(sightings, () => settings.Current.Devices, DockerBridge.OwnGateway);
            flow = new MailFlow(settings, queue, unknown, bridge, meters, mailLog, loggers, time, random, tokenEndpoint);
            smtp = new SmtpServer(
                queue, unknown, () => settings.Current.Devices, () => settings.Current.Limits, () => settings.Current.TraceClients,
                now.Hostname, now.DataFolder, time, mailLog, meters, sightings, loggers);
            app = Build(now, log, smtp, time);
            await AddPageAsync(app, flow, new PageSources(flow, unknown, sightings, bridge, Version, time), loggers.CreateLogger<SmartHostServer>(), time, cancellation);
            flow.Start();
            await app.StartAsync(cancellation);
            var server = new SmartHostServer(app, flow, smtp, settings) { PagePort = now.Dashboard.Off ? null : now.Dashboard.Port };
            server.Announce(loggers.CreateLogger<SmartHostServer>());
            return server;
        }
        catch (Exception failure)
        {
            if (app is not null) await app.DisposeAsync();
            smtp?.Dispose();
            if (flow is not null) await flow.DisposeAsync();
            await queue.DisposeAsync();
            if (Sentence(failure, now) is { } sentence) throw new StartFailedException(sentence, failure);
            throw;
        }
    }

    /// <summary>Serves until told to stop: by a signal, the service manager, <paramref name="cancellation"/>, or a part that failed.</summary>
    /// <returns>True: as asked. False: a part failed.</returns>
    public async Task<bool> RunAsync(CancellationToken cancellation)
    {
        using var asked = CancellationTokenSource.CreateLinkedTokenSource(cancellation, app.Lifetime.ApplicationStopping);
        var signal = new TaskCompletionSource();
        await using (asked.Token.Register(() => signal.TrySetResult()))
        {
            var first = await Task.WhenAny(signal.Task, flow.Failed);
            await StopAsync();
            return first != flow.Failed;
        }
    }

    /// <summary>See the type: listeners, flow, queue. A second call does nothing.</summary>
    public async Task StopAsync()
    {
        if (stopped) return;
        stopped = true;
        // Side by side: a device in mid-message and an attempt that stalls would take fifteen seconds one after the other.
        var delivered = flow.StopDeliveryAsync();
        using (var drained = new CancellationTokenSource(DrainTime)) await app.StopAsync(drained.Token);
        await delivered;
        await flow.DisposeAsync();
        await flow.Queue.DisposeAsync();
        smtp.Dispose();
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        await app.DisposeAsync();
    }

    private static WebApplication Build(SmartHostSettings settings, Serilog.ILogger log, SmtpServer smtp, TimeProvider time)
    {
        // An empty builder: the settings are SettingsSource's alone. The others would read ports from the environment (.NET's images name
        // one) and watch the current folder with all that is below it for an appsettings.json, the queue's every write included.
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        // OpenTelemetry alone is set up by the environment, as its specification wants.
        builder.Configuration.AddInMemoryCollection(Environment.GetEnvironmentVariables().Cast<DictionaryEntry>()
            .Where(variable => variable.Key is string name && name.StartsWith("OTEL_", StringComparison.Ordinal))
            .Select(variable => KeyValuePair.Create((string)variable.Key, (string?)variable.Value)));
        builder.Services.AddSerilog(log);
        // Not AddSystemd: it asks /proc whether systemd is the parent, which ProtectProc= hides, and systemd would wait in vain.
        if (Environment.GetEnvironmentVariable("NOTIFY_SOCKET") is { Length: > 0 })
            builder.Services.AddSingleton<ISystemdNotifier, SystemdNotifier>().AddSingleton<IHostLifetime, SystemdLifetime>();
        if (OperatingSystem.IsWindows()) builder.Services.AddWindowsService(); // asked, so that the others' binaries go without its event log
        builder.Services.Configure<HostOptions>(options => options.ShutdownTimeout = DrainTime);
        builder.Services.Configure<SocketTransportOptions>(SmtpServer.Tune);
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            foreach (var listener in settings.Listeners) smtp.Listen(kestrel, listener);
            kestrel.ListenControlSocket(settings.DataFolder);
            if (settings.Dashboard.Off) return;
            var connections = new PageConnections(time, log);
            // ListenAnyIP falls back to IPv4 where there is no IPv6.
            if (settings.Dashboard.Address.Equals(IPAddress.IPv6Any)) kestrel.ListenAnyIP(settings.Dashboard.Port, connections.Guard);
            else kestrel.Listen(settings.Dashboard.Address, settings.Dashboard.Port, connections.Guard);
        });
        builder.Services.AddDashboard(Environment.GetEnvironmentVariable("OTEL_EXPORTER_OTLP_ENDPOINT"));
        return builder.Build();
    }

    /// <summary>The API is there without the page, too: the command line asks it over the control socket.</summary>
    private static async Task AddPageAsync(WebApplication app, MailFlow flow, PageSources sources, ILogger<SmartHostServer> logger, TimeProvider time, CancellationToken cancellation)
    {
        var settings = flow.Settings;
        var made = settings.Current.Dashboard.Off
            ? new Secret(RandomNumberGenerator.GetHexString(32))
            : await DashboardPassword.ReadOrMakeAsync(settings.Current.Dashboard.Password, settings.Current.DataFolder, logger, cancellation);
        Secret Password() => settings.Current.Dashboard.Password ?? made;
        var sessions = await SessionTokens.OpenAsync(flow.Queue, Password, time, cancellation);
        app.UseDashboard(() => settings.Current.Dashboard, sources.Create(), Password, sessions, time);
    }

    private void Announce(ILogger<SmartHostServer> logger)
    {
        foreach (var listener in settings.Current.Listeners)
            logger.LogInformation("listening for devices on {Endpoint} ({Listener}, tls: {Tls})", EndpointOf(listener.Name), listener.Name, listener.Tls.ToString().ToLowerInvariant());
        if (!settings.Current.Dashboard.Off) logger.LogInformation("the page is on {Page}", PageAddress(settings.Current.Dashboard));
        if (Checkup.NobodyIsTold(settings.Current.Alerts) is { } deaf) logger.LogWarning("{Text} {Remedy}", deaf.Text, deaf.Remedy);
        var counts = flow.Queue.Counts();
        logger.LogInformation("SmartHost {Version} is ready: {Devices} device(s), {Accounts} account(s), {Waiting} message(s) waiting",
            Version, settings.Current.Devices.Devices.Count, settings.Current.Accounts.Count, counts.Waiting);
    }

    /// <summary>Behind Docker's bridge our own address is nobody else's, but a published port is at the host's localhost.</summary>
    private static string PageAddress(DashboardSettings page) => page.Address.Equals(IPAddress.IPv6Any) || page.Address.Equals(IPAddress.Any)
        ? $"http://{PageSources.OwnAddress() ?? "localhost"}:{page.Port} (on this machine: http://localhost:{page.Port})"
        : $"http://{new IPEndPoint(page.Address, page.Port)}";

    /// <summary>What went wrong at start, in words; null: nothing we know, so a bug.</summary>
    private static string? Sentence(Exception failure, SmartHostSettings settings) => failure switch
    {
        CertificateUnavailableException known => known.Message,
        DashboardUnavailableException known => known.Message,
        SocketException or IOException { InnerException: AddressInUseException or SocketException } => PortSentence(settings)
            ?? $"A port, or the control socket in the data folder {settings.DataFolder}, cannot be opened: {failure.Message.TrimEnd('.')}. Is the folder on a network share? Then give it one on a disk.",
        _ => null,
    };

    /// <summary>Kestrel names the endpoint in words or not at all, and its owner knows it by the setting: each is tried once more.</summary>
    private static string? PortSentence(SmartHostSettings settings)
    {
        var ports = settings.Listeners.Select(listener => (listener.Address, listener.Port, Group: $"listeners.{listener.Name}"));
        if (!settings.Dashboard.Off) ports = ports.Append((settings.Dashboard.Address, settings.Dashboard.Port, "dashboard"));
        return ports.Select(port => PortCheck.TroubleOf(port.Address, port.Port, port.Group) is { } trouble ? $"Port {port.Port} ({port.Group}): {trouble.What} {trouble.Remedy}" : null).FirstOrDefault(sentence => sentence is not null);
    }
}
