using System.Diagnostics;
using System.Text;
using SmartHost.Tests.EndToEnd;

namespace SmartHost.Tests.Faults;

/// <summary>
/// Lets system calls of a running process fail, dawdle or kill it, by strace's injection: the program is the real one and
/// knows of no test. (A preloaded library cannot do it: the runtime takes its <c>fsync</c> from libc itself.)
/// Disposing ends the fault; the process goes on.
/// </summary>
internal sealed class SystemCallFault : IAsyncDisposable
{
    private readonly Process strace;
    private readonly StringBuilder said;

    private SystemCallFault(Process strace, StringBuilder said) => (this.strace, this.said) = (strace, said);

    /// <summary>Ignores the test on a developer's machine without strace; CI installs it.</summary>
    public static void Require()
    {
        if (!OperatingSystem.IsLinux()) Assert.Ignore("system calls are made to fail by strace, which only Linux has");
        var found = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Any(folder => File.Exists(Path.Combine(folder, "strace")));
        if (!found) Assert.Ignore("strace is not installed: .ci/run installs it on Debian");
    }

    /// <param name="inject">As strace's -e inject= says it: <c>fdatasync:error=EIO</c>, <c>pwrite64:signal=KILL:when=3</c> (counted for each thread).</param>
    public static async Task<SystemCallFault> BeginAsync(SmartHostProcess process, string inject, CancellationToken cancellation)
    {
        // Output of traced calls is of no interest; "attached" is.
        var start = new ProcessStartInfo("strace", ["-f", "-o", "/dev/null", "-e", $"trace={inject.Split(':')[0]}", "-e", $"inject={inject}", "-p", process.Id.ToString()])
        {
            RedirectStandardError = true,
            RedirectStandardOutput = true,
        };
        var attached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var said = new StringBuilder();
        var strace = Process.Start(start)!;
        strace.ErrorDataReceived += (_, line) =>
        {
            lock (said) said.AppendLine(line.Data);
            if (line.Data?.Contains("attached", StringComparison.Ordinal) == true) attached.TrySetResult();
        };
        strace.BeginErrorReadLine();
        var fault = new SystemCallFault(strace, said);
        if (await Task.WhenAny(attached.Task, strace.WaitForExitAsync(cancellation)) == attached.Task) return fault;
        await fault.DisposeAsync();
        throw new AssertionException($"strace could not attach: {said}");
    }

    public async ValueTask DisposeAsync()
    {
        if (!strace.HasExited)
        {
            // SIGINT lets it detach; killed, it would leave the process stopped.
            using var interrupt = Process.Start("kill", ["-INT", strace.Id.ToString()]);
            await interrupt.WaitForExitAsync();
            await strace.WaitForExitAsync();
        }
        strace.Dispose();
    }
}
