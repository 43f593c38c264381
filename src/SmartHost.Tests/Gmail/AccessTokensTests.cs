using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Time.Testing;
using SmartHost.Gmail;
using SmartHost.Gmail.Login;
using SmartHost.Gmail.Replies;
using SmartHost.Mail;
using SmartHost.Tests.Clients;

namespace SmartHost.Tests.Gmail;

[CancelAfter(30_000)]
public class AccessTokensTests
{
    private readonly FakeTimeProvider time = new(new DateTimeOffset(2026, 3, 1, 12, 0, 0, TimeSpan.Zero));
    private string folder = "";
    private HttpClient http = null!;
    private TokenEndpoint endpoint = null!;
    private AccessTokens tokens = null!;

    [SetUp]
    public async Task Start()
    {
        folder = Directory.CreateTempSubdirectory("smarthost-tokens-").FullName;
        http = new HttpClient();
        endpoint = await TokenEndpoint.StartAsync();
        tokens = new AccessTokens(time, http, new RefreshTokens(folder), endpoint: endpoint.Uri);
    }

    [TearDown]
    public async Task Stop()
    {
        await endpoint.DisposeAsync();
        http.Dispose();
        Directory.Delete(folder, recursive: true);
    }

    [Test]
    public async Task A_refresh_token_becomes_an_access_token_as_RFC_6749_has_it()
    {
        var granted = (TokenOutcome.Granted)await tokens.GetAsync(OAuth("1//refresh"), CancellationToken.None);
        Assert.That(granted.Token.Reveal(), Is.EqualTo("ya29.token-1"));
        Assert.That(granted.Fresh);
        Assert.That(endpoint.Forms.Single(), Is.EquivalentTo(new Dictionary<string, string>
        {
            ["grant_type"] = "refresh_token",
            ["client_id"] = "id.apps.googleusercontent.com",
            ["client_secret"] = "GOCSPX-secret",
            ["refresh_token"] = "1//refresh",
        }));
    }

    [Test]
    public async Task A_token_is_kept_until_five_minutes_before_its_end()
    {
        var account = OAuth("1//refresh");
        await tokens.GetAsync(account, CancellationToken.None);
        time.Advance(TimeSpan.FromSeconds(3599 - 301));
        var kept = (TokenOutcome.Granted)await tokens.GetAsync(account, CancellationToken.None);
        Assert.That((kept.Token.Reveal(), kept.Fresh), Is.EqualTo(("ya29.token-1", false)));
        time.Advance(TimeSpan.FromSeconds(1));
        var renewed = (TokenOutcome.Granted)await tokens.GetAsync(account, CancellationToken.None);
        Assert.That((renewed.Token.Reveal(), renewed.Fresh), Is.EqualTo(("ya29.token-2", true)));
    }

    [Test]
    public async Task Fifty_callers_make_one_request()
    {
        var all = new TaskCompletionSource();
        endpoint.Answer = async _ =>
        {
            await all.Task;
            return (200, """{"access_token":"ya29.shared","expires_in":3599}""");
        };
        var callers = Enumerable.Range(0, 50).Select(_ => tokens.GetAsync(OAuth("1//refresh"), CancellationToken.None)).ToList();
        all.SetResult();
        var outcomes = await Task.WhenAll(callers);
        Assert.That(outcomes.Cast<TokenOutcome.Granted>().Select(granted => granted.Token.Reveal()), Is.All.EqualTo("ya29.shared"));
        Assert.That(endpoint.Forms, Has.Count.EqualTo(1));
    }

    [Test]
    public async Task Fifty_callers_share_one_refusal_and_a_later_one_asks_again()
    {
        var all = new TaskCompletionSource();
        endpoint.Answer = async _ =>
        {
            await all.Task;
            return (400, """{"error":"invalid_grant","error_description":"Token has been expired or revoked."}""");
        };
        var callers = Enumerable.Range(0, 50).Select(_ => tokens.GetAsync(OAuth("1//refresh"), CancellationToken.None)).ToList();
        all.SetResult();
        var outcomes = await Task.WhenAll(callers);
        Assert.That(outcomes.Cast<TokenOutcome.Refused>().Select(refused => refused.Verdict.Row), Is.All.EqualTo("token-revoked"));
        Assert.That(endpoint.Forms, Has.Count.EqualTo(1));
        await tokens.GetAsync(OAuth("1//refresh"), CancellationToken.None);
        Assert.That(endpoint.Forms, Has.Count.EqualTo(2));
    }

