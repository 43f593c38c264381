using System.Collections.Concurrent;
using System.Globalization;
using Microsoft.Extensions.Logging;
using SmartHost.Mail;

namespace SmartHost.Queue;

/// <summary>
/// The queue's only door: accept, take what is due, settle, hold, release, delete. What a task here returned is on disk,
/// synced. The database is the truth; what is in memory follows each commit.
/// </summary>
/// <remarks>
/// How it fails. An intake that the disk does not take ends as a value, and the device keeps its message. What must be
/// written for a message that is already ours (a settlement, a note) waits until the disk takes it: a settlement that was
/// dropped would send the message again. A person's command ends as a sentence.
/// </remarks>
public sealed partial class MailQueue : IAsyncDisposable
{
    private readonly TimeProvider time;
    private readonly ILogger<MailQueue> logger;
    private readonly QueueFolder folder;
    private readonly ContentStore store;
    private readonly QueueIdSource ids;
    private readonly Journal journal;
    private readonly QueueIndex index;
    private readonly ClockWatch clock;
    private readonly Tallies tallies;
    private readonly ConcurrentDictionary<(string Scope, string Key), string> states;

    /// <summary>Of each leased message: the writing of the note that its attempt began.</summary>
    private readonly ConcurrentDictionary<QueueId, Task> attempts = new();
    // One for delivery and one for people: a long search never delays a message.
    private readonly Questions delivery, people;
    private readonly CancellationTokenSource closing = new();
    private volatile Terms terms;

    private MailQueue(QueueSettings settings, TimeSpan lifetime, TimeProvider time, Random random, ILogger<MailQueue> logger,
        QueueFolder folder, Database database, bool fresh, Action<string>? fault)
    {
        (terms, this.time, this.logger, this.folder) = (new Terms(settings, lifetime), time, logger, folder);
        store = new ContentStore(folder.Content);
        ids = new QueueIdSource(time, random);
        index = new QueueIndex(time);
        clock = new ClockWatch(time);
        tallies = new Tallies(time);
        if (folder.LogIsMissing) LogMissing(logger, folder.Database);
        Recovery.Run(database, store, fresh || folder.LogIsMissing, time.GetUtcNow(), logger);
        states = Load.States(database.Connection);
        Load.Index(database.Connection, index);
        Load.Tallies(database.Connection, tallies, time.GetUtcNow());
        delivery = new Questions(folder.Database);
        people = new Questions(folder.Database);
        journal = new Journal(database, () => Database.Open(folder.Database).Database, folder.Free, logger, fault);
    }

    /// <summary>Opens or makes the data folder, recovers what a crash left, loads the index.</summary>
    /// <exception cref="QueueUnavailableException">With a sentence for a person: folder read-only, another process owns it, newer schema, corrupt database.</exception>
    public static Task<MailQueue> OpenAsync(QueueSettings settings, TimeSpan lifetime, TimeProvider time, Random random, ILogger<MailQueue> logger, CancellationToken cancellation) =>
        OpenAsync(settings, lifetime, time, random, logger, fault: null, cancellation);

    /// <param name="fault">For tests, see <see cref="Journal"/>.</param>
    internal static Task<MailQueue> OpenAsync(QueueSettings settings, TimeSpan lifetime, TimeProvider time, Random random, ILogger<MailQueue> logger, Action<string>? fault, CancellationToken cancellation) =>
        Task.Run(() =>
        {
            var folder = QueueFolder.Open(settings.Folder, time);
            Database? database = null;
            try
            {
                (database, var fresh) = Database.Open(folder.Database);
                folder.SignAsOwner();
                var queue = new MailQueue(settings, lifetime, time, random, logger, folder, database, fresh, fault);
                LogOpened(logger, folder.Folder, queue.index.Count);
                return queue;
            }
            catch (Exception e)
            {
                database?.Dispose();
                folder.Dispose();
                if (Schema.Explain(e, folder.Database) is { } unavailable) throw unavailable;
                throw;
            }
        }, cancellation);

