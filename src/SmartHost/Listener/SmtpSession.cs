using System.Buffers;
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
internal sealed class SmtpSession(SmtpServer server, ListenerSettings listener, Wire wire, Client client, string connectionId) : IAsyncDisposable
{
    private static readonly TimeSpan HandshakeTimeout = TimeSpan.FromSeconds(30), SloppyEndWait = TimeSpan.FromSeconds(5), LingerTime = TimeSpan.FromSeconds(3);

    /// <summary>Content must make this much progress within a <see cref="LimitSettings.DataTimeout"/>; less is a client that drips to hold a session open.</summary>
    private const int LeastProgress = 1024;

    private readonly LimitSettings limits = server.Limits();
    private string? helo, username;
    private bool extended;
    private int errors, failedLogins;
    private Transaction? transaction;

    public async Task<SessionEnd> RunAsync()
    {
        if (listener.Tls == ListenerTls.Implicit && !await StartTlsAsync(ready: null)) return SessionEnd.HandshakeFailed;
        if (server.IsTraced(client.Address) || FindDevice() is { Trace: true }) StartTrace();
        Say(Replies.Greeting(server.Hostname));
        while (true)
        {
            if (wire.IsStopping && transaction is null) return await HangUpAsync(Replies.Stopping, SessionEnd.Stopping);
            wire.Allow(limits.CommandTimeout);
            switch (await wire.ReadLineAsync(CommandParser.MaxAuthLine))
            {
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

    public ValueTask DisposeAsync() => transaction?.DisposeAsync() ?? ValueTask.CompletedTask;

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
                return await DataAsync(wire.EndedInBareLf ? DataFraming.Lf : DataFraming.Crlf);
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

    // --- EHLO, STARTTLS, AUTH -----------------------------------------------------------------------------------

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

    private async ValueTask<SessionEnd?> StartTlsAsync()
    {
        if (wire.IsTls || listener.Tls == ListenerTls.Off)
        {
            Say(wire.IsTls ? Replies.TlsAlready : Replies.TlsOff);
            return null;
        }
        if (!await StartTlsAsync(Replies.ReadyForTls)) return SessionEnd.HandshakeFailed;
        // RFC 3207 §4.2: what was said before is forgotten.
        await ResetAsync();
        (helo, extended, username) = (null, false, null);
        return null;
    }

    private async ValueTask<bool> StartTlsAsync(SmtpReply? ready)
    {
        wire.Allow(HandshakeTimeout + HandshakeTimeout);
        if (await wire.StartTlsAsync(server.Certificates.OptionsFor(listener), ready, HandshakeTimeout) is not { } problem) return true;
        server.Log.HandshakeFailed(client.Address, listener.Name, listener.Port, problem, ready is null
            ? "does the device speak TLS from the first octet (SSL/TLS, not STARTTLS)?"
            : "an old device may need a listener with legacyTls: true, or no encryption");
        return false;
    }

    private async ValueTask<SessionEnd?> AuthAsync(SmtpCommand.Auth auth)
    {
        if (SaslExchange.For(auth.Mechanism) is not { } exchange)
        {
            Refuse(Replies.AuthMechanism, "AUTH");
            return null;
        }
        if (AuthRefusal() is { } refusal)
        {
            Refuse(refusal, "AUTH");
            return null;
        }
        var next = exchange.Begin(auth.Initial);
        while (next is { Code: 334 } challenge)
        {
            Say(challenge);
            wire.Allow(limits.CommandTimeout);
            var heard = await wire.ReadLineAsync(CommandParser.MaxAuthLine, secret: true);
            if (heard is not (Heard.Line or Heard.LineTooLong)) return await EndAsync(heard);
            next = heard == Heard.Line ? exchange.Next(new Secret(System.Text.Encoding.Latin1.GetString(wire.Line))) : Replies.AuthNotBase64;
        }
        if (next is not null)
        {
            Refuse(next, "AUTH");
            return null;
        }
        var credentials = exchange.Credentials!;
        wire.AllowAny();
        if (await server.Logins.RefusalAsync(client, credentials.Username, credentials.Password.Reveal(), limits, server.Stopped) is not { } failure)
        {
            username = credentials.Username;
            if (FindDevice() is { Trace: true }) StartTrace();
            Say(Replies.LoggedIn);
            return null;
        }
        Refuse(failure, "AUTH");
        return ++failedLogins >= limits.AuthFailures || client.Lockout() > TimeSpan.Zero
            ? await HangUpAsync(Replies.TooManyLogins, SessionEnd.TooManyErrors)
            : null;
    }

    private SmtpReply? AuthRefusal()
    {
        if (username is not null) return Replies.AuthAlready;
        if (transaction is not null) return Replies.AuthInTransaction;
        if (!wire.IsTls && !listener.AuthInClear) return Replies.AuthNeedsTls;
        return server.Devices().Devices.Any(device => device.Username is not null) ? null : Replies.AuthNotOffered;
    }

    // --- MAIL, RCPT ---------------------------------------------------------------------------------------------

    private SmtpReply Mail(SmtpCommand.Mail mail)
    {
        if (transaction is not null) return Refused(Replies.NestedMail, "MAIL");
        var device = FindDevice();
        var refusal = client.Message(limits)
            ?? (mail.DeclaredSize > limits.MaxSize ? Replies.TooLarge(limits.MaxSize) : null)
            ?? Decide(device, mail.Sender, null, mail.DeclaredSize).Refusal
            ?? (server.Queue.Refusal(mail.DeclaredSize) is { } full ? Replies.NoStorage(full) : null);
        if (refusal is not null) return Refused(refusal, "MAIL");
        transaction = new Transaction(device, mail.Sender, mail.DeclaredSize);
        wire.InTransaction = true;
        return Replies.SenderOk;
    }

    private SmtpReply Rcpt(SmtpCommand.Rcpt rcpt)
    {
        if (transaction is null) return Refused(Replies.NeedMail, "RCPT");
        if (transaction.Intake is not null) return Refused(Replies.MixedData, "RCPT");
        if (Refusal(transaction, rcpt.Recipients) is { } refusal)
        {
            transaction.WasRecipientRefused = true;
            return Refused(refusal, "RCPT");
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
                server.UnknownDevices.Remember(new UnknownAttempt(client.Address, helo, username, current.Sender, recipient, null, server.Time.GetUtcNow()));
            }
            if (verdict.Refusal is { } refusal) return refusal;
            current.Rule ??= verdict.Rule;
        }
        return null;
    }

    /// <summary>The login wins over the address: two devices may share an address, behind a container's bridge for one.</summary>
    private Device? FindDevice() => username is null ? server.Devices().ByAddress(client.Address) : server.Devices().ByUsername(username);

    private RelayVerdict Decide(Device? device, ReversePath sender, Mailbox? recipient, long size)
    {
        var (lastHour, lastDay) = device is { PerHour: not null } or { PerDay: not null } ? server.Queue.AcceptedFrom(device.Name) : (0, 0);
        return RelayPolicy.Decide(new RelayRequest(device, client.Address, username is not null, wire.IsTls, sender, recipient, size, lastHour, lastDay));
    }

    // --- DATA, BDAT ---------------------------------------------------------------------------------------------

    private async ValueTask<SessionEnd?> DataAsync(DataFraming framing)
    {
        if ((ContentRefusal() ?? (transaction!.Intake is null ? null : Replies.MixedData)) is { } refusal)
        {
            Refuse(refusal, "DATA");
            return null;
        }
        var intake = transaction!.Intake = await BeginAsync(transaction, framing);
        Say(Replies.StartData);
        var heard = await TakeAsync(intake, long.MaxValue);
        if (heard == Heard.Content) return await FinishAsync(transaction, intake);
        if (heard != Heard.TimedOut || !intake.Reader.LooksEnded) return await EndAsync(heard);
        server.Log.SloppyEnd(client.Address, NameOf(transaction.Device));
        return await HangUpAsync(Replies.SloppyEnd, SessionEnd.TimedOut);
    }

    /// <summary>RFC 3030. The octets follow whatever we think of the command, so they are read even when it is refused.</summary>
    private async ValueTask<SessionEnd?> BdatAsync(SmtpCommand.Bdat bdat)
    {
        var refusal = listener.Tls == ListenerTls.Required && !wire.IsTls ? Replies.TlsFirst : ContentRefusal();
        if (refusal is not null)
        {
            var passed = await SkipAsync(bdat.Size);
            if (passed != Heard.Content) return await EndAsync(passed);
            Refuse(refusal, "BDAT");
            return null;
        }
        var current = transaction!;
        var intake = current.Intake ??= await BeginAsync(current, DataFraming.Counted);
        var heard = await TakeAsync(intake, bdat.Size);
        if (heard != Heard.Content) return await EndAsync(heard);
        if (bdat.Last) return await FinishAsync(current, intake);
        Say(Replies.ChunkTaken(bdat.Size));
        return null;
    }

    private SmtpReply? ContentRefusal()
    {
        if (transaction is null) return Replies.NeedMail;
        if (transaction.Recipients.Count > 0) return null;
        return transaction.WasRecipientRefused ? Replies.NoValidRecipients : Replies.NeedRcpt;
    }

    private ValueTask<MessageIntake> BeginAsync(Transaction current, DataFraming framing)
    {
        var message = server.Queue.Receive();
        var received = ReceivedHeader.Create(helo, client.Address, NameOf(current.Device), server.Hostname, Protocol, message.Id, server.Time.GetLocalNow());
        var limit = Math.Min(limits.MaxSize, current.Device?.MaxSize ?? long.MaxValue);
        return MessageIntake.BeginAsync(message, received, framing, limit, limits.Hops, server.Stopped);
    }

    /// <summary>Reads content until its end or for so many octets: <see cref="Heard.Content"/> when it is all here.</summary>
    private async ValueTask<Heard> TakeAsync(MessageIntake intake, long count)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(8 * 1024);
        try
        {
            var progress = 0L;
            wire.Allow(limits.DataTimeout);
            while (count > 0 && !intake.Reader.HasEnded)
            {
                if (intake.Reader.LooksEnded) wire.Allow(SloppyEndWait);
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
                if (progress >= LeastProgress || intake.Reader.LooksEnded)
                {
                    wire.Allow(limits.DataTimeout);
                    progress = 0;
                }
                if (intake.IsHopeless) return Heard.Endless;
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
        wire.Allow(limits.DataTimeout);
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
        wire.AllowAny();
        await intake.CompleteAsync();
        var refusal = intake.IsTooLarge ? Decide(current.Device, current.Sender, null, intake.Octets).Refusal : null;
        refusal ??= intake.Refusal();
        if (refusal is not null)
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
                    server.Meters.Accepted(current.Device.Name, intake.Stored);
                    server.MailLog.Received(id, current.Device.Name, client.Address, current.Sender, recipients.Count, intake.Stored, intake.Subject);
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

    // --- the end ------------------------------------------------------------------------------------------------

    private async ValueTask ResetAsync()
    {
        wire.InTransaction = false;
        if (transaction is not { } current) return;
        transaction = null;
        await current.DisposeAsync();
    }

    private async ValueTask<SessionEnd> EndAsync(Heard heard)
    {
        switch (heard)
        {
            case Heard.TimedOut:
                return await HangUpAsync(Replies.TimedOut, SessionEnd.TimedOut);
            case Heard.Stopping:
                return await HangUpAsync(Replies.Stopping, SessionEnd.Stopping);
            case Heard.Endless:
                return await HangUpAsync(transaction?.Intake is null ? Replies.Endless : Replies.TooLarge(limits.MaxSize), SessionEnd.TooManyErrors);
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
        await wire.LingerAsync(LingerTime, 8 << 20);
        return end;
    }

    private void Say(SmtpReply reply)
    {
        if (reply.Code >= 400) errors++;
        wire.Write(reply);
    }

    private void Refuse(SmtpReply reply, string verb) => Say(Refused(reply, verb));

    private SmtpReply Refused(SmtpReply reply, string verb)
    {
        var device = transaction?.Device ?? FindDevice();
        server.MailLog.Refused(NameOf(device), client.Address, verb, reply);
        server.Meters.Refused(ReasonOf(reply, device));
        return reply;
    }

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
