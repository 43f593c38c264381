using SmartHost.Gmail;
using SmartHost.Gmail.Login;
using SmartHost.Gmail.Replies;
using SmartHost.Mail;
using SmartHost.Queue;

namespace SmartHost.Delivery;

/// <summary>What is remembered of a message from one attempt to the next, in memory alone: a restart merely asks Gmail once more.</summary>
/// <param name="Resent">It was resent at once; the next time in a row it waits.</param>
/// <param name="Unanswered">The connection broke after its final dot, once.</param>
/// <param name="MostRecipients">Gmail wanted fewer recipients in one transaction.</param>
internal sealed record MessageNotes(bool Resent = false, bool Unanswered = false, int MostRecipients = Judgement.MostRecipients)
{
    public static readonly MessageNotes None = new();
}

/// <param name="AboutAccount">Set where Gmail's word concerns the account (hold, slow down), not this message.</param>
/// <param name="Taken">Gmail took it for at least one recipient.</param>
/// <param name="Spam">Gmail called it unsolicited.</param>
internal sealed record Judged(Settlement Settlement, MessageNotes Notes, Verdict? AboutAccount, bool Taken, bool Spam);

/// <summary>
/// Turns what happened in an attempt into what becomes of the message: one pure decision a recipient, in the words that its
/// timeline will show. A recipient that is not named in the settlement stays as it was: still due.
/// </summary>
internal static class Judgement
{
    /// <summary>Gmail's limit in one transaction by SMTP; more are sent in several, with the same Message-ID.</summary>
    public const int MostRecipients = 100;

    /// <param name="mailbox">As <see cref="Account.Mailbox"/>: whose day this spends.</param>
    /// <param name="tried">How the connection came to be, where this message opened it.</param>
    /// <param name="repairs">What was mended before sending.</param>
    /// <param name="blocked">Attachments of types that Gmail blocks.</param>
    /// <param name="losing">As <see cref="Account.Loses"/>: the account waits, and the message longer than the account, so that others ask in its place: it may be what breaks the connections. It is not set aside for that.</param>
    public static Judged Of(
        QueuedMessage message, TransactionOutcome outcome, string account, string mailbox, MessageNotes notes, RetrySchedule schedule, DateTimeOffset now,
        string? tried = null, IReadOnlyList<string>? repairs = null, IReadOnlyList<string>? blocked = null, bool losing = false)
    {
        // Who waits as long is due in the same moment, and is one transaction again.
        schedule = schedule.Together();
        // A smaller transaction helps where some were taken, or where there is something to halve.
        var split = outcome.Recipients.Any(one => one.Verdict.Action == VerdictAction.SplitRecipients)
            && (outcome.Recipients.Count > 1 || outcome.Recipients.Any(one => one.Verdict.Action == VerdictAction.Accepted));
        var verdicts = outcome.Recipients.Select(one => one with { Verdict = losing ? one.Verdict with { Action = VerdictAction.RetryLater, Patience = null } : IsRepeated(one.Verdict) ? one.Verdict.Repeated() : one.Verdict }).ToList();
        var aboutAccount = losing ? KeepsBreaking(verdicts[0].Verdict)
            : verdicts.Select(one => one.Verdict).FirstOrDefault(IsHold) ?? verdicts.Select(one => one.Verdict).FirstOrDefault(one => one.Action == VerdictAction.SlowDown);
        var bounceAll = verdicts.FirstOrDefault(one => one.Verdict.Action == VerdictAction.BounceMessage);
        var park = verdicts.FirstOrDefault(one => one.Verdict.Action == VerdictAction.Park)?.Verdict;
        var taken = verdicts.Any(one => one.Verdict.Action == VerdictAction.Accepted);
        // Unknown outcome: once more with the same Message-ID, so that the receiver can tell; twice is for a person to judge.
        // The first time may be a connection that died under a message sent in one go, of which Gmail had not even answered
        // MAIL: it may have it all the same, since replies are lost with the connection. The second time goes step by step, so
        // it counts only where Gmail took the recipients and then all of the content; else a line that breaks every connection
        // would set aside each message that waits.
        var unanswered = outcome.MayBeDelivered && verdicts.Any(one => one.Reply is null);
        var story = new Story(now);
        story.Begin(account, verdicts.Count, tried, repairs);

        var outcomes = new List<RecipientOutcome>();
        foreach (var (recipient, verdict, reply) in verdicts)
        {
            // Who was refused before the content has an answer, whatever became of the rest.
            var status = unanswered && reply is null && verdict.Action == VerdictAction.RetryNow
                ? Unanswered(message, recipient, notes, schedule, now)
                : Status(message, recipient, verdict, reply, notes, schedule, now, blocked);
            if (status is not null) outcomes.Add(new RecipientOutcome(recipient, status));
            story.Tell(recipient, status, verdict, reply);
        }
        if (bounceAll is not null)
        {
            // The message, not a recipient, was refused: no other recipient of it will fare better.
            var refused = Bounce(bounceAll.Verdict, bounceAll.Reply, blocked);
            foreach (var other in message.Open.Where(open => verdicts.All(one => one.Recipient != open.Address)))
            {
                outcomes.Add(new RecipientOutcome(other.Address, refused));
                story.Tell(other.Address, refused, bounceAll.Verdict, bounceAll.Reply);
            }
        }

        var parkReason = park is not null ? Sentence(park) : null;
        if (unanswered)
        {
            story.Add(TimelineEvent.PossibleDuplicate, "The connection broke after the whole message was handed over and before Gmail answered: Gmail may have it. "
                + (notes.Unanswered ? "It happened twice." : "It is sent once more with the same Message-ID, by which receivers recognise it."));
            if (notes.Unanswered) parkReason = "Twice the whole message left and the connection broke before Gmail answered. Look for it in the account's Sent folder, then release or delete it.";
        }
        var resendNow = !unanswered && verdicts.Any(one => one.Verdict.Action == VerdictAction.RetryNow) && !notes.Resent;
        if (parkReason is not null) story.Add(TimelineEvent.Parked, parkReason);
        var sent = outcomes.Count(one => one.Status is DeliveryStatus.Sent);
        var next = new MessageNotes(
            Resent: resendNow,
            Unanswered: notes.Unanswered || unanswered,
            MostRecipients: split && !taken ? Math.Max(1, verdicts.Count / 2) : notes.MostRecipients);
        var settlement = new Settlement(message.Id, outcomes, story.Entries,
            CountsAsAttempt: (losing || aboutAccount is null) && !resendNow && !split,
            Park: parkReason,
            Spent: sent > 0 ? new Spend(mailbox, 1, sent) : null);
        return new Judged(settlement, next, aboutAccount, taken, park is { Spam: true });

        bool IsRepeated(Verdict verdict) => verdict.Action switch
        {
            // With the outcome unknown there is another note of what was tried: see Unanswered.
            VerdictAction.RetryNow => notes.Resent && !outcome.MayBeDelivered,
            VerdictAction.SplitRecipients => !split,
            _ => false,
        };
    }

