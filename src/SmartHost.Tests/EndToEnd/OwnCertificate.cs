using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace SmartHost.Tests.EndToEnd;

/// <summary>A certificate of the user's own, as two PEM files.</summary>
internal static class OwnCertificate
{
    /// <returns>The key's PEM text.</returns>
    public static string Write(string certificateFile, string keyFile, DateTimeOffset until)
    {
        using var key = RSA.Create(2048);
        var request = new CertificateRequest("CN=mail.home.example", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        using var certificate = request.CreateSelfSigned(until.AddDays(-400), until);
        var pem = key.ExportPkcs8PrivateKeyPem();
        File.WriteAllText(keyFile, pem);
        File.WriteAllText(certificateFile, certificate.ExportCertificatePem());
        return pem;
    }
}
