using System.Text;
using MimeKit;
using static SmartHost.Tests.Gmail.OutgoingMessageTests;

namespace SmartHost.Tests.Gmail;

/// <summary>A line in the header that is no field: what stands behind it tells whether the header goes on.</summary>
public class BrokenFoldTests
{
    private const string Mime = "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=abc\r\n\r\n";
    private const string Body = "--abc\r\n\r\ntext\r\n--abc\r\nContent-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n\r\nJVBERi0x\r\n--abc--\r\n";

    // Whatever fields stand between the broken fold and MIME's.
    [TestCase("Subject: alarm\r\nin the hall\r\nPriority: urgent", "alarm in the hall")]
    [TestCase("Subject: alarm\r\nin the hall\r\nOrganization: works", "alarm in the hall")]
    [TestCase("Subject: alarm\r\nin the hall\r\nDevice: 7\r\nLocation: hall\r\n floor 2\r\nAlarm-Type: smoke", "alarm in the hall")]
    [TestCase("Subject: alarm\r\nin the hall\r\nDate: Thu Nov 26 21:00:00 2026", "alarm in the hall")]
    [TestCase("Subject: alarm\r\nin the hall\r\nDate: Thu, 26 Nov 2026 21:00:00 CET", "alarm in the hall")]
    [TestCase("Subject: alarm\r\nin the hall\r\nDate: 26.11.2026 21:00", "alarm in the hall")]
    [TestCase("Subject: alarm\r\nin the hall\r\nFrom: scanner", "alarm in the hall")]
    [TestCase("From: a@b.example\r\nSubject: alarm\r\nin the hall\r\nFrom: a@b.example", "alarm in the hall")]
    [TestCase("Subject: alarm\r\nin the hall\r\nSubject: 1\r\nSubject: 2\r\nSubject: 3\r\nSubject: 4", "alarm in the hall")]
    [TestCase("Subject: alarm\r\nin the hall\r\nnear door 4\r\nby the stairs\r\non the ground floor\r\nZone: 3", "alarm in the hall near door 4 by the stairs on the ground floor")]
    [TestCase("Subject: =?utf-8?q?Ger=C3=A4t?=\r\n=?utf-8?q?_in_der_Halle?=\r\nZone: 3", "Gerät in der Halle")]
    [TestCase("Subject: alarm\r\nX-A: b\r\nDevice Name: X\r\nZone: 3", "alarm")]
    [TestCase("Subject: alarm\r\nDate: Tue, 02 Jul 2024 10:11:12 +0200\r\nGer\u00c3\u00a4t: 7\r\nZone: 3", "alarm")]
    public async Task What_MIME_fields_follow_is_a_fold_whatever_stands_between(string header, string subject)
    {
        var mail = Parse((await Prepare($"{header}\r\n{Mime}{Body}")).Got);
        Assert.That(mail.Subject, Is.EqualTo(subject));
        Assert.That(Encoding.ASCII.GetString(Content(mail.BodyParts.OfType<MimePart>().Last())), Is.EqualTo("%PDF-1"));
    }

    [TestCase("Subject: alarm\r\nin the hall\r\nZone: 3", "alarm in the hall", TestName = "MIME before, an unknown field behind")]
    [TestCase("Subject: alarm\r\nin the hall", "alarm", TestName = "MIME before, nothing behind")]
    public async Task What_stands_behind_MIME_fields_spoils_none(string header, string subject)
    {
        var mail = Parse((await Prepare($"{Mime.TrimEnd()}\r\n{header}\r\n\r\n{Body}")).Got);
        Assert.That(mail.Subject, Is.EqualTo(subject));
        Assert.That(Encoding.ASCII.GetString(Content(mail.BodyParts.OfType<MimePart>().Last())), Is.EqualTo("%PDF-1"));
        var pdf = Parse((await Prepare("Content-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\nSubject: alarm\r\nin the hall\r\nZone: 3\r\n\r\nJVBERi0x\r\n")).Got);
        Assert.That(Encoding.ASCII.GetString(Content((MimePart)pdf.Body!)), Is.EqualTo("%PDF-1"));
    }

    [TestCase("Date: Tue, 02 Jul 2024 10:11:12 +0200", "Date", "Tue, 02 Jul 2024 10:11:12 +0200")]
    [TestCase("Content-Type: text/html; charset=utf-8", "Content-Type", "text/html; charset=utf-8")]
    public async Task A_line_that_is_no_field_spoils_no_field_that_must_be_exact(string before, string name, string value)
    {
        foreach (var line in (string[])["Ger\u00c3\u00a4t: 7", "unit 7"])
        {
            var mail = Parse((await Prepare($"Subject: s\r\n{before}\r\n{line}\r\nTo: a@b.example\r\n\r\npage\r\n")).Got);
            var written = mail.Headers.Concat(mail.Body!.Headers).First(field => field.Field == name).Value;
            Assert.That((written, mail.Headers["Comments"]), Is.EqualTo((value, Encoding.UTF8.GetString(Encoding.Latin1.GetBytes(line)))));
        }
    }

