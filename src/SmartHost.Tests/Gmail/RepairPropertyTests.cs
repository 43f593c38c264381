using System.Text;
using CsCheck;
using MimeKit;
using SmartHost.Gmail;
using SmartHost.Gmail.Repair;
using SmartHost.Listener;

namespace SmartHost.Tests.Gmail;

/// <summary>Whatever a device sends: what must hold of everything that goes to Gmail.</summary>
public class RepairPropertyTests
{
    /// <summary>Pieces that messages are made of, and are broken by.</summary>
    private static readonly Gen<string> Piece = Gen.OneOf(
        OneOf(
            "\r\n", "\r\n\r\n", "\n", "\r", "\0", " ", "\t", ":", "=", "=3D", "=\r\n", "\u00e4", "\u00c3\u00a4", "\u0007", "\u00ef\u00bb\u00bf", "@", "<", ">", ",", ";", "\"", "(",
            "From: a@b.example", "From: you@gmail.com", "From: A <info@example.com>", "From: ", "From x y", ">From x", "To: c@d.example, ", "To: \u00e4@d.example", "Cc: x", "Bcc: secret@b.example",
            "Reply-To: ", "Sender: s@b.example", "Date: Tue, 02 Jul 2024 10:11:12 +0200", "Date: ", "Message-ID: <1@smarthost>", "Message-ID: x", "Subject: ", "Subject: =?utf-8?q?=C3=A4?=",
            "MIME-Version: 1.0", "Content-Type: multipart/mixed; boundary=b", "Content-Type: text/plain; charset=utf-8", "Content-Type: text/plain; charset=us-ascii", "Content-Type: text/html; charset=gb2312", "\u00b1\u00a8", "\u001b$B%F", "\u001b(B", "Content-Type: text/html; name=\"\u00e4\"", "Content-Type: message/rfc822",
            "Content-Transfer-Encoding: base64", "Content-Transfer-Encoding: quoted-printable", "Content-Transfer-Encoding: 8bit", "--b", "--b--", "Received: x; ", "Zone: 3", "text of a line", "X-A: b",
            "X-SmartHost-Device: z", "Resent-To: \u00e4", "To: Team: a@b.example;", "Device Name: X", "Ger\u00e4t: 7", "Priority: high", "Subject:", "Subject: other",
            "Content-Type:", "Content-Type: multipart/mixed", "Content-Type: multipart; boundary=\"x\"", "boundary=\"b\"", "--b\r\nContent-Type: text/html\r\n", "Content-Transfer-Encoding: \"base64\" (x)",
            "Content-Transfer-Encoding: 7bit", "SGVsbG8=", "=C3=A4", "To: a@b.example,\r\nb@b.example", "Disposition-Notification-To: \u00fc <x@y.example>"),
        Gen.Int[1, 3000].Select(count => new string('y', count)),
        Gen.Int[900, 3000].Select(count => $"To: {new string('n', count)} <n@x.example>"),
        Gen.Int[300, 1000].Select(count => $"Cc: \"{string.Concat(Enumerable.Repeat("q\\\"\\\\", count))}\" <n@x.example>"),
        Gen.Int[1, 600].Select(count => string.Concat(Enumerable.Repeat("w\u00e4 ", count))),
        Gen.Int[990, 1010].Select(count => new string(' ', count)),
        Gen.Char['\0', '\u00ff'].Array[0, 40].Select(octets => new string(octets)));

    private static readonly Gen<string> Message = Gen.Select(Piece, OneOf("", "", "\r\n", "\r\n"), (piece, end) => piece + end).Array[0, 30].Select(string.Concat);

    private static readonly Gen<RepairContext> Context = Gen.Select(
        OneOf(null, "Front door", "info@example.com", "B\u00fcro <info@example.com>", "\"", "\u00e4"), OneOf(null, "[x]", "\u00e4:"), OneOf("scanner", "B\u00fcro \"1\"", "a\\b"),
        (from, prefix, device) => OutgoingMessageTests.Context with { From = from, SubjectPrefix = prefix, Device = device });

    [Test]
    public void Everything_that_leaves_is_a_valid_message() => Gen.Select(Message, Context).Sample((sent, context) =>
    {
        var got = Send(sent, context);
        Assert.That(got, Does.Not.Match("(?<!\r)\n|\r(?!\n)").And.Not.Contain("\0").And.EndsWith("\r\n"));
        Assert.That(got.Split("\r\n").Max(line => line.Length), Is.LessThanOrEqualTo(998));
        var header = got[..(got.IndexOf("\r\n\r\n", StringComparison.Ordinal) + 2)];
        Assert.That(header.Split("\r\n")[..^1], Has.All.Match("^[!-9;-~]+:[ -~\t]*$|^[ \t]+[!-~][ -~\t]*$"));
        var mail = OutgoingMessageTests.Parse(got);
        foreach (var once in (string[])["From", "Date", "Message-ID", "X-SmartHost-Device"])
            Assert.That(mail.Headers.Count(field => field.Field.Equals(once, StringComparison.OrdinalIgnoreCase)), Is.EqualTo(1), once);
        Assert.That(mail.Headers.GroupBy(field => field.Field, StringComparer.OrdinalIgnoreCase)
            .Where(group => HeaderBlock.SingleInstance.Contains(group.Key) && group.Count() > 1).Select(group => group.Key), Is.Empty);
        Assert.That(mail.From.Mailboxes.Select(own => own.Address.ToUpperInvariant()).Single(), Is.EqualTo("YOU@GMAIL.COM").Or.EqualTo("INFO@EXAMPLE.COM"));
        Assert.That(mail.Headers["Message-ID"], Is.EqualTo("<1@smarthost>"));
        Assert.That(header, Does.Not.Match("(?im)^Bcc"));
    }, iter: 400);

    [Test]
    public void Prepared_again_it_is_the_same() => Gen.Select(Message, Context).Sample((sent, context) =>
    {
        var once = Send(sent, context);
        Assert.That(Send(once, context), Is.EqualTo(once));
    }, iter: 400);

    [Test]
    public void Cuts_between_chunks_change_nothing() => Gen.Select(Message, Gen.Int[1, 50]).Sample((sent, size) =>
    {
        // Past the first chunk, where the body is read again for sending.
        var large = "Subject: s\r\n\r\n" + string.Concat(Enumerable.Repeat("a line of text\r\n", 5000)) + sent;
        Assert.That(Send(large, OutgoingMessageTests.Context, size), Is.EqualTo(Send(large, OutgoingMessageTests.Context)));
    }, iter: 40);

    [Test]
    public void Wrapped_content_decodes_to_the_same_octets() => Gen.Select(Gen.Byte.Array[0, 9000], OneOf("base64", "quoted-printable"), Gen.Bool).Sample((content, encoding, asPart) =>
    {
        var encoded = encoding == "base64" ? Convert.ToBase64String(content) : string.Concat(content.Select(octet => $"={octet:X2}"));
        var entity = $"Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n{encoded}\r\n";
        var sent = asPart ? $"Subject: s\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n{entity}--b--\r\n" : "Subject: s\r\n" + entity;
        var part = OutgoingMessageTests.Parse(Send(sent, OutgoingMessageTests.Context)).BodyParts.OfType<MimePart>().Single();
        Assert.That(OutgoingMessageTests.Content(part).AsSpan(0, content.Length).SequenceEqual(content), Is.True);
    }, iter: 300);

    [Test]
    public void Text_with_endless_lines_decodes_to_the_same_text() =>
        Gen.Select(OneOf("word ", "=", "\u00e4", "\t", ".", "From ", "\r\n", "=\u0001", " \r\n").Array[300, 3000], Gen.Bool).Sample((words, asPart) =>
        {
            var text = "x" + string.Concat(words) + "x";
            var entity = "Content-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: 8bit\r\n\r\n" + text + "\r\n";
            var sent = asPart ? $"Subject: s\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n{entity}--b--\r\n" : "Subject: s\r\n" + entity;
            var part = OutgoingMessageTests.Parse(Send(sent, OutgoingMessageTests.Context)).BodyParts.OfType<MimePart>().Single();
            Assert.That(Encoding.Latin1.GetString(OutgoingMessageTests.Content(part)).TrimEnd('\r', '\n'), Is.EqualTo(text));
        }, iter: 200);

    [Test]
    public void What_is_signed_goes_out_octet_for_octet() =>
        Gen.Select(OneOf("word", " ", "\t", "  \r\n", "\r\n", ".\r\n", "..x\r\n", "From here\r\n", "\u00e9", "=20", "--other\r\n", "Bcc: x@y.example\r\n", "\u0001").Array[0, 60], OneOf("pkcs7", "pgp"), Gen.Bool).Sample((pieces, kind, nested) =>
        {
            var content = string.Concat(pieces) + "\r\n";
            var signed = nested ? $"Content-Type: multipart/mixed; boundary=\"in ner\"\r\nX-Odd:   y \r\n\r\n--in ner\r\n\r\n{content}--in ner--\r\n" : $"Content-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: 8bit\r\n\r\n{content}";
            var body = $"--s\r\n{signed}\r\n--s\r\nContent-Type: application/{kind}-signature\r\nContent-Transfer-Encoding: base64\r\n\r\nAAAA\r\n--s--\r\n";
            var got = Send($"From: Copier <copier@office.example>\r\nBcc: b@c.example\r\nSubject: s\r\nMIME-Version: 1.0\r\nContent-Type: multipart/signed; boundary=s; micalg=sha-256;\r\n protocol=\"application/{kind}-signature\"\r\n\r\n{body}", OutgoingMessageTests.Context);
            Assert.That(got[(got.IndexOf("\r\n\r\n", StringComparison.Ordinal) + 4)..], Is.EqualTo(body));
        }, iter: 300);

    private static Gen<T> OneOf<T>(params T[] values) => Gen.Int[0, values.Length - 1].Select(i => values[i]);

    private static string Send(string sent, RepairContext context, int readSize = int.MaxValue)
    {
        var message = OutgoingMessage.PrepareAsync(new DribblingStream(Stored(Encoding.Latin1.GetBytes(sent)), readSize), context, default).GetAwaiter().GetResult();
        try
        {
            using var got = new MemoryStream();
            message.WriteToAsync(got, default).GetAwaiter().GetResult();
            Assert.That(got.Length, Is.EqualTo(message.Size));
            var text = Encoding.Latin1.GetString(got.ToArray());
            Assert.That(message.Is8Bit, Is.EqualTo(!Ascii.IsValid(text)));
            return text;
        }
        finally
        {
            message.DisposeAsync().AsTask().GetAwaiter().GetResult();
        }
    }

    /// <summary>What the listener keeps of it.</summary>
    private static byte[] Stored(byte[] sent)
    {
        var reader = new DataReader(DataFraming.Counted);
        var stored = new byte[2 * sent.Length + 2 * DataReader.MaxBurst];
        reader.Read(sent, stored, out _, out var length);
        reader.Finish(stored.AsSpan(length), out var end);
        return stored[..(length + end)];
    }

    private sealed class DribblingStream(byte[] octets, int size) : MemoryStream(octets)
    {
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            base.ReadAsync(buffer[..Math.Min(buffer.Length, size)], cancellationToken);
    }
}
