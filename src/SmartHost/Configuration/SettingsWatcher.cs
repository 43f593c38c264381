namespace SmartHost.Configuration;

/// <summary>
/// Reloads the settings when one of their files changes. It hears of changes from the system where that works, and looks
/// for itself now and then: into a container on a NAS a bind mount often delivers no word of what happened outside.
/// An editor writes in several steps, so it waits until the files have been the same for a moment.
/// </summary>
public sealed class SettingsWatcher(SettingsSource source, TimeProvider time)
{
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(10), Quiet = TimeSpan.FromMilliseconds(500);

    /// <summary>Returns when cancelled. Whoever calls it awaits it.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        using var word = new SemaphoreSlim(0, 1);
        var watchers = new Dictionary<string, FileSystemWatcher>();
        try
        {
            while (!cancellation.IsCancellationRequested)
            {
                Listen(watchers, word);
                await WaitAsync(word, cancellation);
                // A log in the same folder speaks all the time; it may not make us look all the time.
                await Task.Delay(Quiet, time, cancellation);
                for (var settled = ""; source.IsStale(out var seen); settled = seen)
                {
                    if (seen == settled) source.Reload();
                    else await Task.Delay(Quiet, time, cancellation);
                }
            }
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            // Stopping is how it ends.
        }
        finally
        {
            foreach (var watcher in watchers.Values) watcher.Dispose();
        }
    }

    /// <summary>Until the system says something, at most <see cref="Interval"/>.</summary>
    private async Task WaitAsync(SemaphoreSlim word, CancellationToken cancellation)
    {
        using var enough = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var heard = word.WaitAsync(enough.Token);
        var waited = Task.Delay(Interval, time, enough.Token);
        await Task.WhenAny(heard, waited);
        await enough.CancelAsync();
        await Task.WhenAll(heard, waited).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        cancellation.ThrowIfCancellationRequested();
    }

    /// <summary>Where the system cannot watch (no inotify left, a network share), looking now and then is enough.</summary>
    private void Listen(Dictionary<string, FileSystemWatcher> watchers, SemaphoreSlim word)
    {
        var folders = source.Folders();
        foreach (var gone in watchers.Keys.Except(folders).ToList())
        {
            watchers[gone].Dispose();
            watchers.Remove(gone);
        }
        foreach (var folder in folders.Where(folder => !watchers.ContainsKey(folder)))
        {
            try
            {
                var watcher = new FileSystemWatcher(folder);
                watcher.Changed += (_, _) => Tell(word);
                watcher.Created += (_, _) => Tell(word);
                watcher.Deleted += (_, _) => Tell(word);
                watcher.Renamed += (_, _) => Tell(word);
                watchers.Add(folder, watcher);
                watcher.EnableRaisingEvents = true;
            }
            catch (Exception failure) when (failure is IOException or ArgumentException or UnauthorizedAccessException or PlatformNotSupportedException)
            {
                // Told to nobody: every change is still found within the interval.
            }
        }
    }

    private static void Tell(SemaphoreSlim word)
    {
        try
        {
            if (word.CurrentCount == 0) word.Release();
        }
        catch (Exception race) when (race is SemaphoreFullException or ObjectDisposedException)
        {
            // Two words at once are one; a word after the end is none.
        }
    }
}
