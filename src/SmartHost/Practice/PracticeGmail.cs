using System.Net;
using System.Net.Sockets;
using System.Runtime.CompilerServices;

namespace SmartHost.Practice;

/// <summary>A command that the practice Gmail heard. The argument of AUTH is left out.</summary>
public sealed record PracticeCommand(int Connection, string Text, DateTimeOffset At);

/// <summary>
/// A stand-in for smtp.gmail.com inside the process, on loopback ports of its own: its TLS, its EHLO, its AUTH, its limits,
/// its reply texts, and by <see cref="Script"/> its bad days. What arrives is kept in memory and can be waited for.
/// If a port is taken, <see cref="StartAsync"/> throws <see cref="SocketException"/>; a bug in a session surfaces from
/// <see cref="GoOfflineAsync"/> or <see cref="DisposeAsync"/>.
/// </summary>
public sealed class PracticeGmail : IAsyncDisposable
{
    private const int MostCommands = 100_000;

    private readonly TimeProvider time;
    private readonly Random random;
    private readonly Lock guard = new();
    private readonly List<PracticeMessage> messages = [];
    private readonly Queue<PracticeCommand> commands = [];
    private readonly List<string> violations = [];
    private readonly HashSet<Task> sessions = [];
    private readonly List<TcpListener> listeners = [];
    private readonly List<Task> doors = [];
    private TaskCompletionSource changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private CancellationTokenSource? online;
    private string? caFile;
    private int connections, open, mostOpen, logins;

    private PracticeGmail(PracticeSettings settings, TimeProvider time, Random random)
    {
        (Settings, this.time, this.random) = (settings, time, random);
        (Port, ImplicitPort) = (settings.Port, settings.ImplicitPort);
        Accounts = new PracticeAccounts(settings, time);
        Certificate = new PracticeCertificate(settings.CertificateFlaw);
    }

    public PracticeSettings Settings { get; }

    /// <summary>Where it listens. The certificate is also good for localhost and smtp.gmail.com.</summary>
    public string Host => "127.0.0.1";

    /// <summary>STARTTLS.</summary>
    public int Port { get; private set; }

    /// <summary>TLS from the first octet.</summary>
    public int ImplicitPort { get; private set; }

    /// <summary>The authority to trust, PEM.</summary>
    public string CaPem => Certificate.CaPem;

    /// <summary><see cref="CaPem"/> as a file in the temp folder, deleted at disposal.</summary>
    public string CaFile
    {
        get
        {
            lock (guard)
            {
                if (caFile is not null) return caFile;
                caFile = Path.Combine(Path.GetTempPath(), $"smarthost-practice-{Guid.NewGuid():N}.pem");
                File.WriteAllText(caFile, CaPem);
                return caFile;
            }
        }
    }

    /// <summary>What to do wrong, and when.</summary>
    public PracticeScript Script { get; } = new();

    /// <summary>Raised for each message, before its sender hears 250; on a session's own task, so be brief and do not throw.</summary>
    public event Action<PracticeMessage>? Arrived;

    public IReadOnlyList<PracticeMessage> Messages => Snapshot(messages);

    /// <summary>The latest 100,000 commands, in the order they were heard.</summary>
    public IReadOnlyList<PracticeCommand> Commands => Snapshot(commands);

    /// <summary>What clients did against the protocol, one sentence each; for what is wrong with messages see <see cref="PracticeMessage.Violations"/>.</summary>
    public IReadOnlyList<string> Violations => Snapshot(violations);

    /// <summary>Accepted so far.</summary>
    public int Connections => Volatile.Read(ref connections);

    public int OpenConnections => Volatile.Read(ref open);

    /// <summary>The most that were open at once.</summary>
    public int MostOpenConnections => Volatile.Read(ref mostOpen);

    /// <summary>Logins tried, right or wrong.</summary>
    public int Logins => Volatile.Read(ref logins);

    internal PracticeAccounts Accounts { get; }

    internal PracticeCertificate Certificate { get; }

    /// <exception cref="SocketException">A port of <paramref name="settings"/> is taken.</exception>
    public static async Task<PracticeGmail> StartAsync(PracticeSettings settings, TimeProvider time, Random? random = null)
    {
        var gmail = new PracticeGmail(settings, time, random ?? new Random());
        try
        {
            gmail.GoOnline();
            return gmail;
        }
        catch
        {
            await gmail.DisposeAsync();
            throw;
        }
    }

    /// <summary>Adds an account, or changes its password, aliases or allowance. Sessions already logged in go on.</summary>
    public void SetAccount(PracticeAccount account) => Accounts.Set(account);

    /// <summary>Listens again after <see cref="GoOfflineAsync"/>, on the same ports.</summary>
    public void GoOnline()
    {
        if (online is not null) return;
        online = new CancellationTokenSource();
        Port = Listen(Port, implicitTls: false, online.Token);
        ImplicitPort = Listen(ImplicitPort, implicitTls: true, online.Token);
    }

