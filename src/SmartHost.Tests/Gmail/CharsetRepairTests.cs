using System.Text;
using MimeKit;
using SmartHost.Mail;

namespace SmartHost.Tests.Gmail;

/// <summary>Text that is raw, cut or under a wrong name, as devices send it, and what a reader sees in the end. A character stands for an octet.</summary>
public class CharsetRepairTests
{
    private const string Gbk = "Content-Type: text/plain; charset=gb2312\r\n", Alarm = "\u00b1\u00a8\u00be\u00af";

    [TestCase("\u001b$B%F%9%H\u001b(B", "テスト", TestName = "Kana by the escapes of RFC 1468")]
    [TestCase("scan \u001b$@%F%9%H\u001b(J 7", "scan テスト 7", TestName = "The older escapes, ASCII around them")]
    [TestCase("\u001b$B%F%9\r\n %H\u001b(B", "テスト", TestName = "Folded between two characters, its state left open")]
    [TestCase("\u001b$B%F%\r\n 9%H\u001b(B", "テスト", TestName = "Folded inside a character")]
    [TestCase("\u001b(I12\u001b(B \u001b[1mdone\u001b(B", "ｱｲ [1mdone", TestName = "Half-width kana, and what a terminal understands")]
    [TestCase("\u001b$B%F%9%", "テス", TestName = "Cut inside a character")]
    [TestCase("\u001b(0x\u001b(B", "(0x(B", TestName = "Letters that nobody here knows are left")]
    public async Task Raw_ISO_2022_JP_is_read(string subject, string read)
    {
        var (got, _) = await OutgoingMessageTests.Prepare($"Subject: {subject}\r\nContent-Type: text/plain; charset=ISO-2022-JP\r\n\r\n\u001b$B%F\u001b(B\r\n");
        Assert.That(OutgoingMessageTests.Parse(got).Subject!.TrimEnd('\uFFFD', '?', '・'), Is.EqualTo(read));
        Assert.That(got, Does.EndWith("\r\n\r\n\u001b$B%F\u001b(B\r\n"));
    }

    [Test]
    public async Task Raw_ISO_2022_JP_in_a_name_does_not_break_the_list()
    {
        // The octets of these characters are a quote, a comma and a bracket.
        var mail = OutgoingMessageTests.Parse((await OutgoingMessageTests.Prepare("From: a@b.example\r\nTo: \u001b$B%\"%,%<\u001b(B <c@d.example>\r\n\r\nx\r\n")).Got);
        Assert.That(mail.To.Mailboxes.Select(to => (to.Name, to.Address)), Is.EqualTo(new[] { ("アガゼ", "c@d.example") }));
    }

