using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace SmartHost.Bench;

/// <summary>What a relay does with what it took.</summary>
internal enum Mode
{
    /// <summary>Keeps it: pure intake.</summary>
    Hold,

    /// <summary>Forwards it to the sink.</summary>
    Forward,
}

/// <summary>A server under test: started on an empty folder, gone when disposed.</summary>
internal sealed class Relay : IAsyncDisposable
{
    private readonly Process process;
    private readonly string folder;

    private Relay(Process process, string folder, int port, double startMilliseconds) =>
        (this.process, this.folder, Port, StartMilliseconds) = (process, folder, port, startMilliseconds);

    public int Port { get; }

    public int ProcessId => process.Id;

    /// <summary>From exec to the first octet of the banner.</summary>
    public double StartMilliseconds { get; }

    /// <summary>Starts <paramref name="command"/>, made by <paramref name="prepare"/> in a folder of its own, and waits for the banner.</summary>
    public static async Task<Relay> StartAsync(string name, Func<string, int, ProcessStartInfo> prepare)
    {
        var folder = Directory.CreateTempSubdirectory($"bench-{name}-").FullName;
        var port = FreePort();
        var start = prepare(folder, port);
        start.RedirectStandardOutput = true;
        start.RedirectStandardError = true;
        var begin = Stopwatch.GetTimestamp();
        var process = Process.Start(start) ?? throw new InvalidOperationException($"{start.FileName} did not start");
        var words = new System.Text.StringBuilder();
        process.OutputDataReceived += (_, line) => Keep(words, line.Data);
        process.ErrorDataReceived += (_, line) => Keep(words, line.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        while (!await GreetsAsync(port))
        {
            if (process.HasExited) throw new InvalidOperationException($"{name} ended with {process.ExitCode}: {words}");
            if (Stopwatch.GetElapsedTime(begin) > TimeSpan.FromSeconds(20)) throw new InvalidOperationException($"{name} does not greet: {words}");
            await Task.Delay(TimeSpan.FromMilliseconds(2), TimeProvider.System);
        }
        return new Relay(process, folder, port, Stopwatch.GetElapsedTime(begin).TotalMilliseconds);
    }

    private static void Keep(System.Text.StringBuilder words, string? line)
    {
        lock (words) if (line is not null && words.Length < 4000) words.AppendLine(line);
    }

    private static async Task<bool> GreetsAsync(int port)
    {
        try
        {
            using var client = new TcpClient();
            await client.ConnectAsync(IPAddress.Loopback, port);
            return await client.GetStream().ReadAsync(new byte[4]) > 0;
        }
        catch (SocketException)
        {
            return false;
        }
        catch (IOException)
        {
            return false;
        }
    }

    private static int FreePort()
    {
        using var probe = new TcpListener(IPAddress.Loopback, 0);
        probe.Start();
        return ((IPEndPoint)probe.LocalEndpoint).Port;
    }

    public async ValueTask DisposeAsync()
    {
        // The whole tree by pid: a supervisor's children do not end with it.
        foreach (var pid in ProcessTree.Members(process.Id).AsEnumerable().Reverse())
        {
            try
            {
                using var member = Process.GetProcessById(pid);
                member.Kill();
            }
            catch (ArgumentException)
            {
                // ended meanwhile
            }
        }
        await process.WaitForExitAsync();
        process.Dispose();
        Directory.Delete(folder, true);
    }
}
