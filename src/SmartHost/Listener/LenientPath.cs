using System.Globalization;
using System.Buffers;
using System.Text;
using SmartHost.Mail;

namespace SmartHost.Listener;

/// <summary>
/// Reads what devices write where RFC 5321 wants a reverse-path or forward-path: without brackets, with two pairs, with
/// a display name, a source route, <c>mailto:</c>, blanks, a dot at an end, or several addresses at once.
/// A sender is always made into something valid, for Gmail shows the account's address anyway and the mail matters more
/// than the name of a camera. A recipient is mended only where there is one way to understand it: mail to the wrong
/// person is worse than a refusal.
/// </summary>
internal static class LenientPath
{
    /// <summary>
    /// Stands in for a sender's domain where the device gave none that is valid. Reserved by RFC 2606, so it is nobody's.
    /// Never the null path: that would make a camera's alarm look like a report.
    /// </summary>
    public const string PlaceholderDomain = "device.invalid";

    /// <summary>In an unquoted local part these are rather a list, a name or a comment that was read wrongly.</summary>
    private static readonly SearchValues<char> Doubtful = SearchValues.Create(" \t@<>,;:\\()[]");

    private static readonly SearchValues<char> InKeyword = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-");

    /// <summary>Of brackets round the whole path. Devices write two; each costs a look through all the rest.</summary>
    private const int MostPairs = 8;

    /// <summary>
    /// Divides an argument into path and parameters. Parameters begin at the first <c>KEYWORD=</c> after a blank outside
    /// of quotes and brackets, or with any plain word after a closed bracket.
    /// </summary>
    /// <param name="argument">Without tabs.</param>
    public static (string Path, string Parameters) Split(string argument)
    {
        var (depth, quoted, closed) = (0, false, false);
        // Found once, not by looking on from every blank: the thread that reads a long line hears the other devices, too.
        var plainFrom = EndOfOtherWords(argument);
        for (var i = 0; i < argument.Length; i++)
        {
            var c = argument[i];
            if (quoted)
            {
                if (c == '\\') i++;
                else if (c == '"') quoted = false;
                continue;
            }
            switch (c)
            {
                case '"':
                    quoted = true;
                    break;
                case '<':
                    depth++;
                    break;
                case '>' when depth > 0:
                    closed |= --depth == 0;
                    if (depth == 0 && StartsParameter(argument, i + 1, plainFrom)) return Cut(argument, i + 1);
                    break;
                case ' ' when depth == 0 && StartsParameter(argument, i + 1, closed ? plainFrom : null):
                    return Cut(argument, i);
            }
        }
        if (depth == 0 && !quoted) return (argument.Trim(), "");
        // A bracket or a quote was left open, and swallowed the parameters.
        for (var i = argument.IndexOf(' '); i >= 0; i = argument.IndexOf(' ', i + 1))
        {
            if (StartsParameter(argument, i + 1, plainFrom: null)) return Cut(argument, i);
        }
        return (argument.Trim(), "");
    }

    /// <summary>The null path for nothing, <c>&lt;&gt;</c> or <c>&lt; &gt;</c>; otherwise a mailbox, valid whatever was sent.</summary>
    public static ReversePath ReadSender(string path)
    {
        var text = Unwrap(path);
        if (text.Length == 0) return ReversePath.Null;
        var pieces = Pieces(text);
        var address = pieces.Find(piece => piece.Contains('@')) ?? text;
        return new ReversePath(Mend(Bare(address), quoteAnything: true) ?? Synthesize(Bare(address)));
    }

    /// <summary>Every address of the path, or null where one is missing, incomplete or doubtful: all of them or none.</summary>
    public static IReadOnlyList<Mailbox>? ReadRecipients(string path)
    {
        var pieces = Pieces(Unwrap(path));
        var recipients = new List<Mailbox>(pieces.Count);
        for (var i = 0; i < pieces.Count; i++)
        {
            // In “Doe, John <john@example.com>” the comma belongs to the name.
            if (!pieces[i].Contains('@') && !pieces[i].Contains('<') && i + 1 < pieces.Count && pieces[i + 1].Contains('<')) continue;
            if (HasAddressBesideBrackets(pieces[i]) || Mend(Bare(pieces[i]), quoteAnything: false) is not { } mailbox) return null;
            if (!recipients.Contains(mailbox)) recipients.Add(mailbox);
        }
        return recipients.Count > 0 ? recipients : null;
    }

