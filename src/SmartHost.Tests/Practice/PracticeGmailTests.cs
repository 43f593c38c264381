using System.Net.Sockets;
using System.IO.Pipelines;
using System.Text;
using Microsoft.Extensions.Time.Testing;
using SmartHost.Mail;
using SmartHost.Practice;

namespace SmartHost.Tests.Practice;

[CancelAfter(30_000)]
public class PracticeGmailTests
{
    private static readonly Mailbox You = Mailbox.Parse("you@gmail.com");

    [Test]
    public async Task The_daily_limit_is_a_rolling_day_of_messages(CancellationToken cancellation)
    {
        var time = new FakeTimeProvider();
        await using var gmail = await PracticeGmail.StartAsync(
            With(new PracticeAccount(You, Password) { DailyMessages = 2 }) with { IdleTimeout = TimeSpan.FromDays(2) }, time);
        await using var client = await RawClient.LoggedInAsync(gmail, cancellation);
        Assert.That(await SendAsync(client, 1, cancellation), Does.StartWith("250"));
        time.Advance(TimeSpan.FromHours(1));
        Assert.That(await SendAsync(client, 1, cancellation), Does.StartWith("250"));
        Assert.That(await SendAsync(client, 1, cancellation), Does.StartWith("550-5.4.5 Daily user sending limit exceeded."));
        time.Advance(TimeSpan.FromHours(23)); // the first is a day old now, the second is not
        Assert.That(await SendAsync(client, 1, cancellation), Does.StartWith("250"));
        Assert.That(await SendAsync(client, 1, cancellation), Does.StartWith("550-5.4.5"));
    }

    [Test]
    public async Task The_daily_limit_counts_recipients_of_every_message(CancellationToken cancellation)
    {
        await using var gmail = await PracticeGmail.StartAsync(With(new PracticeAccount(You, Password) { DailyRecipients = 5 }), TimeProvider.System);
        await using var client = await RawClient.LoggedInAsync(gmail, cancellation);
        Assert.That(await SendAsync(client, 3, cancellation), Does.StartWith("250"));
        Assert.That(await SendAsync(client, 3, cancellation), Does.StartWith("550-5.4.5"));
        Assert.That(await SendAsync(client, 2, cancellation), Does.StartWith("250"), "what still fits");
    }

    [Test]
    public async Task A_changed_password_counts_from_the_next_login(CancellationToken cancellation)
    {
        await using var gmail = await PracticeGmail.StartAsync(new PracticeSettings(), TimeProvider.System);
        await using var before = await RawClient.LoggedInAsync(gmail, cancellation);
        gmail.SetAccount(new PracticeAccount(You, new Secret("ponmlkjihgfedcba")));
        Assert.That(await SendAsync(before, 1, cancellation), Does.StartWith("250"));
        using var after = await MailKitTests.ConnectedAsync(gmail, cancellation);
        await Assert.ThrowsAsync<MailKit.Security.AuthenticationException>(() => after.AuthenticateAsync(new MailKit.Security.SaslMechanismPlain("you@gmail.com", "abcdefghijklmnop"), cancellation));
        await after.AuthenticateAsync(new MailKit.Security.SaslMechanismPlain("you@gmail.com", "ponmlkjihgfedcba"), cancellation);
    }

    [TestCase("From: \"Scanner\" <scanner@mfp.local>", "From: \"Scanner\" <you@gmail.com>", true)]
    [TestCase("from: scanner@mfp.local", "From: you@gmail.com", true)]
    [TestCase("From: \"Scanner\"\r\n <scanner@mfp.local>", "From: \"Scanner\" <you@gmail.com>", true)]
    [TestCase("From: \"Scanner\" <You@Gmail.com>", "From: \"Scanner\" <You@Gmail.com>", false)]
    [TestCase("From: info@example.com", "From: info@example.com", false)]
    public async Task A_foreign_From_becomes_the_accounts(string from, string delivered, bool rewritten, CancellationToken cancellation)
    {
        await using var gmail = await PracticeGmail.StartAsync(With(new PracticeAccount(You, Password) { Aliases = [Mailbox.Parse("info@example.com")] }), TimeProvider.System);
        await using var client = await RawClient.LoggedInAsync(gmail, cancellation);
        var content = $"Subject: x\r\n{from}\r\nTo: me@example.com\r\n\r\nFrom: body\r\n";
        await SendAsync(client, 1, cancellation, content);
        var message = gmail.Messages.Single();
        var original = from[5..].Replace("\r\n", "").Trim();
        var head = rewritten ? $"X-Google-Original-From: {original}\r\n" : "";
        Assert.Multiple(() =>
        {
            Assert.That(Encoding.ASCII.GetString(message.Content.Span), Is.EqualTo(content));
            Assert.That(Encoding.ASCII.GetString(message.Delivered.Span), Is.EqualTo($"{head}Subject: x\r\n{delivered}\r\nTo: me@example.com\r\n\r\nFrom: body\r\n"));
        });
    }

