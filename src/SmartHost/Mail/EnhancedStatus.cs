using System.Diagnostics.CodeAnalysis;

namespace SmartHost.Mail;

/// <summary>RFC 3463 enhanced status code: class (2, 4 or 5), subject and detail (0 to 999 each).</summary>
public readonly record struct EnhancedStatus(int Class, int Subject, int Detail)
{
    /// <summary>Reads the code at the start of a reply's text (<c>5.7.1 Relaying denied</c>); false where there is none.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, out EnhancedStatus status)
    {
        status = default;
        if (text is null) return false;
        var end = text.AsSpan().IndexOfAny(' ', '\t', '\r');
        var code = end < 0 ? text.AsSpan() : text.AsSpan(0, end);
        Span<Range> parts = stackalloc Range[4];
        if (code.Split(parts, '.') != 3) return false;
        if (!Number(code[parts[0]], out var c) || c is not (2 or 4 or 5)) return false;
        if (!Number(code[parts[1]], out var subject) || !Number(code[parts[2]], out var detail)) return false;
        status = new EnhancedStatus(c, subject, detail);
        return true;

        static bool Number(ReadOnlySpan<char> digits, out int value)
        {
            value = 0;
            return digits.Length is > 0 and <= 3 && int.TryParse(digits, System.Globalization.NumberStyles.None, null, out value);
        }
    }

    public override string ToString() => $"{Class}.{Subject}.{Detail}";
}
