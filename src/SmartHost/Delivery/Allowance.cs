using SmartHost.Gmail;
using SmartHost.Mail;
using SmartHost.Queue;

namespace SmartHost.Delivery;

/// <summary>
/// What an account may still send in its rolling 24 hours, lane by lane: bulk mail may bring the account to half of its
/// allowance, normal mail to 90 %, urgent mail to all of it, so that a newsletter never takes a fire alarm's place.
/// A spent allowance is no failure: mail waits until the window frees.
/// </summary>
/// <param name="Messages">Gone in the last 24 hours, and on their way now.</param>
public readonly record struct Allowance(int Messages, int Recipients, int DailyMessages, int DailyRecipients)
{
    public static Allowance Of(AccountSettings account, Spend spent, int messagesOnTheWay, int recipientsOnTheWay) =>
        new(spent.Messages + messagesOnTheWay, spent.Recipients + recipientsOnTheWay, account.DailyMessages, account.DailyRecipients);

    /// <summary>0 to 1, by whichever of the two is nearer to its end: Google does not say which one it counts.</summary>
    public double Used => Math.Max((double)Messages / Math.Max(1, DailyMessages), (double)Recipients / Math.Max(1, DailyRecipients));

    /// <summary>Those whose mail waits, since their share is used up.</summary>
    public IEnumerable<Lane> SpentLanes => Enum.GetValues<Lane>().Where(IsSpent);

    public bool IsSpent(Lane lane) => Left(lane) == 0;

    /// <summary>How many recipients a message of that lane may still have now; zero: it waits.</summary>
    public int Left(Lane lane)
    {
        var percent = Percent(lane);
        // Products in long: a Workspace's numbers times 100 are near the edge of an int when somebody writes "no limit" as int.MaxValue.
        if ((long)Messages * 100 >= (long)DailyMessages * percent) return 0;
        // Rounded up, as the messages above are: the share of a very small allowance would be nobody, and the lane would wait for ever.
        var ceiling = ((long)DailyRecipients * percent + 99) / 100;
        return (int)Math.Clamp(ceiling - Recipients, 0, int.MaxValue);
    }

    private static int Percent(Lane lane) => lane switch { Lane.Urgent => 100, Lane.Normal => 90, _ => 50 };
}
