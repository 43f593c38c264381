using System.Buffers;

namespace SmartHost.Gmail;

/// <summary>
/// Reads a stored message in chunks, every line ended by CRLF (the last one too) and no NUL anywhere.
/// What is clean already, and nearly all is, passes without a copy. CR CR LF, which text-mode C libraries make
/// of CRLF, is one line end: as two it would end a header after its first field.
/// </summary>
internal sealed class CleanReader : IDisposable
{
    private const int ChunkSize = 64 << 10;

    private readonly Stream _stored;
    private readonly byte[] _raw = ArrayPool<byte>.Shared.Rent(ChunkSize);
    private byte[]? _mended;

    /// <summary>CRs at the end of a chunk wait for the next one, which shows what they are.</summary>
    private int _carried;

    private byte _last;
    private bool _any;

    public CleanReader(Stream stored)
    {
        _stored = stored;
        _stored.Position = 0;
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
            _raw.AsSpan(0, _carried).Fill((byte)'\r');
            // Two octets stay free behind the data for a line end that the message lacks.
            var space = _raw.AsMemory(_carried, _raw.Length - _carried - 2);
            var read = await _stored.ReadAtLeastAsync(space, space.Length, throwOnEndOfStream: false, cancellation);
            Ended = read < space.Length;
            var chunk = Clean(_carried + read);
            if (chunk.Length > 0) return chunk;
        }
        return default;
    }

    public void Dispose()
    {
        ArrayPool<byte>.Shared.Return(_raw);
        if (_mended is not null) ArrayPool<byte>.Shared.Return(_mended);
        _mended = null;
    }

    private ReadOnlyMemory<byte> Clean(int length)
    {
        var input = _raw.AsSpan(0, length);
        var at = 0;
        _carried = 0;
        while (true)
        {
            var next = input[at..].IndexOfAny((byte)'\r', (byte)'\n', (byte)0);
            if (next < 0) break;
            at += next;
            if (input[at] != '\r') return Mend(length, at);
            if (at + 1 == length && !Ended)
            {
                _carried = 1;
                return Take(_raw, at);
            }
            if (at + 1 == length || input[at + 1] != '\n') return Mend(length, at);
            at += 2;
        }
        if (Ended && length > 0 && input[^1] != '\n')
        {
            _raw[length++] = (byte)'\r';
            _raw[length++] = (byte)'\n';
            return Take(_raw, length);
        }
        return Ended && length == 0 ? End() : Take(_raw, length);
    }

    /// <summary>The slow way, from the first octet that needs it.</summary>
    private ReadOnlyMemory<byte> Mend(int length, int from)
    {
        // Worst case each octet becomes two, and a line end is added.
        _mended ??= ArrayPool<byte>.Shared.Rent(2 * _raw.Length + 2);
        var input = _raw.AsSpan(0, length);
        input[..from].CopyTo(_mended);
        var (at, made) = (from, from);
        var held = 0;
        while (at < length)
        {
            var plain = input[at..].IndexOfAny((byte)'\r', (byte)'\n', (byte)0);
            if (plain < 0) plain = length - at;
            input.Slice(at, plain).CopyTo(_mended.AsSpan(made));
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
            _mended[made++] = (byte)'\r';
            _mended[made++] = (byte)'\n';
        }
        _carried = held;
        if (held == 0 && Ended && (made > 0 ? _mended[made - 1] : _last) != '\n' && (made > 0 || _any))
        {
            _mended[made++] = (byte)'\r';
            _mended[made++] = (byte)'\n';
        }
        return Take(_mended, made);
    }

    private ReadOnlyMemory<byte> End() => _any && _last != '\n' ? "\r\n"u8.ToArray() : default;

    private ReadOnlyMemory<byte> Take(byte[] buffer, int length)
    {
        if (length > 0) (_any, _last) = (true, buffer[length - 1]);
        return buffer.AsMemory(0, length);
    }
}
