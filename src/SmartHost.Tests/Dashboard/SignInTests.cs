using System.Net;
using System.Net.Http.Json;
using SmartHost.Dashboard;
using SmartHost.Dashboard.Access;
using SmartHost.Dashboard.Api;
using SmartHost.Mail;

namespace SmartHost.Tests.Dashboard;

/// <summary>Who gets in, and what stays shut.</summary>
public class SignInTests
{
    private static readonly string[] OpenPaths = ["get /healthz", "get /readyz", "get /sign-in", "post /sign-in"];

    [Test]
    public async Task Nothing_is_readable_without_signing_in_but_health_and_the_door()
    {
        await using var bench = await DashboardBench.StartAsync();
        var id = await bench.Mail.AcceptAsync(Queue.QueueBench.Submission(subject: "Top secret"));
        bench.AddDevice("scanner", "192.168.1.23/32");
        using var visitor = bench.Visitor();
        var tried = 0;
        foreach (var route in bench.Routes.Where(route => !OpenPaths.Contains(route) && !route.Contains("/assets/")))
        {
            var (method, path) = (route.Split(' ')[0], route.Split(' ')[1].Replace("{id}", id.ToString()).Replace("{name}", "scanner").Replace("{verb}", "delete").Replace("{address}", "192.168.1.77"));
            using var answer = await visitor.SendAsync(new HttpRequestMessage(new HttpMethod(method), path));
            Assert.That(answer.StatusCode, Is.EqualTo(method == "get" && !path.StartsWith("/api") && path != "/metrics" ? HttpStatusCode.SeeOther : HttpStatusCode.Unauthorized), route);
            Assert.That(await answer.Content.ReadAsStringAsync(), Does.Not.Contain("secret").And.Not.Contain("scanner"), route);
            tried++;
        }
        Assert.That(tried, Is.GreaterThan(30));
        Assert.That((await bench.Mail.FindAsync(id)).State, Is.EqualTo(SmartHost.Queue.MessageState.Queued));
    }

    [Test]
    public async Task The_right_password_opens_and_leads_back_to_where_one_wanted_to_go()
    {
        await using var bench = await DashboardBench.StartAsync();
        using var visitor = bench.Visitor();
        using var refused = await visitor.GetAsync("/messages?state=parked");
        Assert.That(refused.Headers.Location!.OriginalString, Is.EqualTo("/sign-in?to=%2Fmessages%3Fstate%3Dparked"));
        using var answer = await visitor.PostAsync("/sign-in", DashboardBench.Form(("password", DashboardBench.Password), ("to", "/messages?state=parked")));
        Assert.That(answer.Headers.Location!.OriginalString, Is.EqualTo("/messages?state=parked"));
        Assert.That(answer.Headers.GetValues("Set-Cookie").Single(), Does.Contain("httponly").And.Contain("samesite=strict").And.Contain("path=/"));
    }

