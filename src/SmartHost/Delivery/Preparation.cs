using SmartHost.Gmail;
using SmartHost.Gmail.Login;
using SmartHost.Gmail.Repair;
using SmartHost.Queue;

namespace SmartHost.Delivery;

/// <summary>Whether a stored message can be handed to Gmail. Closed.</summary>
internal abstract record Prepared
{
    private Prepared() { }

    public sealed record Ready(OutgoingMessage Message) : Prepared;

    public sealed record ContentMissing : Prepared;

    /// <summary>The disk would not give it to us now.</summary>
    public sealed record Unreadable(string Reason) : Prepared;

    /// <summary>A bug of ours.</summary>
    /// <param name="Begun">It came while the message was handed over: Gmail may have it.</param>
    public sealed record Failed(Exception Failure, bool Begun = false) : Prepared;
}

/// <summary>
/// Reads a message back from the queue and makes it fit for Gmail. Never throws but for cancellation: what goes wrong is
/// an outcome, since a message that cannot be prepared must not stop the others.
/// </summary>
internal sealed class Preparation(MailQueue queue, Func<string, DeviceRouting?> devices)
{
    private readonly MessageIds ids = new(queue);

    public async Task<Prepared> PrepareAsync(QueuedMessage message, AccountSettings account, CancellationToken cancellation)
    {
        try
        {
            var content = await queue.OpenContentAsync(message.Id, cancellation);
            if (content is null) return new Prepared.ContentMissing();
            var routing = devices(message.Device) ?? DeviceRouting.None;
            return new Prepared.Ready(await OutgoingMessage.PrepareAsync(content, Context(message, account, routing, cancellation), cancellation));
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
}
