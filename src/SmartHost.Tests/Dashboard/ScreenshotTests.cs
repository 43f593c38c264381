using Microsoft.Playwright;
using SmartHost.Dashboard;
using SmartHost.Delivery;
using SmartHost.Mail;
using SmartHost.Notices;
using SmartHost.Queue;
using SmartHost.Tests.Queue;

namespace SmartHost.Tests.Dashboard;

/// <summary>Pictures of every page, for a person to look at: on demand, into the folder that SMARTHOST_SCREENSHOTS names.</summary>
[Explicit("Makes pictures; a person has to look at them")]
public class ScreenshotTests
{
    private static readonly string Folder = Environment.GetEnvironmentVariable("SMARTHOST_SCREENSHOTS") ?? Path.Combine(Path.GetTempPath(), "smarthost-screenshots");

    [Test]
    public async Task A_busy_house()
    {
        await using var bench = await DashboardBench.StartAsync();
        var parked = await FillAsync(bench);
        await PicturesAsync(bench, "busy", ["/", "/messages", $"/messages/{parked}", "/devices", "/devices/new?address=192.168.1.77", "/devices/office-scanner", "/check"], check: true);
    }

    [Test]
    public async Task A_house_with_trouble()
    {
        await using var bench = await DashboardBench.StartAsync();
        var parked = await FillAsync(bench);
        var now = bench.Time.GetUtcNow();
        bench.Accounts[0] = bench.Accounts[0] with
        {
            Health = AccountHealth.Paused, Sentence = "Gmail refused the app password of you@gmail.com.", NeedsPerson = true, Allowance = DashboardBench.AllButUrgentSpent.Allowance,
            Remedy = "Make a new app password at myaccount.google.com/apppasswords and put it into appPasswordFile.", Help = new Uri("https://support.google.com/accounts/answer/185833"),
            Since = now.AddHours(-2), NextProbe = now.AddMinutes(38),
        };
        bench.Troubles.Add(new AlertStanding(Alert.AccountPaused("default", "Gmail refused the app password of you@gmail.com.", "Make a new app password and put it into appPasswordFile.",
            new Uri("https://support.google.com/accounts/answer/185833"), now.AddMinutes(38), bench.Time, null), now.AddHours(-2), now.AddHours(-2), 1, 1, now.AddHours(-2)));
        bench.Deliveries.Add(new AlertDelivery(now.AddHours(-2), "webhook", "Gmail account default is paused", null, null));
        bench.Deliveries.Add(new AlertDelivery(now.AddHours(-2), "e-mail", "Gmail account default is paused", null, null, (await bench.Mail.AcceptAsync(QueueBench.Submission("smarthost", Lane.Urgent, subject: "[SmartHost] Gmail account default is paused"))).ToString()));
        bench.Deliveries.Add(new AlertDelivery(now.AddHours(-3), "webhook", "The disk is nearly full", "it answered 500", now.AddMinutes(5)));
        bench.Bridge = new BridgeWarning(System.Net.IPAddress.Parse("172.17.0.1"), "All 14 sessions so far came from 172.17.0.1, the gateway of a Docker network, so devices cannot be told apart by address.",
            "Use host networking or macvlan, or give devices a login.");
        bench.Knock("172.17.0.1");
        bench.AfterRestart.AddRange(["log changed, which takes effect after a restart", "listeners.lan changed, which takes effect after a restart"]);
        bench.Troubles.Add(new AlertStanding(Alert.MessageFailed("office-scanner", parked, "Scan from Konica Minolta", Mailbox.Parse("gone@example.com"), "550 5.1.1 The email account that you tried to reach does not exist."), now.AddMinutes(-40), now.AddMinutes(-4), 3, 1, now.AddMinutes(-40)));
        bench.Troubles.Add(new AlertStanding(Alert.Expiring("certificate", "The certificate of listener lan", now.AddDays(9), bench.Time, "Devices that check it cannot send then.", "Renew it in /etc/ssl/own.pem: a changed file is read by itself.", null), now.AddDays(-5), now, 1, 0, null));
        bench.SettingsProblems.Add("smarthost.yaml line 12: devices.office-scaner.recipient is no setting; write recipients.");
        await PicturesAsync(bench, "trouble", ["/", "/devices", "/devices/new?address=172.17.0.1"]);
    }

