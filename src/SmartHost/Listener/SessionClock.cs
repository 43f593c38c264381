namespace SmartHost.Listener;

/// <summary>
/// What time a session's client has left: for what it does now, in all, and once the server stops. The session sets it, and
/// one timer for all sessions asks it about once a second, on another thread.
/// </summary>
internal sealed class SessionClock(TimeProvider time, TimeSpan lifetime)
{
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(5), AbortAfter = TimeSpan.FromSeconds(15);

    private readonly long lifeTicks = Ticks(time, lifetime), born = time.GetTimestamp();
    private long turnSince = time.GetTimestamp();
    private long deadline = time.GetTimestamp() + Ticks(time, lifetime), stopBy = long.MaxValue;
    private volatile bool isUp, isStopping, inTransaction;

    /// <summary>Its time is up.</summary>
    public bool IsUp => isUp;

    /// <summary>No new transaction may begin.</summary>
    public bool IsStopping => isStopping;

    /// <summary>While set, stopping waits a few seconds for its end.</summary>
    public bool InTransaction { get => inTransaction; set => inTransaction = value; }

    /// <summary>The session has lasted as long as one may.</summary>
    public bool IsOld => time.GetTimestamp() >= LastTick;

    /// <summary>A message that has begun may take as long again, and not for ever: a client that drips would hold the session.</summary>
    private long LastTick => born + (inTransaction ? 2 * lifeTicks : lifeTicks);

    /// <summary>From now on the client has so long; never past the session's lifetime, nor past the grace of a stop.</summary>
    public void Allow(TimeSpan span)
    {
        var now = time.GetTimestamp();
        Volatile.Write(ref turnSince, now);
        // Not in the past: it would count as a client that has not moved for so long.
        Volatile.Write(ref deadline, Math.Min(now + Ticks(time, span), Math.Max(now, LastTick)));
    }

    /// <summary>It is our turn, however long we take.</summary>
    public void AllowAny()
    {
        Volatile.Write(ref turnSince, long.MaxValue);
        Volatile.Write(ref deadline, long.MaxValue);
    }

    /// <summary>For hearing the last reply, whatever was over before.</summary>
    public void AllowToLeave(TimeSpan span)
    {
        // The deadline first: a tick in between would find the old one over.
        Volatile.Write(ref deadline, time.GetTimestamp() + Ticks(time, span));
        isUp = false;
    }

    /// <summary>How long the client has had its turn between two messages; zero within one.</summary>
    public TimeSpan IdleFor(long now)
    {
        var since = Volatile.Read(ref turnSince);
        return inTransaction || since >= now ? TimeSpan.Zero : time.GetElapsedTime(since, now);
    }

    /// <summary>What it had left of its time is taken. It is idle no longer: whoever needs a place next takes another's, while this one hears its last reply.</summary>
    public void TakeAll(long now)
    {
        Volatile.Write(ref turnSince, now);
        Volatile.Write(ref deadline, now);
    }

    /// <summary>A session without a transaction ends now, another one within seconds.</summary>
    public void Stop()
    {
        Volatile.Write(ref stopBy, time.GetTimestamp() + Ticks(time, Grace));
        isStopping = true;
    }

    /// <summary>Its time is up by now.</summary>
    /// <param name="isLost">For so long that it does not read either, and cannot hear a reply.</param>
    public bool Tick(long now, out bool isLost)
    {
        var late = now - Math.Min(Volatile.Read(ref deadline), Volatile.Read(ref stopBy));
        isLost = late > Ticks(time, AbortAfter);
        if (late < 0) return false;
        return isUp = true;
    }

    private static long Ticks(TimeProvider time, TimeSpan span) => (long)Math.Min(span.TotalSeconds * time.TimestampFrequency, long.MaxValue / 4);
}
