using System.Net;
using Microsoft.Extensions.Time.Testing;
using SmartHost.Dashboard;
using SmartHost.Dashboard.Pages;
using SmartHost.Delivery;
using SmartHost.Mail;
using SmartHost.Notices;
using SmartHost.Queue;
using SmartHost.Tests.Queue;

namespace SmartHost.Tests.Dashboard;

/// <summary>The words and numbers of the first look.</summary>
public class OverviewTests
{
    private static readonly QueueCounts Nothing = new(0, 0, 0, 0, 0, 0, null, null);
    private static readonly IReadOnlyList<TrafficHour> Quiet = [new(QueueBench.Start, 0, 0, 0)], Busy = [new(QueueBench.Start, Sent: 12, Waiting: 1, Failed: 0)];
    private static readonly AccountState Paused = DashboardBench.Healthy with { Name = "spare", Health = AccountHealth.Paused, Sentence = "Gmail refused the password." };

    [Test]
    public void The_headline_is_the_worst_thing_that_is_true()
    {
        AccountState[] one = [DashboardBench.Healthy], both = [DashboardBench.Healthy, Paused], none = [Paused];
        Assert.That(Headline([], Nothing, Quiet), Is.EqualTo((FlowState.Stopped, "No Gmail account is set up")));
        Assert.That(Headline(none, Nothing with { Parked = 1 }, Busy), Is.EqualTo((FlowState.Stopped, "Mail is taken, but not sent")));
        Assert.That(Headline(one, Nothing with { Parked = 2 }, Busy), Is.EqualTo((FlowState.Hampered, "2 messages need you")));
        Assert.That(Headline(both, Nothing, Busy), Is.EqualTo((FlowState.Hampered, "1 account is paused")));
        Assert.That(Flow.Of(both, Nothing with { Parked = 2 }, Busy, []), Is.EqualTo(new Flow(FlowState.Hampered, "1 account is paused", "Gmail refused the password. 2 messages need you. Nothing is waiting.")));
        Assert.That(Flow.Of(none, Nothing, Busy, [], "the disk is full"), Is.EqualTo(new Flow(FlowState.Stopped, "No mail is taken",
            "The disk is full. Devices are told to try again later, and mail is taken again by itself when this is mended. Nothing is waiting.")));
        Assert.That(Flow.Of(one, Nothing with { Normal = 1 }, Busy, [], unread: "The disk does not answer."), Is.EqualTo(new Flow(FlowState.Stopped, "Mail is taken, but not sent",
            "The disk does not answer. 1 message waits. Nothing is lost: it leaves as soon as this is mended.")));
        Assert.That(Headline(one, Nothing, Quiet), Is.EqualTo((FlowState.NoMailYet, "Ready, and no mail in the last 24 hours")));
        Assert.That(Headline(one, Nothing with { Normal = 1 }, Quiet), Is.EqualTo((FlowState.Flowing, "Mail is flowing")));
        Assert.That(Headline(one, Nothing, Busy), Is.EqualTo((FlowState.Flowing, "Mail is flowing")));
        Assert.That(Flow.Of(one, Nothing with { Normal = 3000 }, Busy, [], waited: TimeSpan.FromMinutes(15)).State, Is.EqualTo(FlowState.Flowing));
        Assert.That(Flow.Of(one, Nothing with { Normal = 3000 }, Busy, [], waited: TimeSpan.FromMinutes(20)), Is.EqualTo(new Flow(FlowState.Hampered, "Mail waits longer than usual",
            "The oldest has waited for 20 minutes. 3,000 messages wait. Under Messages each says why.")));
        AccountState spent = DashboardBench.AllButUrgentSpent;
        Assert.That(Flow.Of([spent], Nothing with { Urgent = 1, Normal = 240 }, Busy, []), Is.EqualTo(new Flow(FlowState.Hampered, "The day's allowance for normal mail is spent",
            "241 messages wait. That mail goes on as the 24 hours move on.")));
        Assert.That(Headline([spent], Nothing with { Urgent = 1 }, Busy).Item1, Is.EqualTo(FlowState.Flowing), "what is spent holds nothing up");
        Assert.That(Headline([spent, DashboardBench.Healthy], Nothing with { Normal = 1 }, Busy).Item1, Is.EqualTo(FlowState.Flowing));
        Assert.That(Flow.Of(one, Nothing, [], []), Is.EqualTo(new Flow(FlowState.Flowing, "Mail is flowing", "Nothing is waiting.")), "a day that could not be counted is not an empty one");

        static (FlowState, string) Headline(AccountState[] accounts, QueueCounts counts, IReadOnlyList<TrafficHour> traffic)
        {
            var flow = Flow.Of(accounts, counts, traffic, ["nas port 2525"]);
            return (flow.State, flow.Headline);
        }
    }

