using System.Text;
using MimeKit;
using SmartHost.Mail;
using SmartHost.Queue;

namespace SmartHost.Notices;

/// <summary>A message with bounces that nobody has been told of, and what its timeline says of them.</summary>
public sealed record FailedMessage(QueuedMessage Message, IReadOnlyList<TimelineEntry> Timeline)
{
    public IEnumerable<QueuedRecipient> Bounced => Message.Recipients.Where(recipient => recipient is { State: RecipientState.Bounced, Reported: false });

    /// <summary>Our reading of the refusal, with what to do: the timeline has it, the queue keeps Gmail's bare words.</summary>
    public string? Reason(QueuedRecipient recipient) => Timeline.LastOrDefault(entry => entry.Event == TimelineEvent.Bounced
        && (entry.Recipient == recipient.Address || entry.Recipient is null) && (entry.Reply is null || entry.Reply == recipient.Reply))?.Text;
}

/// <summary>
/// The text and the parts of a failure report: for a person first (what, why, what to do), then RFC 3464's fields for
/// programs, then the header of the original. Pure: no clock, no queue.
/// </summary>
public static class FailureReport
{
    /// <summary>Of the original's header; what is longer is cut at a line.</summary>
    public const int LargestHeader = 32 << 10;

    /// <summary>Messages told of one by one in a folded notice; further ones are counted.</summary>
    private const int MostInOne = 20;

    public static string Subject(IReadOnlyList<FailedMessage> failed) => failed is [var one]
        ? $"Not delivered: {one.Message.Subject ?? "(no subject)"}"
        : $"{failed.Count} messages of {failed[0].Message.Device} were not delivered";

    /// <summary>One message: RFC 3464's <c>multipart/report</c>, as programs know it.</summary>
    /// <param name="header">The original's header octets, or null where they are no longer kept.</param>
    public static MimeEntity Of(FailedMessage failed, byte[]? header, string hostname, TimeProvider time)
    {
        var report = new MultipartReport("delivery-status") { new TextPart("plain") { Text = Text([failed], hostname, time) }, Status(failed, hostname) };
        if (header is not null) report.Add(Header(header));
        return report;
    }

    /// <summary>Several of one device: one text about all, then the fields of each. RFC 3464 knows reports of one message only, so the whole is <c>multipart/mixed</c>.</summary>
    public static MimeEntity OfMany(IReadOnlyList<FailedMessage> failed, string hostname, TimeProvider time)
    {
        var all = new Multipart("mixed") { new TextPart("plain") { Text = Text(failed, hostname, time) } };
        foreach (var one in failed.Take(MostInOne)) all.Add(Status(one, hostname));
        return all;
    }

    internal static string Text(IReadOnlyList<FailedMessage> failed, string hostname, TimeProvider time)
    {
        var text = new StringBuilder();
        text.Append(failed.Count == 1
            ? $"A message of the device “{failed[0].Message.Device}” could not be delivered.\n"
            : $"{failed.Count} messages of the device “{failed[0].Message.Device}” could not be delivered.\n");
        foreach (var one in failed.Take(MostInOne))
        {
            text.Append($"\nSubject:  {one.Message.Subject ?? "(no subject)"}\nReceived: {LocalTime.Text(one.Message.ReceivedAt, time)}\n");
            foreach (var recipient in one.Bounced)
            {
                var (reason, reply) = (one.Reason(recipient), recipient.Reply);
                text.Append($"To:       {recipient.Address}\nReason:   {reason ?? reply ?? "unknown"}\n");
                if (reason is not null && reply is not null && IsSmtpReply(reply)) text.Append($"Gmail:    {reply}\n");
            }
            var sent = one.Message.Recipients.Count(recipient => recipient.State == RecipientState.Sent);
            if (sent > 0) text.Append($"Its other {(sent == 1 ? "recipient has" : $"{sent} recipients have")} been sent it.\n");
            text.Append($"Queue id: {one.Message.Id}\n");
        }
        if (failed.Count > MostInOne) text.Append($"\nAnd {failed.Count - MostInOne} more, which are listed on SmartHost's page.\n");
        text.Append("\nSmartHost does not try again. When the reason is mended, send it from the device once more");
        text.Append(failed.Count == 1 ? $",\nor look the message up on SmartHost's page by its queue id, {failed[0].Message.Id}.\n" : ".\n");
        text.Append($"\nSmartHost on {hostname}\n");
        return text.ToString();
    }

    private static MessageDeliveryStatus Status(FailedMessage failed, string hostname)
    {
        using var octets = new MemoryStream();
        var format = FormatOptions.Default.Clone();
        format.NewLineFormat = NewLineFormat.Dos;
        new HeaderList
        {
            { "Reporting-MTA", $"dns; {hostname}" },
            { "Arrival-Date", MimeKit.Utils.DateUtils.FormatDate(failed.Message.ReceivedAt) },
            { "X-SmartHost-Queue-ID", failed.Message.Id.ToString() },
            { "X-SmartHost-Device", failed.Message.Device },
        }.WriteTo(format, octets);
        foreach (var recipient in failed.Bounced)
        {
            var fields = new HeaderList
            {
                FinalRecipient(recipient.Address),
                { "Action", "failed" },
                { "Status", StatusOf(recipient.Reply).ToString() },
            };
            if (recipient.Reply is { } reply && IsSmtpReply(reply)) fields.Add("Diagnostic-Code", $"smtp; {reply}");
            fields.WriteTo(format, octets);
        }
        // An empty line stands between groups (RFC 3464 §2.1). One after the last, as MimeKit's own StatusGroups has it,
        // is to a strict reader one more recipient without any fields.
        octets.SetLength(octets.Length - 2);
        return new MessageDeliveryStatus { Content = new MimeContent(new MemoryStream(octets.ToArray())) };
    }

    /// <summary>Octet by octet: in a field of text MimeKit would make encoded-words of a long address, and those are no address to a program.</summary>
    private static Header FinalRecipient(Mailbox address)
    {
        var field = new Header("Final-Recipient", "");
        field.SetRawValue(Encoding.ASCII.GetBytes(address.IsInternational ? $" utf-8; {InAscii(address)}\r\n" : $" rfc822; {address}\r\n"));
        return field;
    }

    /// <summary>RFC 6533 §3, utf-8-addr-xtext: these fields are ASCII.</summary>
    private static string InAscii(Mailbox address) => string.Concat(address.ToString().EnumerateRunes()
        .Select(rune => rune.Value is > ' ' and < 0x7f and not ('+' or '=' or '\\') ? rune.ToString() : $"\\x{{{rune.Value:X2}}}"));

    /// <summary>The enhanced code of the reply, or of our reason, where it has one of failure; RFC 3464 §2.3.4 wants one in any case.</summary>
    private static EnhancedStatus StatusOf(string? reply) =>
        reply is not null && EnhancedStatus.TryParse(IsSmtpReply(reply) ? reply[4..] : reply, out var status) && status.Class != 2 ? status : new EnhancedStatus(5, 0, 0);

    private static bool IsSmtpReply(string text) => text.Length > 4 && text[..3].All(char.IsAsciiDigit) && text[3] == ' ';

    private static TextPart Header(byte[] header)
    {
        // RFC 3462 §3: text/rfc822-headers. As octets: the device's header may be in any charset, and is to be seen as it was.
        return new TextPart("rfc822-headers") { Content = new MimeContent(new MemoryStream(header)) };
    }
}
