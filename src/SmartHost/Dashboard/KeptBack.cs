using SmartHost.Dashboard.Api;
using SmartHost.Dashboard.Pages;
using SmartHost.Delivery;

namespace SmartHost.Dashboard;

/// <summary>Why a message that is due is not tried: the account it leaves by is paused or has spent its day. Its own story does not tell, since it costs the message no attempt.</summary>
internal static class KeptBack
{
    /// <summary>The account that a message leaves by. Null: there is none.</summary>
    public static AccountReply? AccountOf(string? name, IReadOnlyList<AccountReply> accounts) =>
        accounts.FirstOrDefault(one => one.Name.Equals(name, StringComparison.OrdinalIgnoreCase)) ?? (accounts.Count > 0 ? accounts[0] : null);

    /// <param name="moment">How a time is written.</param>
    /// <returns>The reason, beginning with the account. Null: nothing keeps it back.</returns>
    public static string? Reason(MessageReply message, IReadOnlyList<AccountReply> accounts, Func<DateTimeOffset, string> moment)
    {
        if (message.State != Queue.MessageState.Queued || AccountOf(message.Account, accounts) is not { } account) return null;
        if (account.Health == AccountHealth.Paused)
            return $"account {account.Name} is paused{(account.NextProbe is { } next ? $", next try {moment(next)}" : "")}: {account.Sentence} {account.Remedy}".TrimEnd();
        return account.LanesSpent.Contains(message.Lane)
            ? $"account {account.Name} has spent its 24-hour allowance for {message.Lane.ToString().ToLowerInvariant()} mail; it goes on as that moves on"
            : null;
    }
}
