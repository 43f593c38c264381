using System.Text;
using SmartHost.Gmail;
using SmartHost.Gmail.Replies;

namespace SmartHost.Tests.Gmail;

[CancelAfter(10_000)]
public class SmtpWireTests
{
    [Test]
    public async Task A_reply_may_come_octet_by_octet_and_with_either_line_end()
    {
        var wire = new SmtpWire(new Trickle("250-2.1.0 one\r\n250-two\n250 2.1.0 thrée\r\n550 5.1.1 next\r\n"), TimeProvider.System);
        var first = await wire.ReadReplyAsync(TimeSpan.FromSeconds(5), CancellationToken.None);
        var second = await wire.ReadReplyAsync(TimeSpan.FromSeconds(5), CancellationToken.None);
        Assert.That((first.ToString(), second.ToString()), Is.EqualTo(("250 2.1.0 one two thrée", "550 5.1.1 next")));
    }

    [Test]
    public async Task The_longest_reply_that_is_read_is_read_whole()
    {
        var line = "250-" + new string('x', SmtpWire.MaxLine - 6);
        var wire = new SmtpWire(new Trickle(string.Concat(Enumerable.Repeat(line + "\r\n", SmtpWire.MaxLines - 1)) + "250 end\r\n", 1000), TimeProvider.System);
        Assert.That((await wire.ReadReplyAsync(TimeSpan.FromSeconds(5), CancellationToken.None)).Lines, Has.Count.EqualTo(SmtpWire.MaxLines));
    }

    [TestCase(1, 4093, TestName = "One_octet_too_many_in_a_line")]
    [TestCase(128, 1, TestName = "One_line_too_many")]
    public void A_reply_beyond_every_measure_is_none(int lines, int length)
    {
        var wire = new SmtpWire(new Trickle(string.Concat(Enumerable.Repeat("250-" + new string('x', length) + "\r\n", lines)) + "250 end\r\n", 1000), TimeProvider.System);
        Assert.That(async () => await wire.ReadReplyAsync(TimeSpan.FromSeconds(5), CancellationToken.None), Throws.TypeOf<WireException>().With.Property("Failure").EqualTo(ConnectionFailure.NotSmtp));
    }

    [TestCase("250-2.1.0 one\r\n")]
    [TestCase("250")]
    public void Half_a_reply_is_none(string said)
    {
        var wire = new SmtpWire(new Trickle(said), TimeProvider.System);
        Assert.That(async () => await wire.ReadReplyAsync(TimeSpan.FromSeconds(5), CancellationToken.None),
            Throws.TypeOf<WireException>().With.Property("Failure").EqualTo(ConnectionFailure.Closed).And.Property("Detail").EqualTo("in the middle of a reply"));
    }

    [Test]
    public async Task A_reply_brings_no_control_characters_into_the_log()
    {
        var wire = new SmtpWire(new Trickle("550 5.7.1 \u001b[31mred\u0007\0\r\n"), TimeProvider.System);
        Assert.That((await wire.ReadReplyAsync(TimeSpan.FromSeconds(5), CancellationToken.None)).Text, Is.EqualTo("?[31mred??"));
    }

    /// <summary>What a network may do to a reply: a few octets at a time.</summary>
    private sealed class Trickle(string said, int atOnce = 1) : MemoryStream(Encoding.UTF8.GetBytes(said))
    {
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            base.ReadAsync(buffer[..Math.Min(atOnce, buffer.Length)], cancellationToken);
    }
}
