using System.Text;
using System.Text.RegularExpressions;
using Microsoft.Playwright;
using SmartHost.Practice;
using SmartHost.Tests.EndToEnd;

namespace SmartHost.Tests.Dashboard;

/// <summary>A person at a browser, a device at the SMTP port and Gmail behind: the whole program, and what one does shows at the others.</summary>
[CancelAfter(90_000)]
public class WholeServerTests
{
    private static readonly byte[] Scan = Encoding.UTF8.GetBytes("Subject: Scan of a contract\r\n\r\nText.\r\n");

    [Test]
    public async Task An_unknown_device_is_allowed_in_the_browser_and_its_next_try_arrives(CancellationToken cancellation)
    {
        await using var live = await LiveServer.StartAsync(cancellation, page: true, edit: yaml => yaml.Replace("addresses: [127.0.0.1]", "addresses: [192.0.2.1]"));
        await using var context = await Browser.OpenAsync(live.Page);
        var page = await SignedInAsync(context);
        await Assertions.Expect(page.GetByRole(AriaRole.Heading, new() { Name = "Ready, and no mail in the last 24 hours" })).ToBeVisibleAsync();

        var refused = await live.PlayAsync(Scan, ["you@example.com"], cancellation);
        Assert.That(refused.Exchanges.Single(exchange => exchange.Sent?.StartsWith("RCPT", StringComparison.Ordinal) == true).Code, Is.EqualTo(550));

        await page.GotoAsync("/devices");
        await page.GetByRole(AriaRole.Link, new() { NameRegex = new Regex("^Allow 127.0.0.1") }).ClickAsync();
        await page.GetByLabel("Name").FillAsync("office-scanner");
        await Assertions.Expect(page.GetByLabel("May write to")).ToHaveValueAsync("you@example.com");
        await page.PressAsync("Allow");
        await page.ExpectDone().ToContainTextAsync("Its next try works");
        Assert.That(await File.ReadAllTextAsync(live.File("data/devices/office-scanner.yaml"), cancellation), Does.Contain("127.0.0.1").And.Contain("you@example.com"));

        // The list is open while the message comes in: it appears, and its end too, without a reload.
        await page.GotoAsync("/messages");
        await Assertions.Expect(page.GetByText("Live")).ToBeVisibleAsync();
        await page.EvaluateAsync("window.neverReloaded = true");
        var taken = await live.PlayAsync(Scan, ["you@example.com"], cancellation);
        Assert.That(taken.Succeeded, taken.Fault);
        var arrived = (await live.Gmail.WaitForAsync(1, cancellation))[0];
        Assert.That((arrived.Header("Subject"), arrived.Envelope.Recipients.Single().ToString()), Is.EqualTo(("Scan of a contract", "you@example.com")));
        var row = page.GetByRole(AriaRole.Link, new() { NameRegex = new Regex("^Scan of a contract") });
        await Assertions.Expect(row).ToContainTextAsync("office-scanner");
        await Assertions.Expect(row).ToContainTextAsync("sent");
        Assert.That(await page.EvaluateAsync<bool>("window.neverReloaded"));
        await row.ClickAsync();
        await Assertions.Expect(page.Locator("#message")).ToContainTextAsync("Gmail took it for every recipient.");
        await Assertions.Expect(page.Locator(".timeline")).ToContainTextAsync("Received");
    }

    [Test]
    public async Task A_parked_message_is_retried_from_its_page_and_arrives(CancellationToken cancellation)
    {
        await using var live = await LiveServer.StartAsync(cancellation, page: true);
        live.Gmail.Script.Add(PracticeStage.EndOfData, new Misbehaviour.Reply("550 5.7.1 Our system has detected that this message is likely unsolicited mail. - gsmtp"));
        await using var context = await Browser.OpenAsync(live.Page);
        var page = await SignedInAsync(context);
        await page.GotoAsync("/messages");
        Assert.That((await live.PlayAsync(Scan, ["you@example.com"], cancellation)).Succeeded);
        var row = page.GetByRole(AriaRole.Link, new() { NameRegex = new Regex("^Scan of a contract") });
        await Assertions.Expect(row).ToContainTextAsync("parked");
        await page.GotoAsync("/");
        await page.GetByRole(AriaRole.Link, new() { Name = "See what needs you" }).ClickAsync();
        await row.ClickAsync();
        await Assertions.Expect(page.Locator(".timeline")).ToContainTextAsync("likely unsolicited mail");
        await page.PressAsync("Retry now");
        await page.ExpectDone().ToHaveTextAsync("It is tried next.");
        Assert.That((await live.Gmail.WaitForAsync(1, cancellation))[0].Header("Subject"), Is.EqualTo("Scan of a contract"));
        await Assertions.Expect(page.Locator("#message .lead")).ToContainTextAsync("Gmail took it for every recipient.");
    }