    /// <summary>Raised after a commit, with the message's id; handlers must be quick and must not throw.</summary>
    public event Action<QueueId>? Changed;

    /// <summary>From now on these hold: all but the folder, which stays. A message that is here keeps the lifetime it came with.</summary>
    public void Change(QueueSettings settings, TimeSpan lifetime) => terms = new Terms(settings, lifetime);

    // --- intake -------------------------------------------------------------------------------------------------

    /// <summary>Asked before a device sends content. Null: there is room. Otherwise a sentence for a 452.</summary>
    public string? Refusal(long declaredSize)
    {
        var settings = terms.Settings;
        if (index.Count >= settings.MaxMessages) return $"{settings.MaxMessages} messages are waiting already (queue.maxMessages)";
        return folder.Free() - declaredSize < settings.MinFree ? "the disk with the data folder is nearly full" : null;
    }

    /// <summary>
    /// For monitors: null while mail is taken, else why not. Where the last commit failed another is tried, so that the answer
    /// is true now; on a sound disk nothing is written, or a monitor would keep it from ever falling asleep.
    /// </summary>
    public async Task<string?> ObstacleAsync(CancellationToken cancellation) =>
        await AskDiskAsync().WaitAsync(cancellation).ConfigureAwait(false) ?? Refusal(declaredSize: 0);

    /// <summary>Why the disk did not take what was written last, in a sentence; null: it did.</summary>
    public string? Trouble => journal.Trouble;

    /// <summary>As <see cref="Trouble"/>, asking the disk again where it failed: with no mail to write, nobody else would find that it is well.</summary>
    public async Task<string?> AskDiskAsync()
    {
        if (journal.Trouble is not null) await journal.WriteAsync(database => { database.Touch(); return true; }).ConfigureAwait(false);
        return journal.Trouble;
    }

    public IncomingMessage Receive() => new(ids.Next(), this, store);

    /// <summary>Null: it is ours.</summary>
    internal async Task<StorageFailure?> AcceptAsync(QueueId id, Submission submission, IncomingContent content)
    {
        var now = time.GetUtcNow();
        var written = await journal.WriteAsync(database =>
        {
            var stored = database.Insert(id, submission, content, now, now + terms.Lifetime);
            database.Append(stored.Number, new TimelineEntry(now, TimelineEvent.Received, Arrival(submission, content.Length)));
            Told? told = null;
            if (submission.ReportsOn is { } subject && database.Rows.Find(subject) is { } reported)
            {
                told = Tell(database, reported, submission.ReportedRecipients,
                    new TimelineEntry(now, TimelineEvent.Reported, $"A failure report to its sender is on its way as {id}."));
            }
            return (Stored: stored, Told: told);
        }, written =>
        {
            index.Put(written.Stored);
            tallies.Accepted(submission.Device, now);
            RaiseChanged(id);
            if (submission.ReportsOn is { } subject) RaiseChanged(subject);
        }).ConfigureAwait(false);
        if (written is { Failure: null, Value.Told: { } told }) Discard(told.Before, told.After);
        return written.Failure;
    }

    // --- delivery -----------------------------------------------------------------------------------------------

