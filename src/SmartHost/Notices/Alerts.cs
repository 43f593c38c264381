using System.Threading.Channels;
using MimeKit;
using SmartHost.History;
using SmartHost.Mail;
using SmartHost.Queue;

namespace SmartHost.Notices;

/// <summary>How telling an alert on one channel went, for the page.</summary>
/// <param name="Problem">Null: delivered.</param>
/// <param name="NextTry">Null: it is settled, for better or worse.</param>
/// <param name="Mail">The queue id of the mail that carries it: handed to the queue, it waits there like any other.</param>
public sealed record AlertDelivery(DateTimeOffset At, string Channel, string Title, string? Problem, DateTimeOffset? NextTry, string? Mail = null);

/// <param name="Troubles">What lasts now, and events of the last minutes; the oldest first.</param>
/// <param name="Deliveries">The last fifty, newest first.</param>
public sealed record AlertsSnapshot(IReadOnlyList<AlertStanding> Troubles, IReadOnlyList<AlertDelivery> Deliveries);

/// <summary>
/// Tells people of trouble, by webhook and by e-mail. Whoever sees trouble raises it and goes on; one loop folds what
/// repeats, keeps to a rate, tells, tries again and says when it is over.
/// <para>When it fails: a webhook that does not answer is tried again for a day, ever more rarely; what was never told is
/// kept in the queue's storage and told after a restart; when more happens than it can take (a thousand at once), the
/// surplus is dropped, for the page and the log have it anyway, but never what lasts. A disk that hangs is not waited for.</para>
/// </summary>
public sealed class Alerts(Func<AlertSettings> settings, MailQueue queue, LocalMail mail, Webhook webhook, string hostname, MailLog log, Meters meters, TimeProvider time)
{
    private const string Scope = "alert";
    private const int AnnouncementsAnHour = 20, WithStatesAnHour = 40, DeliveriesKept = 50, MostEvents = 1000;
    private static readonly TimeSpan GiveUpAfter = TimeSpan.FromHours(24), FirstRetry = TimeSpan.FromSeconds(10), LongestRetry = TimeSpan.FromHours(1), DiskPatience = TimeSpan.FromSeconds(5);

    private readonly Channel<Word> words = Channel.CreateUnbounded<Word>();
    private readonly Dictionary<string, AlertStanding> standings = [];
    private readonly List<Pending> outbox = [];
    private readonly Queue<DateTimeOffset> lately = new();
    private readonly List<AlertDelivery> deliveries = [];
    private readonly ClockWatch clock = new(time);
    private bool loaded;

    /// <summary>What the disk has not taken yet. The queue's journal ends it, at the latest when it closes.</summary>
    private Task writing = Task.CompletedTask;
    private volatile AlertsSnapshot snapshot = new([], []);

    public AlertsSnapshot Snapshot => snapshot;

    /// <summary>Never blocks, never fails.</summary>
    public void Raise(Alert alert)
    {
        if (alert.Lasts || words.Reader.Count < MostEvents) words.Writer.TryWrite(new Word.Raised(alert));
    }

    /// <summary>What lasted is over; announced if its beginning was. Harmless where nothing was raised.</summary>
    /// <param name="text">A sentence: what is right again.</param>
    public void Over(AlertKind kind, string key, string text) => Over(kind, one => one == key, text);

    /// <summary>The same for all of a kind that are meant: what they were about may be gone, and with it whoever would say each one's end.</summary>
    /// <param name="isMeant">Asked with each one's key, later and on another thread: it must look at nothing that changes.</param>
    public void Over(AlertKind kind, Func<string, bool> isMeant, string text) => words.Writer.TryWrite(new Word.Ended(alert => alert.Kind == kind && isMeant(alert.Key), text));

    /// <summary>Runs until stopped. Owns all state of this class.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        using var timer = time.CreateTimer(_ => words.Writer.TryWrite(Word.Clock.Instance), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        try
        {
            while (true)
            {
                timer.Change(await TryTurnAsync(stop), Timeout.InfiniteTimeSpan);
                await words.Reader.WaitToReadAsync(stop);
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // What is not told yet is in the queue's storage.
        }
    }

    private async Task<TimeSpan> TryTurnAsync(CancellationToken stop)
    {
        try
        {
            return await TurnAsync(stop);
        }
        catch (Exception failure) when (failure is not OperationCanceledException)
        {
            log.AlertsStumbled(failure);
            return FirstRetry;
        }
    }

