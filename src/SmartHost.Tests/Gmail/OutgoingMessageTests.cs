using System.Text;
using MimeKit;
using SmartHost.Gmail;
using SmartHost.Gmail.Repair;
using SmartHost.Mail;

namespace SmartHost.Tests.Gmail;

/// <summary>Ugly messages as devices send them, and what goes to Gmail instead.</summary>
public class OutgoingMessageTests
{
    internal const string Received = "Received: from scanner ([192.168.1.23])\r\n\t(SmartHost device scanner; 1)\r\n\tby nas (SmartHost) with ESMTP id 3kz;\r\n\tTue, 02 Jul 2024 08:11:12 +0000\r\n";
    private const string Date = "Date: Tue, 02 Jul 2024 10:11:12 +0200\r\n";
    private const string Id = "Message-ID: <1@smarthost>\r\n";

    internal static readonly RepairContext Context = new(
        Mailbox.Parse("you@gmail.com"), [Mailbox.Parse("info@example.com")], "office-scanner", null, null,
        new ReversePath(Mailbox.Parse("scanner@office.example")), "<1@smarthost>", new DateTimeOffset(2024, 7, 2, 8, 11, 12, TimeSpan.Zero));

    [Test]
    public async Task Message_without_a_fault_goes_out_octet_for_octet()
    {
        var sent = Received + "From: Me <you@gmail.com>\r\nTo: <a@b.example>,\r\n B C <b@b.example>\r\nSubject: scan\r\n" + Date + Id
            + "X-Mailer: Copier 3\r\n\r\npage\r\n.dot\r\n";
        var (got, message) = await Prepare(sent);
        Assert.That(got, Is.EqualTo(sent.Replace("\r\n\r\npage", "\r\nX-SmartHost-Device: office-scanner\r\n\r\npage")));
        Assert.That(message.Repairs, Is.Empty);
    }

    /// <summary>Without quotes round its comma, Gmail takes it for two senders and refuses the message.</summary>
    [TestCase("Scanner, 3rd floor")]
    [TestCase("Scanner: hall")]
    [TestCase("[Scan] hall")]
    [TestCase("=?utf-8?q?Scanner,_hall?=")]
    public async Task A_name_with_signs_in_it_stands_in_quotes_in_the_accounts_own_From(string name) =>
        Assert.That((await Prepare($"From: {name} <you@gmail.com>\r\nSubject: s\r\n\r\nx\r\n")).Got, Does.Match("^From: \"[^\"]+\" <you@gmail.com>\r\n"));

    /// <summary>RFC 2046 §5.1.5: a message, though it does not say so, and no text whose lines could be encoded.</summary>
    [Test]
    public async Task Part_of_a_digest_is_a_message_where_it_does_not_say_so()
    {
        var part = "From: a@b.example\r\nSubject: inside\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n\r\n";
        var (got, _) = await Prepare($"Subject: s\r\nMIME-Version: 1.0\r\nContent-Type: multipart/digest; boundary=b\r\n\r\n--b\r\n\r\n{part}{new string('A', 2000)}\r\n--b--\r\n");
        var inside = ((MessagePart)((Multipart)Parse(got).Body!).Single()).Message!;
        Assert.That((inside.Subject, ((MimePart)inside.Body!).ContentTransferEncoding), Is.EqualTo(("inside", ContentEncoding.Base64)));
        Assert.That(got, Does.Contain($"--b\r\n\r\n{part}{new string('A', 76)}\r\n"));
    }

    [Test]
    public async Task Foreign_From_becomes_the_account_with_the_devices_own_name()
    {
        var (got, message) = await Prepare(Received + "From: Copier <copier@office.example>\r\nSender: x@y.example\r\nTo: a@b.example\r\nSubject: s\r\n" + Date + Id + "\r\nx\r\n");
        Assert.That(got, Is.EqualTo(Received + "From: \"Copier\" <you@gmail.com>\r\nTo: a@b.example\r\nSubject: s\r\n" + Date + Id
            + "X-Original-From: Copier <copier@office.example>\r\nReply-To: copier@office.example\r\nX-SmartHost-Device: office-scanner\r\n\r\nx\r\n"));
        Assert.That(message.From, Is.EqualTo(Context.Account));
        Assert.That(message.Repairs, Has.Some.Contains("made From you@gmail.com").And.Some.EqualTo("set Reply-To to copier@office.example"));
    }

    [TestCase("From: info@example.com", null, "info@example.com", "")]
    [TestCase("From: Shop <INFO@example.com>", null, "INFO@example.com", "Shop")]
    [TestCase("From: copier@x.example, Shop <info@example.com>", null, "info@example.com", "Shop")]
    [TestCase("From: copier@x.example", null, "you@gmail.com", "office-scanner")]
    [TestCase("From: copier@x.example", "Front door", "you@gmail.com", "Front door")]
    [TestCase("From: Copier <copier@x.example>", "Front \"door\" <info@example.com>", "info@example.com", "Front \"door\"")]
    [TestCase("From: Copier <copier@x.example>", "info@example.com", "info@example.com", "Copier")]
    [TestCase("From: Copier <copier@x.example>", "boss@bank.example", "you@gmail.com", "Copier")]
    [TestCase("From: info@example.com", "Front door", "info@example.com", "Front door")]
    [TestCase("From: ESP-CAM_MJPEG <ESP-CAM_MJPEG>", null, "you@gmail.com", "ESP-CAM_MJPEG")]
    [TestCase("From: Copier", null, "you@gmail.com", "Copier")]
    [TestCase("From: \"boss@bank.example\" <copier@x.example>", null, "you@gmail.com", "office-scanner")]
    [TestCase("From: <>", null, "you@gmail.com", "office-scanner")]
    [TestCase("From:", null, "you@gmail.com", "office-scanner")]
    [TestCase("From: =?utf-8?q?Ger=C3=A4t?= <copier@x.example>", null, "you@gmail.com", "Gerät")]
    [TestCase("From: =?utf-8?q?Ger=C3=A4t_=3Ccopier=40x.example=3E?=", null, "you@gmail.com", "Gerät")]
    [TestCase("From: Ger\u00e4t 7 <copier@x.example>", null, "you@gmail.com", "Gerät 7")]
    [TestCase("X-None: 1", null, "you@gmail.com", "office-scanner")]
    public async Task From_follows_setting_alias_and_account(string from, string? setting, string address, string name)
    {
        var (got, message) = await Prepare(from + "\r\nTo: a@b.example\r\n\r\nx\r\n", Context with { From = setting });
        var mail = Parse(got);
        Assert.That(mail.From.Mailboxes.Select(m => (m.Address, m.Name ?? "")), Is.EqualTo(new[] { (address, name) }));
        Assert.That(mail.Headers.Count(header => header.Id == HeaderId.From), Is.EqualTo(1));
        Assert.That(message.From, Is.EqualTo(Mailbox.Parse(address)));
    }

