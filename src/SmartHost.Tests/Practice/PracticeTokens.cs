using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using SmartHost.Mail;
using SmartHost.Practice;

namespace SmartHost.Tests.Practice;

/// <summary>One request to the token endpoint, and how it was answered.</summary>
/// <param name="Error">The OAuth error code; null: a token was issued.</param>
public sealed record PracticeTokenRequest(DateTimeOffset At, string GrantType, string? Error);

/// <summary>
/// A stand-in for accounts.google.com and oauth2.googleapis.com on a loopback port: consent (at once, by the account in
/// <see cref="Consenting"/>), authorization codes with PKCE, refresh tokens, a service account's JWT. Tokens it issues are
/// those that a <see cref="PracticeGmail"/> takes whose <see cref="PracticeSettings.AcceptsToken"/> is <see cref="Accepts"/>. Refusals use Google's words.
/// </summary>
public sealed class PracticeTokens : IAsyncDisposable
{
    public const string Scope = "https://mail.google.com/";

    private const string ServiceAccountName = "practice@smarthost-practice.iam.gserviceaccount.com";

    private static readonly TimeSpan Lifetime = TimeSpan.FromSeconds(3600);

    private readonly TimeProvider time;
    private readonly Random random;
    private readonly WebApplication web;
    private readonly Lock guard = new();
    private readonly Dictionary<string, (Mailbox User, DateTimeOffset Until)> accessTokens = [];
    private readonly Dictionary<string, Mailbox> refreshTokens = [];
    private readonly Dictionary<string, Code> codes = [];
    private readonly Queue<(string Error, string Description, int Status)> failures = [];
    private readonly List<PracticeTokenRequest> requests = [];
    private readonly Lazy<RSA> serviceKey = new(() => RSA.Create(2048));

    private PracticeTokens(TimeProvider time, Random random)
    {
        (this.time, this.random) = (time, random);
        // An empty builder: no environment variable or file of the host process can move its port.
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(options =>
        {
            options.Listen(IPAddress.Loopback, 0);
            options.Limits.MaxRequestBodySize = 64 * 1024;
        });
        web = builder.Build();
        web.Run(AnswerAsync);
    }

    public Uri TokenEndpoint { get; private set; } = null!;

    /// <summary>Where a browser would be sent. A GET here is a person who says yes: it redirects with a code.</summary>
    public Uri AuthorizationEndpoint { get; private set; } = null!;

    public string ClientId => "practice.apps.googleusercontent.com";

    public Secret ClientSecret { get; } = new("GOCSPX-practice");

    /// <summary>Who says yes at <see cref="AuthorizationEndpoint"/>.</summary>
    public Mailbox Consenting { get; set; } = Mailbox.Parse("you@gmail.com");

    /// <summary>They say no instead.</summary>
    public bool Declining { get; set; }

    /// <summary>Requests to the token endpoint so far.</summary>
    public IReadOnlyList<PracticeTokenRequest> Requests
    {
        get
        {
            lock (guard) return [.. requests];
        }
    }

    public static async Task<PracticeTokens> StartAsync(TimeProvider time, Random? random = null, CancellationToken cancellation = default)
    {
        var tokens = new PracticeTokens(time, random ?? new Random());
        try
        {
            await tokens.web.StartAsync(cancellation);
        }
        catch
        {
            await tokens.DisposeAsync();
            throw;
        }
        var server = (IServer)tokens.web.Services.GetService(typeof(IServer))!;
        var address = server.Features.Get<IServerAddressesFeature>()!.Addresses.Single();
        tokens.TokenEndpoint = new Uri(new Uri(address), "/token");
        tokens.AuthorizationEndpoint = new Uri(new Uri(address), "/auth");
        return tokens;
    }

    public Secret IssueRefreshToken(Mailbox user)
    {
        lock (guard)
        {
            var token = "1//practice-" + Letters();
            refreshTokens[token] = user;
            return new Secret(token);
        }
    }

    public Secret IssueAccessToken(Mailbox user)
    {
        lock (guard) return new Secret(NewAccessToken(user));
    }

    /// <summary>The JSON key file of a service account with domain-wide delegation over every mailbox.</summary>
    public Secret ServiceAccountKey()
    {
        using var text = new MemoryStream();
        using (var json = new Utf8JsonWriter(text))
        {
            json.WriteStartObject();
            json.WriteString("type", "service_account");
            json.WriteString("project_id", "smarthost-practice");
            json.WriteString("private_key_id", "practice-key");
            json.WriteString("private_key", serviceKey.Value.ExportPkcs8PrivateKeyPem());
            json.WriteString("client_email", ServiceAccountName);
            json.WriteString("client_id", "100000000000000000000");
            json.WriteString("token_uri", TokenEndpoint.AbsoluteUri);
            json.WriteEndObject();
        }
        return new Secret(Encoding.UTF8.GetString(text.ToArray()));
    }

