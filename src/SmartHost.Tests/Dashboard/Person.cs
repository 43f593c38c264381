using System.Text.RegularExpressions;
using Microsoft.Playwright;

namespace SmartHost.Tests.Dashboard;

/// <summary>What every browser test does alike.</summary>
internal static class Person
{
    public static async Task<IPage> SignedInAsync(IBrowserContext context, string password = DashboardBench.Password)
    {
        var page = await context.NewPageAsync();
        await page.GotoAsync("/");
        await PasswordAsync(page, password);
        // Not WaitForURL: it misses a navigation that ends between its look at the address and its first wait.
        await Assertions.Expect(page).ToHaveURLAsync(new Regex(":[0-9]+/$"));
        return page;
    }

    public static async Task PasswordAsync(IPage page, string password)
    {
        await page.GetByLabel("Password").FillAsync(password);
        await page.GetByRole(AriaRole.Button, new() { Name = "Sign in" }).ClickAsync();
    }

    public static Task PressAsync(this IPage page, string button) => page.GetByRole(AriaRole.Button, new() { Name = button, Exact = true }).ClickAsync();

    /// <summary>As if another site had made the forms of this page. Without the script, which would bring the true ones back.</summary>
    public static async Task ForgeTokensAsync(this IPage page)
    {
        await page.RouteAsync("**/smarthost.js", route => route.AbortAsync());
        await page.ReloadAsync();
        await page.EvaluateAsync("document.querySelectorAll('input[name=csrf]').forEach(field => field.value = 'forged')");
    }

    /// <summary>What was just done, as the page says it.</summary>
    public static ILocatorAssertions ExpectDone(this IPage page) => Assertions.Expect(page.Locator("main > [role=status]"));
}
