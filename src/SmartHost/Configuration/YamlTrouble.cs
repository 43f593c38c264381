namespace SmartHost.Configuration;

/// <summary>
/// YamlDotNet's complaints, told as what to change. A complaint that is not listed gets a general sentence: its own text is
/// not passed on, since it may quote what it choked on, and that may be a password.
/// </summary>
internal static class YamlTrouble
{
    private static readonly (string Sign, string What, string Instead)[] Known =
    [
        ("tab", "a tab stands where YAML allows only blanks", "Exchange it for blanks"),
        ("mapping values are not allowed", "a second “: ” follows in one line, or the indentation changed", "Put text that contains “: ” into quotes, and indent lines of one group alike"),
        ("found invalid mapping", "a second “: ” follows in one line, or the indentation changed", "Put text that contains “: ” into quotes, and indent lines of one group alike"),
        ("could not find expected ':'", "this line is not “name: value”", "Write a colon and a blank after the name; a list item begins with “- ”"),
        ("unexpected end of stream", "a quote or bracket is opened and never closed", "Close it"),
        ("expected ',' or ']'", "a list in [ ] is not closed, or lacks a comma", "Write [first, second]"),
        ("expected ',' or '}'", "a group in { } is not closed, or lacks a comma", "Write { name: value, other: value }"),
        ("expected node content", "a value is missing here, or a bracket above is not closed", "Write the value, or close the bracket"),
        ("did not find expected '-' indicator", "a list and settings are mixed, or the indentation changed", "Begin every item with “- ” and indent all of them alike"),
        ("sequence entries are not allowed", "a list item stands where none can", "Put “- item” into a line of its own, below the name and indented"),
        ("did not find expected key", "the indentation does not fit the lines above, or a quote ended too early", "Indent the lines of one group alike, with blanks"),
        ("expected alphabetic or numeric character", "* or & without quotes", "Put it into quotes: \"*\""),
        ("escape", "a \\ in double quotes starts a sequence that YAML does not know", "Use single quotes, in which \\ is an ordinary letter"),
        ("cannot start any token", "a character stands here with which no text may begin", "Put the text into quotes"),
        ("quoted scalar", "quoted text is broken here", "Write it on one line, with the same quote at both ends"),
        ("tag", "text that begins with ! means something else in YAML", "Put it into quotes"),
        ("anchor", "* or & without quotes", "Put the text that begins with it into quotes"),
        ("block scalar", "text after | or > means something else in YAML", "Put the text into quotes"),
        ("comment", "a # follows without a blank before it, or stands inside a text", "Put a blank before the comment, or the text into quotes"),
        ("directive", "a line that begins with % means something else in YAML", "Put the text into quotes, or remove the line"),
    ];

    /// <param name="line">That it complains about.</param>
    public static (string What, string Instead) Explain(string complaint, string line)
    {
        // “recipients: *” is the one people meet most.
        if (line.EndsWith(": *", StringComparison.Ordinal) || line.EndsWith("- *", StringComparison.Ordinal)) return ("* needs quotes", "Write \"*\": without quotes, * means something else in YAML");
        foreach (var (sign, what, instead) in Known)
        {
            if (complaint.Contains(sign, StringComparison.OrdinalIgnoreCase)) return (what, instead);
        }
        return ("this cannot be read as YAML", "Look at this line and the one above: a blank must follow the colon, and text with special characters needs quotes");
    }

    /// <summary>
    /// The line that lacks its “: ”, where that is what the complaint comes from. To the grammar such a line is a text, which
    /// goes on in the next line: there it meets a colon that it did not expect, or an indentation that does not fit.
    /// </summary>
    /// <param name="number">Of the line it complains about, from 1.</param>
    public static int? LineWithoutColon(string complaint, IReadOnlyList<string> lines, int number)
    {
        if (!complaint.Contains("expected key", StringComparison.OrdinalIgnoreCase) && !complaint.Contains("multiline plain scalar", StringComparison.OrdinalIgnoreCase)) return null;
        if (number < 1 || number > lines.Count) return null;
        if (LacksColon(lines[number - 1].Trim())) return number;
        var above = number - 1;
        while (above > 0 && lines[above - 1].Trim() is "" or ['#', ..]) above--;
        return above > 0 && LacksColon(lines[above - 1].Trim()) ? above : null;
    }

    /// <summary>Of the line, its name alone is shown: what follows may be a password.</summary>
    public static (string What, string Instead) NoColon(string line) => line.Contains(':')
        ? ("a blank is missing after the colon", $"Write “{Quoting.Key(line.Trim())}: …”")
        : ("this line is not “name: value”", "Write a colon and a blank after the name; a list item begins with “- ”");

    /// <summary>Not so a list item, a quoted text, or the end of a list or group that began in another line.</summary>
    private static bool LacksColon(string line) =>
        line.Length > 0 && line[0] is not ('-' or '"' or '\'' or '[' or ']' or '{' or '}') && line[^1] is not (':' or ',' or ']' or '}') && !line.Contains(": ", StringComparison.Ordinal);
}
