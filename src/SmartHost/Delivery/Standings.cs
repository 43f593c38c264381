using SmartHost.Gmail;
using SmartHost.Gmail.Replies;
using SmartHost.History;
using SmartHost.Notices;
using SmartHost.Queue;

namespace SmartHost.Delivery;

/// <summary>
/// How an account comes to be slowed, paused and well again, with the log line, the alert and the note on disk that belong
/// to each change. Owned by the delivery loop.
/// <para>When it fails: a standing that cannot be written is kept in memory and the loop goes on; after a restart the
/// account would be tried once and paused anew.</para>
/// </summary>
internal sealed class Standings(Accounts accounts, MailQueue queue, Alerts alerts, MailLog log, RetrySchedule schedule, TimeProvider time)
{
    private const string Scope = "account";
    private const int SpamVerdictsToHold = 3;
    private static readonly TimeSpan SpamWindow = TimeSpan.FromHours(1), OneConnectionFor = TimeSpan.FromMinutes(10);

    /// <summary>An account as it stood before a restart.</summary>
    public static Account Restored(AccountSettings settings, MailQueue queue, DeliverySettings delivery, TimeProvider time)
    {
        var standing = AccountStanding.FromJson(queue.GetState(Scope, settings.Name));
        var account = new Account(settings, time) { Standing = standing with { Pause = standing.Pause?.ReadAt(time.GetUtcNow(), delivery.RetryLongest) } };
        account.Pace.Configure(delivery);
        account.Pace.Restore(account.Standing.Slowness);
        return account;
    }

    /// <summary>The settings were taken up.</summary>
    public async Task FollowAsync(AccountChanges changes, CancellationToken cancellation)
    {
        foreach (var gone in changes.Gone)
        {
            alerts.Over(AlertKind.AccountPaused, gone.Name, "The account is no longer configured.");
            if (gone.Standing != AccountStanding.Healthy) await PutAsync(gone.Name, null, cancellation);
        }
        foreach (var mended in changes.Mended)
        {
            log.CredentialsChanged(mended.Name);
            await TryAnewAsync(mended, cancellation);
        }
        // To ask for a token is no knock at Gmail's door.
        foreach (var account in changes.ToAsk) ProbeNow(account.Name);
    }

    /// <summary>
    /// Once, at the start: accounts that were taken out of the settings while SmartHost was not running. Their pause is over, and
    /// the mail gets the time that it waited; so does that of the default account, which they may have been.
    /// </summary>
    public async Task ForgetStrangersAsync(CancellationToken cancellation)
    {
        foreach (var (name, json) in queue.GetStates(Scope).Where(stored => accounts.Find(stored.Key) is null))
        {
            if (AccountStanding.FromJson(json).Pause is { } pause) await TryExtendAsync(stored => stored is null || stored == name, pause.KeptUntil, cancellation);
            await PutAsync(name, null, cancellation);
        }
    }

    /// <summary>
    /// Once, at the start: what was announced of each account is said again. A crash can come between our note of it and the
    /// alerts' own, and then nobody else would say it: a pause untold, or one that never ends. Where they have it, it is no news.
    /// </summary>
    public void SayAgain()
    {
        foreach (var account in accounts.All)
        {
            if (account.Standing.Pause is not { } pause) alerts.Over(AlertKind.AccountPaused, account.Name, "The account is not paused any more.");
            else if (pause.Announced) Raise(account, pause);
        }
        var names = accounts.All.Select(account => account.Name).ToHashSet();
        alerts.Over(AlertKind.AccountPaused, name => !names.Contains(name), "The account is no longer configured.");
    }

    // --- what Gmail says ----------------------------------------------------------------------------------------

    /// <summary>Gmail's word about the account itself.</summary>
    /// <param name="atLogin">Before a message was offered: the connection, the greeting, the login.</param>
    public Task HearAsync(Account account, Verdict verdict, bool atLogin, CancellationToken cancellation)
    {
        if (verdict.Action == VerdictAction.SlowDown && !atLogin) return SlowAsync(account, verdict, cancellation);
        if (verdict.Action == VerdictAction.SlowDown) account.Standing = Slowed(account, verdict);
        // At the door a new connection was tried before this is heard.
        return PauseAsync(account, atLogin ? verdict.Repeated() : verdict, atLogin, cancellation);
    }

    /// <summary>A connection beside a working one was refused: that is about the number of connections, not about the account.</summary>
    public void UseOneConnection(Account account) => account.OneConnectionUntil = time.GetUtcNow() + OneConnectionFor;

