using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using SmartHost.Gmail;
using SmartHost.Mail;

namespace SmartHost.Configuration;

/// <summary>What must be true of an account as a whole, and how its credentials are told from what was written.</summary>
internal static class AccountChecks
{
    private static readonly string[] CredentialKinds = ["appPassword", "oauth", "serviceAccount"];
    private const string RelayHost = "smtp-relay.gmail.com";
    private const string AppPasswordPage = "https://myaccount.google.com/apppasswords";

    /// <summary>Plain ones in a file, and those that web pages and word processors make of them.</summary>
    private const string Quotes = "\"'“”„‘’‚«»`";

    public static void Check(SettingsDraft draft, ReadContext context)
    {
        if (draft.Accounts.Count == 0 && !context.Places.Keys.Any(path => path.StartsWith("accounts.", StringComparison.Ordinal)))
        {
            context.Error(context.PlaceOf("accounts"), "accounts", "is missing: there is no Gmail account to send by",
                "Write accounts: { default: { username: you@gmail.com, appPasswordFile: … } }, or set GMAIL_USERNAME and GMAIL_APP_PASSWORD_FILE");
        }
        foreach (var account in draft.Accounts)
        {
            var path = $"accounts.{account.Settings.Name}";
            CheckCredentials(account, path, context);
            CheckAppPassword(account, path, context);
            if (account.ServiceAccount is { } key && !IsServiceAccountKey(key))
            {
                context.Error(Written(path, "serviceAccount", context), path + ".serviceAccount", "is not the JSON key of a service account", "Download a new JSON key in Google Cloud's console (IAM, Service accounts, Keys) and use that file unchanged");
            }
            if (account.Settings.CaFile is { } caFile) CheckCertificates(caFile, $"{path}.caFile", context);
            CheckFallback(account.Settings, draft, path, context);
        }
        foreach (var twins in draft.Accounts.GroupBy(account => account.Settings.Username).Where(group => group.Count() > 1))
        {
            var second = $"accounts.{twins.ElementAt(1).Settings.Name}.username";
            if (!context.Places.ContainsKey(second)) continue;
            context.Warning(context.PlaceOf(second), second, $"is that of accounts.{twins.First().Settings.Name} too, and Gmail counts their mail together", "Make one account of the two, or halve dailyRecipients and dailyMessages of each");
        }
    }

    /// <summary>Sound after <see cref="Check"/> found nothing.</summary>
    public static AccountSettings Settle(AccountDraft draft) => draft.Settings with
    {
        Credentials = draft switch
        {
            { AppPassword: { } password } => new AccountCredentials.AppPassword(WithoutBlanks(password)),
            { OAuth: { ClientId: { } id, ClientSecret: { } secret } oauth } => new AccountCredentials.OAuth(id, secret, oauth.RefreshToken),
            { ServiceAccount: { } key } => new AccountCredentials.ServiceAccount(key),
            _ => new AccountCredentials.ByAddress(),
        },
    };

    private static void CheckCredentials(AccountDraft account, string path, ReadContext context)
    {
        // By what was written, not by what could be read: an unreadable secret file is told once, not also as missing.
        var kinds = CredentialKinds.Where(kind => IsWritten($"{path}.{kind}", context)).ToList();
        if (kinds.Count > 1)
        {
            context.Error(Written(path, kinds[1], context), path, $"has {string.Join(" and ", kinds)} ({Written(path, kinds[0], context)} and {Written(path, kinds[1], context)})", "Keep one of them");
        }
        if (kinds.Count == 0 && !account.Settings.Host.Equals(RelayHost, StringComparison.OrdinalIgnoreCase))
        {
            context.Error(context.PlaceOf(path), path, "has no login: no appPassword or appPasswordFile, and neither oauth nor serviceAccountFile", $"Make an app password at {AppPasswordPage}, put it into a file and write appPasswordFile: PATH; or set GMAIL_APP_PASSWORD_FILE. “Gmail” in the documentation has oauth and serviceAccountFile");
        }
        if (kinds.Contains("oauth") && !IsWritten($"{path}.oauth.clientSecret", context))
        {
            context.Error(context.PlaceOf($"{path}.oauth"), $"{path}.oauth", "has no clientSecret or clientSecretFile", "Copy the client secret from Google Cloud's console (Clients) into a file and write clientSecretFile: PATH");
        }
    }

