using System.Net.Sockets;
using System.Security.Authentication;
using SmartHost.Mail;

namespace SmartHost.Practice;

/// <summary>
/// One connection to the practice Gmail, from greeting to end. It forgives nothing (see <see cref="PracticeWire"/>), and at
/// each <see cref="PracticeStage"/> it first asks the script whether to misbehave. A broken connection ends it quietly;
/// anything else that is thrown is a bug, and surfaces when the practice Gmail is disposed.
/// </summary>
internal sealed partial class PracticeSession(PracticeGmail gmail, PracticeWire wire, int connection, bool implicitTls, Random random, TimeProvider time)
{
    private const int MostUnrecognized = 10;

    // Gmail's submission servers mark themselves by "sm" in it.
    private readonly string mark = $"{random.NextInt64(1L << 52):x13}-{random.NextInt64(1L << 36):x9}sm{random.Next(10_000_000, 99_999_999)}a{(char)('a' + random.Next(26))}.{random.Next(10, 40)} - gsmtp";
    private readonly List<Mailbox> recipients = [];
    private bool greeted;
    private PracticeAccount? account;
    private bool loggedIn;
    private ReversePath? sender;
    private bool body8Bit, utf8;
    private ArrivingContent? chunks;
    private int unrecognized;

    private PracticeSettings Settings => gmail.Settings;

    public async Task RunAsync(CancellationToken cancellation)
    {
        try
        {
            try
            {
                await ConverseAsync(cancellation);
            }
            catch (TimeoutException)
            {
                await EndAsync(PracticeReplies.TimedOut, cancellation);
            }
        }
        catch (Exception e) when (e is IOException or SocketException or ObjectDisposedException or AuthenticationException)
        {
            // The client went away, or would not shake hands: its own business, and its own log says so.
        }
        finally
        {
            chunks?.Dispose();
        }
    }

    private async Task ConverseAsync(CancellationToken cancellation)
    {
        if ((await PlayAsync(PracticeStage.Connect, cancellation)).Ended) return;
        if (implicitTls && !await ShakeHandsAsync(cancellation)) return;
        if (!await AnswerAsync(PracticeStage.Greeting, new SmtpReply(220, "smtp.gmail.com ESMTP"), cancellation)) return;
        while (true)
        {
            var (line, fault) = await wire.ReadLineAsync(cancellation);
            if (fault is LineFault.Closed) return;
            if (fault is not LineFault.None)
            {
                gmail.Violated(connection, $"{fault} in a command");
                await EndAsync(fault is LineFault.TooLong ? PracticeReplies.LineTooLong : PracticeReplies.ProtocolViolation, cancellation);
                return;
            }
            if (!await ObeyAsync(line, cancellation)) return;
        }
    }

    /// <returns>False: the connection is over.</returns>
    private async Task<bool> ObeyAsync(string line, CancellationToken cancellation)
    {
        var blank = line.IndexOf(' ');
        var verb = (blank < 0 ? line : line[..blank]).ToUpperInvariant();
        var argument = blank < 0 ? "" : line[(blank + 1)..];
        gmail.Heard(connection, verb is "AUTH" ? $"AUTH {argument.Split(' ')[0]}{(argument.Contains(' ') ? " ***" : "")}" : line);
        // RFC 2920 §3.1: these change what may follow, so nothing may follow them in one group.
        if (verb is "EHLO" or "HELO" or "DATA" or "AUTH" or "STARTTLS" or "NOOP" or "QUIT" && wire.HasInput)
            gmail.Violated(connection, $"input after {verb} in the same group");
        switch (verb)
        {
            case "EHLO" or "HELO":
                return await HelloAsync(verb, argument, cancellation);
            case "STARTTLS":
                return await StartTlsAsync(argument, cancellation);
            case "AUTH":
                return await AuthAsync(argument, cancellation);
            case "MAIL":
                return await MailAsync(argument, cancellation);
            case "RCPT":
                return await RecipientAsync(argument, cancellation);
            case "DATA":
                return await DataAsync(argument, cancellation);
            case "BDAT" when Settings.Extensions.Contains("CHUNKING"):
                return await BdatAsync(argument, cancellation);
            case "RSET":
                Forget();
                return await AnswerAsync(PracticeStage.Rset, PracticeReplies.Flushed, cancellation);
            case "NOOP":
                return await AnswerAsync(PracticeStage.Noop, PracticeReplies.Nothing, cancellation);
            case "QUIT":
                if (!await AnswerAsync(PracticeStage.Quit, PracticeReplies.Goodbye, cancellation)) return false;
                await wire.CloseAsync(cancellation);
                return false;
            case "VRFY":
                return Say(PracticeReplies.Unverified);
            case "HELP" or "EXPN" or "TURN":
                return Say(PracticeReplies.Unimplemented);
            default:
                return ++unrecognized < MostUnrecognized ? Say(PracticeReplies.Unrecognized) : await EndAsync(PracticeReplies.TooManyUnrecognized, cancellation);
        }
    }

