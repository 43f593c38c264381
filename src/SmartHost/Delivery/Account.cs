using SmartHost.Gmail;
using SmartHost.Gmail.Replies;
using SmartHost.Mail;
using SmartHost.Queue;

namespace SmartHost.Delivery;

/// <summary>
/// One account at work: its standing, pace and connections, and what is on its way. Owned by the delivery loop, which
/// alone touches it, so nothing here is locked. Decides whether a message may start; starts nothing itself.
/// </summary>
internal sealed class Account(AccountSettings settings, TimeProvider time)
{
    /// <summary>Messages that cost a login each, one after the other, without a word about any of them.</summary>
    private const int LossesToPause = 3;

    private readonly HashSet<QueueId> lost = [];
    private bool loginForgotten;

    public AccountSettings Settings { get; set; } = settings;

    public string Name => Settings.Name;

    /// <summary>Whose day is spent: Gmail counts by mailbox, whatever the settings call the account, and one mailbox under two names has one day.</summary>
    public string Mailbox => Settings.Username.ToString().ToLowerInvariant();

    public AccountStanding Standing { get; set; } = AccountStanding.Healthy;

    public Pace Pace { get; } = new(time);

    /// <summary>
    /// Logins, as if they were messages: twenty at once, then one a minute. Gmail answers 454 after some eighty in a short time. A connection
    /// serves many messages and rests for a minute, so one alone never comes near that, unless something on the way (a proxy, a virus
    /// scanner) closes it after each message: then what waits goes together, by the next login that may be.
    /// </summary>
    public Pace Logins { get; } = PaceOfLogins(time);

    /// <summary>Open sessions that nobody uses now; the last one used is the first one used again, so that the others grow idle and close.</summary>
    public List<IdleSession> Idle { get; } = [];

    /// <summary>Taken from the queue, waiting for a session of its own opening or for one that becomes free first.</summary>
    public List<Assignment> Waiting { get; } = [];

    public int Opening { get; set; }

    public int Sending { get; set; }

    public int MessagesOnTheWay { get; private set; }

    public int RecipientsOnTheWay { get; private set; }

    /// <summary>Sessions of an earlier generation (other credentials, another host) are closed instead of used again.</summary>
    public int Generation { get; set; }

    /// <summary>Gmail said "slow down": nothing leaves before this.</summary>
    public DateTimeOffset RestUntil { get; set; }

    /// <summary>"Slow down" heard, one after the other without a success between.</summary>
    public int SlowDowns { get; set; }

    /// <summary>Probes of this pause that told nothing about it.</summary>
    public int VainProbes { get; set; }

    /// <summary>A second connection was refused while the first one works: no second one before this.</summary>
    public DateTimeOffset OneConnectionUntil { get; set; }

    /// <summary>A connection broke as it opened and was tried again at once; the next time in a row it is trouble.</summary>
    public bool Reopened { get; set; }

    /// <summary>Its credentials changed, or a person asks: to be proved by the next message, or by a login alone where none waits.</summary>
    public bool MustProve { get; set; }

    /// <summary>How the last connection came about.</summary>
    public string? ConnectedBy { get; set; }

    /// <summary>Which messages Gmail called spam within the last hour, and when.</summary>
    public Queue<(QueueId Message, DateTimeOffset At)> SpamVerdicts { get; } = new();

    public bool IsPaused => Standing.Pause is not null;

    public int Underway => Waiting.Count + Sending;

    public int Connections => Idle.Count + Sending;

    public Allowance Allowance(Spend spent) => Delivery.Allowance.Of(Settings, spent, MessagesOnTheWay, RecipientsOnTheWay);

    /// <summary>The wall clock was moved by that much: what waits goes on waiting as long as it was to.</summary>
    public void FollowClock(TimeSpan jump)
    {
        // The lifetimes of a pause's mail are extended by the queue for a jump forward, so KeptUntil moves with it as well.
        if (Standing.Pause is { } pause) Standing = Standing with { Pause = pause with { NextProbe = pause.NextProbe + jump, KeptUntil = pause.KeptUntil + jump } };
        if (RestUntil != default) RestUntil += jump;
        if (OneConnectionUntil != default) OneConnectionUntil += jump;
        for (var i = 0; i < Idle.Count; i++) Idle[i] = Idle[i] with { Since = Idle[i].Since + jump };
        for (var i = SpamVerdicts.Count; i > 0; i--)
        {
            var (message, at) = SpamVerdicts.Dequeue();
            SpamVerdicts.Enqueue((message, at + jump));
        }
    }

    /// <summary>May a message of that lane start now? Pure but for the pace's clock.</summary>
    public bool MayStart(Lane lane, DateTimeOffset now, Spend spent)
    {
        // One probe, not a stampede: a single message on a single connection, and nothing beside it.
        if (Standing.Pause is { } pause) return now >= pause.NextProbe && Underway == 0;
        return now >= RestUntil
            && Underway < ConnectionLimit(lane, now)
            && !Allowance(spent).IsSpent(lane)
            && (lane == Lane.Urgent || (Pace.Wait() == TimeSpan.Zero && (Idle.Count > 0 || Logins.Wait() == TimeSpan.Zero)));
    }

