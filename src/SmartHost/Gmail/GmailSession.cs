using Microsoft.Extensions.Logging;
using SmartHost.Gmail.Replies;
using SmartHost.Mail;

namespace SmartHost.Gmail;

/// <summary>
/// One authenticated connection to Gmail, used by one sender at a time. What Gmail or the network does to a transaction
/// becomes a verdict for each recipient; the session tells by <see cref="IsUsable"/> whether it can be used again.
/// The only uncertain end is a connection that breaks after the whole content left: see <see cref="TransactionOutcome.MayBeDelivered"/>.
/// </summary>
public sealed partial class GmailSession : IAsyncDisposable
{
    /// <summary>
    /// After a longer rest the connection may have died unnoticed, at a router or by Gmail's own timeout. Content sent
    /// into it without waiting would leave open whether it arrived; the round trip to find out is cheaper than a doubt.
    /// </summary>
    internal static readonly TimeSpan TrustedFor = TimeSpan.FromSeconds(10);

    private readonly SmtpWire wire;
    private readonly EhloOffer offer;
    private readonly TimeProvider time;
    private readonly ILogger logger;

    /// <summary>By the monotonic clock: the wall clock may be put back meanwhile.</summary>
    private long lastUsed;

    internal GmailSession(SmtpWire wire, EhloOffer offer, string account, TimeProvider time, ILogger logger)
    {
        (this.wire, this.offer, Account, this.time, this.logger) = (wire, offer, account, time, logger);
        lastUsed = time.GetTimestamp();
    }

    /// <summary>The account's name in the settings.</summary>
    public string Account { get; }

    /// <summary>False after a 421, a broken connection, a failed reset: dispose it and open another.</summary>
    public bool IsUsable { get; private set; } = true;

    /// <summary>How many were begun on this connection.</summary>
    public int Transactions { get; private set; }

    /// <summary>The largest message Gmail takes, in octets, as its EHLO said; null where it named none.</summary>
    public long? MaxSize => offer.MaxSize;

    /// <summary>
    /// Never throws for what Gmail or the network does. Cancellation throws, and so does a message that cannot be read
    /// (<see cref="IOException"/>) or does not keep to its announced size; the session is then unusable, and Gmail has
    /// not got the message, except where cancellation came between the content and Gmail's reply to it.
    /// </summary>
    public Task<TransactionOutcome> SendAsync(Transaction transaction, CancellationToken cancellation) =>
        SendAsync(transaction.Sender, transaction.Recipients, new Content(transaction.Message.Size, transaction.Message.Is8Bit, transaction.Message.WriteToAsync), cancellation, transaction.StepByStep);

    internal async Task<TransactionOutcome> SendAsync(Mailbox sender, IReadOnlyList<Mailbox> recipients, Content content, CancellationToken cancellation, bool stepByStep = false)
    {
        ObjectDisposedException.ThrowIf(!IsUsable, this);
        if (offer.MaxSize is { } limit && content.Size > limit) return All(recipients, ReplyCatalogue.TooLarge(content.Size, limit));
        if (sender.IsInternational && !offer.SmtpUtf8) return All(recipients, ReplyCatalogue.NeedsUtf8 with { Action = VerdictAction.Park });

        var sendable = recipients.Where(recipient => offer.SmtpUtf8 || !recipient.IsInternational).ToList();
        if (sendable.Count == 0) return All(recipients, ReplyCatalogue.NeedsUtf8);

        var rested = time.GetElapsedTime(lastUsed);
        Transactions++;
        var exchange = new TransactionExchange(wire, time, offer, sender, sendable, content);
        try
        {
            // Until it ends well, it has not: an exception must not leave a session that looks usable.
            IsUsable = false;
            await exchange.RunAsync(withoutWaiting: !stepByStep && rested <= TrustedFor, cancellation);
            var outcome = Judge(recipients, sendable, exchange);
            var leave = outcome.Recipients.Any(recipient => recipient.Verdict.Action is VerdictAction.RetryNow or VerdictAction.SlowDown or VerdictAction.OtherPort);
            var ended = exchange.Content is { Stage: Stage.EndOfData, IsPositive: true };
            if (!exchange.IsBroken && !leave && (ended || await exchange.ResetAsync(cancellation))) IsUsable = !wire.HasMore;
            return outcome with { LoginSpent = !IsUsable && Transactions == 1 };
        }
        finally
        {
            lastUsed = time.GetTimestamp();
        }
    }

