using System.Buffers;
using System.Text;

namespace SmartHost.Mail;

/// <summary>
/// Counts how much octets look like UTF-8, in one reading, whatever the cuts between chunks. A single broken character does not mean
/// that the text is in a code page: devices cut text at an octet count, in the middle of a character. Text in a code page, on the
/// other hand, hardly ever forms many valid characters of UTF-8.
/// </summary>
internal sealed class Utf8Likeness
{
    private readonly byte[] held = new byte[4];
    private int heldLength;

    /// <summary>Characters that lack their last octets at the end of a line.</summary>
    private long cut;
    private long broken;

    /// <summary>Characters beyond ASCII.</summary>
    public long Good { get; private set; }

    /// <summary>What is none, and what may be half of one.</summary>
    public long Bad => broken + Cut;

    private long Cut => cut + (heldLength > 0 ? 1 : 0);

    /// <summary>All but one that was cut, or all but a few.</summary>
    public bool IsUtf8 => Good > 0 && ((broken == 0 && Cut <= 1) || Bad * 5 <= Good);

    public void Read(ReadOnlySpan<byte> octets)
    {
        while (!octets.IsEmpty)
        {
            if (heldLength > 0)
            {
                held[heldLength++] = octets[0];
                var status = Rune.DecodeFromUtf8(held.AsSpan(0, heldLength), out _, out _);
                if (status == OperationStatus.Done) Good++;
                if (status == OperationStatus.InvalidData) Judge(held[0], octets[0]);
                else octets = octets[1..];
                if (status != OperationStatus.NeedMoreData) heldLength = 0;
                continue;
            }
            var at = octets.IndexOfAnyInRange((byte)0x80, (byte)0xff);
            if (at < 0) return;
            octets = octets[at..];
            switch (Rune.DecodeFromUtf8(octets, out _, out var used))
            {
                case OperationStatus.Done:
                    Good++;
                    break;
                case OperationStatus.NeedMoreData:
                    octets.CopyTo(held);
                    heldLength = octets.Length;
                    return;
                default:
                    // Nothing behind it: an octet that begins no character, so it does not matter what comes.
                    Judge(octets[0], used < octets.Length ? octets[used] : (byte)0);
                    break;
            }
            octets = octets[used..];
        }
    }

    private void Judge(byte first, byte next)
    {
        if (first is >= 0xC2 and <= 0xF4 && next is (byte)'\r' or (byte)'\n') cut++;
        else broken++;
    }
}
