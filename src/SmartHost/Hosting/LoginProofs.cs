using SmartHost.Dashboard.Api;
using SmartHost.Delivery;
using SmartHost.Gmail;

namespace SmartHost.Hosting;

/// <summary>
/// Can each account log in? For monitors, which ask every half minute and may not make a storm of it: an open connection
/// is proof enough, a paused account is believed to be paused, and what a login came to is believed for a while, a
/// refusal too. Changed settings are new accounts and are tried at once. One asker at a time; the others wait for its answer.
/// </summary>
internal sealed class LoginProofs(GmailConnector connector, Func<IReadOnlyList<AccountSettings>> accounts, Func<DeliveryState> delivery, TimeProvider time) : IDisposable
{
    /// <summary>How long an answer of Gmail's is believed: four logins an hour, far below what Google counts as odd.</summary>
    public static readonly TimeSpan Validity = TimeSpan.FromMinutes(15);

    /// <summary>Where nobody answered, nobody was bothered, and the network may be back by now.</summary>
    private static readonly TimeSpan ValidityUnanswered = TimeSpan.FromMinutes(1);

    private readonly SemaphoreSlim gate = new(1, 1);
    private readonly Dictionary<AccountSettings, (LoginReply Reply, DateTimeOffset Until)> known = new(ReferenceEqualityComparer.Instance);

    public void Dispose() => gate.Dispose();

    public async Task<IReadOnlyList<LoginReply>> AskAsync(CancellationToken cancellation)
    {
        await gate.WaitAsync(cancellation);
        try
        {
            var current = accounts();
            foreach (var gone in known.Keys.Where(account => !current.Any(one => ReferenceEquals(one, account))).ToList()) known.Remove(gone);
            var states = delivery().Accounts;
            var replies = new List<LoginReply>();
            foreach (var account in current) replies.Add(await OfAsync(account, states.FirstOrDefault(state => state.Name == account.Name), cancellation));
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
        var now = time.GetUtcNow();
        if (known.TryGetValue(account, out var before) && now < before.Until) return before.Reply;

        // Noted before the try: an asker that loses patience with a slow refusal must not come back and cause the next one.
        known[account] = (new LoginReply(account.Name, false, "The last try was given up before Gmail had answered.", now), now + Validity);
        var outcome = await connector.OpenAsync(account, cancellation);
        if (outcome is OpenOutcome.Opened opened) await opened.Session.DisposeAsync();
        var (reply, validity) = outcome switch
        {
            OpenOutcome.Failed failed => (new LoginReply(account.Name, false, failed.Verdict.Happened, now), failed.Reply is null ? ValidityUnanswered : Validity),
            _ => (new LoginReply(account.Name, true, "It could log in.", now), Validity),
        };
        known[account] = (reply, now + validity);
        return reply;
    }
}
