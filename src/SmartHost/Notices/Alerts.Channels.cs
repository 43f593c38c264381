using MimeKit;
using SmartHost.Mail;
using SmartHost.Queue;

namespace SmartHost.Notices;

/// <summary>The channels: announcements on their way, each tried until it is taken or given up.</summary>
public sealed partial class Alerts
{
    private const int DeliveriesKept = 50;
    private static readonly TimeSpan GiveUpAfter = TimeSpan.FromHours(24), FirstRetry = TimeSpan.FromSeconds(10), LongestRetry = TimeSpan.FromHours(1);

    private readonly List<Pending> outbox = [];
    private readonly List<AlertDelivery> deliveries = [];

    /// <summary>As this turn sees them: a channel must not go while something is sent by it.</summary>
    private AlertSettings channels = new();

    /// <summary>
    /// What was to go by a channel that is gone goes no more. After a change, what nobody has heard is said anew by the channels
    /// that there are now, and whatever waits for another try gets it: they may have been corrected. So it is at the start,
    /// for the change may be why it was restarted.
    /// </summary>
    private async Task FollowSettingsAsync(CancellationToken stop)
    {
        var now = settings();
        var isOther = now != channels;
        channels = now;
        // Mail that the disk has yet to take cannot be called back.
        foreach (var pending in outbox.Where(one => one.Mail is null).ToList())
        {
            if (!IsSet(pending.Way) || (isOther && !pending.Announcement.IsOver && !pending.IsHeard)) await LeaveAsync(pending, stop);
            else if (isOther) pending.Due = time.GetUtcNow();
        }
        if (!isOther) return;
        lately.Clear();
        foreach (var (id, standing) in standings.ToList()) standings[id] = standing with { Unheard = null };
    }

    /// <summary>False: there is no channel for it.</summary>
    private bool Send(Announcement announcement, bool byMailToo)
    {
        var now = time.GetUtcNow();
        var before = outbox.Count;
        if (IsSet(Way.Webhook)) outbox.Add(new Pending { Announcement = announcement, Way = Way.Webhook, Begun = now, Due = now });
        if (byMailToo && IsSet(Way.Mail)) outbox.Add(new Pending { Announcement = announcement, Way = Way.Mail, Begun = now, Due = now });
        return outbox.Count > before;
    }

    private async Task DeliverAsync(CancellationToken stop)
    {
        // Mail first, which is a line in our own queue; a webhook that is away costs its whole patience, and so is asked once a turn.
        ChannelFailure? away = null;
        foreach (var pending in outbox.Where(one => one.Due <= time.GetUtcNow()).OrderBy(one => one.Way == Way.Webhook).ToList())
        {
            var (failure, carrier) = pending.Way == Way.Webhook ? (away ?? await PostAsync(pending.Announcement, stop), null) : await MailAsync(pending, stop);
            if (pending.Way == Way.Webhook && failure is { Final: false }) away = failure;
            var now = time.GetUtcNow();
            var name = Name(pending.Way);
            var id = pending.Announcement.Alert.Id;
            meters.Alert(name, failure is null);
            Settle(pending);
            if (failure is null)
            {
                log.AlertDelivered(name, pending.Announcement.Title);
                await LeaveAsync(pending, stop, told: true);
                foreach (var other in outbox.Where(one => one.Announcement == pending.Announcement)) other.IsHeard = true;
                if (!pending.Announcement.IsOver && standings.TryGetValue(id, out var standing)) await KeepAsync(id, standing.Announced(now, pending.Announcement.Count), stop);
                Remember(new AlertDelivery(now, name, pending.Announcement.Title, null, null, carrier?.ToString()));
                continue;
            }
            log.AlertFailed(name, failure.Reason, pending.Announcement.Title);
            pending.Failures++;
            pending.Due = now + Backoff(pending.Failures);
            var last = failure.Final || now - pending.Begun >= GiveUpAfter;
            Remember(new AlertDelivery(now, name, pending.Announcement.Title, failure.Reason, last ? null : pending.Due));
            if (!last) continue;
            await LeaveAsync(pending, stop);
            // The other channel has it, or may yet.
            if (pending.Announcement.IsOver || pending.IsHeard || IsOnItsWay(id) || !standings.TryGetValue(id, out var unheard)) continue;
            // Else it would be announced anew at once, for ever.
            await KeepAsync(id, unheard.NotHeard(now, $"it could not be delivered by {name} ({failure.Reason.TrimEnd('.')})"), stop);
        }
    }

