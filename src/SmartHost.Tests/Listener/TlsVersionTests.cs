using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using SmartHost.Listener;
using SmartHost.Tests.EndToEnd;

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
        Assert.That(await OpenSslClient.AgreesAsync(listener.Port, arguments, cancellation), Is.EqualTo(agreed));
    }

    /// <summary>In a process of its own: what OpenSSL was told at its start holds until its end, and for all. The check of the settings opens the certificates that they name.</summary>
    [TestCase("", "")]
    [TestCase(", certificateFile: own.pem, keyFile: own.key", "")]
    [TestCase("", ", caFile: own.pem")]
    [CancelAfter(120_000)]
    public async Task A_legacy_listener_speaks_old_tls_and_the_ordinary_one_beside_it_does_not(string certificate, string ca, CancellationToken cancellation)
    {
        if (OperatingSystem.IsWindows()) Assert.Ignore("Windows decides itself which TLS versions there are");
        using var folder = new TemporaryFolder();
        var (old, lan) = (RunningServer.FreePort(), RunningServer.FreePort());
        OwnCertificate.Write(folder.File("own.pem"), folder.File("own.key"), TimeProvider.System.GetUtcNow().AddDays(100));
        await File.WriteAllTextAsync(folder.File("smarthost.yaml"), $$"""
            data: {{folder.Path}}/data
            accounts:
              default: { username: you@gmail.com, appPassword: abcd efgh ijkl mnop, host: 127.0.0.1, port: 1{{ca}} }
            listeners:
              old: { port: {{old}}, address: 127.0.0.1, legacyTls: true{{certificate}} }
              lan: { port: {{lan}}, address: 127.0.0.1 }
            dashboard: { off: true }
            devices:
              copier: { addresses: [127.0.0.1], recipients: ["*@example.com"] }
            """, cancellation);
        await using var process = SmartHostProcess.Start(["run", "--config", folder.File("smarthost.yaml")]);
        await process.WaitForBannerAsync(old, cancellation);
        await process.WaitForBannerAsync(lan, cancellation);
        foreach (var arguments in new[] { "-tls1 -cipher DEFAULT:@SECLEVEL=0", "-tls1_1 -cipher DEFAULT:@SECLEVEL=0", "-tls1_2 -cipher AES128-SHA:@SECLEVEL=0" })
        {
            Assert.That(await OpenSslClient.AgreesAsync(old, arguments, cancellation), Is.True, $"{arguments}\n{process.Output}");
            Assert.That(await OpenSslClient.AgreesAsync(lan, arguments, cancellation), Is.False, arguments);
        }
        Assert.That(await OpenSslClient.AgreesAsync(lan, "-tls1_3", cancellation), Is.True, process.Output);
        if (!OperatingSystem.IsWindows())
            Assert.That(File.GetUnixFileMode(folder.File("data")), Is.EqualTo(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute), "OpenSSL's file is there before the queue is");
    }

    [Test, CancelAfter(30_000)]
    public async Task A_client_that_speaks_clear_text_to_a_tls_port_costs_only_itself(CancellationToken cancellation)
    {
        await using var listener = await TestListener.StartAsync(settings => settings with { Tls = ListenerTls.Implicit });
        using (var confused = new TcpClient())
        {
            await confused.ConnectAsync("127.0.0.1", listener.Port, cancellation);
            await using var stream = confused.GetStream();
            await stream.WriteAsync("EHLO copier\r\n"u8.ToArray(), cancellation);
            confused.Client.Shutdown(SocketShutdown.Send);
            var buffer = new byte[100];
            while (true)
            {
                try
                {
                    if (await stream.ReadAsync(buffer, cancellation) == 0) break;
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
}
