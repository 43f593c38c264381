using SmartHost.Gmail;
using SmartHost.Queue;

namespace SmartHost.Delivery;

/// <summary>How an attempt ended. Closed.</summary>
internal abstract record AttemptResult
{
    private AttemptResult() { }

    public sealed record Answered(TransactionOutcome Outcome, IReadOnlyList<string> Repairs, IReadOnlyList<string> Blocked) : AttemptResult;

    /// <summary>Gmail has not got it, except where a bug of ours came in the middle: see <see cref="Prepared.Failed"/>.</summary>
    public sealed record NotHandedOver(Prepared Why) : AttemptResult;

    /// <summary>Gmail heard nothing of it: that the attempt began could not be written down.</summary>
    /// <param name="Why">A sentence.</param>
    public sealed record NotNoted(string Why) : AttemptResult;

    /// <param name="Begun">Gmail may have heard of it, and even have it.</param>
    public sealed record Abandoned(bool Begun) : AttemptResult;
}

/// <summary>What the tasks beside the loop tell it. Closed.</summary>
internal abstract record DeliveryEvent
{
    private DeliveryEvent() { }

    /// <summary>A timer, or the stop.</summary>
    public sealed record Wake : DeliveryEvent;

    /// <summary>The queue may have something to take.</summary>
    public sealed record Work : DeliveryEvent;

    /// <param name="Rested">Completed when nothing is under way any more.</param>
    public sealed record AwaitsRest(TaskCompletionSource Rested) : DeliveryEvent;

    public sealed record SettingsChanged : DeliveryEvent;

    public sealed record TryNow(string Account) : DeliveryEvent;

    /// <param name="Outcome">Null: abandoned at the stop.</param>
    public sealed record OpenEnded(Account Account, int Generation, bool IsProbe, OpenOutcome? Outcome) : DeliveryEvent;

    public sealed record AttemptEnded(Assignment Assignment, GmailSession Session, AttemptResult Result) : DeliveryEvent;

    /// <param name="After">Null: given up at the stop.</param>
    public sealed record Settled(Assignment Assignment, Settlement Settlement, QueuedMessage? After) : DeliveryEvent;
}
