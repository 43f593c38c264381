using System.Net;
using System.Net.Sockets;
using System.Text;
using SmartHost.Listener;
using SmartHost.Tests.EndToEnd;

namespace SmartHost.Tests.Listener;

/// <summary>What its owner reads of a device that was refused.</summary>
[CancelAfter(60_000)]
public class SightingTests
{
    // A panel that pipelines, or does not listen, goes on whatever it hears; what it hears then is no reason.
    [TestCase("MAIL FROM:<a@lan.example>", "RCPT TO:<x@elsewhere.example>", "may not write to x@elsewhere.example")]
    [TestCase("MAIL FROM:<a@lan.example>", "RCPT TO:<@>", "553 5.1.3")]
    [TestCase("MAIL FROM:<a@lan.example> SIZE=999999999", "RCPT TO:<x@example.com>", "552 5.3.4")]
    public async Task The_last_refusal_is_the_reason_and_not_what_follows_from_it(string mail, string rcpt, string reason, CancellationToken cancellation)
    {
        await using var listener = await TestListener.StartAsync();
        await TalkAsync(listener, $"HELO panel\r\n{mail}\r\n{rcpt}\r\nDATA\r\nQUIT\r\n", cancellation);
        Assert.That(listener.Sightings.Of("scanner"), Has.Property("LastRefusal").Contains(reason).And.Property("LastSeen").EqualTo(listener.Time.GetUtcNow()));
    }

    [Test]
    public async Task A_line_that_is_thrown_away_is_a_reason(CancellationToken cancellation)
    {
        await using var listener = await TestListener.StartAsync();
        await TalkAsync(listener, $"HELO panel\r\nMAIL FROM:<a@lan.example>\r\nRCPT TO:{new string('x', 20_000)}\r\nQUIT\r\n", cancellation);
        Assert.That(listener.Sightings.Of("scanner").LastRefusal, Does.Contain("500 5.5.6 Command line too long"));
    }

    [Test]
    public async Task A_command_out_of_turn_is_a_reason_where_nothing_was_refused_before(CancellationToken cancellation)
    {
        await using var listener = await TestListener.StartAsync();
        await TalkAsync(listener, "HELO panel\r\nDATA\r\nQUIT\r\n", cancellation);
        Assert.That(listener.Sightings.Of("scanner").LastRefusal, Does.Contain("Send MAIL FROM first"));
    }

    /// <summary>Programs that encrypt wherever it is offered, such as those of Go's net/smtp: their owner never chose TLS, and would look for an old version of it.</summary>
    [TestCase("-tls1_2")]
    [TestCase("-tls1_3")]
    public async Task A_certificate_that_the_device_does_not_trust_is_named(string version, CancellationToken cancellation)
    {
        if (!OperatingSystem.IsLinux()) Assert.Ignore("other systems have other words for it");
        await using var listener = await TestListener.StartAsync();
        await OpenSslClient.AgreesAsync(listener.Port, $"{version} -verify_return_error -no-CAfile -no-CApath -no-CAstore", cancellation);
        await LiveServer.WaitAsync(() => listener.Sightings.Of("scanner").LastRefusal is not null, cancellation);
        Assert.That(listener.Sightings.Of("scanner").LastRefusal, Does.Contain("does not trust the certificate").And.Contain("certificateFile").And.Contain("tls: off"));
    }

    // A program that waits for no reply, and one whose line ends are not ours: both believe that they sent it.
    [TestCase("DATA\r\nSubject: gone\n\nall\n.\nQUIT\n", "451 4.5.2 The message never ended")]
    [TestCase("DATA\r\nSubject: half", "451 4.4.2 The message broke off")]
    [TestCase("BDAT 100 LAST\r\nSubject: half", "451 4.4.2 The message broke off")]
    [TestCase("DATA\r\nSubject: whole\r\n\r\n.\r\nMAIL FROM:<a@lan.example>\r\n", null)]
    public async Task A_message_that_broke_off_is_a_reason(string content, string? reason, CancellationToken cancellation)
    {
        await using var listener = await TestListener.StartAsync();
        using (var program = new TcpClient())
        {
            await program.ConnectAsync(IPAddress.Loopback, listener.Port, cancellation);
            await using var stream = program.GetStream();
            await stream.WriteAsync(Encoding.ASCII.GetBytes($"HELO program\r\nMAIL FROM:<a@lan.example>\r\nRCPT TO:<x@example.com>\r\n{content}"), cancellation);
            program.Client.Shutdown(SocketShutdown.Send);
            using var reader = new StreamReader(stream);
            await reader.ReadToEndAsync(cancellation);
        }
        Assert.That(listener.Sightings.Of("scanner").LastRefusal, reason is null ? Is.Null : Does.Contain(reason));
    }

