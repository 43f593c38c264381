using SmartHost.Mail;
using SmartHost.Notices;
using SmartHost.Queue;

namespace SmartHost.Delivery;

/// <summary>
/// Results on their way to disk. While too many wait for it nothing more is sent, since every message that Gmail has without a
/// written result would be sent twice after a crash. Owned by the delivery loop.
/// <para>When it fails: a disk that takes nothing for half a minute is announced, and the results wait on.</para>
/// </summary>
internal sealed class Results(DeliveryTasks tasks, MailQueue queue, OutcomeLog outcomes, ReportWriter reports, Alerts alerts, TimeProvider time)
{
    /// <summary>Enough that a commit never stands in a connection's way, few enough that a crash with a hanging disk makes no flood of duplicates.</summary>
    private const int MostUnwritten = 16;

    private static readonly TimeSpan DiskPatience = TimeSpan.FromSeconds(30);

    /// <summary>Results handed to the queue and not yet on disk, with the time since when.</summary>
    private readonly Dictionary<QueueId, DateTimeOffset> unwritten = [];

    /// <summary>Content that the disk would not give back: how often, and what it said last.</summary>
    private readonly Dictionary<QueueId, (int Times, string Reason)> unreadable = [];

    /// <summary>As if told at first: what a run before this one told may be over, and nobody else would say so.</summary>
    private bool toldUnwritten = true, toldUnreadable = true;

    /// <summary>The disk keeps up: more may be sent.</summary>
    public bool AreWritten => unwritten.Count < MostUnwritten;

    public void Write(Assignment assignment, Settlement settlement)
    {
        var now = time.GetUtcNow();
        unwritten[settlement.Id] = now;
        outcomes.Tell(assignment.Message, settlement, assignment.Account.Name, now);
        tasks.Settle(assignment, settlement);
    }

    public void Written(DeliveryEvent.Settled settled)
    {
        unwritten.Remove(settled.Settlement.Id);
        settled.Assignment.Account.Arrived(settled.Assignment);
        if (settled.Settlement.Outcomes.Any(outcome => outcome.Status is DeliveryStatus.Bounced)) reports.Wake();
    }

    /// <summary>The disk would not give a message's content back. How often it had refused before.</summary>
    public int Unreadable(QueueId id, string reason)
    {
        var before = unreadable.GetValueOrDefault(id).Times;
        unreadable[id] = (before + 1, reason);
        return before;
    }

    /// <summary>Its content could be read.</summary>
    public void Readable(QueueId id) => unreadable.Remove(id);

    public bool IsUnreadable(QueueId id) => unreadable.ContainsKey(id);

    /// <summary>Says what has lasted long enough to be said, and when it is over.</summary>
    public void Look()
    {
        var now = time.GetUtcNow();
        var waiting = unwritten.Values.Any(since => now - since >= DiskPatience);
        if (waiting) alerts.Raise(Alert.QueueTrouble("The disk has not taken a delivery's result for half a minute."));
        else if (toldUnwritten) alerts.Over(AlertKind.QueueTrouble, "queue", "SmartHost writes its queue again.");
        toldUnwritten = waiting;

        // A person may have deleted it.
        foreach (var gone in unreadable.Keys.Where(id => !queue.IsOpen(id)).ToList()) unreadable.Remove(gone);
        if (unreadable.Count > 0)
        {
            var (id, (_, reason)) = unreadable.MinBy(one => one.Key);
            alerts.Raise(Alert.MailUnreadable("content", $"{id}: {reason}", $"Let the user that SmartHost runs as read content/{id}.eml in the data folder; SmartHost tries again by itself. Where there is no such file, the database is damaged. {MailQueue.WayOut}"));
        }
        else if (toldUnreadable) alerts.Over(AlertKind.QueueTrouble, "content", "SmartHost reads all of its mail again.");
        toldUnreadable = unreadable.Count > 0;
    }

    public void FollowClock(TimeSpan jump)
    {
        foreach (var id in unwritten.Keys.ToList()) unwritten[id] += jump;
    }
}
