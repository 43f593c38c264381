using SmartHost.Queue;

namespace SmartHost.Dashboard;

/// <summary>Messages that came in one hour, by what has become of them.</summary>
/// <param name="From">The hour's beginning, in the server's time zone.</param>
public sealed record TrafficHour(DateTimeOffset From, int Sent, int Waiting, int Failed)
{
    public int Total => Sent + Waiting + Failed;
}

/// <summary>
/// The last 24 hours, counted from the queue's own rows, so that a restart forgets nothing. Counted at most once in a while,
/// however many pages are open.
/// </summary>
internal sealed class Traffic(MailQueue queue, TimeProvider time) : IDisposable
{
    private const int Hours = 24;
    private static readonly TimeSpan Fresh = TimeSpan.FromSeconds(5);

    private readonly SemaphoreSlim gate = new(1);
    private (DateTimeOffset At, IReadOnlyList<TrafficHour> Hours)? counted;

    public async Task<IReadOnlyList<TrafficHour>> LastDayAsync(CancellationToken cancellation)
    {
        await gate.WaitAsync(cancellation);
        try
        {
            var now = time.GetLocalNow();
            if (counted is { } last && now - last.At < Fresh && now >= last.At) return last.Hours;
            var hours = await CountAsync(now, cancellation);
            counted = (now, hours);
            return hours;
        }
        finally
        {
            gate.Release();
        }
    }

    public void Dispose() => gate.Dispose();

    private async Task<IReadOnlyList<TrafficHour>> CountAsync(DateTimeOffset now, CancellationToken cancellation)
    {
        var thisHour = new DateTimeOffset(now.Year, now.Month, now.Day, now.Hour, 0, 0, now.Offset);
        var first = thisHour - TimeSpan.FromHours(Hours - 1);
        var (sent, waiting, failed) = (new int[Hours], new int[Hours], new int[Hours]);
        foreach (var count in await queue.ReceivedSinceAsync(first, cancellation))
        {
            int[]? column = count.State switch
            {
                MessageState.Deleted => null,
                MessageState.Parked => failed,
                MessageState.Done => count.Bounced ? failed : sent,
                _ => waiting,
            };
            // A clock that was set back puts mail into the future: it counts as now's.
            if (column is not null) column[Math.Min(Hours - 1, count.Hour)] += count.Messages;
        }
        return [.. Enumerable.Range(0, Hours).Select(i => new TrafficHour(first + TimeSpan.FromHours(i), sent[i], waiting[i], failed[i]))];
    }
}
