using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.RegularExpressions;
using SmartHost.Dashboard.Api;
using SmartHost.Delivery;

namespace SmartHost.Tests.Dashboard;

/// <summary>What machines ask: probes and scrapers.</summary>
public partial class HealthTests
{
    [Test]
    public async Task Alive_and_ready_are_two_answers()
    {
        await using var bench = await DashboardBench.StartAsync();
        using var probe = bench.Visitor();
        probe.DefaultRequestHeaders.Host = "balancer.example.com";
        Assert.That((await probe.GetAsync("/healthz")).StatusCode, Is.EqualTo(HttpStatusCode.OK));
        Assert.That((await probe.GetAsync("/readyz")).StatusCode, Is.EqualTo(HttpStatusCode.OK));

        bench.Accounts[0] = bench.Accounts[0] with { Health = AccountHealth.Paused, Sentence = "Gmail refused the password of you@gmail.com." };
        Assert.That((await probe.GetAsync("/healthz")).StatusCode, Is.EqualTo(HttpStatusCode.OK));
        using var notReady = await probe.GetAsync("/readyz");
        var reply = await notReady.Content.ReadFromJsonAsync(DashboardJson.Default.HealthReply);
        Assert.That(notReady.StatusCode, Is.EqualTo(HttpStatusCode.ServiceUnavailable));
        Assert.That(reply!.Reasons, Is.EqualTo(new[] { "No Gmail account can send now; mail is kept. The page says why." }));
    }

    [TestCase("/healthz", HttpStatusCode.OK)]
    [TestCase("/readyz", HttpStatusCode.OK)]
    [TestCase("/sign-in", HttpStatusCode.OK)]
    [TestCase("/metrics", HttpStatusCode.Unauthorized)]
    public async Task Who_asks_by_HEAD_hears_what_GET_tells_and_no_body(string path, HttpStatusCode status)
    {
        await using var bench = await DashboardBench.StartAsync();
        using var probe = bench.Visitor();
        using var answer = await probe.SendAsync(new HttpRequestMessage(HttpMethod.Head, path));
        Assert.That((answer.StatusCode, await answer.Content.ReadAsStringAsync()), Is.EqualTo((status, "")));
        // The connection is still in step: a body would be read as the next answer.
        Assert.That((await probe.GetAsync("/healthz")).StatusCode, Is.EqualTo(HttpStatusCode.OK));
    }

    [Test]
    public async Task A_queue_that_cannot_be_read_takes_mail_and_sends_none()
    {
        await using var bench = await DashboardBench.StartAsync();
        await bench.Mail.AcceptAsync();
        bench.Mail.Fault = step => { if (step == "read") throw new IOException("Input/output error"); };
        Assert.That(bench.Mail.Queue.Take((_, _) => true), Is.Null);
        using var probe = bench.Visitor();
        using var notReady = await probe.GetAsync("/readyz");
        var reply = await notReady.Content.ReadFromJsonAsync(DashboardJson.Default.HealthReply);
        Assert.That((notReady.StatusCode, reply!.TakesMail), Is.EqualTo((HttpStatusCode.ServiceUnavailable, true)));
        Assert.That(reply.Reasons, Has.Exactly(1).StartsWith("Mail that waits cannot be read, so none is sent: "));
    }

    [Test]
    public async Task Whoever_is_about_to_stop_is_alive_and_not_ready()
    {
        await using var bench = await DashboardBench.StartAsync();
        using var probe = bench.Visitor();
        bench.BeginStop();
        Assert.That((await probe.GetAsync("/healthz")).StatusCode, Is.EqualTo(HttpStatusCode.OK));
        using var notReady = await probe.GetAsync("/readyz");
        Assert.That((await notReady.Content.ReadFromJsonAsync(DashboardJson.Default.HealthReply))!.Reasons, Is.EqualTo(new[] { "SmartHost is stopping." }));
    }

