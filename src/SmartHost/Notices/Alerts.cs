using System.Threading.Channels;
using SmartHost.History;
using SmartHost.Mail;
using SmartHost.Queue;

namespace SmartHost.Notices;

/// <summary>
/// Tells people of trouble, by webhook and by e-mail. Whoever sees trouble raises it and goes on; one loop folds what
/// repeats, keeps to a rate, tells, tries again and says when it is over.
/// <para>When it fails: a webhook that does not answer is tried again for a day, ever more rarely; what was never told is
/// kept in the queue's storage and told after a restart, or as soon as the settings name another channel; when more happens
/// than it can take (a thousand at once), the surplus is dropped, for the page and the log have it anyway, but never what
/// lasts. A disk that hangs is not waited for.</para>
/// </summary>
public sealed partial class Alerts(Func<AlertSettings> settings, MailQueue queue, LocalMail mail, Webhook webhook, string hostname, MailLog log, Meters meters, TimeProvider time)
{
    private const string Scope = "alert";
    private const int AnnouncementsAnHour = 20, WithStatesAnHour = 40, MostEvents = 1000, MostStrangers = 200;
    private static readonly TimeSpan DiskPatience = TimeSpan.FromSeconds(5);

    private readonly Channel<Word> words = Channel.CreateUnbounded<Word>();
    private readonly Dictionary<string, AlertStanding> standings = [];
    private readonly Queue<DateTimeOffset> lately = new();
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

    /// <summary>The settings were taken up: another channel may take what none took.</summary>
    public void NotifySettingsChanged() => words.Writer.TryWrite(Word.Wake.Instance);

