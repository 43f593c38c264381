namespace SmartHost.Queue;

/// <summary>How much of something happened within a window of time that ends now. Not thread-safe.</summary>
internal sealed class RollingCount(TimeSpan window)
{
    private static readonly TimeSpan Grain = TimeSpan.FromSeconds(1);
    private readonly Queue<(DateTimeOffset At, int Amount)> past = new();
    private DateTimeOffset grainFrom, last;
    private int grain, sum;

    public void Add(DateTimeOffset at, int amount)
    {
        Restamp(at);
        // What happens within a second is one entry, stamped with its latest moment: a day is at most 86,400 of them.
        if (grain > 0 && at - grainFrom >= Grain) Seal();
        if (grain == 0) grainFrom = at;
        (grain, sum) = (grain + amount, sum + amount);
        if (at > last) last = at;
    }

    public int At(DateTimeOffset now)
    {
        Restamp(now);
        while (past.TryPeek(out var oldest) && now - oldest.At >= window) sum -= past.Dequeue().Amount;
        if (grain > 0 && now - last >= window) (sum, grain) = (sum - grain, 0);
        return sum;
    }

    /// <summary>The clock was put forward: what was counted happened no longer ago for that.</summary>
    public void PutClockForward(TimeSpan by)
    {
        for (var i = past.Count; i > 0; i--)
        {
            var (at, amount) = past.Dequeue();
            past.Enqueue((at + by, amount));
        }
        (last, grainFrom) = (last + by, grainFrom + by);
    }

    private void Seal()
    {
        past.Enqueue((last, grain));
        grain = 0;
    }

    /// <summary>A clock that was ahead and has been put right would leave entries of the future that never fall out of the window.</summary>
    private void Restamp(DateTimeOffset now)
    {
        if (last - now <= TimeSpan.FromMinutes(1)) return;
        for (var i = past.Count; i > 0; i--)
        {
            var (at, amount) = past.Dequeue();
            past.Enqueue((at > now ? now : at, amount));
        }
        last = now;
        if (grainFrom > now) grainFrom = now;
    }
}
