using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Time.Testing;
using MimeKit;
using SmartHost.Mail;
using SmartHost.Practice;

namespace SmartHost.Tests.Practice;

[CancelAfter(30_000)]
public class SampleScanTests
{
    private static readonly Mailbox Me = Mailbox.Parse("me@example.com");
    private static readonly DateTimeOffset Noon = new(2026, 11, 3, 12, 0, 0, TimeSpan.Zero);

    [Test]
    public void The_PDF_is_small_and_its_table_points_at_its_objects()
    {
        var pdf = Encoding.ASCII.GetString(SampleScan.Pdf());
        Assert.That(pdf, Has.Length.LessThan(5_000).And.StartWith("%PDF-1.4\n").And.EndWith("%%EOF\n"));
        Assert.That(pdf, Does.Contain("(SmartHost sample scan) Tj"));
        var table = int.Parse(Regex.Match(pdf, @"startxref\n(\d+)\n").Groups[1].Value);
        Assert.That(pdf[table..], Does.StartWith("xref\n0 6\n0000000000 65535 f \n"));
        var entries = Regex.Matches(pdf[table..], @"(\d{10}) 00000 n \n");
        Assert.That(entries, Has.Count.EqualTo(5));
        for (var i = 0; i < entries.Count; i++) Assert.That(pdf[int.Parse(entries[i].Groups[1].Value)..], Does.StartWith($"{i + 1} 0 obj\n"));
        var stream = Regex.Match(pdf, @"/Length (\d+) >>\nstream\n(.*)\nendstream", RegexOptions.Singleline);
        Assert.That(stream.Groups[2].Value, Has.Length.EqualTo(int.Parse(stream.Groups[1].Value)));
    }

    [Test]
    public void The_message_carries_the_PDF_and_an_old_printers_sins()
    {
        var octets = SampleScan.Message(Me, Noon);
        using var stream = new MemoryStream(octets);
        using var message = MimeMessage.Load(stream);
        using var content = new MemoryStream();
        ((MimePart)message.Attachments.Single()).Content!.DecodeTo(content);
        Assert.Multiple(() =>
        {
            Assert.That(content.ToArray(), Is.EqualTo(SampleScan.Pdf()));
            Assert.That(message.From.Mailboxes.Single().Address, Is.EqualTo("scanner@mfp.local"));
            Assert.That(message.Headers.Contains(HeaderId.MessageId), Is.False);
            Assert.That(message.Headers[HeaderId.Date], Is.EqualTo("Tue Nov 3 12:00:00 2026"));
            var lines = Encoding.ASCII.GetString(octets).Split("\r\n");
            Assert.That(lines, Has.None.Contains("\n"), "a bare LF");
            Assert.That(lines.Max(line => line.Length), Is.LessThanOrEqualTo(998));
        });
    }

    [Test]
    public async Task The_device_plays_its_conversation_and_shows_it(CancellationToken cancellation)
    {
        await using var server = new LineServer("220 hello", "250-mixed\r\n250 hello", "250 ok", "250 ok", "354 go", "250 queued", "221 bye");
        var seen = new List<DeviceExchange>();
        var conversation = await new PracticeDevice(TimeProvider.System, TimeSpan.FromSeconds(20))
            .PlayAsync("127.0.0.1", server.Port, SampleScan.Dialogue(Me, Noon), cancellation, seen.Add);
        Assert.Multiple(() =>
        {
            Assert.That(conversation.Succeeded);
            Assert.That(conversation.Exchanges.Select(exchange => exchange.Sent), Is.EqualTo([null, "HELO MFP-2004", "MAIL FROM: <scanner@mfp.local>",
                "RCPT TO: <me@example.com>", "DATA", $"({SampleScan.Message(Me, Noon).Length:N0} octets of message)", "QUIT"]));
            Assert.That(conversation.Exchanges[1].Reply, Is.EqualTo(["250-mixed", "250 hello"]));
            Assert.That(conversation.Exchanges.Select(exchange => exchange.Code), Is.EqualTo([220, 250, 250, 250, 354, 250, 221]));
            Assert.That(seen, Is.EqualTo(conversation.Exchanges));
        });
        var heard = await server.HeardAsync(cancellation);
        var message = Encoding.ASCII.GetString(SampleScan.Message(Me, Noon));
        Assert.That(message, Does.Contain("\r\n.\r\n"), "the sample puts dot-stuffing to the test");
        Assert.That(heard, Does.EndWith("DATA\r\n" + message.Replace("\r\n.", "\r\n..") + ".\r\nQUIT\r\n"));
    }

