namespace SmartHost.Queue;

/// <summary>What is open, by lane and standing. Octets: of all of it. Oldest: when the one that waits longest was received.</summary>
public sealed record QueueCounts(int Urgent, int Normal, int Bulk, int Held, int Parked, long Octets, DateTimeOffset? Oldest)
{
    public int Waiting => Urgent + Normal + Bulk;
}

/// <param name="Hour">The number of the hour, from 0.</param>
/// <param name="Bounced">At least one recipient did not get it.</param>
public sealed record ReceivedCount(int Hour, MessageState State, bool Bounced, int Messages);
