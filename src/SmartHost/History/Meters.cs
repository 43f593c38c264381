using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace SmartHost.History;

/// <summary>
/// The numbers that dashboards draw, named by OpenTelemetry's conventions (Prometheus turns <c>smarthost.messages.accepted</c>
/// into <c>smarthost_messages_accepted_total</c>). Labels are bounded: devices, accounts and listeners are those of the
/// configuration, reasons and lanes are our own words; an address, a subject or a reply never becomes a label.
/// Costs next to nothing while nobody listens; never fails.
/// </summary>
public sealed class Meters : IDisposable
{
    public const string Name = "SmartHost";

    // From a reused connection's one round trip to a day spent waiting for an allowance.
    private static readonly InstrumentAdvice<double> Seconds = new()
    {
        HistogramBucketBoundaries = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3_600, 14_400, 86_400],
    };

    private readonly Meter meter;
    private readonly Counter<long> accepted, acceptedOctets, refused, sent, deferred, bounced, parked, attempts, connections, alerts;
    private readonly UpDownCounter<int> sessions;
    private readonly Histogram<double> latency;

    /// <param name="factory">Null: a meter of its own, for tests and tools without a host.</param>
    public Meters(IMeterFactory? factory = null)
    {
        meter = factory?.Create(Name) ?? new Meter(Name);
        accepted = meter.CreateCounter<long>("smarthost.messages.accepted", "{message}", "Messages taken from devices, by device");
        acceptedOctets = meter.CreateCounter<long>("smarthost.messages.accepted.size", "By", "Octets taken from devices, by device");
        refused = meter.CreateCounter<long>("smarthost.messages.refused", "{refusal}", "Refusals towards devices, by reason and device");
        sent = meter.CreateCounter<long>("smarthost.recipients.sent", "{recipient}", "Recipients that Gmail took, by account");
        deferred = meter.CreateCounter<long>("smarthost.recipients.deferred", "{recipient}", "Recipients put off, by account");
        bounced = meter.CreateCounter<long>("smarthost.recipients.bounced", "{recipient}", "Recipients given up, by account");
        parked = meter.CreateCounter<long>("smarthost.messages.parked", "{message}", "Messages parked for a person, by account");
        attempts = meter.CreateCounter<long>("smarthost.delivery.attempts", "{attempt}", "Transactions with Gmail, by account");
        connections = meter.CreateCounter<long>("smarthost.delivery.connections", "{connection}", "Connections to Gmail, by account and result");
        latency = meter.CreateHistogram("smarthost.delivery.duration", "s", "From our 250 to Gmail's, by account and lane", advice: Seconds);
        sessions = meter.CreateUpDownCounter<int>("smarthost.sessions", "{session}", "Open sessions of devices, by listener");
        alerts = meter.CreateCounter<long>("smarthost.alerts", "{alert}", "Alerts handed to a channel, by channel and result");
    }

    // --- the listener's -----------------------------------------------------------------------------------------

    public void Accepted(string device, long octets)
    {
        var label = new KeyValuePair<string, object?>("device", device);
        accepted.Add(1, label);
        acceptedOctets.Add(octets, label);
    }

    /// <param name="reason">A word of ours, such as <c>unknown-device</c>, <c>address</c>, <c>size</c>, <c>rate</c>; never a client's text.</param>
    /// <param name="device">Null: none that is known.</param>
    public void Refused(string reason, string? device) => refused.Add(1, new TagList { { "reason", reason }, { "device", device ?? "unknown" } });

    public void SessionStarted(string listener) => sessions.Add(1, new KeyValuePair<string, object?>("listener", listener));

    public void SessionEnded(string listener) => sessions.Add(-1, new KeyValuePair<string, object?>("listener", listener));

    // --- delivery's ---------------------------------------------------------------------------------------------

    public void Attempt(string account) => attempts.Add(1, Account(account));

    public void Connection(string account, bool opened) => connections.Add(1, new TagList { Account(account), { "result", opened ? "opened" : "failed" } });

    public void Sent(string account, string lane, TimeSpan sinceAccepted)
    {
        sent.Add(1, Account(account));
        latency.Record(sinceAccepted.TotalSeconds, new TagList { Account(account), { "lane", lane } });
    }

    public void Deferred(string account) => deferred.Add(1, Account(account));

    public void Bounced(string account) => bounced.Add(1, Account(account));

    public void Parked(string account) => parked.Add(1, Account(account));

    // --- notices' -----------------------------------------------------------------------------------------------

    public void Alert(string channel, bool delivered) =>
        alerts.Add(1, new TagList { { "channel", channel }, { "result", delivered ? "delivered" : "failed" } });

    // --- gauges, asked when somebody collects -------------------------------------------------------------------

    /// <param name="waiting">Messages by lane, and those held and parked.</param>
    /// <param name="oldestSeconds">Age of the oldest waiting message; zero where there is none.</param>
    public void ObserveQueue(Func<IEnumerable<(string Standing, int Messages)>> waiting, Func<long> octets, Func<double> oldestSeconds)
    {
        meter.CreateObservableGauge("smarthost.queue.messages",
            () => waiting().Select(part => new Measurement<int>(part.Messages, new KeyValuePair<string, object?>("standing", part.Standing))),
            "{message}", "Messages in the queue: by lane, held, parked");
        meter.CreateObservableGauge("smarthost.queue.size", octets, "By", "Octets in the queue");
        meter.CreateObservableGauge("smarthost.queue.oldest", oldestSeconds, "s", "Age of the oldest waiting message");
    }

    public void ObserveAccounts(Func<IEnumerable<AccountReading>> accounts)
    {
        meter.CreateObservableGauge("smarthost.account.paused",
            () => accounts().Select(reading => new Measurement<int>(reading.Paused ? 1 : 0, Account(reading.Account))), null, "1 while an account is paused");
        meter.CreateObservableGauge("smarthost.account.allowance.used",
            () => accounts().Select(reading => new Measurement<double>(reading.AllowanceUsed, Account(reading.Account))), "1", "Share of the 24-hour allowance that is spent");
        meter.CreateObservableGauge("smarthost.account.connections",
            () => accounts().Select(reading => new Measurement<int>(reading.Connections, Account(reading.Account))), "{connection}", "Open connections to Gmail");
    }

    /// <summary>For a listener that wants this set and not another of the same name.</summary>
    internal bool Owns(Instrument instrument) => instrument.Meter == meter;

    public void Dispose() => meter.Dispose();

    private static KeyValuePair<string, object?> Account(string name) => new("account", name);
}

/// <param name="AllowanceUsed">0 to 1, and beyond where other programs use the account too.</param>
public sealed record AccountReading(string Account, bool Paused, double AllowanceUsed, int Connections);
