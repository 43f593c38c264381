using System.Text;
using System.Text.RegularExpressions;
using CsCheck;
using SmartHost.Listener;

namespace SmartHost.Tests.Listener;

/// <summary>The dialogs show each framing; these hold for every input.</summary>
[Parallelizable(ParallelScope.All)]
public class DataReaderTests
{
    // The octets that mean something, often; others now and then.
    private static readonly Gen<byte[]> Octets = Gen.Frequency(
            (8, Gen.OneOf((byte)'\r', (byte)'\n', (byte)'.', (byte)0)),
            (3, Gen.OneOf((byte)'a', (byte)' ', (byte)0xff)))
        .Array[0, 60];

    private static readonly Gen<DataFraming> Framings = Gen.OneOf(DataFraming.Crlf, DataFraming.Lf, DataFraming.CrCrLf, DataFraming.Counted);

    private static long Iterations => Environment.GetEnvironmentVariable("SMARTHOST_FUZZ_ITERATIONS") is { } text ? long.Parse(text) : 20_000;

    [Test]
    public void How_the_network_cut_the_octets_makes_no_difference() =>
        Gen.Select(Octets, Framings, Gen.Int[1, 9].Array[1, 20], Gen.Int[DataReader.MaxBurst, 64])
            .Sample((octets, framing, cuts, room) =>
            {
                var whole = Read(octets, framing, [octets.Length + 1], 4096);
                var pieces = Read(octets, framing, cuts, room);
                return whole.Output == pieces.Output && whole.Used == pieces.Used && whole.Ended == pieces.Ended && whole.LooksEnded == pieces.LooksEnded && whole.Octets == pieces.Octets;
            }, iter: Iterations);

    [Test]
    public void What_is_stored_has_whole_line_ends_and_no_nul() =>
        Gen.Select(Octets, Framings).Sample((octets, framing) =>
        {
            var output = Read(octets, framing, [octets.Length + 1], 4096).Output;
            var rest = output.Replace("\r\n", "");
            return !rest.Contains('\r') && !rest.Contains('\n') && !output.Contains('\0');
        }, iter: Iterations);

    [Test]
    public void After_a_crlf_data_line_the_message_ends_at_the_first_crlf_dot_crlf_and_nowhere_else() =>
        Octets.Sample(octets =>
        {
            var read = Read(octets, DataFraming.Crlf, [octets.Length + 1], 4096);
            // The CR LF of the DATA line is the first half of an end that comes at once.
            var end = ("\r\n" + Encoding.Latin1.GetString(octets)).IndexOf("\r\n.\r\n", StringComparison.Ordinal);
            return end < 0 ? !read.Ended : read.Ended && read.Used == end + 3;
        }, iter: Iterations);

    [Test]
    public void After_a_data_line_in_cr_cr_lf_the_dot_may_have_cr_cr_lf_beside_it_and_nothing_else() =>
        Octets.Sample(octets =>
        {
            var read = Read(octets, DataFraming.CrCrLf, [octets.Length + 1], 4096);
            var end = Regex.Match("\r\n" + Encoding.Latin1.GetString(octets), @"\r\n\.\r\r?\n");
            return end.Success ? read.Ended && read.Used == end.Index + end.Length - 2 : !read.Ended;
        }, iter: Iterations);

    [Test]
    public void A_message_that_was_stuffed_comes_out_as_it_was()
    {
        var line = Gen.OneOf('.', 'a', ' ').Array[0, 5].Select(characters => new string(characters));
        line.List[0, 8].Sample(lines =>
        {
            var wire = string.Concat(lines.Select(text => (text.StartsWith('.') ? "." : "") + text + "\r\n")) + ".\r\n";
            var read = Read(Encoding.Latin1.GetBytes(wire), DataFraming.Crlf, [wire.Length], 4096);
            var sent = string.Concat(lines.Select(text => text + "\r\n"));
            return read.Ended && read.Output == sent && read.Octets == sent.Length;
        }, iter: Iterations);
    }

    [Test]
    public void The_end_is_never_counted_not_even_while_half_of_it_is_here()
    {
        foreach (var framing in new[] { DataFraming.Crlf, DataFraming.CrCrLf })
        {
            var (reader, output) = (new DataReader(framing), new byte[64]);
            foreach (var octet in "..a\r\n.\r\n"u8.ToArray())
            {
                reader.Read([octet], output, out _, out _);
                // A message of the very size that is allowed would be too large for a moment, and that is long enough.
                Assert.That(reader.Octets, Is.LessThanOrEqualTo(4));
            }
            Assert.That((reader.HasEnded, reader.Octets), Is.EqualTo((true, 4L)));
        }
    }

    [Test]
    public void Counted_content_keeps_its_dots()
    {
        var read = Read("..a\r\n.\r\nb"u8.ToArray(), DataFraming.Counted, [3], 64);
        Assert.That((read.Output, read.Ended), Is.EqualTo(("..a\r\n.\r\nb\r\n", false)));
    }

    [Test]
    public void A_run_of_carriage_returns_needs_no_memory()
    {
        var read = Read(Enumerable.Repeat((byte)'\r', 100_000).Append((byte)'x').ToArray(), DataFraming.Crlf, [1000], 64);
        Assert.That(read.Output, Has.Length.EqualTo(200_001).And.EndsWith("\r\nx"));
    }

    [TestCase("text\r\n.\n", true)]
    [TestCase("text\n.\n", true)]
    [TestCase("text\n.\r\n", true)]
    [TestCase("text\r\r\n.\r\r\n", true)]
    [TestCase("text\r\n.\nmore", false)]
    [TestCase("text\r\n. \r\n", false)]
    [TestCase("text\r\n.\0more\r\n", false)]
    [TestCase("text\r\n", false)]
    [TestCase("text\r\n\0.\r\n", true)]
    [TestCase("text\r\n\0.\r\n\0", true)]
    [TestCase("text\r\n\0.more\r\n", false)]
    [TestCase("text\r\n\0\0", false)]
    public void What_only_looks_like_the_end_is_noticed(string octets, bool looksEnded)
    {
        var reader = new DataReader(DataFraming.Crlf);
        reader.Read(Encoding.Latin1.GetBytes(octets), new byte[256], out _, out _);
        Assert.That((reader.LooksEnded, reader.HasEnded), Is.EqualTo((looksEnded, false)));
    }

    private static (string Output, int Used, bool Ended, bool LooksEnded, long Octets) Read(byte[] octets, DataFraming framing, int[] cuts, int room)
    {
        var reader = new DataReader(framing);
        var output = new StringBuilder();
        var buffer = new byte[room];
        int used = 0, turn = 0;
        while (used < octets.Length && !reader.HasEnded)
        {
            var piece = octets.AsSpan(used, Math.Min(cuts[turn++ % cuts.Length], octets.Length - used));
            while (!piece.IsEmpty && !reader.HasEnded)
            {
                reader.Read(piece, buffer, out var consumed, out var written);
                Assert.That(consumed + written, Is.GreaterThan(0));
                output.Append(Encoding.Latin1.GetString(buffer, 0, written));
                piece = piece[consumed..];
                used += consumed;
            }
        }
        var (ended, looksEnded) = (reader.HasEnded, reader.LooksEnded);
        var counted = reader.Octets;
        if (framing == DataFraming.Counted)
        {
            reader.Finish(buffer, out var tail);
            output.Append(Encoding.Latin1.GetString(buffer, 0, tail));
        }
        return (output.ToString(), used, ended, looksEnded, counted);
    }
}
