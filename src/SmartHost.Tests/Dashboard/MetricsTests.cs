using System.Text;
using SmartHost.Practice;
using SmartHost.Tests.EndToEnd;
using SmartHost.Tests.Notices;

namespace SmartHost.Tests.Dashboard;

/// <summary>The numbers as a scraper and a collector get them from the whole server.</summary>
[CancelAfter(90_000)]
public class MetricsTests
{
    [Test]
    public async Task Metrics_are_Prometheus_text_by_its_conventions_and_counters_only_grow(CancellationToken cancellation)
    {
        using var folder = new TemporaryFolder();
        await using var gmail = await PracticeGmail.StartAsync(new(), TimeProvider.System);
        var (port, pagePort) = (RunningServer.FreePort(), RunningServer.FreePort());
        var config = RunningServer.WriteConfig(folder.Path, port, gmail, more: "  stranger: { addresses: [192.0.2.1], recipients: [\"*\"] }");
        await File.WriteAllTextAsync(config, (await File.ReadAllTextAsync(config, cancellation)).Replace("{ off: true }", $"{{ port: {pagePort}, address: 127.0.0.1, openMetrics: true }}"), cancellation);
        // A process of its own: meters are found by name throughout a process, and other tests have some of that name.
        await using var process = SmartHostProcess.Start(["run", "--config", config]);
        await process.WaitForBannerAsync(port, cancellation);
        using var scraper = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{pagePort}/") };

        Assert.That(await SmtpDevice.SendAsync(port, "first", 500, cancellation), Is.EqualTo(HandOver.Accepted));
        Assert.That(await SmtpDevice.SendAsync(port, "refused", 500, cancellation, "a@elsewhere.example"), Is.EqualTo(HandOver.NotSent));
        var first = await ScrapeAsync(sent: 1);
        Assert.That(await SmtpDevice.SendAsync(port, "second", 500, cancellation), Is.EqualTo(HandOver.Accepted));
        var second = await ScrapeAsync(sent: 2);

        var ours = second.Where(family => family.Name.StartsWith("smarthost_", StringComparison.Ordinal)).ToList();
        Assert.Multiple(() =>
        {
            Assert.That(ours.Select(family => family.Help), Has.All.Not.Null.And.All.Not.Empty);
            Assert.That(ours.Select(family => family.Name), Has.All.Match("^[a-z][a-z_]*[a-z]$"), "lower case and underscores");
            foreach (var family in second.Where(family => family.Type == "counter")) Assert.That(family.Name, Does.EndWith("_total"), "a counter says so");
            foreach (var family in ours.Where(family => family.Type != "counter")) Assert.That(family.Name, Does.Not.EndWith("_total"));
            // Base units: seconds and bytes, never milliseconds or megabytes.
            Assert.That(ours.Select(family => family.Name), Has.None.Match("milli|_ms|_kb|_mb|minutes|hours"));
        });

        // Labels are the configuration's names and our own words: whatever comes from outside would make a new series each.
        var labels = ours.SelectMany(family => family.Samples).SelectMany(sample => sample.Labels).Where(label => !label.Key.StartsWith("otel_", StringComparison.Ordinal)).ToList();
        Assert.That(labels.Select(label => label.Key).Distinct(), Is.SubsetOf(["device", "account", "listener", "lane", "standing", "reason", "result", "channel", "le"]));
        Assert.That(labels.Where(label => label.Key == "device").Select(label => label.Value).Distinct(), Is.EqualTo(["test-device"]));
        Assert.That(labels.Where(label => label.Key == "account").Select(label => label.Value).Distinct(), Is.EqualTo(["default"]));
        Assert.That(labels.Where(label => label.Key == "reason").Select(label => label.Value), Has.All.Match("^[a-z-]+$"));

        var before = first.Where(family => family.Type is "counter" or "histogram").SelectMany(family => family.Samples).ToDictionary(sample => sample.Id, sample => sample.Value);
        var after = second.SelectMany(family => family.Samples).ToDictionary(sample => sample.Id, sample => sample.Value);
        Assert.That(before, Has.Count.GreaterThan(20));
        foreach (var (id, value) in before) Assert.That(after[id], Is.GreaterThanOrEqualTo(value), id);
        Assert.That(Value(second, "smarthost_messages_accepted_total"), Is.EqualTo(2));
        Assert.That(Value(second, "smarthost_messages_refused_total"), Is.EqualTo(1));

        // Until the number is there: a result counts a moment after Gmail has the message, and a scrape soon after another gets that one's numbers.
        async Task<IReadOnlyList<MetricFamily>> ScrapeAsync(int sent)
        {
            while (true)
            {
                using var answer = await scraper.GetAsync("/metrics", cancellation);
                Assert.That(answer.Content.Headers.ContentType!.ToString(), Is.EqualTo("text/plain; version=0.0.4; charset=utf-8"));
                var families = PrometheusText.Parse(await answer.Content.ReadAsStringAsync(cancellation));
                if (families.Any(family => family.Name == "smarthost_recipients_sent_total") && Value(families, "smarthost_recipients_sent_total") >= sent && Value(families, "smarthost_sessions") == 0) return families;
                await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System, cancellation);
            }
        }

        static double Value(IEnumerable<MetricFamily> families, string name) => families.Single(family => family.Name == name).Samples.Sum(sample => sample.Value);
    }

    /// <summary>The real process, told by the environment alone, as a container is.</summary>
    [Test]
    public async Task Metrics_are_pushed_to_a_collector_that_the_environment_names(CancellationToken cancellation)
    {
        using var folder = new TemporaryFolder();
        await using var collector = await WebhookReceiver.StartAsync();
        await using var gmail = await PracticeGmail.StartAsync(new(), TimeProvider.System);
        var port = RunningServer.FreePort();
        var config = RunningServer.WriteConfig(folder.Path, port, gmail);
        await using var process = SmartHostProcess.Start(["run", "--config", config], new Dictionary<string, string>
        {
            ["OTEL_EXPORTER_OTLP_ENDPOINT"] = collector.Address.ToString(), ["OTEL_EXPORTER_OTLP_PROTOCOL"] = "http/protobuf", ["OTEL_METRIC_EXPORT_INTERVAL"] = "300", ["OTEL_SERVICE_NAME"] = "the-office",
        });
        await process.WaitForBannerAsync(port, cancellation);
        Assert.That(await SmtpDevice.SendAsync(port, "token", 500, cancellation), Is.EqualTo(HandOver.Accepted));
        await gmail.WaitForAsync(1, cancellation);
        // Protobuf carries text as it is, so that names can be looked for without its schema.
        var post = await collector.WaitForAsync(posted => Contains(posted, "smarthost.recipients.sent"), cancellation);
        Assert.Multiple(() =>
        {
            Assert.That((post.Path, post.ContentType), Is.EqualTo(("/v1/metrics", "application/x-protobuf")));
            foreach (var name in (string[])["smarthost.messages.accepted", "test-device", "service.name", "the-office", "smarthost.queue.messages"]) Assert.That(Contains(post, name), name);
        });
        Assert.That(await process.TerminateAsync(cancellation), Is.Zero);

        static bool Contains(Posted posted, string text) => posted.Octets.AsSpan().IndexOf(Encoding.UTF8.GetBytes(text)) >= 0;
    }
}