    [TestCase("To: a@b.example,\r\nb@b.example\r\nSubject: s\r\nPriority: urgent", "a@b.example,b@b.example")]
    [TestCase("To: a@b.example,\r\nB <b@b.example>,\r\nc@b.example\r\nSubject: s\r\nZone: 3", "a@b.example,b@b.example,c@b.example")]
    public async Task An_address_behind_a_comma_belongs_to_the_addresses(string header, string addresses)
    {
        var (got, _) = await Prepare($"{header}\r\n\r\npage\r\n");
        var mail = Parse(got);
        Assert.That((mail.Subject, string.Join(',', mail.To.Mailboxes.Select(to => to.Address)), mail.TextBody!.TrimEnd()), Is.EqualTo(("s", addresses, "page")));
        Assert.That((await Prepare("Subject: s\r\nBcc: a@b.example,\r\nsecret@b.example\r\n\r\npage\r\n")).Got, Does.Not.Contain("secret"));
    }

    // Directly behind a header without its empty line.
    [TestCase("See what came:\r\nFrom: c@d.example\r\nTo: e@d.example\r\nSubject: inner\r\nMIME-Version: 1.0\r\nContent-Type: text/plain\r\n\r\ninner text\r\n", TestName = "a header that is quoted")]
    [TestCase("The door was opened\r\nStatus: open\r\nPriority: high\r\n\r\nmore\r\n", TestName = "names that stand in mail and in text")]
    [TestCase("The door was opened\r\nContent: 3\r\nContent-Type: none\r\n\r\nmore\r\n", TestName = "no type of MIME")]
    [TestCase("--abc\r\nContent-Type: text/plain\r\n\r\ntext\r\n--abc--\r\n", TestName = "a part")]
    [TestCase("The camera answered\r\nHTTP/1.1 404 Not Found\r\nServer: x\r\nContent-Type: text/html\r\n\r\n<p>gone\r\n", TestName = "an answer of a web server")]
    [TestCase("1\r\n2\r\n3\r\n4\r\n5\r\n6\r\n7\r\n8\r\n9\r\nMIME-Version: 1.0\r\nContent-Type: text/plain\r\n\r\ntext\r\n", TestName = "many lines")]
    [TestCase("Hello, write to me@b.example\r\nZone: 3\r\n\r\ntext\r\n", TestName = "an address in a sentence")]
    public async Task Text_stays_text(string text)
    {
        var (got, _) = await Prepare("From: a@b.example\r\nSubject: door\r\nTo: c@d.example,\r\n" + text);
        Assert.That(got[(got.IndexOf("\r\n\r\n", StringComparison.Ordinal) + 4)..], Is.EqualTo(text));
    }

    [Test]
    public async Task A_part_directly_behind_the_header_is_the_body()
    {
        var mail = Parse((await Prepare("Subject: s\r\nContent-Type: multipart/mixed; boundary=abc\r\n--abc\r\nContent-Disposition: inline\r\n\r\ntext\r\n--abc--\r\n")).Got);
        Assert.That(((Multipart)mail.Body!).Count, Is.EqualTo(1));
    }

    /// <summary>Each join a copy of all before it would be gigabytes. Alone, for what is allocated is counted for the whole process.</summary>
    [NonParallelizable]
    [TestCase("To: a@b.example,\r\n", "b@c.example,\r\n")]
    [TestCase("Content-Type: a/b;\r\n", "c=d;\r\n")]
    [TestCase("Subject: a\r\nbroken\r\n", " \tx\r\n")]
    [TestCase("", "Bcc:\r\n")]
    public async Task A_quarter_megabyte_of_broken_header_is_read_once(string first, string line)
    {
        var header = first + string.Concat(Enumerable.Repeat(line, 250_000 / line.Length));
        var allocated = await Allocations.OfAsync(async () =>
        {
            await Prepare($"{header}Subject: s\r\nTo: c@d.example\r\n\r\npage\r\n");
            await Prepare($"{header}in the hall\r\nBcc:\r\nTo: c@d.example\r\n\r\npage\r\n");
        });
        TestContext.Out.WriteLine($"{allocated >> 20} MB");
        Assert.That(allocated, Is.LessThan(256L << 20));
    }
}
