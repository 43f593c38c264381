using SmartHost.Gmail.Repair;
using SmartHost.Gmail.Replies;
using SmartHost.Mail;

namespace SmartHost.Gmail;

/// <summary>What to hand over: one transaction's worth.</summary>
/// <param name="Sender">The account's address, or an alias. Never null: Gmail wants an identity even on reports.</param>
/// <param name="Recipients">1 to 100.</param>
/// <param name="Message">The octets as they go out, ready: repaired, CRLF, at most 998 octets a line.</param>
/// <param name="StepByStep">No content before Gmail has taken a recipient: for a connection that may not hold, and a message that must not come into doubt again for nothing.</param>
public sealed record Transaction(Mailbox Sender, IReadOnlyList<Mailbox> Recipients, OutgoingMessage Message, bool StepByStep = false);

/// <summary>How one transaction ended, recipient by recipient.</summary>
/// <param name="MayBeDelivered">The connection broke after the final dot (or BDAT LAST) and before a reply: Gmail may have it.</param>
/// <param name="LoginSpent">It was the first on its connection and the last: the next message costs a login of its own.</param>
public sealed record TransactionOutcome(IReadOnlyList<RecipientVerdict> Recipients, bool MayBeDelivered, bool LoginSpent = false);

/// <param name="Reply">Word for word what Gmail said: at RCPT if it refused there, else at the end of data. Null: it said nothing.</param>
public sealed record RecipientVerdict(Mailbox Recipient, Verdict Verdict, SmtpReply? Reply);

/// <summary>A message's octets, as a transaction needs to know them.</summary>
internal sealed record Content(long Size, bool Is8Bit, Func<Stream, CancellationToken, Task> WriteToAsync);
