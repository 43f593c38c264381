namespace SmartHost.Gmail.Replies;

/// <summary>What a reply of Gmail's, or the lack of one, asks of us. The catalogue maps each known reply to one of these.</summary>
public enum VerdictAction
{
    /// <summary>Taken.</summary>
    Accepted,

    /// <summary>Reconnect and resend at once, not counted as an attempt; a second time in a row it is <see cref="Verdict.Repeated"/>.</summary>
    RetryNow,

    /// <summary>1, 2, 5, 10 minutes …</summary>
    RetrySoon,

    /// <summary>15 minutes, 1 hour, 4 hours …</summary>
    RetryLater,

    /// <summary>Close, use fewer connections and a slower pace (AIMD), then as <see cref="RetrySoon"/>; not the message's fault.</summary>
    SlowDown,

    /// <summary>Pause the account and keep all its mail; probe after <see cref="Verdict.Wait"/>, longer each time.</summary>
    HoldAccount,

    /// <summary>
    /// As <see cref="HoldAccount"/>, but a person must act (wrong password): at most one try an hour, lest Google lock the account,
    /// or one at once on changed credentials. Where the row has a <see cref="Verdict.Wait"/>, the first try comes after that:
    /// Google is known to refuse a good password for a moment.
    /// </summary>
    HoldAccountForPerson,

    /// <summary>This message needs a person; others go on.</summary>
    Park,

    BounceRecipient,
    BounceMessage,

    /// <summary>Send to those accepted, the rest at once in another transaction; where there is nothing left to split it is <see cref="Verdict.Repeated"/>.</summary>
    SplitRecipients,

    /// <summary>587 ↔ 465, then as <see cref="RetrySoon"/>.</summary>
    OtherPort,
}

/// <summary>Our reading of what Gmail said, with the words for a person.</summary>
/// <param name="Row">The catalogue row's name (<c>550-5.4.5-daily-limit</c>), for logs and tests and to tell one row from another; nothing is read out of its letters. "class-4" and the like for replies it does not know.</param>
/// <param name="Happened">A sentence: what happened.</param>
/// <param name="Remedy">A sentence: what to do. "Nothing to do: …" where that is true.</param>
/// <param name="Help">Google's page about it, where there is one.</param>
/// <param name="Wait">How long a hold lasts before the first probe, where the row says so.</param>
/// <param name="Patience">How long a recipient is tried in spite of this reply before it is given up; null: for the message's whole lifetime.</param>
/// <param name="Known">False: the catalogue has no such row and the reply's class decided; logged in full.</param>
/// <param name="Again">What it asks where the first answer to it did not help; null: patience.</param>
public sealed record Verdict(
    VerdictAction Action, string Row, string Happened, string Remedy, Uri? Help = null, TimeSpan? Wait = null, TimeSpan? Patience = null, bool Known = true, VerdictAction? Again = null)
{
    /// <summary>A hold that is asked about evenly, not ever more rarely: what was reached may free at any time.</summary>
    public bool Evenly { get; init; }

    /// <summary>Gmail takes the message for spam: several within an hour are about the account.</summary>
    public bool Spam { get; init; }

    /// <summary>What to do instead where the login was by OAuth or a service account. Null: the same.</summary>
    public string? RemedyWithToken { get; init; }

    /// <summary>Google gave no access token: Gmail itself was not asked at all.</summary>
    public bool AboutToken { get; init; }

    /// <summary>
    /// The same word after the same deed: a new connection, or fewer recipients, did not help. So none of the two is tried
    /// again and again; what asks for a login at each try would get the account locked.
    /// </summary>
    public Verdict Repeated() => Action switch
    {
        VerdictAction.RetryNow when Again is { } next => this with { Action = next, Happened = $"{Happened.TrimEnd('.')}, on a new connection too." },
        VerdictAction.RetryNow => this with { Action = VerdictAction.RetrySoon },
        VerdictAction.SplitRecipients => this with { Action = Again ?? VerdictAction.RetryLater },
        _ => this,
    };
}
