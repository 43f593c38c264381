using System.Buffers.Binary;

namespace SmartHost.Queue;

/// <summary>
/// SQLite's log of commits that are not in the database yet (sqlite.org/fileformat2.html, "The Write-Ahead Log"), looked at before
/// SQLite opens it. Of a frame whose checksum is wrong, and of all that follow, SQLite takes no notice: an ordinary crash leaves
/// such a frame at the end, of a commit that nobody was told of. But before anything is written behind a commit of ours, that commit
/// is synced. So where more follows, the disk lost what it had taken, and mail that was accepted may be among it.
/// <para>
/// When it fails: a log that cannot be read is SQLite's to complain of. A power cut that lets notes survive which were not synced, and
/// not what stood before them, looks like damage, and so do two commits that the disk refused one after the other, with a shorter one over
/// both: then this says so once too often, and nothing is lost by it.
/// </para>
/// </summary>
internal static class WriteAheadLog
{
    private const int HeaderSize = 32, FrameHeaderSize = 24;
    private const uint LittleEndian = 0x377f0682, BigEndian = 0x377f0683;

    /// <summary>Whether SQLite would drop commits that were synced. False where there is no log.</summary>
    public static bool IsBroken(string path)
    {
        try
        {
            using var log = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, bufferSize: 1 << 16);
            return IsBroken(log);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    internal static bool IsBroken(Stream log)
    {
        var header = new byte[HeaderSize];
        if (log.ReadAtLeast(header, HeaderSize, throwOnEndOfStream: false) < HeaderSize) return false;
        var bigEndian = Read(header, 0) == BigEndian;
        var sum = default((uint, uint));
        Sum(header.AsSpan(0, 24), bigEndian, ref sum);
        var pageSize = (int)Read(header, 8);
        // All commits of the log hang on its first octets. A log of zeros is one that a power cut kept from being written at all.
        if (Read(header, 0) is not (LittleEndian or BigEndian) || sum != (Read(header, 24), Read(header, 28)) || pageSize is < 512 or > 65536)
            return HasMoreThanZeros(header, log);

        var frame = new byte[FrameHeaderSize + pageSize];
        var (isWrong, ended) = (false, false);
        while (log.ReadAtLeast(frame, frame.Length, throwOnEndOfStream: false) == frame.Length)
        {
            // A frame of an earlier round, which is in the database.
            if (!frame.AsSpan(8, 8).SequenceEqual(header.AsSpan(16, 8)))
            {
                isWrong = true;
                continue;
            }
            if (ended) return true;
            if (!isWrong)
            {
                Sum(frame.AsSpan(0, 8), bigEndian, ref sum);
                Sum(frame.AsSpan(FrameHeaderSize), bigEndian, ref sum);
                isWrong = sum != (Read(frame, 16), Read(frame, 20));
            }
            // Its commit's last frame tells the size of the database.
            ended = isWrong && Read(frame, 4) != 0;
        }
        return false;
    }

    private static bool HasMoreThanZeros(byte[] header, Stream rest)
    {
        var block = header;
        for (var read = header.Length; read > 0; read = rest.Read(block))
        {
            if (block.AsSpan(0, read).ContainsAnyExcept((byte)0)) return true;
            if (block == header) block = new byte[4096];
        }
        return false;
    }

    private static void Sum(ReadOnlySpan<byte> octets, bool bigEndian, ref (uint One, uint Two) sum)
    {
        for (var at = 0; at < octets.Length; at += 8)
        {
            var (first, second) = bigEndian
                ? (BinaryPrimitives.ReadUInt32BigEndian(octets[at..]), BinaryPrimitives.ReadUInt32BigEndian(octets[(at + 4)..]))
                : (BinaryPrimitives.ReadUInt32LittleEndian(octets[at..]), BinaryPrimitives.ReadUInt32LittleEndian(octets[(at + 4)..]));
            sum.One += first + sum.Two;
            sum.Two += second + sum.One;
        }
    }

    private static uint Read(byte[] octets, int at) => BinaryPrimitives.ReadUInt32BigEndian(octets.AsSpan(at));
}
