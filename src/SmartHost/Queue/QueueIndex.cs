using SmartHost.Mail;

namespace SmartHost.Queue;

/// <summary>
/// Which message is next: the open messages in memory, a few dozen octets each, in order of turns. Changed only after the
/// commit that made the change true; leases and turns live here alone, and a crash forgets them.
/// </summary>
internal sealed class QueueIndex(TimeProvider time)
{
    /// <summary>Waits are measured by the monotonic clock; this often the wall clock is asked whether it has jumped.</summary>
    private static readonly TimeSpan LongestWait = TimeSpan.FromMinutes(1);

    private readonly Lock gate = new();
    private readonly Dictionary<QueueId, Entry> entries = [];
    private readonly Dictionary<(string? Account, Lane Lane, string Device), Group> groups = [];
    private readonly List<Group>[] turns = [[], [], []];
    private readonly SortedSet<Entry> later = new(Entry.Order);
    private TaskCompletionSource changed = NewSignal();
    private long changes, seen;

    /// <summary>One open message.</summary>
    public sealed class Entry
    {
        public static readonly Comparer<Entry> Order = Comparer<Entry>.Create((a, b) =>
            a.Due.CompareTo(b.Due) is var order and not 0 ? order : a.Number.CompareTo(b.Number));

        public required QueueId Id { get; init; }
        public required long Number { get; init; }
        public required long Size { get; init; }
        public required DateTimeOffset ReceivedAt { get; init; }
        /// <summary>When it was received, by the clock as it was put right since.</summary>
        internal required DateTimeOffset WaitsSince { get; set; }
        internal required Group Turn { get; init; }
        internal MessageState State { get; set; }
        internal DateTimeOffset Due { get; set; }
        internal DateTimeOffset Expires { get; set; }
        internal bool LateAnnounced { get; set; }
        internal bool Leased { get; set; }
    }

    /// <summary>Messages of one device that leave by one account in one lane: they have one turn among the groups of the lane.</summary>
    internal sealed class Group(string? account, Lane lane, string device)
    {
        public string? Account => account;
        public Lane Lane => lane;
        public string Device => device;
        public SortedSet<Entry> Ready { get; } = new(Entry.Order);
    }

    public int Count
    {
        get { lock (gate) return entries.Count; }
    }

    /// <summary>Takes the message as it is now: new, changed or finished.</summary>
    public void Put(StoredMessage stored)
    {
        var message = stored.Message;
        Put(message.Id, stored.Number, message.Device, message.Account, message.Lane, message.Size, message.ReceivedAt, message.State, message.Due, message.Expires, message.LateAnnounced);
    }

    public void Put(QueueId id, long number, string device, string? account, Lane lane, long size, DateTimeOffset received,
        MessageState state, DateTimeOffset due, DateTimeOffset expires, bool lateAnnounced)
    {
        lock (gate)
        {
            if (entries.TryGetValue(id, out var entry)) Unschedule(entry);
            if (state is MessageState.Done or MessageState.Deleted)
            {
                entries.Remove(id);
                Signal();
                return;
            }
            if (entry is null)
            {
                entry = new Entry { Id = id, Number = number, Size = size, ReceivedAt = received, WaitsSince = Earlier(received, time.GetUtcNow()), Turn = GroupOf(account, lane, device) };
                entries.Add(id, entry);
            }
            (entry.State, entry.Due, entry.Expires, entry.LateAnnounced) = (state, due, expires, lateAnnounced);
            Schedule(entry);
            Signal();
        }
    }

    public void PutExpires(QueueId id, DateTimeOffset expires)
    {
        lock (gate)
        {
            if (entries.TryGetValue(id, out var entry)) entry.Expires = expires;
        }
    }

    public void PutLateAnnounced(QueueId id)
    {
        lock (gate)
        {
            if (entries.TryGetValue(id, out var entry)) entry.LateAnnounced = true;
        }
    }

    /// <summary>See <see cref="MailQueue"/>, FollowClock.</summary>
    public void PutClockForward(TimeSpan by, DateTimeOffset now, DateTimeOffset latest)
    {
        lock (gate)
        {
            foreach (var entry in entries.Values)
            {
                if (entry.Expires < latest) entry.Expires = Earlier(entry.Expires + by, latest);
                entry.WaitsSince = Earlier(entry.WaitsSince + by, now);
            }
        }
    }

    public void PutClockBack(TimeSpan by, DateTimeOffset now)
    {
        lock (gate)
        {
            foreach (var entry in entries.Values.Where(entry => entry.Due > now))
            {
                Unschedule(entry);
                entry.Due = entry.Due - by > now ? entry.Due - by : now;
                Schedule(entry);
            }
            Signal();
        }
    }

    /// <summary>Leases the next. One whose lifetime is over is not handed out: it waits for its end to be told.</summary>
    public Entry? Take(Func<string?, Lane, bool> serves)
    {
        lock (gate)
        {
            var now = time.GetUtcNow();
            seen = changes;
            while (later.Min is { } first && first.Due <= now)
            {
                later.Remove(first);
                first.Turn.Ready.Add(first);
            }
            foreach (var lane in turns)
            {
                for (var i = 0; i < lane.Count; i++)
                {
                    var group = lane[i];
                    if (group.Ready.Count == 0 || !serves(group.Account, group.Lane)) continue;
                    if (group.Ready.FirstOrDefault(entry => entry.Expires > now) is not { } next) continue;
                    Unschedule(next);
                    next.Leased = true;
                    lane.RemoveAt(i);
                    lane.Add(group);
                    return next;
                }
            }
            return null;
        }
    }

