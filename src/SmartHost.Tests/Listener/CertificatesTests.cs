using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using SmartHost.Listener;

namespace SmartHost.Tests.Listener;

public class CertificatesTests
{
    private static readonly ListenerSettings Lan = new() { Name = "lan", Port = 25 };

    private string folder = "";

    [SetUp]
    public void MakeFolder() => folder = Directory.CreateTempSubdirectory("smarthost-certificates-").FullName;

    [TearDown]
    public void DeleteFolder() => Directory.Delete(folder, recursive: true);

    [Test]
    public void One_is_made_once_with_the_names_and_addresses_of_the_machine_and_a_private_key()
    {
        var first = Thumbprint(Lan);
        Assert.That(Thumbprint(Lan), Is.EqualTo(first), "kept for the next start");
        using var made = X509CertificateLoader.LoadCertificateFromFile(Path.Combine(folder, "certificate.pem"));
        Assert.That(made.MatchesHostname("nas.home.example"), Is.True);
        var names = made.Extensions.OfType<X509SubjectAlternativeNameExtension>().Single();
        Assert.That(names.EnumerateIPAddresses(), Does.Contain(IPAddress.Loopback).And.Contain(IPAddress.IPv6Loopback));
        Assert.That(made.NotAfter, Is.GreaterThan(new DateTime(2030, 1, 1)));
        if (!OperatingSystem.IsWindows())
        {
            Assert.That(File.GetUnixFileMode(Path.Combine(folder, "certificate-key.pem")), Is.EqualTo(UnixFileMode.UserRead | UnixFileMode.UserWrite));
        }
    }

    [Test]
    public void The_one_that_was_made_is_made_anew_before_it_ends()
    {
        var first = Thumbprint(Lan);
        var time = new FakeTimeProvider(TimeProvider.System.GetUtcNow().AddYears(10).AddDays(-31));
        Assert.That(Thumbprint(Lan, time), Is.EqualTo(first), "a month is left");
        time.Advance(TimeSpan.FromDays(2));
        var second = Thumbprint(Lan, time);
        Assert.That(second, Is.Not.EqualTo(first));
        Assert.That(Thumbprint(Lan, time), Is.EqualTo(second), "once");
    }

    [Test, Platform("Linux,MacOsX")]
    public void Where_it_cannot_be_made_anew_a_sentence_says_so()
    {
        Thumbprint(Lan);
        // The superuser may write anywhere, and so a folder stands where the certificate was; not empty, since an empty one might be replaced.
        var certificate = Path.Combine(folder, "certificate.pem");
        var made = File.ReadAllText(certificate);
        File.Delete(Path.Combine(folder, "certificate-key.pem"));
        File.Delete(certificate);
        Directory.CreateDirectory(Path.Combine(certificate, "x"));
        Assert.That(() => Thumbprint(Lan), Throws.TypeOf<CertificateUnavailableException>().With.Message.Contains("cannot be written"));
    }

    [Test]
    public void Files_of_the_user_are_read_again_when_they_change_and_a_broken_one_is_not_taken()
    {
        var (certificate, key) = (Path.Combine(folder, "own.pem"), Path.Combine(folder, "own-key.pem"));
        var listener = Lan with { CertificateFile = certificate, KeyFile = key };
        using var certificates = New();
        var start = new DateTime(2026, 1, 1, 0, 0, 0, DateTimeKind.Utc);
        Write(certificate, key, "first", start);
        Assert.That(Subject(), Is.EqualTo("CN=first"));
        Write(certificate, key, "second", start.AddMinutes(1));
        Assert.That(Subject(), Is.EqualTo("CN=second"));
        File.WriteAllText(certificate, "half a cert");
        File.SetLastWriteTimeUtc(certificate, start.AddMinutes(2));
        Assert.That(Subject(), Is.EqualTo("CN=second"), "the old one stays");
        Write(certificate, key, "third", start.AddMinutes(3));
        Assert.That(Subject(), Is.EqualTo("CN=third"));

        string Subject() => certificates.OptionsFor(listener).ServerCertificateContext!.TargetCertificate.Subject;
    }

    [Test, Platform("Linux,MacOsX")]
    public void One_behind_a_link_is_read_again_when_what_it_leads_to_changes()
    {
        var (certificate, key) = (Path.Combine(folder, "own.pem"), Path.Combine(folder, "own-key.pem"));
        var listener = Lan with { CertificateFile = Path.Combine(folder, "link.pem"), KeyFile = Path.Combine(folder, "link-key.pem") };
        // Kubernetes and Docker exchange the folder in the middle, a person's own link leads to what ACME renews.
        File.CreateSymbolicLink(Path.Combine(folder, "middle.pem"), certificate);
        File.CreateSymbolicLink(listener.CertificateFile, Path.Combine(folder, "middle.pem"));
        File.CreateSymbolicLink(listener.KeyFile, key);
        using var certificates = New();
        var start = new DateTime(2026, 1, 1, 0, 0, 0, DateTimeKind.Utc);
        Write(certificate, key, "first", start);
        Assert.That(Subject(), Is.EqualTo("CN=first"));
        Write(certificate, key, "second", start.AddMinutes(1));
        Assert.That(Subject(), Is.EqualTo("CN=second"));

        string Subject() => certificates.OptionsFor(listener).ServerCertificateContext!.TargetCertificate.Subject;
    }

    [Test]
    public void One_that_is_in_use_is_not_made_anew_when_its_file_goes()
    {
        using var certificates = New();
        var first = certificates.OptionsFor(Lan).ServerCertificateContext!.TargetCertificate.Thumbprint;
        File.Delete(Path.Combine(folder, "certificate.pem"));
        Assert.That(certificates.OptionsFor(Lan).ServerCertificateContext!.TargetCertificate.Thumbprint, Is.EqualTo(first));
        Assert.That(File.Exists(Path.Combine(folder, "certificate.pem")), Is.False, "nothing is written while devices wait");
    }

    [Test]
    public void A_missing_file_is_told_at_start_with_a_remedy()
    {
        using var certificates = New();
        var failure = Assert.Throws<CertificateUnavailableException>(() => certificates.Prepare(Lan with { CertificateFile = Path.Combine(folder, "none.pem") }));
        Assert.That(failure!.Message, Does.Contain("listener lan").And.Contain("none.pem").And.Contain("certificateFile"));
    }

    private Certificates New(TimeProvider? time = null) => new(folder, "nas.home.example", time ?? TimeProvider.System, NullLogger<Certificates>.Instance);

    private string Thumbprint(ListenerSettings listener, TimeProvider? time = null)
    {
        using var certificates = New(time);
        return certificates.OptionsFor(listener).ServerCertificateContext!.TargetCertificate.Thumbprint;
    }

    private static void Write(string certificate, string key, string name, DateTime at)
    {
        using var ecdsa = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var made = new CertificateRequest($"CN={name}", ecdsa, HashAlgorithmName.SHA256).CreateSelfSigned(DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch.AddYears(90));
        File.WriteAllText(key, ecdsa.ExportPkcs8PrivateKeyPem());
        File.WriteAllText(certificate, made.ExportCertificatePem());
        File.SetLastWriteTimeUtc(key, at);
        File.SetLastWriteTimeUtc(certificate, at);
    }
}
