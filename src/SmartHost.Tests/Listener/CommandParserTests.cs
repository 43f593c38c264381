using System.Text;
using CsCheck;
using SmartHost.Listener;
using SmartHost.Mail;

namespace SmartHost.Tests.Listener;

[Parallelizable(ParallelScope.All)]
public class CommandParserTests
{
    private static long Iterations => Environment.GetEnvironmentVariable("SMARTHOST_FUZZ_ITERATIONS") is { } text ? long.Parse(text) : 20_000;

    // Made of what commands are made of, so that it gets past the verb.
    private static readonly Gen<string> Lines = Gen.Frequency(
            (3, Gen.OneOf("MAIL FROM:", "RCPT TO:", "mail from :", "RCPT", "BDAT ", "AUTH PLAIN ", "EHLO ", "DATA")),
            (12, Gen.OneOf("<", ">", "\"", "\\", "@", ",", ";", ":", " ", "\t", ".", "(", ")", "[", "]", "'", "=", "@relay:", "mailto:", "SIZE=", "9999999999", "LAST", "a", "b.example", "ü", "\0", "\r", "\u001b")),
            (2, Gen.Char.Select(c => c.ToString())))
        .List[0, 14].Select(string.Concat);

    [Test]
    public void Any_octets_give_a_command_or_a_reply() =>
        Gen.OneOf(Gen.Byte.Array[0, 200], Lines.Select(Encoding.UTF8.GetBytes), Lines.Select(Encoding.Latin1.GetBytes)).Sample(line =>
        {
            switch (CommandParser.Parse(line))
            {
                case SmtpCommand.Invalid(var reply, _, _):
                    return reply.Code is >= 500 and < 600;
                case SmtpCommand.Mail(_, _, { } refusal):
                    return refusal.Code is >= 500 and < 600;
                case SmtpCommand.Rcpt([], var refusal):
                    return refusal?.Code is >= 500 and < 600;
                case SmtpCommand.Mail(var sender, var size, _):
                    // Whatever it was, it can be written into an envelope.
                    return size >= 0 && (sender.IsNull || Mailbox.TryParse(sender.Mailbox!.ToString(), out _));
                case SmtpCommand.Rcpt(var recipients, var none):
                    return none is null && recipients.All(recipient => Mailbox.TryParse(recipient.ToString(), out _) && !recipient.ToString().Any(char.IsControl));
                case SmtpCommand.Bdat(var octets, _):
                    return octets >= 0;
                default:
                    return true;
            }
        }, iter: Iterations);

    [Test]
    public void A_strict_path_is_read_as_it_stands()
    {
        var local = Gen.OneOf('a', 'Z', '0', '-', '_', '+', '=').Array[1, 10].Select(characters => new string(characters));
        Gen.Select(local, local, (first, second) => $"{first}.{second}@mail.example").Sample(address =>
            CommandParser.Parse(Encoding.ASCII.GetBytes($"MAIL FROM:<{address}> BODY=8BITMIME SIZE=12")) is SmtpCommand.Mail({ Mailbox: { } sender }, 12, null) && sender.ToString() == address
            && CommandParser.Parse(Encoding.ASCII.GetBytes($"RCPT TO:<{address}> NOTIFY=NEVER")) is SmtpCommand.Rcpt([var recipient], null) && recipient.ToString() == address);
    }

    [Test]
    public void A_sender_that_was_given_never_becomes_the_null_path() =>
        Gen.OneOf(Lines, Gen.String[1, 30]).Where(text => text.AsSpan().Trim(" \t<>").Length > 0).Sample(text =>
        {
            var sender = LenientPath.ReadSender(text);
            // A list of nothing, a route to nowhere and empty quotes name nobody either.
            return !sender.IsNull || !text.Any(char.IsLetterOrDigit);
        }, iter: Iterations);

    /// <summary>Taking one recipient and dropping its neighbour would be the silent loss of a message.</summary>
    [Test]
    public void Of_several_recipients_none_is_dropped()
    {
        var name = Gen.OneOf("", "", "Ops ", "\"Doe, J\" ", "Ops Team ", "mailto:", "\t");
        var separator = Gen.OneOf(", ", ",", ";", "; ", " ", " , ", "|", "/", "\t", " and ", ">, ", "<", "><", ">");
        var one = Gen.Select(name, Gen.Bool, separator, (before, brackets, after) => (before, brackets, after));
        Gen.Select(one.Array[1, 4], Gen.OneOf("", " NOTIFY=NEVER", " FOO", "\tFOO BAR=1", " FOO <x>"), Gen.Bool).Sample((pieces, parameters, outer) =>
        {
            var addresses = pieces.Select((_, i) => $"r{i}@mail.example").ToList();
            var path = string.Concat(pieces.Select((piece, i) => $"{piece.before}{(piece.brackets ? $"<{addresses[i]}>" : addresses[i])}{(i < pieces.Length - 1 ? piece.after : "")}"));
            return CommandParser.Parse(Encoding.ASCII.GetBytes($"RCPT TO:{(outer ? $"<{path}>" : path)}{parameters}")) switch
            {
                SmtpCommand.Rcpt(_, not null) => true,
                SmtpCommand.Rcpt(var recipients, _) => recipients.Select(recipient => recipient.ToString()).Order().SequenceEqual(addresses),
                _ => false,
            };
        }, iter: Iterations);
    }

    // The thread that reads it hears the other devices, too; looking from every blank or bracket once more at all the rest took a tenth of a second.
    [TestCase("MAIL FROM:", "a ", "!")]
    [TestCase("RCPT TO:<a@b.example> ", "a ", "!")]
    [TestCase("RCPT TO:\"", "a ", "")]
    [TestCase("RCPT TO:", "<", "")]
    [TestCase("RCPT TO:", "<", ">>>>")]
    public void A_long_line_is_read_at_a_price_that_grows_with_its_length(string begin, string again, string end)
    {
        var line = Encoding.ASCII.GetBytes($"{begin}{string.Concat(Enumerable.Repeat(again, (CommandParser.MaxLine - 40) / again.Length))}{end}");
        CommandParser.Parse(line);
        var before = GC.GetAllocatedBytesForCurrentThread();
        CommandParser.Parse(line);
        Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.LessThan(200 * line.Length));
    }

    [Test]
    public void A_login_does_not_print_itself()
    {
        var command = CommandParser.Parse("AUTH PLAIN AHNob3AAc2VjcmV0"u8);
        Assert.That(command, Is.InstanceOf<SmtpCommand.Auth>());
        Assert.That(command.ToString(), Does.Not.Contain("AHNob3AAc2VjcmV0"));
    }
}
