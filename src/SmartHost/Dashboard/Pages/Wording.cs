using System.Globalization;

namespace SmartHost.Dashboard.Pages;

/// <summary>Numbers and sizes as people write them.</summary>
public static class Wording
{
    public static string Count(int number, string one, string many) => number == 1 ? $"1 {one}" : $"{Number(number)} {many}";

    public static string Number(long number) => number.ToString("#,0", CultureInfo.InvariantCulture);

    public static string Size(long octets) => octets switch
    {
        < 1_000 => $"{octets} bytes",
        < 1_000_000 => Invariant($"{octets / 1e3:0.#} KB"),
        < 1_000_000_000 => Invariant($"{octets / 1e6:0.#} MB"),
        _ => Invariant($"{octets / 1e9:0.##} GB"),
    };

    /// <summary>Rounded up, for waits: nobody should try a second too early.</summary>
    public static string Duration(TimeSpan wait) => wait switch
    {
        { TotalSeconds: <= 90 } => Count((int)Math.Ceiling(wait.TotalSeconds), "second", "seconds"),
        { TotalMinutes: <= 90 } => Count((int)Math.Ceiling(wait.TotalMinutes), "minute", "minutes"),
        { TotalHours: <= 36 } => Count((int)Math.Ceiling(wait.TotalHours), "hour", "hours"),
        _ => Count((int)Math.Ceiling(wait.TotalDays), "day", "days"),
    };

    public static string Invariant(FormattableString text) => FormattableString.Invariant(text);
}
