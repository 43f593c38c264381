using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;
using SmartHost.Mail;

namespace SmartHost.Queue;

/// <summary>
/// What a start finds on disk, and what it means. Runs before anything is accepted or sent, and may itself be cut short at
/// any point: rows first, in one transaction, then files, and doing it twice changes nothing more.
/// </summary>
/// <remarks>
/// <list type="table">
/// <item><term><c>ID.part</c></term><description>was arriving; the device never heard 250: deleted. Where a row or an <c>ID.eml</c> knows it, too, the part alone goes: it is an old copy</description></item>
/// <item><term><c>ID.eml</c>, no row</term><description>crash before the commit, likewise: deleted. Unless the database is new, or its log is missing or damaged: then the files may be all there is of mail that was taken; they are set aside</description></item>
/// <item><term>row, content in place</term><description>ours: delivered</description></item>
/// <item><term>row, content missing or not as long as it was</term><description>somebody removed it, or the disk lost it: parked, loudly</description></item>
/// <item><term>finished row, content in place</term><description>crash before the clean-up: the content is deleted</description></item>
/// <item><term>open rows, and nothing that happened for an hour or more</term><description>nobody was there to send them: their lifetimes grow by that time, or mail would be given up that was never tried</description></item>
/// <item><term>row that is due more than a day from now, or an allowance spent in the future</term><description>a clock that was ahead, put right while nothing ran: due in a day, spent just now, or it would wait, and count at each start anew, until that future comes</description></item>
/// <item><term>row with an attempt begun</term><description>crash in an attempt: the next hop may have it, sent again as a possible duplicate</description></item>
/// </list>
/// </remarks>
internal static partial class Recovery
{
    public const string ContentMissing = "Its content is missing: the file was removed, or the disk lost it.";

    /// <summary>A start within this is none to speak of.</summary>
    private static readonly TimeSpan LeastOutage = TimeSpan.FromHours(1);

    /// <summary>No wait of ours is longer, but where a person set retryLongest so: that one is tried sooner once.</summary>
    private static readonly TimeSpan LongestWait = TimeSpan.FromDays(1);

    public const string ContentTorn = "Its content is not whole: the disk lost a part of it.";

    private sealed record Live(long Number, QueueId Id, MessageState State, ContentPlace Place, string? Reason, bool Attempting, long Size);

    /// <param name="incomplete">The database may lack what it once knew: it is new, or its log is missing or damaged.</param>
    public static void Run(Database database, ContentStore store, bool incomplete, DateTimeOffset now, TimeSpan lifetime, ILogger logger)
    {
        var rows = LiveRows(database.Connection);
        var whole = store.Whole().ToHashSet();
        var inRows = ContentRows(database.Connection);
        var accepted = rows.Where(row => row.Place == ContentPlace.File).Select(row => row.Id).ToHashSet();
        // Before anything is written: a start that is cut short may leave the next one no sign that the database is incomplete.
        if (incomplete) whole.ExceptWith(SetAside(database, store, whole.Except(accepted), logger));
        // Before anything is written down about this start, which would pass for a sign of life; and outside of the transaction,
        // whose commit SQLite refuses once it has met a damaged page.
        var outage = Outage(database, now, logger);
        var ahead = Ahead(database.Connection, now + LongestWait, logger);
        database.Begin();
        database.Change("UPDATE messages SET due = ?1 WHERE state < 3 AND due > ?1", (now + LongestWait).UtcTicks);
        foreach (var (number, position) in ahead) database.Change("UPDATE recipients SET due = ?3 WHERE message = ?1 AND position = ?2", number, position, (now + LongestWait).UtcTicks);
        database.Change("UPDATE spent SET at = ?1 WHERE at > ?1", now.UtcTicks);
        if (outage is { } span)
        {
            LogOutage(logger, span);
            database.Lengthen(span, now + lifetime);
            database.PutSign(now);
        }
        foreach (var row in rows)
        {
            var open = row.State is MessageState.Queued or MessageState.Held or MessageState.Parked;
            if (open && row.Attempting) Suspect(database, row, now, logger);
            var there = row.Place switch { ContentPlace.File => whole.Contains(row.Id), ContentPlace.Row => inRows.Contains(row.Number), _ => false };
            var torn = there && open && row.Place == ContentPlace.File && !store.IsWhole(row.Id, row.Size);
            if (there && !torn) continue;
            if (open) Park(database, row, torn ? ContentTorn : ContentMissing, now, logger);
            else database.LetGo(row.Number);
        }
        database.Commit();

        foreach (var id in store.Parts())
        {
            // A backup that was taken while it arrived brings back the part of a message that has long been ours.
            if (accepted.Contains(id)) LogOldPart(logger, id);
            else LogUnfinished(logger, id);
            if (!store.DeletePart(id)) LogUndeletable(logger, id, store.Folder);
        }
        whole.ExceptWith(accepted);
        foreach (var id in whole) Unclaimed(database, store, id, logger);
    }

    private static void Suspect(Database database, Live row, DateTimeOffset now, ILogger logger)
    {
        LogPossibleDuplicate(logger, row.Id);
        database.Change("UPDATE messages SET attempting = 0, duplicate = 1 WHERE number = ?1", row.Number);
        database.Append(row.Number, new TimelineEntry(now, TimelineEvent.PossibleDuplicate,
            "SmartHost stopped in the middle of an attempt. It tries again, so a recipient may get this message twice, with the same Message-ID."));
    }

    /// <summary>From the last sign of life: a stop in good order leaves one; after a kill it may be some hours old, and mail that lives a little longer harms nobody. Null: none to speak of.</summary>
    private static TimeSpan? Outage(Database database, DateTimeOffset now, ILogger logger)
    {
        try
        {
            return database.LastSign(now) is { } last && now - last >= LeastOutage ? now - last : null;
        }
        catch (SqliteException e) when (StorageFailure.From(e) is { Damaged: true } damage)
        {
            // A damaged page of history is no reason not to start.
            LogNoSign(logger, damage.Reason);
            return null;
        }
    }

