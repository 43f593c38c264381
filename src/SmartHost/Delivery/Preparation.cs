using SmartHost.Gmail;
using SmartHost.Mail;
using SmartHost.Queue;

namespace SmartHost.Delivery;

/// <summary>Whether a stored message can be handed to Gmail. Closed.</summary>
internal abstract record Prepared
{
    private Prepared() { }

    public sealed record Ready(OutgoingMessage Message) : Prepared;

    /// <summary>Gmail would never take it; known without asking.</summary>
    public sealed record Unfit(EnhancedStatus Status, string Reason) : Prepared;

    public sealed record ContentMissing : Prepared;

    /// <summary>The disk would not give it to us now.</summary>
    public sealed record Unreadable(string Reason) : Prepared;

    /// <summary>A bug of ours.</summary>
    public sealed record Failed(Exception Failure) : Prepared;
}

/// <summary>
/// Reads a message back from the queue and makes it fit for Gmail. Never throws but for cancellation: what goes wrong is
/// an outcome, since a message that cannot be prepared must not stop the others.
/// </summary>
internal sealed class Preparation(MailQueue queue, Func<string, DeviceRouting?> devices)
{
    /// <summary>Octets that Gmail announces by SIZE; a message above is refused at MAIL, so it is not offered at all.</summary>
    public const long LargestMessage = 35_882_577;

    /// <summary>RFC 5321 §6.3 asks for a large number; Gmail itself stops at 50, and a loop that reaches half of that is one.</summary>
    public const int MostHops = 25;

    private readonly MessageIds ids = new(queue);

    public async Task<Prepared> PrepareAsync(QueuedMessage message, AccountSettings account, CancellationToken cancellation)
    {
        try
        {
            var content = await queue.OpenContentAsync(message.Id, cancellation);
            if (content is null) return new Prepared.ContentMissing();
            var routing = devices(message.Device) ?? DeviceRouting.None;
            var outgoing = await OutgoingMessage.PrepareAsync(content, Context(message, account, routing, cancellation), cancellation);
            if (Unfit(outgoing) is not { } unfit) return new Prepared.Ready(outgoing);
            await outgoing.DisposeAsync();
            return unfit;
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            throw;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return new Prepared.Unreadable($"The stored message could not be read: {failure.Message}");
        }
        catch (Exception failure)
        {
            return new Prepared.Failed(failure);
        }
    }

    private RepairContext Context(QueuedMessage message, AccountSettings account, DeviceRouting routing, CancellationToken cancellation) => new(
        account.Username, account.Aliases, message.Device, routing.From, routing.SubjectPrefix, message.Sender, message.MessageId, message.ReceivedAt,
        checksum => ids.OfAsync(message, checksum, cancellation));

    /// <summary>Null: it may be offered.</summary>
    private static Prepared.Unfit? Unfit(OutgoingMessage outgoing)
    {
        if (outgoing.ReceivedCount > MostHops)
        {
            return new Prepared.Unfit(new EnhancedStatus(5, 4, 6), $"The message goes in circles: it has passed {outgoing.ReceivedCount} mail servers. "
                + "Look for a rule or a mailbox that forwards it back to the device or to SmartHost.");
        }
        return outgoing.Size <= LargestMessage ? null : new Prepared.Unfit(new EnhancedStatus(5, 3, 4),
            $"The message is {Megabytes(outgoing.Size)} MB as it would be sent; Gmail takes at most {Megabytes(LargestMessage)} MB, attachments in base64 included. "
            + "Scan with fewer dots per inch, in black and white, or fewer pages at a time.");
    }

    private static string Megabytes(long octets) => (octets / 1_000_000.0).ToString("0.0");
}
