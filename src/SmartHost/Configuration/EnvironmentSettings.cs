using System.Globalization;
using SmartHost.Devices;

namespace SmartHost.Configuration;

/// <summary>
/// The environment as a second file that wins over the first: <c>SMARTHOST__accounts__default__username</c> is
/// <c>accounts.default.username</c>, letter case and single underscores set aside. Also the few short names with which
/// a container needs no file at all. Empty variables count as not set: compose files pass them on so.
/// </summary>
internal sealed class EnvironmentSettings
{
    public const string Prefix = "SMARTHOST__", ConfigVariable = "SMARTHOST_CONFIG", DataVariable = "SMARTHOST_DATA", DevicesVariable = "SMARTHOST_DEVICES";

    private const string ShortPrefix = "SMARTHOST_";

    private static readonly string[] ShortNames = [ConfigVariable, DataVariable, DevicesVariable];

    private readonly List<Problem> problems;
    private readonly Branch root = new(Place.InEnvironment(Prefix + "…"));

    private EnvironmentSettings(List<Problem> problems) => this.problems = problems;

    /// <summary>True where the environment alone may be a whole configuration, so that a missing file is no mistake.</summary>
    public static bool Configures(IReadOnlyDictionary<string, string> environment) => environment.Any(variable => variable.Value.Length > 0
        && (variable.Key.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase) || variable.Key is "GMAIL_USERNAME" or "GMAIL_APP_PASSWORD" or "GMAIL_APP_PASSWORD_FILE" or DevicesVariable));

    /// <param name="file">What the files say: names that users chose are found in it whatever their letter case.</param>
    public static SettingsNode.Mapping Read(IReadOnlyDictionary<string, string> environment, SettingsNode.Mapping file, List<Problem> problems)
    {
        var settings = new EnvironmentSettings(problems);
        // By name, so that the order of problems and of list items does not depend on the system.
        foreach (var (variable, value) in environment.OrderBy(variable => variable.Key, StringComparer.Ordinal))
        {
            if (value.Length == 0) continue;
            if (variable.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase)) settings.Add(variable, variable[Prefix.Length..].Split("__"), value, file);
            else settings.AddShort(variable, value, file);
        }
        return (SettingsNode.Mapping)settings.root.ToNode(SettingsSchema.Root, isNamed: false);
    }

    private void AddShort(string variable, string value, SettingsNode.Mapping file)
    {
        switch (variable)
        {
            case "GMAIL_USERNAME": Put(variable, ["accounts", GmailAccount(file), "username"], value); break;
            case "GMAIL_APP_PASSWORD": Put(variable, ["accounts", GmailAccount(file), "appPassword"], value); break;
            case "GMAIL_APP_PASSWORD_FILE": Put(variable, ["accounts", GmailAccount(file), "appPasswordFile"], value); break;
            case DataVariable: Put(variable, ["data"], value); break;
            case DevicesVariable: AddDevices(value, file); break;
            case ConfigVariable: break;
            case var other when other.StartsWith(ShortPrefix, StringComparison.OrdinalIgnoreCase) && Meant(other[ShortPrefix.Length..]) is { } meant:
                problems.Add(new Problem(ProblemSeverity.Warning, Place.InEnvironment(variable), "", "this variable means nothing to SmartHost", $"Did you mean {meant}?"));
                break;
        }
    }

    /// <summary>Null where the variable may be somebody else's: Kubernetes sets <c>SMARTHOST_PORT</c> for a service of our name.</summary>
    /// <param name="name">Without the prefix, which alone would make all of them alike.</param>
    private static string? Meant(string name) => name.Contains("__", StringComparison.Ordinal)
        ? Prefix + name
        : Suggestion.Closest(name, ShortNames.Select(known => known[ShortPrefix.Length..])) is { } close ? ShortPrefix + close : null;

    /// <summary>The account that the short names are about: the file's only one, else <c>default</c>.</summary>
    private static string GmailAccount(SettingsNode.Mapping file) => file.Under("accounts").Entries is [var only] ? only.Key : "default";

    /// <summary>
    /// <c>office-scanner@192.168.1.23=&gt;you@gmail.com; 192.168.1.0/24=&gt;a@example.com,b@example.com</c>. No address has an @, so
    /// what stands before one on the left is the device's name.
    /// </summary>
    private void AddDevices(string value, SettingsNode.Mapping file)
    {
        var place = Place.InEnvironment(DevicesVariable);
        foreach (var text in value.Split([';', '\n'], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            var sides = text.Split("=>", StringSplitOptions.TrimEntries);
            var (given, addresses) = sides[0].Split('@', 2, StringSplitOptions.TrimEntries) is [var before, var after] ? (before, after) : (null, sides[0]);
            if (sides is not [_, { Length: > 0 } recipients] || addresses.Length == 0)
            {
                problems.Add(new Problem(ProblemSeverity.Error, place, "", $"{Quoting.Value(text)} is not a device", "Write name@address=>recipient, such as office-scanner@192.168.1.23=>you@gmail.com, and a semicolon between two devices"));
                continue;
            }
            if (given is not null && !DeviceName.IsValid(given))
            {
                problems.Add(new Problem(ProblemSeverity.Error, place, "", $"{Quoting.Value(given)} is not a name for a device", $"Use {DeviceName.Rule}; or leave it out, and the @"));
                continue;
            }
            var name = given is null ? Unnamed(addresses, file) : Written(given, file);
            if (given is not null && root.Has("devices", name))
            {
                problems.Add(new Problem(ProblemSeverity.Error, place, "", $"{Quoting.Value(text)} has a name that another device here has", "Give each device a name of its own"));
                continue;
            }
            Put(DevicesVariable, ["devices", name, "addresses"], addresses);
            Put(DevicesVariable, ["devices", name, "recipients"], recipients);
        }
    }

    /// <summary>A name of that spelling may be in the file already; its settings there stay, but for what the variable says.</summary>
    private static string Written(string given, SettingsNode.Mapping file) =>
        file.Under("devices").Entries.FirstOrDefault(entry => entry.Key.Equals(given, StringComparison.OrdinalIgnoreCase))?.Key ?? given;

    /// <summary>By its address, and no other's.</summary>
    private string Unnamed(string addresses, SettingsNode.Mapping file)
    {
        var name = "device-" + string.Concat(addresses.Split(',')[0].Trim().Select(c => char.IsAsciiLetterOrDigit(c) ? c : '-')).Trim('-');
        if (name.Length > DeviceName.MaxLength) name = name[..DeviceName.MaxLength];
        var unique = name;
        for (var i = 2; root.Has("devices", unique) || file.Under("devices").Find(unique) is not null; i++) unique = $"{name}-{i}";
        return unique;
    }

    /// <summary>Gives each part of a variable's name the spelling that the table or the file has for it. Unknown parts stay as they are and are told as unknown settings later.</summary>
    private void Add(string variable, string[] parts, string value, SettingsNode.Mapping file)
    {
        var path = new List<string>();
        SettingsSection? section = SettingsSchema.Root;
        var written = file;
        for (var i = 0; i < parts.Length; i++)
        {
            var row = section?.Rows.FirstOrDefault(row => Suggestion.Same(row.Name, parts[i]));
            path.Add(row?.Name ?? parts[i]);
            written = written.Under(path[^1]);
            section = row?.Children;
            if (row is not { IsNamed: true } || i + 1 == parts.Length) continue;
            var name = parts[++i];
            path.Add(written.Entries.FirstOrDefault(entry => Suggestion.Same(entry.Key, name))?.Key ?? (name.Any(char.IsAsciiLetterLower) ? name : name.ToLowerInvariant()));
            written = written.Under(path[^1]);
        }
        if (path.Any(part => part.Length == 0))
        {
            problems.Add(new Problem(ProblemSeverity.Error, Place.InEnvironment(variable), "", "this variable's name has an empty part", $"Write {Prefix}accounts__default__username, two underscores between the parts"));
            return;
        }
        Put(variable, path, value);
    }

    private void Put(string variable, IReadOnlyList<string> path, string value)
    {
        var place = Place.InEnvironment(variable);
        if (root.Put(path, value, place) is not { } first) return;
        problems.Add(new Problem(ProblemSeverity.Error, place, string.Join('.', path), $"is set twice: also by {first}", "Remove one of the two"));
    }

    /// <summary>A part of a variable's name with what follows it, or the value at its end.</summary>
    private sealed class Branch(Place place, string? value = null)
    {
        private readonly List<(string Name, Branch Below)> below = [];

        public bool Has(string name, string next) => below.Exists(entry => entry.Name == name && entry.Below.below.Exists(entry => entry.Name == next));

        /// <returns>Where it was set already, or null.</returns>
        public Place? Put(IReadOnlyList<string> path, string text, Place from)
        {
            var at = this;
            for (var i = 0; i < path.Count; i++)
            {
                var isLast = i == path.Count - 1;
                var next = at.below.Find(entry => entry.Name == path[i]).Below;
                if (next is null) at.below.Add((path[i], next = new Branch(from, isLast ? text : null)));
                else if (isLast || next.IsValue) return next.Origin;
                at = next;
            }
            return null;
        }

        private bool IsValue => value is not null;

        private Place Origin => place;

        public SettingsNode ToNode(SettingsSection? section, bool isNamed)
        {
            if (value is not null) return new SettingsNode.Scalar(place, value);
            var entries = new List<SettingsNode.Entry>();
            foreach (var (name, next) in below)
            {
                var row = isNamed ? null : section?.Rows.FirstOrDefault(row => row.Name == name);
                var node = row is { IsList: true } && next.AsList() is { } list ? list : next.ToNode(isNamed ? section : row?.Children, row?.IsNamed ?? false);
                entries.Add(new SettingsNode.Entry(name, next.Origin, node));
            }
            return new SettingsNode.Mapping(place, entries);
        }

        /// <summary><c>…__recipients__0</c>, <c>__1</c>: one item each. They replace the file's list, not items of it.</summary>
        private SettingsNode.Sequence? AsList() =>
            value is null && below.TrueForAll(entry => entry.Below.IsValue && int.TryParse(entry.Name, NumberStyles.None, CultureInfo.InvariantCulture, out _))
                ? new SettingsNode.Sequence(place, [.. below.OrderBy(entry => int.Parse(entry.Name, CultureInfo.InvariantCulture)).Select(entry => entry.Below.ToNode(null, false))])
                : null;
    }
}
