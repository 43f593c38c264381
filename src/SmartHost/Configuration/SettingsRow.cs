using SmartHost.Devices;
using SmartHost.Mail;

namespace SmartHost.Configuration;

/// <summary>One setting: its name, its type and what it is for. From these rows come reading, checking, the editor's schema and the reference.</summary>
internal abstract class SettingsRow(string name, string doc)
{
    public string Name => name;

    /// <summary>One sentence, without its full stop.</summary>
    public string Doc => doc;

    public bool IsRequired { get; init; }

    /// <summary>Words by which people look for it.</summary>
    public IReadOnlyList<string> AlsoCalled { get; init; } = [];

    /// <summary>A word that people look for and that means the contrary, with what to write in its place: “Did you mean …?” would turn their wish round.</summary>
    public (string Word, string Instead)? Opposite { get; init; }

    /// <summary>The default in words, where the record's value does not say it.</summary>
    public string? Otherwise { get; init; }

    public virtual string? Default => Otherwise;

    public abstract string TypeName { get; }

    /// <summary>What to write, as a sentence without its full stop.</summary>
    public abstract string Expected { get; }

    /// <summary>For an editor; of rows without children.</summary>
    public abstract string JsonSchema { get; }

    public virtual bool IsList => false;

    /// <summary>The settings below it.</summary>
    public virtual SettingsSection? Children => null;

    /// <summary>Between it and its children stands a name that the user chooses.</summary>
    public virtual bool IsNamed => false;
}

/// <summary>A row that knows where in the record its value goes.</summary>
internal abstract class SettingsRow<TRecord>(string name, string doc) : SettingsRow(name, doc)
{
    /// <param name="siblings">The group in which it is written.</param>
    public abstract TRecord Apply(TRecord record, SettingsNode value, SettingsNode.Mapping siblings, string path, ReadContext context);
}

internal sealed class ValueRow<TRecord, T>(string name, ValueKind<T> kind, Func<TRecord, T, TRecord> set, string doc) : SettingsRow<TRecord>(name, doc)
{
    /// <summary>Reads the default out of the untouched record.</summary>
    public Func<T>? DefaultValue { get; init; }

    public override string? Default => DefaultValue is null ? Otherwise : kind.Write(DefaultValue());

    public override string TypeName => kind.Name;

    public override string Expected => kind.Expected;

    public override string JsonSchema => kind.JsonSchema;

    public override TRecord Apply(TRecord record, SettingsNode value, SettingsNode.Mapping siblings, string path, ReadContext context)
    {
        if (value is not SettingsNode.Scalar { Text: { } text })
        {
            context.Error(value.Place, path, $"must be {kind.Name}, not {(value is SettingsNode.Sequence ? "a list" : "a group of settings")}", kind.Expected);
            return record;
        }
        if (kind.TryRead(text.Trim(), value.Place, out var read)) return set(record, read);
        context.Error(value.Place, path, $"is {Quoting.Value(text)}, which is not {kind.Wanted ?? kind.Name}", kind.Hint(text.Trim()) ?? kind.Expected);
        return record;
    }
}

/// <summary>A list, or one text in its place, with commas between several.</summary>
internal sealed class ListRow<TRecord, T>(string name, ValueKind<T> kind, Func<TRecord, IReadOnlyList<T>, TRecord> set, string doc) : SettingsRow<TRecord>(name, doc)
{
    public override string TypeName => $"list of: {kind.Name}";

    public override string Expected => kind.Expected;

    public override string JsonSchema => $$"""{"oneOf":[{{kind.JsonSchema}},{"type":"array","minItems":1,"items":{{kind.JsonSchema}}}]}""";

    public override bool IsList => true;

    public override TRecord Apply(TRecord record, SettingsNode value, SettingsNode.Mapping siblings, string path, ReadContext context)
    {
        IReadOnlyList<(string? Text, SettingsNode Node)> items = value switch
        {
            SettingsNode.Scalar { Text: { } text } => [.. text.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Select(part => ((string?)part, value))],
            SettingsNode.Sequence { Items: var list } => [.. list.Select(item => ((item as SettingsNode.Scalar)?.Text?.Trim(), item))],
            _ => [(null, value)],
        };
        if (items.Count == 0) context.Error(value.Place, path, "is an empty list", $"{kind.Expected}{(IsRequired ? "" : ", or remove the line")}");
        var read = new List<T>();
        foreach (var (text, node) in items)
        {
            if (text is null) context.Error(node.Place, path, node is SettingsNode.Scalar ? "has an item without a value" : "must be a list of plain texts", kind.Expected);
            else if (kind.TryRead(text, node.Place, out var item))
            {
                read.Add(item);
                if (kind.Doubt(text, item) is { } doubt) context.Warning(node.Place, path, $"has {Quoting.Value(text)}, which {doubt.What}", doubt.Instead);
            }
            else context.Error(node.Place, path, $"has {Quoting.Value(text)}, which is not {kind.Wanted ?? kind.Name}", kind.Hint(text.Trim()) ?? kind.Expected);
        }
        return set(record, read);
    }
}

/// <summary>A secret written out. Its value is quoted nowhere.</summary>
/// <param name="isHash">Of little use to whoever reads it, so no reason to warn of a file that others can read.</param>
internal sealed class SecretRow<TRecord>(string name, Func<TRecord, Secret, TRecord> set, string doc, bool isHash = false) : SettingsRow<TRecord>(name, doc)
{
    public override string TypeName => "secret";

    public override string Expected => $"Write it in quotes, or put it into a file and name that in {Name}File";

