using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Runtime.ExceptionServices;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace SmartHost.Tests.Gmail;

/// <summary>
/// A server that plays transcripts, one a connection, and keeps the order: what stands on a C line must have arrived
/// before the next S line is said. So a script in which MAIL, RCPT and BDAT precede all replies proves one round trip.
/// <code>
/// S: text        says a line; several in a row leave together      C: text    expects this line (a final * stands for the rest)
/// S+ text        says it without a line end                        TLS        starts TLS
/// DATA           reads lines up to the final dot into Contents     EARLY n    reads only n octets of a chunk
/// STALL          says nothing until the client has closed          CLOSE      closes
/// FLOOD n        n octets without a line end                       END        expects the client to close
/// DEAF           reads nothing any more
/// </code>
/// A BDAT line reads its chunk by itself, into Contents, unless the script has an EARLY. At the end, QUIT is answered.
/// </summary>
internal sealed class ScriptedGmail : IAsyncDisposable
{
    public const string Hello = """
        S: 220 smtp.gmail.com ESMTP d9sm1234567abc.12 - gsmtp
        C: EHLO nas.home.arpa
        S: 250-smtp.gmail.com at your service, [203.0.113.7]
        S: 250-SIZE 35882577
        S: 250-8BITMIME
        S: 250-STARTTLS
        S: 250-ENHANCEDSTATUSCODES
        S: 250-PIPELINING
        S: 250-CHUNKING
        S: 250 SMTPUTF8
        C: STARTTLS
        S: 220 2.0.0 Ready to start TLS
        TLS

        """;

    public const string HelloAgain = """
        C: EHLO nas.home.arpa
        S: 250-smtp.gmail.com at your service, [203.0.113.7]
        S: 250-SIZE 35882577
        S: 250-8BITMIME
        S: 250-AUTH LOGIN PLAIN XOAUTH2 PLAIN-CLIENTTOKEN OAUTHBEARER XOAUTH
        S: 250-ENHANCEDSTATUSCODES
        S: 250-PIPELINING
        S: 250-CHUNKING
        S: 250 SMTPUTF8

        """;

    /// <summary>you@gmail.com with the app password abcdefghijklmnop.</summary>
    public const string Auth = """
        C: AUTH PLAIN AHlvdUBnbWFpbC5jb20AYWJjZGVmZ2hpamtsbW5vcA==
        S: 235 2.7.0 Accepted

        """;

    public const string Login = Hello + HelloAgain + Auth;

    private readonly TcpListener listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource stop = new();
    private readonly TaskCompletionSource stalled = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private AssertionException? offScript;
    private readonly Task playing;

    public ScriptedGmail(params string[] scripts) : this(TestCertificates.Good, scripts) { }

    public ScriptedGmail(X509Certificate2 certificate, params string[] scripts) : this(certificate, null, scripts) { }

    /// <param name="socketBuffer">Octets that the system keeps for either side; null: as it likes.</param>
    public ScriptedGmail(X509Certificate2 certificate, int? socketBuffer, params string[] scripts)
    {
        SocketBuffer = socketBuffer;
        if (socketBuffer is { } octets) listener.Server.SendBufferSize = listener.Server.ReceiveBufferSize = octets;
        listener.Start();
        playing = PlayAllAsync(certificate, scripts);
    }

    public int Port => ((IPEndPoint)listener.LocalEndpoint).Port;

    public int? SocketBuffer { get; }

    /// <summary>What the client handed over as content, in order.</summary>
    public List<string> Contents { get; } = [];

    /// <summary>Every line the client said.</summary>
    public List<string> Heard { get; } = [];

    /// <summary>A STALL has been reached.</summary>
    public Task Stalled => stalled.Task;

