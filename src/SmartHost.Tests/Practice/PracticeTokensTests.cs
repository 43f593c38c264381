using System.Buffers.Text;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Time.Testing;
using SmartHost.Mail;
using SmartHost.Practice;

namespace SmartHost.Tests.Practice;

[CancelAfter(30_000)]
public class PracticeTokensTests
{
    private static readonly Mailbox You = Mailbox.Parse("you@gmail.com");

    [Test]
    public async Task A_refresh_token_brings_access_for_an_hour(CancellationToken cancellation)
    {
        var time = new FakeTimeProvider();
        await using var tokens = await PracticeTokens.StartAsync(time, cancellation: cancellation);
        var answer = await RefreshAsync(tokens, tokens.IssueRefreshToken(You), cancellation);
        var access = answer.Json.GetProperty("access_token").GetString()!;
        Assert.Multiple(() =>
        {
            Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.OK));
            Assert.That(answer.Json.GetProperty("token_type").GetString(), Is.EqualTo("Bearer"));
            Assert.That(answer.Json.GetProperty("scope").GetString(), Is.EqualTo("https://mail.google.com/"));
            Assert.That(answer.Json.TryGetProperty("refresh_token", out _), Is.False);
            Assert.That(tokens.Accepts(You, access));
            Assert.That(tokens.Accepts(Mailbox.Parse("other@gmail.com"), access), Is.False);
        });
        var seconds = answer.Json.GetProperty("expires_in").GetInt32();
        time.Advance(TimeSpan.FromSeconds(seconds));
        Assert.That(tokens.Accepts(You, access), Is.True, "good for as long as was said");
        time.Advance(TimeSpan.FromSeconds(1));
        Assert.That(tokens.Accepts(You, access), Is.False);
        Assert.That(tokens.Requests, Is.EqualTo([new PracticeTokenRequest(tokens.Requests[0].At, "refresh_token", null)]));
    }

    [Test]
    public async Task A_revoked_refresh_token_takes_its_access_with_it(CancellationToken cancellation)
    {
        await using var tokens = await PracticeTokens.StartAsync(TimeProvider.System, cancellation: cancellation);
        var refresh = tokens.IssueRefreshToken(You);
        var access = (await RefreshAsync(tokens, refresh, cancellation)).Json.GetProperty("access_token").GetString()!;
        tokens.Revoke(refresh);
        Assert.That(tokens.Accepts(You, access), Is.False);
        Assert.That(await RefreshAsync(tokens, refresh, cancellation), Is.EqualTo(Refused(HttpStatusCode.BadRequest, "invalid_grant", "Token has been expired or revoked.")).Using<Answer>(Same));
    }

    [Test]
    public async Task A_scripted_error_comes_as_often_as_it_was_asked_for(CancellationToken cancellation)
    {
        await using var tokens = await PracticeTokens.StartAsync(TimeProvider.System, cancellation: cancellation);
        var refresh = tokens.IssueRefreshToken(You);
        tokens.Fail("internal_failure", "Backend error", times: 2, status: 503);
        for (var i = 0; i < 2; i++)
            Assert.That(await RefreshAsync(tokens, refresh, cancellation), Is.EqualTo(Refused(HttpStatusCode.ServiceUnavailable, "internal_failure", "Backend error")).Using<Answer>(Same));
        Assert.That((await RefreshAsync(tokens, refresh, cancellation)).Status, Is.EqualTo(HttpStatusCode.OK));
        Assert.That(tokens.Requests.Select(request => request.Error), Is.EqualTo(["internal_failure", "internal_failure", null]));
    }

    [Test]
    public async Task The_wrong_client_is_refused(CancellationToken cancellation)
    {
        await using var tokens = await PracticeTokens.StartAsync(TimeProvider.System, cancellation: cancellation);
        var answer = await PostAsync(tokens, cancellation, ("grant_type", "refresh_token"), ("refresh_token", "x"), ("client_id", tokens.ClientId), ("client_secret", "guess"));
        Assert.That(answer, Is.EqualTo(Refused(HttpStatusCode.Unauthorized, "invalid_client", "Unauthorized")).Using<Answer>(Same));
    }

    [TestCase(true, true)]
    [TestCase(false, true)]
    [TestCase(true, false)]
    public async Task Consent_brings_a_code_that_works_once_and_only_with_its_verifier(bool rightVerifier, bool offline, CancellationToken cancellation)
    {
        await using var tokens = await PracticeTokens.StartAsync(TimeProvider.System, cancellation: cancellation);
        tokens.Consenting = Mailbox.Parse("owner@gmail.com");
        const string verifier = "a-verifier-of-at-least-forty-three-characters-in-all", redirect = "http://127.0.0.1:49152/";
        var challenge = Base64Url.EncodeToString(SHA256.HashData(Encoding.ASCII.GetBytes(verifier)));
        using var http = new HttpClient(new HttpClientHandler { AllowAutoRedirect = false });
        var consent = await http.GetAsync(new Uri($"{tokens.AuthorizationEndpoint}?response_type=code&client_id={tokens.ClientId}&redirect_uri={Uri.EscapeDataString(redirect)}"
            + $"&scope={Uri.EscapeDataString(PracticeTokens.Scope)}&state=s%26t&code_challenge={challenge}&code_challenge_method=S256{(offline ? "&access_type=offline" : "")}"), cancellation);
        Assert.That(consent.StatusCode, Is.EqualTo(HttpStatusCode.Redirect));
        Assert.That(consent.Headers.Location!.AbsoluteUri, Does.StartWith(redirect + "?code=").And.EndWith("&state=s%26t"));
        var code = Uri.UnescapeDataString(consent.Headers.Location.Query.Split('=', '&')[1]);

        Task<Answer> Exchange() => PostAsync(tokens, cancellation, ("grant_type", "authorization_code"), ("code", code), ("redirect_uri", redirect),
            ("code_verifier", rightVerifier ? verifier : verifier + "x"), ("client_id", tokens.ClientId), ("client_secret", tokens.ClientSecret.Reveal()));
        var first = await Exchange();
        if (!rightVerifier)
        {
            Assert.That(first, Is.EqualTo(Refused(HttpStatusCode.BadRequest, "invalid_grant", "Invalid code verifier.")).Using<Answer>(Same));
            return;
        }
        Assert.That(tokens.Accepts(Mailbox.Parse("owner@gmail.com"), first.Json.GetProperty("access_token").GetString()!));
        Assert.That(first.Json.TryGetProperty("refresh_token", out var refresh), Is.EqualTo(offline), "only who asks for offline access gets it");
        if (offline) Assert.That((await RefreshAsync(tokens, new Secret(refresh.GetString()!), cancellation)).Status, Is.EqualTo(HttpStatusCode.OK));
        Assert.That((await Exchange()).Status, Is.EqualTo(HttpStatusCode.BadRequest), "a second time");
    }

    [Test]
    public async Task Consent_without_PKCE_is_an_error_page(CancellationToken cancellation)
    {
        await using var tokens = await PracticeTokens.StartAsync(TimeProvider.System, cancellation: cancellation);
        using var http = new HttpClient();
        var page = await http.GetAsync(new Uri($"{tokens.AuthorizationEndpoint}?response_type=code&client_id={tokens.ClientId}&redirect_uri=http://127.0.0.1:1/&scope={PracticeTokens.Scope}"), cancellation);
        Assert.That(page.StatusCode, Is.EqualTo(HttpStatusCode.BadRequest));
        Assert.That(await page.Content.ReadAsStringAsync(cancellation), Does.Contain("code_challenge"));
    }

    [TestCase(null, null)]
    [TestCase("aud", "Invalid JWT: Failed audience check.")]
    [TestCase("iss", "Invalid grant: account not found")]
    [TestCase("exp", "Invalid JWT: Token must be a short-lived token")]
    [TestCase("scope", "Invalid OAuth scope")]
    [TestCase("sub", "Client is unauthorized to retrieve access tokens")]
    [TestCase("signature", "Invalid JWT Signature.")]
    public async Task A_service_accounts_assertion_is_checked_claim_by_claim(string? wrong, string? description, CancellationToken cancellation)
    {
        var time = new FakeTimeProvider();
        await using var tokens = await PracticeTokens.StartAsync(time, cancellation: cancellation);
        using var key = JsonDocument.Parse(tokens.ServiceAccountKey().Reveal());
        using var rsa = RSA.Create();
        if (wrong == "signature") rsa.KeySize = 2048;
        else rsa.ImportFromPem(key.RootElement.GetProperty("private_key").GetString());
        var now = time.GetUtcNow().ToUnixTimeSeconds();
        var claims = $$"""
            {"iss":"{{(wrong == "iss" ? "nobody" : key.RootElement.GetProperty("client_email").GetString())}}",{{(wrong == "sub" ? "" : "\"sub\":\"you@gmail.com\",")}}
            "scope":"{{(wrong == "scope" ? "email" : PracticeTokens.Scope)}}","aud":"{{(wrong == "aud" ? "elsewhere" : key.RootElement.GetProperty("token_uri").GetString())}}",
            "iat":{{now}},"exp":{{now + (wrong == "exp" ? 3601 : 3600)}}}
            """;
        var signed = $"{Base64Url.EncodeToString("""{"alg":"RS256","typ":"JWT"}"""u8)}.{Base64Url.EncodeToString(Encoding.UTF8.GetBytes(claims))}";
        var assertion = $"{signed}.{Base64Url.EncodeToString(rsa.SignData(Encoding.ASCII.GetBytes(signed), HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1))}";
        var answer = await PostAsync(tokens, cancellation, ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"), ("assertion", assertion));
        if (description is null) Assert.That(tokens.Accepts(You, answer.Json.GetProperty("access_token").GetString()!));
        else Assert.That(answer.Json.GetProperty("error_description").GetString(), Does.StartWith(description));
    }

    private sealed record Answer(HttpStatusCode Status, JsonElement Json);

    private static Answer Refused(HttpStatusCode status, string error, string description)
    {
        using var json = JsonDocument.Parse($$"""{"error":"{{error}}","error_description":"{{description}}"}""");
        return new Answer(status, json.RootElement.Clone());
    }

    private static bool Same(Answer one, Answer other) => one.Status == other.Status && JsonElement.DeepEquals(one.Json, other.Json);

    private static Task<Answer> RefreshAsync(PracticeTokens tokens, Secret refresh, CancellationToken cancellation) =>
        PostAsync(tokens, cancellation, ("grant_type", "refresh_token"), ("refresh_token", refresh.Reveal()),
            ("client_id", tokens.ClientId), ("client_secret", tokens.ClientSecret.Reveal()));

    private static async Task<Answer> PostAsync(PracticeTokens tokens, CancellationToken cancellation, params (string Name, string Value)[] fields)
    {
        using var http = new HttpClient();
        using var form = new FormUrlEncodedContent(fields.Select(field => KeyValuePair.Create(field.Name, field.Value)));
        using var response = await http.PostAsync(tokens.TokenEndpoint, form, cancellation);
        using var json = JsonDocument.Parse(await response.Content.ReadAsStringAsync(cancellation));
        return new Answer(response.StatusCode, json.RootElement.Clone());
    }
}
