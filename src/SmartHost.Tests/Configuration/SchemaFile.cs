using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using SmartHost.Configuration;
using SmartHost.Devices;

namespace SmartHost.Tests.Configuration;

/// <summary><c>configs/smarthost.schema.json</c>: the table of settings for editors, which then complete and check a user's file while it is written.</summary>
internal static class SchemaFile
{
    public static string Text()
    {
        using var stream = new MemoryStream();
        var options = new JsonWriterOptions { Indented = true, NewLine = "\n", Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
        using (var json = new Utf8JsonWriter(stream, options))
        {
            json.WriteStartObject();
            json.WriteString("$schema", "http://json-schema.org/draft-07/schema#");
            json.WriteString("title", "SmartHost settings");
            WriteSection(json, SettingsSchema.Root);
            json.WriteEndObject();
        }
        return Encoding.UTF8.GetString(stream.ToArray()) + "\n";
    }

    private static void WriteSection(Utf8JsonWriter json, SettingsSection section)
    {
        json.WriteString("type", "object");
        json.WriteBoolean("additionalProperties", false);
        if (section.Rows.Any(row => row.IsRequired))
        {
            json.WriteStartArray("required");
            foreach (var row in section.Rows.Where(row => row.IsRequired)) json.WriteStringValue(row.Name);
            json.WriteEndArray();
        }
        json.WriteStartObject("properties");
        foreach (var row in section.Rows)
        {
            json.WriteStartObject(row.Name);
            json.WriteString("description", row.Doc + "." + (row.Default is null ? "" : $" Default: {row.Default}."));
            WriteType(json, row);
            json.WriteEndObject();
        }
        json.WriteEndObject();
    }

    private static void WriteType(Utf8JsonWriter json, SettingsRow row)
    {
        if (row.Children is not { } children)
        {
            using var type = JsonDocument.Parse(row.JsonSchema);
            foreach (var property in type.RootElement.EnumerateObject()) property.WriteTo(json);
        }
        else if (row.IsNamed)
        {
            json.WriteString("type", "object");
            json.WriteStartObject("propertyNames");
            json.WriteString("pattern", $"^[A-Za-z0-9][A-Za-z0-9_-]{{0,{DeviceName.MaxLength - 1}}}$");
            json.WriteEndObject();
            json.WriteStartObject("additionalProperties");
            WriteSection(json, children);
            json.WriteEndObject();
        }
        else
        {
            WriteSection(json, children);
        }
    }
}
