using SmartHost.Devices;
using SmartHost.Mail;
using SmartHost.Queue;

namespace SmartHost.Listener;

/// <summary>Why a session ended.</summary>
internal enum SessionEnd
{
    Quit,
    ClosedByClient,
    TimedOut,
    Stopping,
    TooManyErrors,
    NotSmtp,
    HandshakeFailed,
    Bug,
    Lost,
}

/// <summary>
/// One client's conversation: reads a command, answers it, and hands complete messages to the queue. The order of the
/// methods is the order of a conversation.
/// <para>
/// When it fails: bad input gets a reply and the session goes on, until there were too many errors; a lost connection
/// leaves nothing behind but what was committed; a full disk or a stopping queue becomes a 4xx, so the device keeps its
/// message. The device hears 250 only after <see cref="CommitOutcome.Committed"/>.
/// </para>
/// </summary>
internal sealed partial class SmtpSession(SmtpServer server, ListenerSettings listener, Wire wire, Client client, string connectionId) : IAsyncDisposable
{
    /// <summary>Recipients above the limit that do not count as errors yet, as Postfix has it (smtpd_recipient_overshoot_limit).</summary>
    private const int MostExcess = 1000;

    /// <summary>Behind one command. More of them is somebody who leans on a key, and is answered.</summary>
    private const int MostEmptyLines = 3;

    private static readonly TimeSpan LingerTime = TimeSpan.FromSeconds(3), LingerQuiet = TimeSpan.FromSeconds(0.5);

    private readonly LimitSettings limits = server.Limits();
    private string? helo, username, triedUsername;
    private bool extended, wasRefused;
    private int errors, failedLogins, emptyLines = MostEmptyLines;
    private bool hasRefused;
    private Transaction? transaction;

    public async Task<SessionEnd> RunAsync()
    {
        try
        {
            return await ConverseAsync();
        }
        catch (Exception e) when (!Wire.IsBroken(e))
        {
            server.Log.Bug(e, client.Address);
            // Without its message, which did not break off. A panel that hears nothing shows “connection failed”, and its owner looks for a cable.
            await ResetAsync();
            return await HangUpAsync(Refused(Replies.Broken, "command"), SessionEnd.Bug);
        }
    }

    private async Task<SessionEnd> ConverseAsync()
    {
        if (listener.Tls == ListenerTls.Implicit && !await StartTlsAsync(ready: null)) return SessionEnd.HandshakeFailed;
        if (server.IsTraced(client.Address) || FindDevice() is { Trace: true }) StartTrace();
        Say(Replies.Greeting(server.Hostname));
        while (true)
        {
            if (wire.Clock.IsStopping && transaction is null) return await HangUpAsync(Replies.Stopping, SessionEnd.Stopping);
            wire.Clock.Allow(limits.CommandTimeout);
            switch (await wire.ReadLineAsync(CommandParser.MaxAuthLine))
            {
                case Heard.Line when IsEcho():
                    break;
                case Heard.Line:
                    if (await ObeyAsync(CommandParser.Parse(wire.Line)) is { } end) return end;
                    break;
                case Heard.LineTooLong:
                    Say(Replies.LineTooLong);
                    break;
                case var heard:
                    return await EndAsync(heard);
            }
            if (errors >= limits.Errors) return await HangUpAsync(Replies.TooManyErrors, SessionEnd.TooManyErrors);
        }
    }

    /// <summary>A message that was not all here by now never will be. Its device may believe that it sent it, so its owner must be able to see this.</summary>
    public async ValueTask DisposeAsync()
    {
        if (transaction is not { } unfinished) return;
        // Not where we stopped it.
        if (unfinished.Intake is not null && !wire.Clock.IsStopping) Refused(Replies.BrokenOff, "DATA");
        await unfinished.DisposeAsync();
    }

    /// <summary>
    /// An empty line in one piece with the line before it, as “EHLO x CR LF CR LF”: a reply to it would be taken for that to
    /// the next command. Who sends an empty line by itself waits for an answer.
    /// </summary>
    private bool IsEcho()
    {
        var isEcho = wire.Line.IsEmpty && wire.WasAtHand && emptyLines < MostEmptyLines;
        emptyLines = wire.Line.IsEmpty ? isEcho ? emptyLines + 1 : MostEmptyLines : 0;
        return isEcho;
    }