    [Test]
    public async Task Waiting_ends_with_the_message_and_no_sooner(CancellationToken cancellation)
    {
        await using var gmail = await PracticeGmail.StartAsync(new PracticeSettings(), TimeProvider.System);
        await using var client = await RawClient.LoggedInAsync(gmail, cancellation);
        var arrived = new List<int>();
        gmail.Arrived += message => arrived.Add(message.Number);
        var two = gmail.WaitForAsync(2, cancellation);
        var three = gmail.WaitForAsync(message => message.Envelope.Recipients.Count == 3, cancellation);
        await SendAsync(client, 1, cancellation);
        Assert.That(two.IsCompleted, Is.False);
        await SendAsync(client, 2, cancellation);
        Assert.That(await two, Has.Count.EqualTo(2));
        Assert.That(three.IsCompleted, Is.False);
        await SendAsync(client, 3, cancellation);
        Assert.That((await three).Number, Is.EqualTo(3));
        Assert.That(arrived, Is.EqualTo([1, 2, 3]));
        var command = await gmail.WaitForCommandAsync(heard => heard.Text.StartsWith("RCPT", StringComparison.Ordinal), cancellation);
        Assert.That(command, Is.EqualTo(new PracticeCommand(1, "RCPT TO:<r0@example.com>", command.At)));
    }

    [Test]
    public async Task Waiting_can_be_called_off()
    {
        await using var gmail = await PracticeGmail.StartAsync(new PracticeSettings(), TimeProvider.System);
        using var stop = new CancellationTokenSource();
        var waiting = gmail.WaitForAsync(1, stop.Token);
        await stop.CancelAsync();
        await Assert.CatchAsync<OperationCanceledException>(() => waiting);
    }

    [Test]
    public async Task Offline_refuses_connections_and_keeps_what_arrived(CancellationToken cancellation)
    {
        await using var gmail = await PracticeGmail.StartAsync(new PracticeSettings(), TimeProvider.System);
        var port = gmail.Port;
        await using var client = await RawClient.LoggedInAsync(gmail, cancellation);
        await SendAsync(client, 1, cancellation);
        await gmail.GoOfflineAsync();
        Assert.That((await client.ReadAsync(cancellation)).Ended);
        await Assert.ThrowsAsync<SocketException>(() => RawClient.ConnectAsync(port, cancellation));
        gmail.GoOnline();
        Assert.That(gmail.Port, Is.EqualTo(port));
        await using var again = await RawClient.LoggedInAsync(gmail, cancellation);
        await SendAsync(again, 1, cancellation);
        Assert.That(gmail.Messages.Select(message => message.Connection), Is.EqualTo([1, 2]));
    }

    [Test]
    public async Task Disposal_ends_connections_that_hang(CancellationToken cancellation)
    {
        var gmail = await PracticeGmail.StartAsync(new PracticeSettings { RoundTrip = TimeSpan.FromHours(1) }, new FakeTimeProvider());
        await using var late = await RawClient.ConnectAsync(gmail.Port, cancellation); // its greeting is an hour away
        await using var shy = await RawClient.ConnectAsync(gmail.ImplicitPort, cancellation); // waits for a hello
        var stall = gmail.Script.Add(PracticeStage.Connect, new Misbehaviour.Stall());
        await using var stalled = await RawClient.ConnectAsync(gmail.Port, cancellation);
        await stall.Reached.WaitAsync(cancellation);
        Assert.That(gmail.MostOpenConnections, Is.EqualTo(3));

        await gmail.DisposeAsync().AsTask().WaitAsync(cancellation);

        Assert.That(gmail.OpenConnections, Is.Zero);
        foreach (var client in new[] { late, shy, stalled }) Assert.That(await client.ReadAsync(cancellation), Is.EqualTo(new RawReply("", true)));
    }

    [Test]
    public async Task The_CA_file_is_gone_after_disposal()
    {
        string file;
        await using (var gmail = await PracticeGmail.StartAsync(new PracticeSettings(), TimeProvider.System))
        {
            file = gmail.CaFile;
            Assert.That(await File.ReadAllTextAsync(file), Is.EqualTo(gmail.CaPem).And.StartWith("-----BEGIN CERTIFICATE-----"));
        }
        Assert.That(file, Does.Not.Exist);
    }

    [Test]
    public async Task A_taken_port_is_said_at_start()
    {
        await using var gmail = await PracticeGmail.StartAsync(new PracticeSettings(), TimeProvider.System);
        await Assert.ThrowsAsync<SocketException>(() => PracticeGmail.StartAsync(new PracticeSettings { Port = gmail.Port }, TimeProvider.System));
    }

