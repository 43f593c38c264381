using System.Threading.Channels;
using SmartHost.Gmail;
using SmartHost.History;
using SmartHost.Mail;
using SmartHost.Notices;
using SmartHost.Queue;

namespace SmartHost.Delivery;

/// <summary>
/// What goes next, on which account, how fast, and when again. One loop decides everything and owns all state; around it
/// run bounded tasks that open connections, hand over one message each, and write results, and each tells the loop how it
/// ended. So nothing here is locked, and every task has an owner that awaits it.
/// <para>
/// A message's way: taken (leased) from the queue → made ready while a connection opens or becomes free → one transaction
/// of at most 100 recipients → judged → settled in one commit. The connection takes its next message while that commits.
/// </para>
/// <para>
/// When it fails: a refused or broken connection pauses or slows the account and the mail stays due; a message that makes
/// us stumble is parked; results that the disk does not take wait for it, and soon nothing more is sent meanwhile, since
/// every message sent without a written result would be sent twice after a crash. On stop, attempts in flight get
/// <see cref="Grace"/> to finish; then they are abandoned and their messages stay as they were.
/// </para>
/// </summary>
public sealed partial class DeliveryLoop
{
    /// <summary>What attempts in flight get at a stop. With the QUITs that follow it stays within ten seconds.</summary>
    public static readonly TimeSpan Grace = TimeSpan.FromSeconds(8);

    private static readonly TimeSpan SweepEvery = TimeSpan.FromMinutes(1), StumbleWait = TimeSpan.FromSeconds(1), DiskPatience = TimeSpan.FromSeconds(30);

    /// <summary>
    /// Results on their way to disk before nothing more is sent: enough that a commit never stands in a connection's way,
    /// few enough that a crash with a hanging disk makes no flood of duplicates.
    /// </summary>
    private const int MostUnwritten = 16;

    private readonly MailQueue queue;
    private readonly GmailConnector connector;
    private readonly Func<IReadOnlyList<AccountSettings>> accountSettings;
    private readonly Func<DeliverySettings> settings;
    private readonly Alerts alerts;
    private readonly ReportWriter reports;
    private readonly MailLog log;
    private readonly Meters meters;
    private readonly TimeProvider time;
    private readonly Accounts accounts;
    private readonly Lifetime lifetime;
    private readonly OutcomeLog outcomes;
    private readonly AllowanceWatch allowances;
    private readonly Preparation preparation;
    private readonly RetrySchedule schedule;
    private readonly ClockWatch clock;

    private readonly Channel<DeliveryEvent> events = Channel.CreateUnbounded<DeliveryEvent>(new UnboundedChannelOptions { SingleReader = true });
    private readonly HashSet<Task> running = [];
    private readonly Dictionary<QueueId, MessageNotes> notes = [];

    /// <summary>Results on their way to disk, and since when.</summary>
    private readonly Dictionary<QueueId, DateTimeOffset> unwritten = [];
    private readonly List<TaskCompletionSource> awaitingRest = [];
    private Task watching = Task.CompletedTask;
    private DateTimeOffset nextSweep;
    private bool isWatching, configured, stopping, diskTrouble;
    private volatile DeliveryState state = new([]);

    /// <param name="devices">How a device's header is made; null: as for one without wishes.</param>
    public DeliveryLoop(
        MailQueue queue, GmailConnector connector, Func<IReadOnlyList<AccountSettings>> accountSettings, Func<DeliverySettings> settings,
        Func<AlertSettings> alertSettings, Func<string, DeviceRouting?> devices, Alerts alerts, ReportWriter reports, MailLog log, Meters meters, TimeProvider time, Random random)
    {
        (this.queue, this.connector, this.accountSettings, this.settings) = (queue, connector, accountSettings, settings);
        (this.alerts, this.reports, this.log, this.meters, this.time) = (alerts, reports, log, meters, time);
        // A changed setting is heard at the next wait: the schedule asks each time.
        schedule = new RetrySchedule(settings, random);
        accounts = new Accounts(queue, alerts, log, schedule, time);
        outcomes = new OutcomeLog(alerts, log, meters);
        allowances = new AllowanceWatch(queue, accounts, alerts, log, alertSettings);
        lifetime = new Lifetime(queue, accounts, alerts, outcomes, settings, time);
        preparation = new Preparation(queue, devices);
        clock = new ClockWatch(time);
    }