    [TestCase("copier@office.example", "copier@office.example")]
    [TestCase("copier@office.lan", null)]
    [TestCase("copier@office.local", null)]
    [TestCase("copier@localhost", null)]
    [TestCase("copier@printer.localdomain", null)]
    [TestCase("root@192.168.1.10", null)]
    [TestCase("root@[192.168.1.10]", null)]
    [TestCase("copier", null)]
    [TestCase("info@example.com, other@b.example", "other@b.example")]
    public async Task Own_address_becomes_Reply_To_only_where_an_answer_can_reach_it(string from, string? replyTo)
    {
        var (got, _) = await Prepare($"From: {from}\r\n\r\nx\r\n");
        Assert.That(Parse(got).ReplyTo.Mailboxes.Select(m => m.Address), Is.EqualTo(replyTo is null ? Array.Empty<string>() : [replyTo]));
    }

    [Test]
    public async Task Reply_To_of_the_device_stays()
    {
        var (got, _) = await Prepare("Reply-To: desk@b.example\r\nFrom: copier@office.example\r\nReply-To: second@b.example\r\n\r\nx\r\n");
        Assert.That(Parse(got).Headers.Where(h => h.Id == HeaderId.ReplyTo).Select(h => h.Value), Is.EqualTo(new[] { "desk@b.example" }));
    }

    [Test]
    public async Task Two_From_with_two_addresses_become_one()
    {
        var mail = Parse((await Prepare("From: a@b.example, second@example.com\r\nFrom: Copier <a@b.example>\r\nTo: c@d.example\r\nSubject: s\r\n\r\npage\r\n")).Got);
        Assert.That(mail.From.Mailboxes.Single().Address, Is.EqualTo("you@gmail.com"));
        Assert.That(mail.ReplyTo.Mailboxes.Select(m => m.Address), Is.EqualTo(new[] { "a@b.example", "second@example.com" }));
        Assert.That(mail.Headers["X-Original-From"], Is.EqualTo("a@b.example, second@example.com, Copier <a@b.example>"));
    }

    // What stands where the header ends, and what is text.
    [TestCase("\u00ef\u00bb\u00bfFrom: a@b.example\r\nSubject: s\r\n\r\npage\r\n", "s", "page\r\n", TestName = "BOM")]
    [TestCase("\u00ef\u00bb\u00bf\u00ef\u00bb\u00bfFrom: a@b.example\r\nSubject: s\r\n\r\npage\r\n", "s", "page\r\n", TestName = "BOM, and that of the file that was read")]
    [TestCase(" From: a@b.example\r\n Subject: long\r\n   subject\r\n To: <c@d.example>\r\n\r\n page\r\n", "long   subject", " page\r\n", TestName = "all lines indented")]
    [TestCase("\tSubject: s\r\nFrom: a@b.example\r\n\r\npage\r\n", "s", "page\r\n", TestName = "first line indented")]
    [TestCase("From scanner@lan Tue Jul  2 10:11:12 2024\r\nFrom: a@b.example\r\nSubject: s\r\n\r\npage\r\n", "s", "page\r\n", TestName = "mbox line")]
    [TestCase(">From scanner@lan\r\nFrom: a@b.example\r\nSubject: s\r\n\r\npage\r\n", "s", "page\r\n", TestName = "quoted mbox line")]
    [TestCase("From here on it rained\r\nall day\r\n", null, "From here on it rained\r\nall day\r\n", TestName = "text that begins with From")]
    [TestCase("From: a@b.example\r\nSubject: door\r\nThe front door was opened\r\nat 22:14\r\n", "door", "The front door was opened\r\nat 22:14\r\n", TestName = "no empty line")]
    [TestCase("Subject: door\r\nTime: 22:14\r\nZone: 3\r\nThe door was opened\r\n", "door", "Time: 22:14\r\nZone: 3\r\nThe door was opened\r\n", TestName = "no empty line, text with colons")]
    [TestCase("Subject: door\r\nSubject: again\r\nThe door\r\n", "door", "Subject: again\r\nThe door\r\n", TestName = "no empty line, a second Subject")]
    [TestCase("From: a@b.example\r\nSubject: scan from\r\nroom five north\r\nTo: <c@d.example>\r\n\r\nthe page\r\n", "scan from room five north", "the page\r\n", TestName = "fold without its blank")]
    [TestCase("From: a@b.example\r\nSubject: door\r\nAlarm report\r\nDate: yesterday\r\n\r\nmore\r\n", "door", "Alarm report\r\nDate: yesterday\r\n\r\nmore\r\n", TestName = "text that looks like a fold")]
    [TestCase("From: a@b.example\r\nX-Last: kept\r\nSubject: ping\r\n", "ping", "", TestName = "header only")]
    [TestCase("Just text\r\nSubject: no\r\n\r\nmore\r\n", null, "Just text\r\nSubject: no\r\n\r\nmore\r\n", TestName = "no header")]
    [TestCase("Zone: 3\r\nState: open\r\n\r\nmore\r\n", null, "Zone: 3\r\nState: open\r\n\r\nmore\r\n", TestName = "no header, text with colons")]
    [TestCase("   indented\r\ntext\r\n", null, "   indented\r\ntext\r\n", TestName = "no header, indented")]
    [TestCase("  Date:   2026-11-26\r\n  Device: X\r\n  Alarm: yes\r\n", null, "  Date:   2026-11-26\r\n  Device: X\r\n  Alarm: yes\r\n", TestName = "no header, indented text that looks like one")]
    [TestCase("  Date:   2026-11-26\r\n\r\n  Alarm: yes\r\n", null, "  Date:   2026-11-26\r\n\r\n  Alarm: yes\r\n", TestName = "no header, an indented date")]
    [TestCase(".first\r\nSubject: x\r\n\r\n.config\r\n..\r\n.\r\nend\r\n", null, ".first\r\nSubject: x\r\n\r\n.config\r\n..\r\n.\r\nend\r\n", TestName = "no header, dots")]
    [TestCase("\r\nplain\r\n", null, "plain\r\n", TestName = "empty header")]
    [TestCase("\r\nFrom: a@b.example\r\nSubject: s\r\n\r\npage\r\n", "s", "page\r\n", TestName = "empty line first")]
    [TestCase("\r\n\r\nDate: Tue, 02 Jul 2024 10:11:12 +0200\r\nX-Mailer: Copier\r\n folded\r\nZone: 3\r\nSubject: s\r\n\r\npage\r\n", "s", "page\r\n", TestName = "empty lines first, the Subject late")]
    [TestCase("\r\nDate: 2026-11-26\r\nDevice: X\r\nAlarm: yes\r\n\r\nmore\r\n", null, "Date: 2026-11-26\r\nDevice: X\r\nAlarm: yes\r\n\r\nmore\r\n", TestName = "empty header, text that looks like one")]
    [TestCase("\r\nDate: 2026-11-26\r\nThe door\r\nSubject: x\r\n", null, "Date: 2026-11-26\r\nThe door\r\nSubject: x\r\n", TestName = "empty header, a date and text")]
    [TestCase("Subject : s\r\nFrom\t: a@b.example\r\n\r\npage\r\n", "s", "page\r\n", TestName = "blanks before the colon")]
    [TestCase("Subject: s\r\n: nameless\r\n\r\npage\r\n", "s", ": nameless\r\n\r\npage\r\n", TestName = "empty name")]
    [TestCase("Subject: s\r\n \t \r\nX-A: b\r\n\r\npage\r\n", "s", "page\r\n", TestName = "line of blanks in the header")]
    [TestCase("C:\\SCANS\\1.pdf\r\nhttp://nas/\r\n", null, "C:\\SCANS\\1.pdf\r\nhttp://nas/\r\n", TestName = "path and URL")]
    [TestCase("", null, "", TestName = "nothing")]
    public async Task Header_ends_where_the_text_begins(string sent, string? subject, string body)
    {
        foreach (var top in (string[])["", Received])
        {
            var (got, _) = await Prepare(top + sent);
            var mail = Parse(got);
            Assert.That(got[(got.IndexOf("\r\n\r\n", StringComparison.Ordinal) + 4)..], Is.EqualTo(body));
            Assert.That(mail.Subject, Is.EqualTo(subject));
            Assert.That(got, Does.StartWith(top));
        }
    }

