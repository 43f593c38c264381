using System.Buffers;

namespace SmartHost.Gmail.Repair;

/// <summary>
/// Writes a body with long lines as <see cref="BodyScan"/> decided, octets in, octets out, whatever the cuts between
/// chunks: run once to count and once to send, it makes the same octets both times. No content makes it fail.
/// </summary>
internal sealed class BodyRepair(IReadOnlyList<BodySection> sections)
{
    private const int MimeLine = 76;

    private readonly byte[] line = new byte[HeaderText.MaxLine];
    private int held;
    private int column;
    private long position;
    private int current;

    /// <param name="body">The next octets of the body. At most 16 KB, so that the output stays small too.</param>
    public void Write(ReadOnlySpan<byte> body, IBufferWriter<byte> output)
    {
        while (!body.IsEmpty)
        {
            for (; current < sections.Count && sections[current].End <= position; current++)
            {
                // What is put in between stands in no octet's place.
                if (sections[current].Start == sections[current].End) output.Write(sections[current].Replacement);
            }
            if (current == sections.Count)
            {
                FoldAtBlanks(body, output);
                position += body.Length;
                return;
            }
            var section = sections[current];
            var length = (int)Math.Min(body.Length, (position < section.Start ? section.Start : section.End) - position);
            var part = body[..length];
            if (position < section.Start) FoldAtBlanks(part, output);
            else if (section.Action == BodyAction.WrapBase64) WrapBase64(part, output);
            else if (section.Action == BodyAction.SoftBreak) SoftBreak(part, output);
            else if (section.Action == BodyAction.EncodeQuotedPrintable) EncodeQuotedPrintable(part, output);
            else if (position == section.Start)
            {
                output.Write(section.Replacement);
                column = 0;
            }
            position += length;
            body = body[length..];
        }
    }

    private void FoldAtBlanks(ReadOnlySpan<byte> body, IBufferWriter<byte> output)
    {
        while (!body.IsEmpty)
        {
            if (held == 0)
            {
                var whole = 0;
                while (body[whole..].IndexOf((byte)'\n') is >= 0 and <= HeaderText.MaxLine + 1 and var end) whole += end + 1;
                output.Write(body[..whole]);
                body = body[whole..];
                if (body.IsEmpty) return;
            }
            var at = 0;
            for (; at < body.Length && body[at] != '\n'; at++)
            {
                if (body[at] == '\r') continue; // Its LF follows, if only in the next chunk.
                if (held == line.Length) Cut(body[at], output);
                line[held++] = body[at];
            }
            if (at == body.Length) return;
            output.Write(line.AsSpan(0, held));
            output.Write("\r\n"u8);
            held = 0;
            body = body[(at + 1)..];
        }
    }

    private void Cut(byte next, IBufferWriter<byte> output)
    {
        var cut = line.AsSpan(0, held).LastIndexOf((byte)' ') + 1;
        if (cut <= 1)
        {
            // Not inside a UTF-8 character.
            cut = held;
            while (cut > held - 4 && ((cut == held ? next : line[cut]) & 0xC0) == 0x80) cut--;
        }
        output.Write(line.AsSpan(0, cut));
        output.Write("\r\n"u8);
        line.AsSpan(cut, held - cut).CopyTo(line);
        held -= cut;
    }

    private void WrapBase64(ReadOnlySpan<byte> body, IBufferWriter<byte> output)
    {
        while (!body.IsEmpty)
        {
            var run = body.IndexOfAny((byte)'\r', (byte)'\n');
            if (run < 0) run = body.Length;
            while (run > 0)
            {
                if (column == MimeLine)
                {
                    output.Write("\r\n"u8);
                    column = 0;
                }
                var piece = Math.Min(run, MimeLine - column);
                output.Write(body[..piece]);
                column += piece;
                body = body[piece..];
                run -= piece;
            }
            if (body.IsEmpty) return;
            if (body[0] == '\n') EndLine(output);
            body = body[1..];
        }
    }

    /// <summary>Units are single octets or <c>=XX</c>; a break never splits one.</summary>
    private void SoftBreak(ReadOnlySpan<byte> body, IBufferWriter<byte> output)
    {
        foreach (var octet in body)
        {
            if (octet == '\r') continue;
            if (octet == '\n')
            {
                // What is held here is a soft break of the device's own, or broken: it stays as it is.
                output.Write(line.AsSpan(0, held));
                held = 0;
                EndLine(output);
                continue;
            }
            line[held++] = octet;
            if (line[0] == '=' && held < 3) continue;
            Unit(line.AsSpan(0, held), output);
            held = 0;
        }
    }

    private void EncodeQuotedPrintable(ReadOnlySpan<byte> body, IBufferWriter<byte> output)
    {
        Span<byte> unit = stackalloc byte[3];
        foreach (var octet in body)
        {
            if (octet == '\r') continue;
            if (octet == '\n')
            {
                // RFC 2045 §6.7 rule 3: a blank before a line end must be encoded.
                if (held > 0) Unit(Hex(line[0], unit), output);
                held = 0;
                EndLine(output);
                continue;
            }
            if (held > 0) Unit(line.AsSpan(0, 1), output);
            held = 0;
            if (octet is (byte)' ' or (byte)'\t')
            {
                line[held++] = octet;
            }
            else if (octet is > 32 and < 127 and not (byte)'=')
            {
                unit[0] = octet;
                Unit(unit[..1], output);
            }
            else
            {
                Unit(Hex(octet, unit), output);
            }
        }
    }

    private static ReadOnlySpan<byte> Hex(byte octet, Span<byte> unit)
    {
        unit[0] = (byte)'=';
        unit[1] = "0123456789ABCDEF"u8[octet >> 4];
        unit[2] = "0123456789ABCDEF"u8[octet & 15];
        return unit;
    }

    private void Unit(ReadOnlySpan<byte> unit, IBufferWriter<byte> output)
    {
        if (column + unit.Length > MimeLine - 1)
        {
            output.Write("=\r\n"u8);
            column = 0;
        }
        output.Write(unit);
        column += unit.Length;
    }

    private void EndLine(IBufferWriter<byte> output)
    {
        output.Write("\r\n"u8);
        column = 0;
    }
}
