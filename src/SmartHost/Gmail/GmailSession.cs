using SmartHost.Mail;

namespace SmartHost.Gmail;

/// <summary>What to hand over: one transaction's worth.</summary>
/// <param name="Sender">The account's address, or an alias. Never null: Gmail wants an identity even on reports.</param>
/// <param name="Recipients">1 to 100.</param>
/// <param name="Message">The octets as they go out, ready: repaired, CRLF, at most 998 octets a line.</param>
public sealed record Transaction(Mailbox Sender, IReadOnlyList<Mailbox> Recipients, OutgoingMessage Message);

/// <summary>How opening a session ended. Closed.</summary>
public abstract record OpenOutcome
{
    private OpenOutcome() { }

    /// <param name="Tried">One line for the timeline: which address and port, how long it took.</param>
    public sealed record Opened(GmailSession Session, string Tried) : OpenOutcome;

    public sealed record Failed(Verdict Verdict, SmtpReply? Reply, string Tried) : OpenOutcome;
}

/// <summary>How one transaction ended, recipient by recipient.</summary>
/// <param name="MayBeDelivered">The connection broke after the final dot (or BDAT LAST) and before a reply: Gmail may have it.</param>
public sealed record TransactionOutcome(IReadOnlyList<RecipientVerdict> Recipients, bool MayBeDelivered);

/// <param name="Reply">Word for word what Gmail said: at RCPT if it refused there, else at the end of data. Null: it said nothing.</param>
public sealed record RecipientVerdict(Mailbox Recipient, Verdict Verdict, SmtpReply? Reply);

/// <summary>One authenticated connection to Gmail. Used by one sender at a time. (Contract; the wire follows.)</summary>
public sealed class GmailSession : IAsyncDisposable
{
    /// <summary>False after a 421, a broken connection, a failed reset: dispose it and open another.</summary>
    public bool IsUsable => throw new NotImplementedException();

    public int Transactions => throw new NotImplementedException();

    public DateTimeOffset LastUsed => throw new NotImplementedException();

    /// <summary>Never throws for what Gmail or the network does; cancellation throws.</summary>
    public Task<TransactionOutcome> SendAsync(Transaction transaction, CancellationToken cancellation) => throw new NotImplementedException();

    /// <summary>QUIT, bounded in time, then close.</summary>
    public ValueTask DisposeAsync() => throw new NotImplementedException();
}

/// <summary>Opens sessions: ports in turn, the working one remembered; TLS always checked; one AUTH.</summary>
public sealed class GmailConnector(TimeProvider time)
{
    public Task<OpenOutcome> OpenAsync(AccountSettings account, CancellationToken cancellation) =>
        throw new NotImplementedException(time.ToString());
}