    /// <summary>
    /// Spam verdicts on several messages in an hour mean the account, not the messages: rest before Google locks it. One that a person
    /// tries again is one; and our own alert quotes what Gmail dislikes, so that one bad message would count twice.
    /// </summary>
    public Task HearOfSpamAsync(Account account, QueuedMessage message, Verdict verdict, CancellationToken cancellation)
    {
        var now = time.GetUtcNow();
        while (account.SpamVerdicts.TryPeek(out var oldest) && oldest.At + SpamWindow <= now) account.SpamVerdicts.Dequeue();
        if (message.Origin.IsLocal || account.SpamVerdicts.Any(one => one.Message == message.Id)) return Task.CompletedTask;
        account.SpamVerdicts.Enqueue((message.Id, now));
        if (account.SpamVerdicts.Count < SpamVerdictsToHold) return Task.CompletedTask;
        account.SpamVerdicts.Clear();
        return PauseAsync(account, new Verdict(VerdictAction.HoldAccount, "repeated-spam-verdicts",
            $"Gmail called {SpamVerdictsToHold} messages unsolicited within an hour.",
            "Look at the parked messages: which device sends them, and should it?", verdict.Help, SpamWindow), atLogin: false, cancellation);
    }

    /// <summary>A login succeeded.</summary>
    public Task LoggedInAsync(Account account, CancellationToken cancellation)
    {
        account.Reopened = false;
        return account.Standing.Pause is { AtLogin: true } ? ResumeAsync(account, "Gmail accepts the login again.", cancellation) : Task.CompletedTask;
    }

    /// <summary>Gmail took a message.</summary>
    public async Task SucceededAsync(Account account, CancellationToken cancellation)
    {
        account.SlowDowns = 0;
        if (account.IsPaused) await ResumeAsync(account, "Gmail takes its mail again.", cancellation);
        if (!account.Pace.Succeeded()) return;
        var slowed = account.Pace.IsSlowed;
        await KeepAsync(account, account.Standing with
        {
            Slowness = account.Pace.Slowness,
            SlowedSince = slowed ? account.Standing.SlowedSince : null,
            SlowedBecause = slowed ? account.Standing.SlowedBecause : null,
        }, cancellation);
        if (!slowed) log.AccountHealthy(account.Name);
    }

    /// <summary>
    /// A probe has ended. Where it neither ended the pause nor began its wait anew, it told nothing about it: it heard "slow
    /// down", its recipient was refused, its content was missing. The next one waits all the same, the longer the more there
    /// were, and for the rest that Gmail asked for: left due, each message that waits would be a probe at once, with a login of its own.
    /// </summary>
    public void ProbeEnded(Account account)
    {
        var now = time.GetUtcNow();
        if (account.Standing.Pause is not { } pause || pause.NextProbe > now) return;
        var next = now + schedule.Reconnect(account.VainProbes++);
        account.Standing = account.Standing with { Pause = pause with { NextProbe = next > account.RestUntil ? next : account.RestUntil } };
    }

    /// <summary>A person says "now": the wait before the next probe is over.</summary>
    public void ProbeNow(string name)
    {
        if (accounts.Find(name) is not { } account) return;
        account.MustProve = true;
        if (account.Standing.Pause is { } pause) account.Standing = account.Standing with { Pause = pause with { NextProbe = time.GetUtcNow() } };
    }

    /// <summary>
    /// What asks an account for which no message waits, or its page would say "paused" until somebody sends something.
    /// True: one login should. A pause that came with a message can be asked by a message alone, so it ends with its wait
    /// where time mends it, or when a person says so, and the next message tells.
    /// </summary>
    public async Task<bool> MustLogInAsync(Account account, CancellationToken cancellation)
    {
        var asked = account.MustProve;
        if (account.Standing.Pause is { } pause && time.GetUtcNow() < pause.NextProbe) return false;
        account.MustProve = false;
        // The message that is under way, or the connection that stands, is the proof.
        if (account.Underway > 0 || account.Opening > 0) return false;
        if (account.Standing.Pause is { AtLogin: false } met)
        {
            if (asked || met.Kind != PauseKind.NeedsPerson) await ResumeAsync(account, "Its wait is over; the next message will tell.", cancellation, proved: false);
            return false;
        }
        return account.IsPaused || (asked && account.Idle.Count == 0);
    }

    /// <summary>Says what has lasted long enough to be said.</summary>
    public async Task AnnounceAsync(CancellationToken cancellation)
    {
        foreach (var account in accounts.All) await AnnounceAsync(account, cancellation);
    }

    private async Task AnnounceAsync(Account account, CancellationToken cancellation)
    {
        if (account.Standing.Pause is not { } pause || !pause.IsWorthAnnouncing(time.GetUtcNow())) return;
        Raise(account, pause);
        await KeepAsync(account, account.Standing with { Pause = pause with { Announced = true } }, cancellation);
    }

    private void Raise(Account account, Pause pause) =>
        alerts.Raise(Alert.AccountPaused(account.Name, pause.Happened, pause.Remedy, pause.Help, pause.NextProbe, time, accounts.HealthyBeside(account)) with { Cause = pause.Cause });

