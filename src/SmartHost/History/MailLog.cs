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

    [LoggerMessage(3007, LogLevel.Warning, "{Id}: given back unsent: {Reason}")]
    public partial void GivenBack(QueueId id, string reason);

    [LoggerMessage(3008, LogLevel.Warning, "account {Account} goes slower (one connection, {Seconds:0.#} s between messages): {Reason}")]
    public partial void AccountSlowed(string account, double seconds, string reason);

    [LoggerMessage(3009, LogLevel.Warning, "account {Account}: Gmail cannot be reached, next try {Until:u}: {Reason}")]
    public partial void AccountUnreachable(string account, DateTimeOffset until, string reason);

    [LoggerMessage(3011, LogLevel.Warning, "mail names the account {Account}, which is not configured: it leaves by {Default}")]
    public partial void AccountNotConfigured(string account, string @default);

    [LoggerMessage(3012, LogLevel.Warning, "account {Account}: the 24-hour allowance for {Lane} mail is spent ({Messages} messages, {Recipients} recipients): such mail waits, nothing is lost")]
    public partial void AllowanceSpent(string account, Lane lane, int messages, int recipients);

    [LoggerMessage(3013, LogLevel.Error, "{Id}: an attempt failed in a way it never should")]
    public partial void AttemptFailed(QueueId id, Exception failure);

    [LoggerMessage(3015, LogLevel.Error, "delivery stumbled and goes on")]
    public partial void DeliveryStumbled(Exception failure);

    [LoggerMessage(3017, LogLevel.Information, "account {Account}: new credentials, trying again at once")]
    public partial void CredentialsChanged(string account);

    [LoggerMessage(3018, LogLevel.Information, "{Id}: {Count} repair(s) before sending: {Repairs}")]
    public partial void Repaired(QueueId id, int count, string repairs);

    [LoggerMessage(3019, LogLevel.Warning, "{Id}: waits with account {Account} for {Recipient}: {Reason}")]
    public partial void WaitsWithAccount(QueueId id, string account, Mailbox recipient, string reason);

    [LoggerMessage(3020, LogLevel.Information, "account {Account} is no longer paused: {Reason}")]
    public partial void PauseOver(string account, string reason);

    [LoggerMessage(4000, LogLevel.Information, "{Report}: reports to {Recipient} that {Count} message(s) of {Device} failed")]
    public partial void Reported(QueueId report, Mailbox recipient, int count, string device);

    [LoggerMessage(4001, LogLevel.Warning, "{Id}: its failure is reported to nobody: neither reportTo of {Device} nor alerts.email is set")]
    public partial void NobodyToReportTo(QueueId id, string device);

    [LoggerMessage(4002, LogLevel.Warning, "failure reports could not be written, trying again: {Reason}")]
    public partial void ReportFailed(string reason);

    [LoggerMessage(4006, LogLevel.Error, "failure reports stumbled and go on")]
    public partial void ReportsStumbled(Exception failure);

    [LoggerMessage(4003, LogLevel.Information, "alert by {Channel}: {Title}")]
    public partial void AlertDelivered(string channel, string title);

    [LoggerMessage(4004, LogLevel.Warning, "alert by {Channel} failed ({Reason}): {Title}")]
    public partial void AlertFailed(string channel, string reason, string title);

    [LoggerMessage(4005, LogLevel.Error, "alerts stumbled and go on")]
    public partial void AlertsStumbled(Exception failure);
}
