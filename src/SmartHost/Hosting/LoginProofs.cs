using SmartHost.Dashboard.Api;
using SmartHost.Delivery;
using SmartHost.Gmail;
using SmartHost.Gmail.Replies;

namespace SmartHost.Hosting;

/// <summary>
/// Can each account log in? For monitors, which ask every half minute and may not make a storm of it: an open connection
/// is proof enough, a paused account is believed to be paused, and what a login came to is believed for a while, a
/// refusal too. What is reached or proved differently is tried at once. A refused account is delivery's from then on, with or
/// without mail: it pauses it, announces it and tries it ever more rarely. One asker at a time; the others wait for its answer.
/// </summary>
internal sealed class LoginProofs(GmailConnector connector, Func<IReadOnlyList<AccountSettings>> accounts, Func<DeliveryState> delivery, Action<string> tryNow, TimeProvider time) : IDisposable
{
    /// <summary>How long an answer of Gmail's is believed: four logins an hour, far below what Google counts as odd.</summary>
    public static readonly TimeSpan Validity = TimeSpan.FromMinutes(15);

    /// <summary>Where nobody answered, nobody was bothered, and the network may be back by now.</summary>
    private static readonly TimeSpan ValidityUnanswered = TimeSpan.FromMinutes(1);

    private readonly SemaphoreSlim gate = new(1, 1);
    private readonly Dictionary<string, Proof> known = [];

    public void Dispose() => gate.Dispose();

    public async Task<IReadOnlyList<LoginReply>> AskAsync(CancellationToken cancellation)
    {
        await gate.WaitAsync(cancellation);
        try
        {
            var current = accounts();
            foreach (var gone in known.Keys.Where(name => current.All(one => one.Name != name)).ToList()) known.Remove(gone);
            var state = delivery();
            // One may be paused: a container that starts again and again must not cost a login each time.
            if (state.IsStarting) return [.. current.Select(account => new LoginReply(account.Name, false, "SmartHost is starting and has not looked at it yet. Ask again in a moment.", null))];
            var replies = new List<LoginReply>();
            foreach (var account in current) replies.Add(await OfAsync(account, state.Accounts.FirstOrDefault(one => one.Name == account.Name), cancellation));
            return replies;
        }
        finally
        {
            gate.Release();
        }
    }

    private async Task<LoginReply> OfAsync(AccountSettings account, AccountState? state, CancellationToken cancellation)
    {
        if (state is { Health: AccountHealth.Paused }) return new LoginReply(account.Name, false, state.Sentence, null);
        if (state is { Connections: > 0 }) return new LoginReply(account.Name, true, "It is logged in now.", null);
        if (known.TryGetValue(account.Name, out var before) && !Account.ReachesDifferently(before.Account, account) && time.GetElapsedTime(before.At) < before.Validity) return before.Reply;

        // Noted before the try: an asker that loses patience with a slow refusal must not come back and cause the next one.
        Note(new LoginReply(account.Name, false, "The last try was given up before Gmail had answered.", time.GetUtcNow()), Validity);
        var outcome = await connector.OpenAsync(account, cancellation);
        if (outcome is not OpenOutcome.Failed failed)
        {
            if (outcome is OpenOutcome.Opened opened) await opened.Session.DisposeAsync();
            return Note(new LoginReply(account.Name, true, "It could log in.", time.GetUtcNow()), Validity);
        }
        if (Judgement.IsHold(failed.Verdict.Repeated())) tryNow(account.Name);
        return Note(new LoginReply(account.Name, false, failed.Verdict.Happened, time.GetUtcNow()), ConnectionFailures.IsBeforeLogin(failed.Verdict) ? ValidityUnanswered : Validity);

        LoginReply Note(LoginReply reply, TimeSpan validity)
        {
            known[account.Name] = new Proof(account, reply, time.GetTimestamp(), validity);
            return reply;
        }
    }

    /// <param name="At">By the monotonic clock: one put back must not have an answer believed for a day.</param>
    private sealed record Proof(AccountSettings Account, LoginReply Reply, long At, TimeSpan Validity);
}