    [Test]
    public async Task Trouble_leads_to_its_message_and_strangers_are_told_of_in_one_line()
    {
        await using var bench = await DashboardBench.StartAsync();
        var (id, now) = (await bench.Mail.AcceptAsync(), bench.Time.GetUtcNow());
        bench.Troubles.Add(new AlertStanding(Alert.MessageParked("scanner", id, "Win a prize", "Gmail takes it for spam."), now, now, 1, 1, now));
        foreach (var address in new[] { "192.168.1.7", "192.168.1.8" })
        {
            bench.Knock(address);
            bench.Troubles.Add(new AlertStanding(Alert.UnknownDevice(address, "cam", null), now, now, 1, 1, now));
        }
        using var script = bench.Script();
        var page = await script.GetStringAsync("/");
        Assert.That(page, Does.Contain($"<a href=\"/messages/{id}\">Open the message</a>"));
        Assert.That(page, Does.Contain("2 unknown devices tried to send").And.Not.Contain("192.168.1.7"));
    }

    /// <summary>No webhook is set, and the failure report is mail: nobody is left in the dark.</summary>
    [Test]
    public async Task Failed_mail_that_is_reported_by_mail_is_not_called_unannounced()
    {
        await using var bench = await DashboardBench.StartAsync();
        var (id, now) = (await bench.Mail.AcceptAsync(), bench.Time.GetUtcNow());
        await bench.Mail.SettleAsync(bench.Mail.Take(), ("you@gmail.com", QueueBench.Bounced));
        bench.Troubles.Add(new AlertStanding(Alert.MessageFailed("scanner", id, "Scan", Mailbox.Parse("you@gmail.com"), "No such user."), now, now, 1, 0, null,
            new Unheard(now, "it goes by webhook alone, and none is set (alerts.webhook)")));
        using var script = bench.Script();
        Assert.That(await script.GetStringAsync("/"), Does.Contain("Its report by mail follows.").And.Not.Contain("Not announced"));
        var report = await bench.Mail.AcceptAsync(QueueBench.Submission("smarthost", to: ["boss@example.com"], reportsOn: id));
        Assert.That(await script.GetStringAsync("/"), Does.Contain($"Told boss@example.com in the report {report}.").And.Not.Contain("Not announced"));
        bench.Troubles[0] = bench.Troubles[0] with { Unheard = null, ToldAt = now, Told = 1 };
        Assert.That(await script.GetStringAsync("/"), Does.Contain("Announced just now. Told boss@example.com in the report"));
    }

    [Test]
    public async Task Where_a_report_goes_to_nobody_failed_mail_is_unannounced()
    {
        await using var bench = await DashboardBench.StartAsync();
        var (id, now) = (await bench.Mail.AcceptAsync(), bench.Time.GetUtcNow());
        await bench.Mail.SettleAsync(bench.Mail.Take(), ("you@gmail.com", QueueBench.Bounced));
        await bench.Mail.ReportedAsync(id);
        bench.Troubles.Add(new AlertStanding(Alert.MessageFailed("scanner", id, "Scan", Mailbox.Parse("you@gmail.com"), "No such user."), now, now, 1, 0, null, new Unheard(now, "no channel is set (alerts)")));
        using var script = bench.Script();
        Assert.That(await script.GetStringAsync("/"), Does.Contain("Not announced: no channel is set (alerts)."));
    }