    [Test]
    public async Task Whoever_has_not_looked_at_its_accounts_says_nothing_of_them()
    {
        await using var bench = await DashboardBench.StartAsync();
        using var probe = bench.Visitor();
        bench.Accounts.Clear();
        using var notReady = await probe.GetAsync("/readyz");
        Assert.That((await notReady.Content.ReadFromJsonAsync(DashboardJson.Default.HealthReply))!.Reasons, Is.EqualTo(new[] { "SmartHost is starting. Ask again in a moment." }));
    }

    [Test]
    public async Task A_day_that_is_spent_for_all_lanes_sends_nothing_now()
    {
        await using var bench = await DashboardBench.StartAsync();
        using var probe = bench.Visitor();
        bench.Accounts[0] = DashboardBench.AllButUrgentSpent;
        Assert.That((await probe.GetAsync("/readyz")).StatusCode, Is.EqualTo(HttpStatusCode.OK));
        bench.Accounts[0] = DashboardBench.Healthy with { Allowance = DashboardBench.Healthy.Allowance with { Messages = 500 } };
        using var notReady = await probe.GetAsync("/readyz");
        var reply = await notReady.Content.ReadFromJsonAsync(DashboardJson.Default.HealthReply);
        Assert.That((notReady.StatusCode, reply!.TakesMail), Is.EqualTo((HttpStatusCode.ServiceUnavailable, true)));
        Assert.That(reply.Reasons.Single(), Does.StartWith("No Gmail account can send now"));
    }

    [Test]
    public async Task A_queue_that_takes_nothing_is_not_ready()
    {
        await using var bench = await DashboardBench.StartAsync(queueSettings: new() { Folder = "", MaxMessages = 1 });
        using var probe = bench.Visitor();
        await bench.Mail.AcceptAsync();
        using var notReady = await probe.GetAsync("/readyz");
        Assert.That(notReady.StatusCode, Is.EqualTo(HttpStatusCode.ServiceUnavailable));
        Assert.That((await notReady.Content.ReadFromJsonAsync(DashboardJson.Default.HealthReply))!.Reasons.Single(), Does.StartWith("The queue takes no mail: "));
    }

    [Test]
    public async Task Metrics_are_shown_to_whoever_may_see_them()
    {
        await using var bench = await DashboardBench.StartAsync();
        using var visitor = bench.Visitor();
        using var script = bench.Script();
        bench.Meters.Accepted("office-scanner", 1234);
        Assert.That((await visitor.GetAsync("/metrics")).StatusCode, Is.EqualTo(HttpStatusCode.Unauthorized));
        Assert.That(await script.GetStringAsync("/metrics"), Does.Match("smarthost_messages_accepted_total\\{[^}]*device=\"office-scanner\"[^}]*\\} 1"));
        bench.Settings = bench.Settings with { OpenMetrics = true };
        Assert.That((await visitor.GetAsync("/metrics")).StatusCode, Is.EqualTo(HttpStatusCode.OK));
    }

    /// <summary>A panel that asks for a number nobody counts stays empty for ever, and nobody notices.</summary>
    [Test]
    public async Task The_Grafana_dashboard_asks_for_numbers_that_exist()
    {
        await using var bench = await DashboardBench.StartAsync();
        bench.CountEverything();
        using var script = bench.Script();
        var counted = Names().Matches(await script.GetStringAsync("/metrics")).Select(match => match.Value).ToHashSet();
        var text = await File.ReadAllTextAsync(Path.Combine(Repository(), "configs", "grafana", "smarthost.json"));
        var asked = JsonDocument.Parse(text).RootElement.GetProperty("panels").EnumerateArray()
            .Where(panel => panel.TryGetProperty("targets", out _))
            .SelectMany(panel => panel.GetProperty("targets").EnumerateArray())
            .SelectMany(target => Names().Matches(target.GetProperty("expr").GetString()!)).Select(match => match.Value).ToHashSet();
        Assert.That(asked, Has.Count.GreaterThan(8));
        Assert.That(asked, Is.SubsetOf(counted));
    }

    private static string Repository([System.Runtime.CompilerServices.CallerFilePath] string path = "") => Path.GetFullPath(Path.Combine(Path.GetDirectoryName(path)!, "..", "..", ".."));

    [GeneratedRegex("\\b(smarthost|dotnet)_[a-z_]+")]
    private static partial Regex Names();
}