    /// <summary>The next <paramref name="times"/> token requests are refused so, whatever they ask.</summary>
    public void Fail(string error, string description, int times = 1, int status = 400)
    {
        lock (guard)
        {
            for (var i = 0; i < times; i++) failures.Enqueue((error, description, status));
        }
    }

    /// <summary>As when a person removes the access, or changes the password: the refresh token and every access token of that user.</summary>
    public void Revoke(Secret refreshToken)
    {
        lock (guard)
        {
            if (!refreshTokens.Remove(refreshToken.Reveal(), out var user)) return;
            foreach (var (token, _) in accessTokens.Where(one => one.Value.User == user).ToList()) accessTokens.Remove(token);
        }
    }

    /// <summary>Every access token stops working now; refresh tokens go on.</summary>
    public void ExpireAccessTokens()
    {
        lock (guard) accessTokens.Clear();
    }

    public async ValueTask DisposeAsync()
    {
        await web.DisposeAsync();
        if (serviceKey.IsValueCreated) serviceKey.Value.Dispose();
    }

    public bool Accepts(Mailbox user, string token)
    {
        lock (guard) return accessTokens.TryGetValue(token, out var known) && known.User == user && time.GetUtcNow() < known.Until;
    }

    private async Task AnswerAsync(HttpContext context)
    {
        switch (context.Request.Method, context.Request.Path.Value)
        {
            case ("GET", "/auth"):
                await ConsentAsync(context);
                break;
            case ("POST", "/token") when context.Request.HasFormContentType:
                await TokenAsync(context, await context.Request.ReadFormAsync(context.RequestAborted));
                break;
            default:
                context.Response.StatusCode = 404;
                break;
        }
    }

    private async Task ConsentAsync(HttpContext context)
    {
        var query = context.Request.Query;
        var fault =
            query["response_type"] != "code" ? "response_type must be code"
            : query["client_id"] != ClientId ? "The OAuth client was not found."
            : !query["scope"].ToString().Split(' ').Contains(Scope) ? $"scope must contain {Scope}"
            : !Uri.TryCreate(query["redirect_uri"], UriKind.Absolute, out var redirect) || !redirect.IsLoopback ? "redirect_uri must be a loopback address"
            : query["code_challenge"].Count == 0 || query["code_challenge_method"] != "S256" ? "code_challenge with S256 is missing"
            : null;
        if (fault is not null)
        {
            context.Response.StatusCode = 400;
            await context.Response.WriteAsync($"Error 400: invalid_request: {fault}", context.RequestAborted);
            return;
        }
        var separator = query["redirect_uri"].ToString().Contains('?') ? '&' : '?';
        var state = query["state"].Count > 0 ? $"&state={Uri.EscapeDataString(query["state"]!)}" : "";
        if (Declining)
        {
            context.Response.Redirect($"{query["redirect_uri"]}{separator}error=access_denied{state}");
            return;
        }
        string code;
        lock (guard)
        {
            code = "4/practice-" + Letters();
            codes[code] = new Code(Consenting, query["redirect_uri"]!, query["code_challenge"]!, query["access_type"] == "offline");
        }
        context.Response.Redirect($"{query["redirect_uri"]}{separator}code={Uri.EscapeDataString(code)}&scope={Uri.EscapeDataString(Scope)}{state}");
    }

    private async Task TokenAsync(HttpContext context, IFormCollection form)
    {
        var grant = form["grant_type"].ToString();
        Answer answer;
        lock (guard)
        {
            answer = failures.TryDequeue(out var failure) ? Answer.Refused(failure.Error, failure.Description, failure.Status) : grant switch
            {
                "refresh_token" => Refresh(form),
                "authorization_code" => Exchange(form),
                "urn:ietf:params:oauth:grant-type:jwt-bearer" => Assert(form),
                _ => Answer.Refused("unsupported_grant_type", $"Invalid grant_type: {grant}"),
            };
            if (requests.Count < 10_000) requests.Add(new PracticeTokenRequest(time.GetUtcNow(), grant, answer.Error));
        }
        context.Response.StatusCode = answer.Status;
        context.Response.ContentType = "application/json; charset=utf-8";
        await using var json = new Utf8JsonWriter(context.Response.BodyWriter);
        json.WriteStartObject();
        if (answer.Error is not null)
        {
            json.WriteString("error", answer.Error);
            json.WriteString("error_description", answer.Description);
        }
        else
        {
            json.WriteString("access_token", answer.AccessToken);
            json.WriteNumber("expires_in", (int)Lifetime.TotalSeconds - 1);
            if (answer.RefreshToken is not null) json.WriteString("refresh_token", answer.RefreshToken);
            json.WriteString("scope", Scope);
            json.WriteString("token_type", "Bearer");
        }
        json.WriteEndObject();
    }