    [TestCase(Gbk, Alarm, "报警")]
    [TestCase("Content-Type: text/plain; charset=\"cp936\"\r\n", Alarm, "报警")]
    [TestCase("Content-Type: text/plain; charset=Shift_JIS\r\n", "\u0083e\u0083X\u0083g", "テスト", TestName = "Shift_JIS, one octet of two in ASCII")]
    [TestCase("Content-Type: text/plain; charset=koi8-r\r\n", "\u00d4\u00c5\u00d3\u00d4", "тест")]
    [TestCase("Content-Type: text/plain; charset=EUC-KR\r\n", "\u0094\u00ee", "뷁", TestName = "As Windows extends EUC-KR")]
    [TestCase("Content-Type: text/html\r\n", Alarm, "报警", TestName = "As the page says")]
    [TestCase("Content-Type: multipart/mixed; boundary=b\r\n", Alarm, "报警", TestName = "As the first text says")]
    [TestCase(Gbk, "\u00e6\u008a\u00a5\u00e8\u00ad\u00a6", "报警", TestName = "Valid UTF-8 is that, whatever is declared")]
    [TestCase(Gbk, "\u00e6\u008a\u00a5\u00e8\u00ad\u00a6\u00e6\u008a\u00a5\u00e8\u00ad\u00a6\u00e6\u008a\u00a5\u00e8\u00ad\u00a6\u00e6\u008a", "报警报警报警", TestName = "Cut UTF-8 is that, too")]
    [TestCase(Gbk, "caf\u00e9", "café", TestName = "What is no text in it is Western")]
    [TestCase("Content-Type: text/plain; charset=utf-16\r\n", "B\u00fcro", "Büro", TestName = "No header is in UTF-16")]
    [TestCase("Content-Type: text/plain; charset=no-such\r\n", "B\u00fcro", "Büro", TestName = "A charset that does not exist")]
    public async Task Raw_header_is_in_the_charset_of_the_text(string type, string octets, string read)
    {
        var body = type.Contains("html", StringComparison.Ordinal) ? $"<meta charset=gb2312>{Alarm}"
            : type.Contains("multipart", StringComparison.Ordinal) ? $"--b\r\nContent-Type: image/jpeg\r\n\r\n\r\n--b\r\n{Gbk}\r\n{Alarm}\r\n--b--" : octets;
        var (got, _) = await OutgoingMessageTests.Prepare($"From: {octets} <cam@x.example>\r\nTo: \"{octets}\" <a@b.example>\r\nSubject: {octets} 1\r\n{type}\r\n{body}\r\n");
        var mail = OutgoingMessageTests.Parse(got);
        Assert.That(mail.Subject!.Replace("\uFFFD", "", StringComparison.Ordinal), Is.EqualTo(read + " 1"));
        Assert.That(new[] { mail.From[0].Name, mail.To[0].Name }.Select(name => name?.TrimEnd('\uFFFD')), Is.All.EqualTo(read));
        Assert.That(mail.Headers["X-Original-From"]!.Replace("\uFFFD", "", StringComparison.Ordinal), Is.EqualTo(read + " <cam@x.example>"));
        Assert.That(got, Does.EndWith("\r\n\r\n" + body + "\r\n"));
    }

    // Nothing here is raw: only to be read and written by another name.
    [TestCase("=?gb2312?B?sai+rw==?=", "报警")]
    [TestCase("=?iso-2022-jp?B?GyRCJUYlOSVIGyhC?=", "テスト")]
    [TestCase("=?windows-1252?Q?=8Aimon?=", "Šimon")]
    public async Task Encoded_name_is_read_before_it_is_written_anew(string name, string read) =>
        Assert.That(OutgoingMessageTests.Parse((await OutgoingMessageTests.Prepare($"From: {name} <cam@x.example>\r\n\r\nx\r\n")).Got).From[0].Name, Is.EqualTo(read));

    [TestCase("Subject: gr\u00c3\u00bcn, bla\u00c3", "grün, bla\uFFFD")]
    [TestCase("Subject: \u00e6\u008a\u00a5\u00e8\u00ad", "报\uFFFD", TestName = "A single character before the cut")]
    [TestCase("Subject: caf\u00e9", "café")]
    [TestCase("Subject: \u00e9t\u00e9", "été")]
    public async Task Subject_that_was_cut_inside_a_character_is_still_UTF_8(string subject, string read) =>
        Assert.That(OutgoingMessageTests.Parse((await OutgoingMessageTests.Prepare(subject + "\r\n\r\nx\r\n")).Got).Subject, Is.EqualTo(read));

