using SmartHost.Dashboard.Pages;
using SmartHost.Delivery;
using SmartHost.Mail;
using SmartHost.Queue;

namespace SmartHost.Dashboard;

public enum FlowState
{
    /// <summary>Nothing has come yet.</summary>
    NoMailYet,
    Flowing,

    /// <summary>Some of it waits, or needs a person.</summary>
    Hampered,

    /// <summary>No account can send, or no mail is taken.</summary>
    Stopped,
}

/// <summary>The answer to the question people come with: is mail flowing?</summary>
public sealed record Flow(FlowState State, string Headline, string Sentence)
{
    /// <summary>Within it most of what Gmail puts off has been tried again, and a burst has left.</summary>
    private static readonly TimeSpan Usual = TimeSpan.FromMinutes(15);

    /// <summary>The worst thing that is true now decides.</summary>
    /// <param name="traffic">The last day; empty: it could not be counted.</param>
    /// <param name="refusal">Why devices are turned away; null: they are not.</param>
    /// <param name="unread">Why the queue's mail cannot be read; null: it can.</param>
    /// <param name="waited">How long the oldest of what waits has waited; null: nothing does.</param>
    public static Flow Of(IReadOnlyList<AccountState> accounts, QueueCounts counts, IReadOnlyList<TrafficHour> traffic, IReadOnlyList<string> listensAt, string? refusal = null, string? unread = null, TimeSpan? waited = null)
    {
        var received = traffic.Sum(hour => hour.Total);
        var sent = traffic.Sum(hour => hour.Sent);
        var waiting = counts.Waiting == 0 ? "Nothing is waiting." : $"{Wording.Count(counts.Waiting, "message waits", "messages wait")}.";
        var paused = accounts.Where(account => account.Health == AccountHealth.Paused).ToList();

        if (refusal is { Length: > 0 })
        {
            return new Flow(FlowState.Stopped, "No mail is taken", $"{char.ToUpperInvariant(refusal[0])}{refusal[1..].TrimEnd('.')}. Devices are told to try again later, and mail is taken again by itself when this is mended. {waiting}");
        }
        if (unread is not null) return new Flow(FlowState.Stopped, "Mail is taken, but not sent", $"{unread} {waiting} Nothing is lost: it leaves as soon as this is mended.");
        if (accounts.Count == 0) return new Flow(FlowState.Stopped, "No Gmail account is set up", "Add one under accounts in smarthost.yaml. Until then mail is taken and kept.");
        if (paused.Count == accounts.Count)
        {
            return new Flow(FlowState.Stopped, "Mail is taken, but not sent", $"{paused[0].Sentence} {waiting} Nothing is lost: it leaves as soon as this is mended.");
        }
        if (paused.Count > 0)
        {
            var parked = counts.Parked == 0 ? "" : $" {Wording.Count(counts.Parked, "message needs you", "messages need you")}.";
            return new Flow(FlowState.Hampered, Wording.Count(paused.Count, "account is paused", "accounts are paused"), $"{paused[0].Sentence}{parked} {waiting}");
        }
        if (counts.Parked > 0)
        {
            return new Flow(FlowState.Hampered, Wording.Count(counts.Parked, "message needs you", "messages need you"), $"All other mail is flowing. {waiting}");
        }
        if (SpentLanes(accounts, counts) is { Count: > 0 } lanes)
        {
            return new Flow(FlowState.Hampered, $"The day's allowance for {string.Join(" and ", lanes)} mail is spent", $"{waiting} That mail goes on as the 24 hours move on.");
        }
        if (waited > Usual)
        {
            return new Flow(FlowState.Hampered, "Mail waits longer than usual", $"The oldest has waited for {Wording.Duration(waited.Value)}. {waiting} Under Messages each says why.");
        }
        // Without an hour to show, the day could not be counted.
        if (traffic.Count > 0 && received == 0 && counts is { Waiting: 0, Held: 0 })
        {
            var where = listensAt.Count == 0 ? "SmartHost" : listensAt[0];
            return new Flow(FlowState.NoMailYet, "Ready, and no mail in the last 24 hours", $"Point a device at {where}, then send something from it.");
        }
        return new Flow(FlowState.Flowing, "Mail is flowing", $"{(traffic.Count > 0 ? $"{Wording.Count(sent, "message", "messages")} sent in the last 24 hours. " : "")}{waiting}");
    }

    /// <summary>The lanes in which mail waits that no account may send now.</summary>
    private static List<string> SpentLanes(IReadOnlyList<AccountState> accounts, QueueCounts counts) =>
        [.. new[] { (Lane.Urgent, counts.Urgent), (Lane.Normal, counts.Normal), (Lane.Bulk, counts.Bulk) }
            .Where(one => one.Item2 > 0 && accounts.All(account => account.Allowance.IsSpent(one.Item1)))
            .Select(one => one.Item1.ToString().ToLowerInvariant())];
}