    [Test]
    public async Task Refused_the_device_says_goodbye(CancellationToken cancellation)
    {
        await using var server = new LineServer("220 hello", "250 hello", "550 5.7.1 not allowed", "221 bye");
        var conversation = await new PracticeDevice(TimeProvider.System, TimeSpan.FromSeconds(20)).PlayAsync("127.0.0.1", server.Port, SampleScan.Dialogue(Me, Noon), cancellation);
        Assert.Multiple(() =>
        {
            Assert.That(conversation.Succeeded, Is.False);
            Assert.That(conversation.Fault, Is.Null);
            Assert.That(conversation.Exchanges.Select(exchange => exchange.Sent), Is.EqualTo([null, "HELO MFP-2004", "MAIL FROM: <scanner@mfp.local>", "QUIT"]));
        });
    }

    [TestCase("hello", "this is no SMTP reply: hello")]
    [TestCase("220-a\r\n221 b", "one reply with two codes, 220 and 221")]
    public async Task Nonsense_is_named(string greeting, string fault, CancellationToken cancellation)
    {
        await using var server = new LineServer(greeting);
        var conversation = await new PracticeDevice(TimeProvider.System, TimeSpan.FromSeconds(20)).PlayAsync("127.0.0.1", server.Port, SampleScan.Dialogue(Me, Noon), cancellation);
        Assert.That((conversation.Fault, conversation.Succeeded), Is.EqualTo((fault, false)));
    }

    [Test]
    public async Task An_endless_line_is_cut_off(CancellationToken cancellation)
    {
        await using var server = new LineServer(new string('2', 5_000));
        var conversation = await new PracticeDevice(TimeProvider.System, TimeSpan.FromSeconds(20)).PlayAsync("127.0.0.1", server.Port, SampleScan.Dialogue(Me, Noon), cancellation);
        Assert.That(conversation.Fault, Is.EqualTo("a reply line is longer than 2048 octets"));
    }

    [Test]
    public async Task Silence_is_waited_for_by_the_clock_it_was_given(CancellationToken cancellation)
    {
        var time = new FakeTimeProvider();
        await using var server = new LineServer();
        var playing = new PracticeDevice(time, TimeSpan.FromSeconds(30)).PlayAsync("127.0.0.1", server.Port, SampleScan.Dialogue(Me, Noon), cancellation);
        while (!playing.IsCompleted)
        {
            time.Advance(TimeSpan.FromSeconds(30));
            await Task.Yield();
        }
        Assert.That((await playing).Fault, Is.EqualTo($"no answer from 127.0.0.1 port {server.Port} within 30 s"));
    }

    [Test]
    public async Task A_closed_port_is_a_fault_and_no_exception(CancellationToken cancellation)
    {
        int port;
        await using (var server = new LineServer()) port = server.Port;
        var conversation = await new PracticeDevice(TimeProvider.System, TimeSpan.FromSeconds(20)).PlayAsync("127.0.0.1", port, SampleScan.Dialogue(Me, Noon), cancellation);
        Assert.That(conversation.Fault, Is.Not.Null);
        Assert.That(conversation.Exchanges, Is.Empty);
    }

    /// <summary>Answers the connection, then each line or message, with the next reply; after the last it only listens.</summary>
    private sealed class LineServer : IAsyncDisposable
    {
        private readonly TcpListener listener = new(IPAddress.Loopback, 0);
        private readonly CancellationTokenSource stop = new();
        private readonly Task<string> serving;

        public LineServer(params string[] replies)
        {
            listener.Start();
            serving = ServeAsync(replies);
        }

        public int Port => ((IPEndPoint)listener.LocalEndpoint).Port;

        public Task<string> HeardAsync(CancellationToken cancellation) => serving.WaitAsync(cancellation);

        public async ValueTask DisposeAsync()
        {
            await stop.CancelAsync();
            listener.Stop();
            await serving;
            stop.Dispose();
        }

        private async Task<string> ServeAsync(string[] replies)
        {
            var heard = new StringBuilder();
            try
            {
                using var client = await listener.AcceptTcpClientAsync(stop.Token);
                var stream = client.GetStream();
                var buffer = new byte[4096];
                var turn = 0;
                var answered = 0;
                while (true)
                {
                    if (turn < replies.Length) await stream.WriteAsync(Encoding.ASCII.GetBytes(replies[turn++] + "\r\n"), stop.Token);
                    var end = turn > 0 && replies[turn - 1].StartsWith("354", StringComparison.Ordinal) ? "\r\n.\r\n" : "\r\n";
                    while (!heard.ToString(answered, heard.Length - answered).EndsWith(end, StringComparison.Ordinal))
                    {
                        var read = await stream.ReadAsync(buffer, stop.Token);
                        if (read == 0) return heard.ToString();
                        heard.Append(Encoding.ASCII.GetString(buffer, 0, read));
                    }
                    answered = heard.Length;
                }
            }
            catch (Exception e) when (e is OperationCanceledException or IOException or SocketException)
            {
                return heard.ToString();
            }
        }
    }
}
