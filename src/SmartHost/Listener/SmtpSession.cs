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
    /// <summary>Behind one command. More of them is somebody who leans on a key, and is answered.</summary>
    private const int MostEmptyLines = 3;

    private static readonly TimeSpan LingerTime = TimeSpan.FromSeconds(3), LingerQuiet = TimeSpan.FromSeconds(0.5);

    private readonly LimitSettings limits = server.Limits();
    private string? helo, username, triedUsername;
    private bool extended, lastWasRefused, refusalTold;
    private int errors, failedLogins, emptyLines = MostEmptyLines;
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
        if (listener.Tls == ListenerTls.Implicit && await BeginTlsAsync() is { } noTls) return noTls;
        if (server.IsTraced(client.Address) || FindDevice() is { Trace: true }) StartTrace();
        Say(Replies.Greeting(server.Hostname));
        while (true)
        {
            if (wire.Clock.IsStopping && transaction is null) return await HangUpAsync(Replies.Stopping, SessionEnd.Stopping);
            wire.Clock.Allow(limits.CommandTimeout);
            switch (await wire.ReadLineAsync(CommandParser.MaxAuthLine))
            {
                case Heard.Line when SkipEcho():
                    break;
                case Heard.Line:
                    if (await ObeyAsync(CommandParser.Parse(wire.Line)) is { } end) return end;
                    break;
                case Heard.LineTooLong:
                    Refuse(Replies.LineTooLong, "command");
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
    /// True: the line is empty and in one piece with the line before it, as “EHLO x CR LF CR LF”, and gets no reply, which would
    /// be taken for that to the next command. Who sends an empty line by itself waits for an answer.
    /// </summary>
    private bool SkipEcho()
    {
        var isEcho = wire.Line.IsEmpty && wire.WasAtHand && emptyLines < MostEmptyLines;
        emptyLines = wire.Line.IsEmpty ? isEcho ? emptyLines + 1 : MostEmptyLines : 0;
        return isEcho;
    }

    /// <summary>Not null: the session is over.</summary>
    private async ValueTask<SessionEnd?> ObeyAsync(SmtpCommand command)
    {
        if (NeedsTls && VerbForTls(command) is { } verb)
        {
            // Most devices give up here, and never name a recipient.
            if (command is SmtpCommand.Mail or SmtpCommand.Auth) RememberStranger((command as SmtpCommand.Mail)?.Sender ?? ReversePath.Null, null);
            Refuse(Replies.TlsFirst, verb);
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
                // Without RSET an error (RFC 5321 §4.1.4). But a device that empties its queue goes on so behind a message that nobody may have.
                if (transaction is { IsForNobody: true, Intake: null }) await ResetAsync();
                Say(Mail(mail));
                return null;
            case SmtpCommand.Rcpt rcpt:
                Rcpt(rcpt);
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
            case SmtpCommand.NotSmtp(var reply):
                return await TurnAwayAsync(reply);
            case SmtpCommand.Invalid { Hangup: true } invalid:
                return await HangUpAsync(Refused(invalid.Reply, invalid.Verb), SessionEnd.TooManyErrors);
            case SmtpCommand.Invalid invalid:
                Refuse(invalid.Reply, invalid.Verb);
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
                return await TurnAwayAsync(Replies.TlsHello);
            default:
                return SessionEnd.ClosedByClient;
        }
    }

    private async ValueTask<SessionEnd> TurnAwayAsync(SmtpReply reply)
    {
        server.Log.NotSmtp(client.Address, listener.Name, listener.Port, reply.Text);
        Show(FindDevice(), reply);
        return await HangUpAsync(reply, SessionEnd.NotSmtp);
    }

    private async ValueTask<SessionEnd> HangUpAsync(SmtpReply reply, SessionEnd end)
    {
        wire.Write(reply);
        await wire.LingerAsync(LingerTime, LingerQuiet, 8 << 20);
        return end;
    }

    private void StartTrace()
    {
        if (wire.Trace is not null) return;
        wire.Trace = WireTrace.Open(server.TraceFolder, FindDevice()?.Name ?? client.Address.ToString(), connectionId, server.Time, out var problem);
        if (problem is not null) server.Log.NoTrace(problem);
        wire.Trace?.Note($"{client.Address} on listener {listener.Name}, port {listener.Port}{(wire.IsTls ? ", TLS" : "")}");
    }
}
