namespace SmartHost.Configuration;

/// <summary>A group of settings, as far as its names, types and words are concerned.</summary>
internal abstract class SettingsSection
{
    public abstract IReadOnlyList<SettingsRow> Rows { get; }
}

/// <summary>A group of settings that is read into a record: the one table of what may be written there.</summary>
/// <param name="blank">The record before anything is read, so that defaults stand in the record alone. It is given the group's name.</param>
internal sealed class SettingsSection<T>(Func<string, T> blank, params IReadOnlyList<SettingsRow<T>> rows) : SettingsSection
{
    public override IReadOnlyList<SettingsRow> Rows => rows;

    /// <summary>Reads on after every mistake, so that all are told at once.</summary>
    public T Read(SettingsNode.Mapping node, string name, string path, ReadContext context)
    {
        var result = blank(name);
        foreach (var entry in node.Entries)
        {
            var entryPath = path.Length == 0 ? entry.Key : $"{path}.{entry.Key}";
            if (rows.FirstOrDefault(row => row.Name == entry.Key) is not { } row)
            {
                context.UnknownKey(entry, path, this);
                continue;
            }
            context.Places[entryPath] = entry.Place;
            if (entry.Value is SettingsNode.Scalar { Text: null } && row.Children is null) context.Error(entry.Place, entryPath, "has no value", $"{row.Expected}, or remove the line");
            else result = row.Apply(result, entry.Value, node, entryPath, context);
        }
        foreach (var row in rows)
        {
            var rowPath = path.Length == 0 ? row.Name : $"{path}.{row.Name}";
            if (row.IsRequired && !context.Places.ContainsKey(rowPath)) context.Missing(node.Place, rowPath, row);
        }
        return result;
    }

    /// <summary>What the record holds when nothing is written, in the words of a file; for the reference.</summary>
    public T Blank => blank("");
}
