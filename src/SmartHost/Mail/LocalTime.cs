namespace SmartHost.Mail;

/// <summary>
/// A moment in a sentence for people, as the clock on their wall shows it and as the page does. The zone is said: alerts and
/// reports are read elsewhere too.
/// </summary>
internal static class LocalTime
{
    /// <summary><c>2026-03-01 13:15 UTC+01:00</c>, in the time zone of this machine.</summary>
    public static string Text(DateTimeOffset at, TimeProvider time)
    {
        var local = TimeZoneInfo.ConvertTime(at, time.LocalTimeZone);
        return string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{local:yyyy-MM-dd HH:mm} UTC{(local.Offset == TimeSpan.Zero ? "" : $"{local:zzz}")}");
    }
}