    /// <summary>What kept a recipient waiting once is no reason for what is set aside now, and "nothing to do" is no advice for it.</summary>
    [Test]
    public async Task A_parked_message_shows_its_own_reason_alone()
    {
        await using var bench = await DashboardBench.StartAsync();
        var id = await bench.Mail.AcceptAsync();
        await bench.Mail.SettleAsync(bench.Mail.Take(), ("you@gmail.com", bench.Mail.Deferred(TimeSpan.Zero)));
        using var script = bench.Script();
        Assert.That(await script.GetStringAsync($"/messages/{id}"), Does.Contain("<p class=\"reply\">Busy.</p>"));
        await bench.Mail.Queue.SettleAsync(new Settlement(bench.Mail.Take().Id, [], [], Park: "Its content is missing."), default);
        Assert.That(await script.GetStringAsync($"/messages/{id}"), Does.Contain("Its content is missing.").And.Not.Contain("Busy.").And.Contain(">Retry now<"));
        Assert.That(Alert.MessageParked("scanner", id, "Scan", "Its content is missing.").Remedy, Is.EqualTo($"Retry or delete it: on its page in SmartHost, or by smarthost queue retry {id}."));
    }

    [Test]
    public async Task A_device_that_was_removed_is_offered_while_its_mail_is_listed()
    {
        await using var bench = await DashboardBench.StartAsync();
        bench.AddDevice("scanner", "192.168.1.23/32");
        await bench.Mail.AcceptAsync(QueueBench.Submission("old-camera"));
        using var script = bench.Script();
        Assert.That(await script.GetStringAsync("/messages"), Does.Contain("<option value=\"old-camera\"").And.Contain("<option value=\"scanner\""));
    }

    /// <summary>A page of the database is not what was written, or a file is not ours to read: who looks for the cause must find a page.</summary>
    [Test]
    public async Task What_cannot_be_read_takes_no_page_down()
    {
        var queue = await QueueBench.OpenAsync();
        for (var i = 0; i < 50; i++) await queue.AcceptAsync(QueueBench.Submission(to: [$"someone-with-a-long-address-number-{i}@example.com"], subject: new string('s', 150)));
        await queue.CloseAsync();
        await DamagedPageTests.DamageAsync(queue, "number-49@example.com");
        await queue.OpenQueueAsync();
        await using var bench = await DashboardBench.StartAsync(queue: queue);
        var now = bench.Time.GetUtcNow();
        bench.Troubles.Add(new AlertStanding(Alert.MessageParked("scanner", default, "Win a prize", "Gmail takes it for spam."), now, now, 1, 1, now));
        using var script = bench.Script();
        Assert.That(await script.GetStringAsync("/"), Does.Contain("Win a prize").And.Contain("is damaged").And.Not.Contain("No mail yet."));
        using var list = await script.GetAsync("/messages");
        Assert.That((list.StatusCode, bench.Log.Lines.Any(line => line.Contains("a bug"))), Is.EqualTo((HttpStatusCode.ServiceUnavailable, false)));
        Assert.That(await list.Content.ReadAsStringAsync(), Does.Contain("is damaged").And.Not.Contain("please report it"));
        Assert.That(await script.GetStringAsync("/api/v1/overview"), Does.Contain("Win a prize"));
    }

    [Test]
    public async Task Content_that_is_gone_leaves_the_rest_of_its_page()
    {
        await using var bench = await DashboardBench.StartAsync();
        var id = await bench.Mail.AcceptAsync(QueueBench.Submission(), content: new byte[300_000]);
        File.Delete(Path.Combine(bench.Mail.Folder, "content", $"{id}.eml"));
        using var script = bench.Script();
        Assert.That(await script.GetStringAsync($"/messages/{id}"), Does.Contain("Its content should be there and is not").And.Contain("you@gmail.com"));
        Directory.CreateDirectory(Path.Combine(bench.Mail.Folder, "content", $"{id}.eml"));
        Assert.That(await script.GetStringAsync($"/messages/{id}"), Does.Contain("It cannot be read: ").And.Contain("you@gmail.com"), "opening a folder is denied, as is a file of somebody else's");
    }

