using System.Text;
using MimeKit;
using static SmartHost.Tests.Gmail.OutgoingMessageTests;

namespace SmartHost.Tests.Gmail;

/// <summary>Fields that contradict each other, or the body: which of them is believed.</summary>
public class MimeFieldsTests
{
    private const string Parts = "--abc\r\n\r\ntext\r\n--abc\r\nContent-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n\r\nJVBERi0x\r\n--abc--\r\n";

    [TestCase("Subject:\r\nSubject: real", "real", null)]
    [TestCase("Subject: \t\r\nX-A: b\r\nSUBJECT: real\r\nSubject:", "real", null)]
    [TestCase("Subject: one\r\nSubject:\r\nSubject: one\r\nSubject: two", "one", "two")]
    [TestCase("Subject:\r\nSubject:", "", null)]
    public async Task Subject_is_the_first_that_says_something(string written, string subject, string? other)
    {
        var mail = Parse((await Prepare($"{written}\r\n\r\npage\r\n")).Got);
        Assert.That(mail.Headers.Where(field => field.Id == HeaderId.Subject).Select(field => field.Value), Is.EqualTo(new[] { subject }));
        Assert.That(mail.Headers["X-Original-Subject"], Is.EqualTo(other));
    }

    [TestCase("html", "text/html", null)]
    [TestCase("HTML; charset=utf-8", "text/html", "utf-8")]
    [TestCase("html ;charset=utf-8", "text/html", "utf-8")]
    [TestCase("plain", "text/plain", null)]
    public async Task A_subtype_alone_is_text_of_that_kind(string written, string type, string? charset)
    {
        var text = (TextPart)Parse((await Prepare($"Subject: s\r\nContent-Type: {written}\r\n\r\n<p>page\r\n")).Got).Body!;
        Assert.That((text.ContentType.MimeType, text.ContentType.Charset, text.Text.TrimEnd()), Is.EqualTo((type, charset, "<p>page")));
    }

    [Test]
    public async Task Date_is_the_first_that_is_one()
    {
        var mail = Parse((await Prepare("Date:\r\nDate: yesterday\r\nDate: Tue, 02 Jul 2024 10:11:12 +0200\r\nSubject: s\r\n\r\npage\r\n")).Got);
        Assert.That((mail.Headers["Date"], mail.Headers["X-Original-Date"]), Is.EqualTo(("Tue, 02 Jul 2024 10:11:12 +0200", "yesterday")));
    }

    // Duplicates.
    [TestCase("Content-Type:\r\nContent-Type: multipart/mixed; boundary=abc")]
    [TestCase("Content-Type: text/plain\r\nContent-Type: multipart/mixed; boundary=\"abc\"")]
    [TestCase("Content-Type: multipart/mixed; boundary=old\r\nContent-Type: text/plain\r\nContent-Type: multipart/related; boundary=abc")]
    // Without the sign between type and boundary.
    [TestCase("Content-Type: multipart/mixed\r\nboundary=\"abc\"")]
    [TestCase("Content-Type: multipart/mixed\r\nboundary=\"abc\"\r\nZone: 3")]
    [TestCase("Content-Type: multipart/mixed\r\n boundary=\"abc\"")]
    // Without a boundary, or with another.
    [TestCase("Content-Type: multipart/mixed")]
    [TestCase("Content-Type: multipart/mixed;")]
    [TestCase("Content-Type: multipart/mixed; boundary=")]
    [TestCase("Content-Type: multipart/mixed; boundary=other")]
    [TestCase("Content-Type: multipart/mixed; boundary=\"--abc\"")]
    // Without a subtype.
    [TestCase("Content-Type: multipart; boundary=\"abc\"")]
    [TestCase("Content-Type: multipart/; boundary=\"abc\"")]
    [TestCase("Content-Type: Multipart\r\nboundary=abc")]
    public async Task A_multipart_is_divided_where_its_parts_are(string type)
    {
        foreach (var (before, text) in ((string, string)[])[("", "text"), ("A multi-part message.\r\n-- \r\n", "gr\u00fcn")])
        {
            var body = before + Parts.Replace("text", text, StringComparison.Ordinal);
            var (got, message) = await Prepare($"Subject: s\r\n{type}\r\n\r\n{body}");
            var mail = Parse(got);
            Assert.That(mail.Body, Is.InstanceOf<Multipart>());
            Assert.That(Encoding.ASCII.GetString(Content(mail.BodyParts.OfType<MimePart>().Last())), Is.EqualTo("%PDF-1"));
            // The text's charset is named, too, where it needs one.
            Assert.That(got, Does.EndWith("\r\n\r\n" + body.Replace("--abc\r\n\r\ngr", "--abc\r\nContent-Type: text/plain; charset=iso-8859-1\r\n\r\ngr", StringComparison.Ordinal)));
            Assert.That(message.Repairs, Has.Some.Contains("Content-Type").Or.Some.Contains("leading blank"));
        }
    }