    [Test]
    public async Task Fold_without_its_blank_keeps_what_follows_a_header()
    {
        var mail = Parse((await Prepare("Subject: long\r\nrest of it\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\r\ntext\r\n--x--\r\n")).Got);
        Assert.That(mail.Subject, Is.EqualTo("long rest of it"));
        Assert.That(((Multipart)mail.Body!).Count, Is.EqualTo(1));
        // Like a name with blanks, and yet the alarm itself.
        Assert.That(Parse((await Prepare("Subject: Alarm at station\r\nZone 4: door open\r\nTo: a@b.example\r\n\r\ntext\r\n")).Got).Subject, Is.EqualTo("Alarm at station Zone 4: door open"));
    }

    /// <summary>Cut inside one, it would be letters and signs.</summary>
    [Test]
    public async Task A_name_of_many_encoded_words_is_folded_between_them()
    {
        var name = string.Join(' ', Enumerable.Repeat("B\u00fcro", 500));
        var got = (await Prepare(Encoding.Latin1.GetString(Encoding.UTF8.GetBytes($"Subject: s\r\nCc: \"{name}\" <desk@b.example>\r\n\r\npage\r\n")))).Got;
        Assert.That(Parse(got).Cc.Mailboxes.Single().Name!.Replace(" ", ""), Is.EqualTo(name.Replace(" ", "")));
        Assert.That(got.Split("\r\n"), Has.All.Length.LessThanOrEqualTo(998));
    }

    [TestCase("Device Name: X 7", "Device-Name", "X 7")]
    [TestCase("Serial  No\t:\tA\r\n B", "Serial-No", "A B")]
    [TestCase("Reply To: desk@b.example", "Reply-To", "desk@b.example")]
    public async Task A_name_with_blanks_is_a_field_of_its_own_and_spoils_no_other(string line, string name, string value)
    {
        var mail = Parse((await Prepare($"Subject: s\r\nDate: Tue, 02 Jul 2024 10:11:12 +0200\r\n{line}\r\nTo: a@b.example\r\n\r\npage\r\n")).Got);
        Assert.That((mail.Subject, mail.Headers[name], mail.To.ToString(), mail.TextBody!.TrimEnd()), Is.EqualTo(("s", value, "a@b.example", "page")));
        var text = (await Prepare($"Subject: s\r\n{line}\r\nThe door\r\n")).Got;
        Assert.That(text[(text.IndexOf("\r\n\r\n", StringComparison.Ordinal) + 4)..], Is.EqualTo($"{line}\r\nThe door\r\n"), "no header goes on behind it: text");
    }

    [TestCase("at 22:14 the door")]
    [TestCase("Ger\u00e4t b: c")]
    [TestCase("one of the doors: open")]
    public async Task Other_lines_with_a_colon_are_the_rest_of_a_fold(string line) =>
        Assert.That(Parse((await Prepare($"Subject: s\r\n{line}\r\nTo: a@b.example\r\n\r\npage\r\n")).Got).Subject, Is.EqualTo($"s {line}"));

    [TestCase("boundary=\"=:_b\"")]
    [TestCase("charset=utf-8;\r\nboundary=\"=:_b\"")]
    public async Task Parameter_on_a_line_of_its_own_belongs_to_the_Content_Type(string parameters)
    {
        var mail = Parse((await Prepare($"Subject: s\r\nContent-Type: multipart/mixed;\r\n{parameters}\r\n\r\n--=:_b\r\n\r\ntext\r\n--=:_b--\r\n")).Got);
        Assert.That(((Multipart)mail.Body!).Count, Is.EqualTo(1));
        Assert.That(mail.TextBody, Does.StartWith("text"));
    }

