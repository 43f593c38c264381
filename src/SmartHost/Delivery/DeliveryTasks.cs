using System.Threading.Channels;
using SmartHost.Gmail;
using SmartHost.Gmail.Replies;
using SmartHost.History;
using SmartHost.Queue;

namespace SmartHost.Delivery;

/// <summary>
/// What runs beside the delivery loop: opening a connection, making a message ready, handing it over, writing a result. Each
/// task tells the loop by an event how it ended, and a moment later ends; it never throws, and touches nothing that is the
/// loop's. All are owned here, and the loop does not end before they have.
/// <para>
/// When it fails: the network and Gmail speak in values. What is thrown all the same is the disk's, or a bug; both become
/// values here. At a stop, attempts in flight get <see cref="Grace"/>; then they are abandoned and their messages stay as they were.
/// </para>
/// </summary>
internal sealed class DeliveryTasks(MailQueue queue, GmailConnector connector, Preparation preparation, MailLog log, TimeProvider time) : IDisposable
{
    /// <summary>What attempts in flight get at a stop. With the QUITs that follow it stays within ten seconds.</summary>
    public static readonly TimeSpan Grace = TimeSpan.FromSeconds(8);

    private readonly Channel<DeliveryEvent> events = Channel.CreateUnbounded<DeliveryEvent>(new UnboundedChannelOptions { SingleReader = true });
    private readonly HashSet<Task> running = [];
    private readonly CancellationTokenSource abandon = new(), watch = new();

    /// <summary>Cancelled when the grace of a stop is over: nothing that still waits for the disk or the network may go on waiting.</summary>
    public CancellationToken Abandoned => abandon.Token;

    /// <summary>Nothing runs and nothing was told. A task tells before it ends, so then everything is settled.</summary>
    public bool AreAtRest => running.Count == 0 && !events.Reader.TryPeek(out _);

    // --- what they tell -----------------------------------------------------------------------------------------

    /// <summary>Safe from any thread.</summary>
    public void Tell(DeliveryEvent happened) => events.Writer.TryWrite(happened);

    public IEnumerable<DeliveryEvent> Told()
    {
        while (events.Reader.TryRead(out var happened)) yield return happened;
    }

    /// <summary>Until something was told.</summary>
    /// <param name="orEnded">Or until a task has ended.</param>
    public Task WaitAsync(bool orEnded)
    {
        var told = events.Reader.WaitToReadAsync(CancellationToken.None).AsTask();
        return orEnded ? Task.WhenAny([told, .. running]) : told;
    }

    /// <summary>Lets go of tasks that have ended.</summary>
    public async Task ReapAsync()
    {
        foreach (var task in running.Where(task => task.IsCompleted).ToList())
        {
            running.Remove(task);
            try
            {
                await task;
            }
            catch (Exception failure)
            {
                if (failure is not OperationCanceledException) log.DeliveryStumbled(failure);
            }
        }
    }

    // --- the tasks ----------------------------------------------------------------------------------------------

    public Task<Prepared> Prepare(QueuedMessage message, AccountSettings account) => Own(preparation.PrepareAsync(message, account, abandon.Token));

    public void Open(Account account)
    {
        Own(OpenAsync());

        async Task OpenAsync()
        {
            var (generation, isProbe) = (account.Generation, account.IsPaused);
            OpenOutcome? outcome = null;
            try
            {
                outcome = await connector.OpenAsync(account.Settings, abandon.Token);
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
            Tell(new DeliveryEvent.OpenEnded(account, generation, isProbe, outcome));
        }
    }

    public void Send(Assignment assignment, GmailSession session)
    {
        Own(SendAsync());

        async Task SendAsync()
        {
            AttemptResult result;
            var begun = false;
            try
            {
                result = await assignment.Prepared switch
                {
                    Prepared.Ready ready => await HandOverAsync(ready),
                    var why => new AttemptResult.NotHandedOver(why),
                };
            }
            catch (OperationCanceledException) when (abandon.IsCancellationRequested)
            {
                result = new AttemptResult.Abandoned(begun);
            }
            catch (IOException failure)
            {
                // The network's failures are verdicts: this is the disk, in the middle of the message.
                result = new AttemptResult.NotHandedOver(new Prepared.Unreadable($"The stored message could not be read: {failure.Message}"));
            }
            catch (Exception failure)
            {
                result = new AttemptResult.NotHandedOver(new Prepared.Failed(failure, begun));
            }
            Tell(new DeliveryEvent.AttemptEnded(assignment, session, result));

            async Task<AttemptResult> HandOverAsync(Prepared.Ready ready)
            {
                await using var message = ready.Message;
                if (await queue.AttemptNotedAsync(assignment.Message.Id).WaitAsync(abandon.Token) is { } why) return new AttemptResult.NotNoted(why);
                var recipients = assignment.Recipients.Select(one => one.Address).ToList();
                begun = true;
                var outcome = await session.SendAsync(new Transaction(message.From, recipients, message, assignment.StepByStep), abandon.Token);
                return new AttemptResult.Answered(outcome, message.Repairs, Judgement.IsBlocked(outcome) ? await message.FindBlockedAsync(abandon.Token) : []);
            }
        }
    }

    /// <summary>Until it is written: Gmail has the message, and forgetting that would send it again. The queue itself waits for a disk that does not take it.</summary>
    public void Settle(Assignment assignment, Settlement settlement)
    {
        Own(SettleAsync());

        async Task SettleAsync()
        {
            QueuedMessage? after = null;
            try
            {
                after = await queue.SettleAsync(settlement, abandon.Token);
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
            Tell(new DeliveryEvent.Settled(assignment, settlement, after));
        }
    }

    public void Close(GmailSession session) => Own(session.DisposeAsync().AsTask());

    /// <summary>It was being made ready and is not sent now.</summary>
    public void Discard(Assignment assignment)
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

    /// <summary>Tells once when the queue may have something to take. Not among the others: it may wait for ever, and whoever rests does not wait for it.</summary>
    public async Task WatchAsync()
    {
        try
        {
            await queue.WaitForWorkAsync(watch.Token);
        }
        catch (OperationCanceledException) when (watch.IsCancellationRequested)
        {
            // Stopping: nothing more is taken.
        }
        finally
        {
            Tell(new DeliveryEvent.Work());
        }
    }

    // --- the stop -----------------------------------------------------------------------------------------------

    /// <summary>From the moment of <paramref name="stop"/>, not from when the loop hears of it, which may be waiting for a disk that is gone: the grace begins.</summary>
    public IAsyncDisposable AbandonAfterGrace(CancellationToken stop)
    {
        var grace = time.CreateTimer(_ => abandon.Cancel(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        return new Stop(grace, stop.Register(() =>
        {
            grace.Change(Grace, Timeout.InfiniteTimeSpan);
            Tell(new DeliveryEvent.Wake());
        }));
    }

    public Task StopWatchingAsync() => watch.CancelAsync();

    public void Dispose()
    {
        abandon.Dispose();
        watch.Dispose();
    }

    private TTask Own<TTask>(TTask task) where TTask : Task
    {
        running.Add(task);
        return task;
    }

    private sealed class Stop(ITimer grace, CancellationTokenRegistration registration) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync()
        {
            await registration.DisposeAsync();
            await grace.DisposeAsync();
        }
    }
}
