using System.Text;
using System.Text.RegularExpressions;
using Microsoft.Playwright;
using SmartHost.Dashboard;
using SmartHost.Mail;
using SmartHost.Queue;
using SmartHost.Tests.Queue;

namespace SmartHost.Tests.Dashboard;

/// <summary>What a person does, in a real browser. Each test has a server and a profile of its own, so they run side by side.</summary>
[Parallelizable(ParallelScope.Children)]
public class BrowserTests
{
    private static readonly string[] Client = ["192.168.1.77"], Prefilled = ["you@gmail.com"];

    [Test]
    public async Task Signing_in_with_a_wrong_password_says_so_and_is_slowed()
    {
        await using var bench = await DashboardBench.StartAsync();
        await using var context = await Browser.OpenAsync(bench.Address);
        var page = await context.NewPageAsync();
        await page.GotoAsync("/devices");
        for (var i = 0; i < 3; i++)
        {
            await Person.PasswordAsync(page, "guess");
            await Assertions.Expect(page.GetByRole(AriaRole.Alert)).ToHaveTextAsync("That is not the password. Letter case matters.");
        }
        await Person.PasswordAsync(page, DashboardBench.Password);
        await Assertions.Expect(page.GetByRole(AriaRole.Alert)).ToHaveTextAsync("Too many wrong passwords. Try again in 1 second.");
        bench.Time.Advance(TimeSpan.FromSeconds(1));
        await Person.PasswordAsync(page, DashboardBench.Password);
        await Assertions.Expect(page.GetByRole(AriaRole.Heading, new() { Name = "Devices" })).ToBeVisibleAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Sign out" }).ClickAsync();
        await page.GotoAsync("/");
        await Assertions.Expect(page.GetByLabel("Password")).ToBeVisibleAsync();
    }

    [TestCase(true)]
    [TestCase(false)]
    public async Task An_unknown_device_is_allowed_with_what_it_tried(bool script)
    {
        await using var bench = await DashboardBench.StartAsync();
        bench.Knock("192.168.1.77");
        await using var context = await Browser.OpenAsync(bench.Address, script: script);
        var page = await Person.SignedInAsync(context);
        await page.GetByRole(AriaRole.Link, new() { Name = "See who, and allow what is yours" }).ClickAsync();
        await Assertions.Expect(page.GetByText("KM-C258")).ToBeVisibleAsync();
        await page.GetByRole(AriaRole.Link, new() { NameRegex = new Regex("^Allow 192.168.1.77") }).ClickAsync();
        await Assertions.Expect(page.GetByLabel("Name")).ToHaveValueAsync("km-c258");
        await Assertions.Expect(page.GetByLabel("May write to")).ToHaveValueAsync("you@gmail.com");
        await page.GetByLabel("Name").FillAsync("scanner");
        await page.GetByRole(AriaRole.Button, new() { Name = "Allow" }).ClickAsync();
        await Assertions.Expect(page.GetByRole(AriaRole.Status)).ToContainTextAsync("Its next try works");
        var allowed = bench.Allowed.Single();
        Assert.That((allowed.Name, allowed.Priority, allowed.PerHour), Is.EqualTo(("scanner", Lane.Normal, (int?)null)));
        Assert.That((allowed.Addresses, allowed.Recipients), Is.EqualTo((Client, Prefilled)));
        await Assertions.Expect(page.GetByText("192.168.1.77", new() { Exact = true })).ToHaveCountAsync(1);
    }

    [Test]
    public async Task A_mistaken_form_comes_back_as_it_was_written()
    {
        await using var bench = await DashboardBench.StartAsync();
        bench.AddDevice("scanner", "192.168.1.23/32");
        await using var context = await Browser.OpenAsync(bench.Address);
        var page = await Person.SignedInAsync(context);
        await page.GotoAsync("/devices/scanner");
        await page.GetByLabel("Addresses").FillAsync("192.168.1.300");
        await page.GetByLabel("May write to").FillAsync("someone");
        await page.GetByRole(AriaRole.Button, new() { Name = "Save" }).ClickAsync();
        await Assertions.Expect(page.GetByRole(AriaRole.Alert)).ToContainTextAsync("“192.168.1.300” is neither an address");
        await Assertions.Expect(page.GetByRole(AriaRole.Alert)).ToContainTextAsync("“someone” is neither an address");
        await Assertions.Expect(page.GetByLabel("Addresses")).ToHaveValueAsync("192.168.1.300");
        Assert.That(bench.Devices.Single().Device.Addresses.Single().ToString(), Is.EqualTo("192.168.1.23/32"));
    }