    /// <summary>
    /// Leases the next due message that <paramref name="serves"/> allows, urgent lane first, and within a lane the
    /// device whose turn it is (round robin), oldest first. Null: nothing is due. The lease is in memory alone (a
    /// crash releases it), but that an attempt began is handed to the disk's next commit before this returns, so that
    /// recovery can tell of a possible duplicate. Ended by <see cref="SettleAsync"/> or <see cref="GiveBack"/>.
    /// A message whose lifetime is over is not handed out: see <see cref="Expired"/>.
    /// </summary>
    /// <param name="serves">Account name as stored (null: default) and lane. Called under the index lock: pure and quick.</param>
    public QueuedMessage? Take(Func<string?, Lane, bool> serves)
    {
        FollowClock();
        while (index.Take(serves) is { } entry)
        {
            try
            {
                if (delivery.Find(entry.Number) is { } stored)
                {
                    attempts[entry.Id] = journal.Post(database => database.MarkAttempt(entry.Number, began: true));
                    return stored.Message;
                }
                LogUnreadable(logger, entry.Id, "its row is missing");
            }
            catch (FormatException e)
            {
                LogUnreadable(logger, entry.Id, e.Message);
            }
            catch (IOException e)
            {
                LogDiskSilent(logger, e.Message);
                index.EndLease(entry.Id);
                return null;
            }
            // One that cannot be read keeps its lease, so that it does not stand in the way of the others.
        }
        return null;
    }

    /// <summary>
    /// Completes when the note that this attempt began is on disk, or cannot get there. Awaited before content leaves: had Gmail
    /// the message before the note, a crash right then would send it twice without a word.
    /// </summary>
    public Task AttemptNotedAsync(QueueId id) => attempts.GetValueOrDefault(id, Task.CompletedTask);

    /// <summary>The lease of that message ends without a change.</summary>
    public void GiveBack(QueueId id)
    {
        attempts.TryRemove(id, out _);
        if (index.EndLease(id) is { } number) journal.Post(database => database.MarkAttempt(number, began: false));
    }

    /// <summary>
    /// Commits an attempt's result and ends the lease. Returns the message as it is now. Where the disk does not take it, waits and tries again: the
    /// lease holds meanwhile, so nothing is sent twice.
    /// </summary>
    /// <exception cref="OperationCanceledException">Cancelled, or the queue closed, before the disk took it. The lease remains.</exception>
    public async Task<QueuedMessage> SettleAsync(Settlement settlement, CancellationToken cancellation)
    {
        var now = time.GetUtcNow();
        var settled = await PersistAsync(database =>
        {
            var before = database.Rows.Find(settlement.Id) ?? throw new InvalidOperationException($"{settlement.Id} is not in the queue, so it cannot be settled");
            var after = Finish(before with { Message = Standing.Settle(before.Message, settlement) });
            database.Update(before, after, now);
            foreach (var entry in settlement.Timeline) database.Append(before.Number, entry);
            if (settlement.Spent is { } spent) database.AddSpend(now, spent);
            return (Before: before, After: after);
        }, settled =>
        {
            index.Put(settled.After);
            index.EndLease(settlement.Id);
            attempts.TryRemove(settlement.Id, out _);
            if (settlement.Spent is { } spent) tallies.Spent(spent, now);
            RaiseChanged(settlement.Id);
        }, cancellation).ConfigureAwait(false);
        Discard(settled.Before, settled.After);
        return settled.After.Message;
    }

    /// <summary>The stored octets, seekable. Null: the content is missing or not whole (park the message).</summary>
    /// <exception cref="IOException">The disk does not answer, with a sentence: the message is as it was, try it later.</exception>
    public async Task<Stream?> OpenContentAsync(QueueId id, CancellationToken cancellation)
    {
        if (await delivery.FindAsync(id, cancellation).ConfigureAwait(false) is not { } stored) return null;
        return stored.Place switch
        {
            ContentPlace.File => store.Open(id, stored.Message.Size),
            ContentPlace.Row => await delivery.ContentAsync(stored.Number, cancellation).ConfigureAwait(false) is { } octets ? new MemoryStream(octets, writable: false) : null,
            _ => null,
        };
    }

    /// <summary>
    /// Completes when there may be something new to take: an arrival, a release, a settlement, or the next due time.
    /// Never misses a change made after the previous <see cref="Take"/>; may complete for nothing. Where several loops
    /// take, each reads <see cref="Changes"/> before it takes and waits with that.
    /// </summary>
    public Task WaitForWorkAsync(CancellationToken cancellation) => index.WaitAsync(null, cancellation);

