using System.Net;
using System.Net.Sockets;
using System.Text;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using SmartHost.Gmail;
using SmartHost.Gmail.Login;
using SmartHost.Mail;

namespace SmartHost.Tests.Gmail;

/// <summary>An account, a connector that finds practice servers where Gmail's should be, a message: what most tests here begin with.</summary>
internal static class Given
{
    public const string AppPassword = "abcd efgh ijkl mnop";

    public static readonly Mailbox You = Mailbox.Parse("you@gmail.com");

    public static AccountSettings Account(int? port = 587) => new()
    {
        Name = "default",
        Username = You,
        // As the settings hand it over.
        Credentials = new AccountCredentials.AppPassword(new Secret(AppPassword.Replace(" ", ""))),
        Port = port,
        CaFile = TestCertificates.CaFile,
    };

    /// <param name="ports">Which port of the loopback stands for which of Gmail's; any other is refused.</param>
    public static GmailConnector Connector(Dictionary<int, int> ports, TimeProvider? time = null, ILogger<GmailConnector>? logger = null, AccessTokens? tokens = null, int? socketBuffer = null)
    {
        time ??= TimeProvider.System;
        return new GmailConnector(time, logger, "nas", tokens)
        {
            Sockets = new HappyEyeballs(time)
            {
                Resolve = (_, _) => Task.FromResult<IPAddress[]>([IPAddress.Loopback]),
                Dial = async (endpoint, cancellation) =>
                {
                    if (!ports.TryGetValue(endpoint.Port, out var port)) throw new SocketException((int)SocketError.ConnectionRefused);
                    var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
                    if (socketBuffer is { } octets) socket.SendBufferSize = socket.ReceiveBufferSize = octets;
                    await socket.ConnectAsync(IPAddress.Loopback, port, cancellation);
                    return new NetworkStream(socket, ownsSocket: true);
                },
            },
        };
    }

    public static GmailConnector Connector(ScriptedGmail gmail, TimeProvider? time = null, ILogger<GmailConnector>? logger = null, AccessTokens? tokens = null) =>
        Connector(new Dictionary<int, int> { [587] = gmail.Port }, time, logger, tokens, gmail.SocketBuffer);

    public static async Task<GmailSession> SessionAsync(ScriptedGmail gmail, TimeProvider? time = null) =>
        await Connector(gmail, time).OpenAsync(Account(), CancellationToken.None) switch
        {
            OpenOutcome.Opened opened => opened.Session,
            OpenOutcome.Failed failed => throw new AssertionException($"{failed.Tried}: {failed.Verdict}"),
            _ => throw new AssertionException("neither"),
        };

    public static Content Message(string text, bool is8Bit = false) => Message(Encoding.UTF8.GetBytes(text), is8Bit);

    public static Content Message(byte[] octets, bool is8Bit = false) =>
        new(octets.Length, is8Bit, (output, cancellation) => output.WriteAsync(octets, cancellation).AsTask());

    public static Mailbox[] To(params string[] recipients) => [.. recipients.Select(Mailbox.Parse)];

    /// <summary>Lets time pass until the work is done, since no outsider can see when its next timer is set.</summary>
    public static async Task<T> PassTimeUntilAsync<T>(FakeTimeProvider time, TimeSpan step, Task<T> work)
    {
        await PassTimeUntilAsync(time, step, (Task)work);
        return await work;
    }

    public static async Task PassTimeUntilAsync(FakeTimeProvider time, TimeSpan step, Task work)
    {
        for (var i = 0; i < 2000 && !work.IsCompleted; i++)
        {
            time.Advance(step);
            await Task.WhenAny(work, Task.Delay(TimeSpan.FromMilliseconds(2), TimeProvider.System));
        }
        Assert.That(work.IsCompleted, "it did not end, however long the wait");
        await work;
    }
}