    [Test]
    public async Task A_parked_message_is_retried()
    {
        await using var bench = await DashboardBench.StartAsync();
        var id = await ParkAsync(bench);
        await using var context = await Browser.OpenAsync(bench.Address);
        var page = await Person.SignedInAsync(context);
        await page.GetByRole(AriaRole.Link, new() { Name = "See what needs you" }).ClickAsync();
        await page.GetByRole(AriaRole.Link, new() { NameRegex = new Regex("^Scan") }).ClickAsync();
        await Assertions.Expect(page.Locator("#message")).ToContainTextAsync("Gmail calls it spam.");
        await page.GetByRole(AriaRole.Button, new() { Name = "Retry now" }).ClickAsync();
        await Assertions.Expect(page.GetByRole(AriaRole.Status)).ToHaveTextAsync("It is tried next.");
        Assert.That((await bench.Mail.FindAsync(id)).State, Is.EqualTo(MessageState.Queued));
    }

    [Test]
    public async Task Deleting_asks_first()
    {
        await using var bench = await DashboardBench.StartAsync();
        var id = await bench.Mail.AcceptAsync();
        await using var context = await Browser.OpenAsync(bench.Address);
        var page = await Person.SignedInAsync(context);
        await page.GotoAsync($"/messages/{id}");
        var sure = page.GetByRole(AriaRole.Button, new() { Name = "Delete it for good" });
        await Assertions.Expect(sure).ToBeHiddenAsync();
        await page.GetByText("Delete…").ClickAsync();
        await sure.ClickAsync();
        await Assertions.Expect(page.GetByRole(AriaRole.Status)).ToHaveTextAsync("Deleted.");
        Assert.That((await bench.Mail.FindAsync(id)).State, Is.EqualTo(MessageState.Deleted));
    }

    [Test]
    public async Task A_form_without_the_sessions_token_does_nothing()
    {
        await using var bench = await DashboardBench.StartAsync();
        var id = await bench.Mail.AcceptAsync();
        await using var context = await Browser.OpenAsync(bench.Address);
        var page = await Person.SignedInAsync(context);
        await page.GotoAsync($"/messages/{id}");
        await page.ForgeTokensAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Hold" }).ClickAsync();
        await Assertions.Expect(page.GetByRole(AriaRole.Heading, new() { Name = "Nothing was done" })).ToBeVisibleAsync();
        Assert.That((await bench.Mail.FindAsync(id)).State, Is.EqualTo(MessageState.Queued));
    }

    /// <summary>Another site on the same network, as a visitor's browser meets it: by its own name, with the person signed in here.</summary>
    [Test]
    public async Task Another_sites_form_does_nothing()
    {
        await using var bench = await DashboardBench.StartAsync();
        var id = await bench.Mail.AcceptAsync();
        await using var context = await Browser.OpenAsync(bench.Address);
        var page = await Person.SignedInAsync(context);
        await page.RouteAsync("http://evil.example/", route => route.FulfillAsync(new()
        {
            ContentType = "text/html",
            Body = $"<form method=post action='{bench.Address}messages/{id}/delete'><button>Win a prize</button></form>",
        }));
        await page.GotoAsync("http://evil.example/");
        await page.GetByRole(AriaRole.Button).ClickAsync();
        await Assertions.Expect(page).ToHaveURLAsync(new Regex("^http://127"));
        Assert.That((await bench.Mail.FindAsync(id)).State, Is.EqualTo(MessageState.Queued));
        await Assertions.Expect(page.Locator("body")).ToContainTextAsync("nothing was done");
    }

