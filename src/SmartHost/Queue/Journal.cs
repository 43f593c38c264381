using Microsoft.Extensions.Logging;

namespace SmartHost.Queue;

/// <summary>
/// The one writer. Whatever waits when it comes round (intakes, settlements, notes) goes into one transaction and one sync;
/// each caller awaits its own part, none another's. Nothing is published in memory, or told to anybody, before the commit.
/// </summary>
/// <remarks>
/// <para>How it fails. A part that fails by itself (a constraint, a bug) costs its caller alone: the transaction is rolled back
/// and repeated without it. That takes savepoints' place, which would cost every message something to serve the rare one.
/// Where the disk fails, all of the transaction fail, as values, and nobody's word was given.</para>
/// <para>A commit whose sync failed is the dangerous case: its frames lie whole in SQLite's log, and recovery after a crash
/// would take them for a commit. Rolled back in memory, they are overwritten by the next commit; so one of no meaning (the
/// scar) is written at once. Only if that fails too can the message return, and then its content must not be deleted.</para>
/// <para>On a full disk the log itself is much of what fills it, and it would be folded into the database by itself only
/// at a size that it can no longer reach: it is folded as soon as that fits.</para>
/// <para>On any disk it is folded a minute after what it holds first. One octet that a disk loses in the log costs every commit behind
/// it (<see cref="WriteAheadLog"/>), so no more than a minute's stand there: by size alone the mail of days would. A minute
/// later the disk is still awake, and under load the log has been full many times by then.</para>
/// </remarks>
internal sealed partial class Journal : IDisposable
{
    private const long Idle = long.MaxValue;

    /// <summary>How long a commit stands in the log alone, at most: longer only where a reader, or the disk, is in the way.</summary>
    internal static readonly TimeSpan FoldAfter = TimeSpan.FromMinutes(1);

    /// <summary>Who waits longer waits for a disk that hangs: it neither takes nor fails.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly Func<Database> open;
    private readonly Func<long> free;
    private readonly TimeProvider time;
    private readonly ILogger logger;
    private readonly Action<string>? fault;
    private readonly object gate = new();
    private readonly ITimer foldTimer;
    private readonly Task running;
    private Database? database;
    private List<PendingWrite> waiting = [];
    private bool closing, foldIsDue;
    // Of the journal's thread alone.
    private bool foldIsAhead, wantsRoom;
    private long next;
    private volatile string? trouble;
    private long waitedSince = Idle;

