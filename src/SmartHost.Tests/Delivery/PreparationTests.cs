using System.Text;
using SmartHost.Delivery;

namespace SmartHost.Tests.Delivery;

public class PreparationTests
{
    [TestCase("", 0)]
    [TestCase("Subject: x\r\n\r\nReceived: in the body\r\n", 0)]
    [TestCase("Received: a\r\nreceived: b\r\n\tReceived: folded\r\nRECEIVED: c\r\nX-Received: d\r\nSubject: Received: e\r\n\r\n", 3)]
    [TestCase("Received: a\nReceived: b\n\nReceived: c\n", 2)]
    [TestCase("Received : a\r\n", 0)]
    public async Task Hops_are_the_Received_fields_of_the_header(string content, int hops) =>
        Assert.That(await Preparation.HopsAsync(new MemoryStream(Encoding.ASCII.GetBytes(content)), default), Is.EqualTo(hops));

    [Test]
    public async Task Hops_are_counted_across_reads_of_any_size()
    {
        var content = Encoding.ASCII.GetBytes(string.Concat(Enumerable.Range(0, 30).Select(i => $"Received: from {new string('x', 700)} by {i}\r\n")) + "\r\n");
        Assert.That(await Preparation.HopsAsync(new Drip(content), default), Is.EqualTo(30));
    }

    /// <summary>Gives seven octets at a time.</summary>
    private sealed class Drip(byte[] content) : MemoryStream(content)
    {
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => base.ReadAsync(buffer[..Math.Min(7, buffer.Length)], cancellationToken);
    }
}
