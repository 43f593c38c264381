using System.Buffers;
using SmartHost.Devices;
using SmartHost.Mail;
using SmartHost.Queue;

namespace SmartHost.Listener;

/// <summary>The part of a conversation in which content arrives, by DATA or BDAT, and becomes ours.</summary>
internal sealed partial class SmtpSession
{
    /// <summary>After something that only looks like a final dot: a device that sends no more by then believes it is done.</summary>
    private static readonly TimeSpan SloppyEndWait = TimeSpan.FromSeconds(5);

    /// <summary>Content must make this much progress within a <see cref="LimitSettings.DataTimeout"/>; less is a client that drips to hold a session open.</summary>
    private const int LeastProgress = 1024;

    private async ValueTask<SessionEnd?> DataAsync(DataFraming framing)
    {
        if ((ContentRefusal() ?? (transaction!.Intake is null ? null : Replies.MixedData)) is { } refusal)
        {
            if (lastWasRefused && wire.SendsOn()) return await SwallowAsync(framing, refusal);
            Refuse(refusal, "DATA");
            return null;
        }
        var intake = transaction!.Intake = await BeginAsync(transaction, framing);
        Say(Replies.StartData);
        var heard = await TakeAsync(intake, long.MaxValue);
        if (heard == Heard.Content) return await FinishAsync(transaction, intake);
        if (heard == Heard.TimedOut && intake.Reader.LooksEnded) return await BreakOffAsync(Replies.SloppyEnd, SessionEnd.TimedOut);
        // A client that has finished sending may still read.
        if (heard == Heard.Closed) return await BreakOffAsync(intake.Reader.LooksEnded ? Replies.SloppyEnd : Replies.BrokenOff, SessionEnd.ClosedByClient);
        return await EndAsync(heard);
    }

    private async ValueTask<SessionEnd> BreakOffAsync(SmtpReply why, SessionEnd end)
    {
        Refused(why, "DATA");
        await ResetAsync();
        return await HangUpAsync(why, end);
    }

    /// <summary>RFC 3030. The octets follow whatever we think of the command, so they are read even when it is refused.</summary>
    private async ValueTask<SessionEnd?> BdatAsync(SmtpCommand.Bdat bdat)
    {
        var refusal = NeedsTls ? Replies.TlsFirst : ContentRefusal();
        if (refusal is not null)
        {
            var passed = await SkipAsync(bdat.Size);
            if (passed == Heard.Endless) return await HangUpAsync(Refused(Replies.TooLarge(limits.MaxSize), "BDAT"), SessionEnd.TooManyErrors);
            if (passed != Heard.Content) return await EndAsync(passed);
            Refuse(refusal, "BDAT");
            return null;
        }
        var current = transaction!;
        var intake = current.Intake ??= await BeginAsync(current, DataFraming.Counted);
        // A chunk that is known to be far too large before its first octet need not come.
        var heard = intake.IsHopeless(bdat.Size) ? Heard.Endless : await TakeAsync(intake, bdat.Size);
        if (heard != Heard.Content) return await EndAsync(heard);
        if (bdat.Last) return await FinishAsync(current, intake);
        Say(Replies.ChunkTaken(bdat.Size));
        return null;
    }

    /// <summary>
    /// What comes behind a DATA that cannot be taken, before its reply, is the message of a program that waits for none
    /// (RFC 2920 §3.1 lets nobody else do so), unless it takes its leave. Its lines were written by anyone: read as commands they might send mail.
    /// </summary>
    private async ValueTask<SessionEnd?> SwallowAsync(DataFraming framing, SmtpReply refusal)
    {
        Say(Replies.StartData);
        await using var nowhere = await MessageIntake.BeginAsync(server.Queue.Receive(), "", framing, limit: 0, limits.Hops, server.Stopped);
        var heard = await TakeAsync(nowhere, long.MaxValue);
        if (heard == Heard.Endless) return await HangUpAsync(Replies.TooLarge(limits.MaxSize), SessionEnd.TooManyErrors);
        if (heard != Heard.Content) return await EndAsync(heard);
        // A stranger's header is never asked for; here it came all the same.
        _ = nowhere.Refusal();
        if (nowhere.Mailer is { } mailer && FindDevice() is null) server.UnknownDevices.Learn(client.Address, mailer);
        Refuse(refusal, "DATA");
        return null;
    }

    private SmtpReply? ContentRefusal()
    {
        if (transaction is null) return Replies.NeedMail;
        if (transaction.Recipients.Count > 0) return null;
        return transaction.ForNobody ?? Replies.NeedRcpt;
    }

    private ValueTask<MessageIntake> BeginAsync(Transaction current, DataFraming framing)
    {
        var message = server.Queue.Receive();
        var received = ReceivedHeader.Create(helo, client.Address, NameOf(current.Device), server.Hostname, Protocol, message.Id, server.Time.GetLocalNow());
        return MessageIntake.BeginAsync(message, received, framing, SizeLimit(current.Device).Octets, limits.Hops, server.Stopped);
    }

