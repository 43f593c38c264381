using System.Globalization;
using SmartHost.Practice;

namespace SmartHost.Tests.Practice;

/// <summary>
/// Gmail's side of a conversation gone wrong, as a text file: which stage, which time, and what it does there.
/// The grammar is in Transcripts/README.md. A mistake is a <see cref="FormatException"/> that names file, line and remedy.
/// </summary>
public sealed record Transcript
{
    private readonly Func<IEnumerable<PracticeRule>> make;

    private Transcript(string name, string about, Func<IEnumerable<PracticeRule>> make) => (Name, About, this.make) = (name, about, make);

    /// <summary>The file's name without its extension.</summary>
    public string Name { get; }

    /// <summary>The row of the reply catalogue that should recognise it: the name up to <c>--</c>, after which a variant stands.</summary>
    public string Row => Name.Split("--")[0];

    /// <summary>The comment at its head.</summary>
    public string About { get; }

    /// <summary>Its rules, counting from nothing.</summary>
    public IReadOnlyList<PracticeRule> Rules() => [.. make()];

    /// <exception cref="FormatException">Something in the file is not in the grammar.</exception>
    public static Transcript Load(string path) => Parse(Path.GetFileNameWithoutExtension(path), File.ReadAllText(path));

    /// <exception cref="FormatException">Something in the text is not in the grammar.</exception>
    public static Transcript Parse(string name, string text)
    {
        var about = new List<string>();
        var rules = new List<(Head Head, List<Misbehaviour> What)>();
        var joins = false;
        var number = 0;
        foreach (var line in text.ReplaceLineEndings("\n").Split('\n'))
        {
            number++;
            if (line.Length == 0)
            {
                joins = false;
                continue;
            }
            if (line[0] == '#')
            {
                if (rules.Count == 0) about.Add(line[1..].Trim());
                continue;
            }
            var colon = line.IndexOf(": ", StringComparison.Ordinal);
            if (colon < 0) throw Mistake("there is no “: ” on the line", "a line such as “rcpt: 550 5.1.1 …” or “rcpt: !close”");
            var head = ReadHead(line[..colon]);
            var what = line[(colon + 2)..];
            if (!joins || rules[^1].Head != head) rules.Add((head, []));
            joins = true;
            Append(rules[^1].What, what);
        }
        if (rules.Count == 0) throw Mistake("it says nothing", "at least one line such as “mail: 421 4.4.5 …”");
        return new Transcript(name, string.Join(' ', about), () => rules.Select(rule => new PracticeRule(rule.Head.Stage, [.. rule.What])
        {
            Argument = rule.Head.Argument,
            First = rule.Head.First,
            Times = rule.Head.Times,
            After = rule.Head.After,
        }));

        FormatException Mistake(string what, string instead) => new($"{name}, line {number}: {what}; write {instead}");

        Head ReadHead(string key)
        {
            var words = key.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            // Enum.TryParse takes numbers and lists too: so by name, and only by the names of the grammar.
            var stage = words is [var first, ..] ? Stages.GetValueOrDefault(first) : null;
            if (stage is null) throw Mistake($"“{key}” names no stage", "one of " + string.Join(", ", Stages.Keys));
            var head = new Head(stage.Value, null, 1, 1, 1);
            foreach (var word in words[1..])
            {
                head = word switch
                {
                    "always" => head with { Times = int.MaxValue },
                    ['#', .. var count] => Number(count) is { } nth ? head with { First = nth } : throw Mistake($"“{word}” is no count", "#2 for the second time"),
                    ['x', .. var count] when Number(count) is { } times => head with { Times = times },
                    ['@', .. var octets] => Number(octets) is { } after ? head with { After = after } : throw Mistake($"“{word}” is no number of octets", "@4096"),
                    _ when head.Argument is null => head with { Argument = word },
                    _ => throw Mistake($"“{word}” is one word too many", "stage, then at most one address or mechanism, then #n, xn, always or @octets"),
                };
            }
            return head;
        }

        void Append(List<Misbehaviour> what, string text)
        {
            if (text[..Math.Min(1, text.Length)] == "!")
            {
                what.Add(ReadAction(text));
            }
            else if (text.Length >= 4 && text.AsSpan(0, 3).ContainsAnyExceptInRange('0', '9') is false && text[3] is ' ' or '-')
            {
                // "550-" goes on in the next line of the same rule.
                if (what is [.., Misbehaviour.Reply { Text: var before }] && LastLine(before) is { Length: > 3 } open && open[3] == '-')
                    what[^1] = new Misbehaviour.Reply(before + "\n" + text);
                else what.Add(new Misbehaviour.Reply(text));
            }
            else
            {
                throw Mistake($"“{text}” is neither a reply nor a deed", "three digits and a text, or one of !close !reset !stall !delay !garbage !half !flood");
            }
        }

        Misbehaviour ReadAction(string text)
        {
            var blank = text.IndexOf(' ');
            var (verb, argument) = blank < 0 ? (text, "") : (text[..blank], text[(blank + 1)..]);
            return (verb, argument) switch
            {
                ("!close", "") => new Misbehaviour.Close(),
                ("!reset", "") => new Misbehaviour.Reset(),
                ("!stall", "") => new Misbehaviour.Stall(),
                ("!half", not "") => new Misbehaviour.Half(argument),
                ("!delay", [.. var ms, 'm', 's']) when Number(ms) is { } wait => new Misbehaviour.Delay(TimeSpan.FromMilliseconds(wait)),
                ("!garbage", var octets) when Number(octets) is { } count => new Misbehaviour.Garbage(count),
                ("!flood", var octets) when Number(octets) is { } count => new Misbehaviour.Flood(count),
                _ => throw Mistake($"“{text}” is no deed", "!close, !reset, !stall, !delay 40ms, !garbage 512, !half 250 2.1, or !flood 10000000"),
            };
        }

        static int? Number(string digits) => int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number > 0 ? number : null;

        static string LastLine(string text) => text[(text.LastIndexOf('\n') + 1)..];
    }

    private sealed record Head(PracticeStage Stage, string? Argument, int First, int Times, long After);

    private static readonly Dictionary<string, PracticeStage?> Stages = new(StringComparer.Ordinal)
    {
        ["connect"] = PracticeStage.Connect,
        ["handshake"] = PracticeStage.Handshake,
        ["greeting"] = PracticeStage.Greeting,
        ["ehlo"] = PracticeStage.Ehlo,
        ["starttls"] = PracticeStage.StartTls,
        ["ehlo-tls"] = PracticeStage.EhloTls,
        ["auth"] = PracticeStage.Auth,
        ["auth-response"] = PracticeStage.AuthResponse,
        ["mail"] = PracticeStage.Mail,
        ["rcpt"] = PracticeStage.Rcpt,
        ["data"] = PracticeStage.Data,
        ["content"] = PracticeStage.Content,
        ["end-of-data"] = PracticeStage.EndOfData,
        ["taken"] = PracticeStage.Taken,
        ["idle"] = PracticeStage.Idle,
        ["rset"] = PracticeStage.Rset,
        ["noop"] = PracticeStage.Noop,
        ["quit"] = PracticeStage.Quit,
    };
}
