using System.Text;
using CsCheck;
using SmartHost.Listener;

namespace SmartHost.Tests.Listener;

[Parallelizable(ParallelScope.All)]
public class HeaderPeekTests
{
    [TestCase("Subject: scan\r\n\r\n", "scan", null)]
    [TestCase("subject:scan\r\nMESSAGE-ID:<a@b>\r\n\r\n", "scan", "<a@b>")]
    [TestCase("Subject: =?iso-8859-1?q?B=FCro?= =?utf-8?b?w6Q=?=\r\n\r\n", "Büroä", null)]
    [TestCase("Subject: B\u00fcro\r\n\r\n", "Büro", null)]
    [TestCase("From scanner@lan Tue Jul  2 10:11:12 2024\r\nSubject: x\r\n\r\n", "x", null)]
    [TestCase("Subject: x\r\nroom five\r\nMessage-ID: <a@b>\r\n\r\n", "x", "<a@b>")]
    [TestCase("Subject: two\r\n\tlines\r\n\r\n", "two lines", null)]
    [TestCase("Subject: two\u001blines\r\n\r\n", "two\tlines", null, Description = "controls are replaced")]
    [TestCase("Subject: =?utf-8?q?a=E2=80=AEb=E2=80=8Fc=E2=81=A6d?=\r\n\r\n", "a\tb\tc\td", null, Description = "nor may a subject have the rest of a line run backwards")]
    [TestCase("Subject: =?utf-8?q?=D7=A9=D7=9C=D7=95=D7=9D?=\r\n\r\n", "\u05e9\u05dc\u05d5\u05dd", null, Description = "letters that are written from right to left are letters")]
    [TestCase("Subject:\r\n\r\n", null, null)]
    [TestCase("\r\nFrom: a@lan\r\nSubject: scan\r\nMessage-ID: <a@b>\r\n\r\n", "scan", "<a@b>", Description = "as delivery sends it: without the empty line")]
    [TestCase("\r\n\r\nSubject: scan\r\n\r\n", "scan", null)]
    [TestCase("\r\nX-Mailer: Panel 2\r\nMessage-ID: <a@b>\r\nSubject: scan\r\n\r\n", "scan", "<a@b>")]
    [TestCase("\r\nRoom: five\r\nSubject: in the body\r\n\r\n", null, null)]
    [TestCase("\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\nSubject: in the body\r\n\r\n", null, null)]
    [TestCase("Message-ID: <a b@c>\r\nMessage-ID: <good@c>\r\n\r\n", null, "<good@c>")]
    [TestCase("Message-ID: a@c\r\n\r\n", null, "<a@c>")]
    [TestCase("Message-ID: < a@c >\r\n\r\n", null, "<a@c>")]
    [TestCase("Message-ID: a@c>\r\n\r\n", null, null)]
    [TestCase("\u00ef\u00bb\u00bf\u00ef\u00bb\u00bfSubject: x\r\n\r\n", "x", null)]
    [TestCase("no header at all", null, null)]
    [TestCase("", null, null)]
    public void Finds(string content, string? subject, string? messageId)
    {
        using var peek = new HeaderPeek();
        peek.Feed(Encoding.Latin1.GetBytes(content));
        peek.Complete();
        Assert.That((peek.Subject?.Replace('\uFFFD', '\t'), peek.MessageId), Is.EqualTo((subject, messageId)));
    }

    [Test]
    public void A_header_without_an_end_is_looked_at_no_further_than_64_KB()
    {
        using var peek = new HeaderPeek();
        peek.Feed("Subject: first\r\n"u8);
        for (var i = 0; i < 200; i++) peek.Feed(Encoding.ASCII.GetBytes($"X-Filler: {new string('y', 1000)}\r\n"));
        peek.Feed("Message-ID: <too@late>\r\n\r\n"u8);
        peek.Complete();
        Assert.That((peek.Subject, peek.MessageId), Is.EqualTo(("first", (string?)null)));
    }

    [Test]
    public void Any_content_in_any_pieces_is_read_alike() =>
        Gen.Select(
                Gen.OneOf("Subject:", "Message-ID:", "Received:", " ", "\r\n", "\r\n", "<a@b>", "=?utf-8?b?", "?=", "\u00e4", "x", ":").List[0, 20].Select(string.Concat),
                Gen.Int[1, 7])
            .Sample((content, size) =>
            {
                using var whole = new HeaderPeek();
                using var pieces = new HeaderPeek();
                var octets = Encoding.Latin1.GetBytes(content);
                whole.Feed(octets);
                foreach (var piece in octets.Chunk(size)) pieces.Feed(piece);
                whole.Complete();
                pieces.Complete();
                return (whole.Subject, whole.MessageId, whole.Hops) == (pieces.Subject, pieces.MessageId, pieces.Hops);
            });
}
