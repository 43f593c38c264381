namespace SmartHost.History;

public enum LogFormat
{
    /// <summary>One line an event, for a terminal.</summary>
    Text,

    /// <summary>Compact JSON (CLEF), for a collector.</summary>
    Json,
}

public enum LogVerbosity
{
    Debug,
    Information,
    Warning,
}

public sealed record LogSettings
{
    public LogFormat Format { get; init; } = LogFormat.Text;

    public LogVerbosity Level { get; init; } = LogVerbosity.Information;

    /// <summary>A file as well as the console; one a day, 14 kept. Null: the console alone.</summary>
    public string? File { get; init; }
}
