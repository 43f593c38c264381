namespace SmartHost.Mail;

/// <summary>Who a message is from and who gets it, as the SMTP transaction said. The header may say otherwise.</summary>
public sealed record Envelope(ReversePath Sender, IReadOnlyList<Mailbox> Recipients);
