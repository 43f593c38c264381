using System.Net;
using System.Net.Sockets;

namespace SmartHost.Dashboard;

/// <summary>
/// Names of addresses, by reverse DNS, for a person who wonders what a device is. An answer that takes longer than a moment
/// is not waited for; it is there when the page is opened again. No answer is no name. Bounded: the oldest is forgotten.
/// </summary>
internal sealed class ReverseNames(TimeProvider time, Func<IPAddress, Task<string?>>? lookup = null)
{
    private const int MaxNames = 256;
    private static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(800), Fresh = TimeSpan.FromHours(1);

    private readonly Lock gate = new();
    private readonly Dictionary<IPAddress, (DateTimeOffset Asked, Task<string?> Name)> names = [];
    private readonly Func<IPAddress, Task<string?>> lookup = lookup ?? AskResolverAsync;

    public async Task<string?> OfAsync(IPAddress address, CancellationToken cancellation)
    {
        Task<string?> name;
        lock (gate)
        {
            var now = time.GetUtcNow();
            if (!names.TryGetValue(address, out var known) || now - known.Asked >= Fresh)
            {
                if (names.Count >= MaxNames) names.Remove(names.MinBy(entry => entry.Value.Asked).Key);
                names[address] = known = (now, lookup(address));
            }
            name = known.Name;
        }
        try
        {
            return await name.WaitAsync(Patience, time, cancellation);
        }
        catch (TimeoutException)
        {
            return null;
        }
    }

    private static async Task<string?> AskResolverAsync(IPAddress address)
    {
        try
        {
            var name = (await Dns.GetHostEntryAsync(address)).HostName;
            return IPAddress.TryParse(name, out _) ? null : name;
        }
        catch (SocketException)
        {
            return null;
        }
    }
}