    [TestCase("multipart/mixed; boundary=abc", Parts)]
    [TestCase("multipart/mixed; boundary=\"abc \"", Parts)]
    [TestCase("Multipart/Alternative; charset=x;\r\n\tboundary=abc", Parts)]
    [TestCase("multipart/mixed; boundary=abc", "text alone\r\n--\r\nContent-Type: x\r\n-- \r\nContent-Type: x\r\n")]
    [TestCase("multipart/mixed; boundary=abc", "--inner\r\nContent-Type: text/plain\r\n\r\n--abc  \r\n\r\ntext\r\n--abc--\r\n")]
    [TestCase("text/plain", Parts)]
    [TestCase("multipart/mixed", "text alone\r\n")]
    public async Task A_type_that_needs_no_mending_or_allows_none_stays(string type, string body)
    {
        var sent = $"Content-Type: {type}\r\n";
        var (got, message) = await Prepare($"Subject: s\r\nMIME-Version: 1.0\r\n{sent}\r\n{body}");
        Assert.That(got, Does.Contain(sent).And.EndWith("\r\n\r\n" + body));
        Assert.That(message.Repairs, Has.None.Contains("Content-Type"));
    }

    [TestCase("gb2312", "\u00b1\u00a8", "报")]
    [TestCase("utf-8", "\u00e6\u008a\u00a5", "报")]
    [TestCase("us-ascii", "B\u00fcro Scan", "Büro Scan")]
    public async Task A_raw_name_of_a_part_is_readable(string charset, string octets, string name)
    {
        const string Pdf = "Content-Transfer-Encoding: \"BASE64\";\r\n\r\nJVBERi0x\r\n--abc--\r\n";
        var text = $"--abc\r\nContent-Type: text/plain; charset={charset}\r\nX-Odd:   y \r\n\r\ntext\r\n--abc\r\n";
        var (got, message) = await Prepare($"Subject: s\r\nContent-Type: multipart/mixed; boundary=abc\r\n\r\n{text}Content-Type: application/pdf; name=\"{octets}.pdf\"\r\nContent-Disposition: attachment;\r\n filename={octets}.pdf\r\nX-Odd:   y \r\n{Pdf}");
        Assert.That(got, Does.Contain("\r\n\r\n" + text).And.Contain("\r\nX-Odd:   y \r\nContent-Transfer-Encoding: base64\r\n\r\nJVBERi0x\r\n--abc--\r\n"));
        Assert.That(Ascii.IsValid(got) && !message.Is8Bit, "ASCII");
        var part = Parse(got).BodyParts.OfType<MimePart>().Last();
        Assert.That((part.FileName, part.ContentType.Name, Encoding.ASCII.GetString(Content(part))), Is.EqualTo((name + ".pdf", name + ".pdf", "%PDF-1")));
        Assert.That(message.Repairs, Has.Some.Contains("a part's name"));
        Assert.That((await Prepare(got)).Got, Is.EqualTo(got), "again");
    }

    [TestCase("multipart/mixed", "Content-Transfer-Encoding: base64 (as usual)")]
    [TestCase("multipart/mixed", "Content-Transfer-Encoding: \"x-unknown\"")]
    [TestCase("multipart/mixed", "Message-ID: <B\u00fcro@lan>")]
    [TestCase("multipart/mixed", "Content-Disposition: ; B\u00fcro")]
    [TestCase("multipart/signed", "Content-Transfer-Encoding: \"base64\"")]
    [TestCase("multipart/signed", "Content-Disposition: attachment; filename=\"B\u00fcro.pdf\"")]
    public async Task The_header_of_a_part_stays_where_it_is_well_formed_or_signed_or_nobody_can_read_it(string type, string field)
    {
        var body = $"--abc\r\nContent-Type: application/pdf\r\n{field}\r\n\r\nJVBERi0x\r\n--abc--\r\n";
        Assert.That((await Prepare($"Subject: s\r\nContent-Type: {type}; boundary=abc\r\n\r\n{body}")).Got, Does.EndWith("\r\n\r\n" + body));
    }

