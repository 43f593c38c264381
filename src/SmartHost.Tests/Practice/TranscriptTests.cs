using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Security.Authentication;
using SmartHost.Practice;

namespace SmartHost.Tests.Practice;

/// <summary>Every transcript is played to a client that goes its way whatever it hears, and what it says must arrive at the stage it names.</summary>
[Parallelizable(ParallelScope.All)]
[CancelAfter(30_000)]
public class TranscriptTests
{
    private static string Folder([CallerFilePath] string path = "") => Path.GetFullPath(Path.Combine(Path.GetDirectoryName(path)!, "..", "Transcripts"));

    private static IEnumerable<TestCaseData> Files() =>
        from file in Directory.EnumerateFiles(Folder(), "*.txt").Order(StringComparer.Ordinal)
        // Up to RCPT the two ways of sending are one.
        let bothWays = Transcript.Load(file).Rules().Any(rule => rule.Stage >= PracticeStage.Data)
        from command in bothWays ? ["DATA", "BDAT"] : new[] { "DATA" }
        select new TestCaseData(Path.GetFileNameWithoutExtension(file), command);

    [TestCaseSource(nameof(Files))]
    public async Task What_a_transcript_says_arrives_where_it_says(string name, string command, CancellationToken cancellation)
    {
        var transcript = Transcript.Load(Path.Combine(Folder(), name + ".txt"));
        Assert.That(transcript.About, Is.Not.Empty, "a transcript begins by saying what it is about");
        await using var gmail = await PracticeGmail.StartAsync(new PracticeSettings(), TimeProvider.System, new Random(1));
        var rules = transcript.Rules();
        gmail.Script.Add(rules);
        var heard = await WalkAsync(gmail, rules, command == "BDAT", cancellation);

        foreach (var rule in rules)
        {
            Assert.That(rule.Played, Is.EqualTo(1), $"{rule.Stage} was played");
            Assert.That(heard, Contains.Key((rule.Stage, rule.First)), $"the client got as far as {rule.Stage}");
            Judge(rule, heard[(rule.Stage, rule.First)]);
        }
        var arrives = rules.All(rule => rule.Stage is PracticeStage.Taken or PracticeStage.Idle or PracticeStage.Rset or PracticeStage.Noop or PracticeStage.Quit
            || rule.What.All(deed => deed is Misbehaviour.Stall) || (rule.Stage is PracticeStage.Rcpt && rule.What[0] is Misbehaviour.Reply { Code: not 421 }));
        // A login or a MAIL refused leaves the client talking, but it must not have sent mail.
        Assert.That(gmail.Messages, Has.Count.EqualTo(arrives ? 1 : 0));
    }

    [TestCase("rcpt 550 no", "x, line 2: there is no “: ” on the line; write a line such as “rcpt: 550 5.1.1 …” or “rcpt: !close”")]
    [TestCase("lunch: 550 no", "x, line 2: “lunch” names no stage; write one of connect, ")]
    [TestCase("11: 550 no", "x, line 2: “11” names no stage; write one of connect, ")]
    [TestCase("rcpt #0: 550 no", "x, line 2: “#0” is no count; write #2 for the second time")]
    [TestCase("content @few: !close", "x, line 2: “@few” is no number of octets; write @4096")]
    [TestCase("rcpt a@example.com b@example.com: 550 no", "x, line 2: “b@example.com” is one word too many; write ")]
    [TestCase("rcpt: no", "x, line 2: “no” is neither a reply nor a deed; write three digits and a text, or one of !close")]
    [TestCase("rcpt: ", "x, line 2: “” is neither a reply nor a deed; write ")]
    [TestCase("rcpt: !shut", "x, line 2: “!shut” is no deed; write !close, ")]
    [TestCase("rcpt: !delay soon", "x, line 2: “!delay soon” is no deed; write !close, ")]
    [TestCase("", "x, line 2: it says nothing; write at least one line such as “mail: 421 4.4.5 …”")]
    public void A_mistake_is_named_with_its_line_and_its_remedy(string line, string message) =>
        Assert.That(Assert.Throws<FormatException>(() => Transcript.Parse("x", "# about\n" + line))!.Message, Does.StartWith(message));

    [Test]
    public void The_grammar_says_what_its_description_says()
    {
        var transcript = Transcript.Parse("550-row--variant", "# one\n# two\r\nrcpt Me@Example.com #2 x3: 550-a\nrcpt Me@Example.com #2 x3: 550 b\nrcpt Me@Example.com #2 x3: !delay 40ms\n\n# not about\nmail always: !half 250 2.\ncontent @4096: !garbage 7\n");
        var rules = transcript.Rules();
        Assert.Multiple(() =>
        {
            Assert.That((transcript.Name, transcript.Row, transcript.About), Is.EqualTo(("550-row--variant", "550-row", "one two")));
            Assert.That(rules.Select(rule => (rule.Stage, rule.Argument, rule.First, rule.Times, rule.After)), Is.EqualTo(new (PracticeStage, string?, int, int, long)[]
            {
                (PracticeStage.Rcpt, "Me@Example.com", 2, 3, 1), (PracticeStage.Mail, null, 1, int.MaxValue, 1), (PracticeStage.Content, null, 1, 1, 4096),
            }));
            Assert.That(rules[0].What, Is.EqualTo(new Misbehaviour[] { new Misbehaviour.Reply("550-a\n550 b"), new Misbehaviour.Delay(TimeSpan.FromMilliseconds(40)) }));
            Assert.That(rules[1].What, Is.EqualTo(new Misbehaviour[] { new Misbehaviour.Half("250 2.") }));
            Assert.That(rules[2].What, Is.EqualTo(new Misbehaviour[] { new Misbehaviour.Garbage(7) }));
        });
    }