    [TestCase(ListenerTls.Implicit, "", "EHLO copier\r\n", "554 5.5.1 This port begins with TLS")]
    [TestCase(ListenerTls.Implicit, "", "\u0016\u0003\u0001 half a hello", "454 4.7.0 TLS could not begin")]
    [TestCase(ListenerTls.Optional, "STARTTLS\r\n", "EHLO copier\r\n", "454 4.7.0 TLS could not begin")]
    public async Task A_handshake_that_failed_is_a_reason(ListenerTls tls, string command, string noHello, string reason, CancellationToken cancellation)
    {
        await using var listener = await TestListener.StartAsync(settings => settings with { Tls = tls });
        using var copier = new TcpClient();
        await copier.ConnectAsync(IPAddress.Loopback, listener.Port, cancellation);
        await using var stream = copier.GetStream();
        var buffer = new byte[1000];
        if (command.Length > 0)
        {
            await stream.WriteAsync(Encoding.ASCII.GetBytes(command), cancellation);
            for (var heard = ""; !heard.Contains("Ready to start TLS");) heard += Encoding.ASCII.GetString(buffer, 0, await stream.ReadAsync(buffer, cancellation));
        }
        await stream.WriteAsync(Encoding.ASCII.GetBytes(noHello), cancellation);
        copier.Client.Shutdown(SocketShutdown.Send);
        try
        {
            while (await stream.ReadAsync(buffer, cancellation) > 0) { }
        }
        catch (IOException)
        {
            // A reset is an end, too.
        }
        Assert.That(listener.Sightings.Of("scanner").LastRefusal, Does.Contain(reason));
    }

    [Test]
    public async Task A_certificate_that_cannot_be_read_is_a_reason_and_the_session_goes_on(CancellationToken cancellation)
    {
        using var folder = new TemporaryFolder();
        OwnCertificate.Write(folder.File("own.pem"), folder.File("own.key"), TimeProvider.System.GetUtcNow().AddDays(100));
        await using var listener = await TestListener.StartAsync(settings => settings with { CertificateFile = folder.File("own.pem"), KeyFile = folder.File("own.key") });
        // As if it had never been read.
        listener.Server.Certificates.Dispose();
        File.Delete(folder.File("own.pem"));
        Assert.That(await TalkAsync(listener, "STARTTLS\r\nNOOP\r\nQUIT\r\n", cancellation), Does.Contain("454 4.7.0 TLS is not available now").And.Contain("250 2.0.0"));
        Assert.That(listener.Sightings.Of("scanner").LastRefusal, Does.Contain("TLS is not available now"));
    }

    /// <summary>The settings never hold such a device: it stands for a mistake of ours behind the final dot.</summary>
    [Test]
    public async Task A_bug_is_told_to_the_device_and_is_no_message_that_broke_off(CancellationToken cancellation)
    {
        await using var listener = await TestListener.StartAsync(devices: [TestListener.Scanner with { AddTo = null! }]);
        using var panel = new TcpClient();
        await panel.ConnectAsync(IPAddress.Loopback, listener.Port, cancellation);
        await using var stream = panel.GetStream();
        await stream.WriteAsync("HELO panel\r\nMAIL FROM:<a@lan.example>\r\nRCPT TO:<x@example.com>\r\nDATA\r\nSubject: x\r\n\r\ny\r\n.\r\n"u8.ToArray(), cancellation);
        panel.Client.Shutdown(SocketShutdown.Send);
        using var reader = new StreamReader(stream);
        Assert.That(await reader.ReadToEndAsync(cancellation), Does.Contain("451 4.3.0 Something went wrong here"));
        Assert.That(listener.Sightings.Of("scanner").LastRefusal, Does.Contain("Something went wrong here"));
    }

    private static async Task<string> TalkAsync(TestListener listener, string commands, CancellationToken cancellation)
    {
        using var panel = new TcpClient();
        await panel.ConnectAsync(IPAddress.Loopback, listener.Port, cancellation);
        await panel.GetStream().WriteAsync(Encoding.ASCII.GetBytes(commands), cancellation);
        using var reader = new StreamReader(panel.GetStream());
        var heard = await reader.ReadToEndAsync(cancellation);
        Assert.That(heard, Does.EndWith("221 2.0.0 Goodbye\r\n"));
        return heard;
    }
}
