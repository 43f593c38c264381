namespace SmartHost.Configuration;

/// <summary>What somebody meant who wrote a setting that does not exist.</summary>
internal static class Suggestion
{
    /// <param name="meant">The setting of this group that was meant, where it is clear.</param>
    public static string For(string written, SettingsSection section, SettingsSection root, out string? meant)
    {
        var name = Quoting.Key(written);
        meant = null;
        if (section.Rows.Select(row => row.Opposite).FirstOrDefault(opposite => opposite is { Word: var word } && Closest(name, [word]) is not null) is { Instead: var contrary }) return contrary;
        meant = Closest(name, section);
        // In { } a colon without its blank belongs to the name.
        if (name.Length < written.Length && meant == name) return BlankAfterColon(name);
        if (meant is not null) return $"Did you mean {meant}?";
        var elsewhere = Everywhere(root, "").Where(found => Same(found.Row.Name, name)).Select(found => found.Path).ToList();
        if (elsewhere.Count > 0) return $"Write it where it belongs: {string.Join(" or ", elsewhere.Take(3))}";
        return $"Remove it, or write one of: {string.Join(", ", section.Rows.Select(row => row.Name))}";
    }

    /// <summary>For a text in place of a group: to YAML, <c>username:you@gmail.com</c> is one. Null where the group itself is what was not written.</summary>
    public static string? ForText(SettingsNode written, SettingsSection section)
    {
        if (written is not SettingsNode.Scalar { Text: { } text }) return null;
        var name = Quoting.Key(text);
        return name.Length < text.Length && section.Rows.Any(row => Same(row.Name, name)) ? BlankAfterColon(name) : null;
    }

    private static string BlankAfterColon(string name) => $"Write a blank after the colon: “{name}: …”";

    /// <summary>The nearest of a few names, or null where none is near.</summary>
    public static string? Closest(string written, IEnumerable<string> names) =>
        names.Select(name => (name, distance: Distance(Plain(written), Plain(name))))
            .Where(found => found.distance <= Math.Max(1, Plain(found.name).Length / 3))
            .OrderBy(found => found.distance)
            .Select(found => found.name)
            .FirstOrDefault();

    private static string? Closest(string name, SettingsSection section)
    {
        var rows = section.Rows;
        return rows.FirstOrDefault(row => Same(row.Name, name) || row.AlsoCalled.Any(other => Same(other, name)))?.Name
            ?? Closest(name, rows.Select(row => row.Name))
            ?? rows.FirstOrDefault(row => Closest(name, row.AlsoCalled) is not null)?.Name
            ?? (name.Length < 4 ? null : rows.FirstOrDefault(row => Plain(row.Name).Contains(Plain(name), StringComparison.Ordinal) || Plain(name).Contains(Plain(row.Name), StringComparison.Ordinal))?.Name);
    }

    private static IEnumerable<(string Path, SettingsRow Row)> Everywhere(SettingsSection section, string path)
    {
        foreach (var row in section.Rows)
        {
            var here = path.Length == 0 ? row.Name : $"{path}.{row.Name}";
            yield return (here, row);
            if (row.Children is not { } children) continue;
            foreach (var below in Everywhere(children, row.IsNamed ? $"{here}.NAME" : here)) yield return below;
        }
    }

    /// <summary>appPassword, APP_PASSWORD and app-password are one word.</summary>
    public static bool Same(string left, string right) => Plain(left) == Plain(right);

    private static string Plain(string name) => string.Concat(name.Where(char.IsAsciiLetterOrDigit)).ToLowerInvariant();

    /// <summary>Letters to add, drop, exchange or swap with their neighbour (optimal string alignment).</summary>
    private static int Distance(string left, string right)
    {
        var table = new int[left.Length + 1, right.Length + 1];
        for (var i = 0; i <= left.Length; i++) table[i, 0] = i;
        for (var j = 0; j <= right.Length; j++) table[0, j] = j;
        for (var i = 1; i <= left.Length; i++)
        {
            for (var j = 1; j <= right.Length; j++)
            {
                var cost = left[i - 1] == right[j - 1] ? 0 : 1;
                table[i, j] = Math.Min(Math.Min(table[i - 1, j] + 1, table[i, j - 1] + 1), table[i - 1, j - 1] + cost);
                if (i > 1 && j > 1 && left[i - 1] == right[j - 2] && left[i - 2] == right[j - 1]) table[i, j] = Math.Min(table[i, j], table[i - 2, j - 2] + 1);
            }
        }
        return table[left.Length, right.Length];
    }
}
