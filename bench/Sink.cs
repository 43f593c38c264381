using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace SmartHost.Bench;

/// <summary>
/// The next hop of both servers: STARTTLS and AUTH required, PIPELINING and CHUNKING offered, as at smtp.gmail.com, and a
/// round trip that can be set. It notes when each message (by its X-Bench-Id) was complete, and keeps nothing else.
/// </summary>
internal sealed class Sink : IAsyncDisposable
{
    private readonly TcpListener listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource stop = new();
    private readonly X509Certificate2 certificate;
    private readonly SslStreamCertificateContext context;
    private readonly TimeSpan roundTrip;
    private readonly Task accepting;
    private readonly ConcurrentDictionary<Task, bool> sessions = new();
    private int connections;

    public Sink(TimeSpan roundTrip, string folder)
    {
        this.roundTrip = roundTrip;
        using var key = RSA.Create(2048);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("localhost");
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        var now = TimeProvider.System.GetUtcNow();
        certificate = X509CertificateLoader.LoadPkcs12(request.CreateSelfSigned(now.AddDays(-1), now.AddDays(1)).Export(X509ContentType.Pfx), null);
        context = SslStreamCertificateContext.Create(certificate, null);
        CaFile = Path.Combine(folder, "sink-ca.pem");
        File.WriteAllText(CaFile, certificate.ExportCertificatePem());
        listener.Start(512);
        accepting = AcceptAsync();
    }

    public const string Username = "bench@example.com", Password = "abcdefghijklmnop";

    public string CaFile { get; }

    public int Port => ((IPEndPoint)listener.LocalEndpoint).Port;

    public int Connections => connections;

    /// <summary>X-Bench-Id to the timestamp of its last octet.</summary>
    public ConcurrentDictionary<string, long> Arrived { get; } = new();

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                var client = await listener.AcceptTcpClientAsync(stop.Token);
                client.NoDelay = true;
                Interlocked.Increment(ref connections);
                var session = ServeAsync(client);
                sessions[session] = true;
                foreach (var ended in sessions.Keys.Where(task => task.IsCompleted)) sessions.TryRemove(ended, out _);
            }
        }
        catch (OperationCanceledException)
        {
            // stopped
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        using var owned = client;
        await using var line = new DelayedStream(client.GetStream(), roundTrip);
        try
        {
            var stream = (Stream)line;
            var reader = new LineReader(stream);
            var replies = new StringBuilder("220 sink ready\r\n");
            var encrypted = false;
            while (true)
            {
                // Replies wait while commands are at hand, as a pipelining server's do.
                if (!reader.HasLine && replies.Length > 0)
                {
                    await stream.WriteAsync(Encoding.ASCII.GetBytes(replies.ToString()), stop.Token);
                    replies.Clear();
                }
                if (await reader.LineAsync(stop.Token) is not { } command) return;
                var verb = command.Split(' ', 2)[0].ToUpperInvariant();
                switch (verb)
                {
                    case "EHLO":
                        replies.Append("250-sink\r\n250-SIZE 52428800\r\n250-8BITMIME\r\n250-PIPELINING\r\n250-ENHANCEDSTATUSCODES\r\n");
                        replies.Append(encrypted ? "250-AUTH PLAIN LOGIN\r\n250 CHUNKING\r\n" : "250-STARTTLS\r\n250 CHUNKING\r\n");
                        break;
                    case "STARTTLS":
                        await stream.WriteAsync("220 2.0.0 go\r\n"u8.ToArray(), stop.Token);
                        var tls = new SslStream(line, leaveInnerStreamOpen: true);
                        await tls.AuthenticateAsServerAsync(new SslServerAuthenticationOptions { ServerCertificateContext = context }, stop.Token);
                        (stream, reader, encrypted) = (tls, new LineReader(tls), true);
                        break;
                    case "AUTH":
                        replies.Append("235 2.7.0 Accepted\r\n");
                        break;
                    case "DATA":
                        await stream.WriteAsync(Encoding.ASCII.GetBytes(replies + "354 go\r\n"), stop.Token);
                        replies.Clear();
                        Note(await reader.ContentAsync(stop.Token));
                        replies.Append("250 2.0.0 OK\r\n");
                        break;
                    case "BDAT":
                        var parts = command.Split(' ');
                        Note(await reader.ChunkAsync(int.Parse(parts[1], CultureInfo.InvariantCulture), stop.Token));
                        replies.Append("250 2.0.0 OK\r\n");
                        break;
                    case "QUIT":
                        await stream.WriteAsync("221 2.0.0 bye\r\n"u8.ToArray(), stop.Token);
                        return;
                    default:
                        replies.Append("250 2.0.0 OK\r\n");
                        break;
                }
            }
        }
        catch (Exception failure) when (failure is IOException or SocketException or OperationCanceledException or System.Security.Authentication.AuthenticationException)
        {
            // The server under test hung up, or the measurement is over.
        }
    }

    private void Note(string? id)
    {
        if (id is not null) Arrived[id] = Stopwatch.GetTimestamp();
    }

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        listener.Dispose();
        await accepting;
        await Task.WhenAll(sessions.Keys);
        certificate.Dispose();
        stop.Dispose();
    }
}
