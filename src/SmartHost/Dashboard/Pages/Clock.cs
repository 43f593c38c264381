using System.Globalization;

namespace SmartHost.Dashboard.Pages;

/// <summary>Times for people: near ones relative, all of them exact on demand, in the server's time zone.</summary>
public sealed class Clock(TimeProvider time)
{
    public DateTimeOffset Now => time.GetLocalNow();

    /// <summary><c>just now</c>, <c>4 min ago</c>, <c>in 2 h</c>; beyond a day the date.</summary>
    public string Relative(DateTimeOffset at)
    {
        var distance = at - Now;
        var length = distance.Duration();
        if (length < TimeSpan.FromSeconds(45)) return distance > TimeSpan.FromSeconds(5) ? "in a moment" : "just now";
        if (length >= TimeSpan.FromHours(24)) return Local(at).ToString(Local(at).Year == Now.Year ? "d MMM HH:mm" : "d MMM yyyy", CultureInfo.InvariantCulture);
        var text = length < TimeSpan.FromMinutes(59.5) ? $"{Math.Max(1, Math.Round(length.TotalMinutes)):0} min" : $"{Math.Round(length.TotalHours):0} h";
        return distance > TimeSpan.Zero ? $"in {text}" : $"{text} ago";
    }

    public string Exact(DateTimeOffset at) => Local(at).ToString("ddd d MMM yyyy HH:mm:ss zzz", CultureInfo.InvariantCulture);

    /// <summary>For lists of one day.</summary>
    public string TimeOfDay(DateTimeOffset at) => Local(at).ToString("HH:mm:ss", CultureInfo.InvariantCulture);

    public string Day(DateTimeOffset at) => Local(at).ToString("ddd d MMM", CultureInfo.InvariantCulture);

    public string Iso(DateTimeOffset at) => at.ToUniversalTime().ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    public DateTimeOffset Local(DateTimeOffset at) => TimeZoneInfo.ConvertTime(at, time.LocalTimeZone);
}
