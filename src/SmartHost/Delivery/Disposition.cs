using SmartHost.Gmail;
using SmartHost.Gmail.Replies;
using SmartHost.History;
using SmartHost.Mail;
using SmartHost.Queue;

namespace SmartHost.Delivery;

/// <summary>
/// What becomes of a message after an attempt, and of the account by which it was offered. <see cref="Judgement"/> decides from
/// Gmail's words alone; here it takes effect. Owned by the delivery loop.
/// <para>When it fails: a message that makes us stumble is parked, so that it stands in no other's way and is not lost.</para>
/// </summary>
internal sealed class Disposition(Standings standings, Connections connections, Results results, RetrySchedule schedule, MailLog log, TimeProvider time)
{
    /// <summary>Where Gmail may have it.</summary>
    private const string LookFirst = "look for the message in the account's Sent folder, then retry or delete it";

    private readonly Dictionary<QueueId, MessageNotes> notes = [];

    /// <summary>In one transaction, as far as Gmail has told.</summary>
    public int MostRecipients(QueueId id) => NotesOf(id).MostRecipients;

    /// <summary>Gmail may have it already: its connection broke when all of it had left.</summary>
    public bool IsInDoubt(QueueId id) => NotesOf(id).Unanswered;

    public async Task ConcludeAsync(Assignment assignment, AttemptResult result, CancellationToken abandon)
    {
        var message = assignment.Message;
        var now = time.GetUtcNow();
        if (result is AttemptResult.Answered or AttemptResult.NotHandedOver { Why: not Prepared.Unreadable }) results.Readable(message.Id);
        switch (result)
        {
            case AttemptResult.Answered answered:
                await JudgeAsync(assignment, answered, now, abandon);
                break;
            case AttemptResult.Abandoned abandoned:
                log.GivenBack(message.Id, abandoned.Begun ? "SmartHost stops before Gmail's answer; the message stays in the queue, and may arrive twice." : "SmartHost stops; the message stays in the queue.");
                connections.GiveBack(assignment, abandoned.Begun);
                break;
            case AttemptResult.NotNoted { Why: var why }:
                // Due at once, and leased until the disk takes this: the queue's own waiting is the message's.
                results.Write(assignment, Settlements.PutOff(message, assignment.Recipients, new EnhancedStatus(4, 3, 0), $"{why} It leaves when that has changed.", now, now));
                break;
            case AttemptResult.NotHandedOver { Why: Prepared.Unreadable unreadable }:
                var due = now + schedule.Soon(results.Unreadable(message.Id, unreadable.Reason));
                results.Write(assignment, Settlements.PutOff(message, assignment.Recipients, new EnhancedStatus(4, 3, 0), unreadable.Reason, due, now));
                break;
            case AttemptResult.NotHandedOver { Why: Prepared.ContentMissing }:
                results.Write(assignment, Settlements.Park(message, "Its content is missing from the data folder: somebody, or a repair of the disk, removed it. Restore it from a backup and retry the message, or delete it.", now));
                break;
            case AttemptResult.NotHandedOver { Why: Prepared.Failed failed }:
                Stumbled(assignment, failed.Failure, failed.Begun ? LookFirst : "retry the message to try again", now);
                break;
        }
        if (assignment.IsProbe && assignment.Generation == assignment.Account.Generation) standings.ProbeEnded(assignment.Account);
    }

    /// <summary>No connection came. The message that met the trouble tells it in its timeline; those after it only wait.</summary>
    public void PutOff(Assignment assignment, OpenOutcome.Failed failed)
    {
        var now = time.GetUtcNow();
        var reason = $"{Judgement.Sentence(failed.Verdict)} Tried: {failed.Tried}";
        // Due at once, and kept by the account's pause: see Judgement on HoldAccount.
        results.Write(assignment, Settlements.PutOff(assignment.Message, assignment.Recipients, failed.Reply?.Status is { } status ? status with { Class = 4 } : new EnhancedStatus(4, 4, 1),
            reason, now, now, failed.Reply?.ToString()));
    }

    /// <summary>The result is on disk; what is no longer in the queue needs no notes.</summary>
    public void Settled(DeliveryEvent.Settled settled)
    {
        results.Written(settled);
        if (settled.After is null or { State: not MessageState.Queued }) notes.Remove(settled.Settlement.Id);
    }

    /// <summary>Of mail that a person deleted, or whose lifetime ended, no settlement tells.</summary>
    public void Prune(Func<QueueId, bool> isOpen)
    {
        foreach (var gone in notes.Keys.Where(id => !isOpen(id)).ToList()) notes.Remove(gone);
    }

    private async Task JudgeAsync(Assignment assignment, AttemptResult.Answered answered, DateTimeOffset now, CancellationToken abandon)
    {
        var (account, message) = (assignment.Account, assignment.Message);
        Judged judged;
        try
        {
            var offer = new Offer(message, account.Name, account.Mailbox)
            {
                Tried = assignment.Tried,
                Repairs = answered.Repairs,
                Blocked = answered.Blocked,
                Losing = account.Loses(message.Id, answered.Outcome),
            };
            judged = Judgement.Of(offer, answered.Outcome, account.Noted(NotesOf(message.Id), answered.Outcome), schedule, time);
        }
        catch (Exception failure)
        {
            Stumbled(assignment, failure, LookFirst, now);
            return;
        }
        if (judged.Notes == MessageNotes.None) notes.Remove(message.Id);
        else notes[message.Id] = judged.Notes;
        if (answered.Repairs.Count > 0) log.Repaired(message.Id, answered.Repairs.Count, string.Join("; ", answered.Repairs));
        results.Write(assignment, judged.Settlement);

        // A result for an account that was reached differently meanwhile says nothing about it as it is now.
        if (assignment.Generation != account.Generation) return;
        // Nor does one that began before a pause say anything about the pause: neither its end nor a second strike.
        if (account.IsPaused && !assignment.IsProbe) return;
        if (judged.Taken) await standings.SucceededAsync(account, abandon);
        if (judged.AboutAccount is { } verdict) await standings.HearAsync(account, verdict, atLogin: false, abandon);
        if (judged.Spam) await standings.HearOfSpamAsync(account, message, answered.Outcome.Recipients.First(one => one.Verdict.Action == VerdictAction.Park).Verdict, abandon);
        // Else the connection that is free now, or one that is opening, would carry them on.
        if (account.IsPaused || now < account.RestUntil) connections.GiveBackWaiting(account);
    }

    /// <summary>A bug of ours: it waits for a person, not for the next start.</summary>
    private void Stumbled(Assignment assignment, Exception failure, string remedy, DateTimeOffset now)
    {
        log.AttemptFailed(assignment.Message.Id, failure);
        results.Write(assignment, Settlements.Park(assignment.Message, $"SmartHost stumbled over it ({failure.GetType().Name}: {failure.Message}). Please report this with the log; {remedy}.", now));
    }

    private MessageNotes NotesOf(QueueId id) => notes.GetValueOrDefault(id, MessageNotes.None);
}
