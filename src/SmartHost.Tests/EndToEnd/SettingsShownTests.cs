using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using Serilog;
using Serilog.Core;
using Serilog.Events;
using SmartHost.Dashboard;
using SmartHost.Dashboard.Api;

namespace SmartHost.Tests.EndToEnd;

/// <summary>What becomes of settings that are changed while it runs: taken up, or said where people look.</summary>
[CancelAfter(60_000)]
public class SettingsShownTests
{
    [Test]
    public async Task A_mistake_is_shown_with_its_line_until_it_is_mended(CancellationToken cancellation)
    {
        var log = new Lines();
        await using var logger = new LoggerConfiguration().WriteTo.Sink(log).CreateLogger();
        await using var live = await LiveServer.StartAsync(cancellation, page: true, log: logger);
        using var script = live.Script();
        var sound = await File.ReadAllTextAsync(live.ConfigFile, cancellation);
        live.Edit(yaml => yaml.Replace("recipients:", "recipeints:"));
        await LiveServer.WaitAsync(() => live.Server.Flow.Settings.LastProblems.Any(problem => problem.IsError), cancellation);
        var problem = (await OverviewAsync(script, cancellation)).SettingsProblems[0];
        Assert.That(problem, Does.Contain("smarthost.yaml:").And.Contain("devices.test-device"));
        Assert.That(await PageAsync(script, cancellation), Does.Contain("The changed settings were not taken up").And.Contain(problem));
        Assert.That(await CheckAsync(script, cancellation), Has.Some.Contains("\"bad\"").And.Some.Contains("recipeints"));
        Assert.That(log.All, Has.Some.Contains("recipeints"));
        var wish = new AllowRequest("ups", ["192.168.1.40"], ["you@gmail.com"]);
        using (var refused = await script.PostAsJsonAsync("/api/v1/devices", wish, DashboardJson.Default.AllowRequest, cancellation))
        {
            Assert.That((await refused.Content.ReadFromJsonAsync(DashboardJson.Default.ApiProblem, cancellation))!.Problem,
                Is.EqualTo($"The settings have a mistake elsewhere, and until it is mended nothing can be changed: {problem}"), "it is not the wish that is wrong");
        }

        await File.WriteAllTextAsync(live.ConfigFile, sound, cancellation);
        await LiveServer.WaitAsync(() => live.Server.Flow.Settings.LastProblems.All(problem => !problem.IsError), cancellation);
        Assert.That(await PageAsync(script, cancellation), Does.Not.Contain("not taken up"));
    }

    [Test]
    public async Task What_waits_for_a_restart_says_so_and_the_rest_is_in_force(CancellationToken cancellation)
    {
        var log = new Lines();
        await using var logger = new LoggerConfiguration().WriteTo.Sink(log).CreateLogger();
        await using var live = await LiveServer.StartAsync(cancellation, page: true, log: logger);
        using var script = live.Script();
        live.Edit(yaml => yaml.Replace("devices:\n", "hostname: other.lan\nlog: { level: debug }\nhistory: { keepDays: 3 }\nqueue: { maxMessages: 1 }\ndevices:\n"));
        await LiveServer.WaitAsync(() => live.Server.Flow.Settings.AfterRestart.Count == 2, cancellation);
        var said = (await OverviewAsync(script, cancellation)).AfterRestart;
        Assert.That(said, Has.Some.StartsWith("hostname is other.lan now").And.Some.EqualTo("log changed, which takes effect after a restart"));
        var page = await PageAsync(script, cancellation);
        Assert.That(page, Does.Contain("Some changed settings wait for a restart").And.Contain(said[0]));
        Assert.That(page, Does.Not.Contain("were not taken up"));
        Assert.That(await CheckAsync(script, cancellation), Has.Some.Contains("log changed").And.Some.Contains("Restart SmartHost when it suits"));
        Assert.That(log.All, Has.Some.EqualTo("log changed, which takes effect after a restart"));

        // The queue's bound holds from now on: with one message waiting, the next is told to come later.
        await live.Gmail.GoOfflineAsync();
        Assert.That((await live.PlayAsync("Subject: a\r\n\r\n.\r\n"u8.ToArray(), ["you@example.com"], cancellation)).Succeeded);
        var refused = await live.PlayAsync("Subject: b\r\n\r\n.\r\n"u8.ToArray(), ["you@example.com"], cancellation);
        Assert.That(refused.Exchanges.Select(exchange => exchange.Code), Has.Member(452));
    }