    /// <summary>What comes to a form's address need not be a form.</summary>
    [TestCase("{\"password\":\"correct-horse-battery\"}")]
    [TestCase(null)]
    public async Task What_is_no_form_is_no_password_and_no_bug(string? json)
    {
        await using var bench = await DashboardBench.StartAsync();
        using var visitor = bench.Visitor();
        using var answer = await visitor.PostAsync("/sign-in", json is null ? null : new StringContent(json, null, "application/json"));
        Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.Unauthorized));
        using var script = bench.Script();
        using var allowed = await script.PostAsync("/devices", json is null ? null : new StringContent(json, null, "application/json"));
        Assert.That(allowed.StatusCode, Is.EqualTo(HttpStatusCode.BadRequest));
        Assert.That(bench.Log.Lines, Has.None.Contains("a bug"));
    }

    /// <summary>nginx hands on the name it asks by, not the one it was asked by.</summary>
    [TestCase("same-origin", HttpStatusCode.SeeOther)]
    [TestCase("same-site", HttpStatusCode.Forbidden)]
    [TestCase("cross-site", HttpStatusCode.Forbidden)]
    public async Task Behind_a_proxy_of_another_name_the_browsers_own_judgement_holds(string site, HttpStatusCode status)
    {
        await using var bench = await DashboardBench.StartAsync();
        using var visitor = bench.Visitor();
        visitor.DefaultRequestHeaders.Add("Origin", "https://mail.example.com");
        visitor.DefaultRequestHeaders.Add("Sec-Fetch-Site", site);
        using var answer = await visitor.PostAsync("/sign-in", DashboardBench.Form(("password", DashboardBench.Password)));
        Assert.That(answer.StatusCode, Is.EqualTo(status));
    }

    [TestCase("//evil.example/")]
    [TestCase("https://evil.example/")]
    [TestCase("/\\evil.example/")]
    [TestCase("javascript:alert(1)")]
    [TestCase("/sign-out")]
    [TestCase("/a\r\nSet-Cookie: x")]
    [TestCase("/messages?q=Büro")]
    public async Task Signing_in_never_leads_away(string to)
    {
        await using var bench = await DashboardBench.StartAsync();
        using var visitor = bench.Visitor();
        using var answer = await visitor.PostAsync("/sign-in", DashboardBench.Form(("password", DashboardBench.Password), ("to", to)));
        Assert.That(answer.Headers.Location!.OriginalString, Is.EqualTo("/"));
    }

    [Test]
    public async Task Signing_out_ends_the_session_also_where_its_cookie_was_copied_and_after_a_restart()
    {
        await using var bench = await DashboardBench.StartAsync();
        var (client, csrf) = await bench.SignInAsync();
        var (other, _) = await bench.SignInAsync();
        using (client)
        using (other)
        {
            using var answer = await client.PostAsync("/sign-out", DashboardBench.Form(("csrf", csrf)));
            Assert.That(answer.Headers.GetValues("Set-Cookie").Single(), Does.StartWith($"{SessionTokens.Cookie}=;"));
            Assert.That((await client.GetAsync("/")).StatusCode, Is.EqualTo(HttpStatusCode.SeeOther), "this client still sends its cookie");
            Assert.That((await other.GetAsync("/")).StatusCode, Is.EqualTo(HttpStatusCode.OK), "the other browser stays");

            var token = client.DefaultRequestHeaders.GetValues("Cookie").Single().Split('=', 2)[1];
            var after = await SessionTokens.OpenAsync(bench.Mail.Queue, () => bench.PasswordNow, bench.Time, default);
            Assert.That(after.Read(token), Is.Null);
            Assert.That(after.Read(other.DefaultRequestHeaders.GetValues("Cookie").Single().Split('=', 2)[1]), Is.Not.Null);
            bench.Time.Advance(SessionTokens.Lifetime);
            await SessionTokens.OpenAsync(bench.Mail.Queue, () => bench.PasswordNow, bench.Time, default);
            Assert.That(bench.Mail.Queue.GetStates("dashboard-signed-out"), Is.Empty);
        }
    }

    [Test]
    public async Task Wrong_passwords_are_slowed_and_the_right_one_does_not_pass_in_between()
    {
        await using var bench = await DashboardBench.StartAsync();
        using var visitor = bench.Visitor();
        for (var i = 0; i < 3; i++)
        {
            using var wrong = await visitor.PostAsync("/sign-in", DashboardBench.Form(("password", "guess")));
            Assert.That(wrong.StatusCode, Is.EqualTo(HttpStatusCode.Unauthorized));
        }
        using var early = await visitor.PostAsync("/sign-in", DashboardBench.Form(("password", DashboardBench.Password)));
        Assert.That((early.StatusCode, early.Headers.RetryAfter!.Delta), Is.EqualTo((HttpStatusCode.TooManyRequests, TimeSpan.FromSeconds(1))));
        Assert.That(await early.Content.ReadAsStringAsync(), Does.Contain("Try again in 1 second."));
        bench.Time.Advance(TimeSpan.FromSeconds(1));
        using var right = await visitor.PostAsync("/sign-in", DashboardBench.Form(("password", DashboardBench.Password)));
        Assert.That(right.StatusCode, Is.EqualTo(HttpStatusCode.SeeOther));
        Assert.That(bench.Log.Lines, Has.Some.Contains("wrong password from 127.0.0.1").And.None.Contains("guess"));
    }

    /// <summary>A port that listens for both kinds of address shows each of IPv4 so.</summary>
    [TestCase("::ffff:192.168.1.5", "192.168.1.5")]
    [TestCase("fe80::1%2", "fe80::1")]
    [TestCase("192.168.1.5", "192.168.1.5")]
    public void Who_guesses_is_named_as_everywhere(string remote, string named)
    {
        var context = new Microsoft.AspNetCore.Http.DefaultHttpContext { Connection = { RemoteIpAddress = IPAddress.Parse(remote) } };
        Assert.That(Gate.ClientOf(context).ToString(), Is.EqualTo(named));
    }

    [Test]
    public async Task A_session_ends_with_its_time_with_another_password_and_with_one_changed_letter()
    {
        await using var bench = await DashboardBench.StartAsync();
        var (client, _) = await bench.SignInAsync();
        using (client)
        {
            var cookie = client.DefaultRequestHeaders.GetValues("Cookie").Single();
            Assert.That(await StatusAsync(client, cookie), Is.EqualTo(HttpStatusCode.OK));
            var changed = cookie[..^5] + (cookie[^5] == 'A' ? 'B' : 'A') + cookie[^4..];
            Assert.That(await StatusAsync(client, changed), Is.EqualTo(HttpStatusCode.SeeOther));

            bench.PasswordNow = new Secret("another one");
            Assert.That(await StatusAsync(client, cookie), Is.EqualTo(HttpStatusCode.SeeOther));
            bench.PasswordNow = new Secret(DashboardBench.Password);

            bench.Time.Advance(SessionTokens.Lifetime - TimeSpan.FromSeconds(1));
            Assert.That(await StatusAsync(client, cookie), Is.EqualTo(HttpStatusCode.OK));
            bench.Time.Advance(TimeSpan.FromSeconds(1));
            Assert.That(await StatusAsync(client, cookie), Is.EqualTo(HttpStatusCode.SeeOther));
        }
    }

    [Test]
    public async Task A_session_in_use_is_renewed_and_keeps_its_forms_valid()
    {
        await using var bench = await DashboardBench.StartAsync();
        var (client, csrf) = await bench.SignInAsync();
        using (client)
        {
            bench.Time.Advance(SessionTokens.RenewAfter);
            using var answer = await client.GetAsync("/");
            var renewed = answer.Headers.GetValues("Set-Cookie").Single().Split(';')[0];
            bench.Time.Advance(SessionTokens.Lifetime - TimeSpan.FromHours(1));
            Assert.That(await StatusAsync(client, renewed), Is.EqualTo(HttpStatusCode.OK));
            Assert.That(await client.GetStringAsync("/"), Does.Contain(csrf));
        }
    }

    [Test]
    public async Task A_restart_signs_nobody_out()
    {
        await using var queue = await Queue.QueueBench.OpenAsync();
        var before = await SessionTokens.OpenAsync(queue.Queue, () => new Secret("p"), queue.Time, default);
        var (token, session) = before.Issue();
        await queue.ReopenAsync();
        var after = await SessionTokens.OpenAsync(queue.Queue, () => new Secret("p"), queue.Time, default);
        Assert.That(after.Read(token), Is.EqualTo(session));
        Assert.That(after.IsCsrfToken(session, before.CsrfToken(session)));
    }

    [TestCase("/sign-out")]
    [TestCase("/devices")]
    [TestCase("/check")]
    [TestCase("/send-test")]
    [TestCase("/messages/0000000000000/delete")]
    public async Task A_change_without_the_sessions_token_is_refused(string path)
    {
        await using var bench = await DashboardBench.StartAsync();
        var (client, csrf) = await bench.SignInAsync();
        using (client)
        {
            using var without = await client.PostAsync(path, DashboardBench.Form(("name", "x"), ("addresses", "192.168.1.9"), ("recipients", "*")));
            using var wrong = await client.PostAsync(path, DashboardBench.Form(("csrf", csrf[..^1] + (csrf[^1] == 'A' ? 'B' : 'A'))));
            using var elsewhere = new HttpRequestMessage(HttpMethod.Post, path) { Content = DashboardBench.Form(("csrf", csrf)), Headers = { { "Origin", "http://evil.example" } } };
            using var foreign = await client.SendAsync(elsewhere);
            using var sandboxed = new HttpRequestMessage(HttpMethod.Post, path) { Content = DashboardBench.Form(("csrf", csrf)), Headers = { { "Origin", "null" } } };
            using var hidden = await client.SendAsync(sandboxed);
            foreach (var answer in (HttpResponseMessage[])[without, wrong, foreign, hidden])
            {
                Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.Forbidden));
                Assert.That(await answer.Content.ReadAsStringAsync(), Does.Contain("nothing was done").IgnoreCase);
            }
            Assert.That(bench.Allowed, Is.Empty);
        }
    }

    [Test]
    public async Task The_api_wants_the_token_of_the_session_too_where_a_cookie_lets_in()
    {
        await using var bench = await DashboardBench.StartAsync();
        var id = await bench.Mail.AcceptAsync();
        var (client, csrf) = await bench.SignInAsync();
        using (client)
        {
            using var refused = await client.DeleteAsync($"/api/v1/messages/{id}");
            Assert.That(refused.StatusCode, Is.EqualTo(HttpStatusCode.Forbidden));
            client.DefaultRequestHeaders.Add("X-CSRF-Token", csrf);
            using var done = await client.DeleteAsync($"/api/v1/messages/{id}");
            Assert.That(done.StatusCode, Is.EqualTo(HttpStatusCode.NoContent));
        }
    }

    [Test]
    public async Task A_script_needs_the_token_and_wrong_ones_are_slowed()
    {
        await using var bench = await DashboardBench.StartAsync();
        using var script = bench.Script();
        Assert.That((await script.GetAsync("/api/v1/overview")).StatusCode, Is.EqualTo(HttpStatusCode.OK));
        script.DefaultRequestHeaders.Authorization = new("Bearer", "guess");
        for (var i = 0; i < 3; i++) Assert.That((await script.GetAsync("/api/v1/overview")).StatusCode, Is.EqualTo(HttpStatusCode.Unauthorized));
        script.DefaultRequestHeaders.Authorization = new("Bearer", DashboardBench.Token);
        Assert.That((await script.GetAsync("/api/v1/overview")).StatusCode, Is.EqualTo(HttpStatusCode.TooManyRequests));
    }

    [Test]
    public async Task Without_a_configured_token_none_opens()
    {
        await using var bench = await DashboardBench.StartAsync(settings => settings with { Token = null });
        using var visitor = bench.Visitor();
        visitor.DefaultRequestHeaders.TryAddWithoutValidation("Authorization", "Bearer ");
        Assert.That((await visitor.GetAsync("/api/v1/overview")).StatusCode, Is.EqualTo(HttpStatusCode.Unauthorized));
    }

    [Test]
    public async Task The_control_socket_needs_no_sign_in_and_is_its_owners_alone()
    {
        await using var bench = await DashboardBench.StartAsync();
        if (!OperatingSystem.IsWindows())
        {
            Assert.That(File.GetUnixFileMode(bench.ControlSocketPath), Is.EqualTo(UnixFileMode.UserRead | UnixFileMode.UserWrite));
        }
        using var client = bench.CommandLine();
        var id = await bench.Mail.AcceptAsync();
        Assert.That((await client.GetAsync("/api/v1/overview")).StatusCode, Is.EqualTo(HttpStatusCode.OK));
        Assert.That((await client.DeleteAsync($"/api/v1/messages/{id}")).StatusCode, Is.EqualTo(HttpStatusCode.NoContent));
    }

    [TestCase("127.0.0.1", true)]
    [TestCase("[::1]", true)]
    [TestCase("nas", true)]
    [TestCase("NAS.local", true)]
    [TestCase("nas.fritz.box", true)]
    [TestCase("nas.speedport.ip", true)]
    [TestCase("speedport.ip.evil.example", false)]
    [TestCase("mail.example.com", true)]
    [TestCase("evil.example", false)]
    [TestCase("127.0.0.1.evil.example", false)]
    [TestCase("example.com", false)]
    [TestCase("localevil.example", false)]
    public async Task It_answers_to_addresses_names_of_home_and_listed_names_alone(string host, bool answered)
    {
        await using var bench = await DashboardBench.StartAsync(settings => settings with { Hosts = ["*.example.com"] });
        using var visitor = bench.Visitor();
        using var request = new HttpRequestMessage(HttpMethod.Get, "/sign-in") { Headers = { Host = $"{host}:8025" } };
        using var answer = await visitor.SendAsync(request);
        Assert.That(answer.StatusCode, Is.EqualTo(answered ? HttpStatusCode.OK : HttpStatusCode.MisdirectedRequest));
    }

    /// <summary>The reference says which names need no mention, so that nobody lists what works, or wonders why fritz.box itself does not.</summary>
    [Test]
    public void The_names_that_need_no_mention_are_those_of_the_reference()
    {
        var endings = File.ReadAllLines(Reference()).Single(line => line.StartsWith("| `hosts`", StringComparison.Ordinal)).Split("names below ")[1].Split(" need no mention")[0].Replace(" or ", ", ").Split(", ");
        Assert.That(endings, Has.Length.EqualTo(8));
        foreach (var ending in endings) Assert.That((ending, HostNames.Answers($"nas.{ending}", [])), Is.EqualTo((ending, true)));
        Assert.That(HostNames.Answers("fritz.box", []), Is.False);

        static string Reference([System.Runtime.CompilerServices.CallerFilePath] string path = "") => Path.Combine(Path.GetDirectoryName(path)!, "..", "..", "..", "docs", "configuration.md");
    }

    [Test]
    public async Task Every_answer_keeps_the_browser_careful()
    {
        await using var bench = await DashboardBench.StartAsync();
        var (client, _) = await bench.SignInAsync();
        using (client)
        {
            foreach (var path in (string[])["/", "/messages", "/sign-in", "/nowhere", "/api/v1/nowhere", "/healthz"])
            {
                using var answer = await client.GetAsync(path);
                var policy = answer.Headers.GetValues("Content-Security-Policy").Single().Split("; ");
                Assert.That(policy, Is.SupersetOf(new[] { "default-src 'none'", "script-src 'self'", "style-src 'self'", "form-action 'self'", "frame-ancestors 'none'", "base-uri 'none'" }), path);
                Assert.That(string.Join(' ', policy), Does.Not.Contain("unsafe").And.Not.Contain("*"), path);
                Assert.That(answer.Headers.GetValues("X-Frame-Options").Single(), Is.EqualTo("DENY"), path);
                Assert.That(answer.Headers.GetValues("Referrer-Policy").Single(), Is.EqualTo("same-origin"), path);
                Assert.That(answer.Headers.GetValues("X-Content-Type-Options").Single(), Is.EqualTo("nosniff"), path);
                Assert.That(answer.Headers.CacheControl!.NoStore, path);
            }
        }
    }

    [TestCase("../evil")]
    [TestCase("..")]
    [TestCase("../../smarthost")]
    [TestCase("/etc/evil")]
    [TestCase("a/b")]
    [TestCase("a\\b")]
    [TestCase("a.yaml")]
    [TestCase("a\0b")]
    [TestCase("-rf")]
    [TestCase("")]
    public async Task A_devices_name_leads_out_of_no_folder(string name)
    {
        await using var bench = await DashboardBench.StartAsync();
        bench.AddDevice("scanner", "192.168.1.23/32");
        var (client, csrf) = await bench.SignInAsync();
        using var script = bench.Script();
        using (client)
        {
            using var form = await client.PostAsync("/devices", DashboardBench.Form(("csrf", csrf), ("name", name), ("addresses", "192.168.1.77"), ("recipients", "you@gmail.com")));
            Assert.That(form.StatusCode, Is.EqualTo(HttpStatusCode.BadRequest));
            Assert.That(WebUtility.HtmlDecode(await form.Content.ReadAsStringAsync()), Does.Contain("cannot be a device's name").Or.Contain("could not be read"));
            using var allow = await script.PostAsync("/api/v1/devices", JsonContent.Create(new AllowRequest(name, ["192.168.1.77"], ["you@gmail.com"]), DashboardJson.Default.AllowRequest));
            Assert.That(allow.StatusCode, Is.EqualTo(HttpStatusCode.BadRequest));
            using var forget = await script.DeleteAsync($"/api/v1/devices/{Uri.EscapeDataString(name)}");
            Assert.That(forget.StatusCode, Is.AnyOf(HttpStatusCode.NotFound, HttpStatusCode.MethodNotAllowed, HttpStatusCode.BadRequest));
        }
        Assert.That((bench.Allowed.Count, bench.Devices.Count), Is.EqualTo((0, 1)));
    }

    [Test]
    public async Task A_made_password_is_kept_for_its_owner_said_once_and_found_again()
    {
        using var folder = new TemporaryFolder();
        using var log = new CollectedLines();
        var made = await DashboardPassword.ReadOrMakeAsync(null, folder.Path, log.CreateLogger(""), default);
        var again = await DashboardPassword.ReadOrMakeAsync(null, folder.Path, log.CreateLogger(""), default);
        Assert.That(made.Reveal(), Does.Match("^([2-9a-z]{4}-){3}[2-9a-z]{4}$"));
        Assert.That(again, Is.EqualTo(made));
        Assert.That(log.Lines.Count(line => line.Contains(made.Reveal())), Is.EqualTo(1));
        if (!OperatingSystem.IsWindows())
        {
            Assert.That(File.GetUnixFileMode(Path.Combine(folder.Path, DashboardPassword.FileName)), Is.EqualTo(UnixFileMode.UserRead | UnixFileMode.UserWrite));
        }
        Assert.That(await DashboardPassword.ReadOrMakeAsync(new Secret("mine"), folder.Path, log.CreateLogger(""), default), Is.EqualTo(new Secret("mine")));
    }

    [Test]
    public async Task A_password_that_cannot_be_kept_is_told_in_a_sentence()
    {
        using var folder = new TemporaryFolder();
        using var log = new CollectedLines();
        var file = Path.Combine(folder.Path, "not-a-folder");
        await File.WriteAllTextAsync(file, "");
        var failure = await Assert.ThrowsAsync<DashboardUnavailableException>(() => DashboardPassword.ReadOrMakeAsync(null, file, log.CreateLogger(""), default));
        Assert.That(failure!.Message, Does.Contain(DashboardPassword.FileName).And.Contain("dashboard.passwordFile"));
        Assert.That(log.Lines, Is.Empty);
    }

    private static async Task<HttpStatusCode> StatusAsync(HttpClient client, string cookie)
    {
        client.DefaultRequestHeaders.Remove("Cookie");
        client.DefaultRequestHeaders.Add("Cookie", cookie);
        using var answer = await client.GetAsync("/messages");
        return answer.StatusCode;
    }
}
