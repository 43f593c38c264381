namespace SmartHost.Queue;

/// <summary>What was spent and accepted lately, counted in memory; the rows it was loaded from outlive the messages.</summary>
internal sealed class Tallies(TimeProvider time)
{
    public static readonly TimeSpan Day = TimeSpan.FromHours(24);

    private readonly Lock gate = new();
    private readonly Dictionary<string, (RollingCount Messages, RollingCount Recipients)> spent = [];
    private readonly Dictionary<string, (RollingCount Hour, RollingCount Day)> accepted = [];

    public void Spent(Spend spend, DateTimeOffset at)
    {
        lock (gate)
        {
            if (!spent.TryGetValue(spend.Mailbox, out var counts)) spent[spend.Mailbox] = counts = (new(Day), new(Day));
            counts.Messages.Add(at, spend.Messages);
            counts.Recipients.Add(at, spend.Recipients);
        }
    }

    public Spend SpentBy(string mailbox)
    {
        lock (gate)
        {
            var now = time.GetUtcNow();
            return spent.TryGetValue(mailbox, out var counts)
                ? new Spend(mailbox, counts.Messages.At(now), counts.Recipients.At(now))
                : new Spend(mailbox, 0, 0);
        }
    }

    /// <summary>Or a day's allowance would be spent twice in one day.</summary>
    public void PutClockForward(TimeSpan by)
    {
        lock (gate)
        {
            foreach (var count in spent.Values.SelectMany(counts => new[] { counts.Messages, counts.Recipients }).Concat(accepted.Values.SelectMany(counts => new[] { counts.Hour, counts.Day })))
                count.PutClockForward(by);
        }
    }

    public void Accepted(string device, DateTimeOffset at)
    {
        lock (gate)
        {
            if (!accepted.TryGetValue(device, out var counts)) accepted[device] = counts = (new(TimeSpan.FromHours(1)), new(Day));
            counts.Hour.Add(at, 1);
            counts.Day.Add(at, 1);
        }
    }

    public (int LastHour, int LastDay) AcceptedFrom(string device)
    {
        lock (gate)
        {
            var now = time.GetUtcNow();
            return accepted.TryGetValue(device, out var counts) ? (counts.Hour.At(now), counts.Day.At(now)) : (0, 0);
        }
    }
}
