using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Text;
using System.Text.RegularExpressions;
using SmartHost.Devices;
using SmartHost.Listener;
using SmartHost.Mail;
using SmartHost.Queue;
using SmartHost.Tests.Gmail;

namespace SmartHost.Tests.Listener;

/// <summary>
/// A device's conversation as text, played against <see cref="TestListener"/>. One line a step:
/// <code>
/// # a comment
/// = tls required            a setting, before the first step: tls off|optional|required|implicit, authInClear,
///                           limit NAME N, device FIELD VALUE (of the scanner), devices none,
///                           scanner elsewhere (the client's address is nobody's)
/// -> EHLO copier            send the line and CR LF, in one write of its own
/// -> one\n\                 a last backslash: no CR LF is added. Octets: \r \n \t \0 \\ \xHH, and {300*ab} repeats
/// &lt;- 250 2.1.0 Ok           one reply: its code, or 5xx, and words that must be in it
/// &lt;- close                  the server hangs up
/// &lt;~ 421                    as &lt;-, but it comes only after a time: the clock moves on until it does
/// !! starttls | half-close | abort | connect | wait 61s
/// ?? queued 1               what the queue holds in the end; then of the newest message:
/// ?? sender &lt;a@b>, recipients a@b c@d, device D, protocol P, messageId M, subject S, has TEXT, lacks TEXT, ends TEXT
/// ?? delivered TEXT         with this, octet for octet, it would go to Gmail; undelivered TEXT: without it
/// ?? refused TEXT           it stands in what the page shows as the scanner's last refusal
/// ?? unknown 127.0.0.1 …    the client is on the list of unknown devices, with its names in HELO and logins, its senders and recipients; nobody: the list is empty
/// </code>
/// </summary>
internal sealed class Dialog : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly TestListener listener;
    private Socket socket = null!;
    private Stream stream = null!;
    private string unread = "";

    private Dialog(TestListener listener) => this.listener = listener;

    public static async Task PlayAsync(string text)
    {
        var steps = text.ReplaceLineEndings("\n").Split('\n').Select(line => line.TrimStart()).Where(line => line.Length > 0 && line[0] != '#').ToList();
        await using var listener = await StartAsync([.. steps.TakeWhile(step => step[0] == '=')]);
        await using var dialog = new Dialog(listener);
        await dialog.ConnectAsync();
        foreach (var step in steps.SkipWhile(step => step[0] == '='))
        {
            try
            {
                await dialog.TakeAsync(step[..2], step[2..].TrimStart(' '));
            }
            catch (Exception e) when (e is SocketException or IOException or TimeoutException)
            {
                Assert.Fail($"at “{step}”: {e.Message}");
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        await stream.DisposeAsync();
        socket.Dispose();
    }

    private static async Task<TestListener> StartAsync(IReadOnlyList<string> settings)
    {
        Func<ListenerSettings, ListenerSettings> shape = listener => listener;
        var (limits, scanner, none) = (new LimitSettings(), TestListener.Scanner, false);
        foreach (var words in settings.Select(setting => setting[1..].Split(' ', StringSplitOptions.RemoveEmptyEntries)))
        {
            var before = shape;
            switch (words)
            {
                case ["tls", var tls]:
                    shape = listener => before(listener) with { Tls = Enum.Parse<ListenerTls>(tls, ignoreCase: true) };
                    break;
                case ["authInClear"]:
                    shape = listener => before(listener) with { AuthInClear = true };
                    break;
                case ["devices", "none"]:
                    none = true;
                    break;
                case ["scanner", "elsewhere"]:
                    scanner = scanner with { Addresses = [IPNetwork.Parse("192.0.2.1/32")] };
                    break;
                case ["limit", var name, var value]:
                    var number = int.Parse(value, CultureInfo.InvariantCulture);
                    limits = name switch
                    {
                        "maxSize" => limits with { MaxSize = number },
                        "recipients" => limits with { Recipients = number },
                        "errors" => limits with { Errors = number },
                        "hops" => limits with { Hops = number },
                        "messagesPerMinute" => limits with { MessagesPerMinute = number },
                        "connectionsPerDevice" => limits with { ConnectionsPerDevice = number },
                        "authFailures" => limits with { AuthFailures = number },
                        "sessionTimeout" => limits with { SessionTimeout = TimeSpan.FromSeconds(number) },
                        _ => throw new FormatException($"no limit {name}"),
                    };
                    break;
                case ["device", "maxSize", var value]:
                    scanner = scanner with { MaxSize = long.Parse(value, CultureInfo.InvariantCulture) };
                    break;
                case ["device", "perHour", var value]:
                    scanner = scanner with { PerHour = int.Parse(value, CultureInfo.InvariantCulture) };
                    break;
                case ["device", "recipients", .. var patterns]:
                    scanner = scanner with { Recipients = AddressPatterns.Parse(patterns, []) };
                    break;
                case ["device", "addTo", var value]:
                    scanner = scanner with { AddTo = [Mailbox.Parse(value)] };
                    break;
                case ["device", "requireAuth"]:
                    scanner = scanner with { RequireAuth = true };
                    break;
                case ["device", "requireTls"]:
                    scanner = scanner with { RequireTls = true };
                    break;
                default:
                    throw new FormatException($"no setting “{string.Join(' ', words)}”");
            }
        }
        return await TestListener.StartAsync(shape, limits, none ? [] : [scanner, TestListener.Shop]);
    }

    private async Task ConnectAsync()
    {
        socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(IPAddress.Loopback, listener.Port);
        stream = new NetworkStream(socket);
        unread = "";
    }

    private Task TakeAsync(string kind, string rest) => kind switch
    {
        "->" => SendAsync(rest),
        "<-" => rest == "close" ? ExpectCloseAsync() : ExpectAsync(rest, moveClock: false),
        "<~" => ExpectAsync(rest, moveClock: true),
        "!!" => DoAsync(rest),
        "??" => CheckAsync(rest),
        _ => throw new FormatException($"no step begins with “{kind}”"),
    };

    private async Task SendAsync(string text)
    {
        var isWhole = !text.EndsWith('\\') || text.EndsWith(@"\\", StringComparison.Ordinal);
        await stream.WriteAsync(Octets(isWhole ? text + @"\r\n" : text[..^1]));
    }

    private async Task ExpectAsync(string expected, bool moveClock)
    {
        var reply = await ReplyAsync(moveClock);
        var (code, text) = expected.Split(' ', 2) is [var first, var rest] ? (first, rest) : (expected, "");
        Assert.That(reply, Does.Match($"^{code.Replace("x", "\\d")}"));
        foreach (var word in text.Split(' ', StringSplitOptions.RemoveEmptyEntries)) Assert.That(reply, Does.Contain(word));
    }

    private async Task ExpectCloseAsync()
    {
        // An error's last reply is given time to arrive: the server waits for us, or for its clock.
        while (await ReadAsync(moveClock: true)) Assert.That(unread, Is.Empty, "instead of closing");
    }

    private async Task<string> ReplyAsync(bool moveClock)
    {
        while (true)
        {
            var found = Regex.Match(unread, @"\A(?:\d{3}-[^\n]*\n)*\d{3}(?: [^\n]*)?\r\n");
            if (found.Success)
            {
                unread = unread[found.Length..];
                return found.Value;
            }
            Assert.That(await ReadAsync(moveClock), Is.True, $"closed, after “{unread}”");
        }
    }

    private async Task<bool> ReadAsync(bool moveClock)
    {
        var buffer = new byte[8192];
        var reading = stream.ReadAsync(buffer).AsTask();
        var started = Stopwatch.GetTimestamp();
        while (await Task.WhenAny(reading, Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System)) != reading)
        {
            if (Stopwatch.GetElapsedTime(started) > Patience) throw new TimeoutException("the server says nothing");
            if (moveClock) listener.Time.Advance(TimeSpan.FromSeconds(1));
        }
        int length;
        try
        {
            length = await reading;
        }
        catch (IOException)
        {
            length = 0;
        }
        unread += Encoding.Latin1.GetString(buffer, 0, length);
        return length > 0;
    }

    private async Task DoAsync(string what)
    {
        switch (what.Split(' '))
        {
            case ["starttls"]:
                Assert.That(unread, Is.Empty, "clear text before the handshake");
                var tls = new SslStream(stream);
                await tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions { TargetHost = "localhost", RemoteCertificateValidationCallback = (_, certificate, _, _) => certificate?.Subject == "CN=smarthost.test" });
                stream = tls;
                break;
            case ["half-close"]:
                socket.Shutdown(SocketShutdown.Send);
                break;
            case ["abort"]:
                socket.Close(0);
                break;
            case ["connect"]:
                await stream.DisposeAsync();
                await ConnectAsync();
                break;
            case ["wait", var seconds]:
                for (var i = int.Parse(seconds.TrimEnd('s'), CultureInfo.InvariantCulture); i > 0; i--) listener.Time.Advance(TimeSpan.FromSeconds(1));
                break;
            default:
                throw new FormatException($"no action “{what}”");
        }
    }

    private async Task CheckAsync(string what)
    {
        var (key, value) = what.Split(' ', 2) is [var first, var rest] ? (first, rest) : (what, "");
        var queued = await listener.QueuedAsync();
        if (key == "queued")
        {
            Assert.That(queued, Has.Count.EqualTo(int.Parse(value, CultureInfo.InvariantCulture)));
            return;
        }
        if (key == "refused")
        {
            Assert.That(listener.Sightings.Of("scanner").LastRefusal, Does.Contain(value));
            return;
        }
        if (key == "unknown")
        {
            var remembered = listener.UnknownDevices.Snapshot().Select(device => string.Join(' ', [device.Client.ToString(), .. device.Helos, .. device.Usernames, .. device.Senders, .. device.Recipients, .. device.Mailers]));
            Assert.That(remembered, Is.EqualTo(value == "nobody" ? [] : new[] { value }));
            return;
        }
        var message = queued[^1];
        switch (key)
        {
            case "sender":
                Assert.That(message.Sender.ToString(), Is.EqualTo(value));
                break;
            case "recipients":
                Assert.That(string.Join(' ', message.Recipients.Select(recipient => recipient.Address)), Is.EqualTo(value));
                break;
            case "device":
                Assert.That(message.Device, Is.EqualTo(value));
                break;
            case "protocol":
                Assert.That(message.Origin.Protocol, Is.EqualTo(value));
                break;
            case "messageId":
                Assert.That(message.MessageId.Replace(message.Id.ToString(), "ID"), Is.EqualTo(value));
                break;
            case "subject":
                Assert.That(message.Subject, Is.EqualTo(Unescaped(value)));
                break;
            case "has":
                Assert.That(await listener.ContentAsync(message.Id), Does.Contain(Unescaped(value)));
                break;
            case "lacks":
                Assert.That(await listener.ContentAsync(message.Id), Does.Not.Contain(Unescaped(value)));
                break;
            case "ends":
                Assert.That(await listener.ContentAsync(message.Id), Does.EndWith(Unescaped(value)));
                break;
            case "delivered":
                Assert.That((await OutgoingMessageTests.Prepare(await listener.ContentAsync(message.Id))).Got, Does.Contain(Unescaped(value)));
                break;
            case "undelivered":
                Assert.That((await OutgoingMessageTests.Prepare(await listener.ContentAsync(message.Id))).Got, Does.Not.Contain(Unescaped(value)));
                break;
            default:
                throw new FormatException($"no check “{key}”");
        }
    }

    private static byte[] Octets(string text) => Encoding.Latin1.GetBytes(Unescaped(text));

    private static string Unescaped(string text)
    {
        text = Regex.Replace(text, @"\{(\d+)\*([^}]*)\}", match => string.Concat(Enumerable.Repeat(match.Groups[2].Value, int.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture))));
        return Regex.Replace(text, @"\\(x[0-9a-fA-F]{2}|.)", match => match.Groups[1].Value switch
        {
            "r" => "\r",
            "n" => "\n",
            "t" => "\t",
            "0" => "\0",
            ['x', .. var hex] when hex.Length == 2 => ((char)Convert.ToByte(hex, 16)).ToString(),
            var other => other,
        });
    }
}