    /// <summary>One turn of the loop: hear what was raised, decide what to tell, tell it. Returns how long until the next is due.</summary>
    internal async Task<TimeSpan> TurnAsync(CancellationToken stop)
    {
        if (!loaded) Load();
        FollowClock();
        while (words.Reader.TryRead(out var word)) await TakeAsync(word, stop);
        await AnnounceAsync(stop);
        await DeliverAsync(stop);
        Publish();
        return NextWake() is { } wake ? Positive(wake - time.GetUtcNow()) : Timeout.InfiniteTimeSpan;
    }

    private void Load()
    {
        foreach (var (id, json) in queue.GetStates(Scope))
        {
            if (AlertStanding.FromJson(json) is { } standing) standings[id] = standing;
        }
        loaded = true;
    }

    /// <summary>What waits goes on waiting as long as it was to, wherever the wall clock was put: an alert must not sit here for a day.</summary>
    private void FollowClock()
    {
        var jump = clock.Jump();
        if (jump == TimeSpan.Zero) return;
        foreach (var pending in outbox) (pending.Begun, pending.Due) = (pending.Begun + jump, pending.Due + jump);
        for (var i = lately.Count; i > 0; i--) lately.Enqueue(lately.Dequeue() + jump);
        foreach (var (id, standing) in standings.ToList()) standings[id] = standing with { Since = standing.Since + jump, Last = standing.Last + jump, ToldAt = standing.ToldAt + jump };
    }

    private async Task TakeAsync(Word word, CancellationToken stop)
    {
        var now = time.GetUtcNow();
        switch (word)
        {
            // A state that goes on is no news, and not worth a write every minute: what its text says by now is for the page.
            case Word.Raised { Alert: { Lasts: true } alert } when standings.TryGetValue(alert.Id, out var same) && !same.IsNews(alert):
                standings[alert.Id] = same.Again(alert, now);
                break;
            case Word.Raised { Alert: var alert } when standings.TryGetValue(alert.Id, out var known):
                // What waits to tell of another cause would be old when it arrives, and pass for the news.
                if (alert.Lasts) outbox.RemoveAll(pending => pending.Announcement.Alert.Id == alert.Id && !pending.Announcement.IsOver);
                await KeepAsync(alert.Id, known.Again(alert, now), stop);
                break;
            case Word.Raised { Alert: var alert }:
                await KeepAsync(alert.Id, AlertStanding.First(alert, now), stop);
                break;
            case Word.Ended { IsMeant: var isMeant, Text: var text }:
                foreach (var ended in standings.Values.Where(standing => isMeant(standing.Alert)).ToList()) await EndAsync(ended, text, stop);
                break;
        }
    }

    private async Task EndAsync(AlertStanding standing, string text, CancellationToken stop)
    {
        var id = standing.Alert.Id;
        // Mail that the disk has yet to take is as good as told.
        var isTold = standing.Told > 0 || outbox.Exists(pending => pending.Announcement.Alert.Id == id && pending.Mail is not null);
        outbox.RemoveAll(pending => pending.Announcement.Alert.Id == id);
        if (isTold) Send(Announcement.End(standing, text, time.GetUtcNow()), byMailToo: true);
        await KeepAsync(id, null, stop);
    }

    private async Task AnnounceAsync(CancellationToken stop)
    {
        var now = time.GetUtcNow();
        while (lately.TryPeek(out var first) && now - first >= TimeSpan.FromHours(1)) lately.Dequeue();
        // States first, with room of their own: a network full of strangers must not hold up the word that nothing is sent.
        foreach (var (id, standing) in standings.OrderByDescending(one => one.Value.Alert.Lasts).ToList())
        {
            var most = standing.Alert.Lasts ? WithStatesAnHour : AnnouncementsAnHour;
            if (standing.IsForgotten(now)) await KeepAsync(id, null, stop);
            else if (standing.Due <= now && lately.Count < most && outbox.All(pending => pending.Announcement.Alert.Id != id))
            {
                lately.Enqueue(now);
                // With no channel it is told by the page alone; else it counts as told when the first channel has it.
                if (!Send(Announcement.Of(standing), standing.Alert.ByMail)) await KeepAsync(id, standing.Announced(now, standing.Count), stop);
            }
        }
    }

