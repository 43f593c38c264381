using SmartHost.Gmail;
using SmartHost.Gmail.Replies;
using SmartHost.History;
using SmartHost.Mail;
using SmartHost.Notices;
using SmartHost.Queue;

namespace SmartHost.Delivery;

/// <summary>
/// What goes next, on which account, how fast, and when again. One loop decides everything and owns all state; what takes
/// time runs beside it (<see cref="DeliveryTasks"/>) and tells it how it ended. So nothing here is locked, and every task has
/// an owner that awaits it.
/// <para>
/// A message's way: taken (leased) from the queue → made ready while a connection opens or becomes free
/// (<see cref="Connections"/>) → one transaction of at most 100 recipients → judged (<see cref="Disposition"/>) → settled in
/// one commit (<see cref="Results"/>). The connection takes its next message while that commits.
/// </para>
/// <para>
/// When it fails: a refused or broken connection pauses or slows the account and the mail stays due; a message that makes
/// us stumble is parked; results that the disk does not take wait for it, and soon nothing more is sent meanwhile. What
/// escapes all that is logged, and the loop goes on a second later.
/// </para>
/// </summary>
public sealed class DeliveryLoop : IDisposable
{
    private static readonly TimeSpan SweepEvery = TimeSpan.FromMinutes(1), StumbleWait = TimeSpan.FromSeconds(1);

    private readonly MailQueue queue;
    private readonly Func<IReadOnlyList<AccountSettings>> accountSettings;
    private readonly Func<DeliverySettings> settings;
    private readonly ReportWriter reports;
    private readonly MailLog log;
    private readonly Meters meters;
    private readonly TimeProvider time;
    private readonly DeliveryTasks tasks;
    private readonly Accounts accounts;
    private readonly Standings standings;
    private readonly Connections connections;
    private readonly Results results;
    private readonly Disposition disposition;
    private readonly Lifetime lifetime;
    private readonly AllowanceWatch allowances;
    private readonly ClockWatch clock;

    private readonly List<TaskCompletionSource> awaitingRest = [];
    private Task watching = Task.CompletedTask;
    private DateTimeOffset nextSweep;
    private bool isWatching, started, configured, stopping;
    private volatile DeliveryState state = new([]);

    /// <param name="devices">How a device's header is made; null: as for one without wishes.</param>
    public DeliveryLoop(
        MailQueue queue, GmailConnector connector, Func<IReadOnlyList<AccountSettings>> accountSettings, Func<DeliverySettings> settings,
        Func<AlertSettings> alertSettings, Func<string, DeviceRouting?> devices, Alerts alerts, ReportWriter reports, MailLog log, Meters meters, TimeProvider time, Random random)
    {
        (this.queue, this.accountSettings, this.settings) = (queue, accountSettings, settings);
        (this.reports, this.log, this.meters, this.time) = (reports, log, meters, time);
        // A changed setting is heard at the next wait: the schedule asks each time.
        var schedule = new RetrySchedule(settings, random);
        var outcomes = new OutcomeLog(alerts, log, meters);
        tasks = new DeliveryTasks(queue, connector, new Preparation(queue, devices), log, time);
        accounts = new Accounts(queue, log, time);
        standings = new Standings(accounts, queue, alerts, log, schedule, time);
        connections = new Connections(tasks, queue, meters, settings, time);
        results = new Results(tasks, queue, outcomes, reports, alerts, time);
        disposition = new Disposition(standings, connections, results, schedule, log, time);
        lifetime = new Lifetime(queue, accounts, standings, results, alerts, outcomes, settings, time);
        allowances = new AllowanceWatch(queue, accounts, alerts, log, alertSettings);
        clock = new ClockWatch(time);
    }

    /// <summary>As it was when the loop last came to rest. Safe from any thread.</summary>
    public DeliveryState State => state;

    /// <summary>Accounts, pace or patience were reloaded: taken up at once.</summary>
    public void NotifySettingsChanged() => tasks.Tell(new DeliveryEvent.SettingsChanged());

    /// <summary>A person wants an account tried now (after <c>smarthost login</c>, say): by its next message, or by a login alone where none waits. An account that is not there: nothing.</summary>
    public void TryNow(string account) => tasks.Tell(new DeliveryEvent.TryNow(account));

    /// <summary>Completes when all that is due now was tried and its result is written. Never, where something goes on for ever.</summary>
    internal Task RestAsync()
    {
        var rested = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        tasks.Tell(new DeliveryEvent.AwaitsRest(rested));
        return rested.Task;
    }