    [Test]
    public async Task A_caller_that_gives_up_does_not_take_the_others_with_it()
    {
        var first = new TaskCompletionSource();
        var asked = new TaskCompletionSource();
        endpoint.Answer = async count =>
        {
            if (count == 1)
            {
                asked.SetResult();
                await first.Task;
            }
            return (200, $$"""{"access_token":"ya29.{{count}}","expires_in":3599}""");
        };
        using var stop = new CancellationTokenSource();
        var impatient = tokens.GetAsync(OAuth("1//refresh"), stop.Token);
        await asked.Task;
        var patient = tokens.GetAsync(OAuth("1//refresh"), CancellationToken.None);
        await stop.CancelAsync();
        Assert.That(async () => await impatient, Throws.InstanceOf<OperationCanceledException>());
        Assert.That(((TokenOutcome.Granted)await patient).Token.Reveal(), Is.EqualTo("ya29.2"));
        first.SetResult();
    }

    [Test]
    public async Task Changed_credentials_ask_anew()
    {
        await tokens.GetAsync(OAuth("1//old"), CancellationToken.None);
        var granted = (TokenOutcome.Granted)await tokens.GetAsync(OAuth("1//new"), CancellationToken.None);
        Assert.That(granted.Token.Reveal(), Is.EqualTo("ya29.token-2"));
        Assert.That(endpoint.Forms[1]["refresh_token"], Is.EqualTo("1//new"));
    }

    [Test]
    public async Task While_Google_has_no_time_a_token_that_is_still_good_serves_on()
    {
        var account = OAuth("1//refresh");
        await tokens.GetAsync(account, CancellationToken.None);
        endpoint.Refuse(503, "internal_failure");
        time.Advance(TimeSpan.FromSeconds(3599 - 60));
        var old = (TokenOutcome.Granted)await tokens.GetAsync(account, CancellationToken.None);
        Assert.That(old.Token.Reveal(), Is.EqualTo("ya29.token-1"));
        time.Advance(TimeSpan.FromSeconds(31));
        var refused = (TokenOutcome.Refused)await tokens.GetAsync(account, CancellationToken.None);
        Assert.That(refused.Verdict.Row, Is.EqualTo("token-later"));
    }

    [TestCase(400, "invalid_grant", "Token has been expired or revoked.", "token-revoked", VerdictAction.HoldAccountForPerson)]
    [TestCase(400, "invalid_grant", "reauth related error (invalid_rapt)", "token-session-ended", VerdictAction.HoldAccountForPerson)]
    [TestCase(400, "invalid_grant", "Bad Request", "token-invalid-grant", VerdictAction.HoldAccountForPerson)]
    [TestCase(400, "invalid_grant", "Account has been deleted", "token-account-disabled", VerdictAction.HoldAccountForPerson)]
    [TestCase(400, "invalid_grant", "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. Check your iat and exp values in the JWT claim.", "token-clock", VerdictAction.HoldAccountForPerson)]
    [TestCase(400, "invalid_grant", "Invalid JWT Signature.", "token-key-deleted", VerdictAction.HoldAccountForPerson)]
    [TestCase(400, "invalid_grant", "Invalid grant: account not found", "token-mailbox-unknown", VerdictAction.HoldAccountForPerson)]
    [TestCase(401, "invalid_client", "The OAuth client was not found.", "token-invalid-client", VerdictAction.HoldAccountForPerson)]
    [TestCase(401, "deleted_client", null, "token-deleted-client", VerdictAction.HoldAccountForPerson)]
    [TestCase(401, "unauthorized_client", "Client is unauthorized to retrieve access tokens using this method", "token-unauthorised-client", VerdictAction.HoldAccountForPerson)]
    [TestCase(400, "invalid_scope", null, "token-invalid-scope", VerdictAction.HoldAccountForPerson)]
    [TestCase(400, "admin_policy_enforced", null, "token-admin-policy", VerdictAction.HoldAccountForPerson)]
    [TestCase(400, "brand_new_error", null, "token-unknown", VerdictAction.HoldAccountForPerson)]
    [TestCase(429, "rate_limit_exceeded", null, "token-later", VerdictAction.RetrySoon)]
    [TestCase(500, "internal_failure", null, "token-later", VerdictAction.RetrySoon)]
    public async Task A_refusal_is_explained_by_its_cause(int status, string error, string? description, string row, VerdictAction action)
    {
        endpoint.Refuse(status, error, description);
        var refused = (TokenOutcome.Refused)await tokens.GetAsync(OAuth("1//refresh"), CancellationToken.None);
        Assert.That((refused.Verdict.Row, refused.Verdict.Action), Is.EqualTo((row, action)));
        Assert.That(refused.ToString(), Does.Not.Contain("1//refresh").And.Not.Contain("GOCSPX"));
    }

