namespace SmartHost.Listener;

/// <summary>How a message's octets are framed; fixed before its first octet and never changed within it.</summary>
internal enum DataFraming
{
    /// <summary>The DATA line ended in CR LF: nothing but CR LF . CR LF ends the message.</summary>
    Crlf,

    /// <summary>The DATA line ended in a bare LF: the device knows no other line end, and a dot alone on a line ends the message.</summary>
    Lf,

    /// <summary>The DATA line ended in CR CR LF: the device writes every CR twice, and a dot between two such ends, too, ends the message.</summary>
    CrCrLf,

    /// <summary>A BDAT chunk (RFC 3030): counted, so dots mean nothing.</summary>
    Counted,
}

/// <summary>
/// Turns the octets after DATA into stored content: line ends become CR LF, NULs go, the dot that stuffing added goes,
/// and the end is found. A state machine over single octets: how the network cut them makes no difference.
/// <para>
/// The end cannot be smuggled. What ends a message is decided by the DATA line, which the sending program wrote, not by
/// the message, which anyone may have written: after DATA CR LF, every other form (LF . LF, LF . CR LF, CR LF . LF,
/// CR . CR LF, CR CR LF . CR CR LF, with NULs or blanks in between) is content.
/// </para>
/// <para>
/// A line that begins with a single dot and goes on (RFC 5321 §4.5.2 would take the dot off) keeps it: a program that
/// stuffs never sends one, so it comes from a program that does not, and the dot is the text's own.
/// </para>
/// </summary>
internal sealed class DataReader(DataFraming framing)
{
    private const byte Nul = 0, Lf = (byte)'\n', Cr = (byte)'\r', Dot = (byte)'.';

    /// <summary>A longer run of CRs is passed on piece by piece, so that it needs no memory.</summary>
    private const int MaxPendingCrs = 8;

    /// <summary>One octet in may be so many out: a run of pending CRs, and the octet that broke it.</summary>
    public const int MaxBurst = (2 * MaxPendingCrs) + 3;

    private enum State
    {
        Text,

        /// <summary>At the start of a line, after CR LF or at the very beginning.</summary>
        LineStart,

        /// <summary>At the start of a line that a bare LF ended.</summary>
        LineStartAfterLf,

        /// <summary>Nothing but NULs on this line so far: dropped, but they were there, so that a dot behind them does not begin the line.</summary>
        AfterNuls,

        /// <summary>CRs seen; whether they are a line end or several the next octet tells.</summary>
        Crs,

        /// <summary>A dot at the start of a line, not yet passed on.</summary>
        Dot,

        /// <summary>A dot at the start of a line, and a CR.</summary>
        DotCr,

        /// <summary>A dot at the start of a line, and two CRs, where that may be the end.</summary>
        DotCrCr,

        Ended,
    }

    private State state = State.LineStart;
    private bool afterLf; // The line that the dot is on began behind a bare LF.
    private bool dotAlone; // A line with a lone dot that did not count as the end was read last, but for NULs and a QUIT.
    private int leaving; // Letters of that QUIT read so far.
    private int crs;
    private long octets;

    /// <summary>The final dot was read. Octets after it are commands.</summary>
    public bool HasEnded => state == State.Ended;

    /// <summary>The last thing read was a dot on a line of its own that did not count as the end, or the QUIT of a device that waits for no reply to it. If then nothing more comes, the device believes it is done.</summary>
    public bool LooksEnded => dotAlone && state is (State.LineStart or State.LineStartAfterLf or State.AfterNuls);

    /// <summary>Octets of the message so far, as RFC 1870 counts them: everything but stuffing and the final dot, and so without what may yet be these.</summary>
    public long Octets => octets - state switch
    {
        State.Dot => 1,
        State.DotCr => 2,
        State.DotCrCr => 3,
        _ => 0,
    };

    /// <summary>Reads until the input is used up, the message has ended, or less than <see cref="MaxBurst"/> octets of output are free.</summary>
    public void Read(ReadOnlySpan<byte> input, Span<byte> output, out int consumed, out int written)
    {
        consumed = written = 0;
        while (consumed < input.Length && output.Length - written >= MaxBurst && state != State.Ended)
        {
            if (state == State.Text && !dotAlone)
            {
                var run = PlainRun(input[consumed..Math.Min(input.Length, consumed + (output.Length - written))]);
                input.Slice(consumed, run).CopyTo(output[written..]);
                consumed += run;
                written += run;
                octets += run;
                if (run > 0) continue;
            }
            Step(input[consumed++], output, ref written);
        }
    }