    [TestCase("JVBERi0xLjQKJeLjz9MKMSAwIG9iago8PAo=\r\n", "base64", "base64")]
    [TestCase("JVBERi0xLjQKJeLjz9MKMSAwIG9iago8PA==\r\n\r\n", "base64", "base64")]
    [TestCase("SGVsbG8=\r\n", "base64", "base64")]
    [TestCase("Test\r\n", "base64", "7bit")]
    [TestCase("One line of text\r\n", "base64", "7bit")]
    [TestCase("Gr=C3=BCn und r=\r\not\r\n", "quoted-printable", "quoted-printable")]
    [TestCase("temp=21 and a=b\r\n", "quoted-printable", "7bit")]
    [TestCase("text alone\r\n", "quoted-printable", "7bit")]
    public async Task Of_two_encodings_the_one_that_the_body_has_is_kept(string body, string other, string kept)
    {
        foreach (var identity in (string[])["7bit", "8bit", "binary", ""])
        {
            var mail = Parse((await Prepare($"Content-Transfer-Encoding: {identity}\r\nContent-Transfer-Encoding: {other}\r\nSubject: s\r\n\r\n{body}")).Got);
            // Alone it is not believed either, where the body is plainly something else.
            var expected = identity is "" ? (body.StartsWith("One line", StringComparison.Ordinal) ? "7bit" : other) : kept is "7bit" ? identity : kept;
            Assert.That(mail.Body!.Headers.Where(field => field.Id == HeaderId.ContentTransferEncoding).Select(field => field.Value), Is.EqualTo(new[] { expected }));
        }
    }

    [Test]
    public async Task A_large_attachment_is_recognised_by_its_beginning()
    {
        var content = Enumerable.Range(0, 300_000).Select(i => (byte)(i * 7)).ToArray();
        foreach (var breaks in (Base64FormattingOptions[])[Base64FormattingOptions.InsertLineBreaks, Base64FormattingOptions.None])
        {
            var (got, _) = await Prepare("Subject: s\r\nContent-Type: application/pdf\r\nContent-Transfer-Encoding: 7bit\r\nContent-Transfer-Encoding: base64\r\n\r\n" + Convert.ToBase64String(content, breaks) + "\r\n");
            Assert.That(Content((MimePart)Parse(got).Body!), Is.EqualTo(content));
        }
    }

    [TestCase("base64 (as RFC 2045 allows)")]
    [TestCase("(a (nested) one) BASE64")]
    [TestCase("\"base64\"")]
    [TestCase("base64;")]
    [TestCase(" 'Base64' \t")]
    [TestCase("base64 ")]
    [TestCase("Base-64")]
    [TestCase("x-base64")]
    public async Task An_encoding_with_something_round_it_is_known(string written)
    {
        var content = Enumerable.Range(0, 2_000).Select(i => (byte)(i * 7)).ToArray();
        var entity = $"Content-Type: application/pdf\r\nContent-Transfer-Encoding: {written}\r\n\r\n{Convert.ToBase64String(content)}\r\n";
        var (got, _) = await Prepare("Subject: s\r\n" + entity);
        Assert.That(got, Does.Contain("Content-Transfer-Encoding: base64\r\n"));
        Assert.That(Content((MimePart)Parse(got).Body!), Is.EqualTo(content));
        // A part's header goes out as it came, and so must its base64.
        var part = (await Prepare($"Subject: s\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n{entity}--b--\r\n")).Got;
        Assert.That(part.Replace("\r\n", "", StringComparison.Ordinal), Does.Contain(Convert.ToBase64String(content)));
    }

    [TestCase("BASE64")]
    [TestCase("x-uuencode (old)")]
    public async Task An_encoding_that_stands_alone_or_that_nobody_knows_stays(string written) =>
        Assert.That((await Prepare($"Subject: s\r\nContent-Transfer-Encoding: {written}\r\n\r\nJVBERi0x\r\n")).Got, Does.Contain($"Content-Transfer-Encoding: {written}\r\n"));