    private async Task PauseAsync(Account account, Verdict verdict, bool atLogin, CancellationToken cancellation)
    {
        var before = account.Standing.Pause;
        var pause = Pause.After(before, verdict, atLogin, time.GetUtcNow(), schedule);
        if (pause.Kind == PauseKind.Unreachable) log.AccountUnreachable(account.Name, pause.NextProbe, $"{pause.Happened} {pause.Remedy}");
        else log.AccountPaused(account.Name, pause.NextProbe, pause.Happened, pause.Remedy);
        // Another reason than the one people know of is news.
        if (pause.Cause is { } cause && cause != before?.Cause) pause = pause with { Announced = false };
        // A rest that Gmail asked for before is kept by the pause as well, so that one time alone says when the next try is.
        if (pause.NextProbe < account.RestUntil) pause = pause with { NextProbe = account.RestUntil };
        await KeepAsync(account, account.Standing with
        {
            Pause = pause,
            Slowness = account.Pace.Slowness,
            Fingerprint = account.Standing.Fingerprint ?? CredentialFingerprint.Of(account.Settings),
        }, cancellation);
        await AnnounceAsync(account, cancellation);
    }

    private async Task SlowAsync(Account account, Verdict verdict, CancellationToken cancellation)
    {
        var now = time.GetUtcNow();
        // Two connections can hear the same word at once; it counts once.
        if (now < account.RestUntil) return;
        account.RestUntil = now + schedule.Reconnect(account.SlowDowns++);
        var slowed = Slowed(account, verdict);
        log.AccountSlowed(account.Name, account.Pace.Interval.TotalSeconds, verdict.Happened);
        await KeepAsync(account, slowed, cancellation);
    }

    private AccountStanding Slowed(Account account, Verdict verdict)
    {
        account.Pace.SlowDown();
        return account.Standing with
        {
            Slowness = account.Pace.Slowness,
            SlowedSince = account.Standing.SlowedSince ?? time.GetUtcNow(),
            SlowedBecause = verdict.Happened,
        };
    }

    /// <summary>
    /// Its settings were changed: one try at once, as if there had been none before, and the pause ends when that succeeds.
    /// Ended beforehand, it would tell people that all is well and send a second connection to the same refusal.
    /// </summary>
    private Task TryAnewAsync(Account account, CancellationToken cancellation)
    {
        (account.RestUntil, account.VainProbes) = (default, 0);
        return account.Standing.Pause is { } pause
            ? KeepAsync(account, account.Standing with { Pause = pause with { Failures = 0, NextProbe = time.GetUtcNow() }, Fingerprint = null }, cancellation)
            : Task.CompletedTask;
    }

    /// <summary>
    /// The pause's mail first gets the time it lost, then the pause is over: a crash between gives it that time twice, which
    /// costs nothing; the other order could let five days of waiting count as five days of trying.
    /// </summary>
    private async Task ResumeAsync(Account account, string how, CancellationToken cancellation, bool proved = true)
    {
        if (!account.IsPaused) return;
        await KeepLifetimesAsync(account, cancellation);
        await KeepAsync(account, account.Standing with { Pause = null, Fingerprint = null }, cancellation);
        (account.RestUntil, account.VainProbes) = (default, 0);
        if (proved) log.AccountHealthy(account.Name);
        else log.PauseOver(account.Name, how);
        alerts.Over(AlertKind.AccountPaused, account.Name, how);
    }

    /// <summary>
    /// Gives a paused account's mail the time that it waited. Also during a pause longer than a lifetime: the queue hands
    /// out no message whose lifetime is over, and without a message there would be no probe to end the pause.
    /// </summary>
    public async Task KeepLifetimesAsync(Account account, CancellationToken cancellation)
    {
        if (account.Standing.Pause is not { } pause) return;
        var now = time.GetUtcNow();
        if (await TryExtendAsync(name => accounts.Named(name) == account, pause.KeptUntil, cancellation))
            await KeepAsync(account, account.Standing with { Pause = pause with { KeptUntil = now } }, cancellation);
    }

    private async Task<bool> TryExtendAsync(Func<string?, bool> waits, DateTimeOffset since, CancellationToken cancellation)
    {
        try
        {
            await queue.ExtendLifetimeAsync(waits, since, cancellation);
            return true;
        }
        catch (Exception failure) when (failure is not OperationCanceledException)
        {
            log.DeliveryStumbled(failure);
            return false;
        }
    }

    private async Task KeepAsync(Account account, AccountStanding standing, CancellationToken cancellation)
    {
        account.Standing = standing;
        await PutAsync(account.Name, standing.Health == AccountHealth.Healthy ? null : standing.ToJson(), cancellation);
    }

    /// <summary>False: the disk did not take it, which the queue logs. The next change is another try, and a restart before it begins by one login.</summary>
    private Task<bool> PutAsync(string name, string? json, CancellationToken cancellation) => queue.PutStateAsync(Scope, name, json, cancellation);
}
