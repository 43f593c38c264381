using SmartHost.Mail;

namespace SmartHost.Gmail.Replies;

/// <summary>
/// One known reply of Gmail's: how it is recognised, what we do, and the words for a person. Data only; the tables of
/// rows stand in the files named Replies*.cs, sorted by what they are about.
/// </summary>
public sealed record ReplyRow
{
    /// <param name="name">Unique; for logs, tests and the documentation.</param>
    /// <param name="match">Reply codes, then enhanced codes (<c>*</c>: any), alternatives separated by a bar: <c>421|451 4.4.2</c>.</param>
    /// <param name="texts">Fragments of the text, any of which is enough, letter case ignored. Empty: any text.</param>
    /// <param name="example">As Google wrote it; the queue id is made up.</param>
    /// <param name="outranks">Its text says whose words the rest are, so it wins whatever else they resemble.</param>
    /// <param name="evenly">See <see cref="Verdict.Evenly"/>.</param>
    /// <param name="spam">See <see cref="Verdict.Spam"/>.</param>
    /// <param name="withToken">See <see cref="Verdict.RemedyWithToken"/>.</param>
    internal ReplyRow(string name, string match, string[] texts, VerdictAction action, string happened, string remedy, string example,
        Stage at, Stage[]? only = null, string? help = null, TimeSpan? wait = null, TimeSpan? patience = null, VerdictAction? again = null, bool outranks = false,
        bool evenly = false, bool spam = false, string? withToken = null)
    {
        var (codes, statuses) = match.Split(' ') is [var c, var s] ? (c, s) : throw new FormatException($"{name}: “{match}”");
        Name = name;
        Codes = [.. codes.Split('|').Select(int.Parse)];
        Statuses = statuses == "*" ? [] : [.. statuses.Split('|').Select(Status)];
        Texts = texts;
        Stages = only ?? [];
        Outranks = outranks;
        Verdict = new Verdict(action, name, happened, remedy, help is null ? null : new Uri(help), wait, patience, Again: again) { Evenly = evenly, Spam = spam, RemedyWithToken = withToken };
        Example = ReplyText.Parse(example);
        ExampleStage = at;

        static EnhancedStatus Status(string text) =>
            EnhancedStatus.TryParse(text, out var status) ? status : throw new FormatException($"“{text}” is not an enhanced code");
    }

    public string Name { get; }

    public IReadOnlyList<int> Codes { get; }

    /// <summary>Empty: any, or none. Google changed several over the years while the text stayed.</summary>
    public IReadOnlyList<EnhancedStatus> Statuses { get; }

    public IReadOnlyList<string> Texts { get; }

    /// <summary>Empty: wherever it is said.</summary>
    public IReadOnlyList<Stage> Stages { get; }

    public bool Outranks { get; }

    public Verdict Verdict { get; }

    public SmtpReply Example { get; }

    public Stage ExampleStage { get; }

    /// <summary>
    /// How much of the reply this row pins down: zero where it does not match. A text says more than an enhanced code,
    /// that more than a stage; among texts the longer one wins. Another enhanced code contradicts; none at all leaves it
    /// to the text, for something on the way may have dropped it, and mail over its limit must not bounce for that.
    /// </summary>
    /// <param name="words">The reply's text with single blanks, wherever Google broke its lines.</param>
    internal int Match(SmtpReply reply, string words, Stage stage)
    {
        if (!Codes.Contains(reply.Code) || !Verdict.Action.CanBeSaidAt(stage)) return 0;
        if (Stages.Count > 0 && !Stages.Contains(stage)) return 0;
        if (Statuses.Count > 0 && (reply.Status is { } status ? !Statuses.Contains(status) : Texts.Count == 0)) return 0;
        var text = 0;
        if (Texts.Count > 0)
        {
            text = Texts.Where(fragment => words.Contains(fragment, StringComparison.OrdinalIgnoreCase)).Select(fragment => fragment.Length).DefaultIfEmpty().Max();
            if (text == 0) return 0;
        }
        return Outranks ? int.MaxValue : 1 + text * 10 + (Statuses.Count > 0 && reply.Status is not null ? 5 : 0) + (Stages.Count > 0 ? 2 : 0);
    }
}
