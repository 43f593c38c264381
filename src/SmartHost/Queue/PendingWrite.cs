namespace SmartHost.Queue;

/// <summary>A part of the journal's next transaction, and whoever waits for it.</summary>
/// <param name="synced">Somebody's word depends on it.</param>
internal abstract class PendingWrite(bool synced)
{
    public bool Synced => synced;

    public abstract void Apply(Database database);

    /// <summary>After the commit, and before anybody hears of it.</summary>
    public abstract void Publish();

    public abstract void Complete();

    public abstract void Fail(StorageFailure failure);

    public abstract void Fail(Exception bug);
}

internal sealed class PendingWrite<T>(Func<Database, T> apply, Action<T>? committed, bool synced) : PendingWrite(synced)
{
    private readonly TaskCompletionSource<Written<T>> completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private T? result;

    public Task<Written<T>> Task => completion.Task;

    public override void Apply(Database database) => result = apply(database);

    public override void Publish() => committed?.Invoke(result!);

    public override void Complete() => completion.TrySetResult(new Written<T>(result, null));

    public override void Fail(StorageFailure failure) => completion.TrySetResult(new Written<T>(default, failure));

    public override void Fail(Exception bug)
    {
        // Of a note that failed its asker hears as of one that the disk did not take; the bug itself was logged.
        if (Synced) completion.TrySetException(bug);
        else completion.TrySetResult(new Written<T>(default, new StorageFailure(false, "SmartHost stumbled as it wrote to its queue. Please report this with the log.")));
    }
}

/// <summary>Exactly one of the two is there.</summary>
internal readonly record struct Written<T>(T? Value, StorageFailure? Failure);
