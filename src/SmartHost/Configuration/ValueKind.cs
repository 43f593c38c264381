using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;
using System.Text;
using SmartHost.Devices;
using SmartHost.Mail;

namespace SmartHost.Configuration;

/// <param name="place">Where it was written: relative paths start there.</param>
internal delegate bool ValueReader<T>(string text, Place place, [MaybeNullWhen(false)] out T value);

/// <summary>What the text of a setting may be.</summary>
/// <param name="Name">With its article: “…” is not <c>a port</c>.</param>
/// <param name="Expected">What to write, with an example.</param>
/// <param name="JsonSchema">The same for an editor, as a JSON schema object.</param>
/// <param name="Write">A value as one would write it; for the reference's column of defaults.</param>
internal sealed record ValueKind<T>(string Name, string Expected, string JsonSchema, ValueReader<T> TryRead, Func<T, string> Write)
{
    /// <summary>Of a text that cannot be read: what to write, where it shows a common mistake. Null: <see cref="Expected"/> says it.</summary>
    public Func<string, string?> Hint { get; init; } = _ => null;

    /// <summary>What a text that cannot be read is not, where <see cref="Name"/> would puzzle: text that is “not text”.</summary>
    public string? Wanted { get; init; }

    /// <summary>Of a text that can be read though it was probably meant otherwise: what it means, and what to write. Null: it is clear.</summary>
    public Func<string, T, (string What, string Instead)?> Doubt { get; init; } = (_, _) => null;
}

/// <summary>The kinds of value there are.</summary>
internal static class ValueKinds
{
    private const string AnyText = """{"type":"string","minLength":1}""";

    public static readonly ValueKind<string> Text = new("text", "Write some text", AnyText, ReadText, text => text)
    {
        Wanted = "text on one line",
        Hint = text => text.Any(char.IsControl) ? "It must be one line: write it without line ends and tabs" : null,
    };

    public static readonly ValueKind<bool> Switch = new("true or false", "Write true or false", """{"type":"boolean"}""", ReadSwitch, value => value ? "true" : "false");

    public static readonly ValueKind<int> Port = Whole(1, 65_535) with { Name = "a port", Expected = "Write a number from 1 to 65535, such as 2525" };

    public static readonly ValueKind<Mailbox> Mailbox = new("an e-mail address", "Write a plain address, such as you@gmail.com", """{"type":"string","format":"email"}""", ReadMailbox, mailbox => mailbox.ToString());

    public static readonly ValueKind<IPAddress> ListenAddress = new("an address of this machine", "Write an IP address, \"*\" for all of them, or localhost", AnyText, ReadListenAddress, address => address.ToString());

    public static readonly ValueKind<IPNetwork> Network = new("an address or network", "Write an address such as 192.168.1.23, or a network such as 192.168.1.0/24", AnyText, ReadNetwork, ClientNetwork.ToText) { Doubt = DoubtNetwork, Hint = HintNetwork };

    public static readonly ValueKind<string> Pattern = new("an address pattern", "Write an address (you@gmail.com), a domain (\"*@example.com\") or everyone (\"*\")", """{"type":"string","pattern":"^\\*$|@"}""", ReadPattern, pattern => pattern);

    public static readonly ValueKind<string> HostName = new("a host name", "Write a name such as smtp.gmail.com, without a port or https://", AnyText, ReadHostName, name => name);

    public static readonly ValueKind<string> HostPattern = new("a host name or pattern", "Write a name such as mail.example.com, \"*.example.com\" or \"*\"", AnyText, ReadHostPattern, name => name);

    public static readonly ValueKind<string> FilePath = new("a path", "Write the path of a file", AnyText, ReadPath, path => path) { Hint = HintPath };

    public static readonly ValueKind<string> FolderPath = FilePath with { Expected = "Write the path of a folder" };

    public static readonly ValueKind<string> WebAddress = new("a web address", "Write an address that begins with https://", """{"type":"string","format":"uri"}""", ReadWebAddress, address => address);

    public static readonly ValueKind<long> Size = new("a size", "Write a number of octets, or a number with K, M or G, such as 25M", """{"type":["integer","string"],"pattern":"^[0-9.]+ ?([KMGkmg]([Ii]?[Bb])?|[Bb])?$"}""", ReadSize, WriteSize);

    public static readonly ValueKind<TimeSpan> Duration = DurationOf(TimeSpan.FromSeconds(1));

