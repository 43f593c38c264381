using System.Net;
using SmartHost.Mail;

namespace SmartHost.Listener;

/// <summary>
/// Who is connected, and who was lately. Bounded: when it is full the client that was longest away is forgotten, which
/// at worst gives it a fresh minute. Any thread may call any member.
/// </summary>
internal sealed class ClientTable(TimeProvider time, int capacity = ClientTable.Capacity)
{
    public const int Capacity = 4096;

    /// <summary>
    /// How long a connection too many waits for a place. A monitor that starts a program for each of sixty alarms opens
    /// sixty connections at once, and has them all served in less; of sixty times 421 most would never come back.
    /// </summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);

    private readonly Lock gate = new();
    private readonly Dictionary<IPAddress, Client> clients = [];
    private int open, waiting;
    private TaskCompletionSource left = NextLeave();

    /// <summary>Sessions open now.</summary>
    public int Open
    {
        get { lock (gate) return open; }
    }

    /// <summary>Admits a connection (end it with <see cref="Leave"/>), or says why not.</summary>
    public SmtpReply? Enter(IPAddress address, LimitSettings limits, out Client client)
    {
        lock (gate)
        {
            var now = time.GetUtcNow();
            client = Find(address, now);
            client.LastSeen = now;
            if (open >= limits.Connections) return Replies.TooBusy;
            if (client.Open >= limits.ConnectionsPerDevice) return Replies.TooManyFromClient;
            // Last, so that it counts only those that were admitted: who is turned away is no more of a burden than that.
            if (client.Connect(limits) is { } refusal) return refusal;
            client.Open++;
            open++;
            return null;
        }
    }

    /// <summary>As <see cref="Enter"/>, but waits where only others' leaving is wanted. As many as may be connected may wait.</summary>
    /// <param name="makeRoom">Called first where it must wait: for a session of this address to end, or of any (null).</param>
    public async ValueTask<(SmtpReply? Refusal, Client Client)> EnterAsync(IPAddress address, LimitSettings limits, Action<IPAddress?> makeRoom, CancellationToken cancellation)
    {
        var started = time.GetTimestamp();
        for (var attempt = 0; ; attempt++)
        {
            SmtpReply? refusal;
            Client client;
            Task somebodyLeft;
            lock (gate)
            {
                refusal = Enter(address, limits, out client);
                if (refusal != Replies.TooBusy && refusal != Replies.TooManyFromClient) return (refusal, client);
                if (waiting >= limits.Connections) return (refusal, client);
                waiting++;
                somebodyLeft = left.Task;
            }
            try
            {
                if (attempt == 0) makeRoom(refusal == Replies.TooBusy ? null : address);
                var patience = Patience - time.GetElapsedTime(started);
                if (patience <= TimeSpan.Zero) return (refusal, client);
                await somebodyLeft.WaitAsync(patience, time, cancellation);
            }
            catch (TimeoutException)
            {
                return (refusal, client);
            }
            finally
            {
                lock (gate) waiting--;
            }
        }
    }

    public void Leave(Client client)
    {
        lock (gate)
        {
            client.Open--;
            client.LastSeen = time.GetUtcNow();
            open--;
            if (waiting == 0) return;
            left.SetResult();
            left = NextLeave();
        }
    }

    private static TaskCompletionSource NextLeave() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private Client Find(IPAddress address, DateTimeOffset now)
    {
        if (clients.TryGetValue(address, out var client)) return client;
        if (clients.Count >= capacity)
        {
            foreach (var (old, known) in clients)
            {
                if (known.IsForgettable(now)) clients.Remove(old);
            }
            // Nobody has been away for long: then the one that has been away longest. Connected ones stay.
            if (clients.Count >= capacity && clients.Values.Where(known => known.Open == 0).MinBy(known => known.LastSeen) is { } oldest) clients.Remove(oldest.Address);
        }
        return clients[address] = new Client(address, time);
    }
}
