using SmartHost.Gmail.Replies;
using SmartHost.Mail;

namespace SmartHost.Delivery;

/// <summary>The attempt's lines for the timeline; many recipients with one fate share a line.</summary>
internal sealed class AttemptStory(DateTimeOffset now, TimeProvider time)
{
    private const int LinesEach = 5;
    private readonly List<TimelineEntry> entries = [];
    private readonly Dictionary<(TimelineEvent, string, string?), List<Mailbox>> fates = [];

    public IReadOnlyList<TimelineEntry> Entries
    {
        get
        {
            Close();
            return entries;
        }
    }

    public void Begin(string account, int recipients, string? tried, IReadOnlyList<string>? repairs)
    {
        if (repairs is { Count: > 0 }) entries.Add(new TimelineEntry(now, TimelineEvent.Note, $"Mended for Gmail: {string.Join("; ", repairs)}."));
        entries.Add(new TimelineEntry(now, TimelineEvent.Attempt,
            $"Offered by account {account} for {recipients} recipient{(recipients == 1 ? "" : "s")}, {(tried is null ? "on an open connection" : tried)}."));
    }

    public void Tell(Mailbox recipient, DeliveryStatus? status, Verdict verdict, SmtpReply? reply)
    {
        var (what, text) = status switch
        {
            DeliveryStatus.Sent => (TimelineEvent.Sent, "Gmail took it."),
            DeliveryStatus.Deferred deferred when deferred.Due > now => (TimelineEvent.Deferred, $"{deferred.Reason} Next try {LocalTime.Text(deferred.Due, time)}."),
            DeliveryStatus.Deferred deferred => (TimelineEvent.Deferred, deferred.Reason),
            DeliveryStatus.Bounced bounced => (TimelineEvent.Bounced, bounced.Reason),
            _ when verdict.Action == VerdictAction.Park => (TimelineEvent.Note, verdict.Happened),
            _ when verdict.Action == VerdictAction.SplitRecipients => (TimelineEvent.Note, $"{verdict.Happened} Offered again at once in another transaction."),
            _ => (TimelineEvent.Note, $"{verdict.Happened} Offered again at once on a new connection."),
        };
        var fate = (what, text, reply?.ToString());
        if (!fates.TryGetValue(fate, out var sharers)) fates[fate] = sharers = [];
        sharers.Add(recipient);
    }

    public void Add(TimelineEvent what, string text)
    {
        Close();
        entries.Add(new TimelineEntry(now, what, text));
    }

    private void Close()
    {
        foreach (var ((what, text, reply), sharers) in fates)
        {
            if (sharers.Count > LinesEach) entries.Add(new TimelineEntry(now, what, $"{text} ({sharers.Count} recipients)", Reply: reply));
            else entries.AddRange(sharers.Select(recipient => new TimelineEntry(now, what, text, recipient, reply)));
        }
        fates.Clear();
    }
}