    /// <summary>Here none at all makes sense too.</summary>
    public static readonly ValueKind<TimeSpan> DurationOrZero = DurationOf(TimeSpan.Zero);

    public static ValueKind<int> Whole(int least, int most) => new(
        $"a whole number from {least} to {most}",
        $"Write a whole number from {least} to {most}",
        $$"""{"type":"integer","minimum":{{least}},"maximum":{{most}}}""",
        (string text, Place _, out int value) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out value) && value >= least && value <= most,
        value => value.ToString(CultureInfo.InvariantCulture));

    /// <summary>One of a few words; letter case does not matter.</summary>
    public static ValueKind<T> Choice<T>(params (string Word, T Value)[] choices) where T : notnull => new(
        choices.Length == 1 ? choices[0].Word : "one of the possible words",
        choices.Length == 1 ? $"Write {choices[0].Word}" : $"Write {string.Join(", ", choices.SkipLast(1).Select(choice => choice.Word))} or {choices[^1].Word}",
        $$"""{"enum":[{{string.Join(",", choices.Select(choice => $"\"{choice.Word}\""))}}]}""",
        (string text, Place _, [MaybeNullWhen(false)] out T value) =>
        {
            var found = Array.FindIndex(choices, choice => choice.Word.Equals(text, StringComparison.OrdinalIgnoreCase));
            value = found < 0 ? default : choices[found].Value;
            return found >= 0;
        },
        value => choices.First(choice => choice.Value.Equals(value)).Word);

    private static ValueKind<TimeSpan> DurationOf(TimeSpan least) => new(
        "a duration", $"Write a number with a unit: 90s, 5m, 4h or 5d, {(least == TimeSpan.Zero ? "or 0 for none" : "at least 1s")}",
        """{"type":["string","integer"],"pattern":"^0$|^[0-9.]+ ?(ms|s|m|h|d)$"}""",
        (string text, Place _, out TimeSpan value) => ReadDuration(text, out value) && value >= least,
        WriteDuration);

    private static bool ReadText(string text, Place place, out string value)
    {
        value = text;
        return text.Length > 0 && !text.Any(char.IsControl);
    }

    /// <summary>YAML 1.1 knew yes, no, on and off, and so do people.</summary>
    private static bool ReadSwitch(string text, Place place, out bool value)
    {
        value = text.ToLowerInvariant() is "true" or "yes" or "on" or "1";
        return value || text.ToLowerInvariant() is "false" or "no" or "off" or "0";
    }

    private static bool ReadMailbox(string text, Place place, [MaybeNullWhen(false)] out Mailbox value) => SmartHost.Mail.Mailbox.TryParse(text, out value);

    private static bool ReadListenAddress(string text, Place place, [MaybeNullWhen(false)] out IPAddress value)
    {
        value = text.ToLowerInvariant() switch { "*" => IPAddress.IPv6Any, "localhost" => IPAddress.Loopback, _ => null };
        return value is not null || ClientNetwork.TryParseAddress(text, out value);
    }

    private static bool ReadNetwork(string text, Place place, out IPNetwork value) => ClientNetwork.TryParse(text, out value);

    /// <summary>Who writes one device's address so lets in all of its neighbours.</summary>
    private static (string, string)? DoubtNetwork(string text, IPNetwork network) =>
        text.Split('/') is [var address, _] && ClientNetwork.TryParseAddress(address, out var written) && !written.Equals(network.BaseAddress)
            ? ($"is all of the network {ClientNetwork.ToText(network)}", $"Write {address} for the one address, or {ClientNetwork.ToText(network)} for all of them")
            : null;

    private static string? HintNetwork(string text) => text.AsSpan().ContainsAny('*', '-') && text.All(c => char.IsAsciiHexDigit(c) || c is '.' or ':' or '*' or '-' or ' ')
        ? "Ranges and * are not read: list the addresses one by one, or write the network, such as 192.168.1.0/24"
        : null;

    private static bool ReadPattern(string text, Place place, out string value)
    {
        value = text;
        var problems = new List<string>();
        AddressPatterns.Parse([text], problems);
        return problems.Count == 0;
    }

    private static bool ReadHostName(string text, Place place, out string value)
    {
        value = text;
        return text.Length <= 253 && Ascii.IsValid(text) && Uri.CheckHostName(text) is not UriHostNameType.Unknown && !text.Contains('[');
    }

    private static bool ReadHostPattern(string text, Place place, out string value)
    {
        value = text;
        return text == "*" || ReadHostName(text.StartsWith("*.", StringComparison.Ordinal) ? text[2..] : text, place, out _);
    }

    private static bool ReadPath(string text, Place place, [MaybeNullWhen(false)] out string value)
    {
        value = null;
        if (text.Length == 0 || text.Any(char.IsControl) || HintPath(text) is not null) return false;
        value = Path.GetFullPath(text, place.Folder ?? Directory.GetCurrentDirectory());
        return true;
    }

    /// <summary>Taken as they stand, all of them would quietly make a folder of that very name.</summary>
    private static string? HintPath(string text) => text switch
    {
        ['~', '/' or '\\', ..] => "Write the whole path: ~ is not read",
        ['$', '{' or '_', ..] => WithoutVariables,
        ['$', var letter, ..] when char.IsAsciiLetter(letter) => WithoutVariables,
        [var drive, ':', '/' or '\\', ..] when char.IsAsciiLetter(drive) && !OperatingSystem.IsWindows() => "That is a Windows path: write one of this system, which begins with /",
        _ => null,
    };

    private const string WithoutVariables = "Write the whole path: variables such as $HOME are not read";

    private static bool ReadWebAddress(string text, Place place, out string value)
    {
        value = text;
        return Uri.TryCreate(text, UriKind.Absolute, out var uri) && uri.Scheme is "https" or "http" && uri.Host.Length > 0;
    }

    /// <summary>Powers of 1024: who writes 25M for Gmail's limit means 25 MiB, as Google does.</summary>
    private static bool ReadSize(string text, Place place, out long value)
    {
        value = 0;
        var digits = text.TakeWhile(c => char.IsAsciiDigit(c) || c == '.').Count();
        var factor = text[digits..].Trim().ToUpperInvariant() switch
        {
            "" or "B" => 1L,
            "K" or "KB" or "KIB" => 1L << 10,
            "M" or "MB" or "MIB" => 1L << 20,
            "G" or "GB" or "GIB" => 1L << 30,
            _ => 0,
        };
        if (factor == 0 || !decimal.TryParse(text.AsSpan(0, digits), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number)) return false;
        if (number > long.MaxValue / factor) return false;
        value = (long)(number * factor);
        return value > 0;
    }

    private static string WriteSize(long value) => value switch
    {
        _ when value % (1L << 30) == 0 => $"{value >> 30}G",
        _ when value % (1L << 20) == 0 => $"{value >> 20}M",
        _ => value.ToString(CultureInfo.InvariantCulture),
    };

    private static bool ReadDuration(string text, out TimeSpan value)
    {
        value = TimeSpan.Zero;
        if (text == "0") return true;
        var digits = text.TakeWhile(c => char.IsAsciiDigit(c) || c == '.').Count();
        var unit = text[digits..].Trim().ToLowerInvariant() switch
        {
            "ms" => TimeSpan.FromMilliseconds(1),
            "s" => TimeSpan.FromSeconds(1),
            "m" or "min" => TimeSpan.FromMinutes(1),
            "h" => TimeSpan.FromHours(1),
            "d" => TimeSpan.FromDays(1),
            _ => TimeSpan.Zero,
        };
        if (unit == TimeSpan.Zero || !decimal.TryParse(text.AsSpan(0, digits), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number)) return false;
        // A year is longer than anything here should wait, and keeps timers within their range.
        if (number > (decimal)TimeSpan.FromDays(366).Ticks / unit.Ticks) return false;
        value = TimeSpan.FromTicks((long)(number * unit.Ticks));
        return true;
    }

    internal static string WriteDuration(TimeSpan value) => value switch
    {
        _ when value == TimeSpan.Zero => "0",
        _ when value.Ticks % TimeSpan.TicksPerDay == 0 => $"{value.Ticks / TimeSpan.TicksPerDay}d",
        _ when value.Ticks % TimeSpan.TicksPerHour == 0 => $"{value.Ticks / TimeSpan.TicksPerHour}h",
        _ when value.Ticks % TimeSpan.TicksPerMinute == 0 => $"{value.Ticks / TimeSpan.TicksPerMinute}m",
        _ => $"{value.TotalSeconds.ToString(CultureInfo.InvariantCulture)}s",
    };
}
