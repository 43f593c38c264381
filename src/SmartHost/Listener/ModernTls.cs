using System.Net.Security;
using System.Security.Authentication;

namespace SmartHost.Listener;

/// <summary>
/// TLS 1.2 and 1.3 with forward secrecy and authenticated encryption, said explicitly: where <see cref="LegacyTls"/> has
/// relaxed the whole process, every endpoint that says nothing would be relaxed with it.
/// </summary>
public static class ModernTls
{
    public const SslProtocols Protocols = SslProtocols.Tls12 | SslProtocols.Tls13;

    /// <summary>Null on Windows, where the system decides and .NET offers no say.</summary>
    public static CipherSuitesPolicy? CipherSuites { get; } = OperatingSystem.IsLinux() || OperatingSystem.IsMacOS()
        ? new CipherSuitesPolicy(
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
        ])
        : null;

    /// <summary>For a listener that is not <c>legacyTls</c>; the certificate is yet to be set.</summary>
    public static SslServerAuthenticationOptions ServerOptions() => new() { EnabledSslProtocols = Protocols, CipherSuitesPolicy = CipherSuites };
}
