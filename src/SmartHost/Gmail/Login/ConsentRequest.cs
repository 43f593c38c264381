using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.WebUtilities;
using SmartHost.Mail;

namespace SmartHost.Gmail.Login;

/// <summary>What Google sent back with the browser. Closed.</summary>
internal abstract record ConsentReturn
{
    private ConsentReturn() { }

    public sealed record Code(Secret Value) : ConsentReturn;

    /// <param name="Message">A sentence, and what to do.</param>
    /// <param name="IsRefusal">It is Google's own “no”, and not a slip of whoever copied the address.</param>
    public sealed record Problem(string Message, bool IsRefusal = false) : ConsentReturn;
}

/// <summary>
/// One question to the account's owner: may SmartHost send mail? Its state and verifier (PKCE, RFC 7636) tie the answer
/// to this question, so that nobody can slip in an answer of their own. Lives in memory, for one login.
/// </summary>
public sealed class ConsentRequest
{
    private static readonly Uri Google = new("https://accounts.google.com/o/oauth2/v2/auth");

    private readonly string state = RandomText(), verifier = RandomText();

    /// <param name="redirect">Where the browser goes afterwards: on this machine's own address, any port.</param>
    /// <param name="consentPage">Google's; tests have their own.</param>
    public ConsentRequest(AccountSettings account, Uri redirect, Uri? consentPage = null)
    {
        if (account.Credentials is not AccountCredentials.OAuth oauth) throw new ArgumentException($"account {account.Name} does not use OAuth", nameof(account));
        Redirect = redirect;
        Page = new Uri($"{consentPage ?? Google}?" + string.Join('&', new (string Name, string Value)[]
        {
            ("client_id", oauth.ClientId),
            ("redirect_uri", redirect.ToString()),
            ("response_type", "code"),
            ("scope", AccessTokens.Scope),
            // Both, or Google gives no refresh token: the first asks for one, the second even if consent was given before.
            ("access_type", "offline"),
            ("prompt", "consent"),
            ("login_hint", account.Username.ToString()),
            ("state", state),
            ("code_challenge", Base64Url.EncodeToString(SHA256.HashData(Encoding.ASCII.GetBytes(verifier)))),
            ("code_challenge_method", "S256"),
        }
        .Select(pair => $"{pair.Name}={Uri.EscapeDataString(pair.Value)}")));
    }

    /// <summary>To be opened in a browser, on any machine.</summary>
    public Uri Page { get; }

    public Uri Redirect { get; }

    internal Secret Verifier => new(verifier);

    /// <summary>
    /// Reads the address that the browser was sent to, as the loopback listener sees it or as a person copied it out of
    /// the browser's address bar. Lenient about what people copy: spaces, quotes, a missing scheme, the query alone.
    /// </summary>
    internal ConsentReturn Read(string address)
    {
        var text = string.Concat(address.Where(c => !char.IsWhiteSpace(c))).Trim('"', '\'', '<', '>');
        var values = QueryHelpers.ParseQuery(text[(text.IndexOf('?') + 1)..].Split('#')[0]);
        string? First(string name) => values.GetValueOrDefault(name).FirstOrDefault();
        if (First("error") is { } error) return new ConsentReturn.Problem(Refusal(error), IsRefusal: true);
        if (First("code") is not { Length: > 0 } code)
            return new ConsentReturn.Problem("There is no code in this address. Copy the whole address line of the page that the browser ends on; it begins with " + Redirect + ".");
        return First("state") == state
            ? new ConsentReturn.Code(new Secret(code))
            : new ConsentReturn.Problem("This answer belongs to another login. Open the address above once more, and copy the address that this one ends on.");
    }

    private static string Refusal(string error) => error switch
    {
        "access_denied" => "Google gave no access: the consent was declined, or the account is not among the client's test users. Try again and allow it; a client in “Testing” needs the account in its list of test users.",
        "admin_policy_enforced" => "A rule of the organisation forbids this client the access to Gmail. Ask the Workspace administrator to trust the client.",
        "org_internal" => "The client serves only the accounts of its own organisation. Log in with one of them, or make the client “External”.",
        "disallowed_useragent" => "Google does not allow this browser. Open the address in an ordinary one.",
        "invalid_scope" => "Google does not give this client the scope for Gmail. Switch on the Gmail API for the client's project.",
        _ => $"Google gave no access ({string.Concat(error.Where(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-').Take(60))}). Check the client's type: it must be “Desktop app”.",
    };

    /// <summary>256 bits from the system: these two are secrets, so a repeatable source, as tests like it, will not do.</summary>
    private static string RandomText() => Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(32));
}