    /// <summary>As it was when the loop last came to rest. Safe from any thread.</summary>
    public DeliveryState State => state;

    /// <summary>Accounts, pace or patience were reloaded: taken up at once.</summary>
    public void NotifySettingsChanged() => events.Writer.TryWrite(new DeliveryEvent.SettingsChanged());

    /// <summary>A person wants an account tried now (after <c>smarthost login</c>, say): by its next message, or by a login alone where none waits. An account that is not there: nothing.</summary>
    public void TryNow(string account) => events.Writer.TryWrite(new DeliveryEvent.TryNow(account));

    /// <summary>Completes when all that is due now was tried and its result is written. Never, where something goes on for ever.</summary>
    internal Task RestAsync()
    {
        var rested = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        events.Writer.TryWrite(new DeliveryEvent.AwaitsRest(rested));
        return rested.Task;
    }

    /// <summary>Runs until <paramref name="stop"/>, and then until every task it started has ended, within about ten seconds.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        using var abandon = new CancellationTokenSource();
        using var watch = new CancellationTokenSource();
        using var timer = time.CreateTimer(_ => events.Writer.TryWrite(new DeliveryEvent.Wake()), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        await using var grace = time.CreateTimer(_ => abandon.Cancel(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        // Begins with the stop itself, not when the loop hears of it: the loop may be waiting for a disk that is gone.
        using var stopped = stop.Register(() =>
        {
            grace.Change(Grace, Timeout.InfiniteTimeSpan);
            events.Writer.TryWrite(new DeliveryEvent.Wake());
        });
        while (true)
        {
            try
            {
                if (stop.IsCancellationRequested && !stopping)
                {
                    stopping = true;
                    await watch.CancelAsync();
                    foreach (var account in accounts.All) GiveBackWaiting(account);
                }
                FollowClock();
                if (!configured) await ConfigureAsync(abandon.Token);
                while (events.Reader.TryRead(out var happened)) await HandleAsync(happened, abandon.Token);
                await TidyAsync();
                if (!stopping)
                {
                    if (time.GetUtcNow() >= nextSweep) await SweepAsync(abandon.Token);
                    Dispatch(abandon.Token);
                    foreach (var account in accounts.All) if (await accounts.MustLogInAsync(account, abandon.Token)) Open(account, abandon.Token);
                    // By what it told, not by whether its task has ended: it tells a moment before, and in that moment it
                    // would be taken for one that still watches, and nobody would.
                    if (!isWatching) (isWatching, watching) = (true, WatchAsync(watch.Token));
                }
                Publish();
                // A task tells before it ends, so with none running and nothing told everything is settled.
                if (running.Count == 0 && !events.Reader.TryPeek(out _))
                {
                    awaitingRest.ForEach(rested => rested.TrySetResult());
                    awaitingRest.Clear();
                    if (stopping) break;
                }
                // The stop's own wake may have been read above, with others; without this look it would be slept through.
                if (stop.IsCancellationRequested && !stopping) continue;
                timer.Change(UntilNextWake(), Timeout.InfiniteTimeSpan);
                var told = events.Reader.WaitToReadAsync(CancellationToken.None).AsTask();
                if (stopping || awaitingRest.Count > 0) await Task.WhenAny([told, .. running]);
                else await told;
            }
            catch (OperationCanceledException) when (abandon.IsCancellationRequested)
            {
                // What was to be written is not; the next start decides anew.
            }
            catch (Exception failure)
            {
                log.DeliveryStumbled(failure);
                // The cause may stand still: without this wait the loop would spin on it.
                await Task.Delay(StumbleWait, time, CancellationToken.None);
            }
        }
        await watching.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await Task.WhenAll(accounts.All.SelectMany(account => account.Idle).Select(idle => idle.Session.DisposeAsync().AsTask())).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    // --- taking -------------------------------------------------------------------------------------------------

    /// <summary>Starts what may start now. Ends with a Take that found nothing, from which <see cref="MailQueue.WaitForWorkAsync"/> counts.</summary>
    private void Dispatch(CancellationToken abandon)
    {
        while (true)
        {
            var routes = accounts.Routes(time.GetUtcNow());
            // While results wait for the disk, nothing more may be sent whose result would wait with them.
            if (queue.Take((name, lane) => unwritten.Count < MostUnwritten && routes.For(name, lane) is not null) is not { } message) return;
            Assign(message, routes.For(message.Account, message.Lane)!, abandon);
        }
    }

    private void Assign(QueuedMessage message, Account account, CancellationToken abandon)
    {
        accounts.TellOfUnknownName(message.Account);
        var now = time.GetUtcNow();
        var most = Math.Min(notes.GetValueOrDefault(message.Id, MessageNotes.None).MostRecipients, Math.Max(1, account.Allowance(queue.SpentBy(account.Name)).Left(message.Lane)));
        // In the order of their due times: the first are due even where a clock was set back since the queue looked.
        var recipients = message.Open.OrderBy(open => open.Due).Where((open, i) => i == 0 || open.Due <= now).Take(most).ToList();
        account.Pace.Spend();
        account.MessagesOnTheWay++;
        account.RecipientsOnTheWay += recipients.Count;
        var prepared = Own(preparation.PrepareAsync(message, account.Settings, abandon));
        var assignment = new Assignment(message, account, recipients, prepared, account.Generation, IsProbe: account.IsPaused);
        if (FreeSession(account) is { } session)
        {
            Start(assignment, session, abandon);
            return;
        }
        account.Waiting.Add(assignment);
        if (account.Opening < account.Waiting.Count) Open(account, abandon);
    }

    // --- what they tell -----------------------------------------------------------------------------------------

    private Task HandleAsync(DeliveryEvent happened, CancellationToken abandon)
    {
        switch (happened)
        {
            case DeliveryEvent.Work:
                isWatching = false;
                return watching;
            case DeliveryEvent.SettingsChanged:
                configured = false;
                return ConfigureAsync(abandon);
            case DeliveryEvent.AwaitsRest awaits:
                awaitingRest.Add(awaits.Rested);
                return Task.CompletedTask;
            case DeliveryEvent.TryNow now:
                accounts.ProbeNow(now.Account);
                return Task.CompletedTask;
            case DeliveryEvent.OpenEnded ended:
                return OnOpenEndedAsync(ended, abandon);
            case DeliveryEvent.AttemptEnded ended:
                return OnAttemptEndedAsync(ended, abandon);
            case DeliveryEvent.Settled settled:
                OnSettled(settled);
                return Task.CompletedTask;
            default:
                return Task.CompletedTask;
        }
    }

    private async Task OnOpenEndedAsync(DeliveryEvent.OpenEnded ended, CancellationToken abandon)
    {
        var account = ended.Account;
        account.Opening--;
        if (ended.Outcome is OpenOutcome.Opened opened)
        {
            meters.Connection(account.Name, opened: true);
            account.ConnectedBy = opened.Tried;
            if (ended.Generation != account.Generation || stopping)
            {
                Close(opened.Session);
                if (!stopping && account.Opening < account.Waiting.Count) Open(account, abandon);
                return;
            }
            await accounts.LoggedInAsync(account, abandon);
            Release(account, opened.Session, ended.Generation, abandon, opened.Tried);
            return;
        }
        if (ended.Outcome is not OpenOutcome.Failed failed || stopping) return;
        meters.Connection(account.Name, opened: false);
        if (ended.Generation != account.Generation)
        {
            if (account.Opening < account.Waiting.Count) Open(account, abandon);
        }
        else if (failed.Verdict.Action == VerdictAction.RetryNow && !account.Reopened)
        {
            account.Reopened = true;
            if (account.Waiting.Count > 0) Open(account, abandon);
        }
        else if (account.IsPaused && !ended.IsProbe)
        {
            // Begun before the pause, it tells the same once more; it must not double the pause's wait.
        }
        else if (account.Sending > 0 && !Judgement.IsHold(failed.Verdict))
        {
            // The first connection works: what waits for a second one gets the first one's turn.
            accounts.UseOneConnection(account);
        }
        else
        {
            await accounts.HearAsync(account, failed.Verdict, atLogin: true, abandon);
            var first = account.Standing.Pause is { Failures: 1 };
            // The message that met the trouble tells it in its timeline, once; those after it only wait.
            if (first && account.NextWaiting() is { } met) PutOff(met, failed, abandon);
            GiveBackWaiting(account);
        }
    }

    private async Task OnAttemptEndedAsync(DeliveryEvent.AttemptEnded ended, CancellationToken abandon)
    {
        ended.Assignment.Account.Sending--;
        try
        {
            await ConcludeAsync(ended.Assignment, ended.Result, abandon);
        }
        finally
        {
            // The connection goes on to its next message now; the settlement commits beside it.
            Release(ended.Assignment.Account, ended.Session, ended.Assignment.Generation, abandon);
        }
    }

    private async Task ConcludeAsync(Assignment assignment, AttemptResult result, CancellationToken abandon)
    {
        var message = assignment.Message;
        var now = time.GetUtcNow();
        switch (result)
        {
            case AttemptResult.Answered answered:
                await JudgeAsync(assignment, answered, now, abandon);
                break;
            case AttemptResult.Abandoned:
                log.GivenBack(message.Id, "SmartHost stops; the message stays in the queue.");
                Arrived(assignment);
                queue.GiveBack(message.Id);
                break;
            case AttemptResult.NotOffered { Why: Prepared.Unfit unfit }:
                Settle(assignment, Judgement.GiveUp(message, unfit.Status, unfit.Reason, now), abandon);
                break;
            case AttemptResult.NotOffered { Why: Prepared.Unreadable unreadable }:
                alerts.Raise(Alert.QueueTrouble(unreadable.Reason));
                diskTrouble = true;
                Settle(assignment, Judgement.PutOff(message, assignment.Recipients, new EnhancedStatus(4, 3, 0), unreadable.Reason, now + schedule.Soon(0), now), abandon);
                break;
            case AttemptResult.NotOffered { Why: Prepared.ContentMissing }:
                Settle(assignment, Judgement.Park(message, "Its content is missing from the data folder: somebody, or a repair of the disk, removed it. Restore it from a backup and release the message, or delete it.", now), abandon);
                break;
            case AttemptResult.NotOffered { Why: Prepared.Failed { Failure: var failure } }:
                log.AttemptFailed(message.Id, failure);
                Settle(assignment, Judgement.Park(message, $"SmartHost stumbled over it ({failure.GetType().Name}: {failure.Message}). Please report this with the log; release the message to try again.", now), abandon);
                break;
        }
    }

    private async Task JudgeAsync(Assignment assignment, AttemptResult.Answered answered, DateTimeOffset now, CancellationToken abandon)
    {
        var (account, message) = (assignment.Account, assignment.Message);
        var judged = Judgement.Of(message, answered.Outcome, account.Name, account.Noted(notes.GetValueOrDefault(message.Id, MessageNotes.None), answered.Outcome), schedule, now, assignment.Tried, answered.Repairs, answered.Blocked);
        if (judged.Notes == MessageNotes.None) notes.Remove(message.Id);
        else notes[message.Id] = judged.Notes;
        if (answered.Repairs.Count > 0) log.Repaired(message.Id, answered.Repairs.Count, string.Join("; ", answered.Repairs));
        Settle(assignment, judged.Settlement, abandon);

        // A result for an account that was reached differently meanwhile says nothing about it as it is now.
        if (assignment.Generation != account.Generation) return;
        // Nor does one that began before a pause say anything about the pause: neither its end nor a second strike.
        if (account.IsPaused && !assignment.IsProbe) return;
        if (judged.Taken) await accounts.SucceededAsync(account, abandon);
        if (judged.AboutAccount is { } verdict)
        {
            await accounts.HearAsync(account, verdict, atLogin: false, abandon);
            if (account.IsPaused) GiveBackWaiting(account);
        }
        else if (!judged.Taken) accounts.ProbeToldNothing(account);
        if (judged.Spam) await accounts.HearOfSpamAsync(account, answered.Outcome.Recipients.First(one => one.Verdict.Action == VerdictAction.Park).Verdict, abandon);
    }

    private void OnSettled(DeliveryEvent.Settled settled)
    {
        unwritten.Remove(settled.Settlement.Id);
        Arrived(settled.Assignment);
        if (settled.After is null or { State: not MessageState.Queued }) notes.Remove(settled.Settlement.Id);
        if (settled.Settlement.Outcomes.Any(outcome => outcome.Status is DeliveryStatus.Bounced)) reports.Wake();
    }

    // --- now and then -------------------------------------------------------------------------------------------

    private async Task ConfigureAsync(CancellationToken abandon)
    {
        foreach (var account in await accounts.ConfigureAsync(accountSettings(), settings(), abandon))
        {
            foreach (var idle in account.Idle) Close(idle.Session);
            account.Idle.Clear();
            GiveBackWaiting(account);
        }
        configured = true;
    }

    /// <summary>What was to happen in ten minutes still happens in ten minutes, wherever the wall clock was put. (The queue sees to its messages itself.)</summary>
    private void FollowClock()
    {
        var jump = clock.Jump();
        if (jump == TimeSpan.Zero) return;
        nextSweep = time.GetUtcNow();
        foreach (var account in accounts.All) account.FollowClock(jump);
        foreach (var id in unwritten.Keys.ToList()) unwritten[id] += jump;
    }

    private async Task SweepAsync(CancellationToken abandon)
    {
        var now = time.GetUtcNow();
        nextSweep = now + SweepEvery;
        if (unwritten.Values.Any(since => now - since >= DiskPatience)) alerts.Raise(Alert.QueueTrouble("The disk has not taken a delivery's result for half a minute."));
        else if (diskTrouble) alerts.Over(AlertKind.QueueTrouble, "queue", "SmartHost reads and writes its queue again.");
        diskTrouble = unwritten.Values.Any(since => now - since >= DiskPatience);
        if (await lifetime.SweepAsync(abandon)) reports.Wake();
        await accounts.AnnounceAsync(abandon);
        allowances.Look();
    }

    /// <summary>Closes connections that nobody used for long, and lets go of tasks that have ended.</summary>
    private async Task TidyAsync()
    {
        var now = time.GetUtcNow();
        foreach (var account in accounts.All)
        {
            foreach (var idle in account.Idle.Where(idle => now - idle.Since >= settings().IdleConnection || !idle.Session.IsUsable).ToList())
            {
                account.Idle.Remove(idle);
                Close(idle.Session);
            }
        }
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

    private TimeSpan UntilNextWake()
    {
        var now = time.GetUtcNow();
        var next = nextSweep;
        if (stopping) return Timeout.InfiniteTimeSpan;
        foreach (var account in accounts.All)
        {
            foreach (var idle in account.Idle) Sooner(idle.Since + settings().IdleConnection);
            if (account.Standing.Pause is { } pause) Sooner(pause.NextProbe);
            else if (account.RestUntil > now) Sooner(account.RestUntil);
            else if (account.Pace.Wait() is var wait && wait > TimeSpan.Zero) Sooner(now + wait);
        }
        var until = next - now;
        return until > TimeSpan.Zero ? until + TimeSpan.FromMilliseconds(1) : TimeSpan.FromMilliseconds(1);

        void Sooner(DateTimeOffset at)
        {
            if (at > now && at < next) next = at;
        }
    }

    private void Publish() => state = new DeliveryState([.. accounts.All.Select(account => AccountState.Of(account, queue.SpentBy(account.Name)))]);
}
