using System.Buffers;
using System.Diagnostics.CodeAnalysis;

namespace SmartHost.Mail;

/// <summary>
/// Names one queued message, in logs, replies and file names. Sorts by arrival: milliseconds since 1970 (nine digits of
/// base 32, enough until the year 3084), then a random tail that keeps two of one millisecond apart.
/// Letters and digits alone, none that look alike, so that a person can read one out over the phone.
/// </summary>
public readonly record struct QueueId : IComparable<QueueId>
{
    private const string Digits = "0123456789abcdefghjkmnpqrstvwxyz";
    private static readonly SearchValues<char> DigitSet = SearchValues.Create(Digits);
    private const int TimeDigits = 9, Length = 13;
    private readonly string? text;

    private QueueId(string text) => this.text = text;

    public static QueueId Create(DateTimeOffset now, Random random)
    {
        Span<char> characters = stackalloc char[Length];
        WriteTime(now, characters);
        for (var i = TimeDigits; i < Length; i++) characters[i] = Digits[random.Next(Digits.Length)];
        return new QueueId(new string(characters));
    }

    /// <summary>None of that moment or later is less: where a search by time begins.</summary>
    public static QueueId Least(DateTimeOffset at)
    {
        Span<char> characters = stackalloc char[Length];
        characters.Fill(Digits[0]);
        WriteTime(at, characters);
        return new QueueId(new string(characters));
    }

    /// <summary>When it was made, to the millisecond.</summary>
    public DateTimeOffset Time
    {
        get
        {
            var milliseconds = 0L;
            foreach (var digit in text.AsSpan(0, text is null ? 0 : TimeDigits)) milliseconds = (milliseconds << 5) | (long)Digits.IndexOf(digit);
            return DateTimeOffset.FromUnixTimeMilliseconds(milliseconds);
        }
    }

    private static void WriteTime(DateTimeOffset time, Span<char> characters)
    {
        // A day before the start of a clock that begins in 1970 is no date of ours, but a question may name it.
        var milliseconds = Math.Max(0, time.ToUnixTimeMilliseconds());
        for (var i = TimeDigits - 1; i >= 0; i--, milliseconds >>= 5) characters[i] = Digits[(int)(milliseconds & 31)];
    }

    public static bool TryParse([NotNullWhen(true)] string? text, out QueueId id)
    {
        id = default;
        if (text is not { Length: Length } || text.AsSpan().ContainsAnyExcept(DigitSet)) return false;
        id = new QueueId(text);
        return true;
    }

    /// <summary>As a person types one that was read out or copied: its letters may be capitals. Never for a file's name, of which there may be two then.</summary>
    public static bool TryRead([NotNullWhen(true)] string? text, out QueueId id) => TryParse(text?.Trim().ToLowerInvariant(), out id);

    public int CompareTo(QueueId other) => string.CompareOrdinal(text, other.text);

    public override string ToString() => text ?? "";

    public static bool operator <(QueueId left, QueueId right) => left.CompareTo(right) < 0;

    public static bool operator >(QueueId left, QueueId right) => left.CompareTo(right) > 0;

    public static bool operator <=(QueueId left, QueueId right) => left.CompareTo(right) <= 0;

    public static bool operator >=(QueueId left, QueueId right) => left.CompareTo(right) >= 0;
}