    private static Pace PaceOfLogins(TimeProvider time)
    {
        var pace = new Pace(time);
        pace.Configure(new DeliverySettings { Burst = 20, Pace = TimeSpan.FromMinutes(1) });
        return pace;
    }

    /// <summary>
    /// Urgent mail may have one connection more than the rest and does not wait for the pace: it leaves while every other
    /// connection uploads a scan.
    /// </summary>
    public int ConnectionLimit(Lane lane, DateTimeOffset now)
    {
        var limit = Pace.IsSlowed || now < OneConnectionUntil ? 1 : Math.Max(1, Settings.Connections);
        return lane == Lane.Urgent ? limit + 1 : limit;
    }

    /// <summary>On its way: counted against the allowance before Gmail has answered.</summary>
    public void Departed(Assignment assignment)
    {
        MessagesOnTheWay++;
        RecipientsOnTheWay += assignment.Recipients.Count;
    }

    /// <summary>No longer on its way: what it cost is in the queue's books, or it cost nothing.</summary>
    public void Arrived(Assignment assignment)
    {
        MessagesOnTheWay--;
        RecipientsOnTheWay -= assignment.Recipients.Count;
    }

    /// <summary>The most urgent that waits for a session, the first of those taken.</summary>
    public Assignment? NextWaiting()
    {
        var next = Waiting.MinBy(assignment => assignment.Message.Lane);
        if (next is not null) Waiting.Remove(next);
        return next;
    }

    /// <summary>
    /// What is noted of a message, in the light of what the one before it met: Gmail asked for a login that its connection
    /// had. Twice in a row is no accident, and one login for each message that waits would get the account locked.
    /// </summary>
    public MessageNotes Noted(MessageNotes notes, TransactionOutcome outcome)
    {
        var before = loginForgotten;
        loginForgotten = outcome.Recipients.Any(one => one.Verdict is { Action: VerdictAction.RetryNow, Again: VerdictAction.HoldAccountForPerson });
        return before && loginForgotten ? notes with { Resent = true } : notes;
    }

    /// <summary>The last connection came to nothing, and Gmail has taken nothing since: nothing is pushed unasked into the next.</summary>
    public bool IsLosing => lost.Count > 0;

    /// <summary>
    /// Whether this outcome is one of a row in which the login works and each new connection then comes to nothing, whatever
    /// message it carries: it breaks, or its answers are out of step (503), as behind a firewall that eats lines. Each costs a
    /// login, and Gmail locks an account after some eighty: the account is to wait. One message alone may be what breaks them
    /// (a virus scanner on the way that dislikes it): it must not stop the others. An old connection that breaks is the way of
    /// the world and is not counted, nor is an answer that names its reason (a recipient, a hold, "slow down"), for those have
    /// an end of their own.
    /// </summary>
    public bool Loses(QueueId id, TransactionOutcome outcome)
    {
        if (outcome.Recipients.Any(one => one.Verdict.Action == VerdictAction.Accepted)) lost.Clear();
        var unanswered = outcome.LoginSpent && outcome.Recipients.All(one =>
            one.Verdict is { Action: VerdictAction.RetryNow or VerdictAction.RetrySoon or VerdictAction.OtherPort, Again: not VerdictAction.HoldAccountForPerson });
        if (!unanswered) return false;
        lost.Add(id);
        return lost.Count >= LossesToPause;
    }

    /// <summary>Whether a new set of settings leads to another mailbox or proves it otherwise.</summary>
    public static bool ReachesDifferently(AccountSettings a, AccountSettings b) =>
        a.Username != b.Username || a.Credentials != b.Credentials || a.Host != b.Host || a.Port != b.Port || a.Tls != b.Tls ||
        a.CaFile != b.CaFile || a.CheckRevocation != b.CheckRevocation;
}

/// <param name="Since">When it became idle.</param>
internal sealed record IdleSession(GmailSession Session, DateTimeOffset Since);

/// <summary>A leased message with the account and the recipients of this attempt, being made ready while a connection opens.</summary>
/// <param name="Probes">The account's pause, by its beginning: this one message asks whether it still must be. Null: it was not paused.</param>
/// <param name="StepByStep">As <see cref="Transaction.StepByStep"/>.</param>
internal sealed record Assignment(QueuedMessage Message, Account Account, IReadOnlyList<QueuedRecipient> Recipients, Task<Prepared> Prepared, int Generation, DateTimeOffset? Probes, bool StepByStep)
{
    /// <summary>It asks about the present pause. A login may have ended the one that it was to test, and a later verdict begun another.</summary>
    public bool IsProbe => Probes is { } since && Account.Standing.Pause?.Since == since;

    /// <summary>The connection's story, where this message is the first on it.</summary>
    public string? Tried { get; init; }
}
