using static SmartHost.Gmail.Replies.VerdictAction;

namespace SmartHost.Gmail.Replies;

/// <param name="Error">RFC 6749 §5.2 <c>error</c>; null: any.</param>
/// <param name="Texts">Fragments of <c>error_subtype</c> or <c>error_description</c>, any of which is enough. Empty: any.</param>
public sealed record TokenRefusalRow(string? Error, IReadOnlyList<string> Texts, Verdict Verdict);

/// <summary>
/// Why Google gives no access token, cause by cause, since <c>invalid_grant</c> alone has half a dozen. The first row
/// that matches counts. All but a passing failure need a person; none concerns a message.
/// </summary>
internal static class TokenRefusals
{
    private const string LoginAgain = "Run smarthost login again.";
    private const string Permissions = "https://myaccount.google.com/permissions";
    private const string Console = "https://console.cloud.google.com/auth/clients";
    private const string Delegation = "https://developers.google.com/identity/protocols/oauth2/service-account#delegatingauthority";

    public static readonly TokenRefusalRow[] Rows =
    [
        Row("invalid_grant", ["invalid_rapt", "rapt_required", "reauth"], "token-session-ended", "The organisation's session control wants a new login every so often, and the time is up.",
            LoginAgain + " To end this for good, let the Workspace administrator trust the client, or use a service account.", "https://support.google.com/a/answer/9368756"),
        Row("invalid_grant", ["short-lived token", "reasonable timeframe", "iat and exp", "expired JWT", "Token used too"], "token-clock", "Google finds the time in our request wrong.",
            "This machine's clock is probably off: set date and time, and switch on NTP."),
        Row("invalid_grant", ["Invalid JWT Signature", "Invalid signature", "No valid verifier"], "token-key-deleted", "Google does not know the service account's key: it was deleted or replaced.",
            "Make a new JSON key for the service account and put it into serviceAccountFile.", Console),
        Row("invalid_grant", ["account not found", "Invalid email", "Not a valid email"], "token-mailbox-unknown", "Google knows no such mailbox, or no such service account.",
            "Check the account's user name: with a service account it is the mailbox, not the service account's address."),
        Row("invalid_grant", ["deleted", "disabled", "suspended"], "token-account-disabled", "The Google account is disabled or was deleted.", "Log in to the account in a browser and see what Google says."),
        Row("invalid_grant", ["expired or revoked", "expired", "revoked"], "token-revoked",
            "The consent has ended. It was withdrawn, the account's password was changed, it lay unused for six months, newer logins displaced it, or the client is still in “Testing”, where every consent ends after seven days.",
            LoginAgain + " If it happened a week after the last login, first publish the client (“In production”) on the consent screen's page.", "https://console.cloud.google.com/auth/audience"),
        Row("invalid_grant", [], "token-invalid-grant", "Google does not accept the refresh token: it is mistyped, belongs to another client, or its consent has ended.",
            LoginAgain, Permissions),
        Row("invalid_client", [], "token-invalid-client", "Google does not know the client id, or the client secret is wrong.", "Check clientId and clientSecret against the client's page.", Console),
        Row("deleted_client", [], "token-deleted-client", "The OAuth client was deleted.", "Make a new client of the type “Desktop app”, put its id and secret into the settings and run smarthost login.", Console),
        Row("disabled_client", [], "token-disabled-client", "Google has disabled the OAuth client.", "See what Google says on the client's page.", Console),
        Row("unauthorized_client", [], "token-unauthorised-client", "The client may not ask for this: a service account without domain-wide delegation for Gmail, or an OAuth client of the wrong type.",
            "Service account: a Workspace administrator adds its client id with the scope https://mail.google.com/ under domain-wide delegation. Otherwise make a client of the type “Desktop app”.", Delegation),
        Row("access_denied", [], "token-access-denied", "Google refuses access.", "A Workspace administrator may have blocked the client: ask for it to be trusted.", "https://support.google.com/a/answer/7281227"),
        Row("admin_policy_enforced", [], "token-admin-policy", "A rule of the organisation forbids this client the access to Gmail.", "Ask the Workspace administrator to trust the client.", "https://support.google.com/a/answer/7281227"),
        Row("org_internal", [], "token-org-internal", "The client serves only the accounts of its own organisation.", "Log in with an account of that organisation, or make the client “External”.", Console),
        Row("invalid_scope", [], "token-invalid-scope", "Google does not give this client the scope for Gmail.", "The scope must be https://mail.google.com/; gmail.send does not work for SMTP.", Delegation),
        Row("redirect_uri_mismatch", [], "token-redirect-mismatch", "The OAuth client does not allow our return address.", "Make a client of the type “Desktop app”; a “Web application” does not work.", Console),
        Row("unsupported_grant_type", [], "token-unsupported-grant", "Google does not understand the request: a mistake in SmartHost.", "Please report it; until then use an app password."),
        Row("invalid_request", [], "token-invalid-request", "Google does not understand the request: something in it is missing or mistyped.", "Check clientId and clientSecret, then " + LoginAgain.ToLowerInvariant()),
    ];