    [Test]
    public async Task What_its_account_keeps_back_is_not_about_to_leave()
    {
        await using var bench = await DashboardBench.StartAsync();
        var id = await bench.Mail.AcceptAsync();
        using var script = bench.Script();
        Assert.That(await script.GetStringAsync($"/messages/{id}"), Does.Contain("It is about to leave."));
        bench.Time.Advance(TimeSpan.FromHours(3));
        bench.Accounts[0] = Paused with { Name = "default", NextProbe = bench.Time.GetUtcNow().AddHours(2) };
        Assert.That(await script.GetStringAsync($"/messages/{id}"), Does.Contain("It waits: account default is paused, next try in 2 h: Gmail refused the password.").And.Not.Contain("3 h ago</time>.</p>"));
        bench.Accounts[0] = bench.Accounts[0] with { Remedy = "Which device sends them, and should it?" };
        Assert.That(await script.GetStringAsync($"/messages/{id}"), Does.Contain("and should it?</span>"), "no full stop behind a question mark");
        bench.Accounts[0] = DashboardBench.AllButUrgentSpent;
        Assert.That(await script.GetStringAsync($"/messages/{id}"), Does.Contain("It waits: account default has spent its 24-hour allowance for normal mail"));
        bench.Accounts[0] = bench.Accounts[0] with { Fallback = "Spare" };
        bench.Accounts.Add(Paused);
        Assert.That(await script.GetStringAsync($"/messages/{id}"), Does.Contain("It waits: account default has spent"));
        bench.Accounts[1] = DashboardBench.Healthy with { Name = "spare" };
        Assert.That(await script.GetStringAsync($"/messages/{id}"), Does.Contain("It is about to leave.").And.Not.Contain("It waits"), "its account's fallback carries it");
    }

    [Test]
    public async Task Only_what_a_channel_took_is_called_announced()
    {
        await using var bench = await DashboardBench.StartAsync();
        var now = bench.Time.GetUtcNow();
        var disk = Alert.DiskLow("/data", 1, 2);
        var unheard = new Unheard(now, "no channel is set (alerts)");
        using var script = bench.Script();
        Assert.That(await SaidAsync(new AlertStanding(disk, now, now, 1, 1, now)), Does.Contain("Announced just now."));
        Assert.That(await SaidAsync(new AlertStanding(disk, now, now, 1, 0, null)), Does.Contain("Not announced: the page alone tells of it so far."));
        Assert.That(await SaidAsync(new AlertStanding(disk, now, now, 1, 0, null, unheard)), Does.Contain("Not announced: no channel is set (alerts).").And.Not.Contain("Announced just now"));
        Assert.That(await SaidAsync(new AlertStanding(disk, now, now, 1, 1, now, unheard)), Does.Contain("Announced just now, and not since: no channel is set (alerts)."));
        var api = await script.GetStringAsync("/api/v1/alerts");
        Assert.That(api, Does.Contain("\"notTold\":\"no channel is set (alerts)\""));

        async Task<string> SaidAsync(AlertStanding standing)
        {
            bench.Troubles.Clear();
            bench.Troubles.Add(standing);
            return System.Net.WebUtility.HtmlDecode(await script.GetStringAsync("/"));
        }
    }

    [Test]
    public async Task A_headline_leads_to_what_it_speaks_of()
    {
        await using var bench = await DashboardBench.StartAsync();
        using var script = bench.Script();
        await bench.Mail.AcceptAsync();
        await bench.Mail.Queue.SettleAsync(new Settlement(bench.Mail.Take().Id, [], [], Park: "Gmail calls it spam."), default);
        Assert.That(await script.GetStringAsync("/"), Does.Contain("See what needs you").And.Not.Contain("See what to do"));
        bench.Accounts[0] = Paused;
        Assert.That(await script.GetStringAsync("/"), Does.Contain("<a href=\"#accounts\">See what to do</a>").And.Not.Contain("See what needs you"), "not the mail, the account stops it");
    }

    [Test]
    public async Task What_is_held_is_not_called_waiting()
    {
        await using var bench = await DashboardBench.StartAsync();
        using var script = bench.Script();
        await bench.Mail.Queue.HoldAsync(await bench.Mail.AcceptAsync(), "held by a person", default);
        Assert.That(await script.GetStringAsync("/"), Does.Contain("Nothing is waiting.").And.Contain("1 waiting or held"));
    }

    [Test]
    public async Task An_alert_by_mail_is_told_when_its_mail_is_sent()
    {
        await using var bench = await DashboardBench.StartAsync();
        var (id, now) = (await bench.Mail.AcceptAsync(), bench.Time.GetUtcNow());
        bench.Deliveries.Add(new AlertDelivery(now, "e-mail", "The disk is nearly full", null, null, id.ToString()));
        using var script = bench.Script();
        Assert.That(await Told(), Does.Contain($"/messages/{id}").And.Contain("waiting").And.Not.Contain("told"));
        await bench.Mail.SettleAsync(bench.Mail.Take(), ("you@gmail.com", QueueBench.Bounced));
        Assert.That(await Told(), Does.Contain("bounced"));

        async Task<string> Told() => (await script.GetStringAsync("/")).Split("The disk is nearly full")[1].Split("</li>")[0];
    }

