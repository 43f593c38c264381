using SmartHost.Mail;

namespace SmartHost.Gmail;

/// <summary>What a reply of Gmail's, or the lack of one, asks of us. The catalogue maps each known reply to one of these.</summary>
public enum VerdictAction
{
    /// <summary>Taken.</summary>
    Accepted,

    /// <summary>Reconnect and resend at once, not counted as an attempt; a second time in a row counts as <see cref="RetrySoon"/>.</summary>
    RetryNow,

    /// <summary>1, 2, 5, 10 minutes …</summary>
    RetrySoon,

    /// <summary>15 minutes, 1 hour, 4 hours …</summary>
    RetryLater,

    /// <summary>Close, use fewer connections and a slower pace (AIMD), then as <see cref="RetrySoon"/>; not the message's fault.</summary>
    SlowDown,

    /// <summary>Pause the account and keep all its mail; probe after <see cref="Verdict.Wait"/>, longer each time.</summary>
    HoldAccount,

    /// <summary>As <see cref="HoldAccount"/>, but a person must act (wrong password): no probe that could lock the account, at most one try an hour or on changed credentials.</summary>
    HoldAccountForPerson,

    /// <summary>This message needs a person; others go on.</summary>
    Park,

    BounceRecipient,
    BounceMessage,

    /// <summary>Send to those accepted, the rest at once in another transaction.</summary>
    SplitRecipients,

    /// <summary>587 ↔ 465, then as <see cref="RetrySoon"/>.</summary>
    OtherPort,
}

/// <summary>Our reading of what Gmail said, with the words for a person.</summary>
/// <param name="Row">The catalogue row's name, for logs and tests (<c>550-5.4.5-daily-limit</c>); "class-4" and the like for replies it does not know.</param>
/// <param name="Happened">A sentence: what happened.</param>
/// <param name="Remedy">A sentence: what to do. "Nothing to do: …" where that is true.</param>
/// <param name="Help">Google's page about it, where there is one.</param>
/// <param name="Wait">How long a hold lasts before the first probe, where the row says so.</param>
/// <param name="Patience">How long a recipient is tried in spite of this reply before it is given up; null: for the message's whole lifetime.</param>
/// <param name="Known">False: the catalogue has no such row and the reply's class decided; logged in full.</param>
public sealed record Verdict(VerdictAction Action, string Row, string Happened, string Remedy, Uri? Help = null, TimeSpan? Wait = null, TimeSpan? Patience = null, bool Known = true);