    /// <summary>
    /// It is on its way no more. An end that was told, or never will be, is the end on disk as well; as with a beginning the
    /// first channel counts, or each restart would tell it anew by mail while the webhook is away.
    /// </summary>
    private async Task LeaveAsync(Pending pending, CancellationToken stop, bool told = false)
    {
        outbox.Remove(pending);
        Settle(pending);
        var id = pending.Announcement.Alert.Id;
        if (pending.Announcement.IsOver && (told || !IsOnItsWay(id)) && !standings.ContainsKey(id)) await KeepAsync(id, null, stop);
    }

    private Task<ChannelFailure?> PostAsync(Announcement announcement, CancellationToken stop) => webhook.PostAsync(channels.Webhook!, channels.Format, announcement, hostname, stop);

    private async Task<(ChannelFailure? Failure, QueueId? Carrier)> MailAsync(Pending pending, CancellationToken stop)
    {
        var mail = pending.Mail ?? SubmitAsync(pending.Announcement, stop);
        pending.Mail = null;
        await DiskAsync(mail, stop);
        if (mail.IsCompleted) return await mail;
        // The same one the next time: it may be committed in the end, and a second one would be told twice.
        pending.Mail = mail;
        return (new ChannelFailure("The disk has not taken it yet.", Final: false), null);
    }

    private async Task<(ChannelFailure? Failure, QueueId? Carrier)> SubmitAsync(Announcement announcement, CancellationToken stop)
    {
        var outcome = await mail.SubmitAsync(channels.Email!, $"[SmartHost] {announcement.Title}", Lane.Urgent, announcement.Alert.Account, "alerts.email",
            (message, _) => message.Body = new TextPart("plain") { Text = $"{announcement.Body}\n\nSmartHost on {hostname}\n" }, reportsOn: null, stop);
        return outcome switch
        {
            CommitOutcome.Committed committed => (null, committed.Id),
            CommitOutcome.InsufficientStorage full => (new ChannelFailure(full.Reason, Final: false), null),
            CommitOutcome.Failed failed => (new ChannelFailure(failed.Reason, Final: false), null),
            _ => throw new System.Diagnostics.UnreachableException(),
        };
    }

    private bool IsSet(Way way) => way == Way.Webhook ? channels.Webhook is not null : channels.Email is not null;

    private bool IsOnItsWay(string id) => outbox.Exists(pending => pending.Announcement.Alert.Id == id);

    /// <summary>On its way by a channel, and nobody has it: nothing more is said of it before. What one channel has does not wait for the other.</summary>
    private bool IsAwaited(string id) => outbox.Exists(pending => pending.Announcement.Alert.Id == id && (!pending.IsHeard || pending.Mail is not null));

    private static string Name(Way way) => way == Way.Webhook ? "webhook" : "e-mail";

    /// <summary>The next try that the page promised has come, or will not.</summary>
    private void Settle(Pending pending)
    {
        var before = deliveries.FindIndex(one => one.NextTry is not null && one.Channel == Name(pending.Way) && one.Title == pending.Announcement.Title);
        if (before >= 0) deliveries[before] = deliveries[before] with { NextTry = null };
    }

    private void Remember(AlertDelivery delivery)
    {
        deliveries.Insert(0, delivery);
        if (deliveries.Count > DeliveriesKept) deliveries.RemoveAt(DeliveriesKept);
    }

    private static TimeSpan Backoff(int failures)
    {
        var wait = FirstRetry * Math.Pow(3, Math.Min(failures - 1, 10));
        return wait < LongestRetry ? wait : LongestRetry;
    }

    private enum Way
    {
        Webhook,
        Mail,
    }

    /// <summary>One announcement on its way by one channel.</summary>
    private sealed class Pending
    {
        public required Announcement Announcement { get; init; }

        public required Way Way { get; init; }

        public required DateTimeOffset Begun { get; set; }

        public required DateTimeOffset Due { get; set; }

        public int Failures { get; set; }

        /// <summary>By another channel.</summary>
        public bool IsHeard { get; set; }

        /// <summary>On its way to the queue.</summary>
        public Task<(ChannelFailure? Failure, QueueId? Carrier)>? Mail { get; set; }
    }
}