    /// <summary>After the last chunk of a counted message: completes a line that has no end. Needs <see cref="MaxBurst"/> octets of room.</summary>
    public void Finish(Span<byte> output, out int written)
    {
        written = 0;
        if (state == State.Crs) EndLines(output, ref written);
        else if (state is not (State.LineStart or State.LineStartAfterLf)) EndLine(output, ref written);
        state = State.Ended;
    }

    /// <summary>
    /// How many octets, from within a line, come out as they went in: text, and a CR LF with the first octet of the next line
    /// where that means nothing by itself. Whole lines at a time: with a step for each line end large scans took an eighth more.
    /// </summary>
    private static int PlainRun(ReadOnlySpan<byte> octets)
    {
        var run = 0;
        while (true)
        {
            var text = octets[run..].IndexOfAny(Cr, Lf, Nul);
            if (text < 0) return octets.Length;
            run += text;
            if (octets[run..] is not [Cr, Lf, not (Dot or Cr or Lf or Nul), ..]) return run;
            run += 3;
        }
    }

    private void Step(byte octet, Span<byte> output, ref int written)
    {
        octets++;
        switch (state)
        {
            case State.LineStart or State.LineStartAfterLf when octet == Dot && framing != DataFraming.Counted:
                afterLf = state == State.LineStartAfterLf;
                state = State.Dot;
                return;

            case State.Dot when octet == Dot:
                // Two dots were one.
                octets--;
                Put(Dot, output, ref written);
                return;
            case State.Dot when octet == Cr:
                state = State.DotCr;
                return;
            case State.Dot when octet == Lf && framing == DataFraming.Lf:
                End(2);
                return;
            case State.Dot:
                output[written++] = Dot;
                (dotAlone, leaving) = (true, 0);
                Text(octet, output, ref written);
                return;

            case State.LineStart or State.LineStartAfterLf when octet == Nul:
                state = State.AfterNuls;
                return;
            case State.AfterNuls when octet == Nul:
                return;
            case State.AfterNuls when octet == Dot && framing != DataFraming.Counted:
                Put(Dot, output, ref written);
                (dotAlone, leaving) = (true, 0);
                return;

            case State.DotCr when octet == Lf && (framing == DataFraming.Lf || !afterLf):
                End(3);
                return;
            case State.DotCr when octet == Cr && framing == DataFraming.CrCrLf && !afterLf:
                state = State.DotCrCr;
                return;
            case State.DotCrCr when octet == Lf:
                End(4);
                return;
            case State.DotCr or State.DotCrCr:
                output[written++] = Dot;
                (dotAlone, leaving) = (true, 0);
                crs = state == State.DotCr ? 1 : 2;
                AfterCr(octet, output, ref written);
                return;

            case State.Crs:
                AfterCr(octet, output, ref written);
                return;

            default:
                Text(octet, output, ref written);
                return;
        }
    }

    private void End(int terminator)
    {
        octets -= terminator;
        state = State.Ended;
    }

    private void Text(byte octet, Span<byte> output, ref int written)
    {
        switch (octet)
        {
            case Cr:
                crs = 1;
                state = State.Crs;
                break;
            case Lf:
                EndLine(output, ref written);
                state = State.LineStartAfterLf;
                break;
            case Nul:
                // Dropped, but it was there: a dot after it does not begin the line.
                state = State.Text;
                break;
            default:
                Put(octet, output, ref written);
                break;
        }
    }

    private void AfterCr(byte octet, Span<byte> output, ref int written)
    {
        switch (octet)
        {
            case Lf:
                // CR CR LF is one line end that some C library translated twice.
                EndLine(output, ref written);
                state = State.LineStart;
                break;
            case Cr when crs == MaxPendingCrs:
                EndLine(output, ref written);
                state = State.Crs;
                break;
            case Cr:
                crs++;
                state = State.Crs;
                break;
            case Nul:
                EndLines(output, ref written);
                state = State.Text;
                break;
            default:
                EndLines(output, ref written);
                Put(octet, output, ref written);
                break;
        }
    }

    private void Put(byte octet, Span<byte> output, ref int written)
    {
        output[written++] = octet;
        dotAlone = dotAlone && leaving < 4 && (octet | 0x20) == "quit"[leaving++];
        state = State.Text;
    }

    private void EndLines(Span<byte> output, ref int written)
    {
        for (; crs > 0; crs--) EndLine(output, ref written);
    }

    private static void EndLine(Span<byte> output, ref int written)
    {
        output[written++] = Cr;
        output[written++] = Lf;
    }
}