    [Test]
    public async Task Mail_is_held_released_and_deleted_while_Gmail_is_away(CancellationToken cancellation)
    {
        await using var live = await LiveServer.StartAsync(cancellation, page: true);
        await live.Gmail.GoOfflineAsync();
        await using var context = await Browser.OpenAsync(live.Page);
        var page = await SignedInAsync(context);
        foreach (var subject in (string[])["To be kept", "To be gone"])
            Assert.That((await live.PlayAsync(Encoding.UTF8.GetBytes($"Subject: {subject}\r\n\r\n.\r\n"), ["you@example.com"], cancellation)).Succeeded);
        await page.GotoAsync("/messages");
        await page.GetByRole(AriaRole.Link, new() { NameRegex = new Regex("^To be kept") }).ClickAsync();
        await page.PressAsync("Hold");
        await page.ExpectDone().ToHaveTextAsync("Held: it waits until somebody releases it.");
        await page.GotoAsync("/messages");
        await page.GetByRole(AriaRole.Link, new() { NameRegex = new Regex("^To be gone") }).ClickAsync();
        await Assertions.Expect(page.GetByRole(AriaRole.Button, new() { Name = "Delete it for good" })).ToBeHiddenAsync();
        await page.GetByText("Delete…").ClickAsync();
        await page.PressAsync("Delete it for good");
        await page.ExpectDone().ToHaveTextAsync("Deleted.");
        live.Gmail.GoOnline();
        await page.GotoAsync("/messages?state=held");
        await page.GetByRole(AriaRole.Link, new() { NameRegex = new Regex("^To be kept") }).ClickAsync();
        await page.PressAsync("Release");
        await page.ExpectDone().ToHaveTextAsync("Released: it leaves next.");
        Assert.That((await live.Gmail.WaitForAsync(1, cancellation)).Select(message => message.Header("Subject")), Is.EqualTo(["To be kept"]));
        await LiveServer.WaitAsync(() => live.Server.Queue.Counts() is { Waiting: 0, Held: 0 }, cancellation);
        Assert.That(live.Gmail.Messages, Has.Count.EqualTo(1));
    }

    [Test]
    public async Task A_test_message_from_the_Check_page_is_watched_until_it_has_arrived(CancellationToken cancellation)
    {
        await using var live = await LiveServer.StartAsync(cancellation, page: true);
        await using var context = await Browser.OpenAsync(live.Page);
        var page = await SignedInAsync(context);
        await page.GetByRole(AriaRole.Link, new() { Name = "Check" }).ClickAsync();
        await page.GetByLabel("To").FillAsync("me@example.com");
        await page.PressAsync("Send it");
        await page.ExpectDone().ToHaveTextAsync("On its way. Watch it here.");
        await Assertions.Expect(page.Locator("#message .lead")).ToContainTextAsync("Gmail took it for every recipient.");
        Assert.That((await live.Gmail.WaitForAsync(1, cancellation))[0].Envelope.Recipients.Single().ToString(), Is.EqualTo("me@example.com"));
    }

    [Test]
    public async Task A_form_with_a_forged_token_does_nothing(CancellationToken cancellation)
    {
        await using var live = await LiveServer.StartAsync(cancellation, page: true);
        await live.Gmail.GoOfflineAsync();
        Assert.That((await live.PlayAsync(Scan, ["you@example.com"], cancellation)).Succeeded);
        await using var context = await Browser.OpenAsync(live.Page);
        var page = await SignedInAsync(context);
        await page.GotoAsync("/messages");
        await page.GetByRole(AriaRole.Link, new() { NameRegex = new Regex("^Scan of a contract") }).ClickAsync();
        await page.ForgeTokensAsync();
        await page.PressAsync("Hold");
        await Assertions.Expect(page.GetByRole(AriaRole.Heading, new() { Name = "Nothing was done" })).ToBeVisibleAsync();
        Assert.That(live.Server.Queue.Counts(), Has.Property("Waiting").EqualTo(1).And.Property("Held").Zero);
    }