    public override string JsonSchema => """{"type":"string","minLength":1}""";

    public override TRecord Apply(TRecord record, SettingsNode value, SettingsNode.Mapping siblings, string path, ReadContext context)
    {
        if (value is not SettingsNode.Scalar { Text: { } text } || string.IsNullOrWhiteSpace(text))
        {
            context.Error(value.Place, path, value is SettingsNode.Scalar ? "is empty" : "is not a text", Expected);
            return record;
        }
        if (!isHash) context.WrittenSecret(value.Place, path);
        // A hash that was cut is no hash, which is told; what is whole without it needs no word.
        if (!isHash && value is SettingsNode.Scalar { IsCutByComment: true } && !AccountChecks.IsAppPassword(text))
            context.Warning(value.Place, path, "ends before “ #”, with which a comment begins", "If that belongs to it, put the whole into quotes; if it is a comment, move it to a line of its own");
        return set(record, new Secret(text.Trim()));
    }
}

/// <summary>The file twin of a <see cref="SecretRow{TRecord}"/>.</summary>
internal sealed class SecretFileRow<TRecord>(string secret, Func<TRecord, Secret, TRecord> set, string doc, bool manyLines = false) : SettingsRow<TRecord>(secret + "File", doc)
{
    /// <summary>Keeps the path as written beside the secret. Null: nobody writes it again.</summary>
    public Func<TRecord, string, TRecord>? Keep { get; init; }

    public override string TypeName => "path of a secret file";

    public override string Expected => "Write the path of a file that holds it";

    public override string JsonSchema => """{"type":"string","minLength":1}""";

    public override TRecord Apply(TRecord record, SettingsNode value, SettingsNode.Mapping siblings, string path, ReadContext context)
    {
        if (siblings.Entries.FirstOrDefault(entry => entry.Key == secret) is { } twin)
        {
            context.Error(value.Place, path, $"is given, and so is {secret} ({twin.Place})", $"Keep one of {Name} and {secret}");
            return record;
        }
        if (value is not SettingsNode.Scalar { Text: { } text })
        {
            context.Error(value.Place, path, "must be a path", Expected);
            return record;
        }
        return SecretFile.Read(text, value.Place, path, manyLines, context) is not { } read ? record
            : Keep is null ? set(record, read) : Keep(set(record, read), text);
    }
}

/// <summary>Settings below a name of ours: <c>dashboard: { port: 8025 }</c>.</summary>
internal sealed class GroupRow<TRecord, TChild>(string name, SettingsSection<TChild> section, Func<TRecord, TChild, TRecord> set, string doc) : SettingsRow<TRecord>(name, doc)
{
    public override string TypeName => "group";

    public override string Expected => $"Write its settings below it, indented: {string.Join(", ", section.Rows.Take(4).Select(row => row.Name))}, …";

    public override string JsonSchema => "{}";

    public override SettingsSection Children => section;

    public override TRecord Apply(TRecord record, SettingsNode value, SettingsNode.Mapping siblings, string path, ReadContext context)
    {
        // All below it commented out.
        if (value is SettingsNode.Scalar { Text: null }) value = new SettingsNode.Mapping(value.Place, []);
        if (value is SettingsNode.Mapping mapping) return set(record, section.Read(mapping, "", path, context));
        context.Error(value.Place, path, "must be a group of settings", Suggestion.ForText(value, section) ?? Expected);
        return record;
    }
}

/// <summary>Settings below names that the user chooses: <c>devices: { ups: { … } }</c>.</summary>
internal sealed class NamedRow<TRecord, TChild>(string name, string noun, SettingsSection<TChild> section, Func<TRecord, IReadOnlyList<TChild>, TRecord> set, string doc) : SettingsRow<TRecord>(name, doc)
{
    public override string TypeName => $"groups, one for each {noun}";

    public override string Expected => $"Write a name for each {noun} below it, indented, and its settings below that";

    public override string JsonSchema => "{}";

    public override SettingsSection Children => section;

    public override bool IsNamed => true;

    public override TRecord Apply(TRecord record, SettingsNode value, SettingsNode.Mapping siblings, string path, ReadContext context)
    {
        if (value is SettingsNode.Scalar { Text: null }) return record;
        if (value is not SettingsNode.Mapping mapping)
        {
            context.Error(value.Place, path, $"must be a group with a name for each {noun}", Expected);
            return record;
        }
        var children = new List<TChild>();
        foreach (var entry in mapping.Entries)
        {
            var childPath = $"{path}.{Quoting.Key(entry.Key)}";
            context.Places[childPath] = entry.Place;
            if (!DeviceName.IsValid(entry.Key))
            {
                context.Error(entry.Place, childPath, $"is not a name for a {noun}", $"Use {DeviceName.Rule}");
                continue;
            }
            // The place of what is missing is the name, not the first line below it.
            if (entry.Value is SettingsNode.Mapping settings) children.Add(section.Read(new SettingsNode.Mapping(entry.Place, settings.Entries), entry.Key, childPath, context));
            else if (entry.Value is SettingsNode.Scalar { Text: null }) children.Add(section.Read(new SettingsNode.Mapping(entry.Place, []), entry.Key, childPath, context));
            else context.Error(entry.Value.Place, childPath, $"must be a group with the settings of this {noun}", Suggestion.ForText(entry.Value, section) ?? $"Write its settings below it, indented: {string.Join(", ", section.Rows.Where(row => row.IsRequired).Concat(section.Rows).Distinct().Take(3).Select(row => row.Name))}, …");
        }
        return set(record, children);
    }
}
