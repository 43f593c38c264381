using SmartHost.Mail;
using SmartHost.Queue;

namespace SmartHost.Delivery;

/// <summary>Delivery as a page shows it: a picture, not a handle. Without accounts until delivery has looked at them, a moment after the start.</summary>
public sealed record DeliveryState(IReadOnlyList<AccountState> Accounts)
{
    public bool IsStarting => Accounts is [];

    /// <summary>Can anything leave at all?</summary>
    public bool HasUsableAccount => Accounts.Any(account => account.Health != AccountHealth.Paused && !account.Allowance.IsSpent(Lane.Urgent));
}

/// <param name="Sentence">How it is, for a person: "Healthy.", or what happened.</param>
/// <param name="Remedy">What to do; null where nothing is.</param>
/// <param name="Since">When it became slowed or paused.</param>
/// <param name="NextProbe">While paused: when one message tries again.</param>
/// <param name="NeedsPerson">It will not heal by itself.</param>
/// <param name="Sending">Messages being handed over at this moment.</param>
/// <param name="Interval">Between two messages in a long run; zero: none.</param>
/// <param name="Port">How the last connection came about: which address and port.</param>
/// <param name="Fallback">The account that carries its mail meanwhile. Null: none.</param>
/// <param name="EndsByLogin">It is paused, and a login that works ends that.</param>
public sealed record AccountState(
    string Name, Mailbox Username, AccountHealth Health, string Sentence, string? Remedy, Uri? Help,
    DateTimeOffset? Since, DateTimeOffset? NextProbe, bool NeedsPerson,
    Allowance Allowance, int Connections, int Sending, bool Connecting, TimeSpan Interval, string? Port, string? Fallback = null, bool EndsByLogin = false)
{
    internal static AccountState Of(Account account, Spend spent)
    {
        var standing = account.Standing;
        var pause = standing.Pause;
        var slowly = standing is { Health: AccountHealth.Slowed, SlowedBecause: { } because } ? $"Sending slowly: {because}"
            : account is { Idle.Count: 0, Sending: 0 } && account.Logins.Wait() > TimeSpan.Zero
                ? "Sending slowly: its connections are closed after few messages, and Gmail locks an account that logs in too often, so it logs in once a minute. "
                    + "Raise delivery.idleConnection and delivery.messagesPerConnection if you made them small; else look for what closes them on the way: a firewall, or a virus scanner that opens mail connections."
            : null;
        return new AccountState(account.Name, account.Settings.Username, standing.Health,
            pause?.Happened ?? slowly ?? (account.ConnectedBy is null ? "Ready. No message has tried its login since SmartHost started." : "Healthy."), pause?.Remedy, pause?.Help,
            pause?.Since ?? standing.SlowedSince, pause?.NextProbe, pause is { Kind: PauseKind.NeedsPerson },
            account.Allowance(spent), account.Connections, account.Sending, account.Opening > 0, account.Pace.Interval, account.ConnectedBy, account.Settings.Fallback, pause is { AtLogin: true });
    }
}
