using System.Net;
using System.Net.Mail;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;

namespace SmartHost.Tests.Clients;

/// <summary>.NET's own SmtpClient, in older business programs. It knows no TLS from the first octet.</summary>
public class SystemNetMailTests
{
    [Test, CancelAfter(60_000)]
    public async Task Its_mail_arrives([Values(Way.Plain, Way.LoginInClear, Way.StartTls)] Way way, CancellationToken cancellation)
    {
        await using var bench = await ClientBench.StartAsync(cancellation);
        using var own = X509CertificateLoader.LoadCertificateFromFile(bench.Certificate);
        using var client = new SmtpClient("127.0.0.1", bench.Port) { EnableSsl = way == Way.StartTls };
        if (way != Way.Plain) client.Credentials = new NetworkCredential(ClientBench.Username, ClientBench.Password);
        using var message = new MailMessage(ClientBench.From, ClientBench.To, ClientBench.Subject, ClientBench.Text);
        message.Attachments.Add(new Attachment(bench.Attachment));
#pragma warning disable SYSLIB0014 // The one place where this client can be told which certificate to trust.
        var before = ServicePointManager.ServerCertificateValidationCallback;
        ServicePointManager.ServerCertificateValidationCallback = (_, certificate, _, problems) =>
            certificate is not null && certificate.Equals(own) && !problems.HasFlag(SslPolicyErrors.RemoteCertificateNameMismatch);
        try
        {
            await client.SendMailAsync(message, cancellation);
        }
        finally
        {
            ServicePointManager.ServerCertificateValidationCallback = before;
        }
#pragma warning restore SYSLIB0014
        await bench.DeliveredAsync(way, cancellation);
    }
}
