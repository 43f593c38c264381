using System.Collections.Concurrent;
using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Logging;
using SmartHost.Devices;
using SmartHost.History;
using SmartHost.Queue;

namespace SmartHost.Listener;

/// <summary>
/// The SMTP side of the program: what all sessions on all listeners share. Kestrel owns sockets, accept loops and the
/// order of a stop; this owns who may connect, the clock of every session, and the session's end.
/// <para>
/// When it fails: a session that throws is a bug, is logged with its stack, costs that one client its connection (it hears 451), and
/// leaves the others alone. A lost connection is no failure. A stop first ends the sessions that are between
/// transactions, then within seconds the others, with 421.
/// </para>
/// </summary>
public sealed class SmtpServer : IDisposable
{
    /// <summary>When there is no place left, a client that has said nothing for so long between two messages loses its own.</summary>
    private static readonly TimeSpan Expendable = TimeSpan.FromSeconds(10);

    private readonly ConcurrentDictionary<string, (Wire Wire, IPAddress Client)> sessions = new();
    private readonly ConcurrentDictionary<string, ListenOptions> endpoints = new();
    private readonly CancellationTokenSource stopped = new();
    private readonly ClientTable clients;
    private readonly ITimer clock;
    private readonly Func<IReadOnlyList<IPNetwork>> traced;

    /// <param name="traced">Clients whose conversations are written to <c>traces/</c> in the data folder, whatever device they are.</param>
    /// <param name="dataFolder">Holds <c>traces/</c> and the certificate made for listeners without one of their own.</param>
    /// <param name="hostname">In the greeting, in Received and in made Message-IDs.</param>
    public SmtpServer(
        MailQueue queue,
        UnknownDevices unknownDevices,
        Func<DeviceDirectory> devices,
        Func<LimitSettings> limits,
        Func<IReadOnlyList<IPNetwork>> traced,
        string hostname,
        string dataFolder,
        TimeProvider time,
        MailLog mailLog,
        Meters meters,
        Sightings sightings,
        ILoggerFactory loggers)
    {
        (Queue, UnknownDevices, Devices, Limits, this.traced, Time, MailLog, Meters, Sightings) = (queue, unknownDevices, devices, limits, traced, time, mailLog, meters, sightings);
        Hostname = Replies.Printable(hostname, 255).Replace(' ', '-');
        TraceFolder = Path.Combine(dataFolder, "traces");
        Log = new SessionLog(loggers.CreateLogger<SmtpServer>());
        Logins = new LoginCheck(devices, time, loggers.CreateLogger<LoginCheck>());
        Certificates = new Certificates(dataFolder, Hostname, time, loggers.CreateLogger<Certificates>());
        clients = new ClientTable(time);
        clock = time.CreateTimer(_ => Tick(), null, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(1));
    }

    /// <summary>Open sessions now.</summary>
    public int Sessions => clients.Open;

    internal MailQueue Queue { get; }

    internal UnknownDevices UnknownDevices { get; }

    internal Func<DeviceDirectory> Devices { get; }

    internal Func<LimitSettings> Limits { get; }

    internal string Hostname { get; }

    internal string TraceFolder { get; }

    internal TimeProvider Time { get; }

    internal MailLog MailLog { get; }

    internal Meters Meters { get; }

    internal Sightings Sightings { get; }

    internal SessionLog Log { get; }

    internal OpenTransactions OpenTransactions { get; } = new();

    internal LoginCheck Logins { get; }

    internal Certificates Certificates { get; }

    internal CancellationToken Stopped => stopped.Token;

    /// <summary>
    /// Kestrel's socket buffers for all endpoints: its default of 1 MB a connection would be most of this program's memory while twenty scanners send.
    /// What was received goes to the session on the thread that received it: no session blocks a thread, and a hop to another costs more than a command does.
    /// A buffer is held ready for what comes next, 4 KB a connection, which saves asking first whether something came: a system call a command.
    /// </summary>
    public static void Tune(SocketTransportOptions sockets)
    {
        sockets.MaxReadBufferSize = 64 * 1024;
        sockets.MaxWriteBufferSize = 16 * 1024;
        sockets.UnsafePreferInlineScheduling = true;
        sockets.WaitForDataBeforeAllocatingBuffer = false;
    }