    [Test]
    public async Task Ready_means_that_mail_is_taken_and_can_leave(CancellationToken cancellation)
    {
        await using var live = await LiveServer.StartAsync(cancellation, page: true, edit: yaml => yaml.Replace("devices:\n", "queue: { minFree: 1MB }\ndevices:\n"));
        using var probe = new HttpClient { BaseAddress = live.Page };
        Assert.That((await StatusAsync("/healthz"), await StatusAsync("/readyz")), Is.EqualTo((HttpStatusCode.OK, HttpStatusCode.OK)));

        live.Edit(yaml => yaml.Replace("minFree: 1MB", "minFree: 900000GB"));
        await LiveServer.WaitAsync(() => live.Server.Flow.Settings.Current.Queue.MinFree > 1L << 30, cancellation);
        Assert.That((await StatusAsync("/healthz"), await StatusAsync("/readyz")), Is.EqualTo((HttpStatusCode.OK, HttpStatusCode.ServiceUnavailable)));
        live.Edit(yaml => yaml.Replace("minFree: 900000GB", "minFree: 1MB"));
        await LiveServer.WaitAsync(() => live.Server.Flow.Settings.Current.Queue.MinFree < 1L << 30, cancellation);
        Assert.That(await StatusAsync("/readyz"), Is.EqualTo(HttpStatusCode.OK));

        live.Edit(yaml => yaml.Replace("abcd efgh ijkl mnop", "wron gwro ngwr ongw"));
        Assert.That((await live.PlayAsync("Subject: a\r\n\r\n.\r\n"u8.ToArray(), ["you@example.com"], cancellation)).Succeeded);
        await live.WaitForHealthAsync(SmartHost.Delivery.AccountHealth.Paused, cancellation);
        Assert.That((await StatusAsync("/healthz"), await StatusAsync("/readyz")), Is.EqualTo((HttpStatusCode.OK, HttpStatusCode.ServiceUnavailable)));

        async Task<HttpStatusCode> StatusAsync(string path)
        {
            using var answer = await probe.GetAsync(path, cancellation);
            return answer.StatusCode;
        }
    }

    private static async Task<OverviewReply> OverviewAsync(HttpClient script, CancellationToken cancellation) =>
        (await script.GetFromJsonAsync("/api/v1/overview", DashboardJson.Default.OverviewReply, cancellation))!;

    private static async Task<string> PageAsync(HttpClient script, CancellationToken cancellation) => WebUtility.HtmlDecode(await script.GetStringAsync("/", cancellation));

    /// <summary>The check's first lines, up to what it finds on this machine.</summary>
    private static async Task<List<string>> CheckAsync(HttpClient script, CancellationToken cancellation)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/v1/check");
        using var answer = await script.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellation);
        using var reader = new StreamReader(await answer.Content.ReadAsStreamAsync(cancellation));
        var lines = new List<string>();
        while (await reader.ReadLineAsync(cancellation) is { } line && !line.Contains("\"data folder\"", StringComparison.Ordinal)) lines.Add(line);
        return lines;
    }

    private sealed class Lines : ILogEventSink
    {
        private readonly List<string> lines = [];

        public string[] All
        {
            get { lock (lines) return [.. lines]; }
        }

        public void Emit(LogEvent logEvent)
        {
            lock (lines) lines.Add(logEvent.RenderMessage(CultureInfo.InvariantCulture).Trim('"'));
        }
    }
}