    /// <summary>Given up without asking Gmail once more: its lifetime is over. Who shares a reason shares a line.</summary>
    public static Settlement GiveUp(QueuedMessage message, EnhancedStatus status, Func<QueuedRecipient, string> reason, DateTimeOffset now)
    {
        var given = message.Open.Select(open => (open.Address, Reason: reason(open))).ToList();
        var isOne = given.Select(one => one.Reason).Distinct().Count() == 1;
        return new Settlement(message.Id,
            [.. given.Select(one => new RecipientOutcome(one.Address, new DeliveryStatus.Bounced(status, one.Reason)))],
            [.. (isOne ? given.Take(1) : given).Select(one => new TimelineEntry(now, TimelineEvent.Bounced, one.Reason, isOne ? null : one.Address))], CountsAsAttempt: false);
    }

    public static Settlement Park(QueuedMessage message, string reason, DateTimeOffset now) =>
        new(message.Id, [], [new TimelineEntry(now, TimelineEvent.Parked, reason)], CountsAsAttempt: false, Park: reason);

    /// <summary>Not the message's fault and not Gmail's word on it: every recipient of the attempt waits until then.</summary>
    public static Settlement PutOff(QueuedMessage message, IEnumerable<QueuedRecipient> recipients, EnhancedStatus status, string reason, DateTimeOffset due, DateTimeOffset now, string? reply = null) => new(message.Id,
        [.. recipients.Select(recipient => new RecipientOutcome(recipient.Address, new DeliveryStatus.Deferred(status, reason, due)))],
        [new TimelineEntry(now, TimelineEvent.Deferred, reason, Reply: reply)], CountsAsAttempt: false);

    public static string Sentence(Verdict verdict) => $"{verdict.Happened} {verdict.Remedy}".Trim();

    public static bool IsHold(Verdict verdict) => verdict.Action is VerdictAction.HoldAccount or VerdictAction.HoldAccountForPerson;