    // A NAS of QNAP writes the first.
    [TestCase("8bits", "8bit")]
    [TestCase("8-bit", "8bit")]
    [TestCase("UTF-8", "8bit")]
    [TestCase("7 bit", "7bit")]
    [TestCase("Quoted_Printable", "quoted-printable")]
    public async Task An_encoding_by_a_name_that_few_know_gets_its_own(string written, string known)
    {
        Assert.That((await Prepare($"Subject: s\r\nContent-Transfer-Encoding: {written}\r\n\r\ntext\r\n")).Got, Does.Contain($"\r\nContent-Transfer-Encoding: {known}\r\n").And.Not.Contain(written));
        var part = $"--abc\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: {written}\r\n\r\ntext\r\n--abc--\r\n";
        Assert.That((await Prepare($"Subject: s\r\nContent-Type: multipart/mixed; boundary=abc\r\n\r\n{part}")).Got, Does.EndWith(part.Replace(written, known, StringComparison.Ordinal)));
    }

    [TestCase("base64")]
    [TestCase("quoted-printable")]
    public async Task A_multipart_has_no_encoding_of_its_own(string encoding)
    {
        var (got, message) = await Prepare($"Subject: s\r\nContent-Type: multipart/mixed; boundary=abc\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n{Parts}");
        Assert.That(got, Does.EndWith("\r\n\r\n" + Parts));
        Assert.That(got[..got.IndexOf("\r\n\r\n", StringComparison.Ordinal)], Does.Not.Contain("Content-Transfer-Encoding"));
        Assert.That(message.Repairs, Has.Some.Contains("multipart"));
    }

    [TestCase("text/plain; charset=utf-8", "The door was opened at 22:14\r\nand closed\r\n", "7bit")]
    [TestCase("text/plain; charset=iso-8859-1", "\r\ngr\u00fcn\r\n", "8bit")]
    [TestCase("text/plain", "SGVsbG8=\r\n-- \r\nsent by a copier\r\n", "base64")]
    [TestCase("text/plain", "Test\r\nof the mail\r\n", "base64")]
    [TestCase("text/plain", "Zmlyc3Qg bGluZQ==\r\n", "base64")]
    [TestCase("text/plain", "The door is open\r\n", "7bit")]
    [TestCase("application/pdf", "The door was opened\r\n", "base64")]
    public async Task Text_that_is_plainly_no_base64_is_not_called_so(string type, string body, string encoding)
    {
        var (got, _) = await Prepare($"Subject: s\r\nContent-Type: {type}\r\nContent-Transfer-Encoding: base64\r\n\r\n{body}");
        Assert.That(got, Does.Contain($"\r\nContent-Transfer-Encoding: {encoding}\r\n").And.EndWith("\r\n\r\n" + body));
    }

    [TestCase("scan 1 of 2.pdf")]
    [TestCase("\"scan 1.pdf")]
    [TestCase("C:\\scans\\1.pdf")]
    [TestCase("scan [2].pdf")]
    [TestCase("scan (2).pdf")]
    public async Task A_name_without_its_quotes_gets_them(string written)
    {
        var entity = $"Content-Type: application/pdf; name={written}\r\nContent-Disposition: attachment; filename={written}\r\n\r\ntext\r\n";
        var quoted = $"\"{written.Trim('"').Replace("\\", "\\\\", StringComparison.Ordinal)}\"";
        foreach (var sent in (string[])[$"Subject: s\r\n{entity}", $"Subject: s\r\nContent-Type: multipart/mixed; boundary=abc\r\n\r\n--abc\r\n{entity}--abc--\r\n"])
        {
            var (got, message) = await Prepare(sent);
            Assert.That(got.Replace("\r\n ", " ", StringComparison.Ordinal).Replace("\r\n\t", " ", StringComparison.Ordinal), Does.Contain($"Content-Type: application/pdf; name={quoted}\r\n").And.Contain($"Content-Disposition: attachment; filename={quoted}\r\n"));
            Assert.That(message.Repairs, Has.Some.Contains("quotes"));
            Assert.That((await Prepare(got)).Got, Is.EqualTo(got), "again");
        }
    }

