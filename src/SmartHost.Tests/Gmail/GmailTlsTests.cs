using SmartHost.Gmail;

namespace SmartHost.Tests.Gmail;

[CancelAfter(30_000)]
public class GmailTlsTests
{
    [TestCase("OtherName", "tls-wrong-name", "smtp.example.com, not for smtp.gmail.com")]
    [TestCase("Expired", "tls-expired", "on 20")]
    [TestCase("NotYetValid", "tls-not-yet-valid", "from 20")]
    public async Task A_bad_certificate_is_refused_with_its_reason_before_any_login(string which, string row, string detail)
    {
        var certificate = which switch
        {
            "OtherName" => TestCertificates.OtherName,
            "Expired" => TestCertificates.Expired,
            _ => TestCertificates.NotYetValid,
        };
        await using var gmail = new ScriptedGmail(certificate, ScriptedGmail.Hello);
        var failed = (OpenOutcome.Failed)await Given.Connector(gmail).OpenAsync(Given.Account(), CancellationToken.None);
        Assert.That(failed.Verdict.Row, Is.EqualTo(row));
        Assert.That(failed.Verdict.Happened, Does.Contain(detail));
        Assert.That(gmail.Heard, Has.None.StartsWith("AUTH"));
    }

    [Test]
    public async Task An_unknown_issuer_is_named_and_the_way_out_too()
    {
        await using var gmail = new ScriptedGmail(ScriptedGmail.Hello);
        var failed = (OpenOutcome.Failed)await Given.Connector(gmail).OpenAsync(Given.Account() with { CaFile = null }, CancellationToken.None);
        Assert.That(failed.Verdict.Row, Is.EqualTo("tls-unknown-issuer"));
        Assert.That(failed.Verdict.Happened, Does.Contain("Practice Authority"));
        Assert.That(failed.Verdict.Remedy, Does.Contain("virus scanner").And.Contain("caFile"));
    }

    [Test]
    public async Task Revocation_is_not_asked_of_the_accounts_own_root()
    {
        await using var gmail = new ScriptedGmail(ScriptedGmail.Login);
        var opened = (OpenOutcome.Opened)await Given.Connector(gmail).OpenAsync(Given.Account() with { CheckRevocation = true }, CancellationToken.None);
        await opened.Session.DisposeAsync();
    }

    [TestCase(false)]
    [TestCase(true)]
    public async Task A_caFile_that_is_none_is_named(bool exists)
    {
        var path = Path.Combine(Path.GetDirectoryName(TestCertificates.CaFile)!, $"{Guid.NewGuid()}.pem");
        if (exists) await File.WriteAllTextAsync(path, "no certificate");
        var failed = (OpenOutcome.Failed)await Given.Connector(new Dictionary<int, int>()).OpenAsync(Given.Account() with { CaFile = path }, CancellationToken.None);
        Assert.That(failed.Verdict.Row, Is.EqualTo("tls-ca-file"));
        Assert.That(failed.Verdict.Happened, Does.Contain(path));
    }
}
