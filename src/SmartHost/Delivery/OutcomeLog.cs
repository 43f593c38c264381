using SmartHost.History;
using SmartHost.Mail;
using SmartHost.Notices;
using SmartHost.Queue;

namespace SmartHost.Delivery;

/// <summary>Tells what became of a message, wherever people look: the log, the meters, the alerts. One place, so that none of the three is forgotten.</summary>
internal sealed class OutcomeLog(Alerts alerts, MailLog log, Meters meters)
{
    /// <param name="account">By which it was offered, or would have been.</param>
    public void Tell(QueuedMessage message, Settlement settlement, string account, DateTimeOffset now)
    {
        foreach (var (recipient, status) in settlement.Outcomes)
        {
            switch (status)
            {
                case DeliveryStatus.Sent sent:
                    log.Sent(message.Id, recipient, account, (now - message.ReceivedAt).TotalSeconds, sent.Reply);
                    meters.Sent(account, Word(message.Lane), now - message.ReceivedAt);
                    break;
                case DeliveryStatus.Deferred deferred:
                    // Due at once, and kept by the account's pause alone: the time would tell a person nothing.
                    if (deferred.Due <= now && settlement.Park is null) log.WaitsWithAccount(message.Id, account, recipient, deferred.Reason);
                    else log.Deferred(message.Id, recipient, deferred.Due, deferred.Reason);
                    meters.Deferred(account);
                    break;
                case DeliveryStatus.Bounced bounced:
                    log.Bounced(message.Id, recipient, bounced.Reason);
                    meters.Bounced(account);
                    alerts.Raise(Alert.MessageFailed(message.Device, message.Id, message.Subject, recipient, bounced.Reason));
                    break;
            }
        }
        foreach (var entry in settlement.Timeline.Where(entry => entry.Event == TimelineEvent.PossibleDuplicate)) log.PossibleDuplicate(message.Id, entry.Text);
        if (settlement.Park is not { } reason) return;
        log.Parked(message.Id, reason);
        meters.Parked(account);
        alerts.Raise(Alert.MessageParked(message.Device, message.Id, message.Subject, reason));
    }

    private static string Word(Lane lane) => lane switch { Lane.Urgent => "urgent", Lane.Normal => "normal", _ => "bulk" };
}
