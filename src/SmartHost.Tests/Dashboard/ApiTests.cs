using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using SmartHost.Dashboard;
using SmartHost.Dashboard.Api;
using SmartHost.Delivery;
using SmartHost.Hosting;
using SmartHost.Mail;
using SmartHost.Queue;
using SmartHost.Tests.Queue;

namespace SmartHost.Tests.Dashboard;

public class ApiTests
{
    private static readonly string[] Both = ["you@gmail.com", "*@example.com"];

    [Test]
    public async Task The_overview_tells_what_the_page_tells()
    {
        await using var bench = await DashboardBench.StartAsync();
        await bench.Mail.AcceptAsync();
        await bench.Mail.SettleAsync(bench.Mail.Take(), ("you@gmail.com", QueueBench.Sent));
        await bench.Mail.AcceptAsync(QueueBench.Submission(lane: Lane.Urgent));
        using var script = bench.Script();
        var overview = (await script.GetFromJsonAsync("/api/v1/overview", DashboardJson.Default.OverviewReply))!;
        Assert.That(overview.Flow, Is.EqualTo(new Flow(FlowState.Flowing, "Mail is flowing", "1 message sent in the last 24 hours. 1 message waits.")));
        Assert.That((overview.Queue.Waiting, overview.Queue.Urgent, overview.Version), Is.EqualTo((1, 1, SmartHostServer.Version)));
        Assert.That(overview.Traffic, Has.Count.EqualTo(24));
        Assert.That((overview.Traffic[^1].Sent, overview.Traffic[^1].Waiting), Is.EqualTo((1, 1)));
        Assert.That(overview.Accounts.Single().Health, Is.EqualTo(AccountHealth.Healthy));
    }

    [Test]
    public async Task Messages_are_found_by_text_device_and_state_page_by_page()
    {
        await using var bench = await DashboardBench.StartAsync();
        for (var i = 0; i < 5; i++)
        {
            await bench.Mail.AcceptAsync(QueueBench.Submission(i % 2 == 0 ? "scanner" : "ups", subject: $"Number {i}"));
            bench.Time.Advance(TimeSpan.FromSeconds(1));
        }
        using var script = bench.Script();
        Assert.That(await SubjectsAsync("?device=ups"), Is.EqualTo(new[] { "Number 3", "Number 1" }));
        Assert.That(await SubjectsAsync("?text=number%204"), Is.EqualTo(new[] { "Number 4" }));
        Assert.That(await SubjectsAsync("?state=parked"), Is.Empty);
        var first = await PageAsync("?limit=3");
        var second = await PageAsync($"?limit=3&before={first.Next}");
        Assert.That(first.Messages.Concat(second.Messages).Select(message => message.Subject), Is.EqualTo(Enumerable.Range(0, 5).Reverse().Select(i => $"Number {i}")));
        Assert.That(second.Next, Is.Null);

        async Task<MessagesReply> PageAsync(string query) => (await script.GetFromJsonAsync("/api/v1/messages" + query, DashboardJson.Default.MessagesReply))!;
        async Task<string?[]> SubjectsAsync(string query) => [.. (await PageAsync(query)).Messages.Select(message => message.Subject)];
    }

    [Test]
    public async Task A_message_is_told_with_its_story_and_its_octets()
    {
        await using var bench = await DashboardBench.StartAsync();
        var content = Encoding.ASCII.GetBytes("Subject: Scan\r\n\r\nA page.\r\n");
        var id = await bench.Mail.AcceptAsync(content: content);
        using var script = bench.Script();
        var message = (await script.GetFromJsonAsync($"/api/v1/messages/{id}", DashboardJson.Default.MessageReply))!;
        Assert.That((message.Id, message.Status, message.Sender, message.Client, message.Recipients.Single().Address), Is.EqualTo((id.ToString(), MessageStatus.Queued, "scan@lan.example", "192.168.1.23", "you@gmail.com")));
        var story = (await script.GetFromJsonAsync($"/api/v1/messages/{id}/timeline", DashboardJson.Default.IReadOnlyListTimelineReply))!;
        Assert.That(story.Select(entry => entry.Event), Is.EqualTo(new[] { TimelineEvent.Received }));
        using var raw = await script.GetAsync($"/api/v1/messages/{id}/raw");
        Assert.That(await raw.Content.ReadAsByteArrayAsync(), Is.EqualTo(content));
        Assert.That((raw.Content.Headers.ContentType!.MediaType, raw.Content.Headers.ContentDisposition!.FileName), Is.EqualTo(("application/octet-stream", $"{id}.eml")));
    }