    [TestCase("application/pdf; name=scan.pdf")]
    [TestCase("application/pdf; name=scan.pdf (from the scanner)")]
    [TestCase("application/pdf; name=scan.pdf size=123")]
    [TestCase("application/pdf; name=\"a; name=b c.pdf\"")]
    [TestCase("application/pdf; name*=utf-8''a%20b.pdf")]
    [TestCase("text/plain; charset=us-ascii (plain)")]
    public async Task Parameters_that_need_no_quotes_stay_as_they_are(string type)
    {
        var part = $"--abc\r\nContent-Type: {type}\r\n\r\ntext\r\n--abc--\r\n";
        Assert.That((await Prepare($"Subject: s\r\nContent-Type: multipart/mixed; boundary=abc\r\n\r\n{part}")).Got, Does.EndWith(part));
    }

    [TestCase("--=_1:2?", "\"--=_1:2?\"")]
    [TestCase("\"abc", "abc")]
    public async Task A_boundary_gets_both_quotes_or_none(string written, string sent)
    {
        var boundary = sent.Trim('"');
        var body = Parts.Replace("abc", boundary, StringComparison.Ordinal);
        var (got, _) = await Prepare($"Subject: s\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary={written}\r\n\r\n{body}");
        Assert.That(got, Does.Contain($"boundary={sent}\r\n").And.EndWith("\r\n\r\n" + body));
    }

    [TestCase("Content-Type: text/plain; charset=iso-8859-1", "gr\u00fcn, und so weiter\r\n\r\nTime: 22:14\r\n")]
    [TestCase("Content-Type: text/plain", "Zone: 3\r\nthe door\r\n")]
    [TestCase("", "the door\r\n\r\nis open\r\n")]
    public async Task Text_of_a_part_right_behind_its_header_gets_an_empty_line_before_it(string header, string text)
    {
        header = header is "" ? "" : header + "\r\n";
        var (got, message) = await Prepare($"Subject: s\r\nContent-Type: multipart/mixed; boundary=abc\r\n\r\n--abc\r\n{header}{text}{Parts}");
        Assert.That(got, Does.Contain($"\r\n\r\n--abc\r\n{header}\r\n{text}--abc\r\n"));
        Assert.That(message.Repairs, Has.Some.Contains("empty line"));
        Assert.That((await Prepare(got)).Got, Is.EqualTo(got), "again");
    }

    [TestCase("2D-Code: x")]
    [TestCase("filename=\"x.zip\"")]
    public async Task An_attachment_does_not_begin_with_a_line_that_is_no_base64(string line)
    {
        var part = $"--abc\r\nContent-Type: application/zip\r\nContent-Transfer-Encoding: base64\r\n{line}\r\n\r\nUEsDBBQAAAAIAA==\r\n--abc--\r\n";
        Assert.That((await Prepare($"Subject: s\r\nContent-Type: multipart/mixed; boundary=abc\r\n\r\n{part}")).Got, Does.EndWith(part));
    }

    [Test]
    public async Task An_attachment_right_behind_its_header_is_whole_whatever_its_size()
    {
        foreach (var size in (int[])[10, 3_000, 300_000])
        {
            var content = Enumerable.Range(0, size).Select(i => (byte)(i * 7)).ToArray();
            foreach (var breaks in (Base64FormattingOptions[])[Base64FormattingOptions.InsertLineBreaks, Base64FormattingOptions.None])
            {
                var sent = $"Subject: s\r\nContent-Type: multipart/mixed; boundary=abc\r\n\r\n--abc\r\nContent-Type: image/jpeg\r\nContent-Transfer-Encoding: base64\r\n{Convert.ToBase64String(content, breaks)}\r\n{Parts}";
                var (got, _) = await Prepare(sent);
                Assert.That(got, Does.Contain("\r\nContent-Transfer-Encoding: base64\r\n\r\n"));
                Assert.That(Parse(got).BodyParts.OfType<MimePart>().Select(part => Encoding.Latin1.GetString(Content(part)).TrimEnd()), Is.EqualTo(new[] { Encoding.Latin1.GetString(content).TrimEnd(), "text", "%PDF-1" }));
            }
        }
    }

