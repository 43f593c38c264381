using SmartHost.Mail;

namespace SmartHost.Gmail;

/// <summary>
/// MAIL, RCPT and the content, and every reply to them. Where PIPELINING and CHUNKING are offered (Gmail does), a small
/// message is one round trip: commands and content leave together (RFC 2920, RFC 3030), replies are read while writing,
/// so that neither side can wait for the other. A large one waits for the recipients first, rather than push
/// megabytes that nobody will take.
/// What broke is kept as a value; only the message's own errors and cancellation are thrown.
/// </summary>
internal sealed class TransactionExchange(SmtpWire wire, TimeProvider time, EhloOffer offer, Mailbox sender, IReadOnlyList<Mailbox> recipients, Content content)
{
    /// <summary>About what fits into the buffers on the way within one round trip of a home line.</summary>
    internal const int PipelinedContent = 256 * 1024;

    /// <summary>The last block is on its way. Set before it leaves, since its reply may come before the write returns.</summary>
    private volatile bool contentEnds;

    public Step Mail { get; } = new(Stage.Mail, ConversationTimeouts.Command);

    public IReadOnlyList<Step> Recipients { get; } = [.. recipients.Select(_ => new Step(Stage.Recipient, ConversationTimeouts.Command))];

    /// <summary>The reply that decides about the message: to the content, or to a DATA that was not let through.</summary>
    public Step Content { get; private set; } = new(Stage.EndOfData, ConversationTimeouts.EndOfData);

    /// <summary>A 421: whatever it answered, the server is closing, and nothing unanswered will be.</summary>
    public Step? Closing { get; private set; }

    public WireException? Failure { get; private set; }

    public Stage FailedAt { get; private set; }

    /// <summary>Every octet of the content, and its end, left for the server.</summary>
    public bool ContentSent { get; private set; }

    /// <summary>The conversation is out of step or over.</summary>
    public bool IsBroken { get; private set; }

    public async Task RunAsync(bool withoutWaiting, CancellationToken cancellation)
    {
        string[] commands = [MailCommand(), .. recipients.Select(recipient => $"RCPT TO:<{recipient}>")];
        if (withoutWaiting && offer is { Pipelining: true, Chunking: true } && content.Size <= PipelinedContent)
        {
            await ExchangeAsync([Mail, .. Recipients, Content], async (output, stop) =>
            {
                foreach (var command in commands) await output.WriteLineAsync(command, stop);
                await WriteChunkAsync(output, stop);
            }, cancellation);
            return;
        }
        await EnvelopeAsync(commands, cancellation);
        if (IsBroken || !Mail.IsPositive || !Recipients.Any(recipient => recipient.IsPositive)) return;
        if (offer.Chunking) await ExchangeAsync([Content], WriteChunkAsync, cancellation);
        else await DataAsync(cancellation);
    }

    /// <summary>RSET, after a transaction that did not end by itself.</summary>
    /// <returns>False: the connection is of no more use.</returns>
    public async Task<bool> ResetAsync(CancellationToken cancellation)
    {
        var reset = new Step(Stage.Mail, ConversationTimeouts.Reset);
        await ExchangeAsync([reset], (output, stop) => output.WriteLineAsync("RSET", stop), cancellation);
        return !IsBroken && reset.IsPositive;
    }

    private async Task EnvelopeAsync(string[] commands, CancellationToken cancellation)
    {
        Step[] steps = [Mail, .. Recipients];
        if (offer.Pipelining)
        {
            await ExchangeAsync(steps, async (output, stop) =>
            {
                foreach (var command in commands) await output.WriteLineAsync(command, stop);
            }, cancellation);
            return;
        }
        for (var i = 0; i < commands.Length && !IsBroken && (i == 0 || Mail.IsPositive); i++)
        {
            var command = commands[i];
            await ExchangeAsync([steps[i]], (output, stop) => output.WriteLineAsync(command, stop), cancellation);
        }
    }

    private async Task DataAsync(CancellationToken cancellation)
    {
        var data = new Step(Stage.Data, ConversationTimeouts.Command);
        await ExchangeAsync([data], (output, stop) => output.WriteLineAsync("DATA", stop), cancellation);
        if (data.Reply?.Code != 354)
        {
            Content = data;
            return;
        }
        await ExchangeAsync([Content], async (output, stop) =>
        {
            // Doubled dots count too; only the octets before stuffing are known beforehand.
            output.BeginContent(long.MaxValue);
            await using var stuffing = new DotStuffing(output);
            await content.WriteToAsync(stuffing, stop);
            await stuffing.EndAsync(stop);
            await SendLastBlockAsync(output, stop);
        }, cancellation);
    }

