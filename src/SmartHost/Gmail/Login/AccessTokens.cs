using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using SmartHost.Gmail.Replies;
using SmartHost.Mail;

namespace SmartHost.Gmail.Login;

/// <summary>How asking for an access token ended. Closed.</summary>
public abstract record TokenOutcome
{
    private TokenOutcome() { }

    /// <param name="Fresh">Made for this very call; otherwise one that was still good.</param>
    public sealed record Granted(Secret Token, bool Fresh) : TokenOutcome;

    public sealed record Refused(Verdict Verdict) : TokenOutcome;
}

/// <summary>
/// Access tokens for XOAUTH2, from a refresh token or from a service account's key. One token an account, renewed five
/// minutes early, by one caller while the others wait for it; a refusal is shared in the same way, so that a revoked
/// consent is asked about once and not by every waiting message.
/// <para>When it fails: while Google cannot be reached, a token that is still good goes on being used; else the refusal is a verdict about the account.</para>
/// </summary>
public sealed partial class AccessTokens(TimeProvider time, HttpClient http, RefreshTokens refreshTokens, ILogger<AccessTokens>? logger = null, Uri? endpoint = null)
{
    public static readonly Uri GoogleEndpoint = new("https://oauth2.googleapis.com/token");

    /// <summary>The only scope that SMTP accepts; gmail.send does not.</summary>
    public const string Scope = "https://mail.google.com/";

    private static readonly TimeSpan Early = TimeSpan.FromMinutes(5);

    private readonly ILogger log = logger ?? NullLogger<AccessTokens>.Instance;
    private readonly ConcurrentDictionary<string, Held> accounts = new();

    public Uri Endpoint { get; } = endpoint ?? GoogleEndpoint;

    /// <summary>Never throws for what Google or the network does; cancellation throws.</summary>
    public async Task<TokenOutcome> GetAsync(AccountSettings account, CancellationToken cancellation)
    {
        var held = accounts.GetOrAdd(account.Name, static _ => new Held());
        if (held.Good(account.Credentials, time.GetUtcNow()) is { } good) return new TokenOutcome.Granted(good, Fresh: false);

        var asked = held.Answers;
        await held.Turn.WaitAsync(cancellation);
        try
        {
            // Whoever had the turn before may have brought what this caller came for.
            if (held.Good(account.Credentials, time.GetUtcNow()) is { } brought) return new TokenOutcome.Granted(brought, Fresh: false);
            if (held.Answers != asked && held.Refusal is { } refusal && held.Credentials == account.Credentials) return new TokenOutcome.Refused(refusal);
            return await RenewAsync(account, held, cancellation);
        }
        finally
        {
            held.Turn.Release();
        }
    }

    /// <summary>Gmail did not accept this one. A newer one, brought by another caller meanwhile, stays.</summary>
    public void Forget(AccountSettings account, Secret token)
    {
        if (accounts.TryGetValue(account.Name, out var held)) held.Forget(token);
    }

    /// <summary>What Google's last answer said of the consent's own end. Null: it has none. Not known before Google was asked, nor where there is no consent.</summary>
    public (bool Known, DateTimeOffset? Ends) Consent(AccountSettings account) =>
        account.Credentials is AccountCredentials.OAuth && accounts.TryGetValue(account.Name, out var held) ? held.Consent(account.Credentials) : (false, null);

    private async Task<TokenOutcome> RenewAsync(AccountSettings account, Held held, CancellationToken cancellation)
    {
        var (form, cannot) = await FormAsync(account, cancellation);
        if (form is null) return held.Refuse(account.Credentials, cannot!);

        var (answer, refusal) = await TokenRequest.PostAsync(http, Endpoint, form, time, cancellation);
        if (answer is not null)
        {
            var now = time.GetUtcNow();
            var lifetime = TimeSpan.FromSeconds(Math.Clamp(answer.ExpiresIn ?? 3600, 0, 86_400));
            // A token that lives shorter than we are early would be renewed at every use.
            var token = new Secret(answer.AccessToken!);
            held.Grant(account.Credentials, token, renewAt: now + lifetime - (lifetime > 2 * Early ? Early : lifetime / 2), expiresAt: now + lifetime, answer.ConsentEnds(now));
            KeepReplacement(account, answer.RefreshToken);
            return new TokenOutcome.Granted(token, Fresh: true);
        }
        LogRefused(log, account.Name, refusal!.Row, refusal.Happened);
        if (refusal.Action == VerdictAction.RetrySoon && held.StillGood(account.Credentials, time.GetUtcNow()) is { } old) return new TokenOutcome.Granted(old, Fresh: false);
        return held.Refuse(account.Credentials, refusal);
    }