    private static void Judge(PracticeRule rule, RawReply reply)
    {
        switch (rule.What)
        {
            case [Misbehaviour.Reply said, ..]:
                Assert.That(reply.Text, Is.EqualTo(said.Text.Replace("\n", "\r\n") + "\r\n"));
                break;
            case [Misbehaviour.Close or Misbehaviour.Reset]:
                Assert.That(reply, Is.EqualTo(new RawReply("", true)));
                break;
            case [Misbehaviour.Half half, Misbehaviour.Close]:
                Assert.That(reply, Is.EqualTo(new RawReply(half.Text, true)));
                break;
            case [Misbehaviour.Garbage, Misbehaviour.Close] when rule.Stage is PracticeStage.Handshake:
                Assert.That(reply.Ended);
                break;
            case [Misbehaviour.Garbage garbage, Misbehaviour.Close]:
                Assert.That(reply.Ended);
                Assert.That(reply.Text, Has.Length.EqualTo(garbage.Octets));
                break;
            case [Misbehaviour.Flood flood, Misbehaviour.Close]:
                Assert.That(reply.Ended);
                Assert.That(reply.Text, Has.Length.GreaterThanOrEqualTo(flood.Octets).And.StartWith("250-"));
                break;
            case [Misbehaviour.Stall]:
                Assert.That(reply.Code, Does.StartWith("2"), "released, it goes on as if nothing had been");
                break;
            default:
                Assert.Fail($"the test has no eye for {string.Join(", ", rule.What)}");
                break;
        }
    }

    /// <summary>One message from greeting to QUIT, with what was heard at each stage and the how-manieth time.</summary>
    private static async Task<Dictionary<(PracticeStage, int), RawReply>> WalkAsync(
        PracticeGmail gmail, IReadOnlyList<PracticeRule> rules, bool chunking, CancellationToken cancellation)
    {
        var heard = new Dictionary<(PracticeStage, int), RawReply>();
        await using var client = await ConnectAsync();
        if (client is null) return heard;

        // The first octets are the greeting, unless the connection came to nothing before.
        if (!await NoteAsync(rules.Any(rule => rule.Stage is PracticeStage.Connect) ? PracticeStage.Connect : PracticeStage.Greeting, null)) return heard;
        if (!await NoteAsync(PracticeStage.Ehlo, "EHLO client.example\r\n")) return heard;
        if (!await NoteAsync(PracticeStage.StartTls, "STARTTLS\r\n")) return heard;
        if (heard[(PracticeStage.StartTls, 1)].Code != "220") return heard;
        try
        {
            await client.StartTlsAsync(gmail, cancellation);
        }
        catch (Exception e) when (e is AuthenticationException or IOException)
        {
            heard[(PracticeStage.Handshake, 1)] = new RawReply("", true);
            return heard;
        }
        if (!await NoteAsync(PracticeStage.EhloTls, "EHLO client.example\r\n")) return heard;
        if (!await NoteAsync(PracticeStage.Auth, $"AUTH PLAIN {RawClient.Plain}\r\n")) return heard;
        if (heard[(PracticeStage.Auth, 1)].Code == "334" && !await NoteAsync(PracticeStage.AuthResponse, "\r\n")) return heard;
        if (!await NoteAsync(PracticeStage.Mail, "MAIL FROM:<you@gmail.com>\r\n")) return heard;
        if (!await NoteAsync(PracticeStage.Rcpt, "RCPT TO:<one@example.com>\r\n")) return heard;
        if (!await NoteAsync(PracticeStage.Rcpt, "RCPT TO:<two@example.com>\r\n", 2)) return heard;
        const string content = "Subject: x\r\n\r\nx\r\n";
        var end = rules.Select(rule => rule.Stage).FirstOrDefault(stage => stage is PracticeStage.Content or PracticeStage.Taken, PracticeStage.EndOfData);
        if (chunking)
        {
            var refusedEarlier = rules.Any(rule => rule.Stage is PracticeStage.Data);
            if (!await NoteAsync(refusedEarlier ? PracticeStage.Data : end, $"BDAT {content.Length} LAST\r\n{content}")) return heard;
        }
        else
        {
            if (!await NoteAsync(PracticeStage.Data, "DATA\r\n")) return heard;
            if (heard[(PracticeStage.Data, 1)].Code == "354" && !await NoteAsync(end, content + ".\r\n")) return heard;
        }
        if (rules.Any(rule => rule.Stage is PracticeStage.Idle) && !await NoteAsync(PracticeStage.Idle, null)) return heard;
        await NoteAsync(PracticeStage.Quit, "QUIT\r\n");
        return heard;

        async Task<RawClient?> ConnectAsync()
        {
            try
            {
                return await RawClient.ConnectAsync(gmail.Port, cancellation);
            }
            catch (SocketException)
            {
                // A reset can come before the connection is seen to be there.
                heard[(PracticeStage.Connect, 1)] = new RawReply("", true);
                return null;
            }
        }

        async Task<bool> NoteAsync(PracticeStage stage, string? say, int time = 1)
        {
            var reply = say is null ? client.ReadAsync(cancellation) : client.SayAsync(say, cancellation);
            if (rules.FirstOrDefault(rule => rule.Stage == stage && rule.First == time && rule.What is [Misbehaviour.Stall]) is { } stalled)
            {
                await stalled.Reached.WaitAsync(cancellation);
                Assert.That(reply.IsCompleted, Is.False, "an answer in spite of the stall");
                stalled.Release();
            }
            heard[(stage, time)] = await reply;
            return !heard[(stage, time)].Ended;
        }
    }
}
