using System.Text;

namespace SmartHost.Notices;

/// <summary>An alert as it is told: what every channel says, each in its own form.</summary>
/// <param name="Count">Of the standing it was made from.</param>
/// <param name="More">How many like it are folded into this one.</param>
/// <param name="IsOver">It tells of the end.</param>
public sealed record Announcement(Alert Alert, string Title, string Text, DateTimeOffset Since, int Count, int More, bool IsOver)
{
    public static Announcement Of(AlertStanding standing, DateTimeOffset now)
    {
        var more = standing.Alert.Lasts ? 0 : Math.Max(0, standing.Count - standing.Told - 1);
        var title = standing.Alert.Lasts && standing.ToldAt is not null ? $"Still: {standing.Alert.Title}" : standing.Alert.Title;
        var text = standing.Alert.Text;
        if (more > 0) text += $" And {more} more like it within {Lasted(now - standing.Since)}.";
        return new Announcement(standing.Alert, title, text, standing.Since, standing.Count, more, IsOver: false);
    }

    public static Announcement End(AlertStanding standing, string text, DateTimeOffset now) =>
        new(standing.Alert with { Remedy = null, Help = null }, $"Over: {standing.Alert.Title}", $"{text} It lasted {Lasted(now - standing.Since)}.", standing.Since, standing.Count, 0, IsOver: true);

    /// <summary>Text, remedy and help, for a channel that shows plain text.</summary>
    public string Body => Told(text => text);

    /// <summary>The same for a channel that reads markup.</summary>
    /// <param name="shown">Makes text mean itself. The help's address is ours, and stays one that can be opened.</param>
    public string Told(Func<string, string> shown)
    {
        var body = new StringBuilder(shown(Text));
        if (Alert.Remedy is { } remedy) body.Append('\n').Append(shown(remedy));
        if (Alert.Help is { } help) body.Append('\n').Append(help);
        return body.ToString();
    }

    private static string Lasted(TimeSpan time) => time switch
    {
        { TotalMinutes: < 2 } => "about a minute",
        { TotalHours: < 2 } => $"{time.TotalMinutes:0} minutes",
        { TotalDays: < 2 } => $"{time.TotalHours:0} hours",
        _ => $"{time.TotalDays:0} days",
    };
}