    // Undeclared, in ASCII, in UTF-8 or in a part: each octet as it came, under a name that it can be read by. Null: as it came.
    [TestCase("", "gr\u00c3\u00bcn, bla\u00c3", "utf-8")]
    [TestCase("", "\u00c3\u00a4\u00c3\u00a4\u00c3\u00a4\u00c3\u00a4\u00c3\u00a4 \u00c3- gr\u00c3\u00bcn", "utf-8")]
    [TestCase("", "\u00c3\u00a4 \u00fc \u00fc", "iso-8859-1")]
    [TestCase("us-ascii", "B\u00fcro", "iso-8859-1")]
    [TestCase("us-ascii", "5 \u0080", "windows-1252", TestName = "ASCII by its name, Windows by its octets")]
    [TestCase("US-ASCII", "B\u00c3\u00bcro", "utf-8")]
    [TestCase("ANSI_X3.4-1968", "B\u00c3\u00bcro", "utf-8")]
    [TestCase("unknown-8bit", "B\u00c3\u00bcro", "utf-8")]
    [TestCase("ANSI", "B\u00fcro", "iso-8859-1")]
    [TestCase("utf-8", "B\u00fcro", "iso-8859-1")]
    [TestCase("UTF8", "B\u00fcro", "iso-8859-1")]
    [TestCase("unicode", "B\u00c3\u00bcro", "utf-8")]
    [TestCase("UTF-16", "B\u00fcro", "iso-8859-1")]
    [TestCase("Unicode", "Buero", "us-ascii")]
    [TestCase("utf-8", "B\u00c3\u00bcro", null)]
    [TestCase("utf-8", "B\u00c3\u00bcro \u00ff", null)]
    [TestCase("us-ascii", "Buero", null)]
    [TestCase("koi8-r", "B\u00fcro", null)]
    public async Task Text_that_its_header_contradicts_gets_another_charset(string declared, string text, string? charset)
    {
        var type = declared is "" ? "" : $"Content-Type: text/plain; format=flowed; charset={declared}\r\nX-Odd:   y \r\n";
        var part = $"{type}\r\n{text}\r\n";
        foreach (var (sent, kept) in new[]
        {
            ($"Subject: s\r\nMIME-Version: 1.0\r\n{part}", $"\r\n\r\n{text}\r\n"),
            ($"Subject: s\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n{part}--b\r\n{Attached}", $"\r\n\r\n{text}\r\n--b\r\n{Attached}"),
        })
        {
            var (got, message) = await OutgoingMessageTests.Prepare(sent);
            Assert.That(got, Does.EndWith(kept), "the octets");
            var found = OutgoingMessageTests.Parse(got).BodyParts.OfType<TextPart>().First();
            Assert.That(found.ContentType.Charset, Is.EqualTo(charset ?? (declared is "" ? null : declared)));
            if (charset is null) Assert.That(got, Does.Contain(type), "the header");
            if (declared is not "") Assert.That(got, Does.Contain("format=flowed").And.Contain("X-Odd:   y \r\n"));
            Assert.That(message.Repairs.Any(repair => repair.Contains("charset", StringComparison.Ordinal)), Is.EqualTo(charset is not null));
            Assert.That((await OutgoingMessageTests.Prepare(got)).Got, Is.EqualTo(got), "again");
        }
    }

    private const string Attached = "Content-Type: text/csv; charset=us-ascii\r\nContent-Disposition: attachment; filename=a.csv\r\n\r\n\u00fc;1\r\n--b--\r\n";

    [TestCase("text/html; charset=utf-8", "<p>gr\u00fcn", "iso-8859-1")]
    [TestCase("text/html; charset=us-ascii", "<meta charset=gb2312>" + Alarm, "gb2312")]
    [TestCase("text/xml", "<?xml version='1.0' encoding='koi8-r'?><a>\u00d4\u00c5", "koi8-r")]
    [TestCase("text/xml", "<?xml version='1.0'?><a>gr\u00c3\u00bcn", "utf-8")]
    [TestCase("text/xml", "<?xml version='1.0'?><a>gr\u00fcn", null)]
    [TestCase("text/html; charset=utf-8", "<meta charset=gb2312>gr\u00c3\u00bcn", "utf-8")]
    public async Task A_contradicted_page_is_in_the_charset_that_it_names_itself(string type, string page, string? charset) =>
        Assert.That(OutgoingMessageTests.Parse((await OutgoingMessageTests.Prepare($"Content-Type: {type}\r\n\r\n{page}\r\n")).Got).Body!.ContentType.Charset, Is.EqualTo(charset));

    [Test]
    public async Task A_file_with_the_word_in_its_name_names_no_charset() =>
        Assert.That(OutgoingMessageTests.Parse((await OutgoingMessageTests.Prepare("Content-Type: text/plain; name=\"charset=koi8-r\"\r\n\r\ngr\u00fcn\r\n")).Got).Body!.ContentType.Charset, Is.EqualTo("iso-8859-1"));

