using SmartHost.Mail;

namespace SmartHost.Queue;

/// <summary>Makes ids, none twice: under load several fall into one millisecond, and a random tail of 20 bits then meets itself every few minutes.</summary>
internal sealed class QueueIdSource(TimeProvider time, Random random)
{
    private readonly Lock gate = new();
    private readonly HashSet<QueueId> thisMillisecond = [];
    private long millisecond;

    public QueueId Next()
    {
        lock (gate)
        {
            var now = time.GetUtcNow();
            if (now.ToUnixTimeMilliseconds() != millisecond)
            {
                millisecond = now.ToUnixTimeMilliseconds();
                thisMillisecond.Clear();
            }
            while (true)
            {
                var id = QueueId.Create(now, random);
                if (thisMillisecond.Add(id)) return id;
            }
        }
    }
}
