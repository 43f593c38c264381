using SmartHost.Practice;

namespace SmartHost.Tests.Practice;

/// <summary>What the listener forgives a device, Gmail does not forgive us.</summary>
[CancelAfter(30_000)]
public class StrictnessTests
{
    [TestCase("MAIL FROM:<you@gmail.com>\n", "451", Description = "bare LF")]
    [TestCase("MAIL\0FROM:<you@gmail.com>\r\n", "451", Description = "NUL")]
    [TestCase("MAIL FROM:<you@gmail.com>\rX\r\n", "451", Description = "bare CR")]
    [TestCase("MAIL FROM:<y\xE9@gmail.com>\r\n", "451", Description = "Latin-1")]
    public async Task A_broken_line_ends_the_connection(string line, string code, CancellationToken cancellation)
    {
        await using var gmail = await StartAsync();
        await using var client = await RawClient.LoggedInAsync(gmail, cancellation);
        var reply = await client.SayAsync(line, cancellation);
        Assert.Multiple(() =>
        {
            Assert.That(reply.Code, Is.EqualTo(code));
            Assert.That(gmail.Violations, Has.Count.EqualTo(1).And.Some.StartsWith("connection 1: "));
        });
        Assert.That((await client.ReadAsync(cancellation)).Ended);
    }

    [Test]
    public async Task A_line_without_end_is_cut_off(CancellationToken cancellation)
    {
        await using var gmail = await StartAsync();
        await using var client = await RawClient.ConnectAsync(gmail.Port, cancellation);
        await client.ReadAsync(cancellation);
        var reply = await client.SayAsync(new string('x', 20_000), cancellation);
        Assert.That(reply.Text, Does.StartWith("500 5.5.2 "));
    }

    [TestCase("MAIL FROM: <you@gmail.com>", "555 5.5.2")]
    [TestCase("MAIL FROM:you@gmail.com", "555 5.5.2")]
    [TestCase("MAIL FROM:Office Scanner <you@gmail.com>", "555 5.5.2")]
    [TestCase("MAIL FROM:<you@gmail.com>SIZE=1", "555 5.5.2")]
    [TestCase("MAIL FROM:<you>", "553 5.1.7")]
    [TestCase("MAIL FROM:<you@gmail.com> RET=FULL", "555 5.5.4")]
    [TestCase("MAIL FROM:<you@gmail.com> BODY=BINARYMIME", "555 5.5.4")]
    [TestCase("MAIL FROM:<you@gmail.com> SIZE=35882578", "552-5.3.4")]
    [TestCase("MAIL FROM:<you@gmail.com> SIZE=35882577 BODY=8BITMIME SMTPUTF8 AUTH=<>", "250 2.1.0")]
    [TestCase("MAIL FROM:<>", "250 2.1.0")]
    [TestCase("mail from:<you@gmail.com>", "250 2.1.0")]
    [TestCase("RCPT TO:<me@example.com>", "503 5.5.1")]
    [TestCase("DATA", "503 5.5.1")]
    [TestCase("BDAT x", "555 5.5.2")]
    [TestCase("AUTH PLAIN AA==", "503 5.7.0")]
    [TestCase("STARTTLS", "454 5.5.1")]
    [TestCase("WHAT", "502 5.5.1")]
    [TestCase("EHLO", "501 5.5.4")]
    public async Task Commands_are_read_to_the_letter(string command, string reply, CancellationToken cancellation)
    {
        await using var gmail = await StartAsync();
        await using var client = await RawClient.LoggedInAsync(gmail, cancellation);
        var answer = await client.SayAsync(command + "\r\n", cancellation);
        Assert.Multiple(() =>
        {
            Assert.That(answer.Text, Does.StartWith(reply));
            Assert.That(answer.Text, Does.Match(@" [0-9a-f]+-[0-9a-f]+sm\d+a[a-z]\.\d+ - gsmtp\r\n$"));
        });
    }

    [TestCase("MAIL FROM:<you@gmail.com>", "530 5.7.0 Must issue a STARTTLS command first.")]
    [TestCase("AUTH PLAIN AA==", "530 5.7.0 Must issue a STARTTLS command first.")]
    [TestCase("STARTTLS now", "501 5.7.11")]
    public async Task Nothing_goes_without_TLS(string command, string reply, CancellationToken cancellation)
    {
        await using var gmail = await StartAsync();
        await using var client = await RawClient.ConnectAsync(gmail.Port, cancellation);
        Assert.That((await client.ReadAsync(cancellation)).Text, Does.Match(@"^220 smtp\.gmail\.com ESMTP \S+ - gsmtp\r\n$"));
        var hello = await client.SayAsync("EHLO client.example\r\n", cancellation);
        Assert.That(hello.Text.Split("\r\n")[1..^1].Select(line => line[4..]),
            Is.EqualTo(["SIZE 35882577", "8BITMIME", "STARTTLS", "ENHANCEDSTATUSCODES", "PIPELINING", "CHUNKING", "SMTPUTF8"]));
        Assert.That((await client.SayAsync(command + "\r\n", cancellation)).Text, Does.StartWith(reply));
    }

