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
/// us stumble is parked; results that the disk does not take wait for it, and soon nothing
/// more is sent meanwhile, since every message sent without a written result would be sent twice after a crash. On stop, attempts in flight get
/// <see cref="Grace"/> to finish; then they are abandoned and their messages stay as they were.
/// </para>
/// </summary>
public sealed class DeliveryLoop
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
    private readonly Func<AlertSettings> alertSettings;
    private readonly Alerts alerts;
    private readonly ReportWriter reports;
    private readonly MailLog log;
    private readonly Meters meters;
    private readonly TimeProvider time;
    private readonly Accounts accounts;
    private readonly Lifetime lifetime;
    private readonly Preparation preparation;
    private readonly RetrySchedule schedule;

    private readonly Channel<Event> events = Channel.CreateUnbounded<Event>(new UnboundedChannelOptions { SingleReader = true });
    private readonly HashSet<Task> running = [];
    private readonly Dictionary<QueueId, MessageNotes> notes = [];
    private readonly HashSet<(Account, Lane)> spentLanes = [];
    private Task watching = Task.CompletedTask;
    private DateTimeOffset nextSweep;
    private readonly Dictionary<QueueId, DateTimeOffset> unwritten = [];
    private bool configured, stopping, diskTrouble;
    private volatile DeliveryState state = new([]);

    /// <param name="devices">How a device's header is made; null: as for one without wishes.</param>
    public DeliveryLoop(
        MailQueue queue, GmailConnector connector, Func<IReadOnlyList<AccountSettings>> accountSettings, Func<DeliverySettings> settings,
        Func<AlertSettings> alertSettings, Func<string, DeviceRouting?> devices, Alerts alerts, ReportWriter reports, MailLog log, Meters meters, TimeProvider time, Random random)
    {
        (this.queue, this.connector, this.accountSettings, this.settings, this.alertSettings) = (queue, connector, accountSettings, settings, alertSettings);
        (this.alerts, this.reports, this.log, this.meters, this.time) = (alerts, reports, log, meters, time);
        // A changed setting is heard at the next wait: the schedule asks each time.
        schedule = new RetrySchedule(settings, random);
        accounts = new Accounts(queue, alerts, log, schedule, time);
        lifetime = new Lifetime(queue, accounts, alerts, log, meters, settings, time);
        preparation = new Preparation(queue, devices);
    }

    /// <summary>As it was when the loop last came to rest. Safe from any thread.</summary>
    public DeliveryState State => state;

    /// <summary>Accounts, pace or patience were reloaded: taken up at once.</summary>
    public void NotifySettingsChanged() => events.Writer.TryWrite(new Event.SettingsChanged());

    /// <summary>A person wants a paused account tried now (after <c>smarthost login</c>, say): its next message is the probe.</summary>
    public void TryNow(string account) => events.Writer.TryWrite(new Event.TryNow(account));

    /// <summary>Runs until <paramref name="stop"/>, and then until every task it started has ended, within about ten seconds.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        using var abandon = new CancellationTokenSource();
        using var watch = new CancellationTokenSource();
        using var timer = time.CreateTimer(_ => events.Writer.TryWrite(new Event.Wake()), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        using var stopped = stop.Register(() => events.Writer.TryWrite(new Event.Wake()));
        ITimer? grace = null;
        while (true)
        {
            try
            {
                if (stop.IsCancellationRequested && !stopping)
                {
                    stopping = true;
                    await watch.CancelAsync();
                    grace = time.CreateTimer(_ => abandon.Cancel(), null, Grace, Timeout.InfiniteTimeSpan);
                    foreach (var account in accounts.All) GiveBackWaiting(account);
                }
                if (!configured) await ConfigureAsync(abandon.Token);
                while (events.Reader.TryRead(out var happened)) await HandleAsync(happened, abandon.Token);
                await TidyAsync();
                if (!stopping)
                {
                    if (time.GetUtcNow() >= nextSweep) await SweepAsync(abandon.Token);
                    Dispatch(abandon.Token);
                    if (watching.IsCompleted) watching = WatchAsync(watch.Token);
                }
                Publish();
                // A task tells before it ends, so with none running and nothing told everything is settled.
                if (stopping && running.Count == 0 && !events.Reader.TryPeek(out _)) break;
                timer.Change(UntilNextWake(), Timeout.InfiniteTimeSpan);
                var told = events.Reader.WaitToReadAsync(CancellationToken.None).AsTask();
                if (stopping) await Task.WhenAny([told, .. running]);
                else await told;
            }
            catch (Exception failure)
            {
                log.DeliveryStumbled(failure);
                // The cause may stand still: without this wait the loop would spin on it.
                await Task.Delay(StumbleWait, time, CancellationToken.None);
            }
        }
        if (grace is not null) await grace.DisposeAsync();
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
            events.Writer.TryWrite(new Event.OpenEnded(account, generation, isProbe, outcome));
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
            catch (Exception failure)
            {
                result = new AttemptResult.NotOffered(new Prepared.Failed(failure));
            }
            events.Writer.TryWrite(new Event.AttemptEnded(assignment, session, result));
        }

        async Task<AttemptResult> HandOverAsync(Prepared.Ready ready)
        {
            await using var message = ready.Message;
            var recipients = assignment.Recipients.Select(one => one.Address).ToList();
            return new AttemptResult.Answered(await session.SendAsync(new Transaction(ready.Sender, recipients, message), abandon), message.Repairs, []);
        }
    }

    /// <summary>Until it is written: Gmail has the message, and forgetting that would send it again. The queue itself waits for a disk that does not take it.</summary>
    private void Settle(Settlement settlement, Account account, int recipientsOnTheWay, CancellationToken abandon)
    {
        unwritten[settlement.Id] = time.GetUtcNow();
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
            events.Writer.TryWrite(new Event.Settled(settlement, after, account, recipientsOnTheWay));
        }
    }

    private void Close(GmailSession session) => Own(session.DisposeAsync().AsTask());

    private async Task WatchAsync(CancellationToken cancellation)
    {
        await queue.WaitForWorkAsync(cancellation);
        events.Writer.TryWrite(new Event.Wake());
    }

    private TTask Own<TTask>(TTask task) where TTask : Task
    {
        running.Add(task);
        return task;
    }

    // --- what they tell -----------------------------------------------------------------------------------------

    private Task HandleAsync(Event happened, CancellationToken abandon)
    {
        switch (happened)
        {
            case Event.SettingsChanged:
                configured = false;
                return ConfigureAsync(abandon);
            case Event.TryNow now:
                accounts.ProbeNow(now.Account);
                return Task.CompletedTask;
            case Event.OpenEnded ended:
                return OnOpenEndedAsync(ended, abandon);
            case Event.AttemptEnded ended:
                return OnAttemptEndedAsync(ended, abandon);
            case Event.Settled settled:
                OnSettled(settled);
                return Task.CompletedTask;
            default:
                return Task.CompletedTask;
        }
    }

    private async Task OnOpenEndedAsync(Event.OpenEnded ended, CancellationToken abandon)
    {
        var account = ended.Account;
        account.Opening--;
        if (ended.Outcome is OpenOutcome.Opened opened)
        {
            meters.Connection(account.Name, opened: true);
            log.Connected(account.Name, opened.Tried);
            if (ended.Generation != account.Generation || stopping)
            {
                Close(opened.Session);
                if (!stopping && account.Opening < account.Waiting.Count) Open(account, abandon);
                return;
            }
            await accounts.LoggedInAsync(account, abandon);
            if (account.Waiting.Count > 0) account.Waiting[0].Tried = opened.Tried;
            Release(account, opened.Session, abandon);
            return;
        }
        if (ended.Outcome is not OpenOutcome.Failed failed || stopping) return;
        meters.Connection(account.Name, opened: false);
        TellOfUnknown(account, failed.Verdict, failed.Reply);
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
            var first = account.Standing.Pause?.Row != failed.Verdict.Row;
            await accounts.HearAsync(account, failed.Verdict, atLogin: true, abandon);
            // The message that met the trouble tells it in its timeline, once; those after it only wait.
            if (first && account.NextWaiting() is { } met) PutOff(met, failed, abandon);
            GiveBackWaiting(account);
        }
    }

    private async Task OnAttemptEndedAsync(Event.AttemptEnded ended, CancellationToken abandon)
    {
        var (assignment, session, result) = (ended.Assignment, ended.Session, ended.Result);
        var (account, message) = (assignment.Account, assignment.Message);
        account.Sending--;
        var now = time.GetUtcNow();
        switch (result)
        {
            case AttemptResult.Answered answered:
                await JudgeAsync(assignment, answered, now, abandon);
                break;
            case AttemptResult.Abandoned:
                log.GivenBack(message.Id, "SmartHost stops; the message stays in the queue.");
                GiveBack(assignment);
                break;
            case AttemptResult.NotOffered { Why: Prepared.Unfit unfit }:
                foreach (var open in message.Open)
                {
                    log.Bounced(message.Id, open.Address, unfit.Reason);
                    meters.Bounced(account.Name);
                }
                alerts.Raise(Alert.MessageFailed(message.Device, message.Id, message.Subject, message.Open.First().Address, unfit.Reason));
                Settle(Judgement.GiveUp(message, unfit.Status, unfit.Reason, now), account, assignment.Recipients.Count, abandon);
                break;
            case AttemptResult.NotOffered { Why: Prepared.Unreadable unreadable }:
                alerts.Raise(Alert.QueueTrouble(unreadable.Reason));
                diskTrouble = true;
                var due = now + schedule.Soon(0);
                Settle(Judgement.PutOff(message, assignment.Recipients.Select(one => one.Address), new EnhancedStatus(4, 3, 0), unreadable.Reason, due, now), account, assignment.Recipients.Count, abandon);
                break;
            case AttemptResult.NotOffered { Why: Prepared.ContentMissing }:
                Park(assignment, "Its content is missing from the data folder: somebody, or a repair of the disk, removed it. Restore it from a backup and release the message, or delete it.", now, abandon);
                break;
            case AttemptResult.NotOffered { Why: Prepared.Failed { Failure: var failure } }:
                log.AttemptFailed(message.Id, failure);
                Park(assignment, $"SmartHost stumbled over it ({failure.GetType().Name}: {failure.Message}). Please report this with the log; release the message to try again.", now, abandon);
                break;
        }
        // The connection goes on to its next message now; the settlement commits beside it.
        Release(account, session, abandon, assignment.Generation);
    }

    private async Task JudgeAsync(Assignment assignment, AttemptResult.Answered answered, DateTimeOffset now, CancellationToken abandon)
    {
        var (account, message) = (assignment.Account, assignment.Message);
        var judged = Judgement.Of(message, answered.Outcome, account.Name, notes.GetValueOrDefault(message.Id, MessageNotes.None), schedule, now, assignment.Tried, answered.Repairs, answered.Blocked);
        if (judged.Notes == MessageNotes.None) notes.Remove(message.Id);
        else notes[message.Id] = judged.Notes;
        Settle(judged.Settlement, account, assignment.Recipients.Count, abandon);
        Tell(assignment, answered, judged, now);

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

    private void OnSettled(Event.Settled settled)
    {
        unwritten.Remove(settled.Settlement.Id);
        settled.Account.MessagesOnTheWay--;
        settled.Account.RecipientsOnTheWay -= settled.RecipientsOnTheWay;
        if (settled.After is null or { State: not MessageState.Queued }) notes.Remove(settled.Settlement.Id);
        if (settled.Settlement.Outcomes.Any(outcome => outcome.Status is DeliveryStatus.Bounced)) reports.Wake();
    }

    // --- the ends of an assignment ------------------------------------------------------------------------------

    /// <summary>A session is free: its next message, or idle, or closed.</summary>
    private void Release(Account account, GmailSession session, CancellationToken abandon, int? generation = null)
    {
        var worn = !session.IsUsable || session.Transactions >= settings().MessagesPerConnection || stopping || account.IsPaused || (generation ?? account.Generation) != account.Generation;
        if (worn)
        {
            Close(session);
            if (account.Opening < account.Waiting.Count && !account.IsPaused && !stopping) Open(account, abandon);
            return;
        }
        if (account.NextWaiting() is { } next) Start(next, session, abandon);
        else account.Idle.Add(new IdleSession(session, time.GetUtcNow()));
    }

    private void GiveBackWaiting(Account account)
    {
        while (account.NextWaiting() is { } waiting) GiveBack(waiting);
    }

    private void GiveBack(Assignment assignment)
    {
        Discard(assignment);
        assignment.Account.MessagesOnTheWay--;
        assignment.Account.RecipientsOnTheWay -= assignment.Recipients.Count;
        queue.GiveBack(assignment.Message.Id);
    }

    private void PutOff(Assignment assignment, OpenOutcome.Failed failed, CancellationToken abandon)
    {
        Discard(assignment);
        var now = time.GetUtcNow();
        var reason = $"{Judgement.Sentence(failed.Verdict)} Tried: {failed.Tried}";
        // Due at once, and kept by the account's pause: see Judgement on HoldAccount.
        Settle(Judgement.PutOff(assignment.Message, assignment.Recipients.Select(one => one.Address), failed.Reply?.Status is { } status ? status with { Class = 4 } : new EnhancedStatus(4, 4, 1),
            reason, now, now, failed.Reply?.ToString()), assignment.Account, assignment.Recipients.Count, abandon);
    }

    private void Park(Assignment assignment, string reason, DateTimeOffset now, CancellationToken abandon)
    {
        var message = assignment.Message;
        log.Parked(message.Id, reason);
        meters.Parked(assignment.Account.Name);
        alerts.Raise(Alert.MessageParked(message.Device, message.Id, message.Subject, reason));
        Settle(Judgement.Park(message, reason, now), assignment.Account, assignment.Recipients.Count, abandon);
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

    // --- telling ------------------------------------------------------------------------------------------------

    private void Tell(Assignment assignment, AttemptResult.Answered answered, Judged judged, DateTimeOffset now)
    {
        var (account, message) = (assignment.Account, assignment.Message);
        if (answered.Repairs.Count > 0) log.Repaired(message.Id, answered.Repairs.Count, string.Join("; ", answered.Repairs));
        foreach (var one in answered.Outcome.Recipients) TellOfUnknown(account, one.Verdict, one.Reply);
        DeliveryStatus.Bounced? bounced = null;
        foreach (var (recipient, status) in judged.Settlement.Outcomes)
        {
            switch (status)
            {
                case DeliveryStatus.Sent sent:
                    log.Sent(message.Id, recipient, account.Name, (now - message.ReceivedAt).TotalSeconds, sent.Reply);
                    meters.Sent(account.Name, Word(message.Lane), now - message.ReceivedAt);
                    break;
                case DeliveryStatus.Deferred deferred:
                    log.Deferred(message.Id, recipient, deferred.Due, deferred.Reason);
                    meters.Deferred(account.Name);
                    break;
                case DeliveryStatus.Bounced failed:
                    bounced ??= failed;
                    log.Bounced(message.Id, recipient, failed.Reason);
                    meters.Bounced(account.Name);
                    alerts.Raise(Alert.MessageFailed(message.Device, message.Id, message.Subject, recipient, failed.Reason));
                    break;
            }
        }
        foreach (var entry in judged.Settlement.Timeline.Where(entry => entry.Event == TimelineEvent.PossibleDuplicate)) log.PossibleDuplicate(message.Id, entry.Text);
        if (judged.Settlement.Park is not { } reason) return;
        log.Parked(message.Id, reason);
        meters.Parked(account.Name);
        alerts.Raise(Alert.MessageParked(message.Device, message.Id, message.Subject, reason));
    }

    private void TellOfUnknown(Account account, Verdict verdict, SmtpReply? reply)
    {
        if (!verdict.Known && reply is not null) log.UnknownReply(account.Name, verdict.Row, reply);
    }

    internal static string Word(Lane lane) => lane switch { Lane.Urgent => "urgent", Lane.Normal => "normal", _ => "bulk" };

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

    private async Task SweepAsync(CancellationToken abandon)
    {
        var now = time.GetUtcNow();
        nextSweep = now + SweepEvery;
        if (unwritten.Values.Any(since => now - since >= DiskPatience)) alerts.Raise(Alert.QueueTrouble("The disk has not taken a delivery's result for half a minute."));
        else if (diskTrouble) alerts.Over(AlertKind.QueueTrouble, "queue", "SmartHost reads and writes its queue again.");
        diskTrouble = unwritten.Values.Any(since => now - since >= DiskPatience);
        if (await lifetime.SweepAsync(abandon)) reports.Wake();
        await accounts.AnnounceAsync(abandon);
        foreach (var account in accounts.All)
        {
            var allowance = account.Allowance(queue.SpentBy(account.Name));
            if (allowance.Used * 100 >= alertSettings().AllowancePercent) alerts.Raise(Alert.AllowanceHigh(account.Name, allowance.Used));
            // A little below, so that it does not announce and revoke all day long.
            else if (allowance.Used * 100 < alertSettings().AllowancePercent - 5) alerts.Over(AlertKind.AllowanceHigh, account.Name, $"{allowance.Used:0 %} of the daily allowance is used.");
            foreach (var lane in Enum.GetValues<Lane>())
            {
                if (allowance.Left(lane) > 0) spentLanes.Remove((account, lane));
                else if (spentLanes.Add((account, lane))) log.AllowanceSpent(account.Name, lane, allowance.Messages, allowance.Recipients);
            }
        }
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

    private void Publish() => state = new DeliveryState([.. accounts.All.Select(account =>
    {
        var allowance = account.Allowance(queue.SpentBy(account.Name));
        var standing = account.Standing;
        var pause = standing.Pause;
        return new AccountState(account.Name, account.Settings.Username, standing.Health,
            Sentence: pause?.Happened ?? (standing.SlowedBecause is { } because && account.Pace.IsSlowed ? $"Sending slowly: {because}" : "Healthy."),
            Remedy: pause?.Remedy, pause?.Help, pause?.Since ?? standing.SlowedSince, pause?.NextProbe, pause is { Kind: PauseKind.NeedsPerson },
            allowance.Messages, allowance.DailyMessages, allowance.Recipients, allowance.DailyRecipients,
            [.. Enum.GetValues<Lane>().Where(lane => allowance.Left(lane) == 0)],
            account.Connections, account.Sending, account.Pace.Interval, Port: null);
    })]);

    /// <summary>How an attempt ended. Closed.</summary>
    private abstract record AttemptResult
    {
        private AttemptResult() { }

        public sealed record Answered(TransactionOutcome Outcome, IReadOnlyList<string> Repairs, IReadOnlyList<string> Blocked) : AttemptResult;

        public sealed record NotOffered(Prepared Why) : AttemptResult;

        public sealed record Abandoned : AttemptResult;
    }

    /// <summary>What the tasks beside the loop tell it. Closed.</summary>
    private abstract record Event
    {
        private Event() { }

        /// <summary>There may be something to do.</summary>
        public sealed record Wake : Event;

        public sealed record SettingsChanged : Event;

        public sealed record TryNow(string Account) : Event;

        /// <param name="Outcome">Null: abandoned at the stop.</param>
        public sealed record OpenEnded(Account Account, int Generation, bool IsProbe, OpenOutcome? Outcome) : Event;

        public sealed record AttemptEnded(Assignment Assignment, GmailSession Session, AttemptResult Result) : Event;

        /// <param name="After">Null: given up at the stop.</param>
        public sealed record Settled(Settlement Settlement, QueuedMessage? After, Account Account, int RecipientsOnTheWay) : Event;
    }
}
