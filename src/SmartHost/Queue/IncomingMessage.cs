namespace SmartHost.Queue;

/// <summary>
/// A message on its way in. Small ones gather in pooled memory, larger ones go to <c>content/ID.part</c> as they arrive,
/// so that memory is bounded by the number of sessions. Disposing without a commit leaves nothing behind.
/// </summary>
public sealed class IncomingMessage : IAsyncDisposable
{
    public SmartHost.Mail.QueueId Id => throw new NotImplementedException();

    /// <summary>Octets written so far.</summary>
    public long Length => throw new NotImplementedException();

    /// <summary>
    /// Takes the next octets (already CRLF-normalised by the caller). A full or failing disk does not throw here:
    /// the octets are dropped and <see cref="CommitAsync"/> tells, for the device must be read to its final dot anyway.
    /// </summary>
    public ValueTask WriteAsync(ReadOnlyMemory<byte> octets, CancellationToken cancellation) => throw new NotImplementedException();

    /// <summary>Makes the message ours. Until this returns Committed, the client must not hear 250.</summary>
    public Task<CommitOutcome> CommitAsync(Submission submission, CancellationToken cancellation) => throw new NotImplementedException();

    public ValueTask DisposeAsync() => throw new NotImplementedException();
}
