using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using MailKit.Net.Smtp;
using MailKit.Security;
using MimeKit;
using SmartHost.Mail;
using SmartHost.Practice;
using AuthenticationException = MailKit.Security.AuthenticationException;

namespace SmartHost.Tests.Practice;

/// <summary>The practice Gmail as a client library sees it that was written against the real one.</summary>
[CancelAfter(30_000)]
public class MailKitTests
{
    private const string User = "you@gmail.com", Password = "abcdefghijklmnop";

    [Test]
    public async Task A_message_arrives_as_it_was_sent(CancellationToken cancellation)
    {
        await using var gmail = await PracticeGmail.StartAsync(new PracticeSettings(), TimeProvider.System);
        using var client = await LoggedInAsync(gmail, cancellation);
        await client.SendAsync(Message(), cancellation);
        await client.DisconnectAsync(true, cancellation);

        var message = (await gmail.WaitForAsync(1, cancellation)).Single();
        Assert.Multiple(() =>
        {
            Assert.That(message.Envelope.Sender, Is.EqualTo(new ReversePath(Mailbox.Parse(User))));
            Assert.That(message.Envelope.Recipients, Is.EqualTo([Mailbox.Parse("me@example.com")]));
            Assert.That(message.Account, Is.EqualTo(Mailbox.Parse(User)));
            Assert.That(message.Tls, Is.EqualTo(SslProtocols.Tls13).Or.EqualTo(SslProtocols.Tls12));
            Assert.That(message.Header("Subject"), Is.EqualTo("A scan"));
            Assert.That(Encoding.ASCII.GetString(message.Content.Span), Does.EndWith("\r\n\r\n.dots\r\n..stay\r\n"));
            Assert.That(message.Size, Is.EqualTo(message.Content.Length));
            Assert.That(message.Violations, Is.Empty);
            Assert.That(message.Number, Is.EqualTo(1));
            Assert.That(gmail.Violations, Is.Empty);
        });
    }

    [Test]
    public async Task Both_ports_offer_what_Gmail_offers(CancellationToken cancellation)
    {
        await using var gmail = await PracticeGmail.StartAsync(new PracticeSettings(), TimeProvider.System);
        foreach (var (port, options) in new[] { (gmail.Port, SecureSocketOptions.StartTls), (gmail.ImplicitPort, SecureSocketOptions.SslOnConnect) })
        {
            using var client = Client(gmail);
            await client.ConnectAsync(gmail.Host, port, options, cancellation);
            Assert.Multiple(() =>
            {
                Assert.That(client.MaxSize, Is.EqualTo(35_882_577));
                Assert.That(client.AuthenticationMechanisms, Is.EquivalentTo(["LOGIN", "PLAIN", "XOAUTH2", "PLAIN-CLIENTTOKEN", "OAUTHBEARER", "XOAUTH"]));
                Assert.That(client.Capabilities, Is.EqualTo(SmtpCapabilities.Size | SmtpCapabilities.EightBitMime | SmtpCapabilities.Authentication
                    | SmtpCapabilities.EnhancedStatusCodes | SmtpCapabilities.Pipelining | SmtpCapabilities.Chunking | SmtpCapabilities.UTF8
                    | (client.Capabilities & SmtpCapabilities.StartTLS)));
            });
        }
    }

    [Test]
    public async Task A_wrong_password_hears_Googles_words(CancellationToken cancellation)
    {
        await using var gmail = await PracticeGmail.StartAsync(new PracticeSettings(), TimeProvider.System);
        using var client = await ConnectedAsync(gmail, cancellation);
        var refused = (await Assert.ThrowsAsync<AuthenticationException>(() => client.AuthenticateAsync(new SaslMechanismPlain(User, "abcd efgh ijkl mnop"), cancellation)))!;
        Assert.That(refused.Message, Does.StartWith("535: 5.7.8 Username and Password not accepted").And.Contain("https://support.google.com/mail/?p=BadCredentials"));

        await client.AuthenticateAsync(new SaslMechanismLogin(User, Password), cancellation);
        Assert.That(gmail.Logins, Is.EqualTo(2));
        Assert.That(gmail.Commands.Select(command => command.Text), Has.None.Contains("abcd"), "a password in the record of commands");
    }

    [Test]
    public async Task Mail_before_the_login_is_told_so(CancellationToken cancellation)
    {
        await using var gmail = await PracticeGmail.StartAsync(new PracticeSettings(), TimeProvider.System);
        using var client = await ConnectedAsync(gmail, cancellation);
        await Assert.ThrowsAsync<MailKit.ServiceNotAuthenticatedException>(() => client.SendAsync(Message(), cancellation));
    }

    [Test]
    public async Task A_relay_by_address_takes_mail_without_login(CancellationToken cancellation)
    {
        await using var gmail = await PracticeGmail.StartAsync(new PracticeSettings { RequiresLogin = false }, TimeProvider.System);
        using var client = await ConnectedAsync(gmail, cancellation);
        await client.SendAsync(Message(), cancellation);
        Assert.That((await gmail.WaitForAsync(1, cancellation)).Single().Account, Is.Null);
    }

    [Test]
    public async Task A_message_over_the_limit_is_refused_at_MAIL(CancellationToken cancellation)
    {
        await using var gmail = await PracticeGmail.StartAsync(new PracticeSettings { MaxSize = 200 }, TimeProvider.System);
        using var client = await LoggedInAsync(gmail, cancellation);
        var refused = (await Assert.ThrowsAsync<SmtpCommandException>(() => client.SendAsync(Message(), cancellation)))!;
        Assert.Multiple(() =>
        {
            Assert.That((int)refused.StatusCode, Is.EqualTo(552));
            Assert.That(refused.Message, Does.StartWith("5.3.4 Your message exceeded Google's message size limits."));
            Assert.That(gmail.Commands.Select(command => command.Text), Has.None.EqualTo("DATA"));
            Assert.That(gmail.Messages, Is.Empty);
        });
    }