    // What names it is broken, but tells more than a guess.
    [TestCase("text/plain charset=koi8-r", "text/plain; charset=koi8-r")]
    [TestCase("text/plain, charset=\"koi8-r\"", "text/plain; charset=koi8-r")]
    [TestCase("text/plain; charset: koi8-r", "text/plain; charset=koi8-r")]
    [TestCase("text/plain; format=flowed charset=koi8-r", "text/plain; format=\"flowed charset=koi8-r\"; charset=koi8-r")]
    [TestCase("text/html charset=koi8-r", "text/html; charset=koi8-r")]
    [TestCase("text; charset=koi8-r", "text/plain; charset=koi8-r")]
    [TestCase("text/plain charset=utf-8", "text/plain; charset=iso-8859-1")]
    [TestCase("text/plain charset=us-ascii", "text/plain; charset=iso-8859-1")]
    public async Task A_charset_behind_the_wrong_sign_is_believed(string type, string mended)
    {
        var part = $"Content-Type: {type}\r\n\r\n\u00d4\u00c5\r\n";
        Assert.That((await OutgoingMessageTests.Prepare($"Subject: s\r\n{part}")).Got, Does.Contain($"\r\nContent-Type: {mended}\r\n"));
        var (got, _) = await OutgoingMessageTests.Prepare($"Subject: \u00d4\u00c5\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n{part}--b--\r\n");
        Assert.That(got, Does.EndWith($"\r\n--b\r\nContent-Type: {mended}\r\n\r\n\u00d4\u00c5\r\n--b--\r\n"));
        Assert.That(OutgoingMessageTests.Parse(got).Subject, Is.EqualTo(mended.Contains("koi8", StringComparison.Ordinal) ? "те" : "ÔÅ"));
    }

    [TestCase("multipart/signed; micalg=x; protocol=\"application/x\"; boundary=i", "--i\r\n\r\ngr\u00fcn\r\n--i--\r\n")]
    [TestCase("message/rfc822", "Subject: x\r\n\r\ngr\u00fcn\r\n")]
    [TestCase("multipart/digest; boundary=i", "--i\r\n\r\nSubject: x\r\n\r\ngr\u00fcn\r\n--i--\r\n")]
    public async Task What_is_signed_or_forwarded_keeps_its_header(string type, string content)
    {
        var body = $"--b\r\nContent-Type: {type}\r\n\r\n{content}--b\r\n";
        var (got, _) = await OutgoingMessageTests.Prepare($"Subject: s\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n{body}\r\nB\u00fcro\r\n--b--\r\n");
        Assert.That(got, Does.EndWith(body + "Content-Type: text/plain; charset=iso-8859-1\r\n\r\nB\u00fcro\r\n--b--\r\n"));
    }

    [Test]
    public async Task A_part_with_an_endless_line_gets_its_charset_with_its_encoding()
    {
        var line = new string('y', 1000) + "\u00fc";
        var part = OutgoingMessageTests.Parse((await OutgoingMessageTests.Prepare($"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n{line}\r\n--b--\r\n")).Got).BodyParts.OfType<TextPart>().Single();
        Assert.That((part.ContentType.Charset, part.Text.TrimEnd()), Is.EqualTo(("iso-8859-1", line)));
    }

    [Test]
    public void Cuts_between_chunks_do_not_change_what_looks_like_UTF_8()
    {
        byte[] octets = [.. "aäb€c😀"u8, 0xE2, 0x82, (byte)'\r', (byte)'\n', 0x80, 0xFF, 0xF0, 0x9F, (byte)'x', .. "ä"u8, 0xE2, 0x82];
        for (var size = 1; size <= octets.Length; size++)
        {
            var utf8 = new Utf8Likeness();
            foreach (var chunk in octets.Chunk(size)) utf8.Read(chunk);
            Assert.That((utf8.Good, utf8.Bad), Is.EqualTo((4L, 5L)), $"{size}");
        }
    }
}