    /// <summary>Resets every connection and refuses new ones, as an internet outage or a blocked port does. What arrived stays.</summary>
    public async Task GoOfflineAsync()
    {
        if (online is null) return;
        await online.CancelAsync();
        try
        {
            // Doors before sessions: an open door may yet let one in.
            await Task.WhenAll(doors);
            Task[] left;
            lock (guard) left = [.. sessions];
            await Task.WhenAll(left);
        }
        finally
        {
            foreach (var listener in listeners) listener.Stop();
            lock (guard) sessions.Clear();
            listeners.Clear();
            doors.Clear();
            online.Dispose();
            online = null;
        }
    }

    /// <summary>Completes when so many messages have arrived since the start, with all that have.</summary>
    public async Task<IReadOnlyList<PracticeMessage>> WaitForAsync(int count, CancellationToken cancellation) =>
        await FoundAsync(() => messages.Count >= count ? messages.ToArray() : null, cancellation);

    /// <summary>The first message that fits, arrived already or yet to arrive.</summary>
    public async Task<PracticeMessage> WaitForAsync(Func<PracticeMessage, bool> fits, CancellationToken cancellation) =>
        await ReadAllAsync(cancellation).FirstAsync(fits, cancellation);

    /// <summary>Every message from the first, then each as it arrives, until cancelled.</summary>
    public async IAsyncEnumerable<PracticeMessage> ReadAllAsync([EnumeratorCancellation] CancellationToken cancellation)
    {
        for (var read = 0; ; read++) yield return await FoundAsync(() => messages.ElementAtOrDefault(read), cancellation);
    }

    /// <summary>The first command that fits, heard already or yet to be heard.</summary>
    public Task<PracticeCommand> WaitForCommandAsync(Func<PracticeCommand, bool> fits, CancellationToken cancellation) =>
        FoundAsync(() => commands.FirstOrDefault(fits), cancellation);

    public async ValueTask DisposeAsync()
    {
        Script.Clear();
        try
        {
            await GoOfflineAsync();
        }
        finally
        {
            Certificate.Dispose();
            if (caFile is not null) File.Delete(caFile);
        }
    }

    internal void Take(PracticeMessage message)
    {
        lock (guard)
        {
            message = message with { Number = messages.Count + 1 };
            messages.Add(message);
            Change();
        }
        Arrived?.Invoke(message);
    }

    internal void Heard(int connection, string text)
    {
        lock (guard)
        {
            if (commands.Count >= MostCommands) commands.Dequeue();
            commands.Enqueue(new PracticeCommand(connection, text, time.GetUtcNow()));
            Change();
        }
    }

    internal void Violated(int connection, string what)
    {
        lock (guard)
        {
            if (violations.Count < 1000) violations.Add($"connection {connection}: {what}");
        }
    }

    internal void TriedToLogIn() => Interlocked.Increment(ref logins);

    private int Listen(int port, bool implicitTls, CancellationToken stopping)
    {
        var listener = new TcpListener(IPAddress.Loopback, port);
        listeners.Add(listener);
        listener.Start(backlog: 512);
        doors.Add(AcceptAsync(listener, implicitTls, stopping));
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private async Task AcceptAsync(TcpListener listener, bool implicitTls, CancellationToken stopping)
    {
        while (!stopping.IsCancellationRequested)
        {
            Socket socket;
            try
            {
                socket = await listener.AcceptSocketAsync(stopping);
            }
            catch (OperationCanceledException) when (stopping.IsCancellationRequested)
            {
                return;
            }
            catch (SocketException e) when (e.SocketErrorCode is SocketError.ConnectionAborted or SocketError.ConnectionReset)
            {
                continue; // a client that left between SYN and accept
            }
            lock (guard)
            {
                // Ended sessions leave the set here, but a failed one stays: its exception is still to be heard.
                sessions.RemoveWhere(session => session.IsCompletedSuccessfully);
                sessions.Add(ServeAsync(socket, ++connections, implicitTls, new Random(random.Next()), stopping));
            }
        }
    }

    private async Task ServeAsync(Socket socket, int number, bool implicitTls, Random dice, CancellationToken stopping)
    {
        mostOpen = Math.Max(mostOpen, ++open); // under the caller's lock up to the first await
        await Task.Yield();
        try
        {
            using (socket)
            {
                await using var wire = new PracticeWire(socket, Settings, time, stopping);
                try
                {
                    await new PracticeSession(this, wire, number, implicitTls, dice, time).RunAsync(stopping);
                }
                catch (OperationCanceledException) when (stopping.IsCancellationRequested)
                {
                    wire.Reset();
                }
            }
        }
        catch (Exception e) when (e is IOException or SocketException)
        {
            // Gone before it was greeted.
        }
        finally
        {
            lock (guard)
            {
                open--;
                Change();
            }
        }
    }

    /// <param name="find">Asked under the lock, again after each change until it finds something.</param>
    private async Task<T> FoundAsync<T>(Func<T?> find, CancellationToken cancellation) where T : class
    {
        while (true)
        {
            Task next;
            lock (guard)
            {
                if (find() is { } found) return found;
                next = changed.Task;
            }
            await next.WaitAsync(cancellation);
        }
    }

    private IReadOnlyList<T> Snapshot<T>(IEnumerable<T> items)
    {
        lock (guard) return [.. items];
    }

    /// <summary>Wakes everyone who waits. Under the lock.</summary>
    private void Change()
    {
        var before = changed;
        changed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        before.SetResult();
    }
}
