using System.Net;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace SmartHost.Practice;

/// <summary>
/// A certificate made on the spot, and the tiny authority behind it. Nothing is installed anywhere: a client trusts it
/// by <see cref="CaPem"/> alone. If making it fails there is no practice Gmail, and the exception says so at start.
/// </summary>
internal sealed class PracticeCertificate : IDisposable
{
    /// <summary>What it is made out to: Gmail's name and every way of saying "this machine".</summary>
    public static readonly IReadOnlyList<string> Names = ["smtp.gmail.com", "smtp-relay.gmail.com", "localhost"];

    // A verifier reads the machine's clock, never a test's: so the dates are far apart and fixed.
    private static readonly DateTimeOffset Begin = new(2020, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly DateTimeOffset Past = new(2021, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly DateTimeOffset End = new(2049, 12, 31, 0, 0, 0, TimeSpan.Zero);

    private readonly X509Certificate2 leaf;
    private readonly X509Certificate2 issuer;

    public PracticeCertificate(CertificateFlaw flaw)
    {
        issuer = Authority();
        CaPem = issuer.ExportCertificatePem();
        if (flaw is CertificateFlaw.UnknownAuthority)
        {
            issuer.Dispose();
            issuer = Authority();
        }
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = Request(key, flaw is CertificateFlaw.WrongName ? ["mail.example.net"] : Names, withAddresses: flaw is not CertificateFlaw.WrongName);
        var end = flaw is CertificateFlaw.Expired ? Past : End;
        if (flaw is CertificateFlaw.SelfSigned)
        {
            leaf = request.CreateSelfSigned(Begin, end);
        }
        else
        {
            using var bare = request.Create(issuer, Begin, end, RandomNumberGenerator.GetBytes(16));
            leaf = bare.CopyWithPrivateKey(key);
        }
        if (OperatingSystem.IsWindows())
        {
            // Through PKCS #12 and back: Windows cannot serve TLS with a key that was never stored.
            using var unstored = leaf;
            leaf = X509CertificateLoader.LoadPkcs12(unstored.Export(X509ContentType.Pkcs12), null);
        }
        Context = SslStreamCertificateContext.Create(leaf, flaw is CertificateFlaw.SelfSigned ? [] : [issuer], offline: true);
    }

    /// <summary>The authority to trust, PEM. With a flaw it is still the right one, so that only the flaw is wrong.</summary>
    public string CaPem { get; }

    public SslStreamCertificateContext Context { get; }

    public void Dispose()
    {
        leaf.Dispose();
        issuer.Dispose();
    }

    private static X509Certificate2 Authority()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=SmartHost practice authority", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, true, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, false));
        return request.CreateSelfSigned(Begin, End);
    }

    private static CertificateRequest Request(ECDsa key, IReadOnlyList<string> names, bool withAddresses)
    {
        var request = new CertificateRequest($"CN={names[0]}", key, HashAlgorithmName.SHA256);
        var alternatives = new SubjectAlternativeNameBuilder();
        foreach (var name in names) alternatives.AddDnsName(name);
        if (withAddresses)
        {
            alternatives.AddIpAddress(IPAddress.Loopback);
            alternatives.AddIpAddress(IPAddress.IPv6Loopback);
        }
        request.CertificateExtensions.Add(alternatives.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.1")], false));
        return request;
    }
}
