using SmartHost.Gmail;
using SmartHost.History;
using SmartHost.Queue;

namespace SmartHost.Delivery;

/// <summary>
/// Which message gets which connection: one that is idle, one that opens for it, or the next that becomes free. Owned by the
/// delivery loop.
/// <para>When it fails: a connection that is of no use is closed and another opened while somebody waits; a message whose
/// connection did not come is given back to the queue as it was.</para>
/// </summary>
internal sealed class Connections(DeliveryTasks tasks, MailQueue queue, Meters meters, Func<DeliverySettings> settings, TimeProvider time)
{
    private bool stopping;

    public void Offer(Assignment assignment)
    {
        var account = assignment.Account;
        if (IdleSession(account) is { } session)
        {
            Start(assignment, session);
            return;
        }
        account.Waiting.Add(assignment);
        OpenForWaiting(account);
    }

    public void Open(Account account)
    {
        account.Opening++;
        // A relay that knows us by our address asks for none.
        if (account.Settings.Credentials is not AccountCredentials.ByAddress) account.Logins.Spend();
        tasks.Open(account);
    }

    /// <summary>One where more wait than are opening.</summary>
    public void OpenForWaiting(Account account)
    {
        if (!stopping && account.Opening < account.Waiting.Count) Open(account);
    }

    /// <summary>A session is free: its next message, or idle, or closed.</summary>
    /// <param name="generation">Under which it was opened or last used.</param>
    /// <param name="tried">How it came to be, where it is new.</param>
    public void Release(Account account, GmailSession session, int generation, string? tried = null)
    {
        var worn = !session.IsUsable || session.Transactions >= settings().MessagesPerConnection || stopping || generation != account.Generation;
        // A pause puts none aside, but for the probe that waits for this one. Those that are idle already close in their time.
        if (worn || (account.IsPaused && account.Waiting.Count == 0))
        {
            tasks.Close(session);
            if (!account.IsPaused) OpenForWaiting(account);
            return;
        }
        if (account.NextWaiting() is { } next) Start(next with { Tried = tried }, session);
        else account.Idle.Add(new IdleSession(session, time.GetUtcNow()));
    }

    /// <summary>Closes those that nobody used for long, and those that Gmail closed.</summary>
    public void CloseIdle(Account account)
    {
        var now = time.GetUtcNow();
        foreach (var idle in account.Idle.Where(idle => now - idle.Since >= settings().IdleConnection || !idle.Session.IsUsable).ToList())
        {
            account.Idle.Remove(idle);
            tasks.Close(idle.Session);
        }
    }

    /// <summary>The account is reached differently from now on, or not at all.</summary>
    public void Abandon(Account account)
    {
        foreach (var idle in account.Idle) tasks.Close(idle.Session);
        account.Idle.Clear();
        GiveBackWaiting(account);
    }

    public void GiveBackWaiting(Account account)
    {
        while (account.NextWaiting() is { } waiting)
        {
            tasks.Discard(waiting);
            GiveBack(waiting);
        }
    }

    /// <summary>It stays in the queue as it was.</summary>
    /// <param name="begun">But Gmail may have it.</param>
    public void GiveBack(Assignment assignment, bool begun = false)
    {
        assignment.Account.Arrived(assignment);
        queue.GiveBack(assignment.Message.Id, begun);
    }

    /// <summary>Nothing new is begun; what waits for a connection goes back. A QUIT that nobody answers is waited for beside the attempts in flight, not after their grace.</summary>
    public void Stop(IEnumerable<Account> accounts)
    {
        stopping = true;
        foreach (var account in accounts) Abandon(account);
    }

    private void Start(Assignment assignment, GmailSession session)
    {
        assignment.Account.Sending++;
        meters.Attempt(assignment.Account.Name);
        tasks.Send(assignment, session);
    }

    private GmailSession? IdleSession(Account account)
    {
        while (account.Idle.Count > 0)
        {
            var session = account.Idle[^1].Session;
            account.Idle.RemoveAt(account.Idle.Count - 1);
            if (session.IsUsable) return session;
            tasks.Close(session);
        }
        return null;
    }
}
