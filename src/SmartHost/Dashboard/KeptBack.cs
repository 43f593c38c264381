using SmartHost.Dashboard.Api;
using SmartHost.Delivery;

namespace SmartHost.Dashboard;

/// <summary>Why a message that is due is not tried: the account it leaves by is paused or has spent its day. Its own story does not tell, since it costs the message no attempt.</summary>
internal static class KeptBack
{
    /// <summary>The account by which a message should leave and cannot now. Null: it can, or by that account's fallback.</summary>
    public static AccountReply? By(MessageReply message, IReadOnlyList<AccountReply> accounts)
    {
        if ((Named(message.Account) ?? (accounts.Count > 0 ? accounts[0] : null)) is not { } account || Carries(account)) return null;
        return Named(account.Fallback) is { } fallback && Carries(fallback) ? null : account;

        AccountReply? Named(string? name) => accounts.FirstOrDefault(one => one.Name.Equals(name, StringComparison.OrdinalIgnoreCase));

        bool Carries(AccountReply one) => one.Health != AccountHealth.Paused && !one.LanesSpent.Contains(message.Lane);
    }

    /// <param name="moment">How a time is written.</param>
    /// <returns>The reason, beginning with the account. Null: nothing keeps it back.</returns>
    public static string? Reason(MessageReply message, IReadOnlyList<AccountReply> accounts, Func<DateTimeOffset, string> moment)
    {
        if (message.State != Queue.MessageState.Queued || By(message, accounts) is not { } account) return null;
        return account.Health == AccountHealth.Paused
            ? $"account {account.Name} is paused{(account.NextProbe is { } next ? $", next try {moment(next)}" : "")}: {account.Sentence} {account.Remedy}".TrimEnd()
            : $"account {account.Name} has spent its 24-hour allowance for {message.Lane.ToString().ToLowerInvariant()} mail; it goes on as that moves on";
    }
}
