using SmartHost.Gmail.Replies;
using SmartHost.Mail;

namespace SmartHost.Gmail.Login;

/// <summary>
/// What MailKit is given to log in over: it hands out one whole reply a read, so that MailKit never reads ahead of the
/// reply it waits for and the connection can be taken back afterwards; it keeps what Gmail really said, which MailKit's
/// exceptions lose (the text of a 534, the code of a 421); and closing it leaves the connection open.
/// The greeting has been read before, since STARTTLS or a refusal may follow it, and is said again.
/// </summary>
internal sealed class LoginStream(SmtpWire wire, SmtpReply greeting) : Stream
{
    private ReadOnlyMemory<byte> unread = ReplyText.ToBytes(greeting);

    /// <summary>What Gmail said since the last <see cref="Forget"/>, in order.</summary>
    public List<SmtpReply> Replies { get; } = [];

    /// <summary>Why the conversation broke, if it did.</summary>
    public WireException? Failure { get; private set; }

    /// <summary>How long one reply, or one command on its way out, may take.</summary>
    public required TimeSpan Patience { get; set; }

    public void Forget() => Replies.Clear();

    public override async ValueTask<int> ReadAsync(Memory<byte> destination, CancellationToken cancellationToken = default)
    {
        if (unread.IsEmpty)
        {
            var reply = await Guarded(() => wire.ReadReplyAsync(Patience, cancellationToken));
            Replies.Add(reply);
            unread = ReplyText.ToBytes(reply);
        }
        var count = Math.Min(unread.Length, destination.Length);
        unread[..count].CopyTo(destination);
        unread = unread[count..];
        return count;
    }

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> source, CancellationToken cancellationToken = default) =>
        await Guarded(async () =>
        {
            await wire.WriteAsync(source, Patience, cancellationToken);
            return true;
        });

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public override void Flush() { }

    public override bool CanRead => true;

    public override bool CanWrite => true;

    public override bool CanSeek => false;

    public override long Length => throw new NotSupportedException();

    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException("The login is asynchronous throughout.");

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException("The login is asynchronous throughout.");

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    private async Task<T> Guarded<T>(Func<Task<T>> work)
    {
        try
        {
            return await work();
        }
        catch (WireException e)
        {
            Failure ??= e;
            throw;
        }
    }
}
