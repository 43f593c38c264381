using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using MimeKit;
using SmartHost.Mail;

namespace SmartHost.Gmail.Repair;

/// <summary>Address fields (To, Cc, From …): MimeKit reads them, forgiving much; what goes out is strict.</summary>
internal static partial class MailboxList
{
    private const int MaxNames = 1000;

    private static readonly SearchValues<char> Specials = SearchValues.Create("@<>,;:()[]\\");

    /// <param name="Address">Null: no address one could write to.</param>
    /// <param name="Written">What stood in the address's place.</param>
    internal sealed record Entry(string Name, Mailbox? Address, string Written)
    {
        public static Entry Of(MailboxAddress mailbox)
        {
            // Some write encoded-words inside quotes or for a whole address, where they are none; readers decode them all the same.
            var written = HeaderText.DecodedWords(mailbox.Address ?? "");
            return new(HeaderText.DecodedWords(mailbox.Name ?? ""), Mailbox.TryParse(written, out var address) ? address : null, written);
        }
    }

    /// <summary>As much of the list as can be read: Windows programs write semicolons, and one bad address must not cost the others.</summary>
    public static List<Entry> Read(ReadOnlySpan<byte> value)
    {
        var text = HeaderText.Read(value);
        // Python's older e-mail policy encodes a field that it is given with any letter beyond ASCII as a whole: brackets, addresses and commas, too.
        if (WordsAlone().IsMatch(text) && HeaderText.DecodedWords(text) is var decoded && decoded.Contains('@', StringComparison.Ordinal)) text = decoded;
        if (TryParse(text, out var list)) return [.. list.Mailboxes.Select(Entry.Of)];
        var entries = new List<Entry>();
        foreach (var piece in text.Split([',', ';']))
        {
            if (InternetAddressList.TryParse(piece, out var some)) entries.AddRange(some.Mailboxes.Select(Entry.Of));
            else if (InBrackets(piece) is { } entry) entries.Add(entry);
        }
        return entries;
    }

    /// <summary>
    /// MimeKit looks behind each name without an address through all the rest, for one that the comma may belong to: of a hundred
    /// thousand names it would take a quarter of a minute. So many are no list, and are read one by one.
    /// </summary>
    private static bool TryParse(string text, [NotNullWhen(true)] out InternetAddressList? list)
    {
        list = null;
        var names = 0;
        foreach (var entry in text.AsSpan().Split(',')) names += text.AsSpan()[entry].Contains('@') ? 0 : 1;
        return names <= MaxNames && InternetAddressList.TryParse(text, out list);
    }

    /// <summary>As in <c>&lt;a@b> X-Mailer 1.0</c>: whatever else is there, what stands in the brackets is an address.</summary>
    private static Entry? InBrackets(string piece)
    {
        var open = piece.IndexOf('<');
        var close = piece.IndexOf('>', open + 1);
        return open >= 0 && close > open && Mailbox.TryParse(piece[(open + 1)..close].Trim(), out var address)
            ? new Entry(HeaderText.DecodedWords(piece[..open].Trim(' ', '"')), address, address.ToString())
            : null;
    }

    /// <summary>True where the value holds exactly these addresses and the commas, names and brackets they need.</summary>
    public static bool IsPlain(ReadOnlySpan<byte> value, List<Entry> entries)
    {
        if (!AreStrict(entries)) return false;
        var written = HeaderText.Read(value);
        if (written.Contains("=?", StringComparison.Ordinal))
        {
            // RFC 2047 §5 allows no such sign in a name's word: who divides the list before reading it would divide there.
            if (WordWithSpecials().IsMatch(written)) return false;
            // Whatever an encoded-word says, and whoever can read it: what counts is what stands around it.
            var around = EncodedWord().Replace(written, "word");
            // One that is broken would not become whole by being written anew.
            if (around.Contains("=?", StringComparison.Ordinal))
                return entries.TrueForAll(entry => written.Contains($"<{entry.Address}>", StringComparison.Ordinal)) && !written.Contains(';', StringComparison.Ordinal);
            (written, entries) = (around, Read(Encoding.UTF8.GetBytes(around)));
        }
        return AreStrict(entries) && Essence(written) == Essence(string.Join(',', Written(entries)));
    }