    /// <param name="since"><see cref="Changes"/> as read before taking.</param>
    public Task WaitForWorkAsync(long since, CancellationToken cancellation) => index.WaitAsync(since, cancellation);

    /// <summary>Grows with every change of what could be taken.</summary>
    public long Changes => index.Changes;

    /// <summary>Wakes <see cref="WaitForWorkAsync(CancellationToken)"/>: an account's pause ended, settings changed.</summary>
    public void Wake() => index.Wake();

    // --- lifetime, reports --------------------------------------------------------------------------------------

    /// <summary>Open messages (queued, held or parked; not leased) whose lifetime is over.</summary>
    public IReadOnlyList<QueuedMessage> Expired()
    {
        FollowClock();
        return Read(index.Expired());
    }

    /// <summary>Queued messages (not leased) that are older than <paramref name="lateAfter"/> and not announced.</summary>
    public IReadOnlyList<QueuedMessage> Late(TimeSpan lateAfter) => Read(index.Late(lateAfter));

    public Task MarkLateAnnouncedAsync(QueueId id, CancellationToken cancellation) => PersistAsync(database =>
    {
        database.MarkLate(id);
        return true;
    }, _ =>
    {
        index.PutLateAnnounced(id);
        RaiseChanged(id);
    }, cancellation);

    /// <summary>Moves the expiry of every open message that <paramref name="waits"/> names by how long it waited since then.</summary>
    /// <param name="waits">Account name as stored (null: default).</param>
    public Task ExtendLifetimeAsync(Func<string?, bool> waits, DateTimeOffset pausedSince, CancellationToken cancellation)
    {
        var now = time.GetUtcNow();
        var accounts = index.Accounts().Where(waits).ToList();
        return PersistAsync(database => accounts.SelectMany(account => database.Extend(account, now, pausedSince)).ToList(), moved =>
        {
            foreach (var (id, expires) in moved) index.PutExpires(id, expires);
            // One whose lifetime had been over may be taken again.
            index.Wake();
        }, cancellation);
    }

    /// <summary>Messages with a bounced recipient that no report has told of yet (null reverse-paths never).</summary>
    public async Task<IReadOnlyList<QueuedMessage>> UnreportedAsync(CancellationToken cancellation) =>
        Messages(await people.UnreportedAsync(cancellation).ConfigureAwait(false));

    /// <summary>Marks its bounces as told where no report can be sent (nobody to send to).</summary>
    public async Task MarkReportedAsync(QueueId id, TimelineEntry entry, CancellationToken cancellation)
    {
        var told = await PersistAsync(database => database.Rows.Find(id) is { } stored ? Tell(database, stored, null, entry) : null, _ => RaiseChanged(id), cancellation).ConfigureAwait(false);
        if (told is not null) Discard(told.Before, told.After);
    }

    public Task AppendTimelineAsync(QueueId id, TimelineEntry entry, CancellationToken cancellation) => PersistAsync(database =>
    {
        if (database.Rows.Find(id) is not { } stored) return false;
        database.Append(stored.Number, entry);
        return true;
    }, _ => RaiseChanged(id), cancellation);

    // --- what a person asks -------------------------------------------------------------------------------------

    public async Task<QueuedMessage?> FindAsync(QueueId id, CancellationToken cancellation) =>
        (await people.FindAsync(id, cancellation).ConfigureAwait(false))?.Message;

    public async Task<IReadOnlyList<TimelineEntry>> TimelineAsync(QueueId id, CancellationToken cancellation) =>
        await people.TimelineAsync(id, cancellation).ConfigureAwait(false);

    /// <summary>Newest first.</summary>
    public async Task<IReadOnlyList<QueuedMessage>> SearchAsync(MessageSearch search, CancellationToken cancellation) =>
        Messages(await people.SearchAsync(search, cancellation).ConfigureAwait(false));