    /// <summary>Open recipients that are due after that. What came before a damaged page counts: one page must not keep the others waiting.</summary>
    private static List<(long Number, int Position)> Ahead(SqliteConnection connection, DateTimeOffset latest, ILogger logger)
    {
        var ahead = new List<(long, int)>();
        try
        {
            using var statement = new Statement(connection, "SELECT message, position FROM recipients WHERE message IN (SELECT number FROM messages WHERE state < 3) AND state = 0 AND due > ?1");
            using var rows = statement.Query(latest.UtcTicks);
            while (rows.Read()) ahead.Add((rows.GetInt64(0), rows.GetInt32(1)));
        }
        catch (SqliteException e) when (StorageFailure.From(e) is { Damaged: true } damage)
        {
            LogNotAllDue(logger, damage.Reason);
        }
        return ahead;
    }

    private static void Park(Database database, Live row, string reason, DateTimeOffset now, ILogger logger)
    {
        LogContentMissing(logger, row.Id, reason);
        if (row.State == MessageState.Parked && row.Reason == reason) return;
        database.Change("UPDATE messages SET state = 2, reason = ?2 WHERE number = ?1", row.Number, reason);
        database.Append(row.Number, new TimelineEntry(now, TimelineEvent.Parked, $"{reason} It cannot be sent; put content/{row.Id}.eml back and retry it, or delete it."));
    }

    private static List<QueueId> SetAside(Database database, ContentStore store, IEnumerable<QueueId> unclaimed, ILogger logger)
    {
        var unknown = unclaimed.Where(id => database.Rows.Find(id) is null).ToList();
        foreach (var id in unknown)
        {
            LogSetAside(logger, id, store.Folder);
            store.MoveAside(id);
        }
        return unknown;
    }

    private static void Unclaimed(Database database, ContentStore store, QueueId id, ILogger logger)
    {
        if (database.Rows.Find(id) is null) LogOrphan(logger, id);
        else LogLeftOver(logger, id);
        Delete(store, id, logger);
    }

    private static void Delete(ContentStore store, QueueId id, ILogger logger)
    {
        if (!store.Delete(id)) LogUndeletable(logger, id, store.Folder);
    }

    private static List<Live> LiveRows(SqliteConnection connection)
    {
        var live = new List<Live>();
        using var statement = new Statement(connection, "SELECT number, id, state, content, reason, attempting, size FROM messages WHERE state < 3 OR content > 0");
        using var rows = statement.Query();
        while (rows.Read())
            live.Add(new Live(rows.GetInt64(0), MessageRows.Id(rows, 1), (MessageState)rows.GetInt32(2), (ContentPlace)rows.GetInt32(3), MessageRows.Text(rows, 4), rows.GetBoolean(5), rows.GetInt64(6)));
        return live;
    }

    private static HashSet<long> ContentRows(SqliteConnection connection)
    {
        var numbers = new HashSet<long>();
        using var statement = new Statement(connection, "SELECT message FROM content");
        using var rows = statement.Query();
        while (rows.Read()) numbers.Add(rows.GetInt64(0));
        return numbers;
    }

    [LoggerMessage(2010, LogLevel.Warning, "{Id}: was arriving when SmartHost stopped; its device was never told 250 and still has it. Deleted")]
    private static partial void LogUnfinished(ILogger logger, QueueId id);

    [LoggerMessage(2019, LogLevel.Information, "{Id}: an unfinished copy of it lay beside the message, as an old backup has it; the copy is deleted")]
    private static partial void LogOldPart(ILogger logger, QueueId id);

    [LoggerMessage(2011, LogLevel.Warning, "{Id}: had arrived but was not yet accepted when SmartHost stopped; its device was never told 250 and still has it. Deleted")]
    private static partial void LogOrphan(ILogger logger, QueueId id);

    [LoggerMessage(2012, LogLevel.Information, "{Id}: was finished when SmartHost stopped; its content is deleted now")]
    private static partial void LogLeftOver(ILogger logger, QueueId id);

    [LoggerMessage(2013, LogLevel.Error, "{Id}: {Reason} Parked: put its file back and retry it, or delete it")]
    private static partial void LogContentMissing(ILogger logger, QueueId id, string reason);

    [LoggerMessage(2014, LogLevel.Warning, "{Id}: possible duplicate: SmartHost stopped in the middle of an attempt; it is sent again and may arrive twice")]
    private static partial void LogPossibleDuplicate(ILogger logger, QueueId id);

    [LoggerMessage(2017, LogLevel.Information, "nothing happened here for {Span}: what waits has that much longer")]
    private static partial void LogOutage(ILogger logger, TimeSpan span);

    [LoggerMessage(2018, LogLevel.Error, "since when nothing ran cannot be read, so what waits keeps the lifetime that it has: {Reason}")]
    private static partial void LogNoSign(ILogger logger, string reason);

    [LoggerMessage(2027, LogLevel.Error, "what a clock that was ahead put off cannot all be read, so some of it may wait as long: {Reason}")]
    private static partial void LogNotAllDue(ILogger logger, string reason);

    [LoggerMessage(2015, LogLevel.Error, "{Id}: the database does not know this content, and may have known it once; kept in {Folder}/unclaimed")]
    private static partial void LogSetAside(ILogger logger, QueueId id, string folder);

    [LoggerMessage(2016, LogLevel.Warning, "{Id}: its content could not be deleted from {Folder}; the next start tries again")]
    private static partial void LogUndeletable(ILogger logger, QueueId id, string folder);
}
