using System.Buffers.Text;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Web;
using Microsoft.Extensions.Time.Testing;
using SmartHost.Gmail;
using SmartHost.Gmail.Login;
using SmartHost.Mail;

namespace SmartHost.Tests.Gmail;

[CancelAfter(30_000)]
public class OAuthConsentTests
{
    private const string Granted = """{"access_token":"ya29.x","expires_in":3599,"refresh_token":"1//new","scope":"openid https://mail.google.com/"}""";

    private static readonly AccountSettings Account = Given.Account() with
    {
        Credentials = new AccountCredentials.OAuth("id.apps.googleusercontent.com", new Secret("GOCSPX-secret"), null),
    };

    private readonly FakeTimeProvider time = new(new DateTimeOffset(2026, 3, 1, 12, 0, 0, TimeSpan.Zero));
    private string folder = "";
    private HttpClient http = null!;
    private TokenEndpoint endpoint = null!;
    private OAuthConsent consent = null!;

    [SetUp]
    public async Task Start()
    {
        folder = Directory.CreateTempSubdirectory("smarthost-consent-").FullName;
        http = new HttpClient();
        endpoint = await TokenEndpoint.StartAsync();
        endpoint.Answer = _ => Task.FromResult((200, Granted));
        consent = new OAuthConsent(time, http, new RefreshTokens(folder), endpoint.Uri);
    }

    [TearDown]
    public async Task Stop()
    {
        await endpoint.DisposeAsync();
        http.Dispose();
        Directory.Delete(folder, recursive: true);
    }

    [Test]
    public void The_page_asks_for_what_SMTP_needs_and_for_a_refresh_token()
    {
        var request = Request();
        var query = HttpUtility.ParseQueryString(request.Page.Query);
        Assert.That(request.Page.ToString(), Does.StartWith("https://accounts.google.com/o/oauth2/v2/auth?"));
        Assert.That(query["scope"], Is.EqualTo("https://mail.google.com/"));
        Assert.That((query["access_type"], query["prompt"], query["response_type"]), Is.EqualTo(("offline", "consent", "code")));
        Assert.That(query["redirect_uri"], Is.EqualTo("http://127.0.0.1:49152/"));
        Assert.That(query["login_hint"], Is.EqualTo("you@gmail.com"));
        Assert.That(query["code_challenge_method"], Is.EqualTo("S256"));
        Assert.That(HttpUtility.ParseQueryString(Request().Page.Query)["state"], Is.Not.EqualTo(query["state"]), "each request has its own");
    }

    [TestCase("{0}?state={1}&code=4/0Ab&scope=https://mail.google.com/")]
    [TestCase("  '{0}?code=4/0Ab&state={1}'\n")]
    [TestCase("127.0.0.1:49152/?code=4%2F0Ab&state={1}#")]
    [TestCase("?code=4/0Ab&state={1}")]
    [TestCase("code=4/0\nAb&state={1}")]
    public async Task A_pasted_address_finishes_the_login(string pasted)
    {
        var request = Request();
        var outcome = await consent.FinishAsync(Account, request, string.Format(pasted, request.Redirect, StateOf(request)), CancellationToken.None);
        Assert.That(outcome, Is.InstanceOf<ConsentOutcome.Kept>());

        var form = endpoint.Forms.Single();
        Assert.That((form["grant_type"], form["code"], form["client_id"], form["client_secret"], form["redirect_uri"]),
            Is.EqualTo(("authorization_code", "4/0Ab", "id.apps.googleusercontent.com", "GOCSPX-secret", "http://127.0.0.1:49152/")));
        var challenge = HttpUtility.ParseQueryString(request.Page.Query)["code_challenge"];
        Assert.That(Base64Url.EncodeToString(SHA256.HashData(Encoding.ASCII.GetBytes(form["code_verifier"]))), Is.EqualTo(challenge));
        var (token, _) = await new RefreshTokens(folder).ReadAsync("default", "id.apps.googleusercontent.com", CancellationToken.None);
        Assert.That(token!.Reveal(), Is.EqualTo("1//new"));
    }