    private Answer Refresh(IFormCollection form)
    {
        if (ClientFault(form) is { } fault) return fault;
        return refreshTokens.TryGetValue(form["refresh_token"].ToString(), out var user)
            ? Answer.Issued(NewAccessToken(user))
            : Answer.Refused("invalid_grant", "Token has been expired or revoked.");
    }

    private Answer Exchange(IFormCollection form)
    {
        if (ClientFault(form) is { } fault) return fault;
        // A code works once, and a failed try spends it (RFC 6749 §4.1.2).
        if (!codes.Remove(form["code"].ToString(), out var code)) return Answer.Refused("invalid_grant", "Malformed auth code.");
        if (form["redirect_uri"] != code.RedirectUri) return Answer.Refused("redirect_uri_mismatch", "Bad Request");
        var verifier = Encoding.ASCII.GetBytes(form["code_verifier"].ToString());
        if (System.Buffers.Text.Base64Url.EncodeToString(SHA256.HashData(verifier)) != code.Challenge)
            return Answer.Refused("invalid_grant", "Invalid code verifier.");
        string? refresh = null;
        if (code.Offline) refreshTokens[refresh = "1//practice-" + Letters()] = code.User;
        return Answer.Issued(NewAccessToken(code.User), refresh);
    }

    /// <summary>RFC 7523 as Google has it: who signs (iss), for whom (sub), for what (scope), to whom (aud), at most an hour.</summary>
    private Answer Assert(IFormCollection form)
    {
        var parts = form["assertion"].ToString().Split('.');
        if (parts.Length != 3) return Answer.Refused("invalid_grant", "Invalid JWT: three parts expected.");
        try
        {
            var signed = Encoding.ASCII.GetBytes($"{parts[0]}.{parts[1]}");
            using var header = JsonDocument.Parse(System.Buffers.Text.Base64Url.DecodeFromChars(parts[0]));
            using var claims = JsonDocument.Parse(System.Buffers.Text.Base64Url.DecodeFromChars(parts[1]));
            if (header.RootElement.GetProperty("alg").GetString() != "RS256"
                || !serviceKey.Value.VerifyData(signed, System.Buffers.Text.Base64Url.DecodeFromChars(parts[2]), HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1))
                return Answer.Refused("invalid_grant", "Invalid JWT Signature.");
            var root = claims.RootElement;
            if (root.GetProperty("iss").GetString() != ServiceAccountName) return Answer.Refused("invalid_grant", "Invalid grant: account not found");
            if (root.GetProperty("aud").GetString() != TokenEndpoint.AbsoluteUri) return Answer.Refused("invalid_grant", "Invalid JWT: Failed audience check.");
            var now = time.GetUtcNow().ToUnixTimeSeconds();
            var (issued, expires) = (root.GetProperty("iat").GetInt64(), root.GetProperty("exp").GetInt64());
            if (issued > now + 300 || expires <= now || expires - issued > 3600)
                return Answer.Refused("invalid_grant", "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. Check your iat and exp values in the JWT claim.");
            if (!root.GetProperty("scope").GetString()!.Split(' ').Contains(Scope)) return Answer.Refused("invalid_scope", $"Invalid OAuth scope: {Scope} expected.");
            return root.TryGetProperty("sub", out var sub) && Mailbox.TryParse(sub.GetString(), out var user)
                ? Answer.Issued(NewAccessToken(user))
                : Answer.Refused("unauthorized_client", "Client is unauthorized to retrieve access tokens using this method, or client not authorized for any of the scopes requested.", 401);
        }
        catch (Exception e) when (e is FormatException or JsonException or KeyNotFoundException or InvalidOperationException)
        {
            return Answer.Refused("invalid_grant", "Invalid JWT: it cannot be read, or a claim is missing.");
        }
    }

    private Answer? ClientFault(IFormCollection form) =>
        form["client_id"] != ClientId ? Answer.Refused("invalid_client", "The OAuth client was not found.", 401)
        : form["client_secret"] != ClientSecret.Reveal() ? Answer.Refused("invalid_client", "Unauthorized", 401)
        : null;

    private string NewAccessToken(Mailbox user)
    {
        var token = "ya29.practice-" + Letters();
        accessTokens[token] = (user, time.GetUtcNow() + Lifetime);
        return token;
    }

    private string Letters() => random.GetString("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", 40);

    private sealed record Code(Mailbox User, string RedirectUri, string Challenge, bool Offline);

    private sealed record Answer(int Status, string? AccessToken, string? RefreshToken, string? Error, string? Description)
    {
        public static Answer Issued(string access, string? refresh = null) => new(200, access, refresh, null, null);

        public static Answer Refused(string error, string description, int status = 400) => new(status, null, null, error, description);
    }
}