    private static bool AreStrict(List<Entry> entries) => entries.TrueForAll(entry => entry.Address is { IsInternational: false });

    /// <summary>
    /// True for one group, <c>Team: a@x, b@x;</c>, or an empty one, that needs no mending (RFC 5322 §3.4). A name that itself holds one
    /// of these signs is not understood here.
    /// </summary>
    public static bool IsGroup(ReadOnlySpan<byte> value)
    {
        var text = HeaderText.Read(value);
        var colon = text.IndexOf(':');
        if (colon <= 0 || text[^1] != ';' || text.AsSpan(0, colon).ContainsAny(Specials)) return false;
        if (!TryParse(text, out var list) || list is not [GroupAddress]) return false;
        var members = Encoding.UTF8.GetBytes(text[(colon + 1)..^1]);
        return members.AsSpan().Trim((byte)' ').IsEmpty || (Read(members) is { Count: > 0 } entries && IsPlain(members, entries));
    }

    /// <summary>The field with one entry a line, names encoded; entries without a usable address are left out. Null: nothing is left.</summary>
    public static HeaderField? Field(string name, IEnumerable<Entry> entries)
    {
        var lines = Written(entries).Select((entry, index) => HeaderText.Fold(index == 0 ? name.Length + 2 : 1, entry)).ToList();
        return lines.Count == 0 ? null : HeaderField.Of(name, string.Join(",\r\n ", lines));
    }

    private static IEnumerable<string> Written(IEnumerable<Entry> entries) =>
        from entry in entries
        let address = entry.Address is null ? null : AsciiAddress(entry.Address)
        where address is not null
        select entry.Name is not "" ? $"{HeaderText.Phrase(entry.Name)} <{address}>" : address;

    /// <summary>
    /// The address in ASCII: a domain of other letters in its IDNA form. Null where the local part is not ASCII: an
    /// encoded-word must never stand in an address (RFC 2047 §5), and Gmail refuses both that and raw octets.
    /// </summary>
    public static string? AsciiAddress(Mailbox mailbox)
    {
        if (!mailbox.IsInternational) return mailbox.ToString();
        if (!Ascii.IsValid(mailbox.LocalPart)) return null;
        try
        {
            return $"{mailbox.LocalPart}@{new IdnMapping().GetAscii(mailbox.Domain)}";
        }
        catch (ArgumentException)
        {
            return null; // Letters that no domain may have.
        }
    }

    /// <summary>What is left without the signs that may stand or not. Quotes round a comma must stand: Gmail takes <c>Scanner, 3rd floor &lt;a@b></c> for two senders.</summary>
    private static string Essence(string list)
    {
        list = Quoted().Replace(list, quoted => quoted.Groups[2].Length > 0 && quoted.Groups[1].ValueSpan.ContainsAny(Specials) ? $"“{quoted.Groups[1].Value}”" : quoted.Value);
        return NamelessBrackets().Replace(string.Concat(list.Where(c => c is not (' ' or '\r' or '\n' or '"' or '\\'))), "$1");
    }

    [GeneratedRegex(@"(?<=^|,)<([^<>,]*)>(?=,|$)")]
    private static partial Regex NamelessBrackets();

    // Also one that never closes, so that it is read once and not from each quote in it.
    [GeneratedRegex(@"""((?>(?:[^""\\]|\\.)*))(""?)")]
    private static partial Regex Quoted();

    [GeneratedRegex(@"=\?[!->@-~]+\?[bBqQ]\?[!->@-~]*\?=")]
    private static partial Regex EncodedWord();

    [GeneratedRegex(@"^(?: *=\?[!->@-~]+\?[bBqQ]\?[!->@-~]*\?=)+$")]
    private static partial Regex WordsAlone();

    [GeneratedRegex(@"=\?[!->@-~]+\?[qQ]\?[^?\s]*[][,;:<>@()""\\][^?\s]*\?=")]
    private static partial Regex WordWithSpecials();
}