    /// <summary>Not null: the session is over.</summary>
    private async ValueTask<SessionEnd?> ObeyAsync(SmtpCommand command)
    {
        if (listener.Tls == ListenerTls.Required && !wire.IsTls
            && command is not (SmtpCommand.Helo or SmtpCommand.Noop or SmtpCommand.Quit or SmtpCommand.StartTls or SmtpCommand.Reset or SmtpCommand.Help or SmtpCommand.Invalid or SmtpCommand.Bdat))
        {
            Say(Replies.TlsFirst);
            return null;
        }
        switch (command)
        {
            case SmtpCommand.Helo(var name, var isExtended):
                await ResetAsync();
                helo = name.Length == 0 ? null : Replies.Printable(name, 255);
                extended = isExtended;
                Say(isExtended ? Capabilities() : new SmtpReply(250, $"{server.Hostname} is glad to meet you"));
                return null;
            case SmtpCommand.Mail mail:
                Say(Mail(mail));
                return null;
            case SmtpCommand.Rcpt rcpt:
                Say(Rcpt(rcpt));
                return null;
            case SmtpCommand.Data:
                return await DataAsync(wire.EndedInBareLf ? DataFraming.Lf : wire.Line.EndsWith("\r"u8) ? DataFraming.CrCrLf : DataFraming.Crlf);
            case SmtpCommand.Bdat bdat:
                return await BdatAsync(bdat);
            case SmtpCommand.Reset:
                await ResetAsync();
                Say(Replies.Ok);
                return null;
            case SmtpCommand.Noop:
                Say(Replies.Ok);
                return null;
            case SmtpCommand.Verify:
                Say(Replies.NotVerified);
                return null;
            case SmtpCommand.Help:
                Say(new SmtpReply(214, new(2, 0, 0), "EHLO HELO MAIL RCPT DATA BDAT RSET NOOP VRFY STARTTLS AUTH HELP QUIT"));
                return null;
            case SmtpCommand.StartTls:
                return await StartTlsAsync();
            case SmtpCommand.Auth auth:
                return await AuthAsync(auth);
            case SmtpCommand.Quit:
                Say(Replies.Goodbye);
                await wire.SendAsync();
                return SessionEnd.Quit;
            case SmtpCommand.Invalid { Hangup: true } invalid:
                server.Log.NotSmtp(client.Address, listener.Name, listener.Port, invalid.Reply.Text);
                return await HangUpAsync(invalid.Reply, SessionEnd.NotSmtp);
            case SmtpCommand.Invalid invalid:
                Refuse(invalid.Reply, "command");
                return null;
            default:
                throw new System.Diagnostics.UnreachableException();
        }
    }

    // --- EHLO ---------------------------------------------------------------------------------------------------

    private SmtpReply Capabilities()
    {
        List<string> lines =
        [
            $"{server.Hostname} is glad to meet you",
            $"SIZE {limits.MaxSize}", "8BITMIME", "SMTPUTF8", "PIPELINING", "ENHANCEDSTATUSCODES", "CHUNKING",
        ];
        if (MayStartTls) lines.Add("STARTTLS");
        // The second spelling is for Outlook Express and panels of its age, which know no other.
        if (MayLogIn) lines.AddRange(["AUTH PLAIN LOGIN", "AUTH=PLAIN LOGIN"]);
        lines.Add("HELP");
        return new SmtpReply(250, null, lines);
    }

    private bool MayStartTls => listener.Tls is ListenerTls.Optional or ListenerTls.Required && !wire.IsTls;

    /// <summary>Not where no device has a login: many panels insist on a user name, yet send it only where AUTH is offered, so those known by address get through with anything typed in.</summary>
    private bool MayLogIn => username is null && (wire.IsTls || listener.AuthInClear) && server.Devices().Devices.Any(device => device.Username is not null);

    // --- MAIL, RCPT ---------------------------------------------------------------------------------------------

