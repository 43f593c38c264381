using System.Net;
using System.Security.Cryptography;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;
using SmartHost.Devices;
using SmartHost.History;
using SmartHost.Listener;
using SmartHost.Mail;
using SmartHost.Queue;

namespace SmartHost.Tests.Listener;

/// <summary>
/// The real listener on a real loopback socket before the real queue in a folder of its own. Only the clock is ours.
/// Its devices: <c>scanner</c> at 127.0.0.1, which may write to anyone at example.com, and <c>shop</c>, which logs in as
/// shop with the password secret.
/// </summary>
internal sealed class TestListener : IAsyncDisposable
{
    private static readonly Lazy<string> ShopHash = new(() =>
    {
        using var random = RandomNumberGenerator.Create();
        return PasswordHash.Create("secret", random, iterations: 10_000);
    });

    /// <summary>Made once: the key takes longer than all the rest of a test.</summary>
    private static readonly Lazy<IReadOnlyDictionary<string, string>> Certificate = new(() =>
    {
        var folder = Directory.CreateTempSubdirectory("smarthost-certificate-").FullName;
        using var certificates = new Certificates(folder, "smarthost.test", TimeProvider.System, NullLogger<Certificates>.Instance);
        certificates.Prepare(new ListenerSettings { Name = "test", Port = 0 });
        var files = Directory.GetFiles(folder).ToDictionary(path => Path.GetFileName(path), File.ReadAllText);
        Directory.Delete(folder, recursive: true);
        return files;
    });

    private readonly KestrelServer kestrel;

    private TestListener(KestrelServer kestrel) => this.kestrel = kestrel;

    public required string Folder { get; init; }

    public required FakeTimeProvider Time { get; init; }

    public required MailQueue Queue { get; init; }

    public required SmtpServer Server { get; init; }

    public required UnknownDevices UnknownDevices { get; init; }

    public required Sightings Sightings { get; init; }

    public int Port => Server.EndpointOf("test")!.Port;

    public static Device Scanner { get; } = new()
    {
        Name = "scanner",
        Addresses = [IPNetwork.Parse("127.0.0.1/32")],
        Recipients = AddressPatterns.Parse(["*@example.com"], []),
    };

    public static Device Shop => new()
    {
        Name = "shop",
        Username = "shop",
        PasswordHash = new Secret(ShopHash.Value),
        Recipients = AddressPatterns.Parse(["*@example.com"], []),
    };

    public static async Task<TestListener> StartAsync(
        Func<ListenerSettings, ListenerSettings>? listener = null, LimitSettings? limits = null, IReadOnlyList<Device>? devices = null,
        QueueSettings? queueSettings = null, IReadOnlyList<IPNetwork>? traced = null)
    {
        var folder = Directory.CreateTempSubdirectory("smarthost-listener-").FullName;
        foreach (var (name, pem) in Certificate.Value) await File.WriteAllTextAsync(Path.Combine(folder, name), pem);
        var time = new FakeTimeProvider(new DateTimeOffset(2026, 3, 4, 5, 6, 7, TimeSpan.Zero));
        var queue = await MailQueue.OpenAsync((queueSettings ?? new QueueSettings { Folder = "" }) with { Folder = folder }, TimeSpan.FromDays(5), time, new Random(1), NullLogger<MailQueue>.Instance, default);
        var directory = new DeviceDirectory(devices ?? [Scanner, Shop]);
        var (unknown, sightings) = (new UnknownDevices(), new Sightings());
        var server = new SmtpServer(
            queue, unknown, () => directory, () => limits ?? new LimitSettings(), () => traced ?? [], "smarthost.test", folder, time,
            new MailLog(NullLogger<MailLog>.Instance), new Meters(), sightings, NullLoggerFactory.Instance);
        var settings = new ListenerSettings { Name = "test", Address = IPAddress.Loopback, Port = 0 };
        var options = new KestrelServerOptions();
        server.Listen(options, listener?.Invoke(settings) ?? settings);
        var sockets = new SocketTransportOptions();
        SmtpServer.Tune(sockets);
        var kestrel = new KestrelServer(Options.Create(options), new SocketTransportFactory(Options.Create(sockets), NullLoggerFactory.Instance), NullLoggerFactory.Instance);
        await kestrel.StartAsync(new NoHttp(), default);
        return new TestListener(kestrel) { Folder = folder, Time = time, Queue = queue, Server = server, UnknownDevices = unknown, Sightings = sightings };
    }

    /// <summary>What the queue took, oldest first.</summary>
    public async Task<IReadOnlyList<QueuedMessage>> QueuedAsync() => [.. (await Queue.SearchAsync(new MessageSearch(), default)).Reverse()];

    public async Task<string> ContentAsync(QueueId id)
    {
        await using var stream = await Queue.OpenContentAsync(id, default) ?? throw new InvalidOperationException("no content");
        using var copy = new MemoryStream();
        await stream.CopyToAsync(copy);
        return System.Text.Encoding.Latin1.GetString(copy.ToArray());
    }

    /// <summary>As the host does it: no new sessions, then the drain.</summary>
    public Task StopAsync(CancellationToken cancellation = default) => kestrel.StopAsync(cancellation);

    public async ValueTask DisposeAsync()
    {
        Server.Dispose();
        await kestrel.StopAsync(new CancellationToken(canceled: true));
        kestrel.Dispose();
        await Queue.DisposeAsync();
        Directory.Delete(Folder, recursive: true);
    }

    /// <summary>Kestrel insists on an HTTP application, even where no endpoint speaks HTTP.</summary>
    private sealed class NoHttp : IHttpApplication<object>
    {
        public object CreateContext(IFeatureCollection contextFeatures) => throw new NotSupportedException();

        public Task ProcessRequestAsync(object context) => throw new NotSupportedException();

        public void DisposeContext(object context, Exception? exception) => throw new NotSupportedException();
    }
}