    [Test]
    public async Task What_strangers_write_stays_text()
    {
        const string attack = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>\"'>";
        await using var bench = await DashboardBench.StartAsync();
        bench.Knock("192.168.1.77", helo: attack, sender: "\"<b>x</b>\"@evil.example");
        var content = Encoding.UTF8.GetBytes($"Subject: {attack}\r\nX-Mailer: {attack}\r\n\r\n{attack}\r\n");
        var submission = QueueBench.Submission(subject: attack) with { Origin = new Origin(System.Net.IPAddress.Loopback, attack, "ESMTP"), MessageId = attack };
        var id = await bench.Mail.AcceptAsync(submission, content);
        var message = bench.Mail.Take();
        await bench.Mail.Queue.SettleAsync(new Settlement(message.Id, [],
            [new TimelineEntry(bench.Time.GetUtcNow(), TimelineEvent.Parked, attack, null, attack)], Park: attack), default);
        bench.SettingsProblems.Add(attack);
        bench.CheckLines = [new(attack, CheckResult.Bad, attack, attack)];
        await using var context = await Browser.OpenAsync(bench.Address);
        var page = await Person.SignedInAsync(context);
        var errors = new List<string>();
        page.Console += (_, line) => errors.Add(line.Text);
        var seen = 0;
        foreach (var path in (string[])["/", "/messages", $"/messages?q={Uri.EscapeDataString(attack)}&device={Uri.EscapeDataString(attack)}", $"/messages/{id}", "/devices", "/devices/new?address=192.168.1.77", "/check"])
        {
            await page.GotoAsync(path);
            if (path == "/check") await page.GetByRole(AriaRole.Button, new() { Name = "Run the check" }).ClickAsync();
            foreach (var summary in await page.Locator("summary").AllAsync()) await summary.ClickAsync();
            seen += await page.GetByText("onerror=").CountAsync();
            Assert.That(await page.TitleAsync(), Does.Not.StartWith("owned"), path);
            Assert.That(await page.Locator("img[onerror], main script").CountAsync(), Is.Zero, path);
        }
        Assert.That(seen, Is.GreaterThan(10));
        // The policy was not even asked: nothing tried to run.
        Assert.That(errors, Has.None.Contains("Content Security Policy"));
    }

    [Test]
    public async Task An_open_page_follows_what_happens()
    {
        await using var bench = await DashboardBench.StartAsync();
        await using var context = await Browser.OpenAsync(bench.Address);
        var page = await Person.SignedInAsync(context);
        await page.GotoAsync("/messages");
        await Assertions.Expect(page.GetByText("No mail yet.")).ToBeVisibleAsync();
        await Assertions.Expect(page.GetByText("Live")).ToBeVisibleAsync();
        await bench.Mail.AcceptAsync(QueueBench.Submission(subject: "While you watch"));
        await Assertions.Expect(page.GetByText("While you watch")).ToBeVisibleAsync();
    }

    [Test]
    public async Task An_open_page_says_that_it_may_be_old_while_there_is_no_answer()
    {
        await using var bench = await DashboardBench.StartAsync();
        await using var context = await Browser.OpenAsync(bench.Address);
        var page = await Person.SignedInAsync(context);
        await Assertions.Expect(page.GetByText("Live")).ToBeVisibleAsync();
        var away = page.GetByText("SmartHost does not answer");
        await Assertions.Expect(away).ToBeHiddenAsync();

        await page.RouteAsync("**/*", route => route.AbortAsync());
        await bench.Mail.AcceptAsync();
        await Assertions.Expect(away).ToBeVisibleAsync();
        await page.UnrouteAllAsync();
        bench.Time.Advance(TimeSpan.FromMinutes(5));
        await bench.Mail.AcceptAsync();
        await Assertions.Expect(away).ToBeHiddenAsync();
        await Assertions.Expect(page.Locator("#clock time")).ToHaveAttributeAsync("datetime", $"{bench.Time.GetUtcNow():yyyy-MM-dd'T'HH:mm:ss'Z'}");

        bench.PasswordNow = new("another");
        bench.Time.Advance(TimeSpan.FromSeconds(1));
        await bench.Mail.AcceptAsync();
        await page.GetByRole(AriaRole.Link, new() { Name = "Sign in again" }).ClickAsync();
        await Assertions.Expect(page.Locator("input[type=password]")).ToBeVisibleAsync();
    }