    [Test]
    public async Task A_house_that_waits()
    {
        await using var bench = await DashboardBench.StartAsync();
        await FillAsync(bench);
        for (var i = 0; i < 500; i++) await bench.Mail.AcceptAsync(QueueBench.Submission("nas", i % 5 == 0 ? Lane.Bulk : Lane.Normal, subject: $"Backup of folder {i} finished without errors"));
        await PicturesAsync(bench, "waiting", ["/", "/messages", "/messages?state=waiting"]);
    }

    [Test]
    public async Task A_new_house()
    {
        await using var bench = await DashboardBench.StartAsync();
        await PicturesAsync(bench, "new", ["/sign-in", "/", "/messages", "/devices"]);
    }

    private static async Task PicturesAsync(DashboardBench bench, string name, string[] paths, bool check = false)
    {
        Directory.CreateDirectory(Folder);
        foreach (var (width, height, device) in new[] { (390, 844, "phone"), (1280, 800, "desktop") })
        {
            foreach (var scheme in new[] { ColorScheme.Light, ColorScheme.Dark })
            {
                await using var context = await Browser.OpenAsync(bench.Address, width, height, scheme);
                var page = await context.NewPageAsync();
                for (var i = 0; i < paths.Length; i++)
                {
                    if (paths[i] != "/sign-in" && i <= 1)
                    {
                        await page.GotoAsync("/sign-in");
                        if (await page.GetByLabel("Password").CountAsync() > 0)
                        {
                            await page.GetByLabel("Password").FillAsync(DashboardBench.Password);
                            await page.GetByRole(AriaRole.Button, new() { Name = "Sign in" }).ClickAsync();
                        }
                    }
                    await page.GotoAsync(paths[i]);
                    if (check && paths[i] == "/check") await page.GetByRole(AriaRole.Button, new() { Name = "Run the check" }).ClickAsync();
                    var file = $"{name}-{i}{paths[i].Split('?')[0].Replace('/', '-').TrimEnd('-')}-{device}-{scheme.ToString().ToLowerInvariant()}.png";
                    await page.ScreenshotAsync(new() { Path = Path.Combine(Folder, file), FullPage = true });
                    // Nothing may stick out at the side of a phone.
                    Assert.That(await page.EvaluateAsync<int>("document.documentElement.scrollWidth"), Is.LessThanOrEqualTo(width), file);
                }
            }
        }
    }

