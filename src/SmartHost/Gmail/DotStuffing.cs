namespace SmartHost.Gmail;

/// <summary>RFC 5321 §4.5.2, for servers without BDAT: a dot at the start of a line is doubled. Expects CRLF line ends.</summary>
internal sealed class DotStuffing(Stream output) : WriteOnlyStream
{
    private static readonly byte[] Dot = "."u8.ToArray();
    private static readonly byte[] End = ".\r\n"u8.ToArray();
    private static readonly byte[] LineEndAndEnd = "\r\n.\r\n"u8.ToArray();

    private byte last = (byte)'\n';

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> source, CancellationToken cancellationToken = default)
    {
        while (source.Length > 0)
        {
            if (last == '\n' && source.Span[0] == '.') await output.WriteAsync(Dot, cancellationToken);
            // Up to and with the next line end that a dot follows; mostly that is all of it.
            var dot = source.Span.IndexOf("\n."u8);
            var count = dot < 0 ? source.Length : dot + 1;
            await output.WriteAsync(source[..count], cancellationToken);
            last = source.Span[count - 1];
            source = source[count..];
        }
    }

    /// <summary>The final dot, on a line of its own.</summary>
    public ValueTask EndAsync(CancellationToken cancellation) => output.WriteAsync(last == '\n' ? End : LineEndAndEnd, cancellation);
}