    [Test]
    public async Task A_keyboard_is_enough()
    {
        await using var bench = await DashboardBench.StartAsync();
        var id = await ParkAsync(bench);
        await using var context = await Browser.OpenAsync(bench.Address);
        var page = await context.NewPageAsync();
        await page.GotoAsync("/");
        // The field has the focus by itself; a person waits for the cursor, too.
        await Assertions.Expect(page.Locator("input[type=password]")).ToBeFocusedAsync();
        await page.Keyboard.TypeAsync(DashboardBench.Password);
        await page.Keyboard.PressAsync("Enter");
        await Assertions.Expect(page).ToHaveURLAsync(new Regex("/$"));
        await page.Keyboard.PressAsync("Tab");
        await Assertions.Expect(page.GetByText("Skip to the content")).ToBeFocusedAsync();
        await page.Keyboard.PressAsync("Enter");
        await TabToAsync(page, "See what needs you");
        await Assertions.Expect(page).ToHaveURLAsync(new Regex(@"/messages\?state=parked$"));
        await TabToAsync(page, "Scan");
        await Assertions.Expect(page).ToHaveURLAsync(new Regex($"/messages/{id}$"));
        await TabToAsync(page, "Delete…");
        await Assertions.Expect(page.GetByRole(AriaRole.Button, new() { Name = "Delete it for good" })).ToBeVisibleAsync();
        await TabToAsync(page, "Delete it for good");
        await Assertions.Expect(page.GetByRole(AriaRole.Status)).ToHaveTextAsync("Deleted.");
    }

    [Test]
    public async Task A_check_is_run_and_a_test_message_followed()
    {
        await using var bench = await DashboardBench.StartAsync();
        bench.CheckLines = [new("DNS", CheckResult.Good, "Found."), new("Login", CheckResult.Bad, "Refused.", "Make a new app password.")];
        await using var context = await Browser.OpenAsync(bench.Address);
        var page = await Person.SignedInAsync(context);
        await page.GetByRole(AriaRole.Link, new() { Name = "Check" }).ClickAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Run the check" }).ClickAsync();
        await Assertions.Expect(page.GetByText("Make a new app password.")).ToBeVisibleAsync();
        await Assertions.Expect(page.GetByRole(AriaRole.Status)).ToHaveTextAsync("1 line needs you: it says what to do.");
        await page.GetByLabel("To").FillAsync("me@example.com");
        await page.GetByRole(AriaRole.Button, new() { Name = "Send it" }).ClickAsync();
        await Assertions.Expect(page.GetByRole(AriaRole.Heading, new() { Name = "A test message" })).ToBeVisibleAsync();
        await Assertions.Expect(page.GetByRole(AriaRole.Status)).ToHaveTextAsync("On its way. Watch it here.");
    }

    private static async Task<QueueId> ParkAsync(DashboardBench bench)
    {
        var id = await bench.Mail.AcceptAsync();
        bench.Mail.Take();
        await bench.Mail.Queue.SettleAsync(new Settlement(id, [], [new TimelineEntry(bench.Time.GetUtcNow(), TimelineEvent.Parked, "Gmail calls it spam.")], Park: "Gmail calls it spam."), default);
        return id;
    }

    /// <summary>Tab until something that begins so has the focus, and press Enter on it.</summary>
    private static async Task TabToAsync(IPage page, string text)
    {
        for (var i = 0; i < 40; i++)
        {
            await page.Keyboard.PressAsync("Tab");
            if ((await page.EvaluateAsync<string>("document.activeElement.innerText ?? ''")).StartsWith(text, StringComparison.Ordinal))
            {
                await page.Keyboard.PressAsync("Enter");
                return;
            }
        }
        Assert.Fail($"no way by keyboard to “{text}”");
    }
}
