using System.Buffers;

namespace SmartHost.Gmail.Repair;

/// <summary>
/// Reads a stored message in chunks, every line ended by CRLF (the last one too) and no NUL anywhere.
/// What is clean already, and nearly all is, passes without a copy. CR CR LF, which text-mode C libraries make
/// of CRLF, is one line end: as two it would end a header after its first field.
/// </summary>
internal sealed class CleanReader : IDisposable
{
    private const int ChunkSize = 64 << 10;

    private readonly Stream stored;
    private readonly byte[] raw = ArrayPool<byte>.Shared.Rent(ChunkSize);
    private byte[]? mended;

    /// <summary>CRs at the end of a chunk wait for the next one, which shows what they are.</summary>
    private int carried;

    private byte last;
    private bool any;

    public CleanReader(Stream stored)
    {
        this.stored = stored;
        stored.Position = 0;
    }

    /// <summary>True once the last chunk was handed out.</summary>
    public bool Ended { get; private set; }

    public bool FoundNul { get; private set; }

    public bool FoundBareLineEnd { get; private set; }

    /// <summary>The next chunk, valid until the next call; empty at the end.</summary>
    public async ValueTask<ReadOnlyMemory<byte>> ReadAsync(CancellationToken cancellation)
    {
        while (!Ended)
        {
            raw.AsSpan(0, carried).Fill((byte)'\r');
            // Two octets stay free behind the data for a line end that the message lacks.
            var space = raw.AsMemory(carried, raw.Length - carried - 2);
            var read = await stored.ReadAtLeastAsync(space, space.Length, throwOnEndOfStream: false, cancellation);
            Ended = read < space.Length;
            var chunk = Clean(carried + read);
            if (chunk.Length > 0) return chunk;
        }
        return default;
    }

    public void Dispose()
    {
        ArrayPool<byte>.Shared.Return(raw);
        if (mended is not null) ArrayPool<byte>.Shared.Return(mended);
        mended = null;
    }

    private ReadOnlyMemory<byte> Clean(int length)
    {
        var input = raw.AsSpan(0, length);
        var at = 0;
        carried = 0;
        while (true)
        {
            var next = input[at..].IndexOfAny((byte)'\r', (byte)'\n', (byte)0);
            if (next < 0) break;
            at += next;
            if (input[at] != '\r') return Mend(length, at);
            if (at + 1 == length && !Ended)
            {
                carried = 1;
                return Take(raw, at);
            }
            if (at + 1 == length || input[at + 1] != '\n') return Mend(length, at);
            at += 2;
        }
        if (Ended && length > 0 && input[^1] != '\n')
        {
            raw[length++] = (byte)'\r';
            raw[length++] = (byte)'\n';
            return Take(raw, length);
        }
        return Ended && length == 0 ? End() : Take(raw, length);
    }

    /// <summary>The slow way, from the first octet that needs it.</summary>
    private ReadOnlyMemory<byte> Mend(int length, int from)
    {
        // Worst case each octet becomes two, and a line end is added.
        mended ??= ArrayPool<byte>.Shared.Rent(2 * raw.Length + 2);
        var input = raw.AsSpan(0, length);
        input[..from].CopyTo(mended);
        var (at, made) = (from, from);
        var held = 0;
        while (at < length)
        {
            var plain = input[at..].IndexOfAny((byte)'\r', (byte)'\n', (byte)0);
            if (plain < 0) plain = length - at;
            input.Slice(at, plain).CopyTo(mended.AsSpan(made));
            at += plain;
            made += plain;
            if (at == length) break;
            if (input[at] == 0)
            {
                FoundNul = true;
                at++;
                continue;
            }
            if (input[at] == '\n')
            {
                FoundBareLineEnd = true;
                at++;
            }
            else
            {
                var crs = at + 1 < length && input[at + 1] == '\r' ? 2 : 1;
                if (at + crs == length && !Ended)
                {
                    held = crs;
                    break;
                }
                if (at + crs < length && input[at + crs] == '\n')
                {
                    FoundBareLineEnd |= crs == 2;
                    at += crs + 1;
                }
                else
                {
                    FoundBareLineEnd = true;
                    at++;
                }
            }
            mended[made++] = (byte)'\r';
            mended[made++] = (byte)'\n';
        }
        carried = held;
        if (held == 0 && Ended && (made > 0 ? mended[made - 1] : last) != '\n' && (made > 0 || any))
        {
            mended[made++] = (byte)'\r';
            mended[made++] = (byte)'\n';
        }
        return Take(mended, made);
    }

    private ReadOnlyMemory<byte> End() => any && last != '\n' ? "\r\n"u8.ToArray() : default;

    private ReadOnlyMemory<byte> Take(byte[] buffer, int length)
    {
        if (length > 0) (any, last) = (true, buffer[length - 1]);
        return buffer.AsMemory(0, length);
    }
}