    [Test]
    public async Task An_account_that_nothing_was_sent_by_yet_leads_to_the_check()
    {
        await using var bench = await DashboardBench.StartAsync();
        using var script = bench.Script();
        Assert.That(await script.GetStringAsync("/"), Does.Not.Contain("Test the login now"));
        bench.Accounts[0] = bench.Accounts[0] with { Port = null };
        Assert.That(await script.GetStringAsync("/"), Does.Contain("<a href=\"/check\">Test the login now</a>"));
    }

    // What the browser found us by, devices find too; behind a port that a container publishes, our own addresses are nobody else's.
    [TestCase("192.168.1.77:8025", null, "192.168.1.77 port 2525")]
    [TestCase("nas.local:8025", null, "nas.local port 2525")]
    [TestCase("[fd00::7]:8025", null, "fd00::7 port 2525")]
    [TestCase("localhost:8025", null, "192.168.1.10 port 2525")]
    [TestCase("127.0.0.1:8025", null, "192.168.1.10 port 2525")]
    [TestCase("nas.local", "192.168.1.5", "192.168.1.10 port 2525")]
    [TestCase("mail.example.com", null, "192.168.1.10 port 2525")]
    public async Task Devices_are_pointed_to_where_the_browser_is(string host, string? forwarded, string place)
    {
        await using var bench = await DashboardBench.StartAsync(settings => settings with { Hosts = ["*.example.com"] });
        using var script = bench.Script();
        script.DefaultRequestHeaders.Host = host;
        if (forwarded is not null) script.DefaultRequestHeaders.Add("X-Forwarded-For", forwarded);
        Assert.That(await script.GetStringAsync("/"), Does.Contain($"<strong class=\"mono\">{place}</strong>"));
        Assert.That(await script.GetStringAsync("/devices"), Does.Contain($"Point a device at {place}"));
    }

    [Test]
    public async Task Recipients_who_fared_alike_stand_together_the_worst_first()
    {
        await using var bench = await DashboardBench.StartAsync();
        var to = Enumerable.Range(1, 99).Select(number => $"member{number}@example.com").Prepend("gone@example.com").ToArray();
        var id = await bench.Mail.AcceptAsync(QueueBench.Submission(to: to));
        await bench.Mail.SettleAsync(bench.Mail.Take(), [.. to.Select(one => (one, one[0] == 'g' ? QueueBench.Bounced : QueueBench.Sent))]);
        using var script = bench.Script();
        var page = await script.GetStringAsync($"/messages/{id}");
        Assert.That(page, Does.Match("(?s)gone@example.com.*<strong>99 recipients</strong>.*member1@example.com, .*member5@example.com</p>.*<summary>and 94 more</summary>.*member99@example.com"));
        Assert.That(System.Text.RegularExpressions.Regex.Count(page, "<p class=\"reply\">"), Is.EqualTo(2));
    }

    [Test]
    public async Task Traffic_is_counted_by_hour_and_fate_and_forgets_after_a_day()
    {
        await using var bench = await QueueBench.OpenAsync();
        using var traffic = new Traffic(bench.Queue, bench.Time);
        await bench.AcceptAsync();
        await bench.SettleAsync(bench.Take(), ("you@gmail.com", QueueBench.Sent));
        bench.Time.Advance(TimeSpan.FromMinutes(59));
        await bench.AcceptAsync();
        await bench.SettleAsync(bench.Take(), ("you@gmail.com", QueueBench.Bounced));
        bench.Time.Advance(TimeSpan.FromMinutes(1));
        await bench.AcceptAsync();
        var deleted = await bench.AcceptAsync();
        await bench.Queue.DeleteAsync(deleted, default);
        var hours = await traffic.LastDayAsync(default);
        Assert.That(hours.TakeLast(2), Is.EqualTo(new TrafficHour[] { new(QueueBench.Start, 1, 0, 1), new(QueueBench.Start.AddHours(1), 0, 1, 0) }));
        bench.Time.Advance(TimeSpan.FromHours(23));
        Assert.That((await traffic.LastDayAsync(default))[0], Is.EqualTo(new TrafficHour(QueueBench.Start.AddHours(1), 0, 1, 0)));
    }

