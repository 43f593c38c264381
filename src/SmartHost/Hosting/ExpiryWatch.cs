using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using SmartHost.Configuration;
using SmartHost.Gmail;
using SmartHost.Gmail.Login;
using SmartHost.Listener;
using SmartHost.Notices;

namespace SmartHost.Hosting;

/// <summary>Something that ends by itself unless a person acts.</summary>
/// <param name="Key">Its identity among alerts.</param>
/// <param name="Notice">How long before its end it is time to act.</param>
/// <param name="Then">What its end means, in a sentence.</param>
internal sealed record Ending(string Key, string What, DateTimeOffset At, TimeSpan Notice, string Then, string Remedy, Uri? Help = null);

/// <summary>
/// Watches what ends by itself: certificates of the owner's own (the one we made renews itself), and Google's consent where
/// Google gave it an end, as it does for a client in “Testing”. A file that cannot be read is the listener's to tell of.
/// </summary>
internal sealed class ExpiryWatch(Func<SmartHostSettings> settings, AccessTokens tokens, Alerts alerts, TimeProvider time)
{
    // Whoever renews by ACME does so a month ahead: two weeks before the end it has failed. A consent of “Testing” lasts seven days.
    private static readonly TimeSpan CertificateNotice = TimeSpan.FromDays(14), ConsentNotice = TimeSpan.FromDays(3);

    public void Look()
    {
        var endings = All().ToList();
        foreach (var ending in endings)
        {
            if (IsNear(ending)) alerts.Raise(Alert.Expiring(ending.Key, ending.What, ending.At, time, ending.Then, ending.Remedy, ending.Help));
            else alerts.Over(AlertKind.Expiring, ending.Key, $"{ending.What} is good until {ending.At.UtcDateTime:yyyy-MM-dd}.");
        }
        // What is used no longer, or has no end any more. Until Google was asked, nothing is known of a consent.
        var doubtful = settings().Accounts.Where(account => !tokens.Consent(account).Known).Select(ConsentKey).Concat(endings.Select(ending => ending.Key)).ToHashSet();
        alerts.Over(AlertKind.Expiring, key => !doubtful.Contains(key), "Nothing depends on its end any more.");
    }

    public bool IsNear(Ending ending) => ending.At - time.GetUtcNow() <= ending.Notice;

    public IEnumerable<Ending> All()
    {
        var now = settings();
        foreach (var file in now.Listeners.Where(listener => listener.Tls != ListenerTls.Off && listener.CertificateFile is not null).GroupBy(listener => listener.CertificateFile!))
        {
            if (EndOf(file.Key) is { } end)
                yield return new Ending($"certificate {file.Key}", $"The certificate of listener {string.Join(" and ", file.Select(listener => listener.Name))}", end, CertificateNotice,
                    "Devices that check it cannot send then.", $"Renew it in {file.Key}: a changed file is read by itself.");
        }
        foreach (var account in now.Accounts)
        {
            if (tokens.Consent(account).Ends is { } end)
                yield return new Ending(ConsentKey(account), $"Google's consent for account {account.Name}", end, ConsentNotice,
                    "Its mail waits in the queue then, until somebody logs in again. So short a consent means that the OAuth client is in “Testing”.",
                    "Publish the client (“In production”), then run smarthost login: that consent lasts.", new Uri("https://console.cloud.google.com/auth/audience"));
        }
    }

    private static string ConsentKey(AccountSettings account) => $"consent {account.Name}";

    private static DateTimeOffset? EndOf(string file)
    {
        try
        {
            using var certificate = X509Certificate2.CreateFromPem(File.ReadAllText(file));
            return certificate.NotAfter.ToUniversalTime();
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or CryptographicException)
        {
            return null;
        }
    }
}