    [Test]
    public async Task A_person_can_hold_release_retry_and_delete()
    {
        await using var bench = await DashboardBench.StartAsync();
        var id = await bench.Mail.AcceptAsync();
        using var script = bench.Script();
        await ChangeAsync(HttpMethod.Post, "/hold", JsonContent.Create(new HoldRequest("wait for Monday"), DashboardJson.Default.HoldRequest));
        var held = await bench.Mail.FindAsync(id);
        Assert.That((held.State, held.StateReason), Is.EqualTo((MessageState.Held, "wait for Monday")));
        await ChangeAsync(HttpMethod.Post, "/release");
        await ChangeAsync(HttpMethod.Post, "/hold", JsonContent.Create(new { }));
        await ChangeAsync(HttpMethod.Post, "/release");
        await ChangeAsync(HttpMethod.Post, "/retry");
        Assert.That((await bench.Mail.FindAsync(id)).State, Is.EqualTo(MessageState.Queued));
        await ChangeAsync(HttpMethod.Delete, "");
        Assert.That((await bench.Mail.FindAsync(id)).State, Is.EqualTo(MessageState.Deleted));
        using var again = await script.PostAsync($"/api/v1/messages/{id}/retry", null);
        Assert.That((again.StatusCode, await ProblemAsync(again)), Is.EqualTo((HttpStatusCode.Conflict, $"{id} was deleted.")));

        async Task ChangeAsync(HttpMethod method, string verb, HttpContent? content = null)
        {
            using var answer = await script.SendAsync(new HttpRequestMessage(method, $"/api/v1/messages/{id}{verb}") { Content = content });
            Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.NoContent), verb);
        }
    }

    [TestCase("GET", "/api/v1/messages/0000000000000", 404, "There is no message “0000000000000”.")]
    [TestCase("GET", "/api/v1/messages/..%2F..%2Fetc", 404, "There is no message")]
    [TestCase("POST", "/api/v1/messages/0000000000000/retry", 404, "There is no message")]
    [TestCase("GET", "/api/v1/messages?state=lost", 400, "“lost” is no state: use waiting,")]
    [TestCase("GET", "/api/v1/messages?limit=0", 400, "limit is “0”: use 1 to 500.")]
    [TestCase("GET", "/api/v1/messages?before=x", 400, "“x” is no message's id.")]
    [TestCase("GET", "/api/v1/messages?limit=many", 400, "limit is “many”: use 1 to 500.")]
    [TestCase("DELETE", "/api/v1/devices/nobody", 404, "There is no device named “nobody”.")]
    [TestCase("DELETE", "/api/v1/devices/ups", 409, "ups stands in smarthost.yaml")]
    [TestCase("DELETE", "/api/v1/unknown-devices/192.168.1.9", 404, "is not on the list")]
    [TestCase("GET", "/api/v1/nothing", 404, "openapi.json lists all of them")]
    [TestCase("PUT", "/api/v1/overview", 404, "or it takes no PUT.")]
    [TestCase("POST", "/api/v1/devices", 415, "Content-Type: application/json")]
    public async Task What_cannot_be_done_is_answered_with_a_sentence(string method, string path, int status, string sentence)
    {
        await using var bench = await DashboardBench.StartAsync();
        bench.AddDevice("ups", "192.168.1.40/32", editable: false);
        using var script = bench.Script();
        using var answer = await script.SendAsync(new HttpRequestMessage(new HttpMethod(method), path));
        Assert.That((int)answer.StatusCode, Is.EqualTo(status));
        Assert.That(await ProblemAsync(answer), Does.Contain(sentence));
    }

    [TestCase("{}", "name")]
    [TestCase("{", "is not the JSON object")]
    [TestCase("null", "send a JSON object")]
    [TestCase("""{"name":"a/../b","addresses":["192.168.1.9"],"recipients":["*"]}""", "“a/../b” cannot be a device's name")]
    [TestCase("""{"name":"new","addresses":[],"recipients":["*"]}""", "Say at which address the device is")]
    [TestCase("""{"name":"new","addresses":["192.168.1"],"recipients":["*"]}""", "“192.168.1” is neither an address")]
    [TestCase("""{"name":"new","addresses":["192.168.1.9"],"recipients":[]}""", "Say whom the device may write to")]
    [TestCase("""{"name":"new","addresses":["192.168.1.9"],"recipients":["you"]}""", "“you” is neither an address")]
    [TestCase("""{"name":"new","addresses":["192.168.1.9"],"recipients":["*"],"perHour":0}""", "Messages an hour")]
    [TestCase("""{"name":"new","addresses":["192.168.1.9"],"recipients":["*"],"account":"other"}""", "There is no account named other")]
    [TestCase("""{"name":"new","addresses":["192.168.1.9"],"recipients":["you"],"perHour":0}""", "everyone (*). Messages an hour")]
    [TestCase("""{"name":"new","addresses":["192.168.1.9"],"recipients":[null]}""", "null is none")]
    [TestCase("""{"name":"new","addresses":["192.168.1.9"],"recipients":["*"],"priority":"soon"}""", "$.priority: write one of urgent, normal, bulk.")]
    [TestCase("""{"name":"new","addresses":["192.168.1.9"],"recipients":["*"],"perHour":1.5}""", "$.perHour: write a whole number.")]
    [TestCase("""{"name":"new","addresses":["192.168.1.9"],"recipients":["*"],"allowGateway":"yes"}""", "$.allowGateway: write true or false.")]
    [TestCase("""{"name":5,"addresses":["192.168.1.9"],"recipients":["*"]}""", "$.name: write a text.")]
    [TestCase("""{"name":"new","addresses":"192.168.1.9","recipients":["*"]}""", "$.addresses: write a list of texts.")]
    [TestCase("""{"name":"new","addresses":[4],"recipients":["*"]}""", "$.addresses[0]: write a list of texts.")]
    [TestCase("""{"name":"new","addresses":null,"recipients":["*"]}""", "$.addresses: write a list of texts.")]
    [TestCase("""{"name":"new"}""", "write an object with name, addresses, recipients, and nothing but name, ")]
    [TestCase("""{"name":"new","addresses":["192.168.1.9"],"recipients":["*"],"per_hour":5}""", "$.per_hour: write an object with name, ")]
    [TestCase("[]", "write an object with name, ")]
    [TestCase("{\n\"name\": x}", "line 2 is no JSON from octet 9 on.")]
    public async Task A_mistaken_wish_changes_nothing_and_says_what_is_wrong(string body, string sentence)
    {
        await using var bench = await DashboardBench.StartAsync();
        bench.AddDevice("scanner", "192.168.1.23/32");
        using var script = bench.Script();
        using var answer = await script.PostAsync("/api/v1/devices", new StringContent(body, Encoding.UTF8, "application/json"));
        Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.BadRequest));
        Assert.That(await ProblemAsync(answer), Does.Contain(sentence).And.Not.Contain("SmartHost.").And.Not.Contain("System."));
        Assert.That(bench.Allowed, Is.Empty);
    }

    /// <summary>As with an address that another device has: nothing is wrong with the request itself.</summary>
    [Test]
    public async Task A_name_that_is_taken_is_a_conflict()
    {
        await using var bench = await DashboardBench.StartAsync();
        bench.AddDevice("scanner", "192.168.1.23/32");
        using var script = bench.Script();
        using var answer = await script.PostAsJsonAsync("/api/v1/devices", new AllowRequest("Scanner", ["192.168.1.9"], Both), DashboardJson.Default.AllowRequest);
        Assert.That((answer.StatusCode, await ProblemAsync(answer)), Is.EqualTo((HttpStatusCode.Conflict, "There is a device named Scanner already. Choose another name, or edit that device.")));
        Assert.That(bench.Allowed, Is.Empty);
    }

    [Test]
    public async Task A_device_is_allowed_changed_and_forgotten()
    {
        await using var bench = await DashboardBench.StartAsync();
        bench.Knock("192.168.1.77");
        using var script = bench.Script();
        var unknown = (await script.GetFromJsonAsync("/api/v1/unknown-devices", DashboardJson.Default.IReadOnlyListUnknownDeviceReply))!.Single();
        Assert.That((unknown.Address, unknown.Helos[0], unknown.IsGateway), Is.EqualTo(("192.168.1.77", "KM-C258", false)));

        var wish = new AllowRequest("scanner", ["192.168.1.77"], Both, PerHour: 20);
        Assert.That((await script.PostAsJsonAsync("/api/v1/devices", wish, DashboardJson.Default.AllowRequest)).StatusCode, Is.EqualTo(HttpStatusCode.NoContent));
        Assert.That((await script.PutAsJsonAsync("/api/v1/devices/scanner", wish with { PerHour = 30 }, DashboardJson.Default.AllowRequest)).StatusCode, Is.EqualTo(HttpStatusCode.NoContent));
        var device = (await script.GetFromJsonAsync("/api/v1/devices", DashboardJson.Default.IReadOnlyListDeviceReply))!.Single();
        Assert.That((device.Name, device.Addresses[0], device.PerHour, device.Editable), Is.EqualTo(("scanner", "192.168.1.77", 30, true)));
        Assert.That(device.Recipients, Is.EqualTo(Both));
        Assert.That((await script.DeleteAsync("/api/v1/devices/scanner")).StatusCode, Is.EqualTo(HttpStatusCode.NoContent));
        Assert.That(bench.Devices, Is.Empty);
    }

    /// <summary>A scan of 30 MB, looked at and downloaded by a browser and by a script: memory does not grow with it.</summary>
    [Test, NonParallelizable] // It counts what the whole process allocates.
    public async Task A_large_message_is_handed_out_in_pieces()
    {
        await using var bench = await DashboardBench.StartAsync();
        var content = new byte[30_000_000];
        "Subject: scan\r\n\r\n"u8.CopyTo(content);
        content.AsSpan(18).Fill((byte)'x');
        var id = await bench.Mail.AcceptAsync(Queue.QueueBench.Submission(subject: "scan"), content);
        using var script = bench.Script();
        await DownloadAsync($"/messages/{id}", 0);
        var allocated = await Allocations.OfAsync(async () =>
        {
            await DownloadAsync($"/messages/{id}", 64 * 1024);
            await DownloadAsync($"/messages/{id}/raw", content.Length);
            await DownloadAsync($"/api/v1/messages/{id}/raw", content.Length);
        });
        Assert.That(allocated, Is.LessThan(15_000_000), "half of one copy of it");

        async Task DownloadAsync(string path, int atLeast)
        {
            using var answer = await script.GetAsync(path, HttpCompletionOption.ResponseHeadersRead);
            await using var body = await answer.Content.ReadAsStreamAsync();
            var (buffer, length) = (new byte[64 * 1024], 0L);
            for (int read; (read = await body.ReadAsync(buffer)) > 0;) length += read;
            Assert.That(length, Is.GreaterThanOrEqualTo(atLeast), path);
        }
    }

    [Test]
    public async Task Before_there_are_signs_of_a_bridge_the_gateway_needs_a_second_word_too()
    {
        await using var bench = await DashboardBench.StartAsync();
        bench.Gateway = new BridgeWarning(IPAddress.Parse("172.17.0.1"), "It is the gateway.", "Use the host's network.");
        using var script = bench.Script();
        var request = new AllowRequest("scanner", ["172.17.0.0/16"], ["you@gmail.com"]);
        using var refused = await script.PostAsync("/api/v1/devices", JsonContent.Create(request, DashboardJson.Default.AllowRequest));
        Assert.That(refused.StatusCode, Is.EqualTo(HttpStatusCode.BadRequest));
        Assert.That(await refused.Content.ReadAsStringAsync(), Does.Contain("172.17.0.0/16 includes 172.17.0.1"));
        using var allowed = await script.PostAsync("/api/v1/devices", JsonContent.Create(request with { AllowGateway = true }, DashboardJson.Default.AllowRequest));
        Assert.That((allowed.StatusCode, bench.Allowed.Count), Is.EqualTo((HttpStatusCode.NoContent, 1)));
    }

    [Test]
    public async Task The_gateway_of_a_bridge_is_never_allowed_in_passing()
    {
        await using var bench = await DashboardBench.StartAsync();
        bench.Bridge = new BridgeWarning(IPAddress.Parse("172.17.0.1"), "All sessions came from 172.17.0.1.", "Use host networking.");
        using var script = bench.Script();
        foreach (var address in (string[])["172.17.0.1", "172.16.0.0/12", "::ffff:172.17.0.1"])
        {
            var wish = new AllowRequest("scanner", [address], Both);
            using var refused = await script.PostAsJsonAsync("/api/v1/devices", wish, DashboardJson.Default.AllowRequest);
            Assert.That(await ProblemAsync(refused), Does.Contain("would allow them all. Use host networking."), address);
        }
        Assert.That(bench.Allowed, Is.Empty);
        using var meant = await script.PostAsJsonAsync("/api/v1/devices", new AllowRequest("scanner", ["172.17.0.1"], Both, AllowGateway: true), DashboardJson.Default.AllowRequest);
        Assert.That(meant.StatusCode, Is.EqualTo(HttpStatusCode.NoContent));
    }

    /// <summary>As in the settings' file.</summary>
    [TestCase("192.168.1.23/24", null)]
    [TestCase("192.168.1.0/255.255.255.0", null)]
    [TestCase("192.168.001.010", "is neither an address")]
    [TestCase("192.168.1", "is neither an address")]
    [TestCase("0.0.0.0/0", "is everyone who reaches this port")]
    [TestCase("::/0", "is everyone who reaches this port")]
    public async Task Addresses_are_written_as_in_the_file(string address, string? problem)
    {
        await using var bench = await DashboardBench.StartAsync();
        using var script = bench.Script();
        using var answer = await script.PostAsJsonAsync("/api/v1/devices", new AllowRequest("scanner", [address], Both), DashboardJson.Default.AllowRequest);
        Assert.That(answer.IsSuccessStatusCode ? null : await ProblemAsync(answer), problem is null ? Is.Null : Does.Contain($"“{address}” {problem}"));
        Assert.That(bench.Allowed, Has.Count.EqualTo(problem is null ? 1 : 0));
    }

    [Test]
    public async Task The_check_comes_line_by_line()
    {
        await using var bench = await DashboardBench.StartAsync();
        bench.CheckLines = [new("DNS", CheckResult.Good, "Found."), new("Login", CheckResult.Bad, "Refused.", "Make a new app password.")];
        using var script = bench.Script();
        using var answer = await script.PostAsync("/api/v1/check", null);
        var lines = (await answer.Content.ReadAsStringAsync()).Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonSerializer.Deserialize(line, DashboardJson.Default.CheckLine));
        Assert.That(lines, Is.EqualTo(bench.CheckLines));
    }

    [Test]
    public async Task A_test_message_is_queued_or_a_sentence_says_why_not()
    {
        await using var bench = await DashboardBench.StartAsync();
        using var script = bench.Script();
        using var answer = await script.PostAsJsonAsync("/api/v1/send-test", new SendTestRequest("me@example.com"), DashboardJson.Default.SendTestRequest);
        var reply = await answer.Content.ReadFromJsonAsync(DashboardJson.Default.SendTestReply);
        Assert.That(QueueId.TryParse(reply!.Id, out var id));
        Assert.That((await bench.Mail.FindAsync(id)).Recipients.Single().Address.ToString(), Is.EqualTo("me@example.com"));
        using var wrong = await script.PostAsJsonAsync("/api/v1/send-test", new SendTestRequest("nobody@example.com"), DashboardJson.Default.SendTestRequest);
        Assert.That((wrong.StatusCode, await ProblemAsync(wrong)), Is.EqualTo((HttpStatusCode.Conflict, "The queue takes no mail: the disk is full.")));
    }

    [Test]
    public async Task An_account_is_tried_at_a_persons_word_by_script_and_by_the_page()
    {
        await using var bench = await DashboardBench.StartAsync();
        bench.Accounts[0] = DashboardBench.Healthy with { Health = AccountHealth.Paused, NextProbe = QueueBench.Start.AddHours(1) };
        var account = bench.Accounts[0].Name;
        using var script = bench.Script();
        using var done = await script.PostAsync($"/api/v1/accounts/{account.ToUpperInvariant()}/try", null);
        Assert.That((done.StatusCode, bench.Tried.Count), Is.EqualTo((HttpStatusCode.NoContent, 1)));
        using var wrong = await script.PostAsync("/api/v1/accounts/nobody/try", null);
        Assert.That((wrong.StatusCode, await ProblemAsync(wrong)), Is.EqualTo((HttpStatusCode.NotFound, "There is no account “nobody”.")));

        var (browser, csrf) = await bench.SignInAsync();
        using (browser)
        {
            Assert.That(await browser.GetStringAsync("/"), Does.Contain($"action=\"/accounts/{account}/try\""));
            using var forged = await browser.PostAsync($"/accounts/{account}/try", DashboardBench.Form(("csrf", "forged")));
            Assert.That((forged.IsSuccessStatusCode, bench.Tried.Count), Is.EqualTo((false, 1)));
            using var pressed = await browser.PostAsync($"/accounts/{account}/try", DashboardBench.Form(("csrf", csrf)));
            Assert.That((pressed.StatusCode, bench.Tried), Is.EqualTo((HttpStatusCode.SeeOther, new List<string> { account, account })));
        }
    }

    [Test]
    public async Task A_password_hash_is_never_told()
    {
        await using var bench = await DashboardBench.StartAsync();
        bench.AddDevice("shop", "192.168.1.50/32", like: new() { Name = "", Recipients = SmartHost.Devices.AddressPatterns.Any, Username = "shop", PasswordHash = new Secret("hash-of-shop") });
        using var script = bench.Script();
        foreach (var path in (string[])["/api/v1/devices", "/devices", "/devices/shop", "/api/v1/overview", "/"])
        {
            Assert.That(await script.GetStringAsync(path), Does.Not.Contain("hash-of-shop").And.Not.Contain(DashboardBench.Password).And.Not.Contain(DashboardBench.Token), path);
        }
    }

    [Test]
    public async Task A_request_too_large_is_refused_and_a_bug_is_a_sentence()
    {
        await using var bench = await DashboardBench.StartAsync();
        using var script = bench.Script();
        using var large = await script.PostAsync("/api/v1/devices", new StringContent(new string(' ', 70_000), Encoding.UTF8, "application/json"));
        Assert.That((large.StatusCode, await ProblemAsync(large)), Is.EqualTo((HttpStatusCode.RequestEntityTooLarge, "That is more than the 64 KB that SmartHost reads at once, so nothing was done. Go back and send less; *@example.com stands for all addresses of a domain.")));
        await bench.Mail.CloseAsync();
        using var bug = await script.GetAsync("/api/v1/messages");
        Assert.That(bug.StatusCode, Is.EqualTo(HttpStatusCode.InternalServerError));
        Assert.That(await ProblemAsync(bug), Does.StartWith("Something went wrong in SmartHost").And.Not.Contain("   at "));
        Assert.That(bench.Log.Lines, Has.Some.Contains("a bug at GET /api/v1/messages"));
    }

    private static async Task<string> ProblemAsync(HttpResponseMessage answer) => (await answer.Content.ReadFromJsonAsync(DashboardJson.Default.ApiProblem))!.Problem;
}
