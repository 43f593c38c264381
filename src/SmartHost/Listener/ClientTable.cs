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

    private readonly Lock gate = new();
    private readonly Dictionary<IPAddress, Client> clients = [];
    private int open;

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
            if (client.Connect(limits) is { } refusal) return refusal;
            if (open >= limits.Connections) return Replies.TooBusy;
            if (client.Open >= limits.ConnectionsPerDevice) return Replies.TooManyFromClient;
            client.Open++;
            open++;
            return null;
        }
    }

    public void Leave(Client client)
    {
        lock (gate)
        {
            client.Open--;
            client.LastSeen = time.GetUtcNow();
            open--;
        }
    }

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