    /// <summary>Everything that a stranger on the wire can put onto a page, said on the wire.</summary>
    [Test]
    public async Task A_hostile_device_gets_no_script_to_run(CancellationToken cancellation)
    {
        const string attack = "<img/src=x/onerror=document.title='owned'><script>document.title='owned'</script>";
        await using var live = await LiveServer.StartAsync(cancellation, page: true);
        await live.Gmail.GoOfflineAsync();
        var content = $"Subject: {attack}\r\nFrom: \"{attack}\" <a@b.example>\r\nX-Mailer: {attack}\r\nMessage-ID: <{attack}@x>\r\nMIME-Version: 1.0\r\nContent-Type: text/html; name=\"{attack}.html\"\r\n" +
            $"Content-Disposition: attachment; filename=\"{attack}.html\"\r\n\r\n{attack}\r\n";
        DeviceTurn[] begin = [DeviceTurn.Command($"HELO {attack}"), DeviceTurn.Command("MAIL FROM:<\"<script>alert(1)</script>\"@evil.example>")];
        var device = new PracticeDevice(TimeProvider.System, TimeSpan.FromSeconds(20));
        // A refusal with the stranger's words in it is shown among the devices.
        var refused = await device.PlayAsync("127.0.0.1", live.Port, [.. begin, DeviceTurn.Command("RCPT TO:<\"<script>alert(2)</script>\"@refused.example>")], cancellation);
        Assert.That(refused.Exchanges[3].Code, Is.EqualTo(550), refused.Fault);
        var taken = await device.PlayAsync("127.0.0.1", live.Port,
            [.. begin, DeviceTurn.Command("RCPT TO:<you@example.com>"), DeviceTurn.Command("DATA"), DeviceTurn.Message(Encoding.UTF8.GetBytes(content)), DeviceTurn.Command("QUIT")], cancellation);
        Assert.That(taken.Succeeded, taken.Fault);

        await using var context = await Browser.OpenAsync(live.Page);
        var page = await SignedInAsync(context);
        var console = new List<string>();
        page.Console += (_, line) => console.Add(line.Text);
        page.Dialog += (_, dialog) => { console.Add("a dialog opened"); _ = dialog.DismissAsync(); };
        var id = (await live.Server.Queue.SearchAsync(new(), cancellation)).Single().Id;
        var seen = 0;
        foreach (var path in (string[])["/", "/messages", $"/messages/{id}", "/devices", "/devices/%3Cscript%3Ealert(1)%3C%2Fscript%3E", "/messages/%3Cscript%3E", "/%3Cscript%3E", $"/sign-in?to=%2F{Uri.EscapeDataString(attack)}"])
        {
            await page.GotoAsync(path);
            foreach (var summary in await page.Locator("summary").AllAsync()) await summary.ClickAsync();
            seen += await page.GetByText("document.title='owned'").CountAsync();
            Assert.That(await page.TitleAsync(), Does.EndWith("· SmartHost").And.Not.StartWith("owned"), path);
        }
        Assert.That(seen, Is.GreaterThan(4), "what it wrote is shown, as text");
        Assert.That(console, Has.None.Contains("Content Security Policy").And.None.Contains("dialog"));

        // The file itself is handed out as something to keep, never as a page.
        var download = await page.RunAndWaitForDownloadAsync(async () =>
        {
            await page.GotoAsync($"/messages/{id}");
            await page.GetByRole(AriaRole.Link, new() { Name = "Download it" }).ClickAsync();
        });
        Assert.That(download.SuggestedFilename, Is.EqualTo($"{id}.eml"));
    }

    private static Task<IPage> SignedInAsync(IBrowserContext context) => Person.SignedInAsync(context, LiveServer.PagePassword);
}
