using System.Diagnostics;

namespace SmartHost.Bench;

/// <summary>Each measure: both servers in turn, round by round; the medians and their ratio as a table row.</summary>
internal sealed class Measurements(Options options)
{
    private const int Kilobyte = 1024, Megabyte = 1024 * 1024;

    public async Task AcceptAsync()
    {
        Title("durable accepts a second, a connection each (processor ms a message)", "SmartHost", "Postfix");
        foreach (var (name, size, sessions, messages) in new[]
        {
            ("4 KB, 1 session", 4 * Kilobyte, 1, 1500), ("4 KB, 10 sessions", 4 * Kilobyte, 10, 4000), ("4 KB, 50 sessions", 4 * Kilobyte, 50, 4000),
            ("100 KB, 10 sessions", 100 * Kilobyte, 10, 1000), ("5 MB, 10 sessions", 5 * Megabyte, 10, 60),
        })
        {
            await CompareAsync(name, "0", higherIsBetter: true, async (prepare, label) =>
            {
                await using var sink = new Sink(TimeSpan.Zero, Path.GetTempPath());
                await using var relay = await Relay.StartAsync(label, prepare(Mode.Hold, sink));
                await BurstAsync(relay, label, Math.Min(50, messages), sessions, size); // warm-up
                var before = ProcessTree.ProcessorMilliseconds(relay.ProcessId);
                var elapsed = await BurstAsync(relay, label, messages, sessions, size);
                var processor = (ProcessTree.ProcessorMilliseconds(relay.ProcessId) - before) / messages;
                return (messages / elapsed.TotalSeconds, processor);
            });
        }
    }

    public async Task ForwardAsync()
    {
        foreach (var roundTrip in new[] { 0, 40 })
        {
            Title($"burst of 300 from 10 sessions to the sink, {roundTrip} ms round trip, messages/s (connections)", "SmartHost", "Postfix");
            await CompareAsync($"4 KB, end to end, {roundTrip} ms", "0", higherIsBetter: true, async (prepare, label) =>
            {
                await using var sink = new Sink(TimeSpan.FromMilliseconds(roundTrip), Path.GetTempPath());
                await using var relay = await Relay.StartAsync(label, prepare(Mode.Forward, sink));
                var load = new Load(relay.Port);
                var begin = Stopwatch.GetTimestamp();
                await load.BurstAsync(300, 10, 4 * Kilobyte);
                await ArrivedAsync(sink, load, label);
                return (300 / Stopwatch.GetElapsedTime(begin, sink.Arrived.Values.Max()).TotalSeconds, sink.Connections);
            }, reuse: true);
        }
    }

    public async Task LatencyAsync()
    {
        // The sink's line delays its answers by the whole round trip and nothing on the way there: half is added, the way of the last octet.
        var roundTrip = TimeSpan.FromMilliseconds(40);
        Title("from the device's 250 to the last octet at the sink, 10 messages/s, 40 ms round trip, median ms (connections)", "SmartHost", "Postfix");
        await CompareAsync("4 KB, paced", "0", higherIsBetter: false, async (prepare, label) =>
        {
            await using var sink = new Sink(roundTrip, Path.GetTempPath());
            await using var relay = await Relay.StartAsync(label, prepare(Mode.Forward, sink));
            var load = new Load(relay.Port);
            await load.PacedAsync(100, 10, 4 * Kilobyte);
            await ArrivedAsync(sink, load, label);
            return (Median(load.Accepted.Select(message => Stopwatch.GetElapsedTime(message.Value, sink.Arrived[message.Key]).TotalMilliseconds)) + roundTrip.TotalMilliseconds / 2, sink.Connections);
        }, reuse: true);
    }