    [TestCase("<html>Please log in to the hotel's network</html>", 200)]
    [TestCase("", 200)]
    [TestCase("{\"access_token\":\"\"}", 200)]
    [TestCase("{\"access_token\":[]}", 200)]
    [TestCase("<html>blocked</html>", 403)]
    public async Task An_answer_that_is_not_Googles_is_said_to_be_none(string body, int status)
    {
        endpoint.Answer = _ => Task.FromResult((status, body));
        var refused = (TokenOutcome.Refused)await tokens.GetAsync(OAuth("1//refresh"), CancellationToken.None);
        Assert.That((refused.Verdict.Row, refused.Verdict.Action), Is.EqualTo(("token-not-google", VerdictAction.RetrySoon)));
    }

    [Test]
    public async Task An_endless_answer_is_cut_off()
    {
        endpoint.Answer = _ => Task.FromResult((200, new string(' ', 5_000_000)));
        var refused = (TokenOutcome.Refused)await tokens.GetAsync(OAuth("1//refresh"), CancellationToken.None);
        Assert.That(refused.Verdict.Row, Is.EqualTo("token-not-google"));
    }

    [Test]
    public async Task A_token_service_out_of_reach_is_tried_again_soon()
    {
        await endpoint.DisposeAsync();
        var refused = (TokenOutcome.Refused)await tokens.GetAsync(OAuth("1//refresh"), CancellationToken.None);
        Assert.That((refused.Verdict.Row, refused.Verdict.Action), Is.EqualTo(("token-unreachable", VerdictAction.RetrySoon)));
    }

    [Test]
    public async Task A_token_service_that_is_silent_is_given_up_after_thirty_seconds()
    {
        var asked = new TaskCompletionSource();
        var never = new TaskCompletionSource();
        endpoint.Answer = async _ =>
        {
            asked.SetResult();
            await never.Task;
            return (200, "{}");
        };
        var asking = tokens.GetAsync(OAuth("1//refresh"), CancellationToken.None);
        await asked.Task;
        time.Advance(TimeSpan.FromSeconds(30));
        Assert.That(((TokenOutcome.Refused)await asking).Verdict.Row, Is.EqualTo("token-unreachable"));
        never.SetResult();
    }

    [Test]
    public async Task A_kept_refresh_token_is_used_where_the_settings_have_none()
    {
        // As by a login before the first start.
        Directory.Delete(folder, recursive: true);
        var kept = new RefreshTokens(folder);
        kept.Keep("default", "id.apps.googleusercontent.com", new Secret("1//kept"), time.GetUtcNow());
        await tokens.GetAsync(OAuth(null), CancellationToken.None);
        Assert.That(endpoint.Forms.Single()["refresh_token"], Is.EqualTo("1//kept"));
        if (!OperatingSystem.IsWindows())
        {
            Assert.That(File.GetUnixFileMode(Path.Combine(folder, "tokens", "default.json")), Is.EqualTo(UnixFileMode.UserRead | UnixFileMode.UserWrite));
            Assert.That(File.GetUnixFileMode(Path.Combine(folder, "tokens")), Is.EqualTo(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute));
            Assert.That(File.GetUnixFileMode(folder), Is.EqualTo(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute));
        }
    }

    /// <summary>As under systemd's DynamicUser: root alone can type the command, and the server is somebody else.</summary>
    [Test, Platform("Linux", Reason = "owners of files")]
    public async Task A_login_by_root_is_kept_for_the_owner_of_the_data_folder(CancellationToken cancellation)
    {
        if (!Environment.IsPrivilegedProcess) Assert.Ignore("only root can do this");
        await ForeignProgram.RunAsync("chown", ["54321:54322", folder], cancellation);
        new RefreshTokens(folder).Keep("default", "id.apps.googleusercontent.com", new Secret("1//kept"), time.GetUtcNow());
        Assert.That(await ForeignProgram.RunAsync("stat", ["-c", "%u:%g %a", Path.Combine(folder, "tokens"), Path.Combine(folder, "tokens", "default.json")], cancellation), Does.Contain("\n54321:54322 700\n54321:54322 600\n"));
    }

