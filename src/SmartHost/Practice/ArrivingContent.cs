using System.Security.Cryptography;

namespace SmartHost.Practice;

/// <summary>
/// A message while it arrives: counted, digested, and looked at with a strict eye. What is wrong is noted and never
/// refused: Gmail takes most of it too, and it is the sender who should know better.
/// </summary>
internal sealed class ArrivingContent(bool keep) : IDisposable
{
    private const int LongestLine = 998; // RFC 5322 §2.1.1, without CRLF
    private const int MostViolations = 20;

    private readonly IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private readonly MemoryStream kept = new();
    private readonly List<string> violations = [];
    private readonly HashSet<string> kinds = [];
    private int line = 1, column;
    private byte last;
    private bool eightBit;

    public long Octets { get; private set; }

    /// <summary>True once the script has had its say in the middle of this message.</summary>
    public bool Interrupted { get; set; }

    /// <param name="keepNothing">Too large to be taken: only count it.</param>
    public void Append(ReadOnlySpan<byte> octets, bool keepNothing)
    {
        hash.AppendData(octets);
        Octets += octets.Length;
        if (!keepNothing && (keep || kept.Length < PracticeHeader.MaxLength)) kept.Write(octets);
        foreach (var octet in octets) Look(octet);
    }

    public (ReadOnlyMemory<byte> Content, string Digest, IReadOnlyList<string> Violations) Finish(bool announced8Bit, bool announcedUtf8)
    {
        if (last == '\r') Note("bare CR", $"line {line} has a CR without LF");
        if (Octets > 0 && last != '\n') Note("no end", "the last line has no CRLF");
        var content = kept.GetBuffer().AsMemory(0, (int)kept.Length);
        var fields = PracticeHeader.Read(content.Span).Fields;
        foreach (var name in (string[])["From", "Date", "Message-ID"])
        {
            if (!Has(name)) Note(name, $"there is no {name} header");
        }
        foreach (var name in (string[])["Bcc", "Resent-Bcc"])
        {
            if (Has(name)) Note(name, $"there is a {name} header: Gmail would show it to everyone");
        }
        // RFC 5322 §3.6: at most one of each; Gmail refuses such a message (550 5.7.1, duplicate headers).
        foreach (var name in (string[])["From", "Sender", "Reply-To", "To", "Cc", "Subject", "Date", "Message-ID", "In-Reply-To", "References", "MIME-Version"])
        {
            var count = fields.Count(field => Same(field.Name, name));
            if (count > 1) Note("two " + name, $"there are {count} {name} headers");
        }
        if (fields.FirstOrDefault(field => Same(field.Name, "Message-ID")).Value is { } id && !(id.StartsWith('<') && id.EndsWith('>') && id.Contains('@')))
            Note("id", $"the Message-ID is not <left@right>: {id}");
        if (!announcedUtf8 && fields.FirstOrDefault(field => field.Value.Any(c => c > '\x7f')) is { Name: { } raw })
            Note("raw header", $"the {raw} header has octets above 127");
        if (eightBit && !announced8Bit) Note("8-bit", "it has octets above 127, and MAIL did not say BODY=8BITMIME");
        return (keep ? content : default, Convert.ToHexStringLower(hash.GetHashAndReset()), violations);

        bool Has(string name) => fields.Any(field => Same(field.Name, name));
        static bool Same(string one, string other) => one.Equals(other, StringComparison.OrdinalIgnoreCase);
    }

    public void Dispose()
    {
        hash.Dispose();
        kept.Dispose();
    }

    private void Look(byte octet)
    {
        if (last == '\r' && octet != '\n') Note("bare CR", $"line {line} has a CR without LF");
        switch (octet)
        {
            case (byte)'\n':
                if (last != '\r') Note("bare LF", $"line {line} ends in LF without CR");
                var length = last == '\r' ? column - 1 : column;
                if (length > LongestLine) Note("long", $"line {line} has {length} octets; {LongestLine} is the limit");
                (line, column, last) = (line + 1, 0, octet);
                return;
            case 0:
                Note("NUL", $"line {line} has a NUL");
                break;
            case > 127:
                eightBit = true;
                break;
        }
        column++;
        last = octet;
    }

    /// <summary>The first of each kind is enough, or a broken file would fill the memory with complaints.</summary>
    private void Note(string kind, string sentence)
    {
        if (violations.Count < MostViolations && kinds.Add(kind)) violations.Add(sentence);
    }
}
