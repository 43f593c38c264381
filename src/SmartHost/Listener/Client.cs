using System.Net;
using SmartHost.Mail;

namespace SmartHost.Listener;

/// <summary>
/// One client address and what it did lately. Counts per address, not per session, so that a new connection is no way
/// round a limit. Any thread may call any member.
/// </summary>
internal sealed class Client(IPAddress address, TimeProvider time)
{
    private readonly Lock gate = new();
    private readonly RollingMinute connections = new(), messages = new(), recipients = new(), octets = new();
    private int failedLogins;

    // By the monotonic clock, as the meters are: a wall clock that is put back would lock a device out for a day.
    private TimeSpan? lastFailure, lockedUntil;
    private bool hasLoggedIn;

    public IPAddress Address => address;

    /// <summary>Sessions open now. Kept by <see cref="ClientTable"/> under its lock.</summary>
    public int Open { get; set; }

    public DateTimeOffset LastSeen { get; set; }

    /// <summary>Null: it may connect.</summary>
    public SmtpReply? Connect(LimitSettings limits) => Count(connections, 1, limits.ConnectionsPerMinute, Replies.TooManyConnectionsPerMinute);

    /// <summary>Null: it may send one more message.</summary>
    public SmtpReply? Message(LimitSettings limits)
    {
        lock (gate)
        {
            // What a message holds is known only after it came; so the one that passes the limit is still taken.
            if (octets.Total(Second()) >= limits.BytesPerMinute) return Replies.TooManyOctets;
        }
        return Count(messages, 1, limits.MessagesPerMinute, Replies.TooManyMessages);
    }

    public SmtpReply? Recipients(int count, LimitSettings limits) =>
        Count(recipients, count, limits.RecipientsPerMinute, Replies.TooManyRecipientsPerMinute);

    public void Octets(long count)
    {
        lock (gate) octets.Add(Second(), count);
    }

    /// <summary>How long it must wait before another login is looked at. Zero: it need not.</summary>
    public TimeSpan Lockout()
    {
        lock (gate) return lockedUntil is { } until && until > Now() ? until - Now() : TimeSpan.Zero;
    }

    /// <summary>A login from here has been right before, so one wrong password typed into a second device behind the same address must not shut out the first.</summary>
    public bool HasLoggedIn
    {
        get { lock (gate) return hasLoggedIn; }
    }

    public void LoginSucceeded()
    {
        // Failures stay counted: whoever knows one password must not guess another's between two good logins.
        lock (gate) hasLoggedIn = true;
    }

    /// <summary>Counts a failed login; returns how many there were since the last quiet <see cref="LimitSettings.AuthLockout"/>.</summary>
    public int LoginFailed(LimitSettings limits)
    {
        lock (gate)
        {
            var now = Now();
            if (now - lastFailure > limits.AuthLockout) failedLogins = 0;
            lastFailure = now;
            if (++failedLogins < limits.AuthFailures) return failedLogins;
            lockedUntil = now + limits.AuthLockout;
            var failed = failedLogins;
            failedLogins = 0;
            return failed;
        }
    }

    /// <summary>Forgetting it would set nothing free that is still held back.</summary>
    public bool IsForgettable(DateTimeOffset now) => Open == 0 && now - LastSeen > TimeSpan.FromMinutes(2) && Lockout() == TimeSpan.Zero;

    private SmtpReply? Count(RollingMinute meter, int amount, int limit, SmtpReply refusal)
    {
        lock (gate)
        {
            if (meter.Total(Second()) + amount > limit) return refusal;
            meter.Add(Second(), amount);
            return null;
        }
    }

    private TimeSpan Now() => time.GetElapsedTime(0);

    private long Second() => time.GetTimestamp() / time.TimestampFrequency;
}