    /// <summary>A lease for something else than an attempt. Known: it is an open message. Taken: nobody else has it.</summary>
    public (bool Known, bool Taken) TryLease(QueueId id)
    {
        lock (gate)
        {
            if (!entries.TryGetValue(id, out var entry)) return (false, false);
            if (entry.Leased) return (true, false);
            Unschedule(entry);
            return (true, entry.Leased = true);
        }
    }

    /// <summary>It is open: neither done nor deleted.</summary>
    public bool Contains(QueueId id)
    {
        lock (gate) return entries.ContainsKey(id);
    }

    /// <summary>A message of that device waits for a person, or may in a moment: what is leased has its result on its way to the disk.</summary>
    public bool MayHaveParked(string device)
    {
        lock (gate) return entries.Values.Any(entry => (entry.State == MessageState.Parked || entry.Leased) && entry.Turn.Device == device);
    }

    /// <summary>Ends a lease; the number of the message, or null where there was none.</summary>
    /// <param name="quietly">Nobody is woken: who took it would take it again at once.</param>
    public long? EndLease(QueueId id, bool quietly = false)
    {
        lock (gate)
        {
            if (!entries.TryGetValue(id, out var entry) || !entry.Leased) return null;
            entry.Leased = false;
            Schedule(entry);
            if (!quietly) Signal();
            return entry.Number;
        }
    }

    public List<Entry> Expired()
    {
        lock (gate)
        {
            var now = time.GetUtcNow();
            return InOrder(entries.Values.Where(entry => !entry.Leased && entry.Expires <= now));
        }
    }

    /// <summary>As <see cref="Expired"/> found it.</summary>
    public bool IsOver(Entry entry)
    {
        lock (gate) return !entry.Leased && entry.Expires <= time.GetUtcNow() && entries.ContainsKey(entry.Id);
    }

    public List<Entry> Late(TimeSpan lateAfter)
    {
        lock (gate)
        {
            var since = time.GetUtcNow() - lateAfter;
            return InOrder(entries.Values.Where(entry => entry is { State: MessageState.Queued, Leased: false, LateAnnounced: false } && entry.WaitsSince <= since));
        }
    }

    /// <summary>The accounts that open messages are to leave by.</summary>
    public List<string?> Accounts()
    {
        lock (gate) return [.. groups.Keys.Select(key => key.Account).Distinct()];
    }

    public QueueCounts Counts()
    {
        lock (gate)
        {
            Span<int> lanes = stackalloc int[3];
            var (held, parked, octets) = (0, 0, 0L);
            DateTimeOffset? oldest = null, oldestWaiting = null;
            foreach (var entry in entries.Values)
            {
                octets += entry.Size;
                if (oldest is null || entry.ReceivedAt < oldest) oldest = entry.ReceivedAt;
                if (entry.State == MessageState.Held) held++;
                else if (entry.State == MessageState.Parked) parked++;
                else
                {
                    lanes[(int)entry.Turn.Lane]++;
                    if (oldestWaiting is null || entry.WaitsSince < oldestWaiting) oldestWaiting = entry.WaitsSince;
                }
            }
            return new QueueCounts(lanes[0], lanes[1], lanes[2], held, parked, octets, oldest, oldestWaiting);
        }
    }

    public void Wake()
    {
        lock (gate) Signal();
    }

    /// <summary>Completes at the first change after the last <see cref="Take"/>, when the next message falls due, or within a minute.</summary>
    public async Task WaitAsync(CancellationToken cancellation)
    {
        Task change;
        TimeSpan wait;
        lock (gate)
        {
            if (changes != seen) return;
            change = changed.Task;
            wait = later.Min is { } next ? next.Due - time.GetUtcNow() : LongestWait;
        }
        if (wait <= TimeSpan.Zero) return;
        wait = TimeSpan.FromMilliseconds(Math.Ceiling(Math.Min(wait.TotalMilliseconds, LongestWait.TotalMilliseconds)));
        var elapsed = NewSignal();
        await using var timer = time.CreateTimer(state => ((TaskCompletionSource)state!).TrySetResult(), elapsed, wait, Timeout.InfiniteTimeSpan).ConfigureAwait(false);
        await Task.WhenAny(change, elapsed.Task).WaitAsync(cancellation).ConfigureAwait(false);
    }

    private static DateTimeOffset Earlier(DateTimeOffset a, DateTimeOffset b) => a < b ? a : b;

    private static List<Entry> InOrder(IEnumerable<Entry> found) => [.. found.OrderBy(entry => entry.Number)];

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private Group GroupOf(string? account, Lane lane, string device)
    {
        if (groups.TryGetValue((account, lane, device), out var group)) return group;
        group = new Group(account, lane, device);
        groups.Add((account, lane, device), group);
        turns[(int)lane].Add(group);
        return group;
    }

    private void Schedule(Entry entry)
    {
        if (entry is not { State: MessageState.Queued, Leased: false }) return;
        if (entry.Due <= time.GetUtcNow()) entry.Turn.Ready.Add(entry);
        else later.Add(entry);
    }

    /// <summary>Before its due time changes: the sets are ordered by it.</summary>
    private void Unschedule(Entry entry)
    {
        if (!later.Remove(entry)) entry.Turn.Ready.Remove(entry);
    }

    private void Signal()
    {
        changes++;
        changed.TrySetResult();
        changed = NewSignal();
    }
}