    /// <summary>How many came in each hour from <paramref name="first"/> on, by what has become of them.</summary>
    public Task<IReadOnlyList<ReceivedCount>> ReceivedSinceAsync(DateTimeOffset first, CancellationToken cancellation) => people.ReceivedSinceAsync(first, cancellation);

    /// <summary>When each device's newest message came, as far as history goes.</summary>
    public Task<IReadOnlyDictionary<string, DateTimeOffset>> LastReceivedAsync(CancellationToken cancellation) => people.LastReceivedAsync(cancellation);

    /// <summary>Waiting messages by lane, held, parked, octets; from the index, without the disk.</summary>
    public QueueCounts Counts() => index.Counts();

    // --- rolling counts, other state ----------------------------------------------------------------------------

    /// <summary>What an account spent in the 24 hours before now.</summary>
    public Spend SpentBy(string account) => tallies.SpentBy(account);

    /// <summary>Messages accepted from a device in the last hour and the last 24.</summary>
    public (int LastHour, int LastDay) AcceptedFrom(string device) => tallies.AcceptedFrom(device);

    /// <summary>Small durable facts of other folders (an account's standing, folded alerts): scope and key to JSON. Read from memory.</summary>
    public string? GetState(string scope, string key) => states.GetValueOrDefault((scope, key));

    public IReadOnlyDictionary<string, string> GetStates(string scope) =>
        states.Where(state => state.Key.Scope == scope).ToDictionary(state => state.Key.Key, state => state.Value);

    /// <summary>
    /// Null removes it. One try, for who keeps a fact goes on by the one in memory: an alert about the disk must not wait for
    /// that very disk. False: the disk did not take it.
    /// </summary>
    public async Task<bool> PutStateAsync(string scope, string key, string? json, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        var written = await journal.WriteAsync(database =>
        {
            database.PutState(scope, key, json);
            return true;
        }, _ =>
        {
            if (json is null) states.TryRemove((scope, key), out string? _);
            else states[(scope, key)] = json;
        }).ConfigureAwait(false);
        return written.Failure is null;
    }

    /// <summary>Commits what waits, then closes. Intakes after this end as Failed.</summary>
    public async ValueTask DisposeAsync()
    {
        if (closing.IsCancellationRequested) return;
        await closing.CancelAsync().ConfigureAwait(false);
        // Who reads first: SQLite folds its log into the database as the last connection closes, and one that only reads cannot.
        // So a stop leaves one file, and a copy of it is whole.
        delivery.Dispose();
        people.Dispose();
        await journal.CloseAsync().ConfigureAwait(false);
        folder.Dispose();
    }

    // --- within -------------------------------------------------------------------------------------------------

