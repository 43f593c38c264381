using SmartHost.Configuration;
using SmartHost.Devices;
using SmartHost.Notices;
using SmartHost.Queue;

namespace SmartHost.Hosting;

/// <summary>
/// What nobody else's event brings about: old history goes; a disk that fills or fails, what is about to end and a new unknown
/// device are announced; that all devices seem to be one is said in the log.
/// A step that fails is logged, keeps no other from its turn, and comes again with the next round; mail does not depend on it.
/// </summary>
internal sealed class Housekeeping(
    SettingsSource settings, MailQueue queue, UnknownDevices unknown, Alerts alerts, ExpiryWatch expiry, DockerBridge bridge, ILogger<Housekeeping> logger, TimeProvider time)
{
    private static readonly TimeSpan Round = TimeSpan.FromMinutes(1), TidyEvery = TimeSpan.FromHours(1);

    private long? tidied;
    private bool troubled;
    private string? bridgeTold;

    public async Task RunAsync(CancellationToken stop)
    {
        unknown.Appeared += Announce;
        try
        {
            using var timer = new PeriodicTimer(Round, time);
            do
            {
                await TryAsync(WatchDisk);
                await TryAsync(expiry.Look);
                await TryAsync(WatchBridge);
                await TryAsync(WatchQueueAsync);
                await TryAsync(() => TidyAsync(stop));
            }
            while (await timer.WaitForNextTickAsync(stop));
        }
        finally
        {
            unknown.Appeared -= Announce;
        }
    }

    private Task TryAsync(Action step) => TryAsync(() =>
    {
        step();
        return Task.CompletedTask;
    });

    /// <summary>A disk that is gone cannot say how much it has free, and it is the next step that tells people so.</summary>
    private async Task TryAsync(Func<Task> step)
    {
        try
        {
            await step();
        }
        catch (Exception failure) when (failure is not OperationCanceledException)
        {
            if (StorageFailure.From(failure) is not null) logger.LogError("housekeeping: {Failure}; tried again later", failure.Message);
            else logger.LogError(failure, "housekeeping stumbled, and tries again later");
        }
    }

    private void Announce(UnknownDevice unknown)
    {
        var (address, helo, sender) = (unknown.Client.ToString(), unknown.Helos is [.., var said] ? said : null, unknown.Senders is [.., var wrote] ? wrote : null);
        alerts.Raise(unknown.KnownLogin(settings.Current.Devices) is { } device ? Alert.WrongPassword(address, device.Username!, device.Name, helo, sender) : Alert.UnknownDevice(address, helo, sender));
    }

    /// <summary>Once, and again when it says something else; the page shows it all the time.</summary>
    private void WatchBridge()
    {
        var warning = bridge.Warning();
        if (warning is not null && warning.Text != bridgeTold) logger.LogWarning("{Text} {Remedy}", warning.Text, warning.Remedy);
        bridgeTold = warning?.Text;
    }

    /// <summary>Delivery notices a disk that fails by its own results; with nothing to send, only this does.</summary>
    private async Task WatchQueueAsync()
    {
        await queue.AskDiskAsync();
        if (queue.WriteTrouble is { } trouble)
        {
            troubled = true;
            alerts.Raise(Alert.QueueTrouble(trouble));
        }
        else if (troubled)
        {
            troubled = false;
            alerts.Over(AlertKind.QueueTrouble, "queue", "SmartHost writes its queue again.");
        }
        if (queue.FolderTrouble is { } gone) alerts.Raise(Alert.FolderGone(gone, queue.Counts().Waiting));
        else alerts.Over(AlertKind.QueueTrouble, "folder", "The data folder is in its place again.");
        if (queue.ReadTrouble is { } unread) alerts.Raise(Alert.QueueUnreadable(unread));
        else alerts.Over(AlertKind.QueueTrouble, "reading", "SmartHost reads its queue again.");
        if (queue.Loss is { } loss) alerts.Raise(Alert.MailLost(loss, MailQueue.AfterLoss));
        else alerts.Over(AlertKind.QueueTrouble, "log", "This start found the queue's log whole; what was lost before stays lost.");
        if (queue.Damage is { } damage) alerts.Raise(Alert.MailUnreadable("database", damage, MailQueue.WayOut));
        else alerts.Over(AlertKind.QueueTrouble, "database", "No damage was met since the last start.");
    }

    private async Task TidyAsync(CancellationToken stop)
    {
        // By the monotonic clock: one that was put back by a day must not keep a day's history longer.
        if (tidied is { } last && time.GetElapsedTime(last) < TidyEvery) return;
        tidied = time.GetTimestamp();
        await queue.TidyAsync(stop);
    }

    private void WatchDisk()
    {
        var folder = settings.Current.DataFolder;
        var low = settings.Current.Alerts.DiskLow;
        var free = new DriveInfo(folder).AvailableFreeSpace;
        // Told to be over a little above the line, so that a disk at the line does not say so every minute. Asked for in
        // every round, and of the whole kind: the trouble may be one of a run before this one, which kept its mail elsewhere.
        if (free < low) alerts.Raise(Alert.DiskLow(folder, free, low));
        else if (free > low + low / 10) alerts.Over(AlertKind.DiskLow, _ => true, $"There is room again: {free >> 20} MB.");
    }
}
