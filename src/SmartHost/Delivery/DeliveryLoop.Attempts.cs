using SmartHost.Gmail;
using SmartHost.Mail;
using SmartHost.Queue;

namespace SmartHost.Delivery;

// The tasks that run beside the loop, and the ways in which a message leaves their hands. Each task ends by telling the
// loop, never throws, and touches no state of the loop's.
public sealed partial class DeliveryLoop
{
    // --- what runs beside the loop ------------------------------------------------------------------------------

    private void Open(Account account, CancellationToken abandon)
    {
        account.Opening++;
        Own(OpenAsync());

        async Task OpenAsync()
        {
            var (generation, isProbe) = (account.Generation, account.IsPaused);
            OpenOutcome? outcome = null;
            try
            {
                outcome = await connector.OpenAsync(account.Settings, abandon);
            }
            catch (OperationCanceledException) when (abandon.IsCancellationRequested)
            {
                // The stop's grace is over.
            }
            catch (Exception failure)
            {
                // Opening has values for all that the network and Gmail do; this is a bug, and the account waits as if unreachable.
                log.DeliveryStumbled(failure);
                outcome = new OpenOutcome.Failed(
                    new Verdict(VerdictAction.RetrySoon, "open-failed", "SmartHost failed while it opened a connection.", "Please report it with the log.", Known: false), null, failure.GetType().Name);
            }
            events.Writer.TryWrite(new DeliveryEvent.OpenEnded(account, generation, isProbe, outcome));
        }
    }

    private void Start(Assignment assignment, GmailSession session, CancellationToken abandon)
    {
        var account = assignment.Account;
        account.Sending++;
        meters.Attempt(account.Name);
        Own(SendAsync());

        async Task SendAsync()
        {
            AttemptResult result;
            try
            {
                result = await assignment.Prepared switch
                {
                    Prepared.Ready ready => await HandOverAsync(ready),
                    var unfit => new AttemptResult.NotOffered(unfit),
                };
            }
            catch (OperationCanceledException) when (abandon.IsCancellationRequested)
            {
                result = new AttemptResult.Abandoned();
            }
            catch (IOException failure)
            {
                // The network's failures are verdicts: this is the disk, in the middle of the message.
                result = new AttemptResult.NotOffered(new Prepared.Unreadable($"The stored message could not be read: {failure.Message}"));
            }
            catch (Exception failure)
            {
                result = new AttemptResult.NotOffered(new Prepared.Failed(failure));
            }
            events.Writer.TryWrite(new DeliveryEvent.AttemptEnded(assignment, session, result));
        }

        async Task<AttemptResult> HandOverAsync(Prepared.Ready ready)
        {
            await using var message = ready.Message;
            await queue.AttemptNotedAsync(assignment.Message.Id).WaitAsync(abandon);
            var recipients = assignment.Recipients.Select(one => one.Address).ToList();
            var outcome = await session.SendAsync(new Transaction(message.From, recipients, message), abandon);
            return new AttemptResult.Answered(outcome, message.Repairs, Judgement.IsBlocked(outcome) ? await message.FindBlockedAsync(abandon) : []);
        }
    }

    /// <summary>Until it is written: Gmail has the message, and forgetting that would send it again. The queue itself waits for a disk that does not take it.</summary>
    private void Settle(Assignment assignment, Settlement settlement, CancellationToken abandon)
    {
        var now = time.GetUtcNow();
        unwritten[settlement.Id] = now;
        outcomes.Tell(assignment.Message, settlement, assignment.Account.Name, now);
        Own(SettleAsync());

        async Task SettleAsync()
        {
            QueuedMessage? after = null;
            try
            {
                after = await queue.SettleAsync(settlement, abandon);
            }
            catch (OperationCanceledException)
            {
                // Stopping with a disk that takes nothing: the next start finds an attempt begun, and says that it may be a duplicate.
                log.GivenBack(settlement.Id, "its result could not be written before the stop");
            }
            catch (Exception failure)
            {
                log.AttemptFailed(settlement.Id, failure);
            }
            events.Writer.TryWrite(new DeliveryEvent.Settled(assignment, settlement, after));
        }
    }

    private void Close(GmailSession session) => Own(session.DisposeAsync().AsTask());

    private async Task WatchAsync(CancellationToken cancellation)
    {
        try
        {
            await queue.WaitForWorkAsync(cancellation);
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            // Stopping: nothing more is taken.
        }
        finally
        {
            events.Writer.TryWrite(new DeliveryEvent.Work());
        }
    }

    private TTask Own<TTask>(TTask task) where TTask : Task
    {
        running.Add(task);
        return task;
    }

    private GmailSession? FreeSession(Account account)
    {
        while (account.Idle.Count > 0)
        {
            var session = account.Idle[^1].Session;
            account.Idle.RemoveAt(account.Idle.Count - 1);
            if (session.IsUsable) return session;
            Close(session);
        }
        return null;
    }

    // --- the ends of an assignment ------------------------------------------------------------------------------

    /// <summary>A session is free: its next message, or idle, or closed.</summary>
    /// <param name="generation">Under which it was opened or last used.</param>
    /// <param name="tried">How it came to be, where it is new.</param>
    private void Release(Account account, GmailSession session, int generation, CancellationToken abandon, string? tried = null)
    {
        var worn = !session.IsUsable || session.Transactions >= settings().MessagesPerConnection || stopping || generation != account.Generation;
        // A pause keeps no connection open, but for the probe that waits for this one.
        if (worn || (account.IsPaused && account.Waiting.Count == 0))
        {
            Close(session);
            if (account.Opening < account.Waiting.Count && !account.IsPaused && !stopping) Open(account, abandon);
            return;
        }
        if (account.NextWaiting() is { } next) Start(next with { Tried = tried }, session, abandon);
        else account.Idle.Add(new IdleSession(session, time.GetUtcNow()));
    }

    private void GiveBackWaiting(Account account)
    {
        while (account.NextWaiting() is { } waiting) GiveBack(waiting);
    }

    private void GiveBack(Assignment assignment)
    {
        Discard(assignment);
        Arrived(assignment);
        queue.GiveBack(assignment.Message.Id);
    }

    /// <summary>No longer on its way: what it cost is in the queue's books, or it cost nothing.</summary>
    private static void Arrived(Assignment assignment)
    {
        assignment.Account.MessagesOnTheWay--;
        assignment.Account.RecipientsOnTheWay -= assignment.Recipients.Count;
    }

    private void PutOff(Assignment assignment, OpenOutcome.Failed failed, CancellationToken abandon)
    {
        Discard(assignment);
        var now = time.GetUtcNow();
        var reason = $"{Judgement.Sentence(failed.Verdict)} Tried: {failed.Tried}";
        // Due at once, and kept by the account's pause: see Judgement on HoldAccount.
        Settle(assignment, Judgement.PutOff(assignment.Message, assignment.Recipients, failed.Reply?.Status is { } status ? status with { Class = 4 } : new EnhancedStatus(4, 4, 1),
            reason, now, now, failed.Reply?.ToString()), abandon);
    }

    /// <summary>It was being made ready and is not sent now.</summary>
    private void Discard(Assignment assignment)
    {
        Own(DiscardAsync());

        async Task DiscardAsync()
        {
            try
            {
                if (await assignment.Prepared is Prepared.Ready ready) await ready.Message.DisposeAsync();
            }
            catch (OperationCanceledException)
            {
                // Stopped while it was being read: there is nothing to discard.
            }
        }
    }
}
