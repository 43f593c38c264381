using Microsoft.Data.Sqlite;
using SmartHost.Mail;

namespace SmartHost.Queue;

/// <summary>What the queue does about a disk that fails: says so, asks it again, writes until it takes it, sets aside what it does not give back.</summary>
public sealed partial class MailQueue
{
    /// <summary>
    /// For monitors: null while mail is taken, else why not. Where the last commit failed another is tried, so that the answer
    /// is true now; on a sound disk nothing is written, or a monitor would keep it from ever falling asleep.
    /// </summary>
    public async Task<string?> ObstacleAsync(CancellationToken cancellation)
    {
        await AskDiskAsync().WaitAsync(cancellation).ConfigureAwait(false);
        return WriteTrouble ?? Refusal(declaredSize: 0);
    }

    /// <summary>Why the disk did not take what was written last, in a sentence; null: it did. While it lasts, no mail is taken.</summary>
    public string? WriteTrouble => journal.Silence ?? journal.Trouble;

    /// <summary>The data folder is not in its place, in a sentence or two; null: it is. While it lasts, no mail is taken; what waits is sent.</summary>
    public string? FolderTrouble => folder.Note.Gone();

    /// <summary>Why delivery could not read what it asked for last, in a sentence; null: it could. While it lasts, mail is taken and none is sent.</summary>
    public string? ReadTrouble => delivery.Trouble;

    /// <summary>Asks the disk again where it failed: with no mail to write, nobody else would find that it is well.</summary>
    public async Task AskDiskAsync()
    {
        if (journal.Silence is not null) return;
        // Where reading failed, writing is asked, too: it may stand on the same disk that is gone.
        if ((WriteTrouble ?? ReadTrouble) is not null) await journal.WriteAsync(database => { database.Touch(); return true; }).ConfigureAwait(false);
        if (ReadTrouble is not null) await Task.Run(delivery.IsAnswered).ConfigureAwait(false);
    }

    /// <summary>What a person does about <see cref="Damage"/>, as a sentence.</summary>
    public const string WayOut = $"Stop SmartHost and copy the data folder; then {Schema.Salvage}";

    /// <summary>What lies in the queue and cannot be read from it, in a sentence; null: nothing that was met so far.</summary>
    public string? Damage => unreadable.IsEmpty ? null : unreadable.MinBy(one => one.Key) is var (id, reason)
        ? $"{unreadable.Count} message(s) cannot be read from the queue's database, {id} the first: {reason}" : null;

    /// <summary>Mail may have been lost before this start, in a sentence or two; null: nothing speaks for it.</summary>
    public string? Loss => folder.LogTrouble;

    /// <summary>What a person does about <see cref="Loss"/>, as sentences.</summary>
    public const string AfterLoss = "Whatever does not arrive, send again from its device. Large messages that the database does not know lie in content/unclaimed in the data folder.";

    /// <summary>Where a failure has cost the writer's connection. Whoever reads follows it, before anything is committed there: by the old one, a new message's row would be missing.</summary>
    private Database Reopen()
    {
        folder.Note.AssertStillOurs();
        var (database, _) = Database.Open(folder.Database, again: true);
        folder.Note.Follow();
        delivery.Renew();
        people.Renew();
        return database;
    }

    private SqliteConnection OpenForReading()
    {
        folder.Note.AssertStillOurs();
        return Questions.Open(folder.Database);
    }

    /// <summary>
    /// Writes; where the disk does not take it, again after ¼, ½, 1 … 30 seconds until it does, or until it is cancelled. Once in any case:
    /// a result that comes as the grace of a stop ends is Gmail's all the same, and unwritten it would be sent twice.
    /// </summary>
    /// <param name="evenDamaged">A damaged page, which waiting does not mend, is waited for, too: what was to be written must not be forgotten while we run.</param>
    /// <exception cref="QueueDamagedException">What was to be changed lies on a damaged page.</exception>
    private async Task<T> PersistAsync<T>(Func<Database, T> apply, Action<T> committed, CancellationToken cancellation, bool evenDamaged = false)
    {
        for (var pause = TimeSpan.FromMilliseconds(250); ; pause = pause * 2 < TimeSpan.FromSeconds(30) ? pause * 2 : TimeSpan.FromSeconds(30))
        {
            var written = await journal.WriteAsync(apply, committed).ConfigureAwait(false);
            if (written.Failure is null) return written.Value!;
            if (written.Failure.Damaged && !evenDamaged) throw new QueueDamagedException(written.Failure.Reason, null);
            if (written.Failure == StorageFailure.Closing) throw new OperationCanceledException(written.Failure.Reason);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, closing.Token);
            await Task.Delay(pause, time, either.Token).ConfigureAwait(false);
        }
    }

    /// <summary>Those of them that can be read, each by itself: one that cannot must not hide the others.</summary>
    private IEnumerable<QueuedMessage> Readable(Questions questions, IEnumerable<(long Number, QueueId Id)> rows)
    {
        foreach (var (number, id) in rows)
        {
            StoredMessage? stored = null;
            try
            {
                stored = questions.FindWhole(number);
            }
            catch (Exception e) when (e is FormatException or QueueDamagedException)
            {
                index.TryLease(id);
                LeaveOut(id, e.Message);
            }
            if (stored is not null) yield return stored.Message;
        }
    }

    /// <summary>Leased until the next start, so that one that cannot be read does not stand in the way of the others.</summary>
    private void LeaveOut(QueueId id, string reason)
    {
        if (unreadable.TryAdd(id, reason)) LogUnreadable(logger, id, reason);
    }
}