    [Test]
    public async Task Bcc_and_return_paths_do_not_leave()
    {
        var (got, message) = await Prepare("Return-Path: <x@y>\r\nBCC: boss@b.example,\r\n other@b.example\r\nResent-Bcc: q@b.example\r\nX-SmartHost-Device: fake\r\nSubject: s\r\n\r\nx\r\n");
        Assert.That(got, Does.Not.Contain("boss").And.Not.Contain("other").And.Not.Contain("q@b").And.Not.Contain("fake").And.Not.Contain("Return-Path"));
        Assert.That(Parse(got).Headers["To"], Is.EqualTo("undisclosed-recipients:;"));
        Assert.That(message.Repairs, Does.Contain("removed Bcc"));
    }

    [Test]
    public async Task Many_To_become_one()
    {
        var mail = Parse((await Prepare("To: <a@b.example>\r\nFrom: OSSEC <o@b.example>\r\nTo: <c@b.example>\r\nTo: Third <third@example.com>\r\nSubject: s\r\n\r\nrule\r\n")).Got);
        Assert.That(mail.Headers.Count(h => h.Id == HeaderId.To), Is.EqualTo(1));
        Assert.That(mail.To.Mailboxes.Select(m => m.Address), Is.EqualTo(new[] { "a@b.example", "c@b.example", "third@example.com" }));
    }

    [TestCase("operator", "undisclosed-recipients:;", "operator")]
    [TestCase("a@b.example; c@d.example", "a@b.example,c@d.example", null)]
    [TestCase("Desk <a@b.example>\r\nX-Mailer Mailer 1.0\r\nX-Priority: 3", "\"Desk\" <a@b.example>", null)]
    [TestCase("J\u00fcrgen <a@b.example>", "=?utf-8?b?SsO8cmdlbg==?= <a@b.example>", null)]
    [TestCase("a@m\u00fcller.example", "a@xn--mller-kva.example", null)]
    [TestCase("\u00e4@b.example, c@d.example", "c@d.example", "ä@b.example, c@d.example")]
    [TestCase("Team: a@b.example, Desk <c@d.example>;", "Team: a@b.example, Desk <c@d.example>;", null)]
    [TestCase("Our team:;", "Our team:;", null)]
    [TestCase("=?utf-8?q?T=C3=A4?=: =?utf-8?q?=C3=A4?= <a@b.example>;", "=?utf-8?q?T=C3=A4?=: =?utf-8?q?=C3=A4?= <a@b.example>;", null)]
    [TestCase("Team: a@b.example, operator;", "a@b.example", "Team: a@b.example, operator;")]
    [TestCase("a@b.example: c@d.example;", "a@b.example,c@d.example", null)]
    [TestCase("Desk, 3rd floor <a@b.example>", "\"Desk, 3rd floor\" <a@b.example>", null)]
    [TestCase("'a@b.example' <a@b.example>", "\"'a@b.example'\" <a@b.example>", "'a@b.example' <a@b.example>")]
    [TestCase("Desk a@b.example>, c@d.example", "c@d.example", "Desk a@b.example>, c@d.example")]
    public async Task To_holds_addresses(string to, string expected, string? original)
    {
        var mail = Parse((await Prepare($"Subject: s\r\nTo: {to}\r\n\r\nx\r\n")).Got);
        Assert.That(Encoding.ASCII.GetString(mail.Headers.First(h => h.Id == HeaderId.To).RawValue).Replace("\r\n ", "", StringComparison.Ordinal).Trim(), Is.EqualTo(expected).IgnoreCase);
        Assert.That(mail.Headers["X-Original-To"], Is.EqualTo(original));
    }

    [TestCase("a@b.example,<c@d.example>, Desk <e@f.example>")]
    [TestCase("<a@b.example>,\r\n\t\"Doe, John\" <c@d.example>")]
    [TestCase("=?utf-8?q?T=C3=A4?= =?utf-8?q?_B?= <a@b.example>, c@d.example")]
    [TestCase("=?no-such-charset?b?sai+rw==?= <a@b.example>,\r\n c@d.example,\r\n <e@f.example>")]
    public async Task To_without_a_fault_goes_out_octet_for_octet(string to)
    {
        var (got, message) = await Prepare($"Subject: s\r\nTo: {to}\r\n\r\nx\r\n");
        Assert.That(got, Does.Contain($"\r\nTo: {to}\r\n"));
        Assert.That(message.Repairs, Has.None.Contains("mended To"));
    }

    [TestCase("=?utf-8?q?T=C3=A4?= <a@b.example>; c@d.example", "=?utf-8?b?VMOk?= <a@b.example>,\r\n c@d.example")]
    [TestCase("=?utf-8?q?T=C3=A4?= a@b.example>, c@d.example", "c@d.example")]
    public async Task To_with_a_fault_beside_an_encoded_name_is_mended(string to, string mended) =>
        Assert.That((await Prepare($"Subject: s\r\nTo: {to}\r\n\r\nx\r\n")).Got, Does.Contain($"\r\nTo: {mended}\r\n"));

    [Test]
    public async Task A_date_with_a_raw_name_of_its_zone_is_kept_without_it()
    {
        var (got, _) = await Prepare("Subject: s\r\nDate: Tue, 02 Jul 2024 10:11:12 +0200 (Westeurop\u00e4ische Sommerzeit)\r\n\r\nx\r\n");
        Assert.That(got, Does.Contain("\r\nDate: Tue, 02 Jul 2024 10:11:12 +0200\r\n"));
    }

    [TestCase("Tue, 02 Jul 2024 10:11:12 +0200", true)]
    [TestCase("2 Jul 2024 10:11 GMT", true)]
    [TestCase("Tue,  2 Jul 2024 10:11:12 -0000 (UTC)", true)]
    [TestCase("Tue, 02 Jul 2024 10:11:12 +0200 (Central European Summer Time)", true)]
    [TestCase("Tue Jul  2 10:11:12 2024", false)]
    [TestCase("2024-07-02T10:11:12Z", false)]
    [TestCase("Tue, 02 Jul 2024 10:11:12", false)]
    [TestCase("32 Jul 2024 10:11:12 +0200", false)]
    [TestCase("Tue, 02 Jul 2024 10:11:12 +9900", false)]
    // A clock that nobody set.
    [TestCase("Thu, 1 Jan 1970 00:00:31 +0000", false)]
    [TestCase("Sat, 01 Jan 2000 00:12:00 +0100", false)]
    [TestCase("", false)]
    public async Task Date_that_nobody_can_read_becomes_the_time_of_arrival(string date, bool stays)
    {
        var mail = Parse((await Prepare($"Subject: s\r\nDate: {date}\r\n\r\nx\r\n")).Got);
        Assert.That(mail.Headers["Date"], Is.EqualTo(stays ? date : "Tue, 02 Jul 2024 08:11:12 +0000"));
        Assert.That(mail.Headers["X-Original-Date"], Is.EqualTo(stays || date is "" ? null : date));
    }

