using SmartHost.Gmail;
using SmartHost.History;
using SmartHost.Mail;
using SmartHost.Queue;

namespace SmartHost.Delivery;

/// <summary>What a change of settings means for the accounts at work.</summary>
/// <param name="Gone">No longer configured.</param>
/// <param name="Rerouted">Reached differently from now on: other credentials, another host.</param>
/// <param name="Mended">Paused, and perhaps not for much longer.</param>
/// <param name="ToAsk">Paused for want of a token: <c>smarthost login</c> may have brought a consent, of which the settings know nothing.</param>
internal sealed record AccountChanges(IReadOnlyList<Account> Gone, IReadOnlyList<Account> Rerouted, IReadOnlyList<Account> Mended, IReadOnlyList<Account> ToAsk);

/// <summary>
/// All accounts at work, and which one a message leaves by. How each of them fares is <see cref="Standings"/>'s business.
/// Owned by the delivery loop.
/// </summary>
internal sealed class Accounts(MailQueue queue, MailLog log, TimeProvider time)
{
    private static readonly Lane[] Lanes = [Lane.Urgent, Lane.Normal, Lane.Bulk];

    private readonly Dictionary<string, Account> byName = new(StringComparer.OrdinalIgnoreCase);
    private readonly HashSet<string> namesNotConfigured = new(StringComparer.OrdinalIgnoreCase);
    private Account[] ordered = [];

    /// <summary>In the order of the configuration; the first is the default.</summary>
    public IReadOnlyList<Account> All => ordered;

    /// <summary>The account that a message names; the default where it names none or one that is not configured (any more).</summary>
    public Account? Named(string? name)
    {
        if (ordered.Length == 0) return null;
        return name is not null && byName.TryGetValue(name, out var account) ? account : ordered[0];
    }

    /// <summary>Null: there is none of that very name.</summary>
    public Account? Find(string name) => byName.GetValueOrDefault(name);

    /// <summary>A healthy account that can carry mail about another one's trouble.</summary>
    public string? HealthyBeside(Account troubled) => ordered.FirstOrDefault(other => other != troubled && !other.IsPaused)?.Name;

    public void TellOfUnknownName(string? name)
    {
        if (name is not null && ordered.Length > 0 && !byName.ContainsKey(name) && namesNotConfigured.Add(name)) log.AccountNotConfigured(name, ordered[0].Name);
    }

    /// <summary>Which account takes a message of which lane, as of one moment: asked under the queue's lock, so everything is looked up before.</summary>
    public RouteTable Routes(DateTimeOffset now)
    {
        var open = new Dictionary<Account, (bool[] MayStart, bool[] MayPassOn)>(ordered.Length);
        foreach (var account in ordered)
        {
            var spent = queue.SpentBy(account.Mailbox);
            var allowance = account.Allowance(spent);
            // Passed on to the fallback while paused or spent; not for want of pace, of a login or of a free connection, which is over in seconds or minutes.
            open[account] = ([.. Lanes.Select(lane => account.MayStart(lane, now, spent))], [.. Lanes.Select(lane => account.IsPaused || allowance.IsSpent(lane))]);
        }
        return new RouteTable(this, open);
    }

    /// <summary>Takes up the settings as they are now.</summary>
    public AccountChanges Configure(IReadOnlyList<AccountSettings> settings, DeliverySettings delivery)
    {
        var gone = ordered.Where(account => settings.All(one => !one.Name.Equals(account.Name, StringComparison.OrdinalIgnoreCase))).ToList();
        foreach (var account in gone)
        {
            byName.Remove(account.Name);
            account.Generation++;
        }
        var (rerouted, mended, toAsk) = (new List<Account>(), new List<Account>(), new List<Account>());
        foreach (var one in settings)
        {
            if (byName.TryGetValue(one.Name, out var account))
            {
                var before = account.Settings;
                account.Settings = one;
                account.Pace.Configure(delivery);
                if (!Account.ReachesDifferently(before, one)) continue;
                account.Generation++;
                account.MustProve = true;
                rerouted.Add(account);
                if (account.IsPaused) mended.Add(account);
                continue;
            }
            byName[one.Name] = account = Standings.Restored(one, queue, delivery, time);
            // Mended while we were not running.
            if (account.IsPaused && account.Standing.Fingerprint is { } print && !CredentialFingerprint.Matches(one, print))
            {
                account.MustProve = true;
                mended.Add(account);
            }
            else if (account.Standing.Pause is { AboutToken: true }) toAsk.Add(account);
        }
        ordered = [.. settings.Select(one => byName[one.Name])];
        return new AccountChanges(gone, rerouted, mended, toAsk);
    }

    internal sealed class RouteTable(Accounts accounts, Dictionary<Account, (bool[] MayStart, bool[] MayPassOn)> open)
    {
        /// <summary>Null: it waits.</summary>
        public Account? For(string? name, Lane lane)
        {
            if (accounts.Named(name) is not { } first) return null;
            if (open[first].MayStart[(int)lane]) return first;
            if (!open[first].MayPassOn[(int)lane] || first.Settings.Fallback is not { } fallback) return null;
            return accounts.byName.TryGetValue(fallback, out var second) && second != first && open[second].MayStart[(int)lane] ? second : null;
        }
    }
}
