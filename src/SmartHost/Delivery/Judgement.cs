using SmartHost.Gmail;
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

/// <summary>A message as it was offered to Gmail.</summary>
/// <param name="Account">The account's name.</param>
/// <param name="Mailbox">As <see cref="Delivery.Account.Mailbox"/>: whose day this spends.</param>
internal sealed record Offer(QueuedMessage Message, string Account, string Mailbox)
{
    /// <summary>How the connection came to be, where this message opened it.</summary>
    public string? Tried { get; init; }

    /// <summary>What was mended before sending.</summary>
    public IReadOnlyList<string> Repairs { get; init; } = [];

    /// <summary>Attachments of types that Gmail blocks, where it refused one.</summary>
    public IReadOnlyList<string> Blocked { get; init; } = [];

    /// <summary>
    /// As <see cref="Delivery.Account.Loses"/>: the account waits, and the message longer than the account, so that others ask in its
    /// place: it may be what breaks the connections. It is not set aside for that.
    /// </summary>
    public bool Losing { get; init; }
}

/// <param name="AboutAccount">Set where Gmail's word concerns the account (hold, slow down), not this message.</param>
/// <param name="Taken">Gmail took it for at least one recipient.</param>
/// <param name="Spam">Gmail called it unsolicited.</param>
internal sealed record Judged(Settlement Settlement, MessageNotes Notes, Verdict? AboutAccount, bool Taken, bool Spam);

/// <summary>
/// Turns what happened in an attempt into what becomes of the message: one pure decision a recipient, in the words that its
/// timeline will show. A recipient that is not named in the settlement stays as it was: still due.
/// </summary>
internal sealed class Judgement
{
    /// <summary>Gmail's limit in one transaction by SMTP; more are sent in several, with the same Message-ID.</summary>
    public const int MostRecipients = 100;

    private readonly Offer offer;
    private readonly MessageNotes notes;
    private readonly RetrySchedule schedule;
    private readonly DateTimeOffset now;
    private readonly AttemptStory story;
    private readonly List<RecipientVerdict> verdicts;
    private readonly List<RecipientOutcome> outcomes = [];

    /// <summary>A smaller transaction helps: some were taken, or there is something to halve.</summary>
    private readonly bool split;

    /// <summary>
    /// The outcome is unknown: once more with the same Message-ID, so that the receiver can tell; twice is for a person to judge.
    /// The first time may be a connection that died under a message sent in one go, of which Gmail had not even answered
    /// MAIL: it may have it all the same, since replies are lost with the connection. The second time goes step by step, so
    /// it counts only where Gmail took the recipients and then all of the content; else a line that breaks every connection
    /// would set aside each message that waits.
    /// </summary>
    private readonly bool unanswered;

    private Judgement(Offer offer, TransactionOutcome outcome, MessageNotes notes, RetrySchedule schedule, TimeProvider time)
    {
        // Who waits as long is due in the same moment, and is one transaction again.
        (this.offer, this.notes, this.schedule, now) = (offer, notes, schedule.Together(), time.GetUtcNow());
        story = new AttemptStory(now, time);
        split = outcome.Recipients.Any(one => one.Verdict.Action == VerdictAction.SplitRecipients)
            && (outcome.Recipients.Count > 1 || outcome.Recipients.Any(one => one.Verdict.Action == VerdictAction.Accepted));
        verdicts = [.. outcome.Recipients.Select(one => one with { Verdict = Read(one.Verdict, outcome.MayBeDelivered) })];
        unanswered = outcome.MayBeDelivered && verdicts.Any(one => one.Reply is null);
    }

    public static Judged Of(Offer offer, TransactionOutcome outcome, MessageNotes notes, RetrySchedule schedule, TimeProvider time) =>
        new Judgement(offer, outcome, notes, schedule, time).Judge();

    public static string Sentence(Verdict verdict) => $"{verdict.Happened} {verdict.Remedy}".Trim();

    public static bool IsHold(Verdict verdict) => verdict.Action is VerdictAction.HoldAccount or VerdictAction.HoldAccountForPerson;

    /// <summary>Whether Gmail refused an attachment, so that its name is worth looking for.</summary>
    public static bool IsBlocked(TransactionOutcome outcome) => outcome.Recipients.Any(one => IsBlocked(one.Reply));

    /// <summary>What it means the second time in a row, or while connections break.</summary>
    private Verdict Read(Verdict verdict, bool mayBeDelivered)
    {
        if (offer.Losing) return verdict with { Action = VerdictAction.RetryLater, Patience = null };
        var isRepeated = verdict.Action switch
        {
            // With the outcome unknown there is another note of what was tried.
            VerdictAction.RetryNow => notes.Resent && !mayBeDelivered,
            VerdictAction.SplitRecipients => !split,
            _ => false,
        };
        return isRepeated ? verdict.Repeated() : verdict;
    }