    /// <summary>Writes; where the disk does not take it, again after ¼, ½, 1 … 30 seconds until it does.</summary>
    private async Task<T> PersistAsync<T>(Func<Database, T> apply, Action<T> committed, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        for (var pause = TimeSpan.FromMilliseconds(250); ; pause = pause * 2 < TimeSpan.FromSeconds(30) ? pause * 2 : TimeSpan.FromSeconds(30))
        {
            var written = await journal.WriteAsync(apply, committed).ConfigureAwait(false);
            if (written.Failure is null) return written.Value!;
            if (written.Failure == StorageFailure.Closing) throw new OperationCanceledException(written.Failure.Reason);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, closing.Token);
            await Task.Delay(pause, time, either.Token).ConfigureAwait(false);
        }
    }

    /// <summary>
    /// Where the wall clock was put right, what was reckoned by the wrong one is made good, each way on the side that keeps mail.
    /// Forward: lifetimes grow by it, or a start in 1970 would end them all at once, and what was spent within a day stays so.
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
                index.PutClockForward(by);
                tallies.PutClockForward(by);
                journal.Post(database => database.PutClockForward(by));
            }
            else
            {
                journal.Post(database => database.PutClockBack(by, now), () => index.PutClockBack(by, now));
            }
        }
    }

    private sealed record Told(StoredMessage Before, StoredMessage After);

    /// <summary>
    /// Marks bounces as told. Where that was all that the content was still kept for, it goes in the same commit: a crash
    /// before it finds the bounce unreported and the header to quote, a crash after it at most a file that no row claims,
    /// which recovery deletes.
    /// </summary>
    private Told Tell(Database database, StoredMessage stored, IReadOnlyCollection<Mailbox>? recipients, TimelineEntry entry)
    {
        database.MarkReported(stored, recipients);
        database.Append(stored.Number, entry);
        var before = database.Rows.Find(stored.Number)!;
        var after = Finish(before);
        if (after.Place != before.Place) database.LetGo(before.Number);
        return new Told(before, after);
    }

    /// <summary>A message that is done lets go of its content, unless history keeps it, or a report is still to quote its header.</summary>
    private StoredMessage Finish(StoredMessage stored)
    {
        var keep = stored.Message.State switch { MessageState.Done => terms.Settings.KeepContent > 0 || stored.Message.OwesReport, MessageState.Deleted => false, _ => true };
        return keep ? stored : stored with { Place = ContentPlace.Gone, Message = stored.Message with { HasContent = false } };
    }

    /// <summary>After the commit that let go of it. A crash before this leaves a finished row with content in place, which recovery clears.</summary>
    private void Discard(StoredMessage before, StoredMessage after)
    {
        if (before.Place == ContentPlace.File && after.Place == ContentPlace.Gone && !store.Delete(after.Message.Id)) LogUndeletable(logger, after.Message.Id);
    }

    private List<QueuedMessage> Read(List<QueueIndex.Entry> entries) => Messages(delivery.Find(entries.Select(entry => entry.Number)));

    private static List<QueuedMessage> Messages(List<StoredMessage> stored) => [.. stored.Select(message => message.Message)];

    private static string Arrival(Submission submission, long length)
    {
        var origin = submission.Origin;
        return origin.Client is { } client
            ? $"Received from {submission.Device} at {client} by {origin.Protocol}, {length:N0} octets. Allowed by {submission.Rule}."
            : $"Written by SmartHost itself ({submission.Rule}), {length:N0} octets.";
    }

    private void RaiseChanged(QueueId id)
    {
        try
        {
            Changed?.Invoke(id);
        }
        catch (Exception e)
        {
            // The commit stands whatever a listener makes of it.
            LogHandler(logger, e, id);
        }
    }

    /// <summary>What may change while the queue is open; exchanged as one.</summary>
    private sealed record Terms(QueueSettings Settings, TimeSpan Lifetime);

    [LoggerMessage(2020, LogLevel.Information, "queue open in {Folder}, {Waiting} message(s) in it")]
    private static partial void LogOpened(ILogger logger, string folder, int waiting);

    [LoggerMessage(2021, LogLevel.Error, "{Id}: cannot be read from the queue and is left out until the next start: {Reason}")]
    private static partial void LogUnreadable(ILogger logger, QueueId id, string reason);

    [LoggerMessage(2022, LogLevel.Error, "the queue's database cannot be read: {Reason}")]
    private static partial void LogDiskSilent(ILogger logger, string reason);

    [LoggerMessage(2023, LogLevel.Warning, "{Id}: its content could not be deleted; the next start tries again")]
    private static partial void LogUndeletable(ILogger logger, QueueId id);

    [LoggerMessage(2025, LogLevel.Warning, "the clock was put {Direction} by {By}; waiting mail is adjusted")]
    private static partial void LogClock(ILogger logger, string direction, TimeSpan by);

    [LoggerMessage(2026, LogLevel.Error, "{Database}-wal is missing, though SmartHost was not stopped in good order: what was accepted last may be gone with it. Content that the database does not know is kept in content/unclaimed")]
    private static partial void LogMissing(ILogger logger, string database);

    [LoggerMessage(2024, LogLevel.Error, "{Id}: a listener for changes failed")]
    private static partial void LogHandler(ILogger logger, Exception e, QueueId id);
}
