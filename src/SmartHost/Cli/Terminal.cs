using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using SmartHost.Mail;
using Spectre.Console;

namespace SmartHost.Cli;

/// <summary>
/// Where a verb writes: answers to standard output, complaints to standard error. Lines are broken between words at the
/// screen's width, and never where there is no screen. Of Spectre.Console only tables and texts are used: its prompts need
/// reflection.
/// </summary>
internal sealed class Terminal(TextWriter output, TextWriter error, Screen screen, bool json)
{
    /// <summary>Columns of a table that goes to a pipe or a file; cut at 80, a script would lose what it looks for.</summary>
    private const int EndlessWidth = 1000;

    private const int Gap = 2, NarrowestColumn = 12;

    public bool Json => json;

    public static Terminal Of(ParseResult parsed, CommonOptions common) =>
        new(parsed.InvocationConfiguration.Output, parsed.InvocationConfiguration.Error, common.Screen, parsed.GetValue(common.Json));

    /// <param name="indent">Columns by which what does not fit on the first line is moved in.</param>
    public void Line(string text = "", int indent = 0) => output.WriteLine(Wrapped(Shown(text), indent));

    public void Complain(string sentence) => error.WriteLine(Wrapped(Shown($"smarthost: {sentence}"), 0));

    public void Print<T>(T value, JsonTypeInfo<T> type) => output.WriteLine(JsonSerializer.Serialize(value, type));

    /// <summary>One row a thing. Cells are text, never markup: subjects and addresses come from strangers.</summary>
    /// <param name="flexible">The column that gives way where the screen is narrow, and on a very narrow one all others too but the first: an id that is broken in two cannot be copied.</param>
    public void Table(IReadOnlyList<string> columns, int flexible, IEnumerable<IReadOnlyList<string>> rows)
    {
        var cells = rows.Select(row => row.Select(cell => Shown(Clean(cell))).ToList()).ToList();
        var width = screen.Width ?? EndlessWidth;
        var others = Enumerable.Range(0, columns.Count).Where(column => column != flexible).Sum(column => Gap + cells.Append(columns).Max(row => row[column].Length));
        var isNarrow = others + NarrowestColumn > width;
        var table = new Table().Border(TableBorder.None);
        foreach (var (index, column) in columns.Index())
            table.AddColumn(new TableColumn(new Text(column, new Style(decoration: Decoration.Bold))) { NoWrap = index == 0 || (index != flexible && !isNarrow) }.PadLeft(0).PadRight(Gap));
        foreach (var row in cells) table.AddRow(row.Select(cell => new Text(cell)));

        using var text = new StringWriter();
        var console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Out = new AnsiConsoleOutput(text),
            Ansi = screen.Styled ? AnsiSupport.Yes : AnsiSupport.No,
            ColorSystem = ColorSystemSupport.NoColors,
        });
        console.Profile.Width = width;
        console.Write(table);
        // The last column is padded to the table's width, and nobody wants to copy blanks.
        foreach (var line in text.ToString().TrimEnd().Split('\n')) output.WriteLine(line.TrimEnd());
    }

    /// <summary>A subject must not be able to steer the terminal.</summary>
    public static string Clean(string text) => string.Concat(text.Select(c => ScreenControl.Is(c) ? ' ' : c));

    private string Shown(string text) => screen.Ascii ? Ascii(text) : text;

    /// <summary>Marks and typographer's signs as letters that mean the same; whatever else a stranger's subject is made of stays.</summary>
    private static string Ascii(string text) => text.Replace("✓", "ok").Replace('✗', 'X').Replace("→", "->").Replace("…", "...")
        .Replace('“', '"').Replace('”', '"').Replace('‘', '\'').Replace('’', '\'').Replace('–', '-');

    private string Wrapped(string text, int indent)
    {
        if (screen.Width is not { } width || text.Length <= width) return text;
        return string.Join(Environment.NewLine, text.Split('\n').SelectMany(line => Lines(line, width, indent)));
    }

    /// <summary>A word that is longer than the line, such as an address to open, stays whole: the terminal folds it, and it can still be copied.</summary>
    private static IEnumerable<string> Lines(string text, int width, int indent)
    {
        if (indent > width / 2) indent = 2;
        while (text.Length > width)
        {
            // Not within the indent itself, or nothing would ever get shorter.
            var cut = text.LastIndexOf(' ', width, width - indent);
            if (cut < 0) cut = text.IndexOf(' ', width);
            if (cut < 0) break;
            yield return text[..cut].TrimEnd();
            text = new string(' ', indent) + text[(cut + 1)..].TrimStart();
        }
        yield return text;
    }
}