    [Test]
    public async Task A_command_smuggled_in_behind_STARTTLS_is_not_obeyed(CancellationToken cancellation)
    {
        await using var gmail = await StartAsync();
        await using var client = await RawClient.ConnectAsync(gmail.Port, cancellation);
        await client.ReadAsync(cancellation);
        await client.SayAsync("EHLO client.example\r\n", cancellation);
        var reply = await client.SayAsync("STARTTLS\r\nNOOP\r\n", cancellation);
        Assert.That(reply.Text, Does.StartWith("454 4.5.0 "));
        Assert.That(gmail.Violations, Is.EqualTo(["connection 1: input after STARTTLS in the same group"]));
        Assert.That((await client.ReadAsync(cancellation)).Ended);
    }

    [Test]
    public async Task A_pipelined_group_is_answered_in_order(CancellationToken cancellation)
    {
        await using var gmail = await StartAsync();
        await using var client = await RawClient.LoggedInAsync(gmail, cancellation);
        await client.SendAsync("MAIL FROM:<you@gmail.com>\r\nRCPT TO:<bad>\r\nRCPT TO:<me@example.com>\r\nBDAT 16 LAST\r\nSubject: x\r\n\r\n\r\nRSET\r\nQUIT\r\n", cancellation);
        var codes = new List<string>();
        for (var i = 0; i < 6; i++) codes.Add((await client.ReadAsync(cancellation)).Code);
        Assert.That(codes, Is.EqualTo(["250", "553", "250", "250", "250", "221"]));
        var message = (await gmail.WaitForAsync(1, cancellation)).Single();
        Assert.That((message.Command, message.Size), Is.EqualTo(("BDAT", 16L)));
    }

    [Test]
    public async Task A_refused_chunk_is_skipped_and_not_taken_for_commands(CancellationToken cancellation)
    {
        await using var gmail = await StartAsync();
        await using var client = await RawClient.LoggedInAsync(gmail, cancellation);
        await client.SendAsync("BDAT 6 LAST\r\nQUIT\r\nNOOP\r\n", cancellation);
        Assert.That((await client.ReadAsync(cancellation)).Text, Does.StartWith("503 5.5.1 MAIL first."));
        Assert.That((await client.ReadAsync(cancellation)).Text, Does.StartWith("250 2.0.0 OK"));
    }

    [Test]
    public async Task Several_chunks_make_one_message(CancellationToken cancellation)
    {
        await using var gmail = await StartAsync();
        await using var client = await RawClient.LoggedInAsync(gmail, cancellation);
        await BeginAsync(client, cancellation);
        Assert.That((await client.SayAsync("BDAT 12\r\nSubject: x\r\n", cancellation)).Code, Is.EqualTo("250"));
        Assert.That((await client.SayAsync("DATA\r\n", cancellation)).Text, Does.StartWith("503 5.5.1 No DATA after BDAT"));
        Assert.That((await client.SayAsync("BDAT 5\r\n\r\n.\r\n", cancellation)).Code, Is.EqualTo("250"));
        Assert.That((await client.SayAsync("BDAT 0 LAST\r\n", cancellation)).Code, Is.EqualTo("250"));
        var message = (await gmail.WaitForAsync(1, cancellation)).Single();
        Assert.That(System.Text.Encoding.ASCII.GetString(message.Content.Span), Is.EqualTo("Subject: x\r\n\r\n.\r\n"));
    }

    [Test]
    public async Task Only_CRLF_dot_CRLF_ends_a_message_however_it_is_cut(CancellationToken cancellation)
    {
        const string wire = "Subject: x\r\n\r\na\n.\nb\r\n.\nc\r\n..d\r\n.e\r\n\r.\r\n.\r\r\n.\r\n";
        // Taken apart by hand: one dot less on "..d", ".e", and on the lines that begin ".\n" and ".\r\r".
        const string message = "Subject: x\r\n\r\na\n.\nb\r\n\nc\r\n.d\r\ne\r\n\r.\r\n\r\r\n";
        await using var gmail = await StartAsync();
        await using var client = await RawClient.LoggedInAsync(gmail, cancellation);
        foreach (var cut in new[] { 1, 2, 3, 7, wire.Length })
        {
            await BeginAsync(client, cancellation);
            await client.SayAsync("DATA\r\n", cancellation);
            foreach (var part in wire.Chunk(cut)) await client.SendAsync(new string(part), cancellation);
            Assert.That((await client.ReadAsync(cancellation)).Code, Is.EqualTo("250"));
            Assert.That(System.Text.Encoding.ASCII.GetString(gmail.Messages[^1].Content.Span), Is.EqualTo(message), $"in parts of {cut}");
        }
    }

