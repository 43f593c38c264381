namespace SmartHost.Configuration;

/// <summary>What one reading of the settings gathers on its way: problems, places, the secret files it met.</summary>
internal sealed class ReadContext(SettingsSection root, IReadOnlyDictionary<string, string> environment)
{
    private readonly HashSet<string> readable = [];

    public List<Problem> Problems { get; } = [];

    /// <summary>Where each setting that was written stands, by its path.</summary>
    public Dictionary<string, Place> Places { get; } = [];

    /// <summary>Full paths of the files whose change changes the settings.</summary>
    public List<string> Files { get; } = [];

    public IReadOnlyDictionary<string, string> Environment => environment;

    public void Error(Place place, string path, string what, string instead) => Problems.Add(new Problem(ProblemSeverity.Error, place, path, what, instead));

    public void Warning(Place place, string path, string what, string instead) => Problems.Add(new Problem(ProblemSeverity.Warning, place, path, what, instead));

    /// <summary>Of the setting, else of the group it would stand in.</summary>
    public Place PlaceOf(string path)
    {
        for (var at = path; ; at = at[..at.LastIndexOf('.')])
        {
            if (Places.TryGetValue(at, out var place)) return place;
            if (!at.Contains('.')) return Places[""];
        }
    }

    public void UnknownKey(SettingsNode.Entry entry, string path, SettingsSection section)
    {
        var shown = Quoting.Key(entry.Key);
        Error(entry.Place, path.Length == 0 ? shown : $"{path}.{shown}", "is not a setting", Suggestion.For(entry.Key, section, root, out var meant));
        // What was meant does not count as missing too.
        if (meant is not null) Places.TryAdd(path.Length == 0 ? meant : $"{path}.{meant}", entry.Place);
    }

    /// <param name="place">Of the group: where its other settings come from a variable, the missing one may too.</param>
    public void Missing(Place place, string path, SettingsRow row)
    {
        var variable = place.Variable is null ? null
            : place.Variable.StartsWith("GMAIL_", StringComparison.Ordinal) ? "GMAIL_USERNAME"
            : EnvironmentSettings.Prefix + path.Replace(".", "__", StringComparison.Ordinal);
        Error(place, path, "is missing", variable is null ? row.Expected : $"{row.Expected}, as {variable}");
    }

    /// <summary>A secret that stands in the file itself: once a file, whoever may read the file reads the secret.</summary>
    public void WrittenSecret(Place place, string path)
    {
        if (place.Line == 0 || !readable.Add(place.Source) || !SecretFile.IsReadableByAll(place.Source)) return;
        Warning(place, path, "is written in a file that everyone on this machine can read", $"{SecretFile.PrivateTo(place.Source)}; or move the secret to a file of its own and name it in {path[(path.LastIndexOf('.') + 1)..]}File");
    }
}
