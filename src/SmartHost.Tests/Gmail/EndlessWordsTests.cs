using MimeKit;
using static SmartHost.Tests.Gmail.OutgoingMessageTests;

namespace SmartHost.Tests.Gmail;

/// <summary>Words, names and lists that no line of a header holds: what goes out is a header all the same, soon, and would not be mended again.</summary>
public class EndlessWordsTests
{
    private static readonly string Endless = new('y', 3000);

    /// <summary>MimeKit would write gigabytes: the value in pieces, each behind the whole name.</summary>
    [TestCase("Content-Type: text/plain")]
    [TestCase("Content-Disposition: attachment")]
    public async Task A_parameter_with_an_endless_name_is_left_out(string field)
    {
        var got = await TwiceTheSame($"Subject: s\r\n{field}; {new string('n', 20_000)}=\"{new string('\u00e4', 20_000)}\"; name=\"\u00e4.pdf\"\r\n\r\npage\r\n");
        Assert.That(got, Has.Length.LessThan(50_000));
        var part = (MimePart)Parse(got).Body!;
        Assert.That((part.ContentType.Name, part.ContentDisposition?.Parameters["name"]), Is.EqualTo(field.StartsWith("Content-Type", StringComparison.Ordinal) ? ("\u00e4.pdf", null) : ((string?)null, "\u00e4.pdf")));
    }

    [Test]
    public async Task Among_a_hundred_thousand_names_an_address_is_found()
    {
        var (got, _) = await Prepare($"Subject: s\r\nTo: {string.Concat(Enumerable.Repeat("a,", 100_000))} \"B, C\" <c@d.example>\r\n\r\npage\r\n");
        Assert.That(Parse(got).To.Mailboxes.Select(mailbox => mailbox.Address), Is.EqualTo(["c@d.example"]));
    }

    [Test]
    public async Task A_type_that_no_line_holds_is_left_out_and_the_text_is_shown()
    {
        var got = await TwiceTheSame($"Subject: s\r\nContent-Type: text/{Endless}\r\n\r\ngr\u00fc\u00dfe\r\n");
        var text = (TextPart)Parse(got).Body!;
        Assert.That((text.ContentType.MimeType, text.Text.TrimEnd()), Is.EqualTo(("text/plain", "gr\u00fc\u00dfe")));
    }

    [Test]
    public async Task A_multipart_of_a_kind_that_no_line_holds_shows_its_parts()
    {
        var got = await TwiceTheSame($"Subject: s\r\nContent-Type: multipart/mixed{Endless}\r\n boundary=b\r\n\r\n--b\r\nContent-Type: text/html\r\n\r\n<p>x\r\n--b--\r\n");
        Assert.That(Parse(got).BodyParts.Select(part => part.ContentType.MimeType), Is.EqualTo(["text/html"]));
    }

    [TestCase("\u00e4{0}\u00e4", Description = "blanks: MimeKit would make one encoded-word of them")]
    [TestCase("a{0}\u00e4")]
    public async Task A_thousand_blanks_in_a_name_or_a_subject_leave_it_readable(string text)
    {
        var words = string.Format(null, text, new string(' ', 1000));
        var got = await TwiceTheSame($"Subject: {words}\r\nTo: \"{words}\" <c@d.example>\r\n\r\npage\r\n");
        var mail = Parse(got);
        Assert.That(mail.Subject, Does.Match($"^{text[0]} +\u00e4$"));
        Assert.That(mail.To.Mailboxes.Single().Name, Does.Match($"^{text[0]} +\u00e4$"));
        Assert.That(got.Split("\r\n"), Has.None.Match(@"^\s[^=]*\?=$"), "no encoded-word is cut");
    }

    [Test]
    public async Task A_long_word_with_a_colon_far_behind_is_the_text_of_a_part()
    {
        var got = await TwiceTheSame($"Subject: s\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/html\r\n{Endless}:\r\n\r\nz\r\n--b--\r\n");
        Assert.That(((TextPart)Parse(got).BodyParts.Single()).Text, Does.StartWith(Endless));
    }

    private static async Task<string> TwiceTheSame(string sent)
    {
        var (got, _) = await Prepare(sent);
        Assert.That((await Prepare(got)).Got, Is.EqualTo(got));
        Assert.That(got.Split("\r\n").Max(line => line.Length), Is.LessThanOrEqualTo(998));
        return got;
    }
}