    private SmtpReply Mail(SmtpCommand.Mail mail)
    {
        if (transaction is not null) return Refused(Replies.NestedMail, "MAIL");
        var device = FindDevice();
        var refusal = client.Message(limits)
            ?? (mail.DeclaredSize > limits.MaxSize ? Replies.TooLarge(limits.MaxSize) : null);
        if (refusal is not null) return Refused(refusal, "MAIL");

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
            return Refused(refusal, "MAIL");
        }
        transaction = new Transaction(device, mail.Sender, mail.DeclaredSize, server.OpenTransactions);
        wire.Clock.InTransaction = true;
        return Replies.SenderOk;
    }

    private SmtpReply Rcpt(SmtpCommand.Rcpt rcpt)
    {
        if (transaction is null) return Refused(Replies.NeedMail, "RCPT");
        if (transaction.Intake is not null) return Refused(Replies.MixedData, "RCPT");
        if (Refusal(transaction, rcpt.Recipients) is { } refusal)
        {
            transaction.WasRecipientRefused = true;
            // The log is told once.
            return refusal == Replies.TooManyRecipients && transaction.Excess++ > 0 ? refusal : Refused(refusal, "RCPT");
        }
        transaction.Recipients.AddRange(rcpt.Recipients.Except(transaction.Recipients).ToList());
        return Replies.RecipientOk;
    }

    /// <summary>For all recipients of one RCPT together: taking one and refusing its neighbour cannot be said in one reply.</summary>
    private SmtpReply? Refusal(Transaction current, IReadOnlyList<Mailbox> recipients)
    {
        if (current.Recipients.Count + recipients.Count > limits.Recipients) return Replies.TooManyRecipients;
        if (client.Recipients(recipients.Count, limits) is { } tooMany) return tooMany;
        foreach (var recipient in recipients)
        {
            var verdict = Decide(current.Device, current.Sender, recipient, current.DeclaredSize);
            if (current.Device is null)
            {
                Remember(current.Sender, recipient);
            }
            if (verdict.Refusal is { } refusal) return refusal;
            current.Rule ??= verdict.Rule;
        }
        return null;
    }

    private void Remember(ReversePath sender, Mailbox? recipient) =>
        server.UnknownDevices.Remember(new UnknownAttempt(client.Address, helo, username ?? triedUsername, sender, recipient, server.Time.GetUtcNow()));

    /// <summary>The login wins over the address: two devices may share an address, behind a container's bridge for one.</summary>
    private Device? FindDevice() => username is null ? server.Devices().ByAddress(client.Address) : server.Devices().ByUsername(username);

    /// <param name="lastHour">Zero for a message that was counted at its MAIL.</param>
    private RelayVerdict Decide(Device? device, ReversePath sender, Mailbox? recipient, long size, int lastHour = 0, int lastDay = 0) =>
        RelayPolicy.Decide(new RelayRequest(device, client.Address, username is not null, wire.IsTls, sender, recipient, size, lastHour, lastDay));

    // --- the end ------------------------------------------------------------------------------------------------

    private async ValueTask ResetAsync()
    {
        wire.Clock.InTransaction = false;
        if (transaction is not { } current) return;
        transaction = null;
        await current.DisposeAsync();
    }

    private async ValueTask<SessionEnd> EndAsync(Heard heard)
    {
        var inMessage = transaction?.Intake is not null;
        switch (heard)
        {
            case Heard.TimedOut or Heard.HalfLine or Heard.Outlived:
                var late = heard == Heard.Outlived ? Replies.Outlived(limits.SessionTimeout)
                    : inMessage ? Replies.NeverEnded
                    : heard == Heard.HalfLine ? Replies.HalfLine
                    : Replies.TimedOut;
                // Silence between two messages is no mistake of anybody's.
                if (inMessage) Refused(late, "DATA");
                else if (heard == Heard.HalfLine) Refused(late, "command");
                await ResetAsync();
                return await HangUpAsync(late, SessionEnd.TimedOut);
            case Heard.Stopping:
                return await HangUpAsync(Replies.Stopping, SessionEnd.Stopping);
            case Heard.Endless:
                var reply = inMessage ? Refused(TooLarge(transaction!.Device), "DATA") : Refused(Replies.Endless, "command");
                await ResetAsync();
                return await HangUpAsync(reply, SessionEnd.TooManyErrors);
            case Heard.TlsHello:
                server.Log.NotSmtp(client.Address, listener.Name, listener.Port, Replies.TlsHello.Text);
                return await HangUpAsync(Replies.TlsHello, SessionEnd.NotSmtp);
            default:
                return SessionEnd.ClosedByClient;
        }
    }

    private async ValueTask<SessionEnd> HangUpAsync(SmtpReply reply, SessionEnd end)
    {
        wire.Write(reply);
        await wire.LingerAsync(LingerTime, LingerQuiet, 8 << 20);
        return end;
    }

    private void Say(SmtpReply reply)
    {
        wasRefused = reply.Code >= 400;
        if (wasRefused && !IsForgiven(reply)) errors++;
        wire.Write(reply);
    }

    /// <summary>One recipient too many is no mistake: no client knows our number, and each sends the message to the first and again to the rest (RFC 5321 §4.5.3.1.10).</summary>
    private bool IsForgiven(SmtpReply reply) => reply == Replies.TooManyRecipients && transaction is { Excess: <= MostExcess };

    private void Refuse(SmtpReply reply, string verb) => Say(Refused(reply, verb));

    private SmtpReply Refused(SmtpReply reply, string verb)
    {
        var device = transaction?.Device ?? FindDevice();
        server.MailLog.Refused(NameOf(device), client.Address, verb, reply);
        if (device is not null && !(hasRefused && IsConsequence(reply))) server.Sightings.Refused(device.Name, reply, server.Time.GetUtcNow());
        hasRefused = true;
        server.Meters.Refused(ReasonOf(reply, device), device?.Name);
        return reply;
    }

    /// <summary>What a device hears that goes on after a refusal as if it had been none. Its owner wants to know of the refusal.</summary>
    private static bool IsConsequence(SmtpReply reply) =>
        ReferenceEquals(reply, Replies.NeedMail) || ReferenceEquals(reply, Replies.NeedRcpt) || ReferenceEquals(reply, Replies.NoValidRecipients);

    /// <summary>Few words, for a metric's label.</summary>
    private static string ReasonOf(SmtpReply reply, Device? device) => reply.Status switch
    {
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

    private void StartTrace()
    {
        if (wire.Trace is not null) return;
        wire.Trace = WireTrace.Open(server.TraceFolder, FindDevice()?.Name ?? client.Address.ToString(), connectionId, server.Time, out var problem);
        if (problem is not null) server.Log.NoTrace(problem);
        wire.Trace?.Note($"{client.Address} on listener {listener.Name}, port {listener.Port}{(wire.IsTls ? ", TLS" : "")}");
    }
}