    private Judged Judge()
    {
        story.Begin(offer.Account, verdicts.Count, offer.Tried, offer.Repairs);
        foreach (var (recipient, verdict, reply) in verdicts) Decide(recipient, Status(recipient, verdict, reply), verdict, reply);
        // Where the message, not a recipient, was refused, no other recipient of it will fare better.
        if (verdicts.FirstOrDefault(one => one.Verdict.Action == VerdictAction.BounceMessage) is { } refused)
        {
            var status = Bounce(refused.Verdict, refused.Reply);
            foreach (var other in offer.Message.Open.Where(open => verdicts.All(one => one.Recipient != open.Address))) Decide(other.Address, status, refused.Verdict, refused.Reply);
        }
        var (park, spam) = Park();
        var taken = verdicts.Any(one => one.Verdict.Action == VerdictAction.Accepted);
        var resendNow = !unanswered && verdicts.Any(one => one.Verdict.Action == VerdictAction.RetryNow) && !notes.Resent;
        var aboutAccount = AboutAccount();
        var sent = outcomes.Count(one => one.Status is DeliveryStatus.Sent);
        var settlement = new Settlement(offer.Message.Id, outcomes, story.Entries,
            CountsAsAttempt: (offer.Losing || aboutAccount is null) && !resendNow && !split,
            Park: park,
            Spent: sent > 0 ? new Spend(offer.Mailbox, 1, sent) : null);
        var next = new MessageNotes(
            Resent: resendNow,
            Unanswered: notes.Unanswered || unanswered,
            MostRecipients: split && !taken ? Math.Max(1, verdicts.Count / 2) : notes.MostRecipients);
        return new Judged(settlement, next, aboutAccount, taken, spam);
    }

    private void Decide(Mailbox recipient, DeliveryStatus? status, Verdict verdict, SmtpReply? reply)
    {
        if (status is not null) outcomes.Add(new RecipientOutcome(recipient, status));
        story.Tell(recipient, status, verdict, reply);
    }

    /// <summary>Why a person must look at it; null: nobody must.</summary>
    private (string? Reason, bool Spam) Park()
    {
        var parking = verdicts.FirstOrDefault(one => one.Verdict.Action == VerdictAction.Park)?.Verdict;
        var reason = parking is null ? null : Sentence(parking);
        if (unanswered)
        {
            story.Add(TimelineEvent.PossibleDuplicate, "The connection broke after the whole message was handed over and before Gmail answered: Gmail may have it. "
                + (notes.Unanswered ? "It happened twice." : "It is sent once more with the same Message-ID, by which receivers recognise it."));
            if (notes.Unanswered) reason = "Twice the whole message left and the connection broke before Gmail answered. Look for it in the account's Sent folder, then retry or delete it.";
        }
        if (reason is not null) story.Add(TimelineEvent.Parked, reason);
        return (reason, parking is { Spam: true });
    }

    private Verdict? AboutAccount() => offer.Losing ? KeepsBreaking(verdicts[0].Verdict)
        : verdicts.Select(one => one.Verdict).FirstOrDefault(IsHold) ?? verdicts.Select(one => one.Verdict).FirstOrDefault(one => one.Action == VerdictAction.SlowDown);

    private static Verdict KeepsBreaking(Verdict last) => new(VerdictAction.RetrySoon, "connections-lost",
        $"Connection after connection breaks before Gmail takes a message. The last time: {last.Happened}",
        "SmartHost tries one message at a time. If it stays, look for what breaks them on the way: the line, a firewall, a virus scanner that opens mail connections.");

    /// <summary>Null: as it was.</summary>
    private DeliveryStatus? Status(Mailbox recipient, Verdict verdict, SmtpReply? reply)
    {
        var failures = offer.Message.Recipients.FirstOrDefault(one => one.Address == recipient)?.Attempts ?? 0;
        return verdict.Action switch
        {
            // Not at the first attempt, however old the message: one that was on hold for days has not been tried for days.
            VerdictAction.RetryLater when verdict.Patience is { } patience && failures > 0 && schedule.Age(offer.Message, now) >= patience => GiveUp(verdict, patience, reply),
            VerdictAction.Accepted => new DeliveryStatus.Sent(reply ?? new SmtpReply(250, "accepted")),
            // Who was refused before the content has an answer, whatever became of the rest.
            VerdictAction.RetryNow when unanswered && reply is null => new DeliveryStatus.Deferred(new EnhancedStatus(4, 4, 2), "The connection broke before Gmail answered; it may have the message.",
                notes.Unanswered ? now : now + schedule.Soon(failures)),
            VerdictAction.RetryNow when !notes.Resent => null,
            VerdictAction.RetryNow or VerdictAction.RetrySoon or VerdictAction.OtherPort or VerdictAction.SlowDown => Defer(schedule.Soon(failures)),
            VerdictAction.RetryLater => Defer(schedule.Later(failures)),
            // Due at once, whatever the pause: the account's standing keeps it, so that mended credentials free all mail in the same moment.
            VerdictAction.HoldAccount or VerdictAction.HoldAccountForPerson => Defer(TimeSpan.Zero),
            VerdictAction.SplitRecipients => null,
            VerdictAction.BounceRecipient or VerdictAction.BounceMessage => Bounce(verdict, reply),
            // Parked as a whole: when a person releases it, it is due.
            VerdictAction.Park => null,
            _ => throw new System.Diagnostics.UnreachableException($"no such action: {verdict.Action}"),
        };

        DeliveryStatus.Deferred Defer(TimeSpan wait) => new(TransientStatus(reply), Sentence(verdict), now + wait);
    }

    private DeliveryStatus.Bounced Bounce(Verdict verdict, SmtpReply? reply)
    {
        var status = reply?.Status is { Class: 5 } given ? given : new EnhancedStatus(5, 0, 0);
        var attachments = IsBlocked(reply) && offer.Blocked.Count > 0 ? $" Blocked: {string.Join(", ", offer.Blocked)}." : "";
        return new DeliveryStatus.Bounced(status, Sentence(verdict) + attachments, reply);
    }

    private static bool IsBlocked(SmtpReply? reply) => reply is { Code: 552, Status: { Subject: 7 } };

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
}