    /// <summary>Runs until <paramref name="stop"/>, and then until every task it started has ended, within about ten seconds.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        using var timer = time.CreateTimer(_ => tasks.Tell(new DeliveryEvent.Wake()), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        await using var grace = tasks.AbandonAfterGrace(stop);
        while (true)
        {
            try
            {
                if (stop.IsCancellationRequested && !stopping)
                {
                    stopping = true;
                    await tasks.StopWatchingAsync();
                    connections.Stop(accounts.All);
                }
                FollowClock();
                // At a stop no more: on a disk that takes nothing it ends at the end of the grace, and would begin again for ever.
                if (!configured && !stopping) await ConfigureAsync();
                foreach (var happened in tasks.Told()) await HandleAsync(happened);
                foreach (var account in accounts.All) connections.CloseIdle(account);
                await tasks.ReapAsync();
                if (!stopping)
                {
                    if (time.GetUtcNow() >= nextSweep) await SweepAsync();
                    Dispatch();
                    foreach (var account in accounts.All) if (await standings.MustLogInAsync(account, tasks.Abandoned)) connections.Open(account);
                    // By what it told, not by whether its task has ended: it tells a moment before, and in that moment it
                    // would be taken for one that still watches, and nobody would.
                    if (!isWatching) (isWatching, watching) = (true, tasks.WatchAsync());
                }
                Publish();
                if (tasks.AreAtRest)
                {
                    awaitingRest.ForEach(rested => rested.TrySetResult());
                    awaitingRest.Clear();
                    if (stopping) break;
                }
                // The stop's own wake may have been read above, with others; without this look it would be slept through.
                if (stop.IsCancellationRequested && !stopping) continue;
                timer.Change(UntilNextWake(), Timeout.InfiniteTimeSpan);
                await tasks.WaitAsync(orEnded: stopping || awaitingRest.Count > 0);
            }
            catch (OperationCanceledException) when (tasks.Abandoned.IsCancellationRequested)
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
    }

    /// <summary>After it has run.</summary>
    public void Dispose() => tasks.Dispose();

    // --- taking -------------------------------------------------------------------------------------------------

    /// <summary>Starts what may start now. Ends with a Take that found nothing, from which <see cref="MailQueue.WaitForWorkAsync"/> counts.</summary>
    private void Dispatch()
    {
        while (true)
        {
            var routes = accounts.Routes(time.GetUtcNow());
            // While results wait for the disk, nothing more may be sent whose result would wait with them.
            if (queue.Take((name, lane) => results.AreWritten && routes.For(name, lane) is not null) is not { } message) return;
            Assign(message, routes.For(message.Account, message.Lane)!);
        }
    }

    private void Assign(QueuedMessage message, Account account)
    {
        accounts.TellOfUnknownName(message.Account);
        var now = time.GetUtcNow();
        var most = Math.Min(disposition.MostRecipients(message.Id), Math.Max(1, account.Allowance(queue.SpentBy(account.Mailbox)).Left(message.Lane)));
        // In the order of their due times: the first are due even where a clock was set back since the queue looked.
        var recipients = message.Open.OrderBy(open => open.Due).Where((open, i) => i == 0 || open.Due <= now).Take(most).ToList();
        var assignment = new Assignment(message, account, recipients, tasks.Prepare(message, account.Settings), account.Generation, Probes: account.Standing.Pause?.Since,
            StepByStep: account.IsLosing || disposition.IsInDoubt(message.Id));
        account.Pace.Spend();
        account.Departed(assignment);
        connections.Offer(assignment);
    }

    // --- what the tasks tell ------------------------------------------------------------------------------------

    private Task HandleAsync(DeliveryEvent happened)
    {
        switch (happened)
        {
            case DeliveryEvent.Work:
                isWatching = false;
                return watching;
            case DeliveryEvent.SettingsChanged:
                configured = false;
                return stopping ? Task.CompletedTask : ConfigureAsync();
            case DeliveryEvent.AwaitsRest awaits:
                awaitingRest.Add(awaits.Rested);
                return Task.CompletedTask;
            case DeliveryEvent.TryNow now:
                standings.ProbeNow(now.Account);
                return Task.CompletedTask;
            case DeliveryEvent.OpenEnded { Outcome: OpenOutcome.Opened opened } ended:
                ended.Account.Opening--;
                return OnOpenedAsync(ended, opened);
            case DeliveryEvent.OpenEnded ended:
                ended.Account.Opening--;
                return ended.Outcome is OpenOutcome.Failed failed && !stopping ? OnOpenFailedAsync(ended, failed) : Task.CompletedTask;
            case DeliveryEvent.AttemptEnded ended:
                return OnAttemptEndedAsync(ended);
            case DeliveryEvent.Settled settled:
                disposition.Settled(settled);
                return Task.CompletedTask;
            default:
                return Task.CompletedTask;
        }
    }

