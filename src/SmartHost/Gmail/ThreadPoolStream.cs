using System.Net.Sockets;

namespace SmartHost.Gmail;

/// <summary>
/// A connection to Gmail whose reader and writer go on by a thread of the pool. Sockets may answer on the thread that hears
/// from all of them (Hosting/SocketThreads), and what follows here may block: a certificate's chain is built with look-ups on
/// the network, a message is read from the disk. Beside a round trip to Google the hop is nothing.
/// </summary>
internal sealed class ThreadPoolStream(Socket socket) : NetworkStream(socket, ownsSocket: true)
{
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var reading = base.ReadAsync(buffer, cancellationToken);
        var wasThere = reading.IsCompleted;
        var read = await reading;
        if (!wasThere) await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        return read;
    }

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var writing = base.WriteAsync(buffer, cancellationToken);
        var wasTaken = writing.IsCompleted;
        await writing;
        if (!wasTaken) await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
    }
}
