using SmartHost.History;
using SmartHost.Mail;
using SmartHost.Notices;
using SmartHost.Queue;

namespace SmartHost.Delivery;

/// <summary>
/// Looks now and then at what the accounts have spent, and says when an allowance nears its end and when a lane begins to wait. It holds
/// nothing back: that is for <see cref="Account.MayStart"/>, so a look that is missed costs a warning and no mail.
/// </summary>
internal sealed class AllowanceWatch(MailQueue queue, Accounts accounts, Alerts alerts, MailLog log, Func<AlertSettings> settings)
{
    /// <summary>Over only this far below the mark, in percent, so that it does not announce and revoke all day long; half way down from a mark that is lower still.</summary>
    private const int Hysteresis = 5;

    private readonly HashSet<(Account, Lane)> waiting = [];

    public void Look()
    {
        var mark = settings().AllowancePercent;
        foreach (var account in accounts.All)
        {
            var allowance = account.Allowance(queue.SpentBy(account.Mailbox));
            var percent = allowance.Used * 100;
            if (percent >= mark) alerts.Raise(Alert.AllowanceHigh(account.Name, allowance.Used));
            else if (percent < Math.Max(mark - Hysteresis, mark / 2.0)) alerts.Over(AlertKind.AllowanceHigh, account.Name, $"{percent:0} % of the daily allowance is used.");
            foreach (var lane in Enum.GetValues<Lane>())
            {
                if (!allowance.IsSpent(lane)) waiting.Remove((account, lane));
                else if (waiting.Add((account, lane))) log.AllowanceSpent(account.Name, lane, allowance.Messages, allowance.Recipients);
            }
        }
        // Of an account that was renamed or removed nobody else says it, perhaps while SmartHost did not run.
        var names = accounts.All.Select(account => account.Name).ToHashSet();
        alerts.Over(AlertKind.AllowanceHigh, name => !names.Contains(name), "The account is no longer configured.");
    }
}
