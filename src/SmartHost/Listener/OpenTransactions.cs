namespace SmartHost.Listener;

/// <summary>
/// How many messages each device is handing over at this moment. They count towards its <c>perHour</c> and <c>perDay</c>
/// as if they were accepted already; otherwise as many as it opens at once would pass. Any thread may call any member.
/// </summary>
internal sealed class OpenTransactions
{
    private readonly Lock gate = new();
    private readonly Dictionary<string, int> open = [];

    /// <summary>
    /// Counts one more and returns how many others there were. Ask only afterwards what the device was accepted: a message
    /// that is committed leaves after its commit, so it is found here or there, and at worst for a moment in both.
    /// </summary>
    public int Enter(string device)
    {
        lock (gate)
        {
            var others = open.GetValueOrDefault(device);
            open[device] = others + 1;
            return others;
        }
    }

    public void Leave(string device)
    {
        lock (gate)
        {
            if (--open[device] == 0) open.Remove(device);
        }
    }
}
