using System.Globalization;

namespace SmartHost.Bench;

internal sealed record Options(string Binary, int Rounds, IReadOnlyList<string> Only, int Connections, bool Postfix)
{
    public bool Wants(string measure) => Only.Count == 0 || Only.Contains(measure);

    /// <summary>Null: the words are not understood.</summary>
    public static Options? Read(string[] arguments)
    {
        var options = new Options("", 3, [], 10, File.Exists("/usr/sbin/postfix"));
        for (var i = 0; i < arguments.Length; i++)
        {
            var value = i + 1 < arguments.Length ? arguments[i + 1] : "";
            switch (arguments[i])
            {
                case "--smarthost": options = options with { Binary = Path.GetFullPath(value) }; i++; break;
                case "--rounds" when int.TryParse(value, CultureInfo.InvariantCulture, out var rounds): options = options with { Rounds = rounds }; i++; break;
                case "--connections" when int.TryParse(value, CultureInfo.InvariantCulture, out var connections): options = options with { Connections = connections }; i++; break;
                case "--only": options = options with { Only = value.Split(',') }; i++; break;
                case "--no-postfix": options = options with { Postfix = false }; break;
                default: return null;
            }
        }
        return File.Exists(options.Binary) ? options : null;
    }
}
