using System.Net;

namespace SmartHost.Dashboard.Access;

/// <summary>
/// Slows guessing. Two wrong passwords from a client are free; from the third on it must wait, twice as long each time. All
/// clients together may guess wrong sixty times at once and ten times a minute after that, so that many addresses are no way
/// around; who was right lately, as a script is all the time, is not shut out by what others guess. Nobody is held waiting
/// on an open connection: a guess that comes too early is refused unread.
/// Memory is bounded; a client that falls off the list is still held by the limit for all.
/// </summary>
public sealed class LoginThrottle(TimeProvider time)
{
    private const int Free = 2, MaxClients = 1024, MaxInAll = 60;
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(15), ForgetAfter = TimeSpan.FromHours(1), LeakOne = TimeSpan.FromSeconds(6);

    private readonly Lock gate = new();
    private readonly Dictionary<IPAddress, Failures> clients = [];
    private double inAll;
    private TimeSpan leakedAt = time.GetElapsedTime(0);

    /// <param name="isRight">Looks at the guess. Not called when it comes too early; called under the lock, so that a hundred at once are one after the other.</param>
    public LoginResult Attempt(IPAddress client, Func<bool> isRight)
    {
        var key = ClientAddress.Of(client);
        lock (gate)
        {
            // The monotonic clock: a wall clock that is put back would shut a person out for a day.
            var now = time.GetElapsedTime(0);
            Leak(now);
            clients.TryGetValue(key, out var before);
            if (before is not null && now - before.Last >= ForgetAfter) before = null;
            if (before is not null && before.BlockedUntil > now) return new LoginResult(false, before.BlockedUntil - now);
            if (inAll >= MaxInAll && before is not { Count: 0 }) return new LoginResult(false, (inAll - MaxInAll + 1) * LeakOne);

            if (isRight())
            {
                Keep(key, new Failures(0, now, now));
                return new LoginResult(true, null);
            }
            inAll++;
            var count = (before?.Count ?? 0) + 1;
            var wait = count <= Free ? TimeSpan.Zero : TimeSpan.FromSeconds(Math.Min(Longest.TotalSeconds, Math.Pow(2, count - Free - 1)));
            Keep(key, new Failures(count, now, now + wait));
            return new LoginResult(false, null);
        }
    }

    private void Keep(IPAddress key, Failures failures)
    {
        if (clients.Count >= MaxClients && !clients.ContainsKey(key)) clients.Remove(clients.MinBy(client => client.Value.Last).Key);
        clients[key] = failures;
    }

    private void Leak(TimeSpan now)
    {
        inAll = Math.Max(0, inAll - (now - leakedAt) / LeakOne);
        leakedAt = now;
    }

    /// <param name="Count">In a row; 0: it was right.</param>
    private sealed record Failures(int Count, TimeSpan Last, TimeSpan BlockedUntil);
}

/// <param name="Wait">Not null: the guess came too early and was not looked at; try again after this.</param>
public readonly record struct LoginResult(bool Right, TimeSpan? Wait);
