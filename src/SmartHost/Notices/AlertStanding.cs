using System.Text.Json;
using System.Text.Json.Serialization;

namespace SmartHost.Notices;

/// <param name="Why">Goes on a sentence: no channel is set, or what the last one said.</param>
public sealed record Unheard(DateTimeOffset At, string Why);

/// <summary>What is known of one alert between its announcements; outlives a restart.</summary>
/// <param name="Count">How often an event was raised since <paramref name="Since"/>; a state counts as one, however often it is said to go on.</param>
/// <param name="Told">How many of them people have heard of; 0: not announced yet.</param>
/// <param name="ToldAt">When a channel took it last. Null: never, or since then its cause has become another.</param>
/// <param name="Unheard">Where the last try to announce it reached nobody. Earlier versions did not know that, and took it for told.</param>
public sealed record AlertStanding(Alert Alert, DateTimeOffset Since, DateTimeOffset Last, int Count, int Told, DateTimeOffset? ToldAt, Unheard? Unheard = null)
{
    /// <summary>The same again within this is one announcement with a count.</summary>
    public static readonly TimeSpan Fold = TimeSpan.FromMinutes(10);

    /// <summary>What lasts is said again after this, as long as it lasts.</summary>
    public static readonly TimeSpan Remind = TimeSpan.FromHours(24);

    /// <summary>For somebody who sets a channel later. What is told of strangers is of no use by then, and there is no end to them.</summary>
    public static readonly TimeSpan KeepUnheard = TimeSpan.FromDays(7);

    public static AlertStanding First(Alert alert, DateTimeOffset now) => new(alert, now, now, 1, 0, null);

    /// <summary>It lasts, and for another reason than the one that was told.</summary>
    public bool IsNews(Alert alert) => alert.Cause is not null && alert.Cause != Alert.Cause;

    public AlertStanding Again(Alert alert, DateTimeOffset now) => alert.Lasts
        ? this with { Alert = alert with { Cause = alert.Cause ?? Alert.Cause }, Last = now, ToldAt = IsNews(alert) ? null : ToldAt, Unheard = IsNews(alert) ? null : Unheard }
        : this with { Alert = alert, Last = now, Count = Count + 1 };

    /// <param name="count">How many the announcement spoke of: more may have been raised while it was on its way.</param>
    public AlertStanding Announced(DateTimeOffset now, int count) => this with { Told = count, ToldAt = now, Unheard = null };

    /// <summary>Announced, and nobody heard it. It is said again when it would be if somebody had, or when the channels change.</summary>
    public AlertStanding NotHeard(DateTimeOffset now, string why) => this with { Unheard = new Unheard(now, why) };

    /// <summary>The wall clock was moved by that much.</summary>
    public AlertStanding Moved(TimeSpan jump) =>
        this with { Since = Since + jump, Last = Last + jump, ToldAt = ToldAt + jump, Unheard = Unheard is { } unheard ? unheard with { At = unheard.At + jump } : null };

    /// <summary>When it should be announced (again). Null: everything is said.</summary>
    public DateTimeOffset? Due => SaidAt switch
    {
        null => Since,
        { } at when Alert.Lasts => at + Remind,
        { } at when CameAgain => at + Fold,
        _ => null,
    };

    /// <summary>An event that was said and did not come again is forgotten; of a message that came to an end, and nobody heard of, not so soon.</summary>
    public bool IsForgotten(DateTimeOffset now) => ForgottenAt <= now;

    internal DateTimeOffset? ForgottenAt => Alert.Lasts || CameAgain ? null : (Unheard, Alert.Kind) switch
    {
        // Until somebody has seen to it: see Alerts.
        (not null, AlertKind.MessageParked) => null,
        ({ At: var at }, AlertKind.MessageFailed) => at + KeepUnheard,
        _ => SaidAt + Fold,
    };

    private DateTimeOffset? SaidAt => Unheard?.At ?? ToldAt;

    private bool CameAgain => Unheard is { } unheard ? Last > unheard.At : Count > Told;

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
