using System.Net;
using SmartHost.Mail;

namespace SmartHost.Devices;

/// <summary>A device as its owner configured it: how it is recognised and what it may do. Immutable.</summary>
public sealed record Device
{
    public required string Name { get; init; }

    /// <summary>Client addresses and networks that are this device. Empty: known by its login alone.</summary>
    public IReadOnlyList<IPNetwork> Addresses { get; init; } = [];

    public string? Username { get; init; }

    /// <summary>As written by <c>smarthost hash-password</c>. Not a secret in itself, yet never shown.</summary>
    public Secret? PasswordHash { get; init; }

    /// <summary>The file it stands in, as written in the settings, so that a device's file that is written anew names it still. Null: none.</summary>
    public string? PasswordHashFile { get; init; }

    /// <summary>Reverse-paths it may use. Default: any, for Gmail shows the account's address whatever the device says.</summary>
    public AddressPatterns Senders { get; init; } = AddressPatterns.Any;

    /// <summary>Whom it may write to. There is no default: it must be said.</summary>
    public required AddressPatterns Recipients { get; init; }

    /// <summary>Octets a message may have. Null: the listener's limit alone.</summary>
    public long? MaxSize { get; init; }

    /// <summary>Messages in any 60 minutes and in any 24 hours. Null: no limit.</summary>
    public int? PerHour { get; init; }

    public int? PerDay { get; init; }

    /// <summary>The account its mail leaves by. Null: the first configured one.</summary>
    public string? Account { get; init; }

    public Lane Priority { get; init; } = Lane.Normal;

    public bool RequireAuth { get; init; }

    public bool RequireTls { get; init; }

    /// <summary>How the header From is made: a display name, or a mailbox that is one of the account's aliases. Null: the name that the device gives itself, else its name here, with the account's address.</summary>
    public string? From { get; init; }

    /// <summary>Recipients that get a copy of everything it sends.</summary>
    public IReadOnlyList<Mailbox> AddTo { get; init; } = [];

    public string? SubjectPrefix { get; init; }

    /// <summary>Where failure reports go. Null: <c>alerts.email</c>.</summary>
    public Mailbox? ReportTo { get; init; }

    /// <summary>Write what it and we say to a file (secrets masked).</summary>
    public bool Trace { get; init; }
}
