using System.Text;
using SmartHost.Mail;
using SmartHost.Queue;

namespace SmartHost.Listener;

/// <summary>
/// One message on its way from the wire to the queue: normalised by <see cref="DataReader"/>, looked at by
/// <see cref="HeaderPeek"/>, counted, and passed on as it comes. Once it is too large the rest is read and dropped, for
/// the device hears nothing before its final dot. When it is disposed without a commit, nothing is left behind.
/// </summary>
internal sealed class MessageIntake : IAsyncDisposable
{
    private readonly IncomingMessage message;
    private readonly HeaderPeek header = new();
    private readonly long limit, headerLength;
    private readonly int hops;

    private MessageIntake(IncomingMessage message, DataFraming framing, long limit, int hops, long headerLength)
    {
        (this.message, this.limit, this.hops, this.headerLength) = (message, limit, hops, headerLength);
        Reader = new DataReader(framing);
    }

    public DataReader Reader { get; }

    public QueueId Id => message.Id;

    /// <summary>Octets of the message as its device sent it.</summary>
    public long Octets => Reader.Octets;

    /// <summary>Stored octets, our Received included.</summary>
    public long Stored => message.Length;

    public string? Subject => header.Subject;

    public string? Mailer => header.Mailer;

    public bool IsTooLarge { get; private set; }

    /// <summary>So much was dropped that waiting for its end is over, or would be after so many octets more.</summary>
    public bool IsHopeless(long more = 0) => more > Math.Max(4 * limit, 128L << 20) - Octets;

    /// <param name="received">The Received header, with its line end.</param>
    public static async ValueTask<MessageIntake> BeginAsync(IncomingMessage message, string received, DataFraming framing, long limit, int hops, CancellationToken cancellation)
    {
        var top = Encoding.ASCII.GetBytes(received);
        await message.WriteAsync(top, cancellation);
        return new MessageIntake(message, framing, limit, hops, top.Length);
    }

    /// <param name="content">What the reader made of the octets.</param>
    public ValueTask WriteAsync(ReadOnlyMemory<byte> content, CancellationToken cancellation)
    {
        // Either count may be the larger one: NULs are dropped, and a bare LF becomes two octets.
        IsTooLarge |= Octets > limit || message.Length - headerLength + content.Length > limit;
        header.Feed(content.Span);
        return IsTooLarge || content.IsEmpty ? ValueTask.CompletedTask : message.WriteAsync(content, cancellation);
    }

    /// <summary>After the last octet: completes a last line without its end (only a BDAT can have one).</summary>
    public async ValueTask CompleteAsync()
    {
        if (Reader.HasEnded) return;
        var tail = new byte[DataReader.MaxBurst];
        Reader.Finish(tail, out var written);
        await WriteAsync(tail.AsMemory(0, written), CancellationToken.None);
    }

    /// <summary>The whole message is here. Null: nothing in it speaks against it.</summary>
    public SmtpReply? Refusal()
    {
        header.Complete();
        return header.Hops > hops ? Replies.Loop : null;
    }

    /// <summary>The device's own Message-ID, or one made from the queue's id: fixed now, so that a receiver recognises what is sent twice.</summary>
    public string MessageId(string hostname) => header.MessageId
        ?? $"<{Id}@{(Ascii.IsValid(hostname) && Mailbox.TryParse($"x@{hostname}", out _) ? hostname : "smarthost.invalid")}>";

    /// <summary>Makes it ours. After the client sent its final dot nothing cancels this: it may be gone, but what it sent counts.</summary>
    public Task<CommitOutcome> CommitAsync(Submission submission) => message.CommitAsync(submission, CancellationToken.None);

    public ValueTask DisposeAsync()
    {
        header.Dispose();
        return message.DisposeAsync();
    }
}
