using SmartHost.Queue;

namespace SmartHost.Delivery;

/// <summary>
/// When to try again. Two rhythms: soon (1, 2, 5, 10 minutes, then on to the calm one) for a stumble of Gmail's or the
/// network's, and later (15 minutes, 1 hour, 4 hours) for what time alone mends. Waits grow by up to a quarter at
/// random, so that messages deferred together do not come back together.
/// </summary>
public sealed class RetrySchedule(Func<DeliverySettings> settings, Random random)
{
    private static readonly TimeSpan[] SoonSteps = [Minutes(1), Minutes(2), Minutes(5), Minutes(10)];
    private static readonly TimeSpan[] LaterSteps = [Minutes(15), Minutes(60), Minutes(240)];

    /// <summary>
    /// For one attempt: drawn once for all of its recipients. Drawn for each, sixty that were put off together would come due
    /// one by one, and be as many messages to Gmail's daily limit, each with the whole content.
    /// </summary>
    public RetrySchedule Together() => new(settings, new Drawn(random.NextDouble()));

    /// <param name="failures">Attempts that have failed before this one; 0 for the first.</param>
    public TimeSpan Soon(int failures) => failures < SoonSteps.Length ? Bounded(SoonSteps[failures]) : Later(failures - SoonSteps.Length);

    public TimeSpan Later(int failures) => Bounded(LaterSteps[Math.Min(failures, LaterSteps.Length - 1)]);

    /// <summary>
    /// Between two tries to reach Gmail at all. It never grows beyond ten minutes: one connection in ten minutes is no
    /// storm, and when the line comes back the mail should not sit here for hours.
    /// </summary>
    public TimeSpan Reconnect(int failures) => Bounded(SoonSteps[Math.Min(failures, SoonSteps.Length - 1)]);

    /// <summary>
    /// How long a message has been tried: since it came, less the pauses of its account, by which its end was moved. Never
    /// more than since it came, whatever lifetime it was accepted with.
    /// </summary>
    public TimeSpan Age(QueuedMessage message, DateTimeOffset now)
    {
        var (since, lived) = (now - message.ReceivedAt, settings().Lifetime - (message.Expires - now));
        return lived < since ? lived : since;
    }

    private TimeSpan Bounded(TimeSpan step)
    {
        // A configuration whose shortest is above its longest is refused; Max and Min rather than Clamp keep even that from throwing.
        var wait = step < settings().RetryShortest ? settings().RetryShortest : step;
        wait += wait * (random.NextDouble() / 4);
        return wait < settings().RetryLongest ? wait : settings().RetryLongest;
    }

    private static TimeSpan Minutes(int minutes) => TimeSpan.FromMinutes(minutes);

    private sealed class Drawn(double once) : Random
    {
        public override double NextDouble() => once;
    }
}
