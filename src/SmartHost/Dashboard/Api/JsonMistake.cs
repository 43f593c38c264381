using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace SmartHost.Dashboard.Api;

/// <summary>What to write in place of JSON that could not be read. The framework's own sentences speak of our types, which nobody outside knows.</summary>
internal static class JsonMistake
{
    /// <returns>Goes on a sentence.</returns>
    public static string Advice(JsonException mistake, JsonTypeInfo type)
    {
        // Where the text itself is broken, that is the cause of the mistake.
        if (mistake.InnerException is JsonException) return $"line {mistake.LineNumber + 1} is no JSON from octet {mistake.BytePositionInLine + 1} on";
        var name = mistake.Path is ['$', '.', .. var path] ? path.Split('[', '.')[0] : "";
        if (type.Properties.FirstOrDefault(one => one.Name.Equals(name, StringComparison.OrdinalIgnoreCase)) is { } property) return $"write {Words(property.PropertyType)}";
        var (all, needed) = (Names(type.Properties), Names(type.Properties.Where(one => one.IsRequired)));
        return $"write an object with {(needed.Length > 0 ? $"{needed}, and " : "")}nothing but {all}";
    }

    private static string Names(IEnumerable<JsonPropertyInfo> properties) => string.Join(", ", properties.Select(one => one.Name));

    private static string Words(Type type) => (Nullable.GetUnderlyingType(type) ?? type) switch
    {
        { IsEnum: true } words => $"one of {string.Join(", ", Enum.GetNames(words).Select(JsonNamingPolicy.CamelCase.ConvertName))}",
        var number when number == typeof(int) => "a whole number",
        var truth when truth == typeof(bool) => "true or false",
        var text when text == typeof(string) => "a text",
        _ => "a list of texts",
    };
}
