using SmartHost.Mail;

namespace SmartHost.Notices;

/// <summary>What people want to hear of. Stored by name.</summary>
public enum AlertKind
{
    AccountPaused,
    MessageFailed,
    MessageParked,
    MailLate,
    DiskLow,
    AllowanceHigh,
    UnknownDevice,

    /// <summary>A certificate or a token is about to end.</summary>
    Expiring,

    /// <summary>The queue could not write.</summary>
    QueueTrouble,
}

/// <summary>
/// Something a person should hear of. Kind and key together are its identity: the same again within a while is folded into
/// one announcement with a count.
/// </summary>
/// <param name="Key">Which account, device, disk …; never shown.</param>
/// <param name="Title">One line, without a full stop.</param>
/// <param name="Text">What happened, in sentences.</param>
public sealed record Alert(AlertKind Kind, string Key, string Title, string Text)
{
    /// <summary>What to do. Null where nothing is to be done.</summary>
    public string? Remedy { get; init; }

    public Uri? Help { get; init; }

    /// <summary>A state rather than an event: it lasts until <see cref="Alerts.Over"/>, and its end is announced too.</summary>
    public bool Lasts { get; init; }

    /// <summary>False: by webhook alone, since mail cannot leave or since mail tells of it anyway (a failure report).</summary>
    public bool ByMail { get; init; } = true;

    /// <summary>The queue id of the message that it is about, for a page that can lead there.</summary>
    public string? Message { get; init; }

    /// <summary>The account its mail should leave by. Null: the default one.</summary>
    public string? Account { get; init; }

    /// <summary>Why a state lasts, in a word that no number changes: another cause is news. Null: it has but one, or this one is no news after another.</summary>
    public string? Cause { get; init; }

    public string Id => $"{Kind}:{Key}";

    // The wording of all alerts, so that one person reads them in one voice.

    /// <param name="mailBy">A healthy account that can carry the alert; null: webhook alone.</param>
    public static Alert AccountPaused(string account, string happened, string remedy, Uri? help, DateTimeOffset nextTry, TimeProvider time, string? mailBy) =>
        new(AlertKind.AccountPaused, account, $"Gmail account {account} is paused", $"{happened} All its mail is kept. Next try: {LocalTime.Text(nextTry, time)}.")
        {
            Remedy = remedy, Help = help, Lasts = true, Account = mailBy, ByMail = mailBy is not null,
        };

    /// <summary>By webhook alone: the failure report is the mail about it.</summary>
    public static Alert MessageFailed(string device, QueueId id, string? subject, Mailbox recipient, string reason) =>
        new(AlertKind.MessageFailed, device, $"A message of {device} failed", $"“{subject ?? "(no subject)"}” to {recipient} was given up: {reason} ({id})") { ByMail = false, Message = id.ToString() };

    /// <summary>Of our own mail by webhook alone: one more alert by mail would be parked beside it, and soon the account be paused for it.</summary>
    public static Alert MessageParked(string device, QueueId id, string? subject, string reason) =>
        new(AlertKind.MessageParked, device, $"A message of {device} needs you", $"“{subject ?? "(no subject)"}” was set aside: {reason} ({id})")
        {
            Remedy = $"Retry or delete it: on its page in SmartHost, or by smarthost queue retry {id}.", ByMail = device != LocalMail.Device, Message = id.ToString(),
        };

    public static Alert MailLate(string device, QueueId id, string? subject, TimeSpan age, string? lastAnswer, bool byMail) =>
        new(AlertKind.MailLate, device, $"Mail of {device} is late",
            $"“{subject ?? "(no subject)"}” has waited for {age.TotalHours:0.#} hours. Last answer: {lastAnswer ?? "none yet"} ({id})")
        {
            Remedy = "Nothing to do for now: SmartHost keeps trying.", ByMail = byMail, Message = id.ToString(),
        };

    /// <summary>There is one such disk, so the folder is no part of its identity: moved to a roomier disk, the trouble is over.</summary>
    public static Alert DiskLow(string folder, long free, long low) =>
        new(AlertKind.DiskLow, "data", "The disk is nearly full", $"{free >> 20} MB are free where SmartHost keeps its mail ({folder}); it warns below {low >> 20} MB.")
        {
            Remedy = "Free some space: when the disk is full, devices are told to try again later.", Lasts = true,
        };

