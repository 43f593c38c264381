using SmartHost.Mail;
using SmartHost.Notices;
using SmartHost.Queue;

namespace SmartHost.Delivery;

/// <summary>
/// Results on their way to disk. While too many wait for it nothing more is sent, since every message that Gmail has without a
/// written result would be sent twice after a crash. Owned by the delivery loop.
/// <para>When it fails: a disk that takes nothing for half a minute is announced, and the results wait on.</para>
/// </summary>
internal sealed class Results(DeliveryTasks tasks, OutcomeLog outcomes, ReportWriter reports, Alerts alerts, TimeProvider time)
{
    /// <summary>Enough that a commit never stands in a connection's way, few enough that a crash with a hanging disk makes no flood of duplicates.</summary>
    private const int MostUnwritten = 16;

    private static readonly TimeSpan DiskPatience = TimeSpan.FromSeconds(30);

    /// <summary>And since when.</summary>
    private readonly Dictionary<QueueId, DateTimeOffset> unwritten = [];
    private bool diskTrouble;

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

    /// <summary>The disk would not give a message back.</summary>
    public void DiskFailed(string reason)
    {
        alerts.Raise(Alert.QueueTrouble(reason));
        diskTrouble = true;
    }

    /// <summary>Says what has lasted long enough to be said, and when it is over.</summary>
    public void Look()
    {
        var now = time.GetUtcNow();
        var waiting = unwritten.Values.Any(since => now - since >= DiskPatience);
        if (waiting) alerts.Raise(Alert.QueueTrouble("The disk has not taken a delivery's result for half a minute."));
        else if (diskTrouble) alerts.Over(AlertKind.QueueTrouble, "queue", "SmartHost reads and writes its queue again.");
        diskTrouble = waiting;
    }

    public void FollowClock(TimeSpan jump)
    {
        foreach (var id in unwritten.Keys.ToList()) unwritten[id] += jump;
    }
}