    private (long Octets, string Setting) SizeLimit(Device? device) =>
        device is { MaxSize: { } own } && own < limits.MaxSize ? (own, $"devices.{device.Name}.maxSize") : (limits.MaxSize, "limits.maxSize");

    private SmtpReply TooLarge(Device? device)
    {
        var (octets, setting) = SizeLimit(device);
        return Replies.TooLarge(octets, setting);
    }

    /// <summary>Reads content until its end or for so many octets: <see cref="Heard.Content"/> when it is all here.</summary>
    private async ValueTask<Heard> TakeAsync(MessageIntake intake, long count)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(8 * 1024);
        try
        {
            var progress = 0L;
            wire.Clock.Allow(limits.DataTimeout);
            while (count > 0 && !intake.Reader.HasEnded)
            {
                var sloppy = intake.Reader.LooksEnded;
                if (sloppy) wire.Clock.Allow(SloppyEndWait);
                var (heard, octets) = await wire.ReadContentAsync();
                if (heard != Heard.Content) return heard;
                if (octets.Length > count) octets = octets.Slice(0, count);
                var used = 0L;
                foreach (var segment in octets)
                {
                    var rest = segment;
                    while (!rest.IsEmpty && !intake.Reader.HasEnded)
                    {
                        intake.Reader.Read(rest.Span, buffer, out var consumed, out var written);
                        wire.Trace?.Content(rest.Span[..consumed]);
                        rest = rest[consumed..];
                        used += consumed;
                        await intake.WriteAsync(buffer.AsMemory(0, written), server.Stopped);
                    }
                }
                wire.AdvanceTo(octets.GetPosition(used));
                client.Octets(used);
                count -= used;
                progress += used;
                // What goes on behind a sloppy end was none. Whoever drips such ends is held by the session's lifetime alone.
                if (progress >= LeastProgress || sloppy)
                {
                    wire.Clock.Allow(limits.DataTimeout);
                    progress = 0;
                }
                if (intake.IsHopeless()) return Heard.Endless;
            }
            return Heard.Content;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private async ValueTask<Heard> SkipAsync(long count)
    {
        if (count > 4 * limits.MaxSize) return Heard.Endless;
        wire.Clock.Allow(limits.DataTimeout);
        while (count > 0)
        {
            var (heard, octets) = await wire.ReadContentAsync();
            if (heard != Heard.Content) return heard;
            var used = Math.Min(count, octets.Length);
            wire.AdvanceTo(octets.GetPosition(used));
            client.Octets(used);
            count -= used;
        }
        return Heard.Content;
    }

    /// <summary>The whole message is here: it becomes ours, or the device hears why not and keeps it.</summary>
    private async ValueTask<SessionEnd?> FinishAsync(Transaction current, MessageIntake intake)
    {
        wire.Clock.AllowAny();
        await intake.CompleteAsync();
        if ((intake.IsTooLarge ? TooLarge(current.Device) : intake.Refusal()) is { } refusal)
        {
            Refuse(refusal, "DATA");
        }
        else
        {
            // A copy for those of addTo who are not written to anyway.
            var recipients = current.Recipients.Union(current.Device!.AddTo).ToList();
            var submission = new Submission
            {
                Envelope = new Envelope(current.Sender, recipients),
                Device = current.Device.Name,
                Account = current.Device.Account,
                Lane = current.Device.Priority,
                Origin = new Origin(client.Address, helo, Protocol),
                MessageId = intake.MessageId(server.Hostname),
                Subject = intake.Subject,
                Rule = current.Rule!,
            };
            switch (await intake.CommitAsync(submission))
            {
                case CommitOutcome.Committed(var id):
                    // A connection that is kept open for many messages makes many slips in them, and is no attacker (Postfix counts so, too).
                    errors = 0;
                    server.Meters.Accepted(current.Device.Name, intake.Stored);
                    server.Sightings.Accepted(current.Device.Name, server.Time.GetUtcNow());
                    server.MailLog.Received(id, current.Device.Name, client.Address, current.Sender, recipients.Count, intake.Stored, intake.Subject ?? "no subject");
                    Say(Replies.Queued(id));
                    break;
                case CommitOutcome.InsufficientStorage(var reason):
                    Refuse(Replies.NoStorage(reason), "DATA");
                    break;
                case CommitOutcome.Failed(var reason):
                    Refuse(new SmtpReply(451, new(4, 3, 0), reason), "DATA");
                    break;
            }
        }
        await ResetAsync();
        return null;
    }

    /// <summary>RFC 3848. A TLS session without EHLO still says ESMTPS: there is no better word.</summary>
    private string Protocol => (extended || wire.IsTls || username is not null, wire.IsTls, username is not null) switch
    {
        (false, _, _) => "SMTP",
        (_, false, false) => "ESMTP",
        (_, true, false) => "ESMTPS",
        (_, false, true) => "ESMTPA",
        (_, true, true) => "ESMTPSA",
    };
}