    /// <summary>Every script was played to its end, and the client said what it should.</summary>
    public Task PlayedAsync() => playing.WaitAsync(TimeSpan.FromSeconds(20));

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        listener.Dispose();
        await playing.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        stop.Dispose();
        // A test that does not wait for the end of the play must not miss that something else was said; that the client left early is its own affair.
        if (offScript is not null) ExceptionDispatchInfo.Throw(offScript);
    }

    private async Task PlayAllAsync(X509Certificate2 certificate, string[] scripts)
    {
        await Task.Yield();
        foreach (var script in scripts)
        {
            using var socket = await listener.AcceptSocketAsync(stop.Token);
            socket.NoDelay = true;
            var connection = new Connection(new NetworkStream(socket, ownsSocket: false));
            try
            {
                await PlayAsync(connection, certificate, script);
            }
            finally
            {
                await connection.Stream.DisposeAsync();
            }
        }
        // Nobody else is expected; a further connection finds nobody at home.
        listener.Stop();
    }

    private async Task PlayAsync(Connection connection, X509Certificate2 certificate, string script)
    {
        var says = new StringBuilder();
        foreach (var line in script.Split('\n').Select(line => line.Trim()).Where(line => line.Length > 0))
        {
            if (line.StartsWith("S: ", StringComparison.Ordinal) || line.StartsWith("S+ ", StringComparison.Ordinal))
            {
                says.Append(line[3..]).Append(line[1] == ':' ? "\r\n" : "");
                continue;
            }
            if (says.Length > 0) await connection.Stream.WriteAsync(Encoding.UTF8.GetBytes(says.ToString()), stop.Token);
            says.Clear();
            switch (line.Split(' ')[0])
            {
                case "C:":
                    var heard = await connection.ReadLineAsync(stop.Token);
                    var expected = line[2..].TrimStart();
                    Heard.Add(heard ?? "(closed)");
                    if (heard is null || !(expected.EndsWith('*') ? heard.StartsWith(expected[..^1], StringComparison.Ordinal) : heard == expected))
                    {
                        var mismatch = new AssertionException($"expected “{expected}”, heard “{heard ?? "(closed)"}”");
                        if (heard is not null) offScript = mismatch;
                        throw mismatch;
                    }
                    if (heard.StartsWith("BDAT ", StringComparison.Ordinal) && !script.Contains("EARLY", StringComparison.Ordinal))
                        Contents.Add(Encoding.UTF8.GetString(await connection.ReadAsync(int.Parse(heard.Split(' ')[1]), stop.Token)));
                    break;
                case "DATA":
                    var data = new StringBuilder();
                    while (await connection.ReadLineAsync(stop.Token) is { } text && text != ".") data.Append(text).Append("\r\n");
                    Contents.Add(data.ToString());
                    break;
                case "EARLY":
                    await connection.ReadAsync(int.Parse(line[6..]), stop.Token);
                    break;
                case "TLS":
                    var tls = new SslStream(connection.Stream);
                    await tls.AuthenticateAsServerAsync(new SslServerAuthenticationOptions { ServerCertificate = certificate }, stop.Token);
                    connection.Stream = tls;
                    break;
                case "STALL":
                    stalled.TrySetResult();
                    await connection.DrainAsync(stop.Token);
                    break;
                case "DEAF":
                    await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, stop.Token);
                    break;
                case "END":
                    Assert.That(await connection.DrainAsync(stop.Token), Is.EqualTo(0), "octets that nobody expected");
                    break;
                case "FLOOD":
                    await FloodAsync(connection, int.Parse(line[6..]));
                    break;
                case "CLOSE":
                    return;
                default:
                    throw new AssertionException($"not a line of a script: {line}");
            }
        }
        if (says.Length > 0) await connection.Stream.WriteAsync(Encoding.UTF8.GetBytes(says.ToString()), stop.Token);
        // A script that does not say how it ends, ends politely.
        if (await connection.ReadLineAsync(stop.Token) == "QUIT") await connection.Stream.WriteAsync("221 2.0.0 closing connection\r\n"u8.ToArray(), stop.Token);
        await connection.DrainAsync(stop.Token);
    }

    private async Task FloodAsync(Connection connection, int octets)
    {
        try
        {
            var block = new byte[16 * 1024];
            Array.Fill(block, (byte)'2');
            for (var sent = 0; sent < octets; sent += block.Length) await connection.Stream.WriteAsync(block, stop.Token);
        }
        catch (IOException)
        {
            // The client has had enough, as it should.
        }
    }

    private sealed class Connection(Stream stream)
    {
        private readonly byte[] one = new byte[1];

        public Stream Stream { get; set; } = stream;

        public async Task<string?> ReadLineAsync(CancellationToken cancellation)
        {
            var line = new List<byte>();
            while (await TryReadAsync(cancellation))
            {
                if (one[0] == '\n') return Encoding.UTF8.GetString([.. line]).TrimEnd('\r');
                line.Add(one[0]);
            }
            return null;
        }

        public async Task<byte[]> ReadAsync(int count, CancellationToken cancellation)
        {
            var octets = new byte[count];
            await Stream.ReadExactlyAsync(octets, cancellation);
            return octets;
        }

        public async Task<int> DrainAsync(CancellationToken cancellation)
        {
            var count = 0;
            try
            {
                var buffer = new byte[4096];
                for (int read; (read = await Stream.ReadAsync(buffer, cancellation)) > 0;) count += read;
            }
            catch (IOException)
            {
                // Closed the hard way.
            }
            return count;
        }

        private async Task<bool> TryReadAsync(CancellationToken cancellation)
        {
            try
            {
                return await Stream.ReadAsync(one, cancellation) == 1;
            }
            catch (IOException)
            {
                return false;
            }
        }
    }
}
