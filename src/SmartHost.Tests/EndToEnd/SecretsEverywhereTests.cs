using System.CommandLine;
using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Serilog;
using Serilog.Core;
using Serilog.Events;
using SmartHost.Cli;
using SmartHost.Devices;
using SmartHost.Mail;
using SmartHost.Practice;
using SmartHost.Tests.Notices;
using SmartHost.Tests.Practice;

namespace SmartHost.Tests.EndToEnd;

/// <summary>
/// Every secret that can be configured, each used and each refused once, and then looked for wherever a person or a program
/// can look: the log at its most talkative, every page, every answer of the API, metrics, traces, the command line, the
/// data folder. In plain, and in the forms that AUTH, forms and HTTP give it.
/// </summary>
[CancelAfter(120_000)]
public partial class SecretsEverywhereTests
{
    private const string WrongAppPassword = "zyxwvutsrqponmlk", DevicePassword = "device-pass-3141", WrongDevicePassword = "device-wrong-2718", WrongPagePassword = "page-wrong-1618", WrongToken = "api-wrong-1414";

    [Test]
    public async Task No_secret_is_shown_anywhere(CancellationToken cancellation)
    {
        var log = new Written();
        using var folder = new TemporaryFolder();
        await using var webhook = await WebhookReceiver.StartAsync();
        await using var tokens = await PracticeTokens.StartAsync(TimeProvider.System, cancellation: cancellation);
        var (oauthUser, serviceUser, wrongUser) = (Mailbox.Parse("oauth@example.com"), Mailbox.Parse("service@example.com"), Mailbox.Parse("wrong@example.com"));
        var refreshToken = tokens.IssueRefreshToken(oauthUser).Reveal();
        var keyPem = OwnCertificate.Write(folder.File("own.pem"), folder.File("own-key.pem"), TimeProvider.System.GetUtcNow().AddYears(1));
        File.WriteAllText(folder.File("service.json"), tokens.ServiceAccountKey().Reveal());
        var serviceKey = JsonDocument.Parse(tokens.ServiceAccountKey().Reveal()).RootElement.GetProperty("private_key").GetString()!;
        using var random = RandomNumberGenerator.Create();
        var hash = PasswordHash.Create(DevicePassword, random);
        var webhookSecret = "hook-s3cr3t-8f2a";

        await using var logger = new LoggerConfiguration().MinimumLevel.Verbose().WriteTo.Sink(log).CreateLogger();
        await using var live = await LiveServer.StartAsync(cancellation, new PracticeSettings
        {
            AcceptsToken = tokens.Accepts,
            Accounts = [.. new[] { Mailbox.Parse("you@gmail.com"), oauthUser, serviceUser, wrongUser }.Select(user => new PracticeAccount(user, new Secret("abcdefghijklmnop")))],
        }, page: true, log: logger, tokenEndpoint: tokens.TokenEndpoint,
        edit: yaml =>
        {
            var way = Regex.Match(yaml, "    host:.*?caFile: [^\n]*\n", RegexOptions.Singleline).Value;
            return yaml.Replace("listeners:\n", $$"""
                  oauth:
                    username: {{oauthUser}}
                    oauth: { clientId: {{tokens.ClientId}}, clientSecret: {{tokens.ClientSecret.Reveal()}}, refreshToken: {{refreshToken}} }
                {{way}}  service:
                    username: {{serviceUser}}
                    serviceAccountFile: {{folder.File("service.json")}}
                {{way}}  wrong:
                    username: {{wrongUser}}
                    appPassword: {{WrongAppPassword}}
                {{way}}listeners:

                """).Replace("address: 127.0.0.1 }\nd", $"address: 127.0.0.1, authInClear: true, certificateFile: {folder.File("own.pem")}, keyFile: {folder.File("own-key.pem")} }}\nd")
                .Replace("devices:\n", $$"""
                devices:
                  by-login: { username: shop, passwordHash: "{{hash}}", recipients: ["*"], trace: true, account: oauth }
                  by-service: { username: servant, passwordHash: "{{hash}}", recipients: ["*"], trace: true, account: service }
                  by-wrong: { username: unlucky, passwordHash: "{{hash}}", recipients: ["*"], trace: true, account: wrong }

                """);
        }, more: $$"""
            alerts: { webhook: "{{webhook.Address}}{{webhookSecret}}?token=tok-5772" }
            trace: [127.0.0.1]
            """);
        webhook.Status = 500;

        string[] secrets =
        [
            "abcdefghijklmnop", "abcd efgh ijkl mnop", WrongAppPassword, tokens.ClientSecret.Reveal(), refreshToken, "ya29.practice", hash, hash.Split('$', ':')[^1], DevicePassword, WrongDevicePassword,
            LiveServer.PagePassword, WrongPagePassword, LiveServer.PageToken, WrongToken, webhookSecret, "tok-5772",
            .. KeyLines(keyPem), .. KeyLines(serviceKey),
            // A service account's signed request, for as long as it is good, is as good as its key.
            "eyJhbGciOiJSUzI1NiI",
        ];
        var forms = secrets.Concat(secrets.Select(Base64)).Concat(secrets.Select(Uri.EscapeDataString)).Concat(Sasl(refreshToken)).Distinct().ToList();
        var found = new List<string>();
        var looked = 0;

        // Devices log in, well and badly; the accounts log in, well and badly.
        foreach (var user in (string[])["shop", "servant", "unlucky"]) Assert.That(await SendAsync(live, $"AUTH PLAIN {Base64($"\0{user}\0{DevicePassword}")}", cancellation), Is.EqualTo(250), user);
        Assert.That(await SendAsync(live, $"AUTH PLAIN {Base64($"\0shop\0{WrongDevicePassword}")}", cancellation), Is.EqualTo(535));
        Assert.That(await SendAsync(live, "AUTH LOGIN", cancellation, Base64("shop"), Base64(DevicePassword)), Is.EqualTo(250));
        await live.Gmail.WaitForAsync(message => message.Account == oauthUser, cancellation);
        await live.Gmail.WaitForAsync(message => message.Account == serviceUser, cancellation);
        await LiveServer.WaitAsync(() => live.Server.Flow.Alerts.Snapshot.Deliveries.Count > 0, cancellation);

        // A wrong password and a wrong token at the page; a body, a name and a path that are not taken.
        using var visitor = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, UseProxy = false, UseCookies = false }) { BaseAddress = live.Page };
        await LookAsync("wrong password", await visitor.PostAsync("/sign-in", Form(("password", WrongPagePassword)), cancellation));
        using (var request = new HttpRequestMessage(HttpMethod.Get, "/api/v1/overview") { Headers = { Authorization = new("Bearer", WrongToken) } })
            await LookAsync("wrong token", await visitor.SendAsync(request, cancellation));
        using (var request = new HttpRequestMessage(HttpMethod.Get, "/") { Headers = { Host = "evil.example" } }) await LookAsync("wrong name", await visitor.SendAsync(request, cancellation));
        using (var signedIn = await visitor.PostAsync("/sign-in", Form(("password", LiveServer.PagePassword)), cancellation))
        {
            Assert.That(signedIn.StatusCode, Is.EqualTo(HttpStatusCode.SeeOther));
            visitor.DefaultRequestHeaders.Add("Cookie", signedIn.Headers.GetValues("Set-Cookie").Single().Split(';')[0]);
            await LookAsync("signing in", signedIn);
        }

        // A mistake beside each secret, as somebody might make it: the page and the log say where, and not what.
        var sound = await File.ReadAllTextAsync(live.ConfigFile, cancellation);
        foreach (var spoilt in new Func<string, string>[]
        {
            yaml => yaml.Replace($"appPassword: {WrongAppPassword}", $"appPassword: [{WrongAppPassword}"),
            yaml => yaml.Replace($"appPassword: {WrongAppPassword}", $"appPasword: {WrongAppPassword}"),
            yaml => yaml.Replace($"appPassword: {WrongAppPassword}", $"appPassword: {{ is: {WrongAppPassword} }}"),
            yaml => yaml.Replace($"passwordHash: \"{hash}\"", $"passwordHash: \"{DevicePassword}\""),
            yaml => yaml.Replace("alerts: { webhook: \"http://", "alerts: { webhook: \"ftp://"),
            yaml => yaml.Replace("clientSecret: ", "clientSecrets: "),
        })
        {
            Assert.That(spoilt(sound), Is.Not.EqualTo(sound));
            var before = live.Server.Flow.Settings.LastProblems;
            await File.WriteAllTextAsync(live.ConfigFile, spoilt(sound), cancellation);
            await LiveServer.WaitAsync(() => !ReferenceEquals(live.Server.Flow.Settings.LastProblems, before), cancellation);
            Assert.That(live.Server.Flow.Settings.LastProblems, Is.Not.Empty);
            await LookAsync("/ with a mistake in the settings", await visitor.GetAsync("/", cancellation));
            await LookAtCommandAsync("check", "--offline", "--json");
        }
        var last = live.Server.Flow.Settings.LastProblems;
        await File.WriteAllTextAsync(live.ConfigFile, sound, cancellation);
        await LiveServer.WaitAsync(() => !ReferenceEquals(live.Server.Flow.Settings.LastProblems, last), cancellation);

        // Every page there is a way to, and every answer of the API.
        var pages = await CrawlAsync(visitor, cancellation);
        using var script = live.Script();
        var id = (await live.Server.Queue.SearchAsync(new(), cancellation))[0].Id;
        using (var document = JsonDocument.Parse(await script.GetStringAsync("/api/v1/openapi.json", cancellation)))
        {
            foreach (var path in document.RootElement.GetProperty("paths").EnumerateObject().Where(path => path.Value.TryGetProperty("get", out _)))
                await LookAsync($"/api/v1{path.Name}", await script.GetAsync($"/api/v1{path.Name.Replace("{id}", id.ToString())}", cancellation));
        }
        await LookAsync("/metrics", await script.GetAsync("/metrics", cancellation));
        await LookAsync("a bad body", await script.PostAsync("/api/v1/devices", new StringContent("{\"name\": ", Encoding.UTF8, "application/json"), cancellation));
        await LookAsync("too large a body", await script.PostAsync("/api/v1/devices", new StringContent(new string('x', 100_000), Encoding.UTF8, "application/json"), cancellation));
        Look("the check, up to the logins", await CheckUntilLoginsAsync(script, cancellation));

        foreach (var arguments in (string[][])[["queue", "list"], ["queue", "list", "--json"], ["queue", "show", id.ToString()], ["queue", "show", id.ToString(), "--json"], ["devices", "list"], ["devices", "list", "--json"],
            ["health"], ["health", "--json"], ["check", "--offline"], ["check", "--offline", "--json"], ["explain", "--client", "127.0.0.1", "--from", "a@b.example", "--to", "you@example.com"]])
            await LookAtCommandAsync(arguments);

        var traces = Directory.GetFiles(live.File("data/traces"));
        Assert.That(traces.Select(File.ReadAllText), Has.Some.Contains("AUTH PLAIN").And.Some.Contains("AUTH LOGIN"));
        // The traces, the database with its log, what waits: all that a backup would hold.
        foreach (var file in Directory.EnumerateFiles(live.File("data"), "*", SearchOption.AllDirectories).Where(file => Path.GetExtension(file) is not (".sock" or ".lock"))) Look(Path.GetFileName(file), ReadShared(file));
        Look("the log", log.Text);

        Assert.That(log.Text, Does.Contain("wrong password from").And.Contain("wrong token from").And.Contain("webhook"), "the log was there when it happened");
        Assert.That(pages, Is.GreaterThan(12));
        Assert.That(looked, Is.GreaterThan(50));
        Assert.That(found, Is.Empty);

        void Look(string where, string text)
        {
            looked++;
            found.AddRange(forms.Where(form => text.Contains(form, StringComparison.Ordinal)).Select(form => $"{form} in {where}"));
        }

        async Task LookAsync(string where, HttpResponseMessage answer)
        {
            using (answer) Look(where, $"{answer.Headers}{answer.Content.Headers}{await answer.Content.ReadAsStringAsync(cancellation)}");
        }

        async Task LookAtCommandAsync(params string[] arguments)
        {
            await using var output = new StringWriter();
            await CommandLine.Root().Parse([.. arguments, "--config", live.ConfigFile]).InvokeAsync(new InvocationConfiguration { Output = output, Error = output }, cancellation);
            Assert.That(output.ToString(), Is.Not.Empty, string.Join(' ', arguments));
            Look(string.Join(' ', arguments), output.ToString());
        }

        async Task<int> CrawlAsync(HttpClient person, CancellationToken stop)
        {
            var (open, seen) = (new Queue<string>(["/"]), new HashSet<string>(["/"]));
            while (open.TryDequeue(out var path))
            {
                using var answer = await person.GetAsync(path, stop);
                var text = await answer.Content.ReadAsStringAsync(stop);
                Look(path, $"{answer.Headers}{text}");
                if (answer.Content.Headers.ContentType?.MediaType != "text/html") continue;
                foreach (Match link in Links().Matches(text))
                {
                    var next = WebUtility.HtmlDecode(link.Groups[1].Value);
                    if (seen.Add(next)) open.Enqueue(next);
                }
            }
            return seen.Count;
        }
    }

    private static async Task<int> SendAsync(LiveServer live, string auth, CancellationToken cancellation, params string[] answers)
    {
        var conversation = await new PracticeDevice(TimeProvider.System, TimeSpan.FromSeconds(20)).PlayAsync("127.0.0.1", live.Port,
        [
            DeviceTurn.Command("EHLO device"), DeviceTurn.Command(auth), .. answers.Select(DeviceTurn.Command), DeviceTurn.Command("MAIL FROM:<shop@device.lan>"),
            DeviceTurn.Command("RCPT TO:<you@example.com>"), DeviceTurn.Command("DATA"), DeviceTurn.Message("Subject: order\r\n\r\nText.\r\n"u8.ToArray()), DeviceTurn.Command("QUIT"),
        ], cancellation);
        return conversation.Exchanges[^2].Code;
    }

    /// <summary>The lines of the running server's check that log in at Gmail; not the last, which would ask the internet for the time.</summary>
    private static async Task<string> CheckUntilLoginsAsync(HttpClient script, CancellationToken cancellation)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/v1/check");
        using var answer = await script.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellation);
        using var reader = new StreamReader(await answer.Content.ReadAsStreamAsync(cancellation));
        var text = new StringBuilder();
        for (var logins = 0; logins < 4;)
        {
            var line = await reader.ReadLineAsync(cancellation) ?? throw new AssertionException($"the check ended before the logins: {text}");
            text.AppendLine(line);
            if (line.Contains("\"account ", StringComparison.Ordinal)) logins++;
        }
        return text.ToString();
    }

    /// <summary>A key's Base64 from its third line on: the first two are alike for many.</summary>
    private static IEnumerable<string> KeyLines(string pem) => pem.Split('\n').Skip(3).Where(line => line.Length >= 60).Take(2);

    private static IEnumerable<string> Sasl(string refreshToken) =>
    [
        Base64("\0you@gmail.com\0abcdefghijklmnop"), Base64($"\0wrong@example.com\0{WrongAppPassword}"), Base64($"\0shop\0{DevicePassword}"), Base64($"\0shop\0{WrongDevicePassword}"),
        Base64($"smarthost:{LiveServer.PagePassword}"), Base64($"refresh_token={refreshToken}"),
        // XOAUTH2 begins so for whatever token comes then; cut to whole groups of three octets.
        Base64("user=oauth@example.com\u0001auth=Bearer ya29.practice-"[..48]), Base64("user=service@example.com\u0001auth=Bearer ya29.practice-"[..48]),
    ];

    private static string Base64(string text) => Convert.ToBase64String(Encoding.UTF8.GetBytes(text));

    private static string ReadShared(string file)
    {
        using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        using var reader = new StreamReader(stream, Encoding.Latin1);
        return reader.ReadToEnd();
    }

    private static FormUrlEncodedContent Form(params (string Name, string Value)[] fields) => new(fields.Select(field => KeyValuePair.Create(field.Name, field.Value)));

    [GeneratedRegex("(?:href|action)=\"(/[^\"]*)\"")]
    private static partial Regex Links();

    /// <summary>All that is logged, whatever its level, with every property and every exception.</summary>
    private sealed class Written : ILogEventSink
    {
        private readonly StringBuilder text = new();

        public string Text
        {
            get { lock (text) return text.ToString(); }
        }

        public void Emit(LogEvent logEvent)
        {
            lock (text) text.Append(logEvent.RenderMessage(CultureInfo.InvariantCulture)).Append(' ').AppendJoin(' ', logEvent.Properties).Append(' ').Append(logEvent.Exception).AppendLine();
        }
    }
}
