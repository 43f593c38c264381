using SmartHost.Mail;

namespace SmartHost.Queue;

/// <summary>All conditions must hold; null or empty means any.</summary>
/// <param name="Text">Found in subject, sender, recipient, Message-ID or id, letter case ignored.</param>
public sealed record MessageSearch(string? Text = null, string? Device = null, IReadOnlyCollection<MessageState>? States = null, bool? Bounced = null, QueueId? Before = null, int Limit = 50);