    /// <summary>Whether Gmail refused an attachment, so that its name is worth looking for.</summary>
    public static bool IsBlocked(TransactionOutcome outcome) => outcome.Recipients.Any(one => one.Reply is { Code: 552, Status: { Subject: 7 } });

    private static Verdict KeepsBreaking(Verdict last) => new(VerdictAction.RetrySoon, "connections-lost",
        $"Connection after connection breaks before Gmail takes a message. The last time: {last.Happened}",
        "SmartHost tries one message at a time. If it stays, look for what breaks them on the way: the line, a firewall, a virus scanner that opens mail connections.");

    /// <summary>Null: as it was.</summary>
    private static DeliveryStatus? Status(
        QueuedMessage message, Mailbox recipient, Verdict verdict, SmtpReply? reply, MessageNotes notes, RetrySchedule schedule, DateTimeOffset now, IReadOnlyList<string>? blocked)
    {
        var failures = message.Recipients.FirstOrDefault(one => one.Address == recipient)?.Attempts ?? 0;
        return verdict.Action switch
        {
            // Not at the first attempt, however old the message: one that was on hold for days has not been tried for days.
            VerdictAction.RetryLater when verdict.Patience is { } patience && failures > 0 && schedule.Age(message, now) >= patience => GiveUp(verdict, patience, reply),
            VerdictAction.Accepted => new DeliveryStatus.Sent(reply ?? new SmtpReply(250, "accepted")),
            VerdictAction.RetryNow when !notes.Resent => null,
            VerdictAction.RetryNow or VerdictAction.RetrySoon or VerdictAction.OtherPort or VerdictAction.SlowDown => Defer(schedule.Soon(failures)),
            VerdictAction.RetryLater => Defer(schedule.Later(failures)),
            // Due at once, whatever the pause: the account's standing keeps it, so that mended credentials free all mail in the same moment.
            VerdictAction.HoldAccount or VerdictAction.HoldAccountForPerson => Defer(TimeSpan.Zero),
            VerdictAction.SplitRecipients => null,
            VerdictAction.BounceRecipient or VerdictAction.BounceMessage => Bounce(verdict, reply, blocked),
            // Parked as a whole: when a person releases it, it is due.
            VerdictAction.Park => null,
            _ => throw new System.Diagnostics.UnreachableException($"no such action: {verdict.Action}"),
        };

        DeliveryStatus.Deferred Defer(TimeSpan wait) => new(TransientStatus(reply), Sentence(verdict), now + wait);
    }

    private static DeliveryStatus.Deferred Unanswered(QueuedMessage message, Mailbox recipient, MessageNotes notes, RetrySchedule schedule, DateTimeOffset now) =>
        new(new EnhancedStatus(4, 4, 2), "The connection broke before Gmail answered; it may have the message.",
            notes.Unanswered ? now : now + schedule.Soon(message.Recipients.FirstOrDefault(one => one.Address == recipient)?.Attempts ?? 0));

    private static DeliveryStatus.Bounced Bounce(Verdict verdict, SmtpReply? reply, IReadOnlyList<string>? blocked)
    {
        var status = reply?.Status is { Class: 5 } given ? given : new EnhancedStatus(5, 0, 0);
        var attachments = reply is { Code: 552, Status: { Subject: 7 } } && blocked is { Count: > 0 } ? $" Blocked: {string.Join(", ", blocked)}." : "";
        return new DeliveryStatus.Bounced(status, Sentence(verdict) + attachments, reply);
    }

    /// <summary>Gmail's word was "for now", and it stayed so for as long as is reasonable.</summary>
    private static DeliveryStatus.Bounced GiveUp(Verdict verdict, TimeSpan patience, SmtpReply? reply) => new(
        reply?.Status is { } status ? status with { Class = 5 } : new EnhancedStatus(5, 0, 0),
        $"{verdict.Happened} That did not change for {patience.TotalHours:0} hours, so SmartHost gave it up. Send it again when it has.", reply);

    private static EnhancedStatus TransientStatus(SmtpReply? reply) => reply switch
    {
        null => new EnhancedStatus(4, 4, 2),
        { Status: { } given } => given with { Class = 4 }, // a 550 5.4.5 that only delays is a 4.4.5 to us
        _ => new EnhancedStatus(4, 0, 0),
    };

    /// <summary>The attempt's lines for the timeline; many recipients with one fate share a line.</summary>
    private sealed class Story(DateTimeOffset now)
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
                DeliveryStatus.Deferred deferred when deferred.Due > now => (TimelineEvent.Deferred, $"{deferred.Reason} Next try {deferred.Due.UtcDateTime:yyyy-MM-dd HH:mm:ss} UTC."),
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
}
