using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using SmartHost.Tests.Dashboard;

namespace SmartHost.Tests.Docs;

/// <summary>A monitor that asks for a number nobody counts, or at an address nobody answers, says for ever that all is well.</summary>
public partial class MonitoringPageTests
{
    [Test]
    public async Task Numbers_and_addresses_are_those_that_are_served()
    {
        await using var bench = await DashboardBench.StartAsync();
        bench.CountEverything();
        using var script = bench.Script();
        var page = await File.ReadAllTextAsync(Path.Combine(Root(), "docs", "monitoring.md"));
        var counted = Number().Matches(await script.GetStringAsync("/metrics")).Select(match => match.Value).ToHashSet();
        var named = Number().Matches(page).Select(match => match.Value).ToHashSet();
        Assert.That(named, Has.Count.GreaterThan(5).And.SubsetOf(counted));
        var asked = Address().Matches(page).Select(match => match.Value).ToHashSet();
        Assert.That(asked, Has.Count.GreaterThan(4));
        foreach (var address in asked) Assert.That((await script.GetAsync(address)).IsSuccessStatusCode, address);
    }

    private static string Root([CallerFilePath] string path = "") => Path.GetFullPath(Path.Combine(Path.GetDirectoryName(path)!, "..", "..", ".."));

    [GeneratedRegex("\\bsmarthost_[a-z_]*[a-z]")]
    private static partial Regex Number();

    [GeneratedRegex("/healthz|/readyz|/metrics|/api/v1/[a-z.]+(\\?[a-z=]+)?")]
    private static partial Regex Address();
}
