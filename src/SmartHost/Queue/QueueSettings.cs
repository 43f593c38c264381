namespace SmartHost.Queue;

/// <summary>What the queue keeps, and where.</summary>
public sealed record QueueSettings
{
    /// <summary>The data folder: <c>queue.db</c>, <c>content/</c>.</summary>
    public required string Folder { get; init; }

    /// <summary>Messages waiting, all together, before devices hear 452.</summary>
    public int MaxMessages { get; init; } = 100_000;

    /// <summary>Octets that must stay free on the disk; below it devices hear 452.</summary>
    public long MinFree { get; init; } = 64L << 20;

    /// <summary>Days a finished message's row (not its content) is kept.</summary>
    public int KeepDays { get; init; } = 30;

    /// <summary>Days a finished message's content is kept. Zero: it is deleted with the last delivery.</summary>
    public int KeepContent { get; init; }
}