    private async Task WriteChunkAsync(WireOutput output, CancellationToken stop)
    {
        // The size is known, so one chunk is enough however large the message is.
        await output.WriteLineAsync(string.Create(null, $"BDAT {content.Size} LAST"), stop);
        output.BeginContent(content.Size);
        await content.WriteToAsync(output, stop);
        if (output.ContentLength != content.Size) throw new InvalidOperationException($"the message announced {content.Size} octets and wrote {output.ContentLength}");
        await SendLastBlockAsync(output, stop);
    }

    private async Task SendLastBlockAsync(WireOutput output, CancellationToken stop)
    {
        contentEnds = true;
        await output.SendAsync(stop);
        ContentSent = true;
    }

    private string MailCommand()
    {
        var command = $"MAIL FROM:<{sender}>";
        if (offer.Size) command += string.Create(null, $" SIZE={content.Size}");
        if (offer.EightBitMime && content.Is8Bit) command += " BODY=8BITMIME";
        if (offer.SmtpUtf8 && (sender.IsInternational || recipients.Any(recipient => recipient.IsInternational))) command += " SMTPUTF8";
        return command;
    }

    /// <summary>Writes, and reads one reply a step meanwhile. Returns when both are over.</summary>
    private async Task ExchangeAsync(IReadOnlyList<Step> steps, Func<WireOutput, CancellationToken, Task> write, CancellationToken cancellation)
    {
        using var patience = new Patience(time);
        using var stopReading = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        using var stopWriting = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        await using var output = new WireOutput(wire);
        var reading = ReadAsync(steps, patience, stopWriting, stopReading.Token);
        try
        {
            await write(output, stopWriting.Token);
            await output.SendAsync(stopWriting.Token);
            patience.Begin();
        }
        catch (WireException e)
        {
            // Before it closed, the server mostly said why: listen for that a little longer.
            if (Failure is null) (Failure, FailedAt) = (e, steps[^1].Stage);
            IsBroken = true;
            patience.Begin(ConversationTimeouts.LastWord);
        }
        catch (OperationCanceledException) when (stopWriting.IsCancellationRequested && !cancellation.IsCancellationRequested)
        {
            // The reader has seen the end of the conversation; the rest of the content is of no use.
            IsBroken = true;
        }
        catch
        {
            IsBroken = true;
            await stopReading.CancelAsync();
            await reading.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            throw;
        }
        try
        {
            await reading;
        }
        catch (OperationCanceledException)
        {
            IsBroken = true;
            throw;
        }
    }

    private async Task ReadAsync(IReadOnlyList<Step> steps, Patience patience, CancellationTokenSource stopWriting, CancellationToken cancellation)
    {
        foreach (var step in steps)
        {
            patience.Expect(step.Patience);
            try
            {
                step.Reply = await wire.ReadReplyAsync(patience.Token, cancellation);
            }
            catch (WireException e)
            {
                // If writing failed as well, it failed for the same reason; where the replies ended says more.
                (Failure, FailedAt, IsBroken) = (e, step.Stage, true);
                await stopWriting.CancelAsync();
                return;
            }
            if (step.Reply.Code == 421)
            {
                (Closing, IsBroken) = (step, true);
                await stopWriting.CancelAsync();
                return;
            }
            if (step.Stage == Stage.EndOfData && !contentEnds)
            {
                // A verdict on a message it has not seen whole. What is on its way cannot be taken back.
                IsBroken = true;
                await stopWriting.CancelAsync();
                return;
            }
        }
    }

    /// <summary>One command, and what the server said to it.</summary>
    public sealed class Step(Stage stage, TimeSpan patience)
    {
        public Stage Stage => stage;

        /// <summary>How long the server may think about it.</summary>
        public TimeSpan Patience => patience;

        public SmtpReply? Reply { get; set; }

        public bool IsPositive => Reply is { Code: >= 200 and < 300 };
    }

    /// <summary>
    /// The server's time to answer starts when it has everything it may be waiting for: while we still write, a server
    /// that reads a whole group of commands before it answers the first (RFC 2920 allows it) is not silent.
    /// </summary>
    private sealed class Patience(TimeProvider time) : IDisposable
    {
        private readonly CancellationTokenSource silence = new(Timeout.InfiniteTimeSpan, time);
        private readonly Lock gate = new();
        private TimeSpan current, most = Timeout.InfiniteTimeSpan;
        private bool begun;

        public CancellationToken Token => silence.Token;

        public void Expect(TimeSpan patience)
        {
            lock (gate)
            {
                current = patience;
                Arm();
            }
        }

        public void Begin(TimeSpan? atMost = null)
        {
            lock (gate)
            {
                begun = true;
                most = atMost ?? most;
                Arm();
            }
        }

        public void Dispose() => silence.Dispose();

        private void Arm()
        {
            if (begun) silence.CancelAfter(most < current && most != Timeout.InfiniteTimeSpan ? most : current);
        }
    }
}