    /// <summary>RFC 6749 §6: with an access token may come another refresh token, and then the one before it may have ended.</summary>
    private void KeepReplacement(AccountSettings account, string? replacement)
    {
        if (account.Credentials is not AccountCredentials.OAuth oauth || string.IsNullOrEmpty(replacement)) return;
        if (oauth.RefreshToken is { } configured)
        {
            // The settings are the user's own to write.
            if (configured.Reveal().Trim() != replacement) LogReplaced(log, account.Name);
            return;
        }
        try
        {
            refreshTokens.Keep(account.Name, oauth.ClientId, new Secret(replacement), time.GetUtcNow());
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            LogNotKept(log, account.Name, e.Message);
        }
    }

    private async Task<(Dictionary<string, string>? Form, Verdict? Refusal)> FormAsync(AccountSettings account, CancellationToken cancellation)
    {
        switch (account.Credentials)
        {
            case AccountCredentials.OAuth oauth:
                var refreshToken = oauth.RefreshToken;
                if (refreshToken is null)
                {
                    var (kept, problem) = await refreshTokens.ReadAsync(account.Name, oauth.ClientId, cancellation);
                    if (kept is null) return (null, problem);
                    refreshToken = kept;
                }
                return (new Dictionary<string, string>
                {
                    ["grant_type"] = "refresh_token",
                    ["client_id"] = oauth.ClientId,
                    ["client_secret"] = oauth.ClientSecret.Reveal(),
                    ["refresh_token"] = refreshToken.Reveal().Trim(),
                }, null);
            case AccountCredentials.ServiceAccount service:
                return ServiceAccountKey.TrySign(service.KeyJson, account.Username, Endpoint, time.GetUtcNow(), out var assertion)
                    ? (new Dictionary<string, string> { ["grant_type"] = "urn:ietf:params:oauth:grant-type:jwt-bearer", ["assertion"] = assertion.Reveal() }, null)
                    : (null, TokenRefusals.BadServiceAccountKey);
            default:
                throw new InvalidOperationException($"account {account.Name} does not log in with access tokens");
        }
    }

    [LoggerMessage(3110, LogLevel.Warning, "account {Account}: no access token ({Row}): {Happened}")]
    private static partial void LogRefused(ILogger logger, string account, string row, string happened);

    [LoggerMessage(3111, LogLevel.Warning, "account {Account}: Google has replaced the refresh token that stands in the settings; when it ends, remove it there and run smarthost login")]
    private static partial void LogReplaced(ILogger logger, string account);

    [LoggerMessage(3112, LogLevel.Warning, "account {Account}: Google's new refresh token could not be kept ({Reason}): check the data folder, then run smarthost login")]
    private static partial void LogNotKept(ILogger logger, string account, string reason);

    /// <summary>What is known of one account. Changed only by whoever has the turn, except for <see cref="Forget"/>.</summary>
    private sealed class Held
    {
        private readonly Lock gate = new();
        private Secret? token;
        private DateTimeOffset renewAt, expiresAt;
        private (bool Known, DateTimeOffset? Ends) consent;

        /// <summary>One renews, the others wait.</summary>
        public SemaphoreSlim Turn { get; } = new(1, 1);

        /// <summary>How often Google has answered, so that a waiter can tell whether an answer came while it waited.</summary>
        public int Answers { get; private set; }

        /// <summary>For whom the rest was got: a reload may have changed them.</summary>
        public AccountCredentials? Credentials { get; private set; }

        public Verdict? Refusal { get; private set; }

        public Secret? Good(AccountCredentials credentials, DateTimeOffset now) => Before(credentials, now, renewAt);

        /// <summary>Long enough for one more login.</summary>
        public Secret? StillGood(AccountCredentials credentials, DateTimeOffset now) => Before(credentials, now + TimeSpan.FromSeconds(30), expiresAt);

        public void Grant(AccountCredentials credentials, Secret granted, DateTimeOffset renewAt, DateTimeOffset expiresAt, DateTimeOffset? consentEnds)
        {
            lock (gate) (Credentials, token, this.renewAt, this.expiresAt, consent, Refusal, Answers) = (credentials, granted, renewAt, expiresAt, (true, consentEnds), null, Answers + 1);
        }

        public (bool Known, DateTimeOffset? Ends) Consent(AccountCredentials credentials)
        {
            lock (gate) return credentials == Credentials ? consent : (false, null);
        }

        public TokenOutcome.Refused Refuse(AccountCredentials credentials, Verdict verdict)
        {
            lock (gate) (Credentials, token, Refusal, Answers) = (credentials, null, verdict, Answers + 1);
            return new TokenOutcome.Refused(verdict);
        }

        public void Forget(Secret refused)
        {
            lock (gate)
            {
                if (refused.Equals(token)) token = null;
            }
        }

        private Secret? Before(AccountCredentials credentials, DateTimeOffset now, DateTimeOffset until)
        {
            lock (gate) return token is not null && now < until && credentials == Credentials ? token : null;
        }
    }
}