    /// <summary>False: there is no channel for it.</summary>
    private bool Send(Announcement announcement, bool byMailToo)
    {
        var now = time.GetUtcNow();
        var before = outbox.Count;
        if (settings().Webhook is not null) outbox.Add(new Pending { Announcement = announcement, Way = Way.Webhook, Begun = now, Due = now });
        if (byMailToo && settings().Email is not null) outbox.Add(new Pending { Announcement = announcement, Way = Way.Mail, Begun = now, Due = now });
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
            var name = pending.Way == Way.Webhook ? "webhook" : "e-mail";
            meters.Alert(name, failure is null);
            if (failure is null)
            {
                log.AlertDelivered(name, pending.Announcement.Title);
                outbox.Remove(pending);
                var id = pending.Announcement.Alert.Id;
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
            outbox.Remove(pending);
            if (standings.TryGetValue(pending.Announcement.Alert.Id, out var given) && !pending.Announcement.IsOver)
            {
                // As told as it will get: else it would be announced anew at once, for ever.
                await KeepAsync(given.Alert.Id, given.Announced(now, pending.Announcement.Count), stop);
            }
        }
    }

    private async Task<ChannelFailure?> PostAsync(Announcement announcement, CancellationToken stop) => settings() switch
    {
        { Webhook: { } address, Format: var format } => await webhook.PostAsync(address, format, announcement, hostname, stop),
        _ => null, // no longer configured while it waited
    };

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
        if (settings().Email is not { } recipient) return (null, null);
        var outcome = await mail.SubmitAsync(recipient, $"[SmartHost] {announcement.Title}", Lane.Urgent, announcement.Alert.Account, "alerts.email",
            (message, _) => message.Body = new TextPart("plain") { Text = $"{announcement.Body}\n\nSmartHost on {hostname}\n" }, reportsOn: null, stop);
        return outcome switch
        {
            CommitOutcome.Committed committed => (null, committed.Id),
            CommitOutcome.InsufficientStorage full => (new ChannelFailure(full.Reason, Final: false), null),
            CommitOutcome.Failed failed => (new ChannelFailure(failed.Reason, Final: false), null),
            _ => throw new System.Diagnostics.UnreachableException(),
        };
    }

    private async Task KeepAsync(string id, AlertStanding? standing, CancellationToken stop)
    {
        if (standing is null) standings.Remove(id);
        else standings[id] = standing;
        // Where the disk does not take it, which the queue logs, memory goes on: it must not be silenced, and only a restart would forget.
        await DiskAsync(queue.PutStateAsync(Scope, id, standing?.ToJson(), stop), stop);
    }

    /// <summary>Waits for the disk, but a few seconds at most, and not at all while it still owes us something earlier: one that hangs must not silence the word about it.</summary>
    private async Task DiskAsync(Task write, CancellationToken stop)
    {
        var hangs = !writing.IsCompleted;
        writing = hangs ? Task.WhenAll(writing, write) : write;
        if (hangs) return;
        try
        {
            await write.WaitAsync(DiskPatience, time, stop);
        }
        catch (TimeoutException)
        {
            // It goes on by itself.
        }
    }

    private void Remember(AlertDelivery delivery)
    {
        deliveries.Insert(0, delivery);
        if (deliveries.Count > DeliveriesKept) deliveries.RemoveAt(DeliveriesKept);
    }

    private void Publish() => snapshot = new AlertsSnapshot([.. standings.Values.OrderBy(standing => standing.Since)], [.. deliveries]);

    private DateTimeOffset? NextWake()
    {
        var wakes = outbox.Select(pending => pending.Due).ToList();
        foreach (var (id, standing) in standings)
        {
            if (outbox.Any(pending => pending.Announcement.Alert.Id == id)) continue;
            var due = standing.Due ?? standing.ToldAt + AlertStanding.Fold;
            // Held back by the rate: when the oldest of the hour drops out.
            if (due <= time.GetUtcNow() && lately.TryPeek(out var first)) due = first + TimeSpan.FromHours(1);
            if (due is { } at) wakes.Add(at);
        }
        return wakes.Count == 0 ? null : wakes.Min();
    }

    private static TimeSpan Backoff(int failures)
    {
        var wait = FirstRetry * Math.Pow(3, Math.Min(failures - 1, 10));
        return wait < LongestRetry ? wait : LongestRetry;
    }

    private static TimeSpan Positive(TimeSpan wait) => wait > TimeSpan.Zero ? wait : TimeSpan.FromMilliseconds(1);

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

        /// <summary>On its way to the queue.</summary>
        public Task<(ChannelFailure? Failure, QueueId? Carrier)>? Mail { get; set; }
    }

    private abstract record Word
    {
        private Word() { }

        public sealed record Raised(Alert Alert) : Word;

        public sealed record Ended(Func<Alert, bool> IsMeant, string Text) : Word;

        public sealed record Clock : Word
        {
            public static readonly Clock Instance = new();
        }
    }
}