    /// <summary>Adds one listener to Kestrel. Call it for each, while Kestrel is configured.</summary>
    /// <exception cref="CertificateUnavailableException">Its certificate cannot be read or made; the message says why and what to do.</exception>
    public void Listen(KestrelServerOptions kestrel, ListenerSettings listener)
    {
        if (listener.Tls != ListenerTls.Off) Certificates.Prepare(listener);
        // ListenAnyIP falls back to IPv4 on a machine (or in a container) without IPv6.
        if (listener.Address.Equals(IPAddress.IPv6Any)) kestrel.ListenAnyIP(listener.Port, Serve);
        else kestrel.Listen(listener.Address, listener.Port, Serve);

        void Serve(ListenOptions options)
        {
            endpoints[listener.Name] = options;
            options.Run(connection => ServeAsync(connection, listener));
        }
    }

    /// <summary>Where a listener really listens once Kestrel has started: with port 0, which port it got.</summary>
    public IPEndPoint? EndpointOf(string listener) => endpoints.TryGetValue(listener, out var options) ? options.IPEndPoint : null;

    public void Dispose()
    {
        clock.Dispose();
        stopped.Cancel();
        foreach (var (wire, _) in sessions.Values) wire.Abort();
        Logins.Dispose();
        Certificates.Dispose();
        stopped.Dispose();
    }

    internal bool IsTraced(IPAddress client) => traced().Any(network => network.Contains(client));

    private async Task ServeAsync(ConnectionContext connection, ListenerSettings listener)
    {
        var address = DeviceDirectory.Normalise((connection.RemoteEndPoint as IPEndPoint)?.Address ?? IPAddress.None);
        Sightings.Connected(address);
        var limits = Limits();
        await using var wire = new Wire(connection, Time, limits.SessionTimeout);
        sessions[connection.ConnectionId] = (wire, address);
        var end = SessionEnd.Lost;
        try
        {
            var (refusal, client) = await clients.EnterAsync(address, limits, MakeRoom, Stopped);
            if (refusal is not null)
            {
                MailLog.Refused("client", address, "connect", refusal);
                Meters.Refused("connections", null);
                // Clear text on an implicit-TLS port is no use to anyone; the close alone must tell.
                if (listener.Tls != ListenerTls.Implicit) wire.Write(refusal);
                await wire.SendAsync();
                return;
            }
            Meters.SessionStarted(listener.Name);
            try
            {
                var stopRequested = connection.Features.Get<IConnectionLifetimeNotificationFeature>()?.ConnectionClosedRequested ?? CancellationToken.None;
                await using var stopping = stopRequested.Register(wire.Stop);
                await using var session = new SmtpSession(this, listener, wire, client, connection.ConnectionId);
                end = await session.RunAsync();
            }
            finally
            {
                clients.Leave(client);
                Meters.SessionEnded(listener.Name);
            }
        }
        catch (Exception e) when (Wire.IsBroken(e))
        {
            // The client went away, or we sent it away. Nothing of it is left behind.
        }
        catch (Exception e)
        {
            // A bug. Kestrel would log it too, but without saying that mail is concerned.
            Log.Bug(e, address);
        }
        finally
        {
            sessions.TryRemove(connection.ConnectionId, out _);
            Log.Ended(address, listener.Name, end);
        }
    }

    private void Tick()
    {
        var now = Time.GetTimestamp();
        foreach (var (_, (wire, _)) in sessions) wire.Tick(now);
    }

    /// <summary>For a device that could not connect otherwise: the session that has been idle for longest ends. Devices that were switched off, and floods, leave many.</summary>
    private void MakeRoom(IPAddress? client)
    {
        var now = Time.GetTimestamp();
        var idlest = sessions.Values.Where(session => client is null || session.Client.Equals(client)).MaxBy(session => session.Wire.Clock.IdleFor(now)).Wire;
        if (idlest is not null && idlest.Clock.IdleFor(now) >= Expendable) idlest.TimeOut(now);
    }
}
