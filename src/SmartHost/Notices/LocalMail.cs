using MimeKit;
using SmartHost.Mail;
using SmartHost.Queue;

namespace SmartHost.Notices;

/// <summary>
/// Mail that we write ourselves, through the queue's one door like any device's. Its reverse-path is null, so that nobody
/// on its way reports its failure to anyone (RFC 5321 §4.5.5). No From is written: delivery supplies the account's, as for a device that sends none.
/// </summary>
public sealed class LocalMail(MailQueue queue, string hostname, TimeProvider time)
{
    /// <summary>The name under which our own mail goes through lists, logs and meters.</summary>
    public const string Device = "smarthost";

    /// <param name="account">Null: the default one.</param>
    /// <param name="rule">Why it was written, for its timeline.</param>
    /// <param name="fill">Adds body and further headers; gets the message's own id.</param>
    /// <param name="reportsOn">The message it reports on, marked reported in the same commit.</param>
    public async Task<CommitOutcome> SubmitAsync(
        Mailbox recipient, string subject, Lane lane, string? account, string rule, Action<MimeMessage, QueueId> fill, FailedMessage? reportsOn, CancellationToken cancellation)
    {
        await using var incoming = queue.Receive();
        using var message = new MimeMessage();
        message.Headers.Remove(HeaderId.From);
        message.To.Add(new MailboxAddress(null, recipient.ToString()));
        message.Subject = subject;
        message.Date = time.GetUtcNow();
        message.MessageId = $"{incoming.Id}@{hostname}";
        // RFC 3834 §5: nobody's vacation answer should answer this. A report answers a message, anything else only tells.
        message.Headers.Replace(HeaderId.AutoSubmitted, reportsOn is null ? "auto-generated" : "auto-replied");
        fill(message, incoming.Id);
        // Lines as long as RFC 5322 lets them be: a report's fields must not be encoded for one that is merely long (RFC 3464 §2.1).
        message.Prepare(EncodingConstraint.SevenBit, maxLineLength: 998);

        using var octets = new MemoryStream();
        var format = FormatOptions.Default.Clone();
        format.NewLineFormat = NewLineFormat.Dos;
        await message.WriteToAsync(format, octets, cancellation);
        await incoming.WriteAsync(octets.GetBuffer().AsMemory(0, (int)octets.Length), cancellation);
        return await incoming.CommitAsync(new Submission
        {
            Envelope = new Envelope(ReversePath.Null, [recipient]),
            Device = Device,
            Account = account,
            Lane = lane,
            Origin = Origin.Local,
            MessageId = $"<{message.MessageId}>",
            Subject = subject.Length > 200 ? subject[..200] : subject,
            Rule = rule,
            ReportsOn = reportsOn?.Message.Id,
            ReportedRecipients = reportsOn?.Bounced.Select(recipient => recipient.Address).ToList(),
        }, cancellation);
    }
}