    private static (string, string) Cut(string argument, int at) => (argument[..at].Trim(), argument[at..].Trim());

    /// <param name="plainFrom">A plain word, too, is one if it ends no earlier than here. Null: none is.</param>
    private static bool StartsParameter(string argument, int at, int? plainFrom)
    {
        var word = argument.AsSpan(at);
        if (word.IndexOf(' ') is >= 0 and var end) word = word[..end];
        if (!IsParameter(word)) return false;
        if (word.Contains('=') || word.Equals("SMTPUTF8", StringComparison.OrdinalIgnoreCase)) return true;
        // In “<ops@example.com>, Audit <audit@example.com>” the plain word is a name, and cutting there would lose a recipient.
        return at + word.Length >= plainFrom;
    }

    /// <summary>Where the last word ends that can be no parameter; what follows can.</summary>
    private static int EndOfOtherWords(string argument)
    {
        var end = 0;
        foreach (var word in argument.AsSpan().Split(' '))
        {
            if (!argument.AsSpan(word).IsEmpty && !IsParameter(argument.AsSpan(word))) end = word.End.Value;
        }
        return end;
    }

    private static bool IsParameter(ReadOnlySpan<char> word)
    {
        var equals = word.IndexOf('=');
        return word.Length > 0 && char.IsAsciiLetterOrDigit(word[0]) && !(equals < 0 ? word : word[..equals]).ContainsAnyExcept(InKeyword);
    }

    /// <summary>Takes off the pairs of brackets that hold the whole text, and those that were never closed or never opened.</summary>
    private static string Unwrap(string text)
    {
        text = text.Trim();
        for (var pairs = 0; pairs < MostPairs && text.StartsWith('<'); pairs++)
        {
            var end = ClosingBracket(text);
            if (end >= 0 && end < text.Length - 1) break;
            text = (end < 0 ? text[1..] : text[1..^1]).Trim();
        }
        return text.Contains('<') ? text : text.TrimEnd('>').TrimEnd();
    }

    private static int ClosingBracket(string text)
    {
        var depth = 0;
        foreach (var i in Unquoted(text))
        {
            if (text[i] == '<') depth++;
            else if (text[i] == '>' && --depth == 0) return i;
        }
        return -1;
    }

    /// <summary>Positions outside of quoted strings; the quotes themselves are not among them.</summary>
    private static IEnumerable<int> Unquoted(string text)
    {
        var quoted = false;
        for (var i = 0; i < text.Length; i++)
        {
            if (quoted && text[i] == '\\') i++;
            else if (text[i] == '"') quoted = !quoted;
            else if (!quoted) yield return i;
        }
    }

