using Microsoft.Extensions.Logging;

namespace SmartHost.Queue;

/// <summary>What becomes of the queue's times where the wall clock is put right while we run. While nothing runs: see <see cref="Recovery"/>.</summary>
public sealed partial class MailQueue
{
    /// <summary>
    /// Where the wall clock was put right, what was reckoned by the wrong one is made good, each way on the side that keeps mail.
    /// Forward: lifetimes grow by it, to a whole one at most, or a start in 1970 would end them all at once; what was spent within a day stays so.
    /// Back: what waits is due that much earlier, or a retry would wait for a tomorrow that is days away; lifetimes stay, for
    /// who knows which clock they were reckoned by.
    /// </summary>
    private void FollowClock()
    {
        // Whoever asks next waits until this is done: the question may be what has expired.
        lock (clock)
        {
            var jump = clock.Jump();
            if (jump == TimeSpan.Zero) return;
            var (by, now) = (jump.Duration(), time.GetUtcNow());
            LogClock(logger, jump > TimeSpan.Zero ? "forward" : "back", by);
            if (jump > TimeSpan.Zero)
            {
                var latest = now + terms.Lifetime;
                index.PutClockForward(by, now, latest);
                tallies.PutClockForward(by);
                Beside(CorrectAsync(database => { database.Lengthen(by, latest); database.PutClockForward(by, now); }));
            }
            else
            {
                Beside(CorrectAsync(database => database.PutClockBack(by, now), () => index.PutClockBack(by, now)));
            }
        }
    }

    /// <summary>Until the disk takes it, for the jump is seen but once; nobody waits for it.</summary>
    private async Task CorrectAsync(Action<Database> correct, Action? committed = null)
    {
        try
        {
            await PersistAsync(database => { correct(database); return true; }, _ => committed?.Invoke(), closing.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // We stop; the next start takes it for an outage, or bounds what it finds ahead.
        }
        catch (QueueDamagedException e)
        {
            LogDiskSilent(logger, e.Message);
        }
    }

    [LoggerMessage(2025, LogLevel.Warning, "the clock was put {Direction} by {By}; waiting mail is adjusted")]
    private static partial void LogClock(ILogger logger, string direction, TimeSpan by);
}