    /// <param name="open">Opens the database again where a failure has cost the connection.</param>
    /// <param name="free">Octets that the disk has left.</param>
    /// <param name="fault">For tests: called before each step, may throw in its place.</param>
    public Journal(Database database, Func<Database> open, Func<long> free, TimeProvider time, ILogger logger, Action<string>? fault)
    {
        (this.database, this.open, this.free, this.time, this.logger, this.fault, next) = (database, open, free, time, logger, fault, database.Next);
        foldTimer = time.CreateTimer(_ => AskForFold(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        // A thread of its own: it spends its life waiting for the disk, and the pool's few must not.
        running = Task.Factory.StartNew(Run, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

    /// <summary>Why the disk did not take the last commit, a sentence; null: it did.</summary>
    public string? Trouble => trouble;

    /// <summary>The disk has not answered for long, a sentence; null: it answers. Nothing written now would be answered either.</summary>
    public string? Silence => Volatile.Read(ref waitedSince) is var since and not Idle && time.GetElapsedTime(since) >= Patience
        ? "The disk with the data folder has not answered for half a minute or longer." : null;

    /// <summary>Completes with the outcome of the commit that this is part of. A bug in <paramref name="apply"/> is thrown.</summary>
    /// <param name="apply">Runs inside the transaction, on the journal's thread, and again if the transaction must be repeated: it changes the database alone.</param>
    /// <param name="committed">Runs after the commit and in its order, on the journal's thread, before the task completes: changes memory.</param>
    public Task<Written<T>> WriteAsync<T>(Func<Database, T> apply, Action<T>? committed = null) => Enqueue(new PendingWrite<T>(apply, committed, synced: true));

    /// <summary>
    /// A note: part of the next commit, and lost only with it. Where notes are all there is, they are written without a sync: a
    /// killed process has left them on disk all the same, and a slow disk is spared one for each attempt. The task ends when
    /// it is written or cannot be; few wait for it.
    /// </summary>
    public Task<Written<bool>> Post(Action<Database> apply) =>
        Enqueue(new PendingWrite<bool>(database => { apply(database); return true; }, committed: null, synced: false));

    /// <summary>Commits what waits; what comes after is refused. The database is open until <see cref="Dispose"/>.</summary>
    public async Task CloseAsync()
    {
        lock (gate)
        {
            closing = true;
            Monitor.Pulse(gate);
        }
        await running.ConfigureAwait(false);
        await foldTimer.DisposeAsync().ConfigureAwait(false);
    }

    /// <summary>After <see cref="CloseAsync"/>, in place of an ordinary end: what is open lies under its name no more. See <see cref="Database.Abandon"/>.</summary>
    public void Abandon() => DropConnection();

    public void Dispose()
    {
        database?.Dispose();
        database = null;
        fault?.Invoke("closed");
    }

    private Task<Written<T>> Enqueue<T>(PendingWrite<T> write)
    {
        lock (gate)
        {
            if (closing)
            {
                write.Fail(StorageFailure.Closing);
                return write.Task;
            }
            waiting.Add(write);
            if (waitedSince == Idle) Volatile.Write(ref waitedSince, time.GetTimestamp());
            if (waiting.Count == 1) Monitor.Pulse(gate);
            return write.Task;
        }
    }

    private void AskForFold()
    {
        lock (gate)
        {
            foldIsDue = true;
            Monitor.Pulse(gate);
        }
    }

    private void Run()
    {
        var batch = new List<PendingWrite>();
        while (Await(ref batch, out var fold))
        {
            try
            {
                if (batch.Count > 0) Commit(batch);
                if (fold) Fold();
            }
            catch (Exception e)
            {
                // A bug of ours. Nobody may wait for ever, and nobody may believe in a commit.
                LogBug(logger, e);
                foreach (var write in batch) write.Fail(e);
                database?.Rollback();
            }
            batch.Clear();
            lock (gate) Volatile.Write(ref waitedSince, waiting.Count > 0 ? time.GetTimestamp() : Idle);
        }
    }

    /// <summary>False: it was closed, and nothing waits any more.</summary>
    private bool Await(ref List<PendingWrite> batch, out bool fold)
    {
        lock (gate)
        {
            while (waiting.Count == 0 && !foldIsDue && !closing) Monitor.Wait(gate);
            (batch, waiting) = (waiting, batch);
            (fold, foldIsDue) = (foldIsDue, false);
            return batch.Count > 0 || fold;
        }
    }

    /// <summary>What goes wrong here is the next commit's to find, and to tell of: until it is folded, the log holds all that it held.</summary>
    private void Fold()
    {
        foldIsAhead = false;
        if (database is null || !database.TryFoldLog(free())) PlanFold();
    }

    private void PlanFold()
    {
        if (foldIsAhead) return;
        foldIsAhead = foldTimer.Change(FoldAfter, Timeout.InfiniteTimeSpan);
    }

    private void Commit(List<PendingWrite> batch)
    {
        while (batch.Count > 0)
        {
            PendingWrite? current = null;
            var committing = false;
            try
            {
                database ??= Reopen();
                if (wantsRoom) wantsRoom = !database.TryFoldLog(free());
                fault?.Invoke("begin");
                database.Begin(synced: batch.Exists(write => write.Synced));
                foreach (var write in batch)
                {
                    current = write;
                    write.Apply(database);
                }
                (current, committing) = (null, true);
                fault?.Invoke("commit");
                database.Commit();
                break;
            }
            catch (Exception e)
            {
                database?.Rollback();
                if (Failure(e) is { } failure)
                {
                    // A page that one of them met need not cost the others: a device would hear 451 for somebody else's damage.
                    if (failure.Damaged && current is not null && batch.Count > 1)
                    {
                        current.Fail(failure);
                        batch.Remove(current);
                        continue;
                    }
                    // Without a commit to ask whether it may return, there is no scar that would find the connection broken.
                    if (!committing && failure is { Full: false, Damaged: false }) DropConnection();
                    Fail(batch, committing && !Scarred() ? failure with { MayReturn = true } : failure);
                    return;
                }
                if (current is null) throw;
                LogBug(logger, e);
                current.Fail(e);
                batch.Remove(current);
            }
        }
        if (trouble is not null && batch.Count > 0)
        {
            trouble = null;
            LogRecovered(logger);
        }
        next = database!.Next;
        PlanFold();
        foreach (var write in batch) Publish(write);
        foreach (var write in batch) write.Complete();
    }

    private void Publish(PendingWrite write)
    {
        try
        {
            write.Publish();
        }
        catch (Exception e)
        {
            LogBug(logger, e);
        }
    }

    /// <summary>Opening reads the log, and in it the transaction that failed: what it would bring to life was never accepted.</summary>
    private Database Reopen()
    {
        var opened = open();
        try
        {
            opened.Forget(next);
            return opened;
        }
        catch
        {
            opened.Dispose();
            throw;
        }
    }

    private static StorageFailure? Failure(Exception e) =>
        e is QueueUnavailableException ? new StorageFailure(false, e.Message) : StorageFailure.From(e);

    private void Fail(List<PendingWrite> batch, StorageFailure failure)
    {
        // Once, not for each of the thousand tries that follow.
        if (trouble is null) LogFailed(logger, failure.Reason);
        trouble = failure.Reason;
        wantsRoom |= failure.Full;
        foreach (var write in batch) write.Fail(failure);
    }

    private bool Scarred()
    {
        try
        {
            fault?.Invoke("scar");
            database!.Scar();
            return true;
        }
        catch (Exception e) when (Failure(e) is not null)
        {
            database!.Rollback();
            DropConnection();
            return false;
        }
    }

    /// <summary>It may be what is broken (a remounted disk, a stale network handle): the next batch opens another.</summary>
    private void DropConnection()
    {
        database?.Abandon();
        database = null;
    }

    [LoggerMessage(2000, LogLevel.Error, "the queue cannot be written: {Reason} Devices are asked to come again; nothing that was accepted is lost")]
    private static partial void LogFailed(ILogger logger, string reason);

    [LoggerMessage(2001, LogLevel.Information, "the queue can be written again")]
    private static partial void LogRecovered(ILogger logger);

    [LoggerMessage(2002, LogLevel.Critical, "a bug in the queue's writer")]
    private static partial void LogBug(ILogger logger, Exception e);
}
