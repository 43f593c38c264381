using SmartHost.History;
using SmartHost.Hosting;
using SmartHost.Tests.EndToEnd;

namespace SmartHost.Tests.Hosting;

/// <summary>Serilog drops what it cannot write and says nothing, so the start must find out.</summary>
public class LogSetupTests
{
    /// <summary>Serilog looks at the clock of the machine by itself.</summary>
    private static DateTimeOffset Now => TimeProvider.System.GetLocalNow();

    [Test]
    public void A_file_of_today_that_somebody_else_left_is_an_obstacle()
    {
        using var folder = new TemporaryFolder();
        var log = folder.File("smarthost.log");
        using (var serilog = LogSetup.Create(new LogSettings { File = log, Level = LogVerbosity.Information }))
        {
            serilog.Information("a line");
            Assert.That(LogSetup.Obstacle(log, Now), Is.Null, "the server that runs holds it");
        }
        Assert.That(LogSetup.Obstacle(log, Now), Is.Null);
        var today = Directory.EnumerateFiles(folder.Path, "smarthost2*.log").Single();
        File.Delete(today);
        // Root may write every file; opening a folder is denied to it, too.
        Directory.CreateDirectory(today);
        Assert.That(LogSetup.Obstacle(log, Now), Is.EqualTo($"{today} exists and may not be written."));
        Assert.That(LogSetup.Obstacle(log, Now.AddDays(1)), Is.Null);
    }
}
