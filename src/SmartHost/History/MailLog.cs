using System.Net;
using Microsoft.Extensions.Logging;
using SmartHost.Mail;

namespace SmartHost.History;

/// <summary>
/// The log's verbs for a message's journey, one line an event, one place for their wording. Event ids: 1xxx listener,
/// 2xxx queue, 3xxx delivery, 4xxx notices, 5xxx hosting.
/// </summary>
public sealed partial class MailLog(ILogger<MailLog> logger)
{
    [LoggerMessage(1000, LogLevel.Information, "{Id}: received from {Device} [{Client}], {Sender} to {Recipients} recipient(s), {Size} octets, {Subject}")]
    public partial void Received(QueueId id, string device, IPAddress? client, ReversePath sender, int recipients, long size, string? subject);

    [LoggerMessage(1001, LogLevel.Warning, "refused {Device} [{Client}] at {Verb}: {Reply}")]
    public partial void Refused(string device, IPAddress? client, string verb, SmtpReply reply);

    [LoggerMessage(3000, LogLevel.Information, "{Id}: sent to {Recipient} by {Account} after {Seconds:0.0} s: {Reply}")]
    public partial void Sent(QueueId id, Mailbox recipient, string account, double seconds, SmtpReply reply);

    [LoggerMessage(3001, LogLevel.Warning, "{Id}: deferred to {Due:u} for {Recipient}: {Reason}")]
    public partial void Deferred(QueueId id, Mailbox recipient, DateTimeOffset due, string reason);

    [LoggerMessage(3002, LogLevel.Error, "{Id}: bounced for {Recipient}: {Reason}")]
    public partial void Bounced(QueueId id, Mailbox recipient, string reason);

    [LoggerMessage(3003, LogLevel.Error, "{Id}: parked: {Reason}")]
    public partial void Parked(QueueId id, string reason);

    [LoggerMessage(3004, LogLevel.Error, "account {Account} is paused until {Until:u}: {Reason} {Remedy}")]
    public partial void AccountPaused(string account, DateTimeOffset? until, string reason, string remedy);

    [LoggerMessage(3005, LogLevel.Information, "account {Account} works again")]
    public partial void AccountHealthy(string account);

    [LoggerMessage(3006, LogLevel.Warning, "{Id}: possible duplicate: {Reason}")]
    public partial void PossibleDuplicate(QueueId id, string reason);
}
