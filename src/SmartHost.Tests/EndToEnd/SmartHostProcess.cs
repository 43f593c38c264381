using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace SmartHost.Tests.EndToEnd;

/// <summary>The real program as a process of its own: started, watched, killed. Disposing kills it.</summary>
internal sealed class SmartHostProcess : IAsyncDisposable
{
    private readonly Process process;
    private readonly StringBuilder output = new();

    private SmartHostProcess(Process process) => this.process = process;

    /// <summary>What it wrote to stdout and stderr so far.</summary>
    public string Output
    {
        get { lock (output) return output.ToString(); }
    }

    public int Id => process.Id;

    public bool HasExited => process.HasExited;

    /// <param name="arguments">The program's own.</param>
    /// <param name="environment">Variables to add.</param>
    /// <param name="workingFolder">Where it starts.</param>
    /// <param name="within">A command that becomes the one behind it, as env does.</param>
    public static SmartHostProcess Start(IEnumerable<string> arguments, IReadOnlyDictionary<string, string>? environment = null, string? workingFolder = null, string[]? within = null)
    {
        var start = new ProcessStartInfo("dotnet")
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
            WorkingDirectory = workingFolder ?? Path.GetTempPath(),
        };
        // Another build of the program (the native one) may be tested in place of this one.
        if (Environment.GetEnvironmentVariable("SMARTHOST_BINARY") is { Length: > 0 } binary) start.FileName = binary;
        else start.ArgumentList.Add(Path.Combine(AppContext.BaseDirectory, "smarthost.dll"));
        foreach (var argument in arguments) start.ArgumentList.Add(argument);
        if (within is not null)
        {
            foreach (var (word, place) in within.Skip(1).Append(start.FileName).Select((word, place) => (word, place))) start.ArgumentList.Insert(place, word);
            start.FileName = within[0];
        }
        start.Environment["NO_COLOR"] = "1";
        foreach (var (name, value) in environment ?? new Dictionary<string, string>()) start.Environment[name] = value;
        var started = new SmartHostProcess(Process.Start(start)!);
        started.process.OutputDataReceived += (_, line) => started.Keep(line.Data);
        started.process.ErrorDataReceived += (_, line) => started.Keep(line.Data);
        started.process.BeginOutputReadLine();
        started.process.BeginErrorReadLine();
        return started;
    }

    /// <summary>Waits until the SMTP port greets. Fails with the program's own words if it ended instead.</summary>
    public async Task WaitForBannerAsync(int port, CancellationToken cancellation)
    {
        while (true)
        {
            cancellation.ThrowIfCancellationRequested();
            if (process.HasExited) throw new AssertionException($"smarthost ended with {process.ExitCode} before it greeted:\n{Output}");
            try
            {
                using var client = new TcpClient();
                await client.ConnectAsync(IPAddress.Loopback, port, cancellation);
                using var reader = new StreamReader(client.GetStream(), Encoding.Latin1);
                if ((await reader.ReadLineAsync(cancellation))?.StartsWith("220", StringComparison.Ordinal) == true) return;
            }
            catch (Exception failure) when (failure is SocketException or IOException)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, cancellation);
            }
        }
    }

    /// <summary>SIGKILL: no handler runs, nothing is flushed.</summary>
    public async Task KillAsync()
    {
        process.Kill();
        await process.WaitForExitAsync();
    }

    /// <summary>SIGTERM, as systemd and Docker send it.</summary>
    public async Task<int> TerminateAsync(CancellationToken cancellation)
    {
        using (var kill = Process.Start("kill", ["-TERM", Id.ToString()])) await kill.WaitForExitAsync(cancellation);
        return await ExitAsync(cancellation);
    }

    /// <summary>SIGHUP, by which a person asks a server to read its settings.</summary>
    public async Task HangUpAsync(CancellationToken cancellation)
    {
        using var kill = Process.Start("kill", ["-HUP", Id.ToString()]);
        await kill.WaitForExitAsync(cancellation);
    }

    public async Task<int> ExitAsync(CancellationToken cancellation)
    {
        await process.WaitForExitAsync(cancellation);
        return process.ExitCode;
    }

    /// <summary>The most memory that was ever resident, in octets. Linux only.</summary>
    public long PeakMemory() => Memory("VmHWM:");

    /// <summary>Resident now, in octets. Linux only.</summary>
    public long ResidentMemory() => Memory("VmRSS:");

    /// <summary>Open file descriptors. Linux only.</summary>
    public int OpenFiles() => Directory.EnumerateFileSystemEntries($"/proc/{Id}/fd").Count();

    public async Task WriteLineAsync(string line) => await process.StandardInput.WriteLineAsync(line);

    public async ValueTask DisposeAsync()
    {
        if (!process.HasExited) await KillAsync();
        process.Dispose();
    }

    private long Memory(string field) =>
        long.Parse(File.ReadLines($"/proc/{Id}/status").First(line => line.StartsWith(field, StringComparison.Ordinal))[field.Length..].Replace("kB", "").Trim()) << 10;

    private void Keep(string? line)
    {
        if (line is null) return;
        lock (output) output.AppendLine(line);
    }
}
