using System.Net;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace SmartHost.Dashboard.Access;

/// <summary>
/// Who is connected to the page. Anybody on the network may connect, and a connection that asks nothing costs a file descriptor
/// and memory all the same; those that devices and the queue need must not be spent here. One too many is closed at once.
/// </summary>
public sealed class PageConnections(TimeProvider time, Serilog.ILogger log)
{
    /// <summary>A browser opens six, and each of its tabs follows by one; a reverse proxy brings everybody under its own address.</summary>
    public const int OfOneClient = 64;

    /// <summary>With the devices' connections and the queue's files well below the 1024 descriptors that some systems give.</summary>
    public const int InAll = 256;

    private static readonly TimeSpan Quiet = TimeSpan.FromMinutes(1);

    private readonly Lock gate = new();
    private readonly Dictionary<IPAddress, int> clients = [];
    private int open;
    private long? toldAt;

    public void Guard(ListenOptions listen) => listen.Use(next => async connection =>
    {
        var client = ClientAddress.Of((connection.RemoteEndPoint as IPEndPoint)?.Address ?? IPAddress.None);
        if (!Enter(client)) return;
        try
        {
            await next(connection);
        }
        finally
        {
            Leave(client);
        }
    });

    private bool Enter(IPAddress client)
    {
        lock (gate)
        {
            var own = clients.GetValueOrDefault(client);
            if (own < OfOneClient && open < InAll)
            {
                clients[client] = own + 1;
                open++;
                return true;
            }
            // Whoever fills the page must not fill the log as well.
            if (toldAt is { } last && time.GetElapsedTime(last) < Quiet) return false;
            toldAt = time.GetTimestamp();
            log.Warning("page: {Open} connections are open, {Own} of them from {Client}; one more from there was closed at once", open, own, client);
            return false;
        }
    }

    private void Leave(IPAddress client)
    {
        lock (gate)
        {
            open--;
            if (clients[client] > 1) clients[client]--;
            else clients.Remove(client);
        }
    }
}