    [Test]
    public async Task A_refresh_token_that_Google_replaces_is_kept_and_used_from_then_on()
    {
        var kept = new RefreshTokens(folder);
        kept.Keep("default", "id.apps.googleusercontent.com", new Secret("1//first"), time.GetUtcNow());
        endpoint.Answer = count => Task.FromResult((200, $$"""{"access_token":"ya29.token-{{count}}","refresh_token":"1//next-{{count}}","expires_in":3599}"""));
        await tokens.GetAsync(OAuth(null), CancellationToken.None);
        time.Advance(TimeSpan.FromHours(1));
        await tokens.GetAsync(OAuth(null), CancellationToken.None);
        Assert.That(endpoint.Forms.Select(form => form["refresh_token"]), Is.EqualTo(["1//first", "1//next-1"]));

        // One in the settings is the user's own: it is asked with as it stands, and nothing is written beside it.
        await tokens.GetAsync(OAuth("1//settings") with { Name = "other" }, CancellationToken.None);
        Assert.That(File.Exists(kept.PathOf("other")), Is.False);
    }

    [TestCase("Bad Request: associated grant", "token-invalid-grant")]
    [TestCase("Invalid JWT: Check your iat and exp values", "token-clock")]
    public async Task A_word_within_a_word_is_no_cause(string description, string row)
    {
        endpoint.Refuse(400, "invalid_grant", description);
        Assert.That(((TokenOutcome.Refused)await tokens.GetAsync(OAuth("1//refresh"), CancellationToken.None)).Verdict.Row, Is.EqualTo(row));
    }

    [Test]
    public async Task A_newer_login_replaces_an_older_one_even_after_a_crash_in_between()
    {
        var kept = new RefreshTokens(folder);
        kept.Keep("default", "id.apps.googleusercontent.com", new Secret("1//old"), time.GetUtcNow());
        await File.WriteAllTextAsync(kept.PathOf("default") + ".new", "{\"Refre");
        kept.Keep("default", "id.apps.googleusercontent.com", new Secret("1//new"), time.GetUtcNow());
        var (token, _) = await kept.ReadAsync("default", "id.apps.googleusercontent.com", CancellationToken.None);
        Assert.That(token!.Reveal(), Is.EqualTo("1//new"));
        Assert.That(Directory.GetFiles(Path.Combine(folder, "tokens")), Has.Length.EqualTo(1));
    }

    [TestCase(null, "token-no-consent")]
    [TestCase("{\"RefreshToken\":\"1//x\",\"ClientId\":\"another\"}", "token-other-client")]
    [TestCase("{\"RefreshToken\":", "token-unreadable-store")]
    [TestCase("", "token-unreadable-store")]
    [TestCase("{}", "token-unreadable-store")]
    [TestCase("null", "token-unreadable-store")]
    public async Task A_store_without_a_usable_token_says_what_to_do_without_asking_Google(string? content, string row)
    {
        Directory.CreateDirectory(Path.Combine(folder, "tokens"));
        if (content is not null) await File.WriteAllTextAsync(Path.Combine(folder, "tokens", "default.json"), content);
        var refused = (TokenOutcome.Refused)await tokens.GetAsync(OAuth(null), CancellationToken.None);
        Assert.That(refused.Verdict.Row, Is.EqualTo(row));
        Assert.That(refused.Verdict.Remedy, Does.Contain("smarthost login"));
        Assert.That(endpoint.Forms, Is.Empty);
    }

    [TestCase("../../etc/passwd")]
    [TestCase("a/b")]
    [TestCase("..")]
    public void An_accounts_name_never_leads_out_of_the_folder(string name) =>
        Assert.That(Path.GetDirectoryName(Path.GetFullPath(new RefreshTokens(folder).PathOf(name))), Is.EqualTo(Path.Combine(folder, "tokens")));

