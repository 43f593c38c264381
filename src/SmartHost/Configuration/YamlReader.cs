using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace SmartHost.Configuration;

/// <summary>
/// Reads a YAML file into a tree in which every node knows its line. YamlDotNet's parser does the grammar; what it says in
/// the words of a grammar is said again in words for the owner of a scanner. Any text at all ends in a tree or in problems,
/// never in an exception. Anchors, aliases and several documents are refused: settings need none of them, and what looks
/// like an alias here is nearly always <c>*@example.com</c> without its quotes.
/// </summary>
internal sealed class YamlReader
{
    /// <summary>Ten times what a thousand devices need.</summary>
    public const int MaxLength = 1 << 20;

    /// <summary>Levels; settings have five. Bounds the recursion below.</summary>
    private const int MaxDepth = 16;

    private readonly string file;
    private readonly List<Problem> problems;
    private readonly string[] lines;
    private readonly Parser parser;

    /// <summary>Where the lists and groups begin that we are within.</summary>
    private readonly Stack<Mark> within = new();

    private bool gaveUp;

    private YamlReader(string text, string file, List<Problem> problems)
    {
        this.file = file;
        this.problems = problems;
        lines = text.Split('\n');
        parser = new Parser(new StringReader(text));
    }

    /// <returns>Null where the text is not YAML; the problems say why.</returns>
    public static SettingsNode.Mapping? Read(string text, string file, List<Problem> problems)
    {
        if (text.Length > MaxLength)
        {
            problems.Add(new Problem(ProblemSeverity.Error, Place.InFile(file), "", $"this file has {text.Length} characters, which no settings need", "Check that it is the file you mean"));
            return null;
        }
        if (text.Contains('\0'))
        {
            problems.Add(new Problem(ProblemSeverity.Error, Place.InFile(file), "", "this file is not text in UTF-8", "Save it as UTF-8, or check that it is the file you mean"));
            return null;
        }
        var reader = new YamlReader(text, file, problems);
        if (reader.HasTabs()) return null;
        try
        {
            var root = reader.Document();
            return reader.gaveUp ? null : root;
        }
        catch (YamlException trouble)
        {
            reader.Explain(trouble);
            return null;
        }
        catch (Exception surprise) when (surprise is ArgumentException or InvalidOperationException or OverflowException or FormatException)
        {
            // The scanner trusts some of its input (open brackets, escapes, %YAML versions) more than we do.
            if (reader.OpenBracket() is { } bracket) reader.AddOpen(bracket);
            else problems.Add(new Problem(ProblemSeverity.Error, Place.InFile(file), "", "this file cannot be read as YAML", "Write settings as “name: value”, and put text that has \\ or % in it into single quotes"));
            return null;
        }
    }

    private SettingsNode.Mapping Document()
    {
        parser.Consume<StreamStart>();
        if (parser.TryConsume<StreamEnd>(out _)) return new SettingsNode.Mapping(Place.InFile(file), []);
        parser.Consume<DocumentStart>();
        var root = Node(0);
        parser.Consume<DocumentEnd>();
        if (!parser.TryConsume<StreamEnd>(out _))
        {
            Add(parser.Current!.Start, ("a second document starts here (---)", "Remove the line with --- : the settings are one document"));
            gaveUp = true;
        }
        if (root is SettingsNode.Mapping mapping) return mapping;
        // A file of comments alone is an empty value.
        if (root is SettingsNode.Scalar { Text: null }) return new SettingsNode.Mapping(Place.InFile(file), []);
        problems.Add(new Problem(ProblemSeverity.Error, root.Place, "", "the file does not begin with a setting", "Write settings as “name: value”, such as “accounts:”; a blank must follow the colon"));
        gaveUp = true;
        return new SettingsNode.Mapping(Place.InFile(file), []);
    }

