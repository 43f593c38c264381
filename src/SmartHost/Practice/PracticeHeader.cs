using System.Text;

namespace SmartHost.Practice;

/// <summary>
/// The fields before the first empty line, read without any library of the product's own way out: if that library and
/// this reader disagree, a test should notice.
/// </summary>
internal sealed record PracticeHeader(IReadOnlyList<(string Name, string Value)> Fields, int Length)
{
    /// <summary>Longest block looked at; what lies beyond is taken for body.</summary>
    public const int MaxLength = 256 * 1024;

    /// <summary>Lines that are neither a field nor a continuation end the block, as an empty line does.</summary>
    public static PracticeHeader Read(ReadOnlySpan<byte> content)
    {
        var fields = new List<(string Name, string Value)>();
        var at = 0;
        while (at < content.Length && at < MaxLength)
        {
            var feed = content[at..].IndexOf((byte)'\n');
            var next = feed < 0 ? content.Length : at + feed + 1;
            var line = Encoding.Latin1.GetString(content[at..next]).TrimEnd('\r', '\n');
            if (line.Length == 0) return new PracticeHeader(fields, at);
            if (line[0] is ' ' or '\t' && fields.Count > 0)
            {
                fields[^1] = (fields[^1].Name, fields[^1].Value + line);
            }
            else
            {
                var colon = line.IndexOf(':');
                if (colon <= 0 || line.AsSpan(0, colon).ContainsAnyExceptInRange('!', '~')) return new PracticeHeader(fields, at);
                fields.Add((line[..colon], line[(colon + 1)..].Trim()));
            }
            at = next;
        }
        return new PracticeHeader(fields, at);
    }
}