    [TestCase("http://127.0.0.1:49152/?code=4/0Ab&state=other", "another login")]
    [TestCase("http://127.0.0.1:49152/?code=4/0Ab", "another login")]
    [TestCase("http://127.0.0.1:49152/?error=access_denied&state=x", "declined")]
    [TestCase("http://127.0.0.1:49152/?error=brand_new", "brand_new")]
    [TestCase("", "no code")]
    [TestCase("%%%&=&?", "no code")]
    public async Task An_answer_that_is_none_is_explained_and_asks_Google_nothing(string pasted, string says)
    {
        var failed = (ConsentOutcome.Failed)await consent.FinishAsync(Account, Request(), pasted, CancellationToken.None);
        Assert.That(failed.Message, Does.Contain(says));
        Assert.That(failed.MayTryAgain);
        Assert.That(endpoint.Forms, Is.Empty);
    }

    [TestCase("""{"access_token":"ya29.x","refresh_token":"1//new","scope":"https://www.googleapis.com/auth/gmail.send"}""", "tick")]
    [TestCase("""{"access_token":"ya29.x","scope":"https://mail.google.com/"}""", "no refresh token")]
    public async Task A_consent_that_would_not_do_is_not_kept(string answer, string says)
    {
        endpoint.Answer = _ => Task.FromResult((200, answer));
        var request = Request();
        var failed = (ConsentOutcome.Failed)await consent.FinishAsync(Account, request, $"?code=c&state={StateOf(request)}", CancellationToken.None);
        Assert.That(failed.Message, Does.Contain(says));
        Assert.That(Directory.Exists(Path.Combine(folder, "tokens")), Is.False);
    }

    [Test]
    public async Task A_code_that_was_used_before_is_explained()
    {
        endpoint.Refuse(400, "invalid_grant", "Malformed auth code.");
        var request = Request();
        var failed = (ConsentOutcome.Failed)await consent.FinishAsync(Account, request, $"?code=c&state={StateOf(request)}", CancellationToken.None);
        Assert.That(failed.Message, Does.Contain("works once"));
    }

    [Test]
    public async Task The_seven_days_of_Testing_are_announced_with_their_date()
    {
        endpoint.Answer = _ => Task.FromResult((200, Granted.Replace("\"expires_in\"", "\"refresh_token_expires_in\":604799,\"expires_in\"")));
        var request = Request();
        var kept = (ConsentOutcome.Kept)await consent.FinishAsync(Account, request, $"?code=c&state={StateOf(request)}", CancellationToken.None);
        Assert.That(kept.Endures, Is.False);
        Assert.That(kept.Warning, Does.Contain("2026-03-08").And.Contain("Testing"));
    }

    [Test]
    public async Task The_browser_is_received_on_this_machine_alone()
    {
        await using var listener = await ConsentListener.StartAsync(CancellationToken.None);
        Assert.That(listener.Redirect.Host, Is.EqualTo("127.0.0.1"));
        Assert.That(listener.Redirect.Port, Is.GreaterThan(0));
        var request = new ConsentRequest(Account, listener.Redirect);

        using var favicon = await http.GetAsync(new Uri(listener.Redirect, "/favicon.ico"));
        Assert.That(favicon.StatusCode, Is.EqualTo(HttpStatusCode.NotFound));
        using var page = await http.GetAsync(new Uri(listener.Redirect, $"/?code=4/0Ab&state={StateOf(request)}"));
        var text = await page.Content.ReadAsStringAsync();
        Assert.That(text, Does.Contain("close this page").And.Not.Contain("4/0Ab"));
        Assert.That(page.Headers.GetValues("Referrer-Policy"), Is.EqualTo(new[] { "no-referrer" }));

        var outcome = await consent.FinishAsync(Account, request, await listener.WaitAsync(CancellationToken.None), CancellationToken.None);
        Assert.That(outcome, Is.InstanceOf<ConsentOutcome.Kept>());
        Assert.That(endpoint.Forms.Single()["redirect_uri"], Is.EqualTo(listener.Redirect.ToString()));
    }

    private static ConsentRequest Request() => new(Account, new Uri("http://127.0.0.1:49152/"));

    private static string StateOf(ConsentRequest request) => HttpUtility.ParseQueryString(request.Page.Query)["state"]!;
}
