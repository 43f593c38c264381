using System.Net;
using System.Text;
using SmartHost.Mail;

namespace SmartHost.Devices;

/// <summary>Everything the decision may look at, gathered by whoever asks: the decision itself reads no clock, file or socket.</summary>
/// <param name="Device">Null: nothing in the settings matches this client.</param>
/// <param name="Recipient">Null: asked at MAIL, before a recipient is known.</param>
/// <param name="DeclaredSize">Octets, from <c>SIZE=</c>. Zero: not said.</param>
/// <param name="AcceptedLastHour">Messages already accepted from this device in the 60 minutes, and the 24 hours, before now.</param>
public sealed record RelayRequest(
    Device? Device,
    IPAddress Client,
    bool Authenticated,
    bool Tls,
    ReversePath Sender,
    Mailbox? Recipient,
    long DeclaredSize,
    int AcceptedLastHour,
    int AcceptedLastDay);

/// <param name="Rule">The setting that decided, as its owner would find it: <c>devices.ups.recipients *@example.com</c>.</param>
/// <param name="Refusal">What the device hears; null where it is allowed.</param>
public sealed record RelayVerdict(string Rule, SmtpReply? Refusal);

/// <summary>
/// Decides whether a device may send this. Default deny; the questions stand in the order in which an owner would
/// explain them. Permanent refusals come before "try later", so that no device retries what can never pass.
/// Fails closed: what no line allows is refused.
/// </summary>
public static class RelayPolicy
{
    /// <summary>RFC 5321 §4.5.3.1.5 allows a reply line 512 octets with code and CRLF; panels of devices cut much earlier.</summary>
    private const int MaxReplyText = 380;

    private static readonly EnhancedStatus NotAllowed = new(5, 7, 1), NotSecure = new(5, 7, 0), TooLarge = new(5, 3, 4), TooMany = new(4, 7, 1);

    public static RelayVerdict Decide(RelayRequest request)
    {
        if (request.Device is not { } device) return UnknownDevice(request);
        var name = $"devices.{Short(device.Name)}";

        if (device.RequireTls && !request.Tls)
        {
            return Refuse($"{name}.requireTls", 530, NotSecure,
                $"Device {Short(device.Name)} must use encryption: set STARTTLS or TLS in its mail settings, or remove {name}.requireTls");
        }
        if (device.RequireAuth && !request.Authenticated)
        {
            return Refuse($"{name}.requireAuth", 530, NotSecure,
                $"Device {Short(device.Name)} must log in: set SMTP authentication in its mail settings, or remove {name}.requireAuth");
        }
        if (device.MaxSize is { } maxSize && request.DeclaredSize > maxSize)
        {
            return Refuse($"{name}.maxSize {maxSize}", 552, TooLarge,
                $"Message of {request.DeclaredSize} octets is larger than the {maxSize} that {name}.maxSize allows. Scan at a lower resolution or in fewer pages, or raise it");
        }
        if (Match(device.Senders, request.Sender) is not { } sender)
        {
            return Refuse($"{name}.senders", 550, NotAllowed, request.Sender.Mailbox is { } from
                ? $"Device {Short(device.Name)} may not send as {Short(from)}. Add that address to {name}.senders, or set one of those listed there as the sender in the device"
                : $"Device {Short(device.Name)} may not send with an empty sender (<>). Set one of the addresses in {name}.senders as the sender in the device, or add \"*\" there");
        }
        string? recipient = null;
        if (request.Recipient is { } to && (recipient = device.Recipients.Match(to)) is null)
        {
            return Refuse($"{name}.recipients", 550, NotAllowed,
                $"Device {Short(device.Name)} may not write to {Short(to)}. Add that address to {name}.recipients, or correct it in the device");
        }
        if (device.PerHour is { } perHour && request.AcceptedLastHour >= perHour)
        {
            return Refuse($"{name}.perHour {perHour}", 450, TooMany,
                $"Device {Short(device.Name)} has sent {request.AcceptedLastHour} messages in the last hour; {name}.perHour allows {perHour}. Try again later");
        }
        if (device.PerDay is { } perDay && request.AcceptedLastDay >= perDay)
        {
            return Refuse($"{name}.perDay {perDay}", 450, TooMany,
                $"Device {Short(device.Name)} has sent {request.AcceptedLastDay} messages in the last 24 hours; {name}.perDay allows {perDay}. Try again later");
        }
        return new RelayVerdict(recipient is null ? $"{name}.senders {sender}" : $"{name}.recipients {recipient}", null);
    }

    /// <summary>Refused at the recipient, not before: only then is known what is worth showing to the owner, and some devices never read a refusal of MAIL.</summary>
    private static RelayVerdict UnknownDevice(RelayRequest request)
    {
        const string Rule = "unknownDevices refuse";
        if (request.Recipient is null) return new RelayVerdict(Rule, null);
        var client = DeviceDirectory.Normalise(request.Client);
        return Refuse(Rule, 550, NotAllowed,
            $"{client} is not a known device. Allow it on the SmartHost page, or add it under devices with addresses: [{client}] and recipients: [{Short(request.Recipient)}], or give it a login");
    }

    /// <summary>The null reverse-path is nobody's address, so only a list that takes everyone takes it.</summary>
    private static string? Match(AddressPatterns senders, ReversePath sender) =>
        sender.Mailbox is { } mailbox ? senders.Match(mailbox) : senders.Patterns.FirstOrDefault(pattern => pattern == "*");

    private static RelayVerdict Refuse(string rule, int code, EnhancedStatus status, string text) =>
        new(rule, new SmtpReply(code, status, Cut(Printable(text), MaxReplyText)));

    private static string Short(Mailbox mailbox) => Short(mailbox.ToString());

    private static string Short(string text) => Cut(text, 70);

    private static string Cut(string text, int length) => text.Length <= length ? text : text[..(length - 3)] + "...";

    /// <summary>Replies are ASCII (RFC 5321 §4.2), whatever the address that was refused is made of.</summary>
    private static string Printable(string text) =>
        Ascii.IsValid(text) && !text.Any(char.IsControl) ? text : string.Concat(text.Select(c => c is >= ' ' and <= '~' ? c : '?'));
}
