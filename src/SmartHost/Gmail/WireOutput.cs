using System.Buffers;
using System.Text;

namespace SmartHost.Gmail;

/// <summary>
/// Commands and content on their way out, gathered into blocks of 32 KB: MAIL, RCPT, BDAT and a small message leave as
/// one. A block that does not get into the socket in time ends the conversation; the message's own errors pass through
/// untouched, so that an unreadable file is never taken for a broken connection.
/// </summary>
internal sealed class WireOutput(SmtpWire wire) : WriteOnlyStream
{
    private byte[] block = ArrayPool<byte>.Shared.Rent(32 * 1024);
    private int used;

    /// <summary>Octets of content accepted since <see cref="BeginContent"/>.</summary>
    public long ContentLength { get; private set; }

    private long contentLimit;

    /// <summary>More than this is a bug that would turn the rest of a message into commands: it throws instead.</summary>
    public void BeginContent(long limit) => (ContentLength, contentLimit) = (0, limit);

    public Task WriteLineAsync(string command, CancellationToken cancellation) => AddAsync(Encoding.UTF8.GetBytes(command + "\r\n"), cancellation);

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> source, CancellationToken cancellationToken = default)
    {
        ContentLength += source.Length;
        if (ContentLength > contentLimit) throw new InvalidOperationException($"the message wrote more than the {contentLimit} octets that it announced");
        await AddAsync(source, cancellationToken);
    }

    /// <summary>Sends what has been gathered.</summary>
    public async Task SendAsync(CancellationToken cancellation)
    {
        if (used == 0) return;
        await wire.WriteAsync(block.AsMemory(0, used), ConversationTimeouts.Write, cancellation);
        used = 0;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing && block.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(block);
            block = [];
        }
        base.Dispose(disposing);
    }

    private async Task AddAsync(ReadOnlyMemory<byte> source, CancellationToken cancellation)
    {
        while (source.Length > 0)
        {
            if (used == block.Length) await SendAsync(cancellation);
            var count = Math.Min(source.Length, block.Length - used);
            source[..count].CopyTo(block.AsMemory(used));
            used += count;
            source = source[count..];
        }
    }
}
