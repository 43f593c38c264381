using Microsoft.Playwright;

namespace SmartHost.Tests.Dashboard;

/// <summary>The system's Chromium, one for all tests of this folder, closed after the last.</summary>
[SetUpFixture]
public sealed class Browser
{
    private const string Executable = "/usr/bin/chromium";

    /// <summary>Milliseconds, for a test that is wrong: what is waited for is always a condition, and a busy machine takes its time.</summary>
    private const int Patience = 30_000;

    private static readonly SemaphoreSlim Gate = new(1);
    private static IPlaywright? playwright;
    private static IBrowser? browser;

    /// <summary>A fresh profile: no cookie of another test. Ignores the test where no Chromium is installed.</summary>
    public static async Task<IBrowserContext> OpenAsync(Uri address, int width = 1280, int height = 800, ColorScheme scheme = ColorScheme.Light, bool script = true)
    {
        if (!File.Exists(Executable)) Assert.Ignore($"{Executable} is not installed, so no browser drives the page");
        await Gate.WaitAsync();
        try
        {
            playwright ??= await Playwright.CreateAsync();
            Assertions.SetDefaultExpectTimeout(Patience);
            browser ??= await playwright.Chromium.LaunchAsync(new() { ExecutablePath = Executable, Args = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"] });
        }
        finally
        {
            Gate.Release();
        }
        var context = await browser.NewContextAsync(new()
        {
            BaseURL = address.ToString(), ViewportSize = new() { Width = width, Height = height }, ColorScheme = scheme, JavaScriptEnabled = script, ReducedMotion = ReducedMotion.Reduce,
        });
        context.SetDefaultTimeout(Patience);
        return context;
    }

    [OneTimeTearDown]
    public async Task CloseAsync()
    {
        if (browser is not null) await browser.DisposeAsync();
        playwright?.Dispose();
    }
}
