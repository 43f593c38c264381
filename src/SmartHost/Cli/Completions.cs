using System.CommandLine.Completions;
using SmartHost.Configuration;
using SmartHost.Dashboard.Api;

namespace SmartHost.Cli;

/// <summary>
/// What the Tab key offers beyond the command line's own words: messages of the running server, devices and accounts of the
/// settings. Quick and silent whatever is wrong: a shell waits, and has nowhere to show a complaint.
/// </summary>
internal static class Completions
{
    private const int MostMessages = 50;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    public static Func<CompletionContext, IEnumerable<CompletionItem>> Devices(CommonOptions common, bool own = false) => context =>
    {
        var read = Read(common, context);
        if (own) return Items(Files(read.DeviceFolder));
        return Items(read.Settings?.Devices.Devices.Select(device => device.Name));
    };

    public static Func<CompletionContext, IEnumerable<CompletionItem>> Accounts(CommonOptions common) => context =>
        Items(Read(common, context).Settings?.Accounts.Select(account => account.Name));

    /// <param name="states">Words of <c>queue list --state</c>; null: any.</param>
    public static Func<CompletionContext, IEnumerable<CompletionItem>> Messages(CommonOptions common, IReadOnlyList<string?> states) => context =>
    {
        if (Read(common, context).DeviceFolder is not { } devices) return [];
        // The library asks without a way to wait; this process does nothing else.
        return Items(Task.Run(() => IdsAsync(Path.GetDirectoryName(devices)!, states)).GetAwaiter().GetResult());
    };

    private static async Task<IEnumerable<string>> IdsAsync(string dataFolder, IReadOnlyList<string?> states)
    {
        using var patience = new CancellationTokenSource(Patience, TimeProvider.System);
        using var client = new ControlClient(dataFolder);
        var ids = new List<string>();
        try
        {
            foreach (var state in states)
            {
                var found = await client.GetAsync($"/messages?limit={MostMessages}{(state is null ? "" : $"&state={state}")}", DashboardJson.Default.MessagesReply, patience.Token);
                ids.AddRange(found.Value?.Messages.Select(message => message.Id) ?? []);
            }
        }
        catch (Exception failure) when (failure is ServerUnavailableException or OperationCanceledException)
        {
            // Nothing to offer.
        }
        return ids;
    }

    private static SettingsResult Read(CommonOptions common, CompletionContext context) =>
        SettingsReader.Read(context.ParseResult.GetValue(common.Config), SettingsReader.ProcessEnvironment());

    private static IEnumerable<string> Files(string? folder)
    {
        try
        {
            return folder is null ? [] : [.. Directory.EnumerateFiles(folder, "*.yaml").Select(file => Path.GetFileNameWithoutExtension(file))];
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    private static IEnumerable<CompletionItem> Items(IEnumerable<string>? names) => names?.Select(name => new CompletionItem(name)) ?? [];
}