    private async Task<bool> HelloAsync(string verb, string name, CancellationToken cancellation)
    {
        if (name.Trim().Length == 0) return await EndAsync(PracticeReplies.NoHelloArgument, cancellation);
        var stage = wire.Tls is null ? PracticeStage.Ehlo : PracticeStage.EhloTls;
        var played = await PlayAsync(stage, cancellation);
        if (played.Ended) return false;
        if (played.Answered && !played.Positive) return true;
        greeted = true;
        Forget();
        if (played.Answered) return true;
        if (verb == "HELO") return Say(new SmtpReply(250, "smtp.gmail.com at your service"));
        var offers = new List<string> { "smtp.gmail.com at your service, [127.0.0.1]", $"SIZE {Settings.MaxSize}" };
        // In Gmail's order: 8BITMIME, then AUTH or STARTTLS, then the rest.
        offers.AddRange(Settings.Extensions.Where(offer => offer == "8BITMIME"));
        if (wire.Tls is null) offers.Add("STARTTLS");
        else if (Settings.RequiresLogin) offers.Add("AUTH " + string.Join(' ', Settings.AuthMechanisms));
        offers.AddRange(Settings.Extensions.Where(offer => offer != "8BITMIME"));
        for (var i = 0; i < offers.Count; i++) wire.Say($"250{(i == offers.Count - 1 ? ' ' : '-')}{offers[i]}\r\n");
        return true;
    }

    private async Task<bool> StartTlsAsync(string argument, CancellationToken cancellation)
    {
        if (argument.Length > 0) return Say(PracticeReplies.NoParameters);
        if (wire.Tls is not null) return Say(PracticeReplies.StartTlsRepeated);
        if (!greeted) return Say(PracticeReplies.HelloFirst);
        // Obeyed, these would be commands from before the encryption, believed as if they came after it.
        if (wire.HasInput) return await EndAsync(PracticeReplies.PipelinedAfterStartTls, cancellation);
        var ready = false;
        if (!await AnswerAsync(PracticeStage.StartTls, PracticeReplies.ReadyForTls, cancellation, accepted: () => ready = true)) return false;
        if (!ready) return true;
        await wire.FlushAsync(cancellation);
        greeted = false; // RFC 3207 §4.2: both forget what was said before.
        return await ShakeHandsAsync(cancellation);
    }

    private async Task<bool> ShakeHandsAsync(CancellationToken cancellation)
    {
        if (gmail.Script.Next(PracticeStage.Handshake) is { } rule)
        {
            // Not before the client's hello, as any server: or it would find its answer in the same packet as the 220.
            await wire.WaitForInputAsync(cancellation);
            var played = await PlayAsync(rule, cancellation);
            if (played.Ended) return false;
            if (played.Answered)
            {
                await wire.CloseAsync(cancellation);
                return false;
            }
        }
        await wire.StartTlsAsync(gmail.Certificate.Context, cancellation);
        return true;
    }

    private void Forget()
    {
        sender = null;
        recipients.Clear();
        chunks?.Dispose();
        chunks = null;
    }

    private bool Say(SmtpReply reply)
    {
        wire.Say(PracticeReplies.Render(reply, mark));
        return true;
    }

    /// <returns>False: the connection is over.</returns>
    private async Task<bool> EndAsync(SmtpReply reply, CancellationToken cancellation)
    {
        Say(reply);
        await wire.CloseAsync(cancellation);
        return false;
    }
}