    /// <summary>Divides a list at commas and semicolons that stand outside of quotes and brackets, and at blanks between two whole addresses.</summary>
    private static List<string> Pieces(string text)
    {
        // RFC 5321 appendix C: a source route's commas belong to the route, and the route is to be ignored.
        text = AfterRoute(text);
        var pieces = new List<string>();
        var (start, depth) = (0, 0);
        foreach (var i in Unquoted(text))
        {
            var c = text[i];
            if (c == '>') depth--;
            else if (c == '<')
            {
                if (depth++ > 0 || !text.AsSpan(start, i - start).TrimEnd(" \t").EndsWith(">")) continue;
                // “<a@example.com> <b@example.com>”, with or without the blank.
                Add(text[start..i].Trim());
                start = i;
            }
            else if (c is ',' or ';' && depth <= 0)
            {
                Add(text[start..i].Trim());
                start = i + 1;
            }
        }
        Add(text[start..].Trim());
        return pieces;

        void Add(string piece)
        {
            if (piece.Length == 0) return;
            var words = piece.Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries);
            if (words.Length > 1 && words.All(word => Mailbox.TryParse(word.Trim('<', '>'), out _))) pieces.AddRange(words);
            else pieces.Add(piece);
        }
    }

    /// <summary>As in “ops@example.com Audit &lt;audit@example.com>”: which of them is meant, or both, cannot be known.</summary>
    private static bool HasAddressBesideBrackets(string piece)
    {
        var open = LastOpenBracket(piece);
        if (open < 0) return false;
        var close = piece.IndexOf('>', open);
        return Unquoted(piece).Any(i => piece[i] == '@' && (i < open || (close >= 0 && i > close)));
    }

    /// <summary>One address without its brackets, display name, comment, quotes round the whole, scheme and route.</summary>
    private static string Bare(string piece)
    {
        // An address that was copied from a web page brings along what nobody sees: a byte order mark, a zero-width blank, a soft hyphen.
        var text = string.Concat(piece.Where(c => c is '\u200c' or '\u200d' || CharUnicodeInfo.GetUnicodeCategory(c) != UnicodeCategory.Format)).Trim();
        var open = LastOpenBracket(text);
        if (open >= 0)
        {
            var close = text.IndexOf('>', open);
            text = (close < 0 ? text[(open + 1)..] : text[(open + 1)..close]).Trim();
        }
        text = text.TrimEnd('>').Trim();
        // RFC 822's older form: address (Name).
        if (text.EndsWith(')') && text.IndexOf('(') is > 0 and var comment && !text.StartsWith('"')) text = text[..comment].TrimEnd();
        foreach (var scheme in (ReadOnlySpan<string>)["mailto:", "smtp:"])
        {
            if (text.StartsWith(scheme, StringComparison.OrdinalIgnoreCase)) text = text[scheme.Length..].TrimStart();
        }
        if (text.Length > 2 && text[0] is '"' or '\'' && text[^1] == text[0] && Mailbox.TryParse(text[1..^1], out _)) text = text[1..^1];
        return AfterRoute(text);
    }

    private static string AfterRoute(string text) =>
        text.StartsWith('@') && text.IndexOf(':') is > 0 and var colon ? text[(colon + 1)..].TrimStart() : text;

    private static int LastOpenBracket(string text) => Unquoted(text).LastOrDefault(i => text[i] == '<', -1);

    /// <summary>
    /// The mailbox that was meant: blanks round the @ and the domain's last dot go; a local part that is no dot-atom, such
    /// as <c>ilo-cz3405.</c>, is quoted, which is how RFC 5321 §4.1.2 would have it written.
    /// </summary>
    /// <param name="quoteAnything">False: only dots in the wrong place are mended so.</param>
    private static Mailbox? Mend(string text, bool quoteAnything)
    {
        if (Mailbox.TryParse(text, out var mailbox)) return mailbox;
        var at = text.LastIndexOf('@');
        if (at <= 0) return null;
        var (local, domain) = (text[..at].Trim(), text[(at + 1)..].Trim().TrimEnd('.'));
        if (Mailbox.TryParse($"{local}@{domain}", out mailbox)) return mailbox;
        if (local.Length == 0 || local.Contains('"')) return null;
        if (!quoteAnything && local.AsSpan().ContainsAny(Doubtful)) return null;
        var quoted = $"\"{local.Replace("\\", "\\\\")}\"";
        return Mailbox.TryParse($"{quoted}@{domain}", out mailbox) ? mailbox : null;
    }

    private static Mailbox Synthesize(string text)
    {
        var at = text.LastIndexOf('@');
        var name = new StringBuilder(Mailbox.MaxLocalPart);
        foreach (var c in at > 0 ? text.AsSpan(0, at) : text.AsSpan().Trim('@'))
        {
            if (name.Length == Mailbox.MaxLocalPart) break;
            name.Append(char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '+' ? c : c == '.' && name.Length > 0 && name[^1] != '.' ? '.' : '-');
        }
        var local = name.ToString().Trim('.');
        var domain = at > 0 ? text[(at + 1)..].Trim() : PlaceholderDomain;
        if (local.Length == 0) local = "device";
        return Mailbox.TryParse($"{local}@{domain}", out var mailbox) ? mailbox : Mailbox.Parse($"{local}@{PlaceholderDomain}");
    }
}