    [Test]
    public async Task What_is_sent_once_more_keeps_its_old_Date()
    {
        var (got, _) = await Prepare("Resent-From: a@b.example\r\nResent-Date: Tue, 02 Jul 2024 10:11:12 +0200\r\nSubject: s\r\nDate: Wed, 03 Jun 2015 10:00:00 +0200\r\n\r\nx\r\n");
        Assert.That(Parse(got).Headers["Date"], Is.EqualTo("Wed, 03 Jun 2015 10:00:00 +0200"));
    }

    [TestCase("", null)]
    [TestCase("Message-ID: bare\r\n", "bare")]
    [TestCase("Message-ID: <always@device>\r\nMessage-Id: <twice@device>\r\n", "<always@device>")]
    public async Task Message_ID_is_the_queues(string written, string? original)
    {
        var mail = Parse((await Prepare($"Subject: s\r\n{written}\r\nx\r\n")).Got);
        Assert.That(mail.Headers.Where(h => h.Id == HeaderId.MessageId).Select(h => h.Value), Is.EqualTo(new[] { "<1@smarthost>" }));
        Assert.That(mail.Headers["X-Original-Message-ID"], Is.EqualTo(original));
    }

    [TestCase("s", "[scan]", "[scan] s")]
    [TestCase("[scan] s", "[scan]", "[scan] s")]
    [TestCase("=?utf-8?q?Ger=C3=A4t?=", "[Büro]", "[Büro] Gerät")]
    [TestCase("Ger\u00e4t", "", "Gerät")]
    public async Task Subject_gets_its_prefix_once(string subject, string prefix, string expected) =>
        Assert.That(Parse((await Prepare($"Subject: {subject}\r\n\r\nx\r\n", Context with { SubjectPrefix = prefix })).Got).Subject, Is.EqualTo(expected));

    // What nobody declared, or nobody here can read, must not be written anew in another charset.
    [TestCase("\u00c4\u00e3\u00ba\u00c3 1", "[scan]", "[scan] =?iso-8859-1?b?xOO6ww==?= 1")]
    [TestCase("=?gb2312?b?xOO6ww==?=", "[scan]", "[scan] =?gb2312?b?xOO6ww==?=")]
    [TestCase("", "[scan]", "[scan]")]
    public async Task Behind_its_prefix_a_Subject_keeps_its_octets(string subject, string prefix, string written)
    {
        var mail = Parse((await Prepare($"Subject: {subject}\r\n\r\nx\r\n", Context with { SubjectPrefix = prefix })).Got);
        Assert.That(Encoding.ASCII.GetString(mail.Headers.First(h => h.Id == HeaderId.Subject).RawValue).Trim(), Is.EqualTo(written));
    }

    // With blanks in them, or cut by a fold, they are none, and most readers show the code.
    [TestCase("=?utf-8?Q?T=C3=BCr 3 offen?= now", "=?utf-8?Q?T=C3=BCr_3_offen?= now")]
    [TestCase("=?utf-8?b?VMO8\r\n ciAz?=", "=?utf-8?b?VMO8ciAz?=")]
    [TestCase("=?utf-8?Q?T=C3=BC=\r\n r 3?=", "=?utf-8?Q?T=C3=BCr_3?=")]
    [TestCase("=?utf-8?Q?a?= and =?utf-8?Q?b?=", "=?utf-8?Q?a?= and =?utf-8?Q?b?=")]
    [TestCase("what =? is ?q? that ?=", "what =? is ?q? that ?=")]
    public async Task Encoded_words_of_a_Subject_have_no_blanks(string written, string sent) =>
        Assert.That((await Prepare($"Subject: {written}\r\n\r\nx\r\n")).Got, Does.StartWith($"Subject: {sent}\r\n"));

    [TestCase("B\u00fcro 7", "[B\u00fcro]", "[Büro] Büro 7")]
    [TestCase("s", "[B\u00fcro]", "[Büro] s")]
    [TestCase("\u00e4", "B\u00fcro Nord:", "Büro Nord: ä")]
    public async Task A_prefix_beyond_ASCII_stands_apart(string subject, string prefix, string read) =>
        Assert.That(Parse((await Prepare($"Subject: {subject}\r\n\r\nx\r\n", Context with { SubjectPrefix = prefix })).Got).Subject, Is.EqualTo(read));

