namespace SmartHost.Queue;

/// <summary>
/// Notices that the wall clock was put forward or back while we ran: a NAS whose battery is flat starts in 1970 and learns
/// the year minutes later; a machine that slept missed hours. The monotonic clock knows how much time really passed.
/// Not thread-safe.
/// </summary>
internal sealed class ClockWatch(TimeProvider time)
{
    /// <summary>Less than this is a clock being trimmed, not put right.</summary>
    private static readonly TimeSpan Least = TimeSpan.FromMinutes(1);

    private DateTimeOffset wall = time.GetUtcNow();
    private long monotonic = time.GetTimestamp();

    /// <summary>How far the clock was moved since the last call; zero if it was not.</summary>
    public TimeSpan Jump()
    {
        var (now, stamp) = (time.GetUtcNow(), time.GetTimestamp());
        var jump = now - wall - time.GetElapsedTime(monotonic, stamp);
        (wall, monotonic) = (now, stamp);
        return jump.Duration() < Least ? TimeSpan.Zero : jump;
    }
}
