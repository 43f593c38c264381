using System.Text;
using SmartHost.Delivery;
using SmartHost.Gmail;
using SmartHost.Gmail.Login;
using SmartHost.Gmail.Replies;
using SmartHost.Mail;
using SmartHost.Queue;
using SmartHost.Tests.Gmail;

namespace SmartHost.Tests.EndToEnd;

/// <summary>A server in Gmail's place that we did not write, since our own stand-in shares our misunderstandings.</summary>
[NonParallelizable]
[CancelAfter(120_000)]
public class ForeignGmailTests
{
    private static readonly Mailbox You = Mailbox.Parse("you@gmail.com");
    private static readonly byte[] Scan = "From: scanner@device.lan\r\nSubject: scan\r\n\r\nhello\r\n"u8.ToArray();

    private PostfixServer postfix = null!;
    private string ending = "";
    private int tests;

    private string Ann => "ann" + ending;

    private string Bob => "bob" + ending;

    private static IEnumerable<string> Ways => PostfixServer.Ways;

    [OneTimeSetUp]
    public async Task Start()
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60), TimeProvider.System);
        postfix = await PostfixServer.StartAsync(patience.Token);
    }

    [OneTimeTearDown]
    public async Task Stop()
    {
        if (postfix is not null) await postfix.DisposeAsync();
    }

    /// <summary>Each test writes to addresses of its own, so that it never sees another one's late mail.</summary>
    [SetUp]
    public void NewAddresses() => ending = $".{++tests}@example.com";

    [TestCaseSource(nameof(Ways))]
    public async Task Octets_arrive_as_they_left_at_every_recipient(string way, CancellationToken cancellation)
    {
        // Below and above what leaves without waiting for replies.
        foreach (var content in new[] { Tricky(3), Tricky(1000) })
        {
            NewAddresses();
            await using (var session = await OpenAsync(way))
            {
                var outcome = await session.SendAsync(You, Given.To(Ann, Bob), Given.Message(content, is8Bit: true), cancellation);
                Assert.That(outcome.Recipients, Has.All.Property("Verdict").EqualTo(ReplyCatalogue.Accepted));
                Assert.That(session.IsUsable);
            }
            var arrived = await postfix.WaitForAsync(2, ending, cancellation);
            Assert.That(arrived.Select(one => one.To), Is.EquivalentTo(new[] { Ann, Bob }));
            foreach (var (to, stored) in arrived) AssertEnds(stored, content, to);
        }
        // "data" and "bdat" in Postfix's count of the commands of a session.
        await postfix.LoggedAsync(way is "no BDAT" or "neither" ? "mail=1 rcpt=2 data=1 quit=1" : "mail=1 rcpt=2 bdat=1 quit=1", cancellation);
    }

    [Test]
    public async Task A_wrong_password_is_offered_once_and_is_for_a_person(CancellationToken cancellation)
    {
        var failed = (OpenOutcome.Failed)await new GmailConnector(TimeProvider.System).OpenAsync(Account("all", "wrongwrongwrong!"), cancellation);
        Assert.That(failed.Reply, Has.Property("Code").EqualTo(535));
        Assert.That(failed.Verdict.Action, Is.EqualTo(VerdictAction.HoldAccountForPerson));
        await postfix.LoggedAsync("auth=0/1", cancellation);
        Assert.That(postfix.Log, Does.Not.Contain("auth=0/2"));
    }

    [TestCaseSource(nameof(Ways))]
    public async Task Each_recipient_has_the_fate_that_the_server_gave_it(string way, CancellationToken cancellation)
    {
        await using var session = await OpenAsync(way);
        var outcome = await session.SendAsync(You, Given.To(PostfixServer.NoSuchUser, Ann, PostfixServer.Full), Given.Message(Tricky(3), is8Bit: true), cancellation);
        Assert.That(outcome.Recipients.Select(one => (one.Verdict.Row, one.Reply?.Code)),
            Is.EqualTo(new (string, int?)[] { ("550-no-such-user", 550), ("accepted", 250), ("452-out-of-storage", 452) }));
        Assert.That((await postfix.WaitForAsync(1, ending, cancellation)).Single().To, Is.EqualTo(Ann));

        // None is left: the connection is good for the next message all the same.
        var refused = await session.SendAsync(You, Given.To(PostfixServer.NoSuchUser), Given.Message(Tricky(3), is8Bit: true), cancellation);
        Assert.That(refused.Recipients.Single().Verdict.Row, Is.EqualTo("550-no-such-user"));
        var next = await session.SendAsync(You, Given.To(Bob), Given.Message(Tricky(3), is8Bit: true), cancellation);
        Assert.That(next.Recipients.Single().Verdict, Is.EqualTo(ReplyCatalogue.Accepted));
    }

    [Test]
    public async Task A_message_above_its_size_is_known_to_be_too_large(CancellationToken cancellation)
    {
        await using var session = await OpenAsync("all");
        Assert.That(session.MaxSize, Is.EqualTo(PostfixServer.LargestMessage));
        var outcome = await session.SendAsync(You, Given.To(Ann), Given.Message(new byte[PostfixServer.LargestMessage + 1]), cancellation);
        Assert.That(outcome.Recipients.Single().Verdict, Has.Property("Row").EqualTo("size-known").And.Property("Action").EqualTo(VerdictAction.BounceMessage));
        Assert.That(session.IsUsable);
    }

    [TestCaseSource(nameof(Ways))]
    public async Task One_connection_serves_sixty_messages(string way, CancellationToken cancellation)
    {
        await using (var session = await OpenAsync(way))
        {
            for (var i = 0; i < 60; i++)
            {
                var outcome = await session.SendAsync(You, Given.To(Ann), Given.Message($"Subject: {i}\r\n\r\n.{i}\r\n"), cancellation);
                Assert.That(outcome.Recipients.Single().Verdict, Is.EqualTo(ReplyCatalogue.Accepted), $"message {i}");
            }
        }
        var arrived = await postfix.WaitForAsync(60, ending, cancellation);
        Assert.That(arrived.Select(one => Encoding.ASCII.GetString(one.Content).Split('\n')[^2]), Is.EquivalentTo(Enumerable.Range(0, 60).Select(i => $".{i}")));
        await postfix.LoggedAsync("mail=60 rcpt=60", cancellation);
    }

    [TestCaseSource(nameof(Ways))]
    public async Task A_421_in_the_middle_ends_the_connection_and_says_nothing_for_good(string way, CancellationToken cancellation)
    {
        await using var session = await OpenAsync(way);
        var outcome = await session.SendAsync(You, Given.To(Ann, PostfixServer.Closing, Bob), Given.Message(Tricky(3), is8Bit: true), cancellation);
        Assert.That(session.IsUsable, Is.False);
        Assert.That(outcome.MayBeDelivered, Is.False, "it was hung up on before it took the message");
        Assert.That(outcome.Recipients.Select(one => one.Verdict.Action), Has.All.EqualTo(VerdictAction.SlowDown));
        Assert.That(outcome.Recipients[1].Reply, Has.Property("Code").EqualTo(421));
    }

    [Test]
    public async Task The_whole_program_delivers_through_a_wrong_password_and_a_shutdown(CancellationToken cancellation)
    {
        await using var live = await LiveServer.StartAsync(cancellation, edit: yaml => InPlaceOfGmail(yaml).Replace("abcd efgh ijkl mnop", "wrong wrong wrong!"),
            more: "limits: { recipients: 200 }");
        await live.PlayAsync(Scan, [Ann], cancellation);
        await live.WaitForHealthAsync(AccountHealth.Paused, cancellation);
        await File.WriteAllTextAsync(live.ConfigFile, (await File.ReadAllTextAsync(live.ConfigFile, cancellation)).Replace("wrong wrong wrong!", "abcd efgh ijkl mnop"), cancellation);
        var first = (await postfix.WaitForAsync(1, ending, cancellation)).Single();
        Assert.That(Encoding.Latin1.GetString(first.Content), Does.Contain("\nSubject: scan\n").And.Contain("<you@gmail.com>\n").And.EndsWith("\n\nhello\n"));

        await postfix.GoOfflineAsync();
        for (var i = 0; i < 5; i++) await live.PlayAsync(Scan, [Ann], cancellation);
        var many = await live.PlayAsync(Scan, [.. Enumerable.Range(0, 120).Select(i => $"r{i}{ending}"), PostfixServer.NoSuchUser], cancellation);
        Assert.That(many.Succeeded, () => string.Join('\n', many.Exchanges) + many.Fault);
        await live.WaitForHealthAsync(AccountHealth.Paused, cancellation);
        await postfix.GoOnlineAsync(cancellation);
        var all = await postfix.WaitForAsync(126, ending, cancellation);
        Assert.That(all.Count(one => one.To == Ann), Is.EqualTo(6));
        Assert.That(all.Select(one => one.To).Distinct().Count(), Is.EqualTo(121));
        await LiveServer.WaitAsync(() => live.Server.Queue.Counts().Waiting == 0, cancellation);
        var bounced = (await live.Server.Queue.SearchAsync(new MessageSearch(Bounced: true), cancellation)).Single();
        Assert.That(bounced.Recipients.Where(one => one.State == RecipientState.Bounced).Select(one => one.Address.ToString()), Is.EqualTo(new[] { PostfixServer.NoSuchUser }));
    }

    private AccountSettings Account(string way, string password = PostfixServer.Password) => new()
    {
        Name = "default", Username = You, Credentials = new AccountCredentials.AppPassword(new Secret(password)),
        Host = "127.0.0.1", Port = postfix.Port(way), Tls = way == "TLS at once" ? AccountTls.Implicit : AccountTls.StartTls, CaFile = postfix.CaFile,
    };

    private async Task<GmailSession> OpenAsync(string way) => await new GmailConnector(TimeProvider.System).OpenAsync(Account(way), CancellationToken.None) switch
    {
        OpenOutcome.Opened opened => opened.Session,
        OpenOutcome.Failed failed => throw new AssertionException($"{failed.Tried}: {failed.Reply}\n{postfix.Log}"),
        _ => throw new AssertionException("neither"),
    };

    private string InPlaceOfGmail(string yaml) => string.Join('\n', yaml.Split('\n').Select(line => line.Trim() switch
    {
        ['p', 'o', 'r', 't', ':', ..] => line[..line.IndexOf('p')] + $"port: {postfix.Port("all")}",
        ['c', 'a', 'F', 'i', 'l', 'e', ':', ..] => line[..line.IndexOf('c')] + $"caFile: {postfix.CaFile}",
        _ => line,
    }));

    /// <summary>What breaks on the way if anything does: dots at a line's start, a lone dot, 8-bit, the longest line, "From " and empty lines at the end.</summary>
    private static byte[] Tricky(int times)
    {
        var text = new StringBuilder("Message-ID: <tricky@device.lan>\r\nDate: Sun, 1 Mar 2026 12:00:00 +0000\r\nFrom: you@gmail.com\r\nSubject: tricky\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n");
        for (var i = 0; i < times; i++) text.Append($".\r\n..\r\n.x\r\nFrom here\r\n\r\ngrüße \t \r\n{new string('y', i % 2 == 0 ? 998 : 60)}\r\n");
        return Encoding.UTF8.GetBytes(text.Append("\r\n.\r\n\r\n").ToString());
    }

    private static void AssertEnds(byte[] stored, byte[] sent, string what)
    {
        var expected = Encoding.Latin1.GetString(sent).Replace("\r\n", "\n");
        var text = Encoding.Latin1.GetString(stored);
        Assert.That(text, Has.Length.GreaterThan(expected.Length), "Postfix's own header comes first");
        Assert.That(text.EndsWith(expected, StringComparison.Ordinal), $"{what}: {text[..Math.Min(text.Length, 1500)]}");
    }
}
