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
    private readonly ConcurrentDictionary<QueueId, Task<Written<bool>>> attempts = new();
    /// <summary>Rows that were set aside, and why.</summary>
    private readonly ConcurrentDictionary<QueueId, string> unreadable = new();

    // One for delivery and one for people: a long search never delays a message.
    private readonly Questions delivery, people;
    private readonly CancellationTokenSource closing = new();
    /// <summary>What nobody waits for but the stop.</summary>
    private readonly List<Task> beside = [];
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
        if (folder.LogTrouble is { } trouble) LogLost(logger, trouble, AfterLoss);
        Recovery.Run(database, store, fresh || folder.LogTrouble is not null, time.GetUtcNow(), lifetime, logger);
        // Else the next start would meet the damage again, behind what is written from now on. Not before what the log spoke of is set aside.
        if (folder.LogIsBroken) database.TryFoldLog(folder.Free());
        states = Load.States(database.Connection);
        Load.Index(database.Connection, index);
        Load.Tallies(database.Connection, tallies, time.GetUtcNow());
        delivery = new Questions(OpenForReading, fault);
        people = new Questions(OpenForReading, fault: null);
        journal = new Journal(database, Reopen, folder.Free, time, logger, fault);
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
                folder.Note.Write();
                var queue = new MailQueue(settings, lifetime, time, random, logger, folder, database, fresh, fault);
                LogOpened(logger, folder.Folder, queue.index.Count);
                return queue;
            }
            catch (Exception e)
            {
                // Closing folds what is left of a damaged log: with the note there, the next start knows that one is missing, and keeps what it spoke of.
                if (folder.LogTrouble is null) folder.Note.TakeAway();
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
        if (folder.Note.Gone() is not null) return "the data folder is gone";
        if (index.Count >= settings.MaxMessages) return $"{settings.MaxMessages} messages are waiting already (queue.maxMessages)";
        return folder.Free() - declaredSize < settings.MinFree ? "the disk with the data folder is nearly full" : null;
    }

    /// <summary>
    /// Before content is written, however little its device said it would be. Null: there is room. The reserve is not for new mail: without
    /// it the results of what is here could not be written, and so nothing could be sent, which alone makes room.
    /// </summary>
    internal StorageFailure? TakeRoom(long octets) =>
        folder.Take(octets, terms.Settings.MinFree) || terms.Settings.MinFree == 0 ? null : StorageFailure.NearlyFull;

    public IncomingMessage Receive() => new(ids.Next(), this, store);

    /// <summary>Null: it is ours.</summary>
    internal async Task<StorageFailure?> AcceptAsync(QueueId id, Submission submission, IncomingContent content)
    {
        if (folder.Note.Gone() is { } gone) return new StorageFailure(false, gone);
        var now = time.GetUtcNow();
        // Once into the log, once into the database. Our own alert that the disk is nearly full is not refused for that.
        if (content.Place == ContentPlace.Row) folder.Take(2 * content.Length, reserve: 0);
        var written = await journal.WriteAsync(database =>
        {
            var stored = database.Insert(id, submission, content, now, now + terms.Lifetime);
            database.Append(stored.Number, new TimelineEntry(now, TimelineEvent.Received, Arrival(submission, content.Length)));
            Told? told = null;
            if (submission.ReportsOn is { } subject && database.Rows.Find(subject) is { } reported)
            {
                told = Tell(database, reported, submission.ReportedRecipients,
                    new TimelineEntry(now, TimelineEvent.Reported, $"Told {submission.Envelope.Recipients[0]} in the report {id}."));
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

    /// <summary>
    /// Of a commit that failed and may return. The journal has dropped that connection; the next to succeed is made on one that
    /// has forgotten the message, and writes over what the failed one left in SQLite's log: from then on nothing will name this
    /// content. Else each try of a large scan on a failing disk would leave a copy there. A stop leaves it to recovery.
    /// Nobody waits for it: the device is to hear that it failed.
    /// </summary>
    internal void DiscardOnceForgotten(QueueId id) => Beside(DiscardOnceForgottenAsync(id));

    private async Task DiscardOnceForgottenAsync(QueueId id)
    {
        try
        {
            await PersistAsync(database => { database.Touch(); return true; }, _ => { }, closing.Token).ConfigureAwait(false);
            if (!store.Delete(id)) LogUndeletable(logger, id);
        }
        catch (Exception e) when (e is OperationCanceledException or QueueDamagedException)
        {
            // The next start looks.
        }
    }

    // --- rolling counts, other state ----------------------------------------------------------------------------

    /// <summary>What was sent as a mailbox in the 24 hours before now.</summary>
    public Spend SpentBy(string mailbox)
    {
        // Before the question: by a clock that was put forward by a day, all would be spent long ago.
        FollowClock();
        return tallies.SpentBy(mailbox);
    }

    /// <summary>Messages accepted from a device in the last hour and the last 24.</summary>
    public (int LastHour, int LastDay) AcceptedFrom(string device)
    {
        FollowClock();
        return tallies.AcceptedFrom(device);
    }

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
        // Not where a correction of the clock may still wait for the disk: the next start then makes it good as an outage.
        if (index.Count > 0 && journal.Trouble is null) _ = journal.Post(database => database.PutSign(time.GetUtcNow()));
        await journal.CloseAsync().ConfigureAwait(false);
        await Task.WhenAll(Beside(Task.CompletedTask)).ConfigureAwait(false);
        if (folder.Note.Gone() is { } gone)
        {
            if (index.Count > 0) LogLeftBehind(logger, index.Count, gone);
            journal.Abandon();
        }
        else
        {
            // Before the log goes: a note without a log is an alarm, a log without a note is none.
            folder.Note.TakeAway();
        }
        journal.Dispose();
        folder.Dispose();
    }

    // --- within -------------------------------------------------------------------------------------------------

    /// <summary>Begins to own a task that ends with the disk's answer or with the queue's end. Returns all that have not ended.</summary>
    private Task[] Beside(Task task)
    {
        lock (beside)
        {
            beside.RemoveAll(one => one.IsCompletedSuccessfully);
            beside.Add(task);
            return [.. beside];
        }
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

    private static IEnumerable<(long Number, QueueId Id)> InIndex(IEnumerable<QueueIndex.Entry> entries) => entries.Select(entry => (entry.Number, entry.Id));

    private static List<QueuedMessage> Messages(List<StoredMessage> stored) => [.. stored.Select(message => message.Message)];

    private static string Arrival(Submission submission, long length)
    {
        var origin = submission.Origin;
        return origin.Client is { } client
            ? $"Received from {submission.Device} at {client} by {origin.Protocol}, {length:N0} bytes. Allowed by {submission.Rule}."
            : $"Written by SmartHost itself ({submission.Rule}), {length:N0} bytes.";
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

    [LoggerMessage(2027, LogLevel.Critical, "{Waiting} message(s) that are not sent yet stay behind. {Gone}")]
    private static partial void LogLeftBehind(ILogger logger, int waiting, string gone);

    [LoggerMessage(2026, LogLevel.Error, "{Trouble} {Remedy}")]
    private static partial void LogLost(ILogger logger, string trouble, string remedy);

    [LoggerMessage(2024, LogLevel.Error, "{Id}: a listener for changes failed")]
    private static partial void LogHandler(ILogger logger, Exception e, QueueId id);
}
