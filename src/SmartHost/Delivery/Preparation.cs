using SmartHost.Gmail;
using SmartHost.Mail;
using SmartHost.Queue;

namespace SmartHost.Delivery;

/// <summary>Whether a stored message can be handed to Gmail. Closed.</summary>
internal abstract record Prepared
{
    private Prepared() { }

    /// <param name="Sender">The envelope sender: the account, or the alias that the header's From names.</param>
    public sealed record Ready(OutgoingMessage Message, Mailbox Sender) : Prepared;

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

    public async Task<Prepared> PrepareAsync(QueuedMessage message, AccountSettings account, CancellationToken cancellation)
    {
        try
        {
            var content = await queue.OpenContentAsync(message.Id, cancellation);
            if (content is null) return new Prepared.ContentMissing();
            var owned = true;
            try
            {
                if (await HopsAsync(content, cancellation) > MostHops)
                {
                    return new Prepared.Unfit(new EnhancedStatus(5, 4, 6), $"The message goes in circles: it has passed more than {MostHops} mail servers. "
                        + "Look for a rule or a mailbox that forwards it back to the device or to SmartHost.");
                }
                content.Position = 0;
                var routing = devices(message.Device) ?? DeviceRouting.None;
                owned = false; // PrepareAsync owns it from here on, also where it fails
                var outgoing = await OutgoingMessage.PrepareAsync(content, Context(message, account, routing), cancellation);
                if (outgoing.Size <= LargestMessage) return new Prepared.Ready(outgoing, SenderOf(message, account, routing));
                await outgoing.DisposeAsync();
                return new Prepared.Unfit(new EnhancedStatus(5, 3, 4), $"The message is {Megabytes(outgoing.Size)} MB as it would be sent; Gmail takes at most {Megabytes(LargestMessage)} MB, "
                    + "attachments in base64 included. Scan with fewer dots per inch, in black and white, or fewer pages at a time.");
            }
            finally
            {
                if (owned) await content.DisposeAsync();
            }
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

    private static RepairContext Context(QueuedMessage message, AccountSettings account, DeviceRouting routing) => new(
        account.Username, account.Aliases, message.Device, routing.From, routing.SubjectPrefix, message.Sender, message.MessageId, message.ReceivedAt);

    /// <summary>
    /// Gmail replaces a From that is neither the account nor an alias, and wants an identity even on reports: so the
    /// account always, but for an alias that the device's settings, or the device, name.
    /// </summary>
    private static Mailbox SenderOf(QueuedMessage message, AccountSettings account, DeviceRouting routing)
    {
        var wished = routing.FromMailbox ?? message.Sender.Mailbox;
        return wished is not null && account.Aliases.Contains(wished) ? wished : account.Username;
    }

    /// <summary>Counts Received fields in the header; stops at the empty line or after 256 KB.</summary>
    internal static async Task<int> HopsAsync(Stream content, CancellationToken cancellation)
    {
        const int most = 256 << 10;
        var buffer = new byte[8192];
        var (hops, read, matched, lineEmpty, atStart) = (0, 0, 0, true, true);
        var name = "received:"u8.ToArray();
        while (read < most)
        {
            var count = await content.ReadAsync(buffer, cancellation);
            if (count == 0) return hops;
            read += count;
            foreach (var octet in buffer.AsSpan(0, count))
            {
                if (octet == '\n')
                {
                    if (lineEmpty) return hops;
                    (matched, lineEmpty, atStart) = (0, true, true);
                    continue;
                }
                if (octet != '\r') lineEmpty = false;
                if (!atStart) continue;
                if ((octet is >= (byte)'A' and <= (byte)'Z' ? octet | 0x20 : octet) != name[matched]) atStart = false;
                else if (++matched == name.Length)
                {
                    hops++;
                    atStart = false;
                }
            }
        }
        return hops;
    }

    private static string Megabytes(long octets) => (octets / 1_000_000.0).ToString("0.0");
}