    [Test]
    public async Task A_service_account_signs_for_the_mailbox()
    {
        using var rsa = RSA.Create(2048);
        var key = new JsonObject
        {
            ["type"] = "service_account",
            ["client_email"] = "scanner@project.iam.gserviceaccount.com",
            ["private_key_id"] = "key-1",
            ["private_key"] = rsa.ExportPkcs8PrivateKeyPem(),
        }.ToJsonString();
        var account = Given.Account() with { Credentials = new AccountCredentials.ServiceAccount(new Secret(key)) };
        var granted = (TokenOutcome.Granted)await tokens.GetAsync(account, CancellationToken.None);
        Assert.That(granted.Token.Reveal(), Is.EqualTo("ya29.token-1"));

        var form = endpoint.Forms.Single();
        Assert.That(form["grant_type"], Is.EqualTo("urn:ietf:params:oauth:grant-type:jwt-bearer"));
        var parts = form["assertion"].Split('.');
        Assert.That(rsa.VerifyData(Encoding.ASCII.GetBytes($"{parts[0]}.{parts[1]}"), Base64Url.DecodeFromChars(parts[2]), HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1));
        using var header = JsonDocument.Parse(Base64Url.DecodeFromChars(parts[0]));
        using var claims = JsonDocument.Parse(Base64Url.DecodeFromChars(parts[1]));
        Assert.That(header.RootElement.GetProperty("alg").GetString(), Is.EqualTo("RS256"));
        Assert.That(header.RootElement.GetProperty("kid").GetString(), Is.EqualTo("key-1"));
        Assert.That(claims.RootElement.GetProperty("sub").GetString(), Is.EqualTo("you@gmail.com"));
        Assert.That(claims.RootElement.GetProperty("iss").GetString(), Is.EqualTo("scanner@project.iam.gserviceaccount.com"));
        Assert.That(claims.RootElement.GetProperty("scope").GetString(), Is.EqualTo("https://mail.google.com/"));
        Assert.That(claims.RootElement.GetProperty("aud").GetString(), Is.EqualTo(endpoint.Uri.ToString()));
        Assert.That(claims.RootElement.GetProperty("exp").GetInt64() - claims.RootElement.GetProperty("iat").GetInt64(), Is.EqualTo(3600));
        Assert.That(claims.RootElement.GetProperty("iat").GetInt64(), Is.EqualTo(time.GetUtcNow().ToUnixTimeSeconds()));
    }

    [TestCase("not json")]
    [TestCase("{}")]
    [TestCase("{\"client_email\":\"x@y\",\"private_key\":\"-----BEGIN PRIVATE KEY-----\\nAAAA\\n-----END PRIVATE KEY-----\"}")]
    [TestCase("{\"client_email\":\"x@y\",\"private_key\":\"no pem\"}")]
    public async Task A_key_that_is_none_is_said_to_be_none(string key)
    {
        var account = Given.Account() with { Credentials = new AccountCredentials.ServiceAccount(new Secret(key)) };
        Assert.That(((TokenOutcome.Refused)await tokens.GetAsync(account, CancellationToken.None)).Verdict.Row, Is.EqualTo("token-bad-key"));
    }

    // The challenge that Google answers a bad token with, and the empty line that it waits for.
    private const string RefusedToken = "C: AUTH XOAUTH2 *\nS: 334 eyJzdGF0dXMiOiI0MDAiLCJzY2hlbWVzIjoiQmVhcmVyIiwic2NvcGUiOiJodHRwczovL21haWwuZ29vZ2xlLmNvbS8ifQ==\nC: \nS: 535-5.7.8 Username and Password not accepted. For more information, go to\nS: 535 5.7.8  https://support.google.com/mail/?p=BadCredentials x - gsmtp\nEND";

    [Test]
    public async Task XOAUTH2_logs_in_with_the_token()
    {
        var response = Convert.ToBase64String(Encoding.ASCII.GetBytes("user=you@gmail.com\u0001auth=Bearer ya29.token-1\u0001\u0001"));
        await using var gmail = new ScriptedGmail(ScriptedGmail.Hello + ScriptedGmail.HelloAgain + $"C: AUTH XOAUTH2 {response}\nS: 235 2.7.0 Accepted\n");
        var opened = (OpenOutcome.Opened)await Given.Connector(gmail, tokens: tokens).OpenAsync(OAuth("1//refresh"), CancellationToken.None);
        await opened.Session.DisposeAsync();
        await gmail.PlayedAsync();
        Assert.That(endpoint.Forms, Has.Count.EqualTo(1));
    }

