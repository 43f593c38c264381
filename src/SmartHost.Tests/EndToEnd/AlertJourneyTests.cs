using System.Net;
using System.Text.Json;
using Microsoft.Extensions.Time.Testing;
using SmartHost.Delivery;
using SmartHost.Mail;
using SmartHost.Practice;
using SmartHost.Tests.Gmail;
using SmartHost.Tests.Notices;
using SmartHost.Tests.Practice;

namespace SmartHost.Tests.EndToEnd;

/// <summary>
/// From the cause of each alert to what the webhook's other side received, and to the page: the whole server, its clock
/// moved by the test where a minute or a day must pass.
/// </summary>
[CancelAfter(60_000)]
public class AlertJourneyTests
{
    private static readonly byte[] Note = "Subject: note\r\n\r\nText.\r\n"u8.ToArray();
    private WebhookReceiver webhook = null!;
    private FakeTimeProvider time = null!;

    [SetUp]
    public async Task OpenAsync() => (webhook, time) = (await WebhookReceiver.StartAsync(), new FakeTimeProvider(TimeProvider.System.GetUtcNow()));

    [TearDown]
    public async Task CloseAsync() => await webhook.DisposeAsync();

    [TestCase("json")]
    [TestCase("homeAssistant")]
    [TestCase("ntfy")]
    [TestCase("slack")]
    [TestCase("discord")]
    [TestCase("mattermost")]
    public async Task A_paused_account_is_told_in_the_receivers_form_and_so_is_its_end(string format, CancellationToken cancellation)
    {
        await using var live = await StartAsync(cancellation, $", format: {format}", edit: yaml => yaml.Replace("abcd efgh ijkl mnop", "wron gwro ngwr ongw"));
        Assert.That((await live.PlayAsync(Note, ["you@example.com"], cancellation)).Succeeded);
        await webhook.WaitForAsync(_ => true, cancellation);
        live.Edit(yaml => yaml.Replace("wron gwro ngwr ongw", "abcd efgh ijkl mnop"));
        // The settings are looked at now and then, by the clock that the test moves.
        await AdvanceUntilAsync(TimeSpan.FromSeconds(1), () => webhook.Posts.Length == 2, cancellation);
        var told = webhook.Posts.Select(post => Read(post, format)).ToList();
        Assert.Multiple(() =>
        {
            Assert.That(told[0].Title, Does.StartWith("Gmail account default is paused ("));
            Assert.That(told[0].Text, Does.Contain("All its mail is kept.").And.Contain("https://"));
            Assert.That(told[1].Title, Does.StartWith("Over: Gmail account default is paused ("));
            Assert.That(told[1].Text, Does.Contain("It lasted"));
        });
        await live.Gmail.WaitForAsync(1, cancellation);
    }

    [Test]
    public async Task A_failed_message_is_told(CancellationToken cancellation)
    {
        await using var live = await StartAsync(cancellation);
        live.Gmail.Script.Add(PracticeStage.Rcpt, new Misbehaviour.Reply("550 5.1.1 The email account that you tried to reach does not exist. - gsmtp"));
        Assert.That((await live.PlayAsync(Note, ["gone@example.com"], cancellation)).Succeeded);
        var told = await ToldAsync("MessageFailed", live, cancellation);
        Assert.That(told.GetProperty("text").GetString(), Does.Contain("“note” to gone@example.com was given up"));
    }

    [Test]
    public async Task A_parked_message_is_told(CancellationToken cancellation)
    {
        await using var live = await StartAsync(cancellation);
        live.Gmail.Script.Add(PracticeStage.EndOfData, new Misbehaviour.Reply("550 5.7.1 This message is likely unsolicited mail. - gsmtp"));
        Assert.That((await live.PlayAsync(Note, ["you@example.com"], cancellation)).Succeeded);
        var told = await ToldAsync("MessageParked", live, cancellation);
        Assert.That(told.GetProperty("title").GetString(), Does.StartWith("A message of test-device needs you"));
        Assert.That(told.GetProperty("remedy").GetString(), Does.StartWith("Retry or delete it: ").And.EndWith($"smarthost queue retry {(await live.Server.Queue.SearchAsync(new SmartHost.Queue.MessageSearch(), cancellation)).Single().Id}."));
    }