    private static async Task<QueueId> FillAsync(DashboardBench bench)
    {
        // The clock only goes forwards, so the day is filled from its beginning.
        bench.AddDevice("office-scanner", "192.168.1.23/32", like: new() { Name = "", Recipients = SmartHost.Devices.AddressPatterns.Parse(["you@gmail.com", "*@example.com"], []), PerHour = 60, PerDay = 300 });
        bench.AddDevice("ups", "192.168.1.40/32", editable: false, like: new() { Name = "", Recipients = SmartHost.Devices.AddressPatterns.Parse(["you@gmail.com"], []), Priority = Lane.Urgent });
        bench.Devices[1] = bench.Devices[1] with { LastRefusal = "550 5.7.1 The device ups may not write to boss@example.com", LastRefusedAt = QueueBench.Start.AddHours(-3) };
        string[] names = ["warehouse-label-printer-2", "front-door-camera", "nas", "heating", "alarm", "copier-2nd-floor", "backup", "weather-station", "door-phone", "erp"];
        for (var i = 0; i < names.Length; i++) bench.AddDevice(names[i], $"192.168.1.{50 + i}/32", editable: i % 3 > 0);
        bench.CheckLines =
        [
            new("Settings", CheckResult.Good, "1 account, 2 devices, 1 listener."),
            new("Data folder", CheckResult.Good, "/data, 812 GB free."),
            new("DNS", CheckResult.Good, "smtp.gmail.com has 1 IPv4 and 1 IPv6 address."),
            new("IPv6", CheckResult.Doubtful, "No connection by IPv6; IPv4 is used.", "Nothing to do, unless you expect IPv6 to work."),
            new("Port 465", CheckResult.Bad, "No answer from smtp.gmail.com:465 within 10 seconds.", "Port 587 works, so mail leaves. To have the other as a spare, open 465 in the firewall."),
            new("Login", CheckResult.Good, "you@gmail.com, 458 of 500 recipients left."),
        ];
        var random = new Random(7);
        string[] subjects = ["Scan from Konica Minolta", "UPS: on battery", "Backup finished without errors", "Motion at the front door", "Invoice 2026-0311", "Weekly report"];
        for (var hour = 0; hour < 22; hour++)
        {
            for (var n = random.Next(0, hour is > 6 and < 18 ? 45 : 6); n > 0; n--)
            {
                await bench.Mail.AcceptAsync(QueueBench.Submission(random.Next(3) switch { 0 => "ups", 1 => "office-scanner", _ => names[random.Next(names.Length)] }, subject: subjects[random.Next(subjects.Length)]));
                await bench.Mail.SettleAsync(bench.Mail.Take(), ("you@gmail.com", random.Next(30) == 0 ? QueueBench.Bounced : QueueBench.Sent));
            }
            bench.Time.Advance(TimeSpan.FromHours(1));
        }
        var parked = await bench.Mail.AcceptAsync(QueueBench.Submission("office-scanner", to: ["you@gmail.com", "colleague@example.com"], subject: "Contract with a very long subject that no phone can show on one line, signed on 1 March 2026"));
        var message = bench.Mail.Take();
        bench.Time.Advance(TimeSpan.FromMinutes(3));
        await bench.Mail.Queue.SettleAsync(new Settlement(message.Id, [new(Mailbox.Parse("colleague@example.com"), QueueBench.Sent)],
        [
            new(bench.Time.GetUtcNow(), TimelineEvent.Attempt, "By account default, smtp.gmail.com:587."),
            new(bench.Time.GetUtcNow(), TimelineEvent.Sent, "Gmail took it.", Mailbox.Parse("colleague@example.com"), "250 2.0.0 OK  1709294400 a640c23a62f3a-a43d4e8b5a3si41234566b.123 - gsmtp"),
            new(bench.Time.GetUtcNow(), TimelineEvent.Parked, "Gmail calls its content spam.", Mailbox.Parse("you@gmail.com"), "550-5.7.1 [203.0.113.5] Our system has detected that this message is likely unsolicited mail. 550 5.7.1 To reduce the amount of spam sent to Gmail, this message has been blocked."),
        ], Park: "Gmail calls its content spam. Look at it; retry if it is harmless, delete it if not."), default);
        await bench.Mail.AcceptAsync(QueueBench.Submission("ups", Lane.Urgent, subject: "UPS: power is back"));
        await bench.Mail.SettleAsync(bench.Mail.Take(), ("you@gmail.com", bench.Mail.Deferred(TimeSpan.FromMinutes(5))));
        await bench.Mail.AcceptAsync(QueueBench.Submission("office-scanner", subject: null));
        await bench.Mail.Queue.HoldAsync((await bench.Mail.Queue.SearchAsync(new MessageSearch(Limit: 1), default))[0].Id, "held by a person", default);
        bench.Time.Advance(TimeSpan.FromMinutes(2));
        bench.Knock("192.168.1.77");
        for (var i = 0; i < 14; i++) bench.Knock("192.168.1.201", helo: "ESP32-CAM-garage-with-a-rather-long-name-that-somebody-gave-it.local", sender: "camera@home.arpa", recipient: "somebody.with.a.long.name@mail.subdomain.example.org");
        bench.Knock("fd12:3456:789a::1:23", helo: "localhost", recipient: null);
        for (var i = 0; i < bench.Devices.Count; i++) bench.Devices[i] = bench.Devices[i] with { LastSeen = bench.Time.GetUtcNow().AddMinutes(-2 - 3 * i) };
        return parked;
    }
}
