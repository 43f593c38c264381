namespace SmartHost.Configuration;

/// <summary>What a file or the environment says, before it means anything: text in a tree, every node with its place. Closed.</summary>
internal abstract class SettingsNode
{
    private SettingsNode(Place place) => Place = place;

    public Place Place { get; }

    /// <param name="text">Null: nothing was written after the key.</param>
    /// <param name="isCutByComment">It has no quotes, and a comment follows in its line: who wrote it may believe that to be a part of it.</param>
    internal sealed class Scalar(Place place, string? text, bool isCutByComment = false) : SettingsNode(place)
    {
        public string? Text => text;

        public bool IsCutByComment => isCutByComment;
    }

    internal sealed class Sequence(Place place, IReadOnlyList<SettingsNode> items) : SettingsNode(place)
    {
        public IReadOnlyList<SettingsNode> Items => items;
    }

    /// <summary>Keys in the order they were written, none twice.</summary>
    internal sealed class Mapping(Place place, IReadOnlyList<Entry> entries) : SettingsNode(place)
    {
        public IReadOnlyList<Entry> Entries => entries;

        public SettingsNode? Find(string key) => entries.FirstOrDefault(entry => entry.Key == key)?.Value;

        /// <summary>The mapping under that key; an empty one where there is none, so that asking further needs no care.</summary>
        public Mapping Under(string key) => Find(key) as Mapping ?? new Mapping(Place, []);

        /// <summary>Both, where mappings meet key by key; what <paramref name="over"/> says wins.</summary>
        public Mapping With(Mapping over)
        {
            var merged = entries.ToList();
            foreach (var entry in over.Entries)
            {
                var at = merged.FindIndex(known => known.Key == entry.Key);
                if (at < 0) merged.Add(entry);
                else merged[at] = merged[at].Value is Mapping below && entry.Value is Mapping above ? merged[at] with { Value = below.With(above) } : entry;
            }
            return new Mapping(Place, merged);
        }
    }

    /// <param name="Place">Of the key.</param>
    internal sealed record Entry(string Key, Place Place, SettingsNode Value);
}
