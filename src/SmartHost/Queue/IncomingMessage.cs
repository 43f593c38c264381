using System.Buffers;
using Microsoft.Win32.SafeHandles;
using SmartHost.Mail;

namespace SmartHost.Queue;

/// <summary>
/// A message on its way in. Small ones gather in pooled memory, larger ones go to <c>content/ID.part</c> as they arrive,
/// so that memory is bounded by the number of sessions. Disposing without a commit leaves nothing behind.
/// <para>When it fails: a disk that takes nothing shows at the commit, not before; until then the session reads on, and the device hears why.</para>
/// </summary>
/// <remarks>For one session, one call at a time.</remarks>
public sealed class IncomingMessage : IAsyncDisposable
{
    /// <summary>Octets kept in memory, and then in the row; a file is faster beyond (measured: the crossover lies near 256 KB).</summary>
    internal const int MaxInRow = 256 << 10;

    private const int SegmentSize = 16 << 10, WriteSize = 64 << 10;

    private readonly MailQueue queue;
    private readonly ContentStore store;
    private readonly List<byte[]> segments = [];
    private byte[]? block;
    private SafeFileHandle? part;
    private long written;
    private int filled;
    private StorageFailure? failure;
    private bool ended, committed, mayReturn;

    internal IncomingMessage(QueueId id, MailQueue queue, ContentStore store) => (Id, this.queue, this.store) = (id, queue, store);

    public QueueId Id { get; }

    /// <summary>Octets written so far.</summary>
    public long Length { get; private set; }

    /// <summary>
    /// Takes the next octets (already CRLF-normalised by the caller). A full or failing disk does not throw here:
    /// the octets are dropped and <see cref="CommitAsync"/> tells, for the device must be read to its final dot anyway.
    /// </summary>
    public ValueTask WriteAsync(ReadOnlyMemory<byte> octets, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        ObjectDisposedException.ThrowIf(ended, this);
        Length += octets.Length;
        if (failure is not null) return ValueTask.CompletedTask;
        if (part is not null || Length > MaxInRow) return PassAsync(octets);
        Gather(octets.Span);
        return ValueTask.CompletedTask;
    }

    /// <summary>Makes the message ours. Until this returns Committed, the client must not hear 250.</summary>
    /// <param name="cancellation">Heeded until the message is handed to the writer; from there on its fate is awaited, for it may be ours.</param>
    public async Task<CommitOutcome> CommitAsync(Submission submission, CancellationToken cancellation)
    {
        ArgumentOutOfRangeException.ThrowIfZero(submission.Envelope.Recipients.Count);
        ObjectDisposedException.ThrowIf(ended, this);
        cancellation.ThrowIfCancellationRequested();
        if (part is not null && failure is null)
        {
            // Content first, row last. A crash in between leaves content without a row, which recovery deletes:
            // the client never heard 250, so it still holds the message.
            // A thread of its own: several slow syncs at once would starve the pool, and with it every other session.
            await Task.Factory.StartNew(FinishFile, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default).ConfigureAwait(false);
        }
        ended = true;
        if (failure is not null) return failure.AsOutcome();
        var place = Length > MaxInRow ? ContentPlace.File : ContentPlace.Row;
        failure = await queue.AcceptAsync(Id, submission, new IncomingContent(place, Length, Segments())).ConfigureAwait(false);
        if (failure is null)
        {
            committed = true;
            return new CommitOutcome.Committed(Id);
        }
        mayReturn = failure.MayReturn;
        return failure.AsOutcome();
    }

    public ValueTask DisposeAsync()
    {
        ended = true;
        Release();
        if (Length <= MaxInRow || committed) return ValueTask.CompletedTask;
        // A commit that may yet return keeps its content until that is decided.
        if (mayReturn) queue.DiscardOnceForgotten(Id);
        return mayReturn ? ValueTask.CompletedTask : new ValueTask(Task.Run(() => store.Delete(Id)));
    }

    private void Gather(ReadOnlySpan<byte> octets)
    {
        while (!octets.IsEmpty)
        {
            if (segments.Count == 0 || filled == SegmentSize)
            {
                segments.Add(ArrayPool<byte>.Shared.Rent(SegmentSize));
                filled = 0;
            }
            var taken = Math.Min(octets.Length, SegmentSize - filled);
            octets[..taken].CopyTo(segments[^1].AsSpan(filled));
            filled += taken;
            octets = octets[taken..];
        }
    }

    /// <summary>What was gathered becomes the head of a file. Null: it is written.</summary>
    private StorageFailure? Spill()
    {
        var head = Segments();
        if (queue.TakeRoom(head.Sum(segment => (long)segment.Length)) is { } noRoom) return noRoom;
        part = store.Begin(Id);
        if (head.Count > 0) RandomAccess.Write(part, head, 0);
        foreach (var segment in head) written += segment.Length;
        ReturnSegments();
        block = ArrayPool<byte>.Shared.Rent(WriteSize);
        filled = 0;
        return null;
    }

    /// <summary>
    /// By a thread that may wait, block by block: into the page cache is a matter of microseconds until the disk is behind, and
    /// then the thread that hears all devices must not stand still with it.
    /// </summary>
    private async ValueTask PassAsync(ReadOnlyMemory<byte> octets)
    {
        try
        {
            if (part is null && await Task.Run(Spill).ConfigureAwait(false) is { } noRoom)
            {
                Drop(noRoom);
                return;
            }
            while (!octets.IsEmpty)
            {
                var taken = Math.Min(octets.Length, WriteSize - filled);
                octets[..taken].CopyTo(block.AsMemory(filled));
                filled += taken;
                octets = octets[taken..];
                if (filled < WriteSize || await Task.Run(WriteBlock).ConfigureAwait(false) is not { } full) continue;
                Drop(full);
                return;
            }
        }
        catch (Exception e) when (StorageFailure.From(e) is { } failed)
        {
            Drop(failed);
        }
    }

    /// <summary>Null: it is written.</summary>
    private StorageFailure? WriteBlock()
    {
        if (queue.TakeRoom(filled) is { } noRoom) return noRoom;
        RandomAccess.Write(part!, block.AsSpan(0, filled), written);
        (written, filled) = (written + filled, 0);
        return null;
    }

    private void FinishFile()
    {
        try
        {
            if (filled > 0 && WriteBlock() is { } noRoom) Drop(noRoom);
            else store.Finish(Id, part!);
        }
        catch (Exception e) when (StorageFailure.From(e) is { } failed)
        {
            Drop(failed);
        }
    }

    /// <summary>Gives the room back at once: it may be just what another message lacks.</summary>
    private void Drop(StorageFailure failed)
    {
        failure = failed;
        Release();
        store.Delete(Id);
    }

    private void Release()
    {
        ReturnSegments();
        if (block is not null) ArrayPool<byte>.Shared.Return(block);
        block = null;
        part?.Dispose();
        part = null;
    }

    private void ReturnSegments()
    {
        foreach (var segment in segments) ArrayPool<byte>.Shared.Return(segment);
        segments.Clear();
    }

    private List<ReadOnlyMemory<byte>> Segments() =>
        [.. segments.Select((segment, i) => new ReadOnlyMemory<byte>(segment, 0, i == segments.Count - 1 ? filled : SegmentSize))];
}

/// <summary>Where an accepted message's octets are: in the segments, for the row, or already in their file.</summary>
internal sealed record IncomingContent(ContentPlace Place, long Length, IReadOnlyList<ReadOnlyMemory<byte>> Segments);