    [Test]
    public async Task A_name_without_an_end_is_cut_and_nothing_of_it_lost()
    {
        foreach (var name in (string[])[new string('n', 1200), string.Concat(Enumerable.Repeat("n\"\\", 500))])
        {
            var quoted = name.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal);
            var (got, _) = await Prepare($"Subject: s\r\nTo: \"{quoted}\" <a@b.example>, c@d.example\r\n\r\nx\r\n");
            Assert.That(got.Split("\r\n").Max(line => line.Length), Is.LessThanOrEqualTo(998));
            Assert.That(Parse(got).To.Mailboxes.Select(own => (own.Name?.Replace(" ", "", StringComparison.Ordinal), own.Address)), Is.EqualTo(new[] { (name, "a@b.example"), ("", "c@d.example") }));
        }
    }

    [Test]
    public async Task Raw_8_bit_and_endless_header_lines_become_ASCII_and_short()
    {
        var (got, _) = await Prepare(
            "From: Ger\u00e4t 7 <copier@office.example>\r\nSubject: \u00c3\u00a9t\u00c3\u00a9 \u0007" + new string('y', 3000)
            + "\r\nX-Words: " + string.Join(' ', Enumerable.Repeat("word", 500)) + "\r\nIn-Reply-To: <\u00fc@x>\r\n\r\nx\r\n");
        var mail = Parse(got);
        Assert.That(mail.Subject!.Replace(" ", "", StringComparison.Ordinal), Is.EqualTo("été" + new string('y', 3000)));
        Assert.That(mail.Headers["X-Words"], Is.EqualTo(string.Join(' ', Enumerable.Repeat("word", 500))));
        Assert.That(got.Split("\r\n").Max(line => line.Length), Is.LessThanOrEqualTo(998));
        Assert.That(Ascii.IsValid(got), Is.True);
    }

    [TestCase("B\u00fcro \u00e4\u00f6 7", "=?iso-8859-1?b?QvxybyDk9g==?= 7", "Büro äö 7")]
    [TestCase("5 \u0080", "5 =?windows-1252?b?gA==?=", "5 €")]
    [TestCase("T\u00fcr  Stra\u00dfe  7", "=?iso-8859-1?b?VPxyICBTdHJh32Ug?= 7", "Tür  Straße  7")]
    public async Task Subject_in_an_undeclared_code_page_keeps_its_octets(string subject, string written, string read)
    {
        var mail = Parse((await Prepare($"Subject: {subject}\r\n\r\nx\r\n")).Got);
        Assert.That(Encoding.ASCII.GetString(mail.Headers.First(h => h.Id == HeaderId.Subject).RawValue).Trim(), Is.EqualTo(written));
        Assert.That(mail.Subject, Is.EqualTo(read));
    }

    [TestCase("gr\u00fcn\r\n", "grün", "iso-8859-1")]
    [TestCase("gr\u00c3\u00bcn\r\n", "grün", "utf-8")]
    [TestCase("5 \u0080\r\n", "5 €", "windows-1252")]
    public async Task Text_in_8_bit_without_a_charset_gets_one(string body, string text, string charset)
    {
        foreach (var type in (string[])["", "Content-Type: text/plain\r\n", "Content-Type: nonsense\r\n", "Content-Transfer-Encoding: 7bit\r\n"])
        {
            var (got, message) = await Prepare("Subject: s\r\n" + type + "\r\n" + body);
            var mail = Parse(got);
            Assert.That(mail.TextBody!.TrimEnd(), Is.EqualTo(text));
            Assert.That(mail.Body!.ContentType.Charset, Is.EqualTo(charset));
            Assert.That(mail.Headers["MIME-Version"], Is.EqualTo("1.0"));
            Assert.That(mail.Body!.Headers["Content-Transfer-Encoding"], Is.EqualTo("8bit"));
            Assert.That(message.Is8Bit, Is.True);
        }
    }

    [TestCase("<meta charset=gb2312>\u00c4\u00e3", "gb2312")]
    [TestCase("<html><head>\r\n<META http-equiv='Content-Type' content='text/html; charset=Shift_JIS' />\r\n</head>\u0082\u00a0", "Shift_JIS", TestName = "A_page_is_in_the_charset_of_its_http_equiv")]
    [TestCase("<!-- <meta charset=koi8-r> --><meta charset = \"windows-1251\">\u00c4\u00e3", "windows-1251")]
    [TestCase("<meta charset=utf-8><p>gr\u00c3\u00bcn", "utf-8")]
    [TestCase("<meta charset=utf-8><p>gr\u00fcn", "iso-8859-1")]
    [TestCase("<meta charset=utf8><p>gr\u00fcn", "iso-8859-1")]
    [TestCase("<meta charset=us-ascii><p>gr\u00fcn", "iso-8859-1")]
    [TestCase("<meta charset=iso-8859-1><p>gr\u00c3\u00bcn", "utf-8")]
    [TestCase("<meta charset=utf-16><p>gr\u00c3\u00bcn", "utf-8")]
    [TestCase("<meta name=charset><p>gr\u00c3\u00bcn", "utf-8")]
    [TestCase("<meta charset=><p>gr\u00fcn", null)]
    [TestCase("<meta charset=\u00fc><p>gr\u00fcn", null)]
    [TestCase("<p>\u00c4\u00e3", null)]
    [TestCase("<meta charset=gb2312>", null)]
    public async Task A_page_is_in_the_charset_that_it_names_itself(string page, string? charset)
    {
        foreach (var before in (string[])["", new string(' ', 900)])
            Assert.That(Parse((await Prepare("Subject: s\r\nContent-Type: text/html\r\n\r\n" + before + page + "\r\n")).Got).Body!.ContentType.Charset, Is.EqualTo(charset));
    }

    [Test]
    public async Task A_charset_that_is_named_late_in_a_page_is_not_looked_for() =>
        Assert.That(Parse((await Prepare("Subject: s\r\nContent-Type: text/html\r\n\r\n" + new string(' ', 1024) + "<meta charset=gb2312>\u00c4\u00e3\r\n")).Got).Body!.ContentType.Charset, Is.Null);

    [Test]
    public async Task Base64_on_one_line_is_wrapped_and_the_same()
    {
        var content = Enumerable.Range(0, 225_000).Select(i => (byte)(i * 7)).ToArray();
        var (got, message) = await Prepare("Subject: s\r\nContent-Type: image/jpeg; name=a.jpg\r\nContent-Transfer-Encoding: base64\r\n\r\n" + Convert.ToBase64String(content) + "\r\n");
        Assert.That(Content((MimePart)Parse(got).Body!), Is.EqualTo(content));
        Assert.That(got.Split("\r\n").Max(line => line.Length), Is.LessThanOrEqualTo(78));
        Assert.That(message.Repairs, Does.Contain("broke lines of more than 998 octets"));
    }

    [Test]
    public async Task Endless_lines_inside_parts_keep_their_text()
    {
        var text = string.Concat(Enumerable.Range(0, 900).Select(i => $"w{i} = \u00e4 "));
        var html = "<html>" + new string('h', 5000) + "</html>";
        var base64 = Convert.ToBase64String(new byte[4000]);
        var sent = "Subject: s\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=\"o\"\r\n\r\n" + new string('p', 2000) + "\r\n"
            + "--o\r\nContent-Type: multipart/alternative; boundary=i\r\n\r\n"
            + "--i\r\nContent-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: 8bit\r\n\r\n" + text + "\r\nshort \r\n"
            + "--i\r\nContent-Type: text/html\r\n\r\n" + html + "\r\n"
            + "--i--\r\n"
            + "--o\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n" + string.Concat(Enumerable.Repeat("caf=C3=A9 ", 300)) + "=\r\nend\r\n"
            + "--o\r\nContent-Type: application/pdf; name=\"" + new string('n', 1200) + ".pdf\"\r\nContent-Transfer-Encoding: base64\r\n\r\n" + base64 + "\r\n"
            + "--o\r\nContent-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\n" + new string('m', 1500) + "\r\n"
            + "--o\r\n\r\nuntouched\r\n--o--\r\n";
        var (got, message) = await Prepare(sent);
        var before = Leaves(Parse(sent));
        var after = Leaves(Parse(got));
        Assert.That(after, Has.Length.EqualTo(6));
        Assert.That(after, Is.EqualTo(before));
        Assert.That(got.Split("\r\n").Max(line => line.Length), Is.LessThanOrEqualTo(998));
        Assert.That(got, Does.Contain("--o\r\n\r\nuntouched\r\n--o--\r\n"));
        Assert.That(message.Is8Bit, Is.False);
    }

    [Test]
    public async Task Endless_line_of_plain_text_is_quoted_printable()
    {
        var text = string.Concat(Enumerable.Repeat("ein gr\u00c3\u00bcner = Satz\t", 200)).TrimEnd() + " \r\nzwei\r\n";
        var mail = Parse((await Prepare("Subject: s\r\n\r\n" + text)).Got);
        Assert.That(mail.TextBody!.ReplaceLineEndings("\r\n"), Is.EqualTo(Encoding.UTF8.GetString(Encoding.Latin1.GetBytes(text))));
        Assert.That(mail.Body!.Headers["Content-Transfer-Encoding"], Is.EqualTo("quoted-printable"));
    }

    [TestCase("Content-Disposition: attachment; filename=\"setup.EXE\"", "setup.EXE")]
    [TestCase("Content-Type: application/octet-stream; name=\"a.js. \"", "a.js. ")]
    [TestCase("Content-Disposition: attachment; filename*=utf-8''Ger%C3%A4t.vbs", "Gerät.vbs")]
    [TestCase("Content-Type: application/pdf; name=exe.pdf", null)]
    public async Task Blocked_attachments_are_named(string header, string? name)
    {
        var expected = name is null ? Array.Empty<string>() : [name];
        var (_, message) = await Prepare($"Subject: s\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n{header}\r\n\r\nx\r\n--b--\r\n");
        Assert.That(message.BlockedAttachments, Is.EqualTo(expected));
        Assert.That((await Prepare($"Subject: s\r\n{header}\r\n\r\nx\r\n")).Message.BlockedAttachments, Is.EqualTo(expected));
    }

    [TestCase(1)]
    [TestCase(9_000)] // A directory larger than what is kept of an archive.
    public async Task Blocked_files_within_a_zip_are_named(int others)
    {
        using var zip = new MemoryStream();
        using (var archive = new System.IO.Compression.ZipArchive(zip, System.IO.Compression.ZipArchiveMode.Create, leaveOpen: true))
        {
            for (var i = 0; i < others; i++) archive.CreateEntry($"documents/and a rather long name, number {i}.txt");
            archive.CreateEntry("bin/Ger\u00e4t.EXE");
        }
        await using var message = await OutgoingMessage.PrepareAsync(Attached(zip.ToArray()), Context, default);
        Assert.That(message.BlockedAttachments, Is.Empty);
        Assert.That(await message.FindBlockedAsync(default), Is.EqualTo(["bin/Ger\u00e4t.EXE in tools.zip"]));
        using var sent = new MemoryStream();
        await message.WriteToAsync(sent, default);
        Assert.That(sent.Length, Is.EqualTo(message.Size), "it can be sent all the same");
    }

    [TestCase(false)]
    [TestCase(true)]
    public async Task A_name_that_cannot_be_read_costs_nobody_Gmails_answer(bool stopping)
    {
        var stored = new StumblingStream(Attached([]).ToArray());
        await using var message = await OutgoingMessage.PrepareAsync(stored, Context, default);
        stored.Stumbles = !stopping;
        Assert.That(await message.FindBlockedAsync(new CancellationToken(stopping)), Is.Empty);
    }

    [TestCase("")]
    [TestCase("PK\u0005\u0006")]
    [TestCase("PK\u0001\u0002PK\u0001\u0002xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxPK\u0005\u0006xxxxxxxxxxxxxxxxxxxxxx")]
    public async Task What_is_no_zip_has_nothing_to_name(string octets)
    {
        await using var message = await OutgoingMessage.PrepareAsync(Attached(Encoding.Latin1.GetBytes(octets)), Context, default);
        Assert.That(await message.FindBlockedAsync(default), Is.Empty);
    }

    [Test]
    public async Task An_address_that_is_encoded_whole_is_read()
    {
        var (got, _) = await Prepare("From: =?utf-8?q?copier=40office.example?=\r\nTo: =?utf-8?b?YW5uQGV4YW1wbGUuY29t?=\r\nSubject: s\r\n\r\nx\r\n");
        Assert.That(got, Does.Contain("From: \"office-scanner\" <you@gmail.com>\r\n").And.Contain("To: ann@example.com\r\n").And.Contain("Reply-To: copier@office.example\r\n"));
    }

    // msg["To"] = "Ärztin <ann@example.com>, bob@example.com", by Python's older policy (compat32): a field with any letter beyond ASCII is encoded whole.
    [TestCase("=?utf-8?q?=C3=84rztin_=3Cann=40example=2Ecom=3E=2C_bob=40example=2Ecom?=")]
    [TestCase("=?utf-8?b?w4RyenRpbiA8YW5uQGV4YW1wbGUuY29tPiwgYm9iQGV4YW1w?=\r\n =?utf-8?b?bGUuY29t?=")]
    public async Task A_list_that_is_encoded_whole_is_read(string to)
    {
        var (got, _) = await Prepare($"From: copier@x.lan\r\nTo: {to}\r\nSubject: s\r\n\r\nx\r\n");
        Assert.That(Parse(got).To.Mailboxes.Select(mailbox => (mailbox.Name ?? "", mailbox.Address)), Is.EqualTo(new[] { ("Ärztin", "ann@example.com"), ("", "bob@example.com") }));
    }

    [Test]
    public async Task A_signature_that_cannot_hold_is_told()
    {
        var (_, message) = await Prepare($"Subject: s\r\nContent-Type: multipart/signed; boundary=b\r\n\r\n--b\r\n\r\n{new string('x', 1000)}\r\n--b--\r\n");
        Assert.That(message.Repairs, Has.Some.Contain("its signature no longer holds"));
    }

    [TestCase("X-Big: ", "\r\n\r\ntext\r\n", "text\r\n")]
    [TestCase("X-Big: ", "\r\nX-More: 1\r\n folded\r\nThe text\r\n", "The text\r\n")]
    [TestCase("X-Big: ", "\r\n", "")]
    public async Task Header_of_a_megabyte_is_cut(string name, string behind, string body)
    {
        var (got, message) = await Prepare("Subject: s\r\n" + name + new string('y', 1 << 20) + behind);
        Assert.That(got, Has.Length.LessThan(MessageHead.MaxHeader + (128 << 10)));
        Assert.That(Parse(got).Subject, Is.EqualTo("s"));
        Assert.That(got[(got.IndexOf("\r\n\r\n", StringComparison.Ordinal) + 4)..], Is.EqualTo(body));
        Assert.That(message.Repairs, Has.Some.StartsWith("cut a header"));
    }

    [Test]
    public async Task A_second_attempt_writes_the_same_octets()
    {
        foreach (var body in (string[])["page\r\n", new string('x', 5000) + "\r\n", string.Concat(Enumerable.Repeat("line\n", 40_000))])
        {
            await using var message = await OutgoingMessage.PrepareAsync(new MemoryStream(Encoding.ASCII.GetBytes("Subject: s\r\n\r\n" + body)), Context, default);
            using var first = new MemoryStream();
            using var second = new MemoryStream();
            await message.WriteToAsync(first, default);
            await message.WriteToAsync(second, default);
            Assert.That(second.ToArray(), Is.EqualTo(first.ToArray()).And.Length.EqualTo(message.Size));
        }
    }

    [Test]
    public async Task A_disk_that_fails_is_told_and_the_stream_is_closed()
    {
        var stored = new FailingStream();
        await Assert.ThrowsAsync<IOException>(() => OutgoingMessage.PrepareAsync(stored, Context, default));
        Assert.That(stored.CanRead, Is.False);
    }

    [Test, NonParallelizable] // It counts what the whole process allocates.
    public async Task Thirty_five_megabytes_need_little_memory()
    {
        foreach (var lineLength in (int[])[76, 2000])
        {
            await using var warm = await OutgoingMessage.PrepareAsync(new BigMessage(1 << 20, lineLength), Context, default);
            await warm.WriteToAsync(Stream.Null, default);
            var allocated = await Allocations.OfAsync(async () =>
            {
                await using var message = await OutgoingMessage.PrepareAsync(new BigMessage(35 << 20, lineLength), Context, default);
                var sink = new CountingStream();
                await message.WriteToAsync(sink, default);
                Assert.That(sink.Count, Is.EqualTo(message.Size).And.GreaterThan(35 << 20));
            });
            Assert.That(allocated, Is.LessThan(4 << 20));
        }
    }

    internal static async Task<(string Got, OutgoingMessage Message)> Prepare(string octets, RepairContext? context = null)
    {
        await using var message = await OutgoingMessage.PrepareAsync(new MemoryStream(Encoding.Latin1.GetBytes(octets)), context ?? Context, default);
        using var got = new MemoryStream();
        await message.WriteToAsync(got, default);
        Assert.That(got.Length, Is.EqualTo(message.Size));
        var text = Encoding.Latin1.GetString(got.ToArray());
        Assert.That(message.Is8Bit, Is.EqualTo(!Ascii.IsValid(text)));
        return (text, message);
    }

    internal static MimeMessage Parse(string octets) => MimeMessage.Load(new MemoryStream(Encoding.Latin1.GetBytes(octets)));

    internal static byte[] Content(MimePart part)
    {
        using var content = new MemoryStream();
        part.Content?.DecodeTo(content);
        return content.ToArray();
    }

    /// <summary>The decoded text of every part; the line end before a boundary is the boundary's.</summary>
    private static string[] Leaves(MimeMessage mail) => mail.BodyParts
        .SelectMany(part => part is MessagePart { Message: { } inner } ? Leaves(inner) : [Encoding.Latin1.GetString(Content((MimePart)part)).TrimEnd('\r', '\n')]).ToArray();

    private sealed class StumblingStream(byte[] octets) : MemoryStream(octets)
    {
        public bool Stumbles { get; set; }

        public override long Position
        {
            get => base.Position;
            set => base.Position = Stumbles ? throw new InvalidOperationException("as a reader might, of what nobody foresaw") : value;
        }
    }

    private static MemoryStream Attached(byte[] archive) => new(Encoding.ASCII.GetBytes(
        $"Subject: s\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nsee below\r\n--b\r\nContent-Type: application/zip\r\nContent-Disposition: attachment; filename=tools.zip\r\n"
        + $"Content-Transfer-Encoding: base64\r\n\r\n{Convert.ToBase64String(archive, Base64FormattingOptions.InsertLineBreaks)}\r\n--b--\r\n"));

    private sealed class FailingStream : MemoryStream
    {
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => throw new IOException("the disk is gone");
    }

    private sealed class CountingStream : MemoryStream
    {
        public long Count { get; private set; }

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            Count += buffer.Length;
            return default;
        }
    }

    /// <summary>A scan of any size without the memory for it.</summary>
    private sealed class BigMessage(long size, int lineLength) : Stream
    {
        private static readonly byte[] Header = Encoding.ASCII.GetBytes(
            "Subject: s\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nscan\r\n--b\r\nContent-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n");

        private readonly byte[] _line = Encoding.ASCII.GetBytes(new string('A', lineLength) + "\r\n");

        public override bool CanRead => true;
        public override bool CanSeek => true;
        public override bool CanWrite => false;
        public override long Length => Header.Length + size;
        public override long Position { get; set; }

        public override int Read(Span<byte> buffer)
        {
            var from = Position < Header.Length ? Header.AsSpan((int)Position) : _line.AsSpan((int)((Position - Header.Length) % _line.Length));
            if (from.Length > Length - Position) from = from[..(int)(Length - Position)];
            if (from.Length > buffer.Length) from = from[..buffer.Length];
            from.CopyTo(buffer);
            Position += from.Length;
            return from.Length;
        }

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => new(Read(buffer.Span));
        public override void Flush() { }
        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
        public override void SetLength(long value) => throw new NotSupportedException();
        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
