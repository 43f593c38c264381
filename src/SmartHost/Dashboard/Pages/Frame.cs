namespace SmartHost.Dashboard.Pages;

/// <summary>What is around every page.</summary>
/// <param name="Section">The path of the menu's entry that this page belongs to.</param>
/// <param name="Csrf">Goes into every form. Empty for visitors without a session (a script that reads the pages): their changes need none.</param>
/// <param name="UnknownDevices">How many wait for a decision, beside the menu's entry.</param>
public sealed record Frame(string Title, string Section, string Csrf, Clock Clock, string Version, int Parked, int UnknownDevices)
{
    /// <summary>What was just done, in a sentence.</summary>
    public string? Done { get; init; }

    /// <summary>Why what was asked for was not done; each a sentence.</summary>
    public IReadOnlyList<string> Problems { get; init; } = [];
}
