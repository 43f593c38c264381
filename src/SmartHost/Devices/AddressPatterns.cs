using SmartHost.Mail;

namespace SmartHost.Devices;

/// <summary>A list of <c>user@example.com</c>, <c>*@example.com</c> or <c>*</c>. Letter case does not matter. The empty list matches nothing.</summary>
public sealed class AddressPatterns
{
    public static readonly AddressPatterns Any = new(["*"]);

    private readonly List<string> patterns;

    private AddressPatterns(List<string> patterns) => this.patterns = patterns;

    public IReadOnlyList<string> Patterns => patterns;

    /// <summary>Reads patterns; every unreadable one becomes a sentence in <paramref name="problems"/>.</summary>
    public static AddressPatterns Parse(IEnumerable<string> texts, ICollection<string> problems)
    {
        var read = new List<string>();
        foreach (var text in texts.Select(text => text.Trim()))
        {
            if (text == "*" || Mailbox.TryParse(text.StartsWith("*@", StringComparison.Ordinal) ? "x" + text[1..] : text, out _)) read.Add(text);
            else problems.Add($"“{text}” is neither an address (you@example.com), a domain (*@example.com) nor everyone (*)");
        }
        return new AddressPatterns(read);
    }

    /// <summary>The pattern that matches, or null.</summary>
    public string? Match(Mailbox mailbox) => patterns.Find(pattern => pattern == "*"
        || (pattern.StartsWith("*@", StringComparison.Ordinal)
            ? pattern.AsSpan(2).Equals(mailbox.Domain, StringComparison.OrdinalIgnoreCase)
            : pattern.Equals(mailbox.ToString(), StringComparison.OrdinalIgnoreCase)));

    public override string ToString() => string.Join(", ", patterns);
}
