using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Logging;
using SmartHost.Disk;
using SmartHost.Mail;

namespace SmartHost.Dashboard.Access;

/// <summary>
/// The password of the page: the configured one, or one made at first start and kept in the data folder. If the folder
/// does not let us keep it, the start fails with a sentence: a password that changes at every start helps nobody.
/// </summary>
public static partial class DashboardPassword
{
    public const string FileName = "dashboard-password";

    // No letters that look alike, since people type it from a log: 16 of 31 are 79 bits.
    private const string Letters = "23456789abcdefghjkmnpqrstuvwxyz";

    /// <exception cref="DashboardUnavailableException">With a sentence for a person.</exception>
    public static async Task<Secret> ReadOrMakeAsync(Secret? configured, string dataFolder, ILogger logger, CancellationToken cancellation)
    {
        if (configured is not null) return configured;
        var file = Path.Combine(dataFolder, FileName);
        try
        {
            if (File.Exists(file) && (await File.ReadAllTextAsync(file, cancellation)).Trim() is { Length: > 0 } kept) return new Secret(kept);
            var made = string.Join('-', Enumerable.Range(0, 4).Select(_ => RandomNumberGenerator.GetString(Letters, 4)));
            WholeFile.Write(file, Encoding.ASCII.GetBytes(made + "\n"));
            // The one secret that is meant for the log: said once, by the start that made it.
            Log.Made(logger, made, file);
            return new Secret(made);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new DashboardUnavailableException(
                $"The page's password cannot be kept in {file}: {failure.Message} Let SmartHost write there, or set dashboard.password or dashboard.passwordFile.", failure);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(5100, LogLevel.Warning, "the page's password is {Password} (made just now, kept in {File}; this line comes once)")]
        public static partial void Made(ILogger logger, string password, string file);
    }
}

/// <summary>The page cannot be served; the message says why and what to do.</summary>
public sealed class DashboardUnavailableException(string message, Exception inner) : Exception(message, inner);