    [Test]
    public async Task Mail_that_waits_too_long_is_told_once(CancellationToken cancellation)
    {
        await using var live = await StartAsync(cancellation, edit: yaml => yaml.Replace("delivery: { ", "delivery: { lateNotice: 2h, "));
        await live.Gmail.GoOfflineAsync();
        Assert.That((await live.PlayAsync(Note, ["you@example.com"], cancellation)).Succeeded);
        await AdvanceUntilAsync(TimeSpan.FromMinutes(10), () => webhook.Posts.Any(post => post.Body.Contains("MailLate", StringComparison.Ordinal)), cancellation);
        var told = await ToldAsync("MailLate", live, cancellation, onPage: false);
        Assert.That(told.GetProperty("text").GetString(), Does.StartWith("“note” has waited for 2"));
        var begin = time.GetUtcNow();
        await AdvanceUntilAsync(TimeSpan.FromMinutes(10), () => time.GetUtcNow() - begin > TimeSpan.FromHours(3), cancellation);
        Assert.That(webhook.Posts.Count(post => post.Body.Contains("MailLate", StringComparison.Ordinal)), Is.EqualTo(1));
    }

    [Test]
    public async Task A_filling_disk_is_told_and_so_is_its_end(CancellationToken cancellation)
    {
        await using var live = await StartAsync(cancellation, ", diskLow: 900000GB");
        var told = await ToldAsync("DiskLow", live, cancellation);
        Assert.That(told.GetProperty("title").GetString(), Does.StartWith("The disk is nearly full"));
        live.Edit(yaml => yaml.Replace("diskLow: 900000GB", "diskLow: 1MB"));
        await AdvanceUntilAsync(TimeSpan.FromSeconds(5), () => webhook.Posts.Any(post => post.Body.Contains("Over: The disk", StringComparison.Ordinal)), cancellation);
        await AdvanceUntilAsync(TimeSpan.FromSeconds(5), () => live.Server.Flow.Alerts.Snapshot.Troubles.Count == 0, cancellation);
    }

    [Test]
    public async Task Four_fifths_of_the_allowance_are_told(CancellationToken cancellation)
    {
        await using var live = await StartAsync(cancellation, edit: yaml => yaml.Replace("dailyRecipients: 1000000", "dailyRecipients: 5"));
        Assert.That((await live.PlayAsync(Note, ["a@example.com", "b@example.com", "c@example.com", "d@example.com"], cancellation)).Succeeded);
        await live.Gmail.WaitForAsync(1, cancellation);
        await AdvanceUntilAsync(TimeSpan.FromSeconds(5), () => webhook.Posts.Length > 0, cancellation);
        var told = await ToldAsync("AllowanceHigh", live, cancellation);
        Assert.That(told.GetProperty("title").GetString(), Does.Contain("80 %"));
        // A day later it is spent no more.
        await AdvanceUntilAsync(TimeSpan.FromHours(1), () => webhook.Posts.Any(post => post.Body.Contains("Over: ", StringComparison.Ordinal)), cancellation);
    }

    [Test]
    public async Task A_new_unknown_device_is_told(CancellationToken cancellation)
    {
        await using var live = await StartAsync(cancellation, edit: yaml => yaml.Replace("addresses: [127.0.0.1]", "addresses: [192.0.2.1]"));
        await live.PlayAsync(Note, ["you@example.com"], cancellation);
        // On the page one line tells of all of them.
        var told = await ToldAsync("UnknownDevice", live, cancellation, onPage: false);
        using var script = live.Script();
        Assert.That(await script.GetStringAsync("/", cancellation), Does.Contain("1 unknown device tried to send"));
        Assert.That(told.GetProperty("text").GetString(), Is.EqualTo("It called itself device and wrote as scanner@device.lan. It was refused."));
    }