    // With another field of MIME's behind it, a strange line ends no header.
    [TestCase("Content-Disposition: attachment;\r\nfilename=\"a.pdf\"", "Content-Disposition: attachment;\r\n filename=\"a.pdf\"")]
    [TestCase("strange line", "strange line")]
    public async Task The_header_of_a_part_goes_on_behind_a_line_that_is_no_field(string written, string sent)
    {
        const string Rest = "\r\nContent-Transfer-Encoding: base64\r\n\r\nJVBERi0x\r\n--abc--\r\n";
        var (got, _) = await Prepare($"Subject: s\r\nContent-Type: multipart/mixed; boundary=abc\r\n\r\n--abc\r\nContent-Type: application/pdf\r\n{written}{Rest}");
        Assert.That(got, Does.EndWith($"--abc\r\nContent-Type: application/pdf\r\n{sent}{Rest}"));
    }

    [TestCase("")]
    [TestCase("--")]
    public async Task A_boundary_behind_the_last_octets_of_an_attachment_stands_on_a_line_of_its_own(string end)
    {
        foreach (var size in (int[])[10, 3_000, 300_000])
        {
            var content = Enumerable.Range(0, size).Select(i => (byte)(i * 7)).ToArray();
            foreach (var breaks in (Base64FormattingOptions[])[Base64FormattingOptions.InsertLineBreaks, Base64FormattingOptions.None])
            {
                var attached = $"Content-Type: image/jpeg\r\nContent-Transfer-Encoding: base64\r\n\r\n{Convert.ToBase64String(content, breaks)}--a--b";
                var sent = $"Subject: s\r\nContent-Type: multipart/mixed; boundary=a--b\r\n\r\n--a--b\r\n{attached}\r\n{attached}{end}\r\n{(end is "" ? Parts.Replace("abc", "a--b", StringComparison.Ordinal)[8..] : "")}";
                var (got, message) = await Prepare(sent);
                Assert.That(Parse(got).BodyParts.OfType<MimePart>().Take(2).Select(Content), Is.All.EqualTo(content));
                Assert.That(Parse(got).BodyParts.Count(), Is.EqualTo(end is "" ? 4 : 2));
                Assert.That(got, Does.Contain("\r\n--a--b--\r\n"));
                Assert.That(message.Repairs, Has.Some.Contains("boundary"));
                Assert.That((await Prepare(got)).Got, Is.EqualTo(got), "again");
            }
        }
    }

    [TestCase("MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=\"abc\"", Parts)]
    [TestCase("Content-Type: multipart/mixed;\r\n boundary=abc\r\nX-Mailer: script", "\r\n" + Parts)]
    [TestCase("MIME-Version: 1.0\r\nContent-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: 8bit", "<p>page</p>\r\n")]
    public async Task A_header_that_an_empty_line_cuts_in_two_is_one(string second, string body)
    {
        var (got, message) = await Prepare($"Subject: s\r\n\r\n\r\n{second}\r\n\r\n{body}");
        Assert.That(got[..(got.IndexOf("\r\n\r\n", StringComparison.Ordinal) + 2)], Does.StartWith($"Subject: s\r\n{second}\r\n"));
        Assert.That(got, Does.EndWith("\r\n\r\n" + body));
        Assert.That(message.Repairs, Has.Some.Contains("empty line"));
    }

    [TestCase("Content-Type: multipart/mixed; boundary=abc\r\n\r\nis what it should say\r\n")]
    [TestCase("Content-Type: text/plain\r\n\r\n--abc\r\n")]
    [TestCase("X-Powered-By: PHP/8.2\r\nContent-type: text/html; charset=UTF-8\r\n\r\n<br />\r\n", Description = "what cron sends of a web program that it runs")]
    [TestCase("From: a@b.example\r\nContent-Type: multipart/mixed; boundary=abc\r\n\r\n" + Parts)]
    [TestCase("Content-Type: multipart/mixed; boundary=abc\r\nis what it says\r\n\r\n" + Parts)]
    [TestCase("Content-Type: multipart/mixed; boundary=abc\r\n")]
    public async Task Text_about_mail_stays_text(string text) =>
        Assert.That((await Prepare($"Subject: s\r\n\r\n{text}")).Got, Does.EndWith("\r\n\r\n" + text));
}
