using SmartHost.Devices;
using SmartHost.Mail;

namespace SmartHost.Listener;

/// <summary>The part of a conversation that says from whom and to whom: MAIL and RCPT.</summary>
internal sealed partial class SmtpSession
{
    /// <summary>Recipients above the limit that do not count as errors yet, as Postfix has it (smtpd_recipient_overshoot_limit).</summary>
    private const int MostExcess = 1000;

    /// <summary>Refused recipients of one message that count as one error where the device is known: an address book has old entries, and the good ones beside them must not lose their mail.</summary>
    private const int MostRefused = 100;

    private SmtpReply Mail(SmtpCommand.Mail mail)
    {
        if (transaction is not null) return Refused(Replies.NestedMail, "MAIL");
        var device = FindDevice();
        var refusal = mail.Refusal
            ?? client.Message(limits)
            ?? (mail.DeclaredSize > limits.MaxSize ? Replies.TooLarge(limits.MaxSize) : null);
        if (refusal is not null) return RefusedSender(mail.Sender, refusal);

        var (others, lastHour, lastDay) = (0, 0, 0);
        if (device is not null)
        {
            others = server.OpenTransactions.Enter(device.Name);
            if (device is { PerHour: not null } or { PerDay: not null }) (lastHour, lastDay) = server.Queue.AcceptedFrom(device.Name);
        }
        refusal = Decide(device, mail.Sender, null, mail.DeclaredSize, others + lastHour, others + lastDay).Refusal
            ?? (server.Queue.Refusal(mail.DeclaredSize) is { } full ? Replies.NoStorage(full) : null);
        if (refusal is not null)
        {
            if (device is not null) server.OpenTransactions.Leave(device.Name);
            return RefusedSender(mail.Sender, refusal);
        }
        transaction = new Transaction(device, mail.Sender, mail.DeclaredSize, server.OpenTransactions);
        wire.Clock.InTransaction = true;
        return Replies.SenderOk;
    }

    private SmtpReply RefusedSender(ReversePath sender, SmtpReply refusal)
    {
        RememberStranger(sender, null);
        return Refused(refusal, "MAIL");
    }

    private void Rcpt(SmtpCommand.Rcpt rcpt)
    {
        if (transaction is not { Intake: null } current)
        {
            Refuse(transaction is null ? Replies.NeedMail : Replies.LateRcpt, "RCPT");
            return;
        }
        var (recipients, refusal) = rcpt.IsPostmaster && current.Device is { } device ? Postmaster(device) : (rcpt.Recipients, rcpt.Refusal);
        refusal ??= Refusal(current, recipients);
        if (refusal is null)
        {
            current.Recipients.AddRange(recipients.Except(current.Recipients).ToList());
            Say(Replies.RecipientOk);
            return;
        }
        if (current.Device is null) RememberStranger(current.Sender, recipients.Count > 0 ? recipients[0] : null);
        current.Refuse(refusal);
        if (refusal == Replies.TooManyRecipients)
        {
            // The log is told once. One too many is no mistake: no client knows our number, and each sends the message to the first and again to the rest (RFC 5321 §4.5.3.1.10).
            Say(current.Excess++ > 0 ? refusal : Refused(refusal, "RCPT"), isForgiven: current.Excess <= MostExcess);
            return;
        }
        current.Refused++;
        Say(Refused(refusal, "RCPT"), isForgiven: current.Device is not null && current.Refused is > 1 and <= MostRefused);
    }

    /// <summary>RFC 5321 §4.5.1: mail to it is taken, and goes to a person. The settings name one first.</summary>
    private static (IReadOnlyList<Mailbox>, SmtpReply?) Postmaster(Device device)
    {
        foreach (var pattern in device.Recipients.Patterns)
        {
            if (!pattern.StartsWith("*@", StringComparison.Ordinal) && Mailbox.TryParse(pattern, out var mailbox)) return ([mailbox], null);
        }
        return ([], Replies.NoPostmaster(device.Name));
    }

    /// <summary>For all recipients of one RCPT together: taking one and refusing its neighbour cannot be said in one reply.</summary>
    private SmtpReply? Refusal(Transaction current, IReadOnlyList<Mailbox> recipients)
    {
        if (current.Recipients.Count + recipients.Count > limits.Recipients) return Replies.TooManyRecipients;
        if (client.Recipients(recipients.Count, limits) is { } tooMany) return tooMany;
        foreach (var recipient in recipients)
        {
            var verdict = Decide(current.Device, current.Sender, recipient, current.DeclaredSize);
            if (verdict.Refusal is { } refusal) return refusal;
            current.Rule ??= verdict.Rule;
        }
        return null;
    }

    /// <summary>Who is refused and known to nobody is shown to the owner, who may want to allow it.</summary>
    private void RememberStranger(ReversePath sender, Mailbox? recipient)
    {
        if (FindDevice() is not null) return;
        server.UnknownDevices.Remember(new UnknownAttempt(client.Address, helo, username ?? triedUsername, sender, recipient, server.Time.GetUtcNow()));
    }

    /// <summary>The login wins over the address: two devices may share an address, behind a container's bridge for one.</summary>
    private Device? FindDevice() => username is null ? server.Devices().ByAddress(client.Address) : server.Devices().ByUsername(username);

    /// <param name="lastHour">Zero for a message that was counted at its MAIL.</param>
    private RelayVerdict Decide(Device? device, ReversePath sender, Mailbox? recipient, long size, int lastHour = 0, int lastDay = 0) =>
        RelayPolicy.Decide(new RelayRequest(device, client.Address, username is not null, wire.IsTls, sender, recipient, size, lastHour, lastDay));
}
