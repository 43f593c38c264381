using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using SmartHost.Gmail.Replies;

namespace SmartHost.Gmail;

/// <summary>
/// TLS towards Gmail: 1.2 and 1.3 alone and modern ciphers, whatever this process allows its oldest devices; the
/// certificate always checked, name included. There is no switch that accepts a bad one: an account may name one more
/// root to trust. On failure the stream is closed and the reason is a sentence about the certificate.
/// </summary>
internal static class GmailTls
{
    private const string ServerAuthentication = "1.3.6.1.5.5.7.3.1";

    private static readonly CipherSuitesPolicy? ModernCiphers = MakeCipherPolicy();

    /// <exception cref="WireException">No TLS, or not with this certificate.</exception>
    public static async Task<SslStream> SecureAsync(Stream plain, AccountSettings account, X509Certificate2Collection? roots, CancellationToken cancellation)
    {
        WireException? problem = null;
        var tls = new SslStream(plain, leaveInnerStreamOpen: false);
        try
        {
            await tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
            {
                TargetHost = account.Host,
                EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
                CipherSuitesPolicy = ModernCiphers,
                CertificateRevocationCheckMode = account.CheckRevocation ? X509RevocationMode.Online : X509RevocationMode.NoCheck,
                RemoteCertificateValidationCallback = (_, certificate, chain, errors) =>
                {
                    problem = Judge(certificate, chain, errors, account.Host, roots);
                    return problem is null;
                },
            }, cancellation);
            return tls;
        }
        catch (Exception e)
        {
            await tls.DisposeAsync();
            if (e is AuthenticationException) throw problem ?? new WireException(ConnectionFailure.TlsHandshake, null, e);
            if (SmtpWire.IsBroken(e)) throw problem ?? new WireException(ConnectionFailure.Closed, null, e);
            throw;
        }
    }

    /// <exception cref="WireException">The file is missing, unreadable, or no PEM certificate.</exception>
    public static X509Certificate2Collection? LoadRoots(string? caFile)
    {
        if (caFile is null) return null;
        try
        {
            var roots = new X509Certificate2Collection();
            roots.ImportFromPemFile(caFile);
            return roots.Count > 0 ? roots : throw new WireException(ConnectionFailure.CaFile, $"{caFile} holds no certificate");
        }
        catch (Exception e) when (e is CryptographicException or UnauthorizedAccessException || e is IOException and not WireException)
        {
            throw new WireException(ConnectionFailure.CaFile, caFile, e);
        }
    }

    private static WireException? Judge(X509Certificate? presented, X509Chain? chain, SslPolicyErrors errors, string host, X509Certificate2Collection? roots)
    {
        if (errors == SslPolicyErrors.None) return null;
        if (presented is not X509Certificate2 certificate) return new WireException(ConnectionFailure.CertificateOther, "it presented none");
        if (errors.HasFlag(SslPolicyErrors.RemoteCertificateNameMismatch))
            return new WireException(ConnectionFailure.CertificateName, $"it is for {NameOf(certificate)}, not for {host}");
        if (chain is null) return new WireException(ConnectionFailure.CertificateOther, null);
        // What a public issuer has revoked, an own root does not mend.
        if (roots is null || Says(chain, X509ChainStatusFlags.Revoked)) return Problem(certificate, chain);

        // A second look with the account's own root. Such a root rarely publishes revocation lists, and whoever
        // installed it vouches for it, so revocation is not asked.
        using var own = new X509Chain();
        own.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        own.ChainPolicy.CustomTrustStore.AddRange(roots);
        own.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        own.ChainPolicy.ApplicationPolicy.Add(new Oid(ServerAuthentication));
        foreach (var element in chain.ChainElements) own.ChainPolicy.ExtraStore.Add(element.Certificate);
        return own.Build(certificate) ? null : Problem(certificate, own);
    }

    private static WireException Problem(X509Certificate2 certificate, X509Chain chain)
    {
        if (Says(chain, X509ChainStatusFlags.Revoked)) return new WireException(ConnectionFailure.CertificateRevoked, null);
        if (Says(chain, X509ChainStatusFlags.UntrustedRoot | X509ChainStatusFlags.PartialChain))
            return new WireException(ConnectionFailure.CertificateIssuer, $"issued by “{certificate.GetNameInfo(X509NameType.SimpleName, forIssuer: true)}”");
        if (Says(chain, X509ChainStatusFlags.NotTimeValid))
        {
            // The chain says only "not within its time"; the dates say on which side. Its own verification time is the clock it used.
            var checkedAt = chain.ChainPolicy.VerificationTime;
            return chain.ChainElements.Any(element => element.Certificate.NotBefore > checkedAt)
                ? new WireException(ConnectionFailure.CertificateNotYetValid, $"from {certificate.NotBefore:yyyy-MM-dd}")
                : new WireException(ConnectionFailure.CertificateExpired, $"on {certificate.NotAfter:yyyy-MM-dd}");
        }
        if (Says(chain, X509ChainStatusFlags.RevocationStatusUnknown | X509ChainStatusFlags.OfflineRevocation))
            return new WireException(ConnectionFailure.RevocationUnknown, null);
        return new WireException(ConnectionFailure.CertificateOther, string.Join(", ", chain.ChainStatus.Select(status => status.Status)));
    }

    private static bool Says(X509Chain chain, X509ChainStatusFlags any) => chain.ChainStatus.Any(status => (status.Status & any) != 0);

    private static string NameOf(X509Certificate2 certificate) => certificate.GetNameInfo(X509NameType.DnsName, forIssuer: false) is { Length: > 0 } name ? name : "nobody";

    /// <summary>Forward secrecy and authenticated encryption. Windows has its own policy and takes none from a program.</summary>
    private static CipherSuitesPolicy? MakeCipherPolicy() =>
        !OperatingSystem.IsLinux() && !OperatingSystem.IsMacOS()
            ? null
            : new CipherSuitesPolicy(
            [
                TlsCipherSuite.TLS_AES_128_GCM_SHA256,
                TlsCipherSuite.TLS_AES_256_GCM_SHA384,
                TlsCipherSuite.TLS_CHACHA20_POLY1305_SHA256,
                TlsCipherSuite.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
                TlsCipherSuite.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
                TlsCipherSuite.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
                TlsCipherSuite.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
                TlsCipherSuite.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
                TlsCipherSuite.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
            ]);
}
