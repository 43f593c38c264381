namespace SmartHost.Configuration;

/// <summary>How we quote what a user wrote: short, on one line, and no more of it than is safe to show.</summary>
internal static class Quoting
{
    public static string Value(string text) => $"“{Shown(text, 60)}”";

    /// <summary>Only what comes before a colon or equals sign: <c>appPassword:abcd</c> without its blank is a key to YAML, and must not show the password.</summary>
    public static string Key(string text)
    {
        var end = text.AsSpan().IndexOfAny(':', '=');
        return Shown(end < 0 ? text : text[..end], 40);
    }

    private static string Shown(string text, int length)
    {
        var shown = string.Concat(text.Select(c => char.IsControl(c) || char.IsSurrogate(c) ? '?' : c));
        return shown.Length <= length ? shown : shown[..length] + "…";
    }
}
