using SmartHost.Mail;

namespace SmartHost.Queue;

/// <summary>What gives room back: of messages that history no longer keeps, and of the database's own files.</summary>
internal sealed partial class Database
{
    /// <summary>Content of messages that were finished before then; not of those whose sender has yet to be told.</summary>
    public List<(QueueId Id, ContentPlace Place)> LetGo(DateTimeOffset before, int atMost)
    {
        var gone = Finished("finished <= ?1 AND content > 0 AND unreported = 0", before, atMost);
        foreach (var (number, _, _) in gone) LetGo(number);
        return [.. gone.Select(message => (message.Id, message.Place))];
    }

    /// <summary>Its content's row goes, or its row says that the file will.</summary>
    public void LetGo(long number)
    {
        deleteContent.Run(number);
        Change("UPDATE messages SET content = 0 WHERE number = ?1", number);
    }

    /// <summary>Messages that were finished before then, with all that is known of them; not those whose sender has yet to be told.</summary>
    public List<(QueueId Id, ContentPlace Place)> Forget(DateTimeOffset before, int atMost)
    {
        var gone = Finished("finished <= ?1 AND unreported = 0", before, atMost);
        foreach (var (number, _, _) in gone)
        {
            deleteContent.Run(number);
            Change("DELETE FROM timeline WHERE message = ?1", number);
            Change("DELETE FROM recipients WHERE message = ?1", number);
            Change("DELETE FROM messages WHERE number = ?1", number);
        }
        return [.. gone.Select(message => (message.Id, message.Place))];
    }

    /// <summary>
    /// Copies the log into the database and cuts it to nothing. The log may hold 16 MB, most of it pages that were written again
    /// since: on a full disk that is room for what waits. Only where the copy fits: half of it would take the room that is left
    /// and give none back. False: not now.
    /// </summary>
    /// <param name="free">Octets that the disk has left.</param>
    public bool TryFoldLog(long free)
    {
        try
        {
            using var pages = new Statement(connection, "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size");
            if (Number(pages) - new FileInfo(connection.DataSource).Length > free) return false;
            using var fold = new Statement(connection, "PRAGMA wal_checkpoint(TRUNCATE)");
            // 1: a reader is in the way.
            return Number(fold) == 0;
        }
        catch (Exception e) when (StorageFailure.From(e) is not null)
        {
            return false;
        }
    }

    /// <summary>Gives free pages back to the disk. False: there are no more.</summary>
    public bool Vacuum(int pages)
    {
        using var vacuum = new Statement(connection, $"PRAGMA incremental_vacuum({pages})");
        using (var rows = vacuum.Query())
        {
            // Each step frees a page: it must be read to its end.
            while (rows.Read()) { }
        }
        using var free = new Statement(connection, "PRAGMA freelist_count");
        return Number(free) > 0;
    }

    private List<(long Number, QueueId Id, ContentPlace Place)> Finished(string where, DateTimeOffset before, int atMost)
    {
        var found = new List<(long, QueueId, ContentPlace)>();
        using var select = new Statement(connection, $"SELECT number, id, content FROM messages WHERE {where} LIMIT ?2");
        using var rows = select.Query(before.UtcTicks, atMost);
        while (rows.Read()) found.Add((rows.GetInt64(0), MessageRows.Id(rows, 1), (ContentPlace)rows.GetInt32(2)));
        return found;
    }
}
