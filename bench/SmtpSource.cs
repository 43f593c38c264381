using System.Diagnostics;
using System.Globalization;

namespace SmartHost.Bench;

/// <summary>
/// Postfix's load generator, which comes with it: in C, so that it leaves more of the two cores that all share to the servers
/// than <see cref="Load"/> does. It knows neither ids nor times: for rates alone.
/// </summary>
internal static class SmtpSource
{
    private const string Path = "/usr/sbin/smtp-source";

    public static bool IsInstalled => File.Exists(Path);

    /// <summary>So many messages, each on a connection of its own, so many at once, as fast as they are taken.</summary>
    /// <exception cref="InvalidOperationException">One was refused: it gives up at the first, and says why.</exception>
    public static async Task<TimeSpan> BurstAsync(int port, int messages, int sessions, int size)
    {
        string[] arguments =
        [
            "-s", sessions.ToString(CultureInfo.InvariantCulture), "-m", messages.ToString(CultureInfo.InvariantCulture), "-l", size.ToString(CultureInfo.InvariantCulture),
            "-f", "device@example.com", "-t", "user@example.com", string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{port}"),
        ];
        var begin = Stopwatch.GetTimestamp();
        using var process = Process.Start(new ProcessStartInfo(Path, arguments) { RedirectStandardError = true })!;
        var complaint = await process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        return process.ExitCode == 0 ? Stopwatch.GetElapsedTime(begin) : throw new InvalidOperationException($"smtp-source: {complaint.Trim()}");
    }
}
