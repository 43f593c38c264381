using System.Diagnostics;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using SmartHost.Listener;

namespace SmartHost.Tests.Listener;

/// <summary>What an ordinary listener agrees to, asked by a foreign peer.</summary>
public class TlsVersionTests
{
    [TestCase("-tls1_2 -cipher ECDHE-RSA-AES128-GCM-SHA256", true)]
    [TestCase("-tls1_3", true)]
    [TestCase("-tls1 -cipher DEFAULT:@SECLEVEL=0", false)]
    [TestCase("-tls1_1 -cipher DEFAULT:@SECLEVEL=0", false)]
    [TestCase("-tls1_2 -cipher AES128-SHA:@SECLEVEL=0", false)]
    [TestCase("-tls1_2 -cipher ECDHE-RSA-AES128-SHA:@SECLEVEL=0", false)]
    [CancelAfter(60_000)]
    public async Task An_ordinary_listener_speaks_only_modern_tls(string arguments, bool agreed, CancellationToken cancellation)
    {
        await using var listener = await TestListener.StartAsync();
        using var client = StartOpenSsl($"s_client -connect 127.0.0.1:{listener.Port} -starttls smtp {arguments}");
        // At the end of its input it says goodbye and tells what was agreed.
        client.StandardInput.Close();
        var output = await client.StandardOutput.ReadToEndAsync(cancellation);
        await client.WaitForExitAsync(cancellation);
        Assert.That(output, agreed ? Does.Match(@"Cipher is (?!\(NONE\))") : Does.Contain("Cipher is (NONE)"));
    }

    [Test, CancelAfter(30_000)]
    public async Task A_client_that_speaks_clear_text_to_a_tls_port_costs_only_itself(CancellationToken cancellation)
    {
        await using var listener = await TestListener.StartAsync(settings => settings with { Tls = ListenerTls.Implicit });
        using (var confused = new TcpClient())
        {
            await confused.ConnectAsync("127.0.0.1", listener.Port, cancellation);
            await confused.GetStream().WriteAsync("EHLO copier\r\n"u8.ToArray(), cancellation);
            var buffer = new byte[100];
            while (true)
            {
                try
                {
                    if (await confused.GetStream().ReadAsync(buffer, cancellation) == 0) break;
                }
                catch (IOException)
                {
                    break;
                }
            }
        }
        using var client = new TcpClient();
        await client.ConnectAsync("127.0.0.1", listener.Port, cancellation);
        await using var tls = new SslStream(client.GetStream());
        await tls.AuthenticateAsClientAsync(
            new SslClientAuthenticationOptions { TargetHost = "x", RemoteCertificateValidationCallback = (_, certificate, _, _) => certificate?.Subject == "CN=smarthost.test" }, cancellation);
        Assert.That(tls.SslProtocol, Is.EqualTo(SslProtocols.Tls13));
    }

    private static Process StartOpenSsl(string arguments)
    {
        try
        {
            return Process.Start(new ProcessStartInfo("openssl", arguments) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true })!;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            Assert.Ignore("openssl is not installed here");
            throw;
        }
    }
}
