using System.Text.Json;
using System.Text.Json.Serialization;

namespace SmartHost.Notices;

/// <summary>What is known of one alert between its announcements; outlives a restart.</summary>
/// <param name="Count">How often an event was raised since <paramref name="Since"/>; a state counts as one, however often it is said to go on.</param>
/// <param name="Told">How many of them people have heard of; 0: not announced yet.</param>
/// <param name="ToldAt">When it was announced last. Null: never, or since then its cause has become another.</param>
public sealed record AlertStanding(Alert Alert, DateTimeOffset Since, DateTimeOffset Last, int Count, int Told, DateTimeOffset? ToldAt)
{
    /// <summary>The same again within this is one announcement with a count.</summary>
    public static readonly TimeSpan Fold = TimeSpan.FromMinutes(10);

    /// <summary>What lasts is said again after this, as long as it lasts.</summary>
    public static readonly TimeSpan Remind = TimeSpan.FromHours(24);

    public static AlertStanding First(Alert alert, DateTimeOffset now) => new(alert, now, now, 1, 0, null);

    /// <summary>It lasts, and for another reason than the one that was told.</summary>
    public bool IsNews(Alert alert) => alert.Cause is not null && alert.Cause != Alert.Cause;

    public AlertStanding Again(Alert alert, DateTimeOffset now) => alert.Lasts
        ? this with { Alert = alert with { Cause = alert.Cause ?? Alert.Cause }, Last = now, ToldAt = IsNews(alert) ? null : ToldAt }
        : this with { Alert = alert, Last = now, Count = Count + 1 };

    /// <param name="count">How many the announcement spoke of: more may have been raised while it was on its way.</param>
    public AlertStanding Announced(DateTimeOffset now, int count) => this with { Told = count, ToldAt = now };

    /// <summary>When it should be announced (again). Null: everything is said.</summary>
    public DateTimeOffset? Due => ToldAt switch
    {
        null => Since,
        { } at when Alert.Lasts => at + Remind,
        { } at when Count > Told => at + Fold,
        _ => null,
    };

    /// <summary>An event that was told and did not come again is forgotten.</summary>
    public bool IsForgotten(DateTimeOffset now) => !Alert.Lasts && Told == Count && ToldAt + Fold <= now;

    public string ToJson() => JsonSerializer.Serialize(this, AlertJson.Default.AlertStanding);

    public static AlertStanding? FromJson(string json)
    {
        try
        {
            return JsonSerializer.Deserialize(json, AlertJson.Default.AlertStanding);
        }
        catch (JsonException)
        {
            return null; // an older version's: it will be raised again if it still holds
        }
    }
}

[JsonSourceGenerationOptions(UseStringEnumConverter = true)]
[JsonSerializable(typeof(AlertStanding))]
internal sealed partial class AlertJson : JsonSerializerContext;
