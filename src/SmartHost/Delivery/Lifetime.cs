using SmartHost.Mail;
using SmartHost.Notices;
using SmartHost.Queue;

namespace SmartHost.Delivery;

/// <summary>
/// The end of patience: mail that was tried for its whole lifetime is given up with a report, mail that is late is
/// announced once. A paused account's mail does neither: its clock stands still. Nor is mail given up while one of its recipients was never offered.
/// <para>When it fails: what could not be written is found again a minute later.</para>
/// </summary>
internal sealed class Lifetime(MailQueue queue, Accounts accounts, Standings standings, Results results, Alerts alerts, OutcomeLog outcomes, Func<DeliverySettings> settings, TimeProvider time)
{
    /// <summary>RFC 3463: delivery time expired.</summary>
    private static readonly EnhancedStatus Expired = new(4, 4, 7);

    /// <summary>So many at a time: a sweep that finds ten thousand must not keep the loop from sending.</summary>
    private const int AtATime = 100;

    /// <summary>True where something was given up, so a report is due.</summary>
    public async Task<bool> SweepAsync(CancellationToken cancellation)
    {
        await TellOfLateAsync(cancellation);
        return await GiveUpAsync(cancellation);
    }

    private async Task<bool> GiveUpAsync(CancellationToken cancellation)
    {
        var (over, renewed) = (new List<QueuedMessage>(), new List<QueuedMessage>());
        var kept = new HashSet<Account>();
        foreach (var message in queue.Expired())
        {
            if (over.Count + renewed.Count == AtATime) break;
            if (accounts.Named(message.Account) is { IsPaused: true } paused)
            {
                if (kept.Add(paused)) await standings.KeepLifetimesAsync(paused, cancellation);
            }
            else if (WasNotTried(message)) renewed.Add(message);
            else over.Add(message);
        }
        await Task.WhenAll(renewed.Select(message => queue.RenewLifetimeAsync(message.Id, cancellation)));
        await Task.WhenAll(over.Select(message => GiveUpAsync(message, cancellation)));
        return over.Count > 0;
    }

    /// <summary>A recipient whose turn an allowance never let come, or a disk that would not give us the content, is no try. What was tried has an answer beside it.</summary>
    private bool WasNotTried(QueuedMessage message) => message.State == MessageState.Queued
        && (results.IsUnreadable(message.Id) || message.Open.Any(open => open is { Attempts: 0, Reply: null }));

    private async Task GiveUpAsync(QueuedMessage message, CancellationToken cancellation)
    {
        var now = time.GetUtcNow();
        var days = settings().Lifetime.TotalDays;
        var settlement = Settlements.GiveUp(message, Expired, open => message.State switch
        {
            MessageState.Held => $"It was held ({message.StateReason ?? "by a person"}) until its {days:0.#} days were over.",
            MessageState.Parked => $"It waited for a person ({message.StateReason ?? "parked"}) until its {days:0.#} days were over.",
            _ => $"Tried for {days:0.#} days; last answer: {open.Reply ?? "none"}",
        }, now);
        if (await queue.GiveUpAsync(settlement, cancellation) is null) return;
        outcomes.Tell(message, settlement, accounts.Named(message.Account)?.Name ?? "none", now);
    }

    private async Task TellOfLateAsync(CancellationToken cancellation)
    {
        var (now, lateNotice) = (time.GetUtcNow(), settings().LateNotice);
        foreach (var message in queue.Late(lateNotice).Take(AtATime))
        {
            // One that a clock that was ahead stamped is older than it says.
            var age = now - message.ReceivedAt > lateNotice ? now - message.ReceivedAt : lateNotice;
            // By mail only where mail can leave; a paused account's alert says all there is to say.
            var paused = accounts.Named(message.Account) is { IsPaused: true };
            var last = message.Open.Select(open => open.Reply).FirstOrDefault(reply => reply is not null);
            if (!message.Origin.IsLocal) alerts.Raise(Alert.MailLate(message.Device, message.Id, message.Subject, age, last, byMail: !paused));
            await queue.MarkLateAnnouncedAsync(message.Id, cancellation);
        }
    }
}
