namespace SmartHost.Delivery;

/// <summary>
/// How fast one account sends: a token bucket (a burst at once, then one message an interval), slowed when Gmail says
/// so. Multiplicative decrease: each "slow down" halves the rate and takes the burst and the second connection away.
/// Additive increase: every <see cref="SuccessesAStep"/> messages in peace win back an eighth of the full rate.
/// Used by the delivery loop alone; not thread-safe.
/// </summary>
public sealed class Pace(TimeProvider time)
{
    private const double SlowestFactor = 32, RegainedRate = 1.0 / 8;
    private const int SuccessesAStep = 10;

    /// <summary>What "slower" starts from where the user has turned pacing off.</summary>
    private static readonly TimeSpan FloorWhenSlowed = TimeSpan.FromSeconds(1);

    private int burst;
    private TimeSpan interval;
    private double tokens;
    private long refilled = time.GetTimestamp();
    private int successes;

    /// <summary>1: full pace. 4: a quarter of it.</summary>
    public double Slowness { get; private set; } = 1;

    public bool IsSlowed => Slowness > 1;

    /// <summary>Zero: messages may follow each other at once.</summary>
    public TimeSpan Interval => IsSlowed ? (interval > FloorWhenSlowed ? interval : FloorWhenSlowed) * Slowness : interval;

    private double Capacity => IsSlowed ? 1 : Math.Max(1, burst);

    public void Configure(DeliverySettings settings)
    {
        if (settings.Burst == burst && settings.Pace == interval) return;
        Refill();
        var first = burst == 0;
        (burst, interval) = (settings.Burst, settings.Pace);
        tokens = first ? Capacity : Math.Min(tokens, Capacity);
    }

    /// <summary>How long until the next message may leave. Urgent mail does not ask: see <see cref="Spend"/>.</summary>
    public TimeSpan Wait()
    {
        if (Interval == TimeSpan.Zero) return TimeSpan.Zero;
        Refill();
        // A hair's breadth below a whole token is rounding, and waiting for it would wake the loop for nothing.
        return tokens >= 1 - 1e-6 ? TimeSpan.Zero : Interval * (1 - tokens) + TimeSpan.FromTicks(1);
    }

    /// <summary>Takes a token for a message. Urgent mail may go into debt, by at most a burst, which later mail pays off.</summary>
    public void Spend()
    {
        Refill();
        tokens = Math.Max(tokens - 1, -Capacity);
    }

    public void SlowDown()
    {
        Refill();
        Slowness = Math.Min(Slowness * 2, SlowestFactor);
        tokens = Math.Min(tokens, 0);
        successes = 0;
    }

    /// <summary>Gmail took a message. True where that changed the pace.</summary>
    public bool Succeeded()
    {
        if (!IsSlowed || ++successes < SuccessesAStep) return false;
        Refill();
        successes = 0;
        var rate = 1 / Slowness + RegainedRate;
        Slowness = rate >= 1 ? 1 : 1 / rate;
        return true;
    }

    /// <summary>As it was before a restart.</summary>
    public void Restore(double slowness)
    {
        Slowness = Math.Clamp(slowness, 1, SlowestFactor);
        tokens = Math.Min(tokens, Capacity);
    }

    private void Refill()
    {
        var elapsed = time.GetElapsedTime(refilled);
        refilled = time.GetTimestamp();
        tokens = Interval == TimeSpan.Zero ? Capacity : Math.Min(Capacity, tokens + elapsed / Interval);
    }
}
