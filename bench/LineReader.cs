using System.Globalization;
using System.Text;

namespace SmartHost.Bench;

/// <summary>Reads commands and content; of content it keeps nothing but the X-Bench-Id that stands near its beginning.</summary>
internal sealed class LineReader(Stream stream)
{
    private const string Mark = "X-Bench-Id: ";
    private readonly byte[] buffer = new byte[64 * 1024];
    private int start, end;

    public bool HasLine => buffer.AsSpan(start, end - start).Contains((byte)'\n');

    public async Task<string?> LineAsync(CancellationToken cancellation)
    {
        while (true)
        {
            var newline = buffer.AsSpan(start, end - start).IndexOf((byte)'\n');
            if (newline >= 0)
            {
                var line = Encoding.Latin1.GetString(buffer, start, newline).TrimEnd('\r');
                start += newline + 1;
                return line;
            }
            if (!await FillAsync(cancellation)) return null;
        }
    }

    /// <summary>DATA: to CRLF.CRLF. All clients of the bench write CRLF.</summary>
    public async Task<string?> ContentAsync(CancellationToken cancellation)
    {
        string? id = null;
        ReadOnlyMemory<byte> final = "\r\n.\r\n"u8.ToArray();
        while (true)
        {
            id ??= Find(buffer.AsSpan(start, end - start));
            var dot = buffer.AsSpan(start, end - start).IndexOf(final.Span);
            if (dot >= 0)
            {
                start += dot + final.Length;
                return id;
            }
            // All but what may be the beginning of the final dot has been seen.
            start = Math.Max(start, end - final.Length + 1);
            if (!await FillAsync(cancellation)) return null;
        }
    }

    /// <summary>BDAT: so many octets.</summary>
    public async Task<string?> ChunkAsync(int length, CancellationToken cancellation)
    {
        string? id = null;
        while (length > 0)
        {
            if (start == end && !await FillAsync(cancellation)) return null;
            var take = Math.Min(length, end - start);
            id ??= Find(buffer.AsSpan(start, take));
            start += take;
            length -= take;
        }
        return id;
    }

    private async Task<bool> FillAsync(CancellationToken cancellation)
    {
        if (start == end) start = end = 0;
        else if (end == buffer.Length)
        {
            if (start == 0) throw new IOException(string.Create(CultureInfo.InvariantCulture, $"a line of more than {buffer.Length} octets"));
            buffer.AsSpan(start, end - start).CopyTo(buffer);
            (start, end) = (0, end - start);
        }
        var read = await stream.ReadAsync(buffer.AsMemory(end), cancellation);
        end += read;
        return read > 0;
    }

    private static string? Find(ReadOnlySpan<byte> octets)
    {
        var at = octets.IndexOf(Encoding.ASCII.GetBytes(Mark));
        if (at < 0) return null;
        var rest = octets[(at + Mark.Length)..];
        var stop = rest.IndexOf((byte)'\r');
        return stop < 0 ? null : Encoding.ASCII.GetString(rest[..stop]);
    }
}