    [Test]
    public async Task A_certificate_about_to_end_is_told_and_its_renewal_ends_that(CancellationToken cancellation)
    {
        using var folder = new TemporaryFolder();
        var (certificate, key) = (folder.File("own.pem"), folder.File("own-key.pem"));
        OwnCertificate.Write(certificate, key, time.GetUtcNow().AddDays(13));
        await using var live = await StartAsync(cancellation, edit: yaml => yaml.Replace("address: 127.0.0.1 }\nd", $"address: 127.0.0.1, certificateFile: {certificate}, keyFile: {key} }}\nd"));
        var told = await ToldAsync("Expiring", live, cancellation);
        Assert.That(told.GetProperty("title").GetString(), Does.StartWith("The certificate of listener lan ends on "));
        Assert.That(told.GetProperty("remedy").GetString(), Does.Contain(certificate));
        Assert.That(await CheckLineAsync(live, "The certificate of listener lan", cancellation), Does.Contain("\"doubtful\""));
        OwnCertificate.Write(certificate, key, time.GetUtcNow().AddDays(90));
        await AdvanceUntilAsync(TimeSpan.FromSeconds(5), () => webhook.Posts.Any(post => post.Body.Contains("Over: The certificate", StringComparison.Ordinal)), cancellation);
        Assert.That(await CheckLineAsync(live, "The certificate of listener lan", cancellation), Does.Contain("\"good\""));
    }

    /// <summary>The seven days of a client in “Testing”: Google says so with every token, so nobody need wait for the mail to stop.</summary>
    [Test]
    public async Task A_consent_about_to_end_is_told_and_a_lasting_one_ends_that(CancellationToken cancellation)
    {
        await using var tokens = await PracticeTokens.StartAsync(TimeProvider.System, cancellation: cancellation);
        await using var google = await TokenEndpoint.StartAsync();
        var lasts = """, "refresh_token_expires_in": 200000""";
        google.Answer = _ => Task.FromResult((200, $$"""{"access_token": "{{tokens.IssueAccessToken(Mailbox.Parse("you@gmail.com")).Reveal()}}", "expires_in": 3599{{lasts}}}"""));
        await using var live = await StartAsync(cancellation, gmail: new PracticeSettings { AcceptsToken = tokens.Accepts }, tokenEndpoint: google.Uri,
            edit: yaml => yaml.Replace("appPassword: abcd efgh ijkl mnop", "oauth: { clientId: c, clientSecret: s, refreshToken: r }"));
        Assert.That((await live.PlayAsync(Note, ["you@example.com"], cancellation)).Succeeded);
        await live.Gmail.WaitForAsync(1, cancellation);
        await AdvanceUntilAsync(TimeSpan.FromSeconds(5), () => webhook.Posts.Length > 0, cancellation);
        var told = await ToldAsync("Expiring", live, cancellation);
        Assert.That(told.GetProperty("title").GetString(), Does.StartWith("Google's consent for account default ends on "));
        Assert.That(told.GetProperty("remedy").GetString(), Does.Contain("“In production”"));

        // Published and logged in anew: the next token says nothing of an end.
        lasts = "";
        time.Advance(TimeSpan.FromHours(2));
        Assert.That((await live.PlayAsync(Note, ["you@example.com"], cancellation)).Succeeded);
        await live.Gmail.WaitForAsync(2, cancellation);
        await AdvanceUntilAsync(TimeSpan.FromSeconds(5), () => webhook.Posts.Any(post => post.Body.Contains("Over: Google", StringComparison.Ordinal)), cancellation);
    }

