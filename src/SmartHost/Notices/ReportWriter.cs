using System.Threading.Channels;
using MimeKit;
using SmartHost.History;
using SmartHost.Mail;
using SmartHost.Queue;

namespace SmartHost.Notices;

/// <summary>
/// Reports failed messages by mail: to the device's <c>reportTo</c>, else to <c>alerts.email</c>. A device's first failure
/// is reported at once; what fails in the minute after a report waits for that minute's end and becomes one notice, so
/// that a newsletter to five hundred dead addresses is two mails.
/// <para>When it fails: a bounce stays marked unreported in the queue until its report is committed with it, so a crash or
/// a full disk only delays the report; several folded ones can be told twice if the process dies between their commits.
/// Our own reports are never reported; delivery raises an alert for theirs.</para>
/// </summary>
public sealed class ReportWriter(
    MailQueue queue, LocalMail mail, Func<string, Mailbox?> reportTo, Func<AlertSettings> settings, string hostname, MailLog log, TimeProvider time)
{
    /// <summary>What fails within this after a report is folded into the next one.</summary>
    public static readonly TimeSpan Fold = TimeSpan.FromMinutes(1);

    /// <summary>Asked even if nobody woke us: a bounce of a run before this one, a report that could not be written.</summary>
    private static readonly TimeSpan LookEvery = TimeSpan.FromMinutes(5), TryAgain = TimeSpan.FromSeconds(30);

    private readonly Channel<bool> woken = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private readonly Dictionary<(string Device, Mailbox Recipient), TimeSpan> lastReport = [];

    /// <summary>Something bounced. Never blocks.</summary>
    public void Wake() => woken.Writer.TryWrite(true);

    /// <summary>Runs until stopped.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        using var timer = time.CreateTimer(_ => Wake(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        try
        {
            while (true)
            {
                timer.Change(await TryReportAsync(stop), Timeout.InfiniteTimeSpan);
                await woken.Reader.ReadAsync(stop);
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // What is unreported is found again at the next start.
        }
    }

    private async Task<TimeSpan> TryReportAsync(CancellationToken stop)
    {
        try
        {
            return await ReportAsync(stop);
        }
        catch (Exception failure) when (failure is not OperationCanceledException)
        {
            if (StorageFailure.From(failure) is not null) log.ReportFailed(failure.Message);
            else log.ReportsStumbled(failure);
            return TryAgain;
        }
    }

    /// <summary>Reports what is due. Returns when to look again.</summary>
    internal async Task<TimeSpan> ReportAsync(CancellationToken stop)
    {
        var next = LookEvery;
        // The monotonic clock: a wall clock that is put back would silence a device's reports for a day.
        var now = time.GetElapsedTime(0);
        foreach (var old in lastReport.Where(pair => now - pair.Value >= Fold).Select(pair => pair.Key).ToList()) lastReport.Remove(old);
        foreach (var failed in (await queue.UnreportedAsync(stop)).GroupBy(message => message.Device))
        {
            if ((reportTo(failed.Key) ?? settings().Email) is not { } recipient)
            {
                foreach (var message in failed) await ToNobodyAsync(message, stop);
            }
            else if (lastReport.TryGetValue((failed.Key, recipient), out var last))
            {
                var wait = last + Fold - now;
                if (wait < next) next = wait;
            }
            else if (await ReportAsync([.. failed], recipient, stop) is { } problem)
            {
                log.ReportFailed(problem);
                next = TryAgain;
            }
            else
            {
                lastReport[(failed.Key, recipient)] = now;
            }
        }
        return next > TimeSpan.Zero ? next : TimeSpan.FromMilliseconds(1);
    }

    /// <summary>Null: it is in the queue.</summary>
    private async Task<string?> ReportAsync(IReadOnlyList<QueuedMessage> messages, Mailbox recipient, CancellationToken stop)
    {
        var failed = new List<FailedMessage>();
        foreach (var message in messages) failed.Add(new FailedMessage(message, await TimelineAsync(message.Id, stop)));
        var report = default(QueueId);
        var header = messages is [var only] ? await HeaderAsync(only.Id, stop) : null;
        var outcome = await mail.SubmitAsync(recipient, FailureReport.Subject(failed), Lane.Normal, account: null, "failure report", (message, id) =>
        {
            report = id;
            message.Body = failed is [var one] ? FailureReport.Of(one, header, hostname, time) : FailureReport.OfMany(failed, hostname, time);
            // RFC 5322 §3.6.4: mail programs show the report beside the message it is about.
            foreach (var about in messages.Take(10)) message.References.Add(about.MessageId.Trim('<', '>'));
        }, reportsOn: failed[0], stop);
        switch (outcome)
        {
            case CommitOutcome.InsufficientStorage full: return full.Reason;
            case CommitOutcome.Failed broken: return broken.Reason;
        }
        // The first was marked in the report's own commit; one door takes one, so the others follow.
        foreach (var other in failed.Skip(1))
        {
            await queue.MarkReportedAsync(other.Message.Id, [.. other.Bounced.Select(told => told.Address)], new TimelineEntry(time.GetUtcNow(), TimelineEvent.Reported, $"Told {recipient} in the report {report}."), stop);
        }
        log.Reported(report, recipient, messages.Count, messages[0].Device);
        return null;
    }

    private async Task ToNobodyAsync(QueuedMessage message, CancellationToken stop)
    {
        log.NobodyToReportTo(message.Id, message.Device);
        await queue.MarkReportedAsync(message.Id, null, new TimelineEntry(time.GetUtcNow(), TimelineEvent.Note,
            $"Nobody was told by mail: neither devices.{message.Device}.reportTo nor alerts.email is set."), stop);
    }

    /// <summary>Without it where its page is damaged: Gmail's own words are told then, and the reports on other messages go on.</summary>
    private async Task<IReadOnlyList<TimelineEntry>> TimelineAsync(QueueId id, CancellationToken stop)
    {
        try
        {
            return await queue.TimelineAsync(id, stop);
        }
        catch (QueueDamagedException)
        {
            return [];
        }
    }

    /// <summary>The original's header, up to its empty line; null where the content is gone or cannot be read: the report is worth more than its quotation.</summary>
    private async Task<byte[]?> HeaderAsync(QueueId id, CancellationToken stop)
    {
        var buffer = new byte[FailureReport.LargestHeader];
        int length;
        try
        {
            await using var content = await queue.OpenContentAsync(id, stop);
            if (content is null) return null;
            length = await content.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, stop);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return null;
        }
        var header = buffer.AsSpan(0, length);
        var end = header.IndexOf("\r\n\r\n"u8);
        if (end >= 0) return header[..(end + 2)].ToArray();
        var line = header.LastIndexOf((byte)'\n');
        return line < 0 ? null : header[..(line + 1)].ToArray();
    }
}