    [Test]
    public async Task The_hundred_and_first_recipient_is_one_too_many(CancellationToken cancellation)
    {
        await using var gmail = await PracticeGmail.StartAsync(new PracticeSettings(), TimeProvider.System);
        using var client = await LoggedInAsync(gmail, cancellation);
        var recipients = Enumerable.Range(1, 101).Select(n => new MailboxAddress("", $"r{n}@example.com")).ToList();
        var refused = (await Assert.ThrowsAsync<SmtpCommandException>(() => client.SendAsync(Message(), new MailboxAddress("", User), recipients, cancellation)))!;
        Assert.Multiple(() =>
        {
            Assert.That(refused.ErrorCode, Is.EqualTo(SmtpErrorCode.RecipientNotAccepted));
            Assert.That(refused.Mailbox!.Address, Is.EqualTo("r101@example.com"));
            Assert.That((int)refused.StatusCode, Is.EqualTo(452));
            Assert.That(refused.Message, Does.StartWith("4.5.3 Your message has too many recipients."));
        });
        await client.SendAsync(Message(), new MailboxAddress("", User), recipients.Take(100), cancellation);
        Assert.That((await gmail.WaitForAsync(1, cancellation)).Single().Envelope.Recipients, Has.Count.EqualTo(100));
    }

    [Test]
    public async Task A_token_logs_in_until_it_expires(CancellationToken cancellation)
    {
        await using var tokens = await PracticeTokens.StartAsync(TimeProvider.System, cancellation: cancellation);
        await using var gmail = await PracticeGmail.StartAsync(new PracticeSettings { AcceptsToken = tokens.Accepts }, TimeProvider.System);
        var token = tokens.IssueAccessToken(Mailbox.Parse(User)).Reveal();
        foreach (var mechanism in new SaslMechanism[] { new SaslMechanismOAuth2(User, token), new SaslMechanismOAuthBearer(User, token) })
        {
            using var client = await ConnectedAsync(gmail, cancellation);
            await client.AuthenticateAsync(mechanism, cancellation);
            Assert.That(client.IsAuthenticated);
        }
        tokens.ExpireAccessTokens();
        using var late = await ConnectedAsync(gmail, cancellation);
        var refused = (await Assert.ThrowsAsync<AuthenticationException>(() => late.AuthenticateAsync(new SaslMechanismOAuth2(User, token), cancellation)))!;
        Assert.That(refused.Message, Does.Contain("5.7.8 Username and Password not accepted"));
    }

    [Test]
    public async Task Whose_token_it_is_matters(CancellationToken cancellation)
    {
        await using var tokens = await PracticeTokens.StartAsync(TimeProvider.System, cancellation: cancellation);
        await using var gmail = await PracticeGmail.StartAsync(new PracticeSettings { AcceptsToken = tokens.Accepts }, TimeProvider.System);
        using var client = await ConnectedAsync(gmail, cancellation);
        var other = tokens.IssueAccessToken(Mailbox.Parse("other@gmail.com")).Reveal();
        await Assert.ThrowsAsync<AuthenticationException>(() => client.AuthenticateAsync(new SaslMechanismOAuth2(User, other), cancellation));
    }

    [TestCase(CertificateFlaw.WrongName)]
    [TestCase(CertificateFlaw.Expired)]
    [TestCase(CertificateFlaw.SelfSigned)]
    [TestCase(CertificateFlaw.UnknownAuthority)]
    public async Task A_flawed_certificate_is_seen_through(CertificateFlaw flaw, CancellationToken cancellation)
    {
        await using var gmail = await PracticeGmail.StartAsync(new PracticeSettings { CertificateFlaw = flaw }, TimeProvider.System);
        foreach (var (port, options) in new[] { (gmail.Port, SecureSocketOptions.StartTls), (gmail.ImplicitPort, SecureSocketOptions.SslOnConnect) })
        {
            using var client = Client(gmail);
            await Assert.ThrowsAsync<SslHandshakeException>(() => client.ConnectAsync(gmail.Host, port, options, cancellation));
        }
    }

    internal static async Task<SmtpClient> LoggedInAsync(PracticeGmail gmail, CancellationToken cancellation)
    {
        var client = await ConnectedAsync(gmail, cancellation);
        await client.AuthenticateAsync(new SaslMechanismPlain(User, Password), cancellation);
        return client;
    }

    internal static async Task<SmtpClient> ConnectedAsync(PracticeGmail gmail, CancellationToken cancellation)
    {
        var client = Client(gmail);
        await client.ConnectAsync(gmail.Host, gmail.Port, SecureSocketOptions.StartTls, cancellation);
        return client;
    }

    /// <summary>A client that trusts the practice authority and nobody else, and checks everything.</summary>
    private static SmtpClient Client(PracticeGmail gmail)
    {
        var authority = X509Certificate2.CreateFromPem(gmail.CaPem);
        return new SmtpClient
        {
            CheckCertificateRevocation = false,
            ServerCertificateValidationCallback = (_, certificate, _, errors) =>
            {
                if (errors.HasFlag(System.Net.Security.SslPolicyErrors.RemoteCertificateNameMismatch)) return false;
                using var chain = new X509Chain();
                chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
                chain.ChainPolicy.CustomTrustStore.Add(authority);
                chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
                return chain.Build((X509Certificate2)certificate!);
            },
        };
    }

    internal static MimeMessage Message() => new(
        [new MailboxAddress("Office scanner", User)], [new MailboxAddress("", "me@example.com")], "A scan",
        new TextPart("plain") { Text = ".dots\r\n..stay\r\n" });
}
