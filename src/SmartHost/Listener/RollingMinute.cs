namespace SmartHost.Listener;

/// <summary>How much of something there was in the last 60 seconds, in steps of five: never less than the truth, at most five seconds' worth more. Not thread-safe.</summary>
internal sealed class RollingMinute
{
    private const int StepSeconds = 5, Steps = (60 / StepSeconds) + 1;
    private readonly long[] slots = new long[Steps];
    private long step;

    public void Add(long second, long amount)
    {
        Forget(second);
        slots[step % Steps] += amount;
    }

    public long Total(long second)
    {
        Forget(second);
        return slots.Sum();
    }

    private void Forget(long second)
    {
        var now = second / StepSeconds;
        if (now <= step) return;
        if (now - step >= Steps) Array.Clear(slots);
        else for (var old = step + 1; old <= now; old++) slots[old % Steps] = 0;
        step = now;
    }
}
