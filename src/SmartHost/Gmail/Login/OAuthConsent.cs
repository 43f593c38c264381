using SmartHost.Gmail.Replies;
using SmartHost.Mail;

namespace SmartHost.Gmail.Login;

/// <summary>How a login ended. Closed.</summary>
public abstract record ConsentOutcome
{
    private ConsentOutcome() { }

    /// <param name="Endures">False where Google itself gave the consent an end, and it is the seven days of “Testing” or the like.</param>
    /// <param name="Warning">What to tell the person now, or null.</param>
    public sealed record Kept(bool Endures, string? Warning) : ConsentOutcome;

    /// <param name="MayTryAgain">True where another address pasted for the same request may succeed.</param>
    /// <param name="IsRefusal">Google itself said that there is no consent, or its owner did.</param>
    public sealed record Failed(string Message, bool MayTryAgain, bool IsRefusal = false) : ConsentOutcome;
}

/// <summary>
/// Google's consent for an account, for <c>smarthost login</c>. With a browser on this machine: start a
/// <see cref="ConsentListener"/>, open the request's page, wait, finish. On a headless machine: print the page's address,
/// and finish with the address that the browser ended on, pasted back. Both at once is fine; the first answer counts.
/// Nothing is kept unless the whole exchange succeeded.
/// </summary>
public sealed class OAuthConsent(TimeProvider time, HttpClient http, RefreshTokens refreshTokens, Uri? endpoint = null)
{
    /// <summary>For every login: the commonest surprise with OAuth and Gmail.</summary>
    public const string TestingTrap =
        "If the OAuth client's publishing status is “Testing”, this consent ends after seven days and mail stops. " +
        "Publish it (“In production”) at https://console.cloud.google.com/auth/audience; Google's warning about an unverified app is harmless for your own client.";

    private readonly Uri endpoint = endpoint ?? AccessTokens.GoogleEndpoint;

    /// <param name="returned">The address that the browser was sent to, from the listener or pasted by a person.</param>
    /// <exception cref="IOException">The data folder cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">Nor can it for want of rights.</exception>
    public async Task<ConsentOutcome> FinishAsync(AccountSettings account, ConsentRequest request, string returned, CancellationToken cancellation)
    {
        var oauth = (AccountCredentials.OAuth)account.Credentials;
        var read = request.Read(returned);
        if (read is ConsentReturn.Problem problem) return new ConsentOutcome.Failed(problem.Message, MayTryAgain: true, problem.IsRefusal);

        var form = new Dictionary<string, string>
        {
            ["grant_type"] = "authorization_code",
            ["code"] = ((ConsentReturn.Code)read).Value.Reveal(),
            ["client_id"] = oauth.ClientId,
            ["client_secret"] = oauth.ClientSecret.Reveal(),
            ["redirect_uri"] = request.Redirect.ToString(),
            ["code_verifier"] = request.Verifier.Reveal(),
        };
        var (answer, refusal) = await TokenRequest.PostAsync(http, endpoint, form, time, cancellation);
        if (answer is null) return new ConsentOutcome.Failed(Explain(refusal!), MayTryAgain: refusal!.Action == VerdictAction.RetrySoon);
        // Google lets people untick a scope on the consent page.
        if (answer.Scope is { } scope && !scope.Split(' ').Contains(AccessTokens.Scope))
            return new ConsentOutcome.Failed("The consent does not include sending mail. Log in once more and tick “Read, compose, send and permanently delete all your email from Gmail”: SMTP works with nothing less.", MayTryAgain: false);
        if (string.IsNullOrEmpty(answer.RefreshToken))
            return new ConsentOutcome.Failed("Google gave no refresh token. Remove SmartHost's access at https://myaccount.google.com/permissions and log in once more.", MayTryAgain: false);

        var now = time.GetUtcNow();
        refreshTokens.Keep(account.Name, oauth.ClientId, new Secret(answer.RefreshToken), now);
        return answer.ConsentEnds(now) is { } end
            ? new ConsentOutcome.Kept(Endures: false, $"Google ends this consent on {end:yyyy-MM-dd}. {TestingTrap}")
            : new ConsentOutcome.Kept(Endures: true, TestingTrap);
    }

    /// <summary>At this point "invalid_grant" is about the code: used twice, or older than a few minutes.</summary>
    private static string Explain(Verdict refusal) => refusal.Row is "token-invalid-grant" or "token-revoked"
        ? "Google does not accept the code any more: each works once, and only for a few minutes. Run smarthost login again."
        : $"{refusal.Happened} {refusal.Remedy}";
}