    [Test]
    public async Task What_grows_beyond_the_limit_is_refused_at_its_end(CancellationToken cancellation)
    {
        await using var gmail = await PracticeGmail.StartAsync(new PracticeSettings { MaxSize = 100 }, TimeProvider.System);
        await using var client = await RawClient.LoggedInAsync(gmail, cancellation);
        foreach (var octets in new[] { 100, 101 })
        {
            await BeginAsync(client, cancellation);
            await client.SayAsync("DATA\r\n", cancellation);
            var reply = await client.SayAsync(new string('x', octets - 2) + "\r\n.\r\n", cancellation);
            Assert.That(reply.Text, Does.StartWith(octets == 100 ? "250 2.0.0 OK" : "552-5.3.4 Your message exceeded"));
        }
        Assert.That(gmail.Messages, Has.Count.EqualTo(1));
    }

    [TestCase("a\nb\r\n", "line 6 ends in LF without CR")]
    [TestCase("a\rb\r\n", "line 6 has a CR without LF")]
    [TestCase("a\0b\r\n", "line 6 has a NUL")]
    [TestCase("\xE9\r\n", "it has octets above 127, and MAIL did not say BODY=8BITMIME")]
    public async Task A_sloppy_body_is_noted(string body, string violation, CancellationToken cancellation) =>
        Assert.That(await ViolationsAsync(Header + "\r\n" + body, cancellation), Is.EqualTo([violation]));

    [Test]
    public async Task A_line_of_998_octets_is_long_enough(CancellationToken cancellation)
    {
        Assert.That(await ViolationsAsync(Header + "\r\n" + new string('x', 998) + "\r\n", cancellation), Is.Empty);
        Assert.That(await ViolationsAsync(Header + "\r\n" + new string('x', 999) + "\r\n", cancellation), Is.EqualTo(["line 6 has 999 octets; 998 is the limit"]));
    }

    [TestCase("Subject: x\r\n", "there is no From header", "there is no Date header", "there is no Message-ID header")]
    [TestCase(Header + "Bcc: secret@example.com\r\n", "there is a Bcc header: Gmail would show it to everyone")]
    [TestCase(Header + "From: other@example.com\r\n", "there are 2 From headers")]
    [TestCase(Header + "Subject: caf\xE9\r\n", "the Subject header has octets above 127", "it has octets above 127, and MAIL did not say BODY=8BITMIME")]
    [TestCase("From: a@example.com\r\nDate: Mon, 23 Nov 2026 10:00:00 +0000\r\nMessage-ID: 42\r\n", "the Message-ID is not <left@right>: 42")]
    [TestCase(Header + "X-Note: folded\r\n Bcc: not a header\r\n")]
    public async Task A_sloppy_header_is_noted(string header, params string[] violations)
    {
        using var late = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        Assert.That(await ViolationsAsync(header + "\r\nbody\r\n", late.Token), Is.EqualTo(violations));
    }

    private const string Header = "From: you@gmail.com\r\nTo: me@example.com\r\nDate: Mon, 23 Nov 2026 10:00:00 +0000\r\nMessage-ID: <1@client.example>\r\n";

    private static async Task<IReadOnlyList<string>> ViolationsAsync(string content, CancellationToken cancellation)
    {
        await using var gmail = await StartAsync();
        await using var client = await RawClient.LoggedInAsync(gmail, cancellation);
        await BeginAsync(client, cancellation);
        Assert.That((await client.SayAsync($"BDAT {content.Length} LAST\r\n{content}", cancellation)).Code, Is.EqualTo("250"));
        return gmail.Messages.Single().Violations;
    }

    private static async Task BeginAsync(RawClient client, CancellationToken cancellation)
    {
        Assert.That((await client.SayAsync("MAIL FROM:<you@gmail.com>\r\n", cancellation)).Code, Is.EqualTo("250"));
        Assert.That((await client.SayAsync("RCPT TO:<me@example.com>\r\n", cancellation)).Code, Is.EqualTo("250"));
    }

    private static Task<PracticeGmail> StartAsync() => PracticeGmail.StartAsync(new PracticeSettings(), TimeProvider.System);
}