    private async Task OnOpenedAsync(DeliveryEvent.OpenEnded ended, OpenOutcome.Opened opened)
    {
        var account = ended.Account;
        meters.Connection(account.Name, opened: true);
        account.ConnectedBy = opened.Tried;
        if (ended.Generation != account.Generation || stopping)
        {
            tasks.Close(opened.Session);
            connections.OpenForWaiting(account);
            return;
        }
        await standings.LoggedInAsync(account, tasks.Abandoned);
        connections.Release(account, opened.Session, ended.Generation, opened.Tried);
    }

    private async Task OnOpenFailedAsync(DeliveryEvent.OpenEnded ended, OpenOutcome.Failed failed)
    {
        var account = ended.Account;
        meters.Connection(account.Name, opened: false);
        if (ended.Generation != account.Generation)
        {
            connections.OpenForWaiting(account);
        }
        else if (failed.Verdict.Action == VerdictAction.RetryNow && !account.Reopened)
        {
            account.Reopened = true;
            if (account.Waiting.Count > 0) connections.Open(account);
        }
        else if (account.IsPaused && !ended.IsProbe)
        {
            // Begun before the pause, it tells the same once more; it must not double the pause's wait. The probe may have counted on it, though.
            connections.OpenForWaiting(account);
        }
        else if (account.Sending > 0 && !Judgement.IsHold(failed.Verdict))
        {
            // The first connection works: what waits for a second one gets the first one's turn.
            standings.UseOneConnection(account);
        }
        else
        {
            await standings.HearAsync(account, failed.Verdict, atLogin: true, tasks.Abandoned);
            if (account.Standing.Pause is { Failures: 1 } && account.NextWaiting() is { } met)
            {
                tasks.Discard(met);
                disposition.PutOff(met, failed);
            }
            connections.GiveBackWaiting(account);
        }
    }

    private async Task OnAttemptEndedAsync(DeliveryEvent.AttemptEnded ended)
    {
        ended.Assignment.Account.Sending--;
        try
        {
            await disposition.ConcludeAsync(ended.Assignment, ended.Result, tasks.Abandoned);
        }
        finally
        {
            // The connection goes on to its next message now; the settlement commits beside it.
            connections.Release(ended.Assignment.Account, ended.Session, ended.Assignment.Generation);
        }
    }

    // --- now and then -------------------------------------------------------------------------------------------

    private async Task ConfigureAsync()
    {
        // While the accounts still have the names that their mail waits under.
        foreach (var account in accounts.All) await standings.KeepLifetimesAsync(account, tasks.Abandoned);
        var changes = accounts.Configure(accountSettings(), settings());
        foreach (var account in changes.Gone.Concat(changes.Rerouted)) connections.Abandon(account);
        await standings.FollowAsync(changes, tasks.Abandoned);
        if (!started)
        {
            await standings.ForgetStrangersAsync(tasks.Abandoned);
            standings.SayAgain();
        }
        (started, configured) = (true, true);
    }

    /// <summary>What was to happen in ten minutes still happens in ten minutes, wherever the wall clock was put. (The queue sees to its messages itself.)</summary>
    private void FollowClock()
    {
        var jump = clock.Jump();
        if (jump == TimeSpan.Zero) return;
        nextSweep = time.GetUtcNow();
        foreach (var account in accounts.All) account.FollowClock(jump);
        results.FollowClock(jump);
    }

    private async Task SweepAsync()
    {
        nextSweep = time.GetUtcNow() + SweepEvery;
        // First what speaks from memory: a database that cannot be read must not keep it from speaking.
        results.Look();
        disposition.Prune(queue.IsOpen);
        await standings.AnnounceAsync(tasks.Abandoned);
        allowances.Look();
        if (await lifetime.SweepAsync(tasks.Abandoned)) reports.Wake();
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
            else
            {
                Sooner(now + account.Pace.Wait());
                Sooner(now + account.Logins.Wait());
            }
        }
        var until = next - now;
        return until > TimeSpan.Zero ? until + TimeSpan.FromMilliseconds(1) : TimeSpan.FromMilliseconds(1);

        void Sooner(DateTimeOffset at)
        {
            if (at > now && at < next) next = at;
        }
    }

    private void Publish() => state = new DeliveryState([.. accounts.All.Select(account => AccountState.Of(account, queue.SpentBy(account.Mailbox)))]);
}
