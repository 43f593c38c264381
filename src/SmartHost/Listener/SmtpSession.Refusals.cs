using SmartHost.Devices;
using SmartHost.Mail;

namespace SmartHost.Listener;

/// <summary>The part of a session that answers, and sees to it that every refusal is known to the device, the log and the page.</summary>
internal sealed partial class SmtpSession
{
    /// <param name="isForgiven">It does not count as an error.</param>
    private void Say(SmtpReply reply, bool isForgiven = false)
    {
        lastWasRefused = reply.Code >= 400;
        if (lastWasRefused && !isForgiven) errors++;
        wire.Write(reply);
    }

    private void Refuse(SmtpReply reply, string verb) => Say(Refused(reply, verb));

    private SmtpReply Refused(SmtpReply reply, string verb)
    {
        var device = transaction?.Device ?? FindDevice();
        server.MailLog.Refused(NameOf(device), client.Address, verb, reply);
        Show(device, reply);
        server.Meters.Refused(ReasonOf(reply, device), device?.Name);
        return reply;
    }

    /// <summary>On the page, as the device's last refusal.</summary>
    private void Show(Device? device, SmtpReply reply)
    {
        if (device is not null && !(refusalTold && IsConsequence(reply))) server.Sightings.Refused(device.Name, reply, server.Time.GetUtcNow());
        refusalTold = true;
    }

    /// <summary>What a device hears that goes on after a refusal as if it had been none. Its owner wants to know of the refusal.</summary>
    private bool IsConsequence(SmtpReply reply) =>
        ReferenceEquals(reply, Replies.NeedMail) || ReferenceEquals(reply, Replies.NeedRcpt) || ReferenceEquals(reply, transaction?.ForNobody);

    /// <summary>Few words, for a metric's label.</summary>
    private static string ReasonOf(SmtpReply reply, Device? device) => reply.Status switch
    {
        _ when ReferenceEquals(reply, Replies.Broken) => "bug",
        _ when ReferenceEquals(reply, Replies.TlsNotNow) => "security",
        (5, 7, 1) when device is null => "unknown-device",
        (5, 7, 1) => "not-allowed",
        (5, 7, 8) or (4, 7, 0) => "login",
        (5, 7, _) => "security",
        (4, 7, 1) or (4, 5, 3) => "rate",
        (_, 3, 4) => "size",
        (4, 3, _) => "storage",
        (5, 1, _) => "address",
        (5, 4, 6) => "loop",
        _ => "protocol",
    };

    private static string NameOf(Device? device) => device?.Name ?? "unknown device";
}