    [Test]
    public async Task Silence_ends_with_451(CancellationToken cancellation)
    {
        var time = new FakeTimeProvider();
        await using var gmail = await PracticeGmail.StartAsync(new PracticeSettings { IdleTimeout = TimeSpan.FromMinutes(5) }, time);
        await using var client = await RawClient.ConnectAsync(gmail.Port, cancellation);
        await client.ReadAsync(cancellation);
        var parting = client.ReadAsync(cancellation);
        // The greeting leaves before the wait begins: advance until it has begun and ended.
        while (!parting.IsCompleted)
        {
            time.Advance(TimeSpan.FromMinutes(5));
            await Task.Yield();
        }
        Assert.That((await parting).Text, Does.StartWith("451 4.4.2 Timeout - closing connection."));
    }

    [Test]
    public async Task Content_need_not_be_kept(CancellationToken cancellation)
    {
        await using var gmail = await PracticeGmail.StartAsync(new PracticeSettings { KeepsContent = false }, TimeProvider.System);
        await using var client = await RawClient.LoggedInAsync(gmail, cancellation);
        const string content = "Subject: x\r\n\r\nx\r\n";
        await SendAsync(client, 1, cancellation, content);
        var message = gmail.Messages.Single();
        Assert.Multiple(() =>
        {
            Assert.That(message.Content.IsEmpty);
            Assert.That(message.Size, Is.EqualTo(content.Length));
            Assert.That(message.Digest, Is.EqualTo(Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(Encoding.ASCII.GetBytes(content)))));
            Assert.That(message.Violations, Has.Some.EqualTo("there is no From header"), "the header is looked at all the same");
        });
    }

    [Test]
    public async Task Without_CHUNKING_there_is_no_BDAT(CancellationToken cancellation)
    {
        await using var gmail = await PracticeGmail.StartAsync(new PracticeSettings { Extensions = ["8BITMIME"] }, TimeProvider.System);
        await using var client = await RawClient.LoggedInAsync(gmail, cancellation);
        var hello = await client.SayAsync("EHLO client.example\r\n", cancellation);
        Assert.That(hello.Text.Split("\r\n")[1..^1].Select(line => line[4..].Split(' ')[0]), Is.EqualTo(["SIZE", "8BITMIME", "AUTH"]));
        Assert.That((await client.SayAsync("BDAT 0 LAST\r\n", cancellation)).Text, Does.StartWith("502 5.5.1"));
    }

    [Test]
    public async Task What_is_written_arrives_a_round_trip_later_and_the_writer_does_not_wait(CancellationToken cancellation)
    {
        var time = new FakeTimeProvider();
        var pipe = new Pipe();
        await using var stream = new RoundTripStream(pipe.Writer.AsStream(), TimeSpan.FromMilliseconds(40), time);
        await stream.WriteAsync("one "u8.ToArray(), cancellation);
        await stream.WriteAsync("two "u8.ToArray(), cancellation);
        time.Advance(TimeSpan.FromMilliseconds(30));
        await stream.WriteAsync("three"u8.ToArray(), cancellation);
        Assert.That(pipe.Reader.TryRead(out _), Is.False, "after 30 ms");
        time.Advance(TimeSpan.FromMilliseconds(10));
        var first = await pipe.Reader.ReadAtLeastAsync(8, cancellation);
        Assert.That(Encoding.ASCII.GetString(first.Buffer), Is.EqualTo("one two "), "after 40 ms");
        pipe.Reader.AdvanceTo(first.Buffer.End);
        time.Advance(TimeSpan.FromMilliseconds(30));
        var second = await pipe.Reader.ReadAtLeastAsync(5, cancellation);
        Assert.That(Encoding.ASCII.GetString(second.Buffer), Is.EqualTo("three"), "after 70 ms");
    }

    [Test]
    public async Task A_distant_Gmail_takes_mail_like_a_near_one(CancellationToken cancellation)
    {
        await using var gmail = await PracticeGmail.StartAsync(new PracticeSettings { RoundTrip = TimeSpan.FromMilliseconds(5) }, TimeProvider.System);
        using var client = await MailKitTests.LoggedInAsync(gmail, cancellation);
        await client.SendAsync(MailKitTests.Message(), cancellation);
        await client.DisconnectAsync(true, cancellation);
        Assert.That((await gmail.WaitForAsync(1, cancellation)).Single().Violations, Is.Empty);
    }

    private static Secret Password { get; } = new("abcdefghijklmnop");

    private static PracticeSettings With(PracticeAccount account) => new() { Accounts = [account] };

    /// <summary>One message to so many; what was said to DATA if that was a refusal, else to the final dot.</summary>
    private static async Task<string> SendAsync(RawClient client, int recipients, CancellationToken cancellation, string content = "Subject: x\r\n\r\nx\r\n")
    {
        await client.SayAsync("RSET\r\n", cancellation);
        await client.SayAsync("MAIL FROM:<you@gmail.com>\r\n", cancellation);
        for (var i = 0; i < recipients; i++) await client.SayAsync($"RCPT TO:<r{i}@example.com>\r\n", cancellation);
        var go = await client.SayAsync("DATA\r\n", cancellation);
        return go.Code == "354" ? (await client.SayAsync(content + ".\r\n", cancellation)).Text : go.Text;
    }
}
