using System.Net;
using System.Text;
using SmartHost.Mail;

namespace SmartHost.Devices;

/// <summary>
/// One refused try of a client that no device matches, with all that could tell its owner what it is.
/// </summary>
/// <param name="Username">With which it tried to log in.</param>
/// <param name="Recipient">Null: it was refused before it named one.</param>
public sealed record UnknownAttempt(
    IPAddress Client, string? Helo, string? Username, ReversePath Sender, Mailbox? Recipient, DateTimeOffset At);

/// <summary>What is remembered of one unknown client. The lists hold what differed, latest last, at most <see cref="UnknownDevices.MaxTexts"/> each.</summary>
/// <param name="Attempts">Refused tries so far; a try with two recipients counts as two.</param>
/// <param name="Mailers">What it calls its program (X-Mailer, User-Agent). Seldom known: it is refused before its header, and only a client that waits for no reply sends that all the same.</param>
public sealed record UnknownDevice(
    IPAddress Client,
    int Attempts,
    DateTimeOffset FirstSeen,
    DateTimeOffset LastSeen,
    IReadOnlyList<string> Helos,
    IReadOnlyList<string> Usernames,
    IReadOnlyList<string> Senders,
    IReadOnlyList<string> Recipients,
    IReadOnlyList<string> Mailers)
{
    /// <summary>The device whose user name it tried last. Its password was wrong then: with the right one it would not be unknown.</summary>
    public Device? KnownLogin(DeviceDirectory devices) => Usernames is [.., var username] ? devices.ByUsername(username) : null;
}

/// <summary>
/// Remembers who was refused, so that the owner can allow it with one click instead of reading logs. In memory alone:
/// an unknown device that matters tries again. Bounded in clients, lists and text, since anyone on the network fills it.
/// Any thread may call any member.
/// </summary>
public sealed class UnknownDevices(int maxClients = UnknownDevices.MaxClients)
{
    public const int MaxClients = 200, MaxTexts = 10, MaxTextLength = 200;

    private readonly Lock gate = new();
    private readonly Dictionary<IPAddress, (UnknownDevice Device, long Turn)> clients = [];

    /// <summary>Counts remembered tries. Decides who is least recent, instead of a time that may jump backwards.</summary>
    private long turn;

    /// <summary>A client that is not remembered tried for the first time. Raised on the session's thread: handlers are quick and do not throw.</summary>
    public event Action<UnknownDevice>? Appeared;

    public void Remember(UnknownAttempt attempt)
    {
        var client = DeviceDirectory.Normalise(attempt.Client);
        UnknownDevice device;
        bool isNew;
        lock (gate)
        {
            isNew = !clients.TryGetValue(client, out var known);
            if (isNew && clients.Count >= maxClients) clients.Remove(clients.MinBy(entry => entry.Value.Turn).Key);
            var before = isNew ? new UnknownDevice(client, 0, attempt.At, attempt.At, [], [], [], [], []) : known.Device;
            device = before with
            {
                Attempts = before.Attempts == int.MaxValue ? int.MaxValue : before.Attempts + 1,
                LastSeen = attempt.At,
                Helos = With(before.Helos, attempt.Helo),
                Usernames = With(before.Usernames, attempt.Username),
                Senders = With(before.Senders, attempt.Sender.Mailbox?.ToString()),
                Recipients = With(before.Recipients, attempt.Recipient?.ToString()),
            };
            clients[client] = (device, ++turn);
        }
        // Outside the lock: a handler may ask for a snapshot.
        if (isNew) Appeared?.Invoke(device);
    }

    /// <summary>What program a client that was just remembered runs. Nothing where it was forgotten meanwhile.</summary>
    public void Learn(IPAddress address, string mailer)
    {
        var client = DeviceDirectory.Normalise(address);
        lock (gate)
        {
            if (clients.TryGetValue(client, out var known)) clients[client] = known with { Device = known.Device with { Mailers = With(known.Device.Mailers, mailer) } };
        }
    }

    /// <summary>A login is right: where it was tried from this client last, it is no stranger's, and the password that was wrong is corrected. Nothing else that comes from there is forgotten for good.</summary>
    public void LoggedIn(IPAddress address, string username)
    {
        var client = DeviceDirectory.Normalise(address);
        lock (gate)
        {
            if (clients.TryGetValue(client, out var known) && known.Device.Usernames is [.., var tried] && tried.Equals(Bounded(username), StringComparison.OrdinalIgnoreCase)) clients.Remove(client);
        }
    }

    /// <summary>The most recent first.</summary>
    public IReadOnlyList<UnknownDevice> Snapshot()
    {
        lock (gate) return [.. clients.Values.OrderByDescending(entry => entry.Turn).Select(entry => entry.Device)];
    }

    /// <summary>False where it was not remembered.</summary>
    public bool Forget(IPAddress client)
    {
        lock (gate) return clients.Remove(DeviceDirectory.Normalise(client));
    }

    private static IReadOnlyList<string> With(IReadOnlyList<string> texts, string? text)
    {
        if (Bounded(text) is not { } added || (texts.Count > 0 && texts[^1] == added)) return texts;
        return [.. texts.Where(known => known != added).TakeLast(MaxTexts - 1), added];
    }

    /// <summary>Printable and short; null for nothing. What a stranger sends is shown on a page and in alerts.</summary>
    private static string? Bounded(string? text)
    {
        if (string.IsNullOrWhiteSpace(text)) return null;
        var kept = new StringBuilder();
        // By rune, so that no surrogate pair is cut in two.
        foreach (var rune in text.Trim().EnumerateRunes())
        {
            if (kept.Length + rune.Utf16SequenceLength > MaxTextLength) break;
            if (ScreenControl.Is(rune)) kept.Append('?');
            else kept.Append(rune);
        }
        return kept.ToString();
    }
}
