using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Spectre.Console;

namespace SmartHost.Cli;

/// <summary>
/// Where a verb writes: answers to standard output, complaints to standard error. Colour on a terminal alone and never with
/// NO_COLOR, which Spectre.Console sees to. Of that library only tables and texts are used: its prompts need reflection.
/// </summary>
internal sealed class Terminal(TextWriter output, TextWriter error, bool json)
{
    private readonly bool isPlain = !ReferenceEquals(output, Console.Out) || Console.IsOutputRedirected;

    public bool Json => json;

    public static Terminal Of(ParseResult parsed, CommonOptions common) =>
        new(parsed.InvocationConfiguration.Output, parsed.InvocationConfiguration.Error, parsed.GetValue(common.Json));

    public void Line(string text = "") => output.WriteLine(text);

    public void Complain(string sentence) => error.WriteLine($"smarthost: {sentence}");

    public void Print<T>(T value, JsonTypeInfo<T> type) => output.WriteLine(JsonSerializer.Serialize(value, type));

    /// <summary>One row a thing. Cells are text, never markup: subjects and addresses come from strangers.</summary>
    public void Table(IReadOnlyList<string> columns, IEnumerable<IReadOnlyList<string>> rows)
    {
        var table = new Table().Border(TableBorder.None);
        foreach (var column in columns) table.AddColumn(new TableColumn(new Text(column, new Style(decoration: Decoration.Bold))).PadLeft(0).PadRight(2));
        foreach (var row in rows) table.AddRow(row.Select(cell => new Text(Clean(cell))));
        var settings = new AnsiConsoleSettings { Out = new AnsiConsoleOutput(output) };
        if (isPlain) (settings.Ansi, settings.ColorSystem) = (AnsiSupport.No, ColorSystemSupport.NoColors);
        var console = AnsiConsole.Create(settings);
        // A pipe has no width; cut at 80, a script would lose what it looks for.
        if (isPlain) console.Profile.Width = 200;
        console.Write(table);
    }

    /// <summary>A subject must not be able to steer the terminal.</summary>
    public static string Clean(string text) => string.Concat(text.Select(c => char.IsControl(c) ? ' ' : c));

    /// <summary>The mark where the encoding has it, else a letter that means the same.</summary>
    public string Mark(char mark)
    {
        if (output.Encoding.WebName.StartsWith("utf-", StringComparison.OrdinalIgnoreCase)) return mark.ToString();
        return mark switch { '✓' => "ok", '✗' => "X", '→' => "->", _ => mark.ToString() };
    }
}