    /// <summary>Runs until stopped. Owns all state of this class.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        using var timer = time.CreateTimer(_ => words.Writer.TryWrite(Word.Wake.Instance), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        queue.Changed += LookIfConcerned;
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
            // The queue is open still: what was said since the last turn joins there what is not told yet. Delivery's last word may be
            // of a pause for good, and while a webhook lets us wait there is no turn.
            if (!loaded) Load();
            while (words.Reader.TryRead(out var word)) await TakeAsync(word, CancellationToken.None);
        }
        finally
        {
            queue.Changed -= LookIfConcerned;
        }
    }

    private void LookIfConcerned(QueueId id)
    {
        if (snapshot.Troubles.Any(standing => standing.Alert.Kind == AlertKind.MessageParked && standing.Alert.Message == id.ToString())) words.Writer.TryWrite(Word.Wake.Instance);
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
        await FollowSettingsAsync(stop);
        while (words.Reader.TryRead(out var word)) await TakeAsync(word, stop);
        await DropSettledAsync(stop);
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
        foreach (var (id, standing) in standings.ToList()) standings[id] = standing.Moved(jump);
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
            // Ten hours' announcements wait already: whoever uses an address for each try must not fill memory and disk.
            case Word.Raised { Alert.Kind: AlertKind.UnknownDevice } when standings.Values.Count(standing => standing.Alert.Kind == AlertKind.UnknownDevice) >= MostStrangers:
                break;
            case Word.Raised { Alert: var alert }:
                await KeepAsync(alert.Id, AlertStanding.First(alert, now), stop);
                break;
            case Word.Ended { IsMeant: var isMeant, Text: var text }:
                foreach (var ended in standings.Values.Where(standing => isMeant(standing.Alert)).ToList()) await EndAsync(ended, text, stop);
                break;
        }
    }

    /// <summary>What needed a person, and a person has seen to, needs none any more: not on the page, and not by a channel that is set later.</summary>
    private async Task DropSettledAsync(CancellationToken stop)
    {
        foreach (var (id, standing) in standings.Where(one => one.Value.Alert.Kind == AlertKind.MessageParked && !queue.MayHaveParked(one.Value.Alert.Key)).ToList())
        {
            outbox.RemoveAll(pending => pending.Announcement.Alert.Id == id && pending.Mail is null);
            await KeepAsync(id, null, stop);
        }
    }

    private async Task EndAsync(AlertStanding standing, string text, CancellationToken stop)
    {
        var id = standing.Alert.Id;
        // Mail that the disk has yet to take is as good as told.
        var isTold = standing.Told > 0 || outbox.Exists(pending => pending.Announcement.Alert.Id == id && pending.Mail is not null);
        outbox.RemoveAll(pending => pending.Announcement.Alert.Id == id);
        // On disk it stands until its end is told, too: whoever said that it is over says so again after a restart.
        if (isTold && Send(Announcement.End(standing, text, time.GetUtcNow()), byMailToo: true)) standings.Remove(id);
        else await KeepAsync(id, null, stop);
    }

    private async Task AnnounceAsync(CancellationToken stop)
    {
        var now = time.GetUtcNow();
        while (lately.TryPeek(out var first) && now - first >= TimeSpan.FromHours(1)) lately.Dequeue();
        // States first, with room of their own: a network full of strangers must not hold up the word that nothing is sent. And
        // strangers last: nor the word of a message that needs a person, for longer than an hour.
        foreach (var (id, standing) in standings.OrderByDescending(one => one.Value.Alert.Lasts).ThenBy(one => one.Value.Alert.Kind == AlertKind.UnknownDevice).ToList())
        {
            var most = standing.Alert.Lasts ? WithStatesAnHour : AnnouncementsAnHour;
            if (standing.IsForgotten(now)) await KeepAsync(id, null, stop);
            else if (standing.Due <= now && lately.Count < most && !IsAwaited(id))
            {
                // A channel that has not taken the word before takes this one in its place.
                foreach (var before in outbox.Where(pending => pending.Announcement.Alert.Id == id).ToList()) await LeaveAsync(before, stop);
                // It counts as told when the first channel has it.
                if (Send(Announcement.Of(standing, now), standing.Alert.ByMail)) lately.Enqueue(now);
                // Its failure report is the mail about it. Of our own mail none is written.
                else if (standing.Alert is { Kind: AlertKind.MessageFailed, Key: not LocalMail.Device } && channels.Email is not null) await KeepAsync(id, standing.Announced(now, standing.Count), stop);
                else await KeepAsync(id, standing.NotHeard(now, channels.Email is null ? "no channel is set (alerts)" : "it goes by webhook alone, and none is set (alerts.webhook)"), stop);
            }
        }
    }

    private async Task KeepAsync(string id, AlertStanding? standing, CancellationToken stop)
    {
        if (standing is null) standings.Remove(id);
        else standings[id] = standing;
        // Where the disk does not take it, which the queue logs, memory goes on: it must not be silenced, and only a restart would forget.
        await DiskAsync(queue.PutStateAsync(Scope, id, standing?.ToJson(), CancellationToken.None), stop);
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

    private void Publish() => snapshot = new AlertsSnapshot([.. standings.Values.OrderBy(standing => standing.Since)], [.. deliveries]);

    private DateTimeOffset? NextWake()
    {
        var wakes = outbox.Select(pending => pending.Due).ToList();
        foreach (var (id, standing) in standings)
        {
            if (IsAwaited(id)) continue;
            var due = standing.Due ?? standing.ForgottenAt;
            // Held back by the rate: when the oldest of the hour drops out.
            if (due <= time.GetUtcNow() && lately.TryPeek(out var first)) due = first + TimeSpan.FromHours(1);
            if (due is { } at) wakes.Add(at);
        }
        return wakes.Count == 0 ? null : wakes.Min();
    }

    private static TimeSpan Positive(TimeSpan wait) => wait > TimeSpan.Zero ? wait : TimeSpan.FromMilliseconds(1);

    private abstract record Word
    {
        private Word() { }

        public sealed record Raised(Alert Alert) : Word;

        public sealed record Ended(Func<Alert, bool> IsMeant, string Text) : Word;

        /// <summary>Nothing was said; it is time to look.</summary>
        public sealed record Wake : Word
        {
            public static readonly Wake Instance = new();
        }
    }
}