    public async Task MemoryAsync()
    {
        Title("memory of all processes, MB: idle (and extra while 20 clients send 20 MB each)", "SmartHost", "Postfix");
        await CompareAsync("idle (extra)", "0", higherIsBetter: false, async (prepare, label) =>
        {
            await using var sink = new Sink(TimeSpan.Zero, Path.GetTempPath());
            await using var relay = await Relay.StartAsync(label, prepare(Mode.Hold, sink));
            var idle = ProcessTree.ProportionalMegabytes(relay.ProcessId);
            var sending = new Load(relay.Port).BurstAsync(20, 20, 20 * Megabyte);
            var peak = idle;
            while (!sending.IsCompleted)
            {
                peak = Math.Max(peak, ProcessTree.ProportionalMegabytes(relay.ProcessId));
                await Task.WhenAny(sending, Task.Delay(TimeSpan.FromMilliseconds(25), TimeProvider.System));
            }
            await sending;
            return (idle, peak - idle);
        });
    }

    public async Task StartAsync()
    {
        Title("from exec to the banner, ms (idle memory, MB)", "SmartHost", "Postfix");
        await CompareAsync("start", "0", higherIsBetter: false, async (prepare, label) =>
        {
            await using var sink = new Sink(TimeSpan.Zero, Path.GetTempPath());
            await using var relay = await Relay.StartAsync(label, prepare(Mode.Hold, sink));
            return (relay.StartMilliseconds, ProcessTree.ProportionalMegabytes(relay.ProcessId));
        });
    }

    private delegate Func<string, int, ProcessStartInfo> Prepare(Mode mode, Sink sink);

    private async Task CompareAsync(string name, string format, bool higherIsBetter, Func<Prepare, string, Task<(double Value, double Second)>> measure, bool reuse = false)
    {
        List<(double Value, double Second)> ours = [], theirs = [];
        for (var round = 0; round < options.Rounds; round++)
        {
            ours.Add(await measure((mode, sink) => Servers.SmartHost(options.Binary, mode, sink, options.Connections), "smarthost"));
            if (options.Postfix) theirs.Add(await measure((mode, sink) => Servers.Postfix(mode, sink, options.Connections, reuse), "postfix"));
        }
        var (our, second) = (Median(ours.Select(run => run.Value)), Median(ours.Select(run => run.Second)));
        if (theirs.Count == 0)
        {
            Console.WriteLine($"| {name} | {our.ToString(format)} ({second:0.0#}) | not installed | |");
            return;
        }
        var (their, theirSecond) = (Median(theirs.Select(run => run.Value)), Median(theirs.Select(run => run.Second)));
        Console.WriteLine($"| {name} | {our.ToString(format)} ({second:0.0#}) | {their.ToString(format)} ({theirSecond:0.0#}) | {(higherIsBetter ? our / their : their / our):0.0} × |");
    }

    private static async Task<TimeSpan> BurstAsync(Relay relay, string label, int messages, int sessions, int size)
    {
        if (SmtpSource.IsInstalled) return await SmtpSource.BurstAsync(relay.Port, messages, sessions, size);
        var load = new Load(relay.Port);
        var elapsed = await load.BurstAsync(messages, sessions, size);
        return load.Failures > 0 ? throw new InvalidOperationException($"{label}: {load.Failures} messages failed") : elapsed;
    }

    /// <summary>Waits for every message that a device heard 250 for.</summary>
    private static async Task ArrivedAsync(Sink sink, Load load, string label)
    {
        var begin = Stopwatch.GetTimestamp();
        while (!load.Accepted.Keys.All(sink.Arrived.ContainsKey))
        {
            if (Stopwatch.GetElapsedTime(begin) > TimeSpan.FromMinutes(2))
                throw new InvalidOperationException($"{label}: {load.Accepted.Count - sink.Arrived.Count} of {load.Accepted.Count} messages did not arrive in two minutes");
            await Task.Delay(TimeSpan.FromMilliseconds(5), TimeProvider.System);
        }
    }

    private static double Median(IEnumerable<double> values)
    {
        var sorted = values.Order().ToArray();
        return sorted.Length == 0 ? 0 : sorted[sorted.Length / 2];
    }

    private static void Title(string title, string first, string second) =>
        Console.WriteLine($"\n{title}, medians of the rounds\n\n| measure | {first} | {second} | ratio |\n|---|---|---|---|");
}