    public static Alert AllowanceHigh(string account, double used) =>
        new(AlertKind.AllowanceHigh, account, $"Gmail account {account} has used {used:0 %} of its daily allowance",
            "Bulk mail waits from 50 %, normal mail from 90 %; what waits leaves by itself as the last 24 hours move on.")
        {
            Remedy = "See on the page which device sends so much.", Lasts = true,
        };

    public static Alert UnknownDevice(string address, string? helo, string? sender) =>
        new(AlertKind.UnknownDevice, address, $"An unknown device at {address} tried to send",
            Tried(helo, sender))
        {
            Remedy = "If it is yours, allow it on the page under Devices.",
        };

    /// <summary>Unknown by its address, and yet it knows a device's user name: most likely it is that device.</summary>
    public static Alert WrongPassword(string address, string username, string device, string? helo, string? sender) =>
        new(AlertKind.UnknownDevice, address, $"Somebody at {address} tried to log in as {username} with a wrong password", Tried(helo, sender))
        {
            Remedy = $"If it is your device {device}, correct the password in it.",
        };

    /// <summary>Without what was never said: many give up before they name a sender.</summary>
    private static string Tried(string? helo, string? sender) => (helo, sender) switch
    {
        (null, null) => "It was refused.",
        (_, null) => $"It called itself {helo}. It was refused.",
        (null, _) => $"It wrote as {sender}. It was refused.",
        _ => $"It called itself {helo} and wrote as {sender}. It was refused.",
    };

    /// <param name="what">Begins a sentence: <c>The certificate of listener lan</c>.</param>
    /// <param name="then">What its end means, in a sentence.</param>
    public static Alert Expiring(string key, string what, DateTimeOffset end, TimeProvider time, string then, string remedy, Uri? help) =>
        new(AlertKind.Expiring, key, $"{what} {(end > time.GetUtcNow() ? "ends" : "ended")} on {end.UtcDateTime:yyyy-MM-dd}", $"It {(end > time.GetUtcNow() ? "is" : "was")} good until {LocalTime.Text(end, time)}. {then}")
        {
            Remedy = remedy, Help = help, Lasts = true,
        };

    public static Alert QueueTrouble(string reason) =>
        new(AlertKind.QueueTrouble, "queue", "SmartHost cannot write its queue", $"{reason} Nothing is sent until it can, since a result that is not written would be sent twice.")
        {
            Remedy = CheckDisk, Lasts = true, ByMail = false,
        };

    /// <summary>By webhook alone: a mail about it would lie where it cannot stay.</summary>
    public static Alert FolderGone(string reason, int waiting) =>
        new(AlertKind.QueueTrouble, "folder", "SmartHost's data folder is gone", $"{reason} Until then no mail is taken. What waits in it ({waiting} message(s)) is sent while SmartHost runs, as far as it can still be read.")
        {
            Remedy = "Do not stop SmartHost before it has left: its page shows what waits.", Lasts = true, ByMail = false,
        };

    public static Alert QueueUnreadable(string reason) =>
        new(AlertKind.QueueTrouble, "reading", "SmartHost cannot read its queue", $"{reason} Nothing is sent until it can; all mail is kept.") { Remedy = CheckDisk, Lasts = true, ByMail = false };

    /// <param name="key">Where it lies: the trouble of one place ends by itself, that of another does not.</param>
    public static Alert MailUnreadable(string key, string what, string remedy) =>
        new(AlertKind.QueueTrouble, key, "SmartHost cannot read some of its mail", $"{what} The rest of the mail goes on.") { Remedy = remedy, Lasts = true };

    public static Alert MailLost(string what, string remedy) =>
        new(AlertKind.QueueTrouble, "log", "SmartHost may have lost mail that it took", $"{what} All other mail goes on.") { Remedy = remedy, Lasts = true };

    private const string CheckDisk = "Check the disk that holds the data folder: is it full, read-only or gone?";
}
