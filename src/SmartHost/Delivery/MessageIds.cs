using SmartHost.Mail;
using SmartHost.Queue;

namespace SmartHost.Delivery;

/// <summary>
/// The Message-ID under which a message leaves. Some firmware gives every message the same one: a receiver then shows
/// only the first, and Gmail takes no more of them in time (421 4.7.28). So an id that comes again with other content, or
/// later, is replaced, by the same one at every attempt, and is known from then on. What a device sends twice because it missed our
/// 250 is the same content soon after, and keeps its id; a week later the same words are the next alarm.
/// <para>When it fails: the last thousand ids are remembered in memory, so across a restart one message may leave under an
/// id that another had. What was found out is in the queue's storage, the last thousand again; if that cannot be written, it
/// is found out again.</para>
/// </summary>
/// <param name="remembered">How many ids.</param>
internal sealed class MessageIds(MailQueue queue, int remembered = 1000)
{
    private const string Scope = "message-id";

    /// <summary>A device that missed our 250 tries again within minutes.</summary>
    private static readonly TimeSpan Again = TimeSpan.FromHours(1);

    private readonly Lock gate = new();
    private readonly Dictionary<string, string> users = [];
    private readonly Queue<string> order = new();

    /// <param name="checksum">Of subject and body.</param>
    public async ValueTask<string> OfAsync(QueuedMessage message, uint checksum, CancellationToken cancellation)
    {
        var user = $"{message.Id} {checksum:x8}";
        var (first, known) = First(message.MessageId, user);
        if (IsSame(first, user)) return message.MessageId;
        if (!known) await KeepAsync(message.MessageId, first, cancellation);
        // In the domain of the device's own, and not in an account's: the next attempt may be by another account.
        return $"<{message.Id}@{message.MessageId[(message.MessageId.LastIndexOf('@') + 1)..]}";
    }

    private async ValueTask KeepAsync(string id, string first, CancellationToken cancellation)
    {
        var kept = queue.GetStates(Scope);
        // A queue id sorts by its time, and who had it first begins with one.
        if (kept.Count >= remembered) await queue.PutStateAsync(Scope, kept.MinBy(one => one.Value, StringComparer.Ordinal).Key, null, cancellation);
        await queue.PutStateAsync(Scope, id, first, cancellation);
    }

    /// <returns>Who had it first, and whether it is known to be given to several.</returns>
    private (string First, bool Known) First(string id, string user)
    {
        if (queue.GetState(Scope, id) is { } kept) return (kept, true);
        lock (gate)
        {
            if (users.TryGetValue(id, out var first)) return (first, false);
            users[id] = user;
            order.Enqueue(id);
            if (order.Count > remembered) users.Remove(order.Dequeue());
            return (user, false);
        }
    }

    /// <summary>The same message again (its subject or body may be mended otherwise by a newer version), or the same content soon before or after.</summary>
    private static bool IsSame(string first, string user) =>
        first.Split(' ') is [var id, var checksum] && user.Split(' ') is [var ownId, var ownChecksum]
        && (id == ownId || (checksum == ownChecksum && QueueId.TryParse(id, out var one) && QueueId.TryParse(ownId, out var own) && (own.Time - one.Time).Duration() < Again));
}
