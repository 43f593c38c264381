using System.Diagnostics.Metrics;
using SmartHost.History;

namespace SmartHost.Tests.History;

public class MetersTests
{
    [Test]
    public void Every_verb_moves_its_instrument_and_labels_are_bounded_names()
    {
        using var meters = new Meters();
        var heard = new List<string>();
        using var listener = Listen(meters, heard);
        meters.Accepted("scanner", 1000);
        meters.Refused("unknown-device", null);
        meters.SessionStarted("lan");
        meters.SessionEnded("lan");
        meters.Attempt("default");
        meters.Connection("default", opened: false);
        meters.Sent("default", "urgent", TimeSpan.FromSeconds(2));
        meters.Deferred("default");
        meters.Bounced("default");
        meters.Parked("default");
        meters.Alert("webhook", delivered: true);
        Assert.That(heard, Is.EqualTo(
        [
            "smarthost.messages.accepted 1 device=scanner",
            "smarthost.messages.accepted.size 1000 device=scanner",
            "smarthost.messages.refused 1 reason=unknown-device device=unknown",
            "smarthost.sessions 1 listener=lan",
            "smarthost.sessions -1 listener=lan",
            "smarthost.delivery.attempts 1 account=default",
            "smarthost.delivery.connections 1 account=default result=failed",
            "smarthost.recipients.sent 1 account=default",
            "smarthost.delivery.duration 2 account=default lane=urgent",
            "smarthost.recipients.deferred 1 account=default",
            "smarthost.recipients.bounced 1 account=default",
            "smarthost.messages.parked 1 account=default",
            "smarthost.alerts 1 channel=webhook result=delivered",
        ]));
    }

    [Test]
    public void Gauges_are_asked_when_somebody_collects()
    {
        using var meters = new Meters();
        var heard = new List<string>();
        meters.ObserveQueue(() => [("urgent", 1), ("parked", 2)], () => 3000, () => 4.5);
        meters.ObserveAccounts(() => [new AccountReading("default", Paused: true, AllowanceUsed: 0.8, Connections: 2)]);
        using var listener = Listen(meters, heard);
        listener.RecordObservableInstruments();
        Assert.That(heard, Is.EquivalentTo(
        [
            "smarthost.queue.messages 1 standing=urgent",
            "smarthost.queue.messages 2 standing=parked",
            "smarthost.queue.size 3000",
            "smarthost.queue.oldest 4.5",
            "smarthost.account.paused 1 account=default",
            "smarthost.account.allowance.used 0.8 account=default",
            "smarthost.account.connections 2 account=default",
        ]));
    }

    private static MeterListener Listen(Meters meters, List<string> heard)
    {
        var listener = new MeterListener { InstrumentPublished = (instrument, self) => { if (meters.Owns(instrument)) self.EnableMeasurementEvents(instrument); } };
        listener.SetMeasurementEventCallback<int>((instrument, value, labels, _) => Hear(instrument, value, labels));
        listener.SetMeasurementEventCallback<long>((instrument, value, labels, _) => Hear(instrument, value, labels));
        listener.SetMeasurementEventCallback<double>((instrument, value, labels, _) => Hear(instrument, value, labels));
        listener.Start();
        return listener;

        void Hear(Instrument instrument, object value, ReadOnlySpan<KeyValuePair<string, object?>> labels) =>
            heard.Add(string.Join(' ', [$"{instrument.Name} {value}", .. labels.ToArray().Select(label => $"{label.Key}={label.Value}")]));
    }
}