    /// <summary>QUIT, bounded in time, then close.</summary>
    public async ValueTask DisposeAsync()
    {
        if (IsUsable)
        {
            IsUsable = false;
            try
            {
                await wire.WriteLineAsync("QUIT", ConversationTimeouts.Quit, CancellationToken.None);
                await wire.ReadReplyAsync(ConversationTimeouts.Quit, CancellationToken.None);
            }
            catch (WireException)
            {
                // We were leaving anyway.
            }
        }
        await wire.DisposeAsync();
    }

    private TransactionOutcome Judge(IReadOnlyList<Mailbox> recipients, List<Mailbox> sendable, TransactionExchange exchange)
    {
        var steps = exchange.Recipients;
        // Refused before the content counted: then there was nothing left to be delivered.
        var open = exchange.Closing is null && exchange.Mail.Reply is null or { Code: < 300 } && steps.Any(step => step.Reply is null or { Code: < 300 });
        var mayBeDelivered = exchange is { ContentSent: true, Content.Reply: null, Failure: not null } && open;
        var accepted = steps.Count(step => step.IsPositive);

        var verdicts = new List<RecipientVerdict>(recipients.Count);
        for (int i = 0, sent = 0; i < recipients.Count; i++)
        {
            var step = sent < sendable.Count && ReferenceEquals(recipients[i], sendable[sent]) ? steps[sent++] : null;
            verdicts.Add(step is null ? new RecipientVerdict(recipients[i], ReplyCatalogue.NeedsUtf8, null) : Judge(recipients[i], step, exchange, mayBeDelivered, accepted));
        }
        return new TransactionOutcome(verdicts, mayBeDelivered);
    }

    /// <summary>The first refusal on the way decides: at MAIL, at RCPT, then at the content.</summary>
    private RecipientVerdict Judge(Mailbox recipient, TransactionExchange.Step own, TransactionExchange exchange, bool mayBeDelivered, int accepted)
    {
        foreach (var step in (TransactionExchange.Step?[])[exchange.Mail, own, exchange.Closing, exchange.Content])
        {
            if (step?.Reply is not { } reply || (step.IsPositive && step != exchange.Content)) continue;
            // A 250 for a message that it cannot have seen whole.
            if (step.IsPositive && step.Stage == Stage.EndOfData && !exchange.ContentSent)
                return new RecipientVerdict(recipient, ReplyCatalogue.Read(ConnectionFailure.NotSmtp, step.Stage, "it confirmed a message that it had not got"), reply);
            var verdict = Read(reply, step.Stage, accepted);
            // Else one recipient who is always refused so would keep the message from all the others until its lifetime ends.
            if (step == exchange.Closing && step != own && verdict is { Action: VerdictAction.RetryLater } && step.Stage == Stage.Recipient)
                return new RecipientVerdict(recipient, ReplyCatalogue.ClosedOverAnother, null);
            return new RecipientVerdict(recipient, verdict, reply);
        }
        var (failure, stage, detail) = exchange.Failure is { } broken
            ? (mayBeDelivered ? ConnectionFailure.OutcomeUnknown : broken.Failure, exchange.FailedAt, broken.Detail)
            : throw new System.Diagnostics.UnreachableException("a transaction ended without a reply and without a failure");
        return new RecipientVerdict(recipient, ReplyCatalogue.Read(failure, stage, detail), null);
    }

    private Verdict Read(SmtpReply reply, Stage stage, int accepted)
    {
        var verdict = ReplyCatalogue.Read(reply, stage);
        if (!verdict.Known) LogUnknownReply(logger, Account, stage, reply);
        if (ReplyCatalogue.AboutOneOfSeveral(verdict, stage, accepted)) return ReplyCatalogue.OneOfSeveral;
        // "Too many" about the very first: splitting would ask the same again at once, for ever.
        return verdict.Action == VerdictAction.SplitRecipients && accepted == 0 ? verdict.Repeated() : verdict;
    }

    private static TransactionOutcome All(IReadOnlyList<Mailbox> recipients, Verdict verdict) =>
        new([.. recipients.Select(recipient => new RecipientVerdict(recipient, verdict, null))], MayBeDelivered: false);

    [LoggerMessage(3100, LogLevel.Warning, "account {Account}: Gmail replied at {Stage} with something SmartHost does not know: {Reply}")]
    internal static partial void LogUnknownReply(ILogger logger, string account, Stage stage, SmtpReply reply);
}
