using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using SmartHost.Practice;

namespace SmartHost.Tests.Practice;

/// <summary>What came back: the octets as text, and whether the connection ended after them.</summary>
internal sealed record RawReply(string Text, bool Ended)
{
    public string Code => Text.Length >= 3 ? Text[..3] : "";
}

/// <summary>A client that sends exactly what it is told and shows exactly what it gets. It understands as much of SMTP as where a reply ends.</summary>
internal sealed class RawClient : IAsyncDisposable
{
    private readonly TcpClient tcp = new() { NoDelay = true };
    private readonly byte[] buffer = new byte[8192];
    private string held = "";
    private Stream stream = Stream.Null;

    public static async Task<RawClient> ConnectAsync(int port, CancellationToken cancellation)
    {
        var client = new RawClient();
        try
        {
            await client.tcp.ConnectAsync(IPAddress.Loopback, port, cancellation);
        }
        catch
        {
            await client.DisposeAsync();
            throw;
        }
        client.stream = client.tcp.GetStream();
        return client;
    }

    /// <summary>As far as a login that Gmail accepts.</summary>
    public static async Task<RawClient> LoggedInAsync(PracticeGmail gmail, CancellationToken cancellation)
    {
        var client = await ConnectAsync(gmail.Port, cancellation);
        await client.ReadAsync(cancellation);
        await client.SayAsync("EHLO client.example\r\n", cancellation);
        await client.SayAsync("STARTTLS\r\n", cancellation);
        await client.StartTlsAsync(gmail, cancellation);
        await client.SayAsync("EHLO client.example\r\n", cancellation);
        Assert.That((await client.SayAsync($"AUTH PLAIN {Plain}\r\n", cancellation)).Code, Is.EqualTo("235"));
        return client;
    }

    public static string Plain => Convert.ToBase64String("\0you@gmail.com\0abcdefghijklmnop"u8);

    public Task SendAsync(string octets, CancellationToken cancellation) =>
        stream.WriteAsync(Encoding.Latin1.GetBytes(octets), cancellation).AsTask();

    public async Task<RawReply> SayAsync(string octets, CancellationToken cancellation)
    {
        try
        {
            await SendAsync(octets, cancellation);
        }
        catch (IOException)
        {
            return new RawReply("", true);
        }
        return await ReadAsync(cancellation);
    }

    /// <summary>Up to the end of a reply, or of the connection.</summary>
    public async Task<RawReply> ReadAsync(CancellationToken cancellation)
    {
        var text = new StringBuilder();
        while (true)
        {
            for (var feed = held.IndexOf('\n'); feed >= 0; feed = held.IndexOf('\n'))
            {
                var line = held[..(feed + 1)];
                held = held[(feed + 1)..];
                text.Append(line);
                if (line.Length >= 4 && line[..3].All(char.IsAsciiDigit) && line[3] == ' ') return new RawReply(text.ToString(), false);
            }
            int read;
            try
            {
                read = await stream.ReadAsync(buffer, cancellation);
            }
            catch (IOException)
            {
                read = 0;
            }
            if (read == 0)
            {
                var rest = text.Append(held).ToString();
                held = "";
                return new RawReply(rest, true);
            }
            held += Encoding.Latin1.GetString(buffer, 0, read);
        }
    }

    /// <exception cref="AuthenticationException">What came was no TLS, or the certificate is not good.</exception>
    public async Task StartTlsAsync(PracticeGmail gmail, CancellationToken cancellation)
    {
        Assert.That(held, Is.Empty, "octets before the handshake");
        using var authority = X509Certificate2.CreateFromPem(gmail.CaPem);
        var tls = new SslStream(stream);
        stream = tls;
        await tls.AuthenticateAsClientAsync(
            new SslClientAuthenticationOptions
            {
                TargetHost = "smtp.gmail.com",
                CertificateChainPolicy = new X509ChainPolicy
                {
                    TrustMode = X509ChainTrustMode.CustomRootTrust,
                    CustomTrustStore = { authority },
                    RevocationMode = X509RevocationMode.NoCheck,
                },
            },
            cancellation);
    }

    public async ValueTask DisposeAsync()
    {
        tcp.Close();
        await stream.DisposeAsync();
        tcp.Dispose();
    }
}