    private static void CheckAppPassword(AccountDraft account, string path, ReadContext context)
    {
        if (account.AppPassword is not { } password || !account.Settings.Host.EndsWith(".gmail.com", StringComparison.OrdinalIgnoreCase)) return;
        if (IsAppPassword(password.Reveal())) return;
        var text = Letters(password.Reveal());
        context.Warning(Written(path, "appPassword", context), $"{path}.appPassword", $"has {text.Length} character{(text.Length == 1 ? "" : "s")}{(text.All(char.IsAsciiLetter) ? "" : ", not all of them letters")}; Google's app passwords have 16 letters",
            Quotes.Contains(text[0]) || Quotes.Contains(text[^1]) ? "Remove the quotes: 16 letters and nothing else"
            : IsAppPassword(text[(text.LastIndexOfAny([':', '=']) + 1)..]) ? "Remove what stands before it: 16 letters and nothing else"
            : $"The account's own password does not work here: make an app password at {AppPasswordPage}");
    }

    private static void CheckFallback(AccountSettings account, SettingsDraft draft, string path, ReadContext context)
    {
        if (account.Fallback is not { } fallback) return;
        if (fallback == account.Name) context.Error(context.PlaceOf($"{path}.fallback"), $"{path}.fallback", "is the account itself", "Name another account, or remove the line");
        else SettingsChecks.CheckAccountExists(fallback, $"{path}.fallback", draft, context);
    }

    public static void CheckCertificates(string file, string path, ReadContext context)
    {
        if (TextFile.Read(file, 1 << 20, out var trouble) is not { } pem)
        {
            context.Error(context.PlaceOf(path), path, $"names {file}, which {trouble.What}", trouble.Instead);
            return;
        }
        try
        {
            var certificates = new X509Certificate2Collection();
            certificates.ImportFromPem(pem);
            foreach (var certificate in certificates) certificate.Dispose();
            if (certificates.Count > 0) return;
        }
        catch (CryptographicException)
        {
            // Told below, like a file without any certificate.
        }
        context.Error(context.PlaceOf(path), path, $"names {file}, which holds no certificate", "Name a PEM file: it has a line -----BEGIN CERTIFICATE-----");
    }

    private static bool IsServiceAccountKey(Secret key)
    {
        try
        {
            using var json = JsonDocument.Parse(key.Reveal());
            return json.RootElement.ValueKind == JsonValueKind.Object
                && json.RootElement.TryGetProperty("client_email", out var email) && email.ValueKind == JsonValueKind.String
                && json.RootElement.TryGetProperty("private_key", out var pem) && pem.ValueKind == JsonValueKind.String;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    /// <summary>Google shows an app password in four groups, with blanks that a copy may turn into others.</summary>
    public static bool IsAppPassword(string text) => Letters(text) is { Length: 16 } letters && letters.All(char.IsAsciiLetter);

    /// <summary>A password of another kind stays as it is.</summary>
    private static Secret WithoutBlanks(Secret password) => IsAppPassword(password.Reveal()) ? new Secret(Letters(password.Reveal())) : password;

    private static string Letters(string text) => string.Concat(text.Where(c => !char.IsWhiteSpace(c)));

    private static bool IsWritten(string path, ReadContext context) => context.Places.ContainsKey(path) || context.Places.ContainsKey(path + "File");

    private static Place Written(string path, string secret, ReadContext context) =>
        context.Places.TryGetValue($"{path}.{secret}", out var place) ? place : context.PlaceOf($"{path}.{secret}File");
}