    [Test]
    public async Task What_repeats_is_folded_and_a_webhook_that_is_down_is_tried_again_and_seen(CancellationToken cancellation)
    {
        await using var live = await StartAsync(cancellation);
        using var script = live.Script();
        webhook.Status = 503;
        live.Gmail.Script.Add(new PracticeRule(PracticeStage.Rcpt, new Misbehaviour.Reply("550 5.1.1 The email account that you tried to reach does not exist. - gsmtp")) { Times = 100 });
        Assert.That((await live.PlayAsync(Note, ["gone@example.com"], cancellation)).Succeeded);
        await webhook.WaitForAsync(_ => true, cancellation);
        for (var i = 0; i < 2; i++) Assert.That((await live.PlayAsync(Note, ["gone@example.com"], cancellation)).Succeeded);
        await LiveServer.WaitAsync(() => live.Server.Flow.Alerts.Snapshot.Troubles is [{ Count: 3 }] && live.Server.Flow.Alerts.Snapshot.Deliveries.Count > 0, cancellation);
        Assert.That(webhook.Posts, Has.Length.EqualTo(1), "one announcement, however many messages");
        Assert.That(await script.GetStringAsync("/", cancellation), Does.Contain("it answered 503").And.Contain("trying"));
        webhook.Status = 200;
        await AdvanceUntilAsync(TimeSpan.FromSeconds(1), () => webhook.Posts.Length == 2, cancellation);
        await LiveServer.WaitAsync(() => live.Server.Flow.Alerts.Snapshot.Deliveries[0].Problem is null, cancellation);
        Assert.That(await script.GetStringAsync("/", cancellation), Does.Contain(">told<"));
        await AdvanceUntilAsync(TimeSpan.FromSeconds(30), () => webhook.Posts.Length == 3, cancellation);
        Assert.That(JsonDocument.Parse(webhook.Posts[2].Octets).RootElement.GetProperty("text").GetString(), Does.Contain("And 1 more like it within "));
    }

    private Task<LiveServer> StartAsync(CancellationToken cancellation, string alerts = "", Func<string, string>? edit = null, PracticeSettings? gmail = null, Uri? tokenEndpoint = null) =>
        LiveServer.StartAsync(cancellation, gmail, edit, $"alerts: {{ webhook: \"{webhook.Address}hook\"{alerts} }}", page: true, time, tokenEndpoint: tokenEndpoint);

    /// <summary>The announcement of that kind, when it has come; the page must tell of it too.</summary>
    private async Task<JsonElement> ToldAsync(string kind, LiveServer live, CancellationToken cancellation, bool onPage = true)
    {
        var post = await webhook.WaitForAsync($"\"kind\":\"{kind}\"", cancellation);
        Assert.That((post.Path, post.ContentType), Is.EqualTo(("/hook", "application/json; charset=utf-8")));
        var told = JsonDocument.Parse(post.Octets).RootElement;
        await LiveServer.WaitAsync(() => live.Server.Flow.Alerts.Snapshot.Deliveries.Count > 0, cancellation);
        using var script = live.Script();
        var page = WebUtility.HtmlDecode(await script.GetStringAsync("/", cancellation));
        if (onPage) Assert.That(page, Does.Contain($"<h3>{told.GetProperty("title").GetString()!.Split(" (")[0]}"));
        Assert.That(page, Does.Contain("Alerts sent").And.Contain("By webhook"));
        return told;
    }

    private static async Task<string> CheckLineAsync(LiveServer live, string name, CancellationToken cancellation)
    {
        using var script = live.Script();
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/v1/check");
        using var answer = await script.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellation);
        using var reader = new StreamReader(await answer.Content.ReadAsStreamAsync(cancellation));
        while (await reader.ReadLineAsync(cancellation) is { } line)
            if (line.Contains($"\"name\":\"{name}", StringComparison.Ordinal)) return line;
        throw new AssertionException($"the check says nothing of {name}");
    }

    private async Task AdvanceUntilAsync(TimeSpan step, Func<bool> condition, CancellationToken cancellation)
    {
        while (!condition())
        {
            time.Advance(step);
            // What a step set off may be on a wire of the real world.
            await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, cancellation);
        }
    }

    private static (string Title, string Text) Read(Posted post, string format)
    {
        if (format == "ntfy")
        {
            Assert.That((post.ContentType, post.Headers["Tags"]), Is.EqualTo(("text/plain; charset=utf-8", post.Headers["Title"].StartsWith("Over", StringComparison.Ordinal) ? "white_check_mark" : "warning")));
            return (post.Headers["Title"], post.Body);
        }
        var json = JsonDocument.Parse(post.Octets).RootElement;
        var text = format switch
        {
            "slack" or "mattermost" => json.GetProperty("text").GetString()!,
            "discord" => json.GetProperty("content").GetString()!,
            _ => $"{json.GetProperty("title").GetString()}\n{json.GetProperty("message").GetString()}",
        };
        var lines = text.Split('\n', 2);
        return (lines[0].Trim('*'), lines[1]);
    }
}