    [Test]
    public async Task A_fresh_token_that_Gmail_refuses_is_not_tried_again()
    {
        await using var gmail = new ScriptedGmail(ScriptedGmail.Hello + ScriptedGmail.HelloAgain + RefusedToken);
        var failed = (OpenOutcome.Failed)await Given.Connector(gmail, tokens: tokens).OpenAsync(OAuth("1//refresh"), CancellationToken.None);
        await gmail.PlayedAsync();
        Assert.That(failed.Verdict.Action, Is.EqualTo(VerdictAction.HoldAccountForPerson));
        Assert.That(failed.Reply!.Code, Is.EqualTo(535));
        Assert.That(failed.Verdict.Remedy, Does.StartWith("Run smarthost login again").And.Not.Contain("app password"));
        Assert.That(endpoint.Forms, Has.Count.EqualTo(1));
    }

    [TestCase(true)]
    [TestCase(false)]
    public async Task An_old_token_that_Gmail_refuses_is_replaced_once(bool secondIsAccepted)
    {
        var account = OAuth("1//refresh");
        await tokens.GetAsync(account, CancellationToken.None);
        await using var gmail = new ScriptedGmail(
            ScriptedGmail.Hello + ScriptedGmail.HelloAgain + RefusedToken,
            ScriptedGmail.Hello + ScriptedGmail.HelloAgain + (secondIsAccepted ? "C: AUTH XOAUTH2 *\nS: 235 2.7.0 Accepted\n" : RefusedToken));
        var outcome = await Given.Connector(gmail, tokens: tokens).OpenAsync(account, CancellationToken.None);
        if (outcome is OpenOutcome.Opened opened)
        {
            Assert.That(opened.Tried, Does.Contain("with a new access token"));
            await opened.Session.DisposeAsync();
        }
        Assert.That(outcome is OpenOutcome.Opened, Is.EqualTo(secondIsAccepted));
        Assert.That(endpoint.Forms, Has.Count.EqualTo(2));
        await gmail.PlayedAsync();
        Assert.That(gmail.Heard.Count(line => line.StartsWith("AUTH", StringComparison.Ordinal)), Is.EqualTo(2));
    }

    [Test]
    public async Task A_token_that_Gmail_refused_is_not_shown_again_however_fresh_it_was()
    {
        var account = OAuth("1//refresh");
        await using var gmail = new ScriptedGmail(
            ScriptedGmail.Hello + ScriptedGmail.HelloAgain + RefusedToken,
            ScriptedGmail.Hello + ScriptedGmail.HelloAgain + RefusedToken.Replace("AUTH XOAUTH2 *", $"AUTH XOAUTH2 {Response("ya29.token-2")}", StringComparison.Ordinal));
        var connector = Given.Connector(gmail, tokens: tokens);
        for (var i = 0; i < 2; i++) Assert.That(await connector.OpenAsync(account, CancellationToken.None), Is.TypeOf<OpenOutcome.Failed>());
        await gmail.PlayedAsync();
        Assert.That(gmail.Heard.Count(line => line.StartsWith("AUTH", StringComparison.Ordinal)), Is.EqualTo(2), "one login a try");
        Assert.That(endpoint.Forms, Has.Count.EqualTo(2));

        static string Response(string token) => Convert.ToBase64String(Encoding.ASCII.GetBytes($"user=you@gmail.com\u0001auth=Bearer {token}\u0001\u0001"));
    }

    [Test]
    public async Task Without_a_token_nothing_connects()
    {
        endpoint.Refuse(400, "invalid_grant", "Token has been expired or revoked.");
        var failed = (OpenOutcome.Failed)await Given.Connector(new Dictionary<int, int>(), tokens: tokens).OpenAsync(OAuth("1//refresh"), CancellationToken.None);
        Assert.That(failed.Verdict.Row, Is.EqualTo("token-revoked"));
        Assert.That(failed.Tried, Is.EqualTo("127.0.0.1 for an access token"));
    }

    private static AccountSettings OAuth(string? refreshToken) => Given.Account() with
    {
        Credentials = new AccountCredentials.OAuth("id.apps.googleusercontent.com", new Secret("GOCSPX-secret"), refreshToken is null ? null : new Secret(refreshToken)),
    };
}
