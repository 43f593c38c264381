using System.Globalization;
using Serilog;
using Serilog.Events;
using Serilog.Formatting.Compact;
using Serilog.Sinks.SystemConsole.Themes;
using SmartHost.Disk;
using SmartHost.History;

namespace SmartHost.Hosting;

/// <summary>
/// Serilog, configured in code: its settings reader is not safe to compile ahead of time. One line an event: readable
/// on a terminal, compact JSON when asked. A log file that cannot be written never stops mail: Serilog drops the line.
/// </summary>
public static class LogSetup
{
    private const string Line = "{Timestamp:yyyy-MM-dd HH:mm:ss.fff} {Level:u3} {Message:lj}{NewLine}{Exception}";

    /// <summary>Days of log files that are kept.</summary>
    private const int KeptFiles = 14;

    public static Serilog.Core.Logger Create(LogSettings settings)
    {
        var configuration = new LoggerConfiguration()
            .MinimumLevel.Is(settings.Level switch
            {
                LogVerbosity.Debug => LogEventLevel.Debug,
                LogVerbosity.Warning => LogEventLevel.Warning,
                _ => LogEventLevel.Information,
            })
            // The framework tells of every request and every socket at Information: noise between the lines about mail.
            .MinimumLevel.Override("Microsoft", LogEventLevel.Warning)
            .MinimumLevel.Override("System", LogEventLevel.Warning)
            // It tells of a failed start with its stack, before RunCommand does in a sentence. Its other errors are of background services, and we have none.
            .MinimumLevel.Override("Microsoft.Extensions.Hosting.Internal.Host", LogEventLevel.Fatal);
        if (settings.Format is LogFormat.Json) configuration.WriteTo.Console(new CompactJsonFormatter());
        else configuration.WriteTo.Console(outputTemplate: Line, theme: Theme());
        if (settings.File is { } file)
        {
            if (settings.Format is LogFormat.Json)
                configuration.WriteTo.File(new CompactJsonFormatter(), file, rollingInterval: RollingInterval.Day, retainedFileCountLimit: KeptFiles);
            else
                configuration.WriteTo.File(file, outputTemplate: Line, rollingInterval: RollingInterval.Day, retainedFileCountLimit: KeptFiles);
        }
        return configuration.CreateLogger();
    }

    /// <summary>Why the log's file cannot be written; null: it can. Serilog itself keeps silent about it.</summary>
    public static string? Obstacle(string file, DateTimeOffset now) => WriteProbe.Obstacle(Path.GetDirectoryName(file)!) ?? ObstacleAt(Today(file, now));

    /// <summary>Serilog's name for the file of a day.</summary>
    private static string Today(string file, DateTimeOffset now) =>
        Path.Combine(Path.GetDirectoryName(file)!, $"{Path.GetFileNameWithoutExtension(file)}{now.ToString("yyyyMMdd", CultureInfo.InvariantCulture)}{Path.GetExtension(file)}");

    /// <summary>One start as root leaves a file behind that the service may not write for the rest of the day.</summary>
    private static string? ObstacleAt(string file)
    {
        try
        {
            if (Path.Exists(file)) new FileStream(file, FileMode.Open, FileAccess.Write, FileShare.ReadWrite).Dispose();
            return null;
        }
        catch (UnauthorizedAccessException)
        {
            return $"{file} exists and may not be written.";
        }
        catch (IOException)
        {
            // A running server holds it.
            return null;
        }
    }

    /// <summary>Colour on a terminal alone, and never where NO_COLOR asks for none (no-color.org).</summary>
    private static ConsoleTheme Theme() =>
        Console.IsOutputRedirected || Environment.GetEnvironmentVariable("NO_COLOR") is { Length: > 0 } ? ConsoleTheme.None : AnsiConsoleTheme.Code;
}
