namespace SmartHost.Configuration;

/// <summary>Settings were replaced while running.</summary>
/// <param name="New">What is in effect now. What cannot change while running still is as in <paramref name="Old"/>.</param>
/// <param name="AfterRestart">What was changed and takes effect after a restart, each as a sentence without its full stop.</param>
public sealed record SettingsChange(SmartHostSettings Old, SmartHostSettings New, IReadOnlyList<string> AfterRestart)
{
    /// <summary>Keeps of the new settings what a running server can take up: open ports, the data folder, our name and the log stay as they are.</summary>
    internal static SettingsChange Between(SmartHostSettings running, SmartHostSettings read)
    {
        var later = new List<string>();
        if (read.DataFolder != running.DataFolder) later.Add($"data is {read.DataFolder} now; {running.DataFolder} is used until SmartHost is restarted");
        if (read.Hostname != running.Hostname) later.Add($"hostname is {read.Hostname} now; devices are greeted as {running.Hostname} until SmartHost is restarted");
        if (read.Log != running.Log) later.Add("log changed, which takes effect after a restart");
        if ((read.Dashboard.Off, read.Dashboard.Port, read.Dashboard.Address.ToString()) != (running.Dashboard.Off, running.Dashboard.Port, running.Dashboard.Address.ToString()))
        {
            later.Add("the dashboard's port, address or switch changed, which takes effect after a restart");
        }
        if (read.Dashboard.Password is null && running.Dashboard.Password is not null) later.Add("dashboard.password is gone; the page opens by the one in the data folder after a restart, and by the old one until then");
        foreach (var added in read.Listeners.Where(listener => running.Listeners.All(known => known.Name != listener.Name)))
        {
            later.Add($"listeners.{added.Name} is new; it opens after a restart");
        }
        foreach (var listener in running.Listeners)
        {
            var changed = read.Listeners.FirstOrDefault(other => other.Name == listener.Name);
            if (changed is null) later.Add($"listeners.{listener.Name} is gone; it stays open until SmartHost is restarted");
            else if (changed != listener) later.Add($"listeners.{listener.Name} changed, which takes effect after a restart");
        }
        var settled = read with
        {
            DataFolder = running.DataFolder,
            Hostname = running.Hostname,
            Log = running.Log,
            Queue = read.Queue with { Folder = running.Queue.Folder },
            Listeners = running.Listeners,
            Dashboard = read.Dashboard with { Off = running.Dashboard.Off, Port = running.Dashboard.Port, Address = running.Dashboard.Address, Password = read.Dashboard.Password ?? running.Dashboard.Password },
        };
        return new SettingsChange(running, settled, later);
    }
}

/// <summary>How a reload ended. Closed.</summary>
public abstract record ReloadOutcome
{
    private ReloadOutcome() { }

    /// <summary>The new settings are in effect.</summary>
    /// <param name="Warnings">What is probably not as meant.</param>
    public sealed record Applied(SettingsChange Change, IReadOnlyList<Problem> Warnings) : ReloadOutcome;

    /// <summary>Nothing changed: the old settings stay whole.</summary>
    public sealed record Refused(IReadOnlyList<Problem> Problems) : ReloadOutcome;
}