    public static Verdict NoConsentYet { get; } = ForPerson("token-no-consent", "Nobody has given Google's consent for this account yet.", "Run smarthost login.");

    public static Verdict OtherClient { get; } = ForPerson("token-other-client", "The kept consent was given to another client id than the one in the settings.", LoginAgain);

    public static Verdict UnreadableStore { get; } = ForPerson("token-unreadable-store", "The kept consent in the data folder cannot be read.", "Check the rights of the data folder's tokens folder; then, if need be, run smarthost login again.");

    public static Verdict BadServiceAccountKey { get; } = ForPerson("token-bad-key",
        "The service account's key is not the JSON file that Google hands out.", "Download a new key of the type JSON for the service account and name that file.", Console);

    public static Verdict Unreachable(string host, string detail) =>
        Passing("token-unreachable", $"Google's token service {host} cannot be reached ({detail}).", "Check the internet connection; SmartHost tries again.");

    public static Verdict Read(int statusCode, string? error, string? subtype, string? description)
    {
        // Too many requests, or trouble on Google's side: passes by itself.
        if (statusCode is 408 or 429 or >= 500 || error is "internal_failure" or "temporarily_unavailable" or "server_error")
            return Passing("token-later", $"Google's token service has no time (HTTP {statusCode}).", "Nothing to do: SmartHost tries again.");
        var said = $"{subtype} {description}";
        var row = Rows.FirstOrDefault(row => row.Error == error && (row.Texts.Count == 0 || row.Texts.Any(text => said.Contains(text, StringComparison.OrdinalIgnoreCase))));
        if (row is not null) return row.Verdict;
        // No JSON of Google's at all: something in between answered.
        if (error is null) return Passing("token-not-google", $"What answered in place of Google's token service does not speak its language (HTTP {statusCode}).",
            "Check whether a proxy or a login page of the network stands between.") with { Known = false };
        return ForPerson("token-unknown", $"Google gives no access token, for a reason that SmartHost does not know: {Shortened(error)}.", LoginAgain) with { Known = false };
    }

    private static string Shortened(string text) => string.Concat(text.Where(c => !char.IsControl(c)).Take(80));

    private static TokenRefusalRow Row(string error, string[] texts, string name, string happened, string remedy, string? help = null) =>
        new(error, texts, ForPerson(name, happened, remedy, help));

    private static Verdict ForPerson(string row, string happened, string remedy, string? help = null) =>
        new(HoldAccountForPerson, row, happened, remedy, help is null ? null : new Uri(help)) { AboutToken = true };

    private static Verdict Passing(string row, string happened, string remedy) => new(RetrySoon, row, happened, remedy) { AboutToken = true };
}
