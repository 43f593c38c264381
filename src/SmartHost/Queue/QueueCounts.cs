namespace SmartHost.Queue;

/// <summary>What is open, by lane and standing. Octets: of all of it.</summary>
/// <param name="Oldest">When the first of them was received.</param>
/// <param name="OldestWaiting">Likewise, of those that wait for their turn and not for a person; by the clock as it was put right since.</param>
public sealed record QueueCounts(int Urgent, int Normal, int Bulk, int Held, int Parked, long Octets, DateTimeOffset? Oldest, DateTimeOffset? OldestWaiting)
{
    public int Waiting => Urgent + Normal + Bulk;
}

/// <param name="Hour">The number of the hour, from 0.</param>
/// <param name="Bounced">At least one recipient did not get it.</param>
public sealed record ReceivedCount(int Hour, MessageState State, bool Bounced, int Messages);