    private SettingsNode Node(int depth)
    {
        var at = parser.Current ?? throw new InvalidOperationException("the document ended early");
        if (depth > MaxDepth)
        {
            Add(at.Start, ("this is nested too deeply", "Settings have at most five levels; check the indentation and the brackets"));
            gaveUp = true;
            parser.SkipThisAndNestedEvents();
            return new SettingsNode.Scalar(At(at.Start), null);
        }
        if (at is NodeEvent { Anchor.IsEmpty: false })
        {
            Add(at.Start, ("an anchor (&name) has no meaning here", "Write the value without it; text that begins with & needs quotes"));
        }
        if (parser.TryConsume<Scalar>(out var scalar)) return new SettingsNode.Scalar(At(scalar.Start), TextOf(scalar), IsCutByComment(scalar));
        if (parser.TryConsume<AnchorAlias>(out var alias))
        {
            Add(alias.Start, ($"*{alias.Value} needs quotes", $"Write \"*{alias.Value}\": without quotes, * means something else in YAML"));
            return new SettingsNode.Scalar(At(alias.Start), "*" + alias.Value);
        }
        if (parser.Accept<SequenceStart>(out var sequence))
        {
            Enter(sequence);
            var items = new List<SettingsNode>();
            while (!parser.Accept<SequenceEnd>(out _)) items.Add(Node(depth + 1));
            Leave();
            return new SettingsNode.Sequence(At(sequence.Start), items);
        }
        var mapping = parser.Require<MappingStart>();
        Enter(mapping);
        var entries = new List<SettingsNode.Entry>();
        while (!parser.Accept<MappingEnd>(out _))
        {
            var key = Node(depth + 1);
            var value = Node(depth + 1);
            if (key is not SettingsNode.Scalar { Text: { } name })
            {
                Add(key.Place, "", ("there is a value without a name", "Write “name: value”"));
                continue;
            }
            // In the file's own words, letter case aside: of “UPS” and “ups” nobody knows later which one counted.
            if (entries.Find(known => string.Equals(known.Key, name, StringComparison.OrdinalIgnoreCase)) is { } first)
            {
                Add(key.Place, Quoting.Key(name), ($"is written twice: the first is in line {first.Place.Line}", "Keep one of the two, with all that belongs to it below"));
                continue;
            }
            entries.Add(new SettingsNode.Entry(name, key.Place, value));
        }
        Leave();
        return new SettingsNode.Mapping(At(mapping.Start), entries);
    }

    private static string? TextOf(Scalar scalar) =>
        scalar.Style == ScalarStyle.Plain && scalar.Value is "" or "~" or "null" ? null : scalar.Value;

    private bool IsCutByComment(Scalar scalar) =>
        scalar.Style == ScalarStyle.Plain && LineAt(scalar.End.Line) is var line && scalar.End.Column >= 1 && scalar.End.Column <= line.Length && line.AsSpan((int)scalar.End.Column - 1).TrimStart().StartsWith("#");

    private Place At(Mark mark) => Place.InFile(file, (int)mark.Line, (int)mark.Column);

    private void Add(Mark mark, (string What, string Instead) text) => Add(At(mark), "", text);

    private void Add(Place place, string path, (string What, string Instead) text) =>
        problems.Add(new Problem(ProblemSeverity.Error, place, path, text.What, text.Instead));

    /// <summary>Noted before the parser moves on: it may stumble at the very next word.</summary>
    private void Enter(NodeEvent start)
    {
        within.Push(start.Start);
        parser.MoveNext();
    }

    private void Leave()
    {
        within.Pop();
        parser.MoveNext();
    }

    /// <summary>The innermost [ or { that is not closed yet.</summary>
    private Mark? OpenBracket() => within.Where(mark => BracketAt(mark) is '[' or '{').Select(mark => (Mark?)mark).FirstOrDefault();

    private char BracketAt(Mark mark) => LineAt(mark.Line) is var line && mark.Column >= 1 && mark.Column <= line.Length ? line[(int)mark.Column - 1] : ' ';

    private void AddOpen(Mark bracket) =>
        Add(bracket, BracketAt(bracket) == '[' ? ("the bracket [ that opens here is not closed", "Write ] behind the last item") : ("the bracket { that opens here is not closed", "Write } behind the last setting"));

    private void Explain(YamlException trouble)
    {
        var bracket = OpenBracket();
        // Found at the end of the file, where nobody would look.
        if (bracket is { } open && lines.Skip((int)trouble.Start.Line - 1).All(string.IsNullOrWhiteSpace)) AddOpen(open);
        else if (YamlTrouble.LineWithoutColon(trouble.Message, lines, (int)trouble.Start.Line) is { } number) Add(Place.InFile(file, number, Indent(LineAt(number)) + 1), "", YamlTrouble.NoColon(LineAt(number)));
        else Add(trouble.Start, YamlTrouble.Explain(trouble.Message, LineAt(trouble.Start.Line).Trim()));
    }

    /// <summary>Tabs that indent are found by us, all at once: the scanner stops at the first, with a message about tokens. What else is wrong shows once the indentation is known.</summary>
    private bool HasTabs()
    {
        var before = problems.Count;
        for (var i = 0; i < lines.Length; i++)
        {
            var (line, indent) = (lines[i], Indent(lines[i]));
            var tab = line.AsSpan(0, indent).IndexOf('\t');
            if (tab < 0 || line.Length == indent || line[indent] is '#' or '\r') continue;
            Add(Place.InFile(file, i + 1, tab + 1), "", ("a tab indents this line, which YAML does not allow", "Indent with blanks, two for each level"));
        }
        return problems.Count > before;
    }

    private static int Indent(string line) => line.Length - line.TrimStart(' ', '\t').Length;

    /// <summary>Empty where the scanner counts lines that we do not.</summary>
    private string LineAt(long number) => number >= 1 && number <= lines.Length ? lines[number - 1] : "";
}
