using SmartHost.Cli;
using SmartHost.Tests.EndToEnd;

namespace SmartHost.Tests.Cli;

/// <summary>The first thing that a visitor runs.</summary>
[CancelAfter(60_000)]
public class DemoTests
{
    [Test]
    public async Task Once_it_shows_a_scan_arrive_and_leaves_nothing_behind(CancellationToken cancellation)
    {
        using var folder = new TemporaryFolder();
        await using var demo = SmartHostProcess.Start(["demo", "--once"], new Dictionary<string, string> { ["TMPDIR"] = folder.Path });
        Assert.That(await demo.ExitAsync(cancellation), Is.EqualTo(ExitCode.Ok), demo.Output);
        Assert.That(demo.Output, Does.Contain("250 2.0.0").And.Contain("it is at Gmail").And.Contain("Its journey, as SmartHost keeps it").And.Contain("  attached: "));
        Assert.That(demo.Output, Does.Match("by TLS 1\\.[23] as "));
        Assert.That(demo.Output, Does.Not.Contain("Gmail would object"));
        Assert.That(Directory.EnumerateFileSystemEntries(folder.Path, "smarthost-*"), Is.Empty);
    }

    /// <summary>Its server is a real one: the other verbs work on it, and Ctrl+C or a stop ends it well.</summary>
    [Test, Platform(Exclude = "Win", Reason = "signals")]
    public async Task It_waits_for_more_and_the_other_verbs_work_on_it(CancellationToken cancellation)
    {
        using var folder = new TemporaryFolder();
        await using var demo = SmartHostProcess.Start(["demo"], new Dictionary<string, string> { ["TMPDIR"] = folder.Path });
        await LiveServer.WaitAsync(() => demo.HasExited || demo.Output.Contains("Ctrl+C ends the demo", StringComparison.Ordinal), cancellation);
        var config = Directory.EnumerateFiles(folder.Path, "smarthost.yaml", SearchOption.AllDirectories).Single();
        var typed = await Typed.RunAsync(Screen.None, ["send-test", "--config", config], cancellation);
        Assert.That(typed.Code, Is.EqualTo(ExitCode.Ok), typed.Scene());
        await LiveServer.WaitAsync(() => demo.Output.Contains("Subject: SmartHost test message", StringComparison.Ordinal), cancellation);
        Assert.That(await demo.TerminateAsync(cancellation), Is.EqualTo(ExitCode.Ok), demo.Output);
        Assert.That(Directory.EnumerateFileSystemEntries(folder.Path, "smarthost-*"), Is.Empty);
    }
}
