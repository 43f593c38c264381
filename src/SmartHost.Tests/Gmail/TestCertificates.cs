using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace SmartHost.Tests.Gmail;

/// <summary>An authority of our own and certificates it signs, made once and kept in memory; its root lies in a temporary file for caFile.</summary>
[SetUpFixture]
public class TestCertificates
{
    private static readonly DateTimeOffset Start = new(2020, 1, 1, 0, 0, 0, TimeSpan.Zero), End = new(2099, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private static string folder = "";

    public static X509Certificate2 Authority { get; private set; } = null!;

    /// <summary>For smtp.gmail.com and localhost.</summary>
    public static X509Certificate2 Good { get; private set; } = null!;

    public static X509Certificate2 OtherName { get; private set; } = null!;

    public static X509Certificate2 Expired { get; private set; } = null!;

    public static X509Certificate2 NotYetValid { get; private set; } = null!;

    public static string CaFile => Path.Combine(folder, "ca.pem");

    [OneTimeSetUp]
    public void Make()
    {
        folder = Directory.CreateTempSubdirectory("smarthost-gmail-").FullName;
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=Practice Authority", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, false));
        Authority = request.CreateSelfSigned(Start, End);
        File.WriteAllText(CaFile, Authority.ExportCertificatePem());
        Good = Sign("smtp.gmail.com", Start, End);
        OtherName = Sign("smtp.example.com", Start, End);
        Expired = Sign("smtp.gmail.com", Start, Start.AddYears(1));
        NotYetValid = Sign("smtp.gmail.com", End.AddYears(-1), End);
    }

    [OneTimeTearDown]
    public void Delete()
    {
        Directory.Delete(folder, recursive: true);
        Authority.Dispose();
        Good.Dispose();
        OtherName.Dispose();
        Expired.Dispose();
        NotYetValid.Dispose();
    }

    private static X509Certificate2 Sign(string name, DateTimeOffset from, DateTimeOffset to)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(name);
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.1")], false));
        request.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromCertificate(Authority, true, false));
        using var certificate = request.Create(Authority, from, to, RandomNumberGenerator.GetBytes(8));
        // Through PKCS #12 once: Windows' TLS takes no key that exists in memory alone.
        using var withKey = certificate.CopyWithPrivateKey(key);
        return X509CertificateLoader.LoadPkcs12(withKey.Export(X509ContentType.Pfx), null);
    }
}