    [Test]
    public async Task A_day_of_many_thousands_is_counted_whole()
    {
        await using var bench = await QueueBench.OpenAsync();
        using var traffic = new Traffic(bench.Queue, bench.Time);
        await bench.AcceptAsync();
        await bench.SettleAsync(bench.Take(), ("you@gmail.com", QueueBench.Sent));
        bench.Time.Advance(TimeSpan.FromHours(2));
        await Task.WhenAll(Enumerable.Range(0, 5_001).Select(_ => bench.AcceptAsync()));
        var hours = await traffic.LastDayAsync(default);
        Assert.That((hours[^3].Sent, hours[^1].Waiting), Is.EqualTo((1, 5_001)));
    }

    [TestCase(0, "just now")]
    [TestCase(-30, "just now")]
    [TestCase(30, "in a moment")]
    [TestCase(-60, "1 min ago")]
    [TestCase(-59 * 60, "59 min ago")]
    [TestCase(-3570, "1 h ago")]
    [TestCase(7200, "in 2 h")]
    [TestCase(-86399, "24 h ago")]
    [TestCase(-86400, "28 Feb 13:00")]
    [TestCase(-86400 * 400, "25 Jan 2025")]
    public void Near_times_are_relative_and_far_ones_dates_of_the_servers_zone(int seconds, string text)
    {
        var time = new FakeTimeProvider(QueueBench.Start);
        time.SetLocalTimeZone(TimeZoneInfo.CreateCustomTimeZone("home", TimeSpan.FromHours(1), "home", "home"));
        var clock = new Clock(time);
        Assert.That(clock.Relative(QueueBench.Start.AddSeconds(seconds)), Is.EqualTo(text));
        Assert.That(clock.Exact(QueueBench.Start), Is.EqualTo("Sun 1 Mar 2026 13:00:00 +01:00"));
    }

    [Test]
    public async Task A_resolver_that_does_not_answer_holds_nobody_up_and_is_asked_once()
    {
        var time = new FakeTimeProvider();
        var answer = new TaskCompletionSource<string?>();
        var asked = 0;
        var names = new ReverseNames(time, _ => { asked++; return answer.Task; });
        var first = names.OfAsync(IPAddress.Loopback, default);
        time.Advance(TimeSpan.FromSeconds(1));
        Assert.That(await first, Is.Null);
        answer.SetResult("printer.lan");
        Assert.That(await names.OfAsync(IPAddress.Loopback, default), Is.EqualTo("printer.lan"));
        Assert.That(asked, Is.EqualTo(1));
    }

    [Test]
    public async Task Live_streams_are_few_and_end_when_the_page_goes()
    {
        await using var bench = await DashboardBench.StartAsync();
        using var script = bench.Script();
        script.Timeout = TimeSpan.FromSeconds(20);
        var streams = new List<HttpResponseMessage>();
        for (var i = 0; i < 32; i++) streams.Add(await script.GetAsync("/events", HttpCompletionOption.ResponseHeadersRead));
        Assert.That(streams.Select(stream => stream.StatusCode), Has.All.EqualTo(HttpStatusCode.OK));
        Assert.That((await script.GetAsync("/events", HttpCompletionOption.ResponseHeadersRead)).StatusCode, Is.EqualTo(HttpStatusCode.NoContent));
        using var reader = new StreamReader(await streams[0].Content.ReadAsStreamAsync());
        Assert.That(await reader.ReadLineAsync(), Is.EqualTo("retry: 3000"));
        await bench.Mail.AcceptAsync();
        Assert.That(await reader.ReadLineAsync(), Is.Empty);
        Assert.That(await reader.ReadLineAsync(), Is.EqualTo("data: changed"));
        foreach (var stream in streams) stream.Dispose();
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        HttpStatusCode again;
        do again = (await script.GetAsync("/events", HttpCompletionOption.ResponseHeadersRead, patience.Token)).StatusCode;
        while (again == HttpStatusCode.NoContent);
        Assert.That(again, Is.EqualTo(HttpStatusCode.OK));
    }
}
