using System.Net.Sockets;
using System.Security.Authentication;
using SmartHost.Mail;

namespace SmartHost.Practice;

/// <summary>
/// One connection to the practice Gmail, from greeting to end. It forgives nothing (see <see cref="PracticeWire"/>), and at
/// each <see cref="PracticeStage"/> it first asks the script whether to misbehave. A broken connection ends it quietly;
/// anything else that is thrown is a bug, and surfaces when the practice Gmail is disposed.
/// </summary>
internal sealed class PracticeSession(PracticeGmail gmail, PracticeWire wire, int connection, bool implicitTls, Random random, TimeProvider time)
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
        if ((await PlayAsync(PracticeStage.Connect, null, cancellation)).Ended) return;
        if (implicitTls && !await ShakeHandsAsync(cancellation)) return;
        if (!await AnswerAsync(PracticeStage.Greeting, null, new SmtpReply(220, "smtp.gmail.com ESMTP"), null, cancellation)) return;
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
                return await AnswerAsync(PracticeStage.Rset, null, PracticeReplies.Flushed, null, cancellation);
            case "NOOP":
                return await AnswerAsync(PracticeStage.Noop, null, PracticeReplies.Nothing, null, cancellation);
            case "QUIT":
                if (!await AnswerAsync(PracticeStage.Quit, null, PracticeReplies.Goodbye, null, cancellation)) return false;
                await wire.CloseAsync(cancellation);
                return false;
            case "VRFY":
                return Say(PracticeReplies.Unverified);
            case "HELP" or "EXPN" or "TURN":
                return Say(PracticeReplies.Unimplemented);
            default:
                if (++unrecognized < MostUnrecognized) return Say(PracticeReplies.Unrecognized);
                await EndAsync(PracticeReplies.TooManyUnrecognized, cancellation);
                return false;
        }
    }

    private async Task<bool> HelloAsync(string verb, string name, CancellationToken cancellation)
    {
        if (name.Trim().Length == 0)
        {
            await EndAsync(PracticeReplies.NoHelloArgument, cancellation);
            return false;
        }
        var stage = wire.Tls is null ? PracticeStage.Ehlo : PracticeStage.EhloTls;
        var played = await PlayAsync(stage, null, cancellation);
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
        if (wire.HasInput)
        {
            // Obeyed, these would be commands from before the encryption, believed as if they came after it.
            await EndAsync(PracticeReplies.PipelinedAfterStartTls, cancellation);
            return false;
        }
        var ready = false;
        if (!await AnswerAsync(PracticeStage.StartTls, null, PracticeReplies.ReadyForTls, () => ready = true, cancellation)) return false;
        if (!ready) return true;
        await wire.FlushAsync(cancellation);
        greeted = false; // RFC 3207 §4.2: both forget what was said before.
        return await ShakeHandsAsync(cancellation);
    }

    private async Task<bool> ShakeHandsAsync(CancellationToken cancellation)
    {
        if (gmail.Script.Next(PracticeStage.Handshake, null) is { } rule)
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

    private async Task<bool> AuthAsync(string argument, CancellationToken cancellation)
    {
        if (!greeted) return Say(PracticeReplies.HelloFirst);
        if (wire.Tls is null) return Say(PracticeReplies.StartTlsFirst);
        if (loggedIn) return Say(PracticeReplies.NoIdentityChange);
        var parts = argument.Split(' ');
        var mechanism = parts[0].ToUpperInvariant();
        if (parts.Length > 2) return Say(PracticeReplies.CannotDecode);
        var initial = parts.Length == 2 ? parts[1] : null;
        if (mechanism == "XOAUTH") return Say(PracticeReplies.XoauthGone);
        if (!Settings.AuthMechanisms.Contains(mechanism) || mechanism is not ("PLAIN" or "LOGIN" or "XOAUTH2" or "OAUTHBEARER"))
            return Say(PracticeReplies.UnknownMechanism);

        PracticeClaim? claim;
        if (mechanism == "LOGIN")
        {
            var name = initial is null ? await AskAsync("VXNlcm5hbWU6", cancellation) : PracticeClaim.Decode(initial);
            var password = name is null ? null : await AskAsync("UGFzc3dvcmQ6", cancellation);
            claim = name is null || password is null ? null : new PracticeClaim(name, password, false);
        }
        else
        {
            var response = initial is null ? await AskAsync("", cancellation) : PracticeClaim.Decode(initial);
            claim = response is null ? null : mechanism switch
            {
                "PLAIN" => PracticeClaim.Plain(response),
                "XOAUTH2" => PracticeClaim.Xoauth2(response),
                _ => PracticeClaim.OAuthBearer(response),
            };
        }
        if (claim is not { } claimed) return Say(PracticeReplies.CannotDecode);
        gmail.TriedToLogIn();

        var played = await PlayAsync(PracticeStage.Auth, mechanism, cancellation);
        if (played.Ended) return false;
        if (played.Code == 334)
        {
            await wire.ReadLineAsync(cancellation);
            return await AnswerAsync(PracticeStage.AuthResponse, null, PracticeReplies.BadCredentials, null, cancellation);
        }
        var known = claimed.IsToken
            ? gmail.Accounts.ByToken(claimed.Username, claimed.Secret)
            : gmail.Accounts.ByPassword(claimed.Username, claimed.Secret);
        if (played.Positive || (!played.Answered && known is not null)) (loggedIn, account) = (true, known ?? (Settings.Accounts is [var first, ..] ? first : null));
        if (played.Answered) return true;
        if (loggedIn) return Say(PracticeReplies.LoggedIn);
        if (claimed.IsToken)
        {
            // RFC 7628 §3.2.3: the refusal is a challenge first; the client must answer it, and then hears 535.
            wire.Say($"334 {Convert.ToBase64String("""{"status":"400","schemes":"Bearer","scope":"https://mail.google.com/"}"""u8)}\r\n");
            var (_, fault) = await wire.ReadLineAsync(cancellation);
            if (fault is LineFault.Closed) return false;
        }
        return Say(PracticeReplies.BadCredentials);
    }

    /// <summary>One challenge and its answer, decoded; null where the answer is none.</summary>
    private async Task<string?> AskAsync(string challenge, CancellationToken cancellation)
    {
        wire.Say($"334 {challenge}\r\n");
        var (line, fault) = await wire.ReadLineAsync(cancellation);
        return fault is LineFault.None ? PracticeClaim.Decode(line) : null;
    }

    private async Task<bool> MailAsync(string argument, CancellationToken cancellation)
    {
        if (!greeted) return Say(PracticeReplies.HelloFirst);
        var path = PracticePath.Read(argument, "FROM:");
        var refusal = Refusal();
        return await AnswerAsync(PracticeStage.Mail, path?.Mailbox?.ToString(), refusal ?? PracticeReplies.Done, Begin, cancellation);

        SmtpReply? Refusal()
        {
            if (wire.Tls is null) return PracticeReplies.StartTlsFirst;
            if (Settings.RequiresLogin && !loggedIn) return PracticeReplies.LoginFirst;
            if (sender is not null) return PracticeReplies.WrongOrder;
            if (path is null) return PracticeReplies.SyntaxError;
            if (path.Mailbox is null && !path.IsEmpty) return PracticeReplies.BadSender(path.Path);
            foreach (var parameter in path.Parameters)
            {
                var (name, value) = parameter.Split('=', 2) is [var left, var right] ? (left.ToUpperInvariant(), right) : (parameter.ToUpperInvariant(), "");
                if (name == "SIZE" && long.TryParse(value, System.Globalization.NumberStyles.None, null, out var size))
                {
                    if (size > Settings.MaxSize) return PracticeReplies.TooLarge;
                    continue;
                }
                var known = (name, value.ToUpperInvariant()) switch
                {
                    ("BODY", "7BIT" or "8BITMIME") => Settings.Extensions.Contains("8BITMIME"),
                    ("SMTPUTF8", "") => Settings.Extensions.Contains("SMTPUTF8"),
                    ("AUTH", not "") => true,
                    _ => false,
                };
                if (!known) return PracticeReplies.UnknownParameter;
            }
            return path.Mailbox is { IsInternational: true } && !Announces("SMTPUTF8") ? PracticeReplies.SyntaxError : null;
        }

        void Begin()
        {
            sender = new ReversePath(path?.Mailbox);
            body8Bit = Announces("BODY=8BITMIME");
            utf8 = Announces("SMTPUTF8");
        }

        bool Announces(string parameter) => path is not null && path.Parameters.Contains(parameter, StringComparer.OrdinalIgnoreCase);
    }

    private async Task<bool> RecipientAsync(string argument, CancellationToken cancellation)
    {
        var path = PracticePath.Read(argument, "TO:");
        return await AnswerAsync(PracticeStage.Rcpt, path?.Mailbox?.ToString(), Refusal() ?? PracticeReplies.RecipientDone, Add, cancellation);

        SmtpReply? Refusal()
        {
            if (sender is null) return PracticeReplies.MailFirst;
            if (recipients.Count >= Settings.Recipients) return PracticeReplies.TooManyRecipients;
            if (path is null) return PracticeReplies.SyntaxError;
            if (path.Mailbox is not { } mailbox || (mailbox.IsInternational && !utf8)) return PracticeReplies.BadRecipient(path.Path);
            return path.Parameters.Count > 0 ? PracticeReplies.UnknownParameter : null;
        }

        void Add()
        {
            if (path?.Mailbox is { } mailbox) recipients.Add(mailbox);
        }
    }

    private async Task<bool> DataAsync(string argument, CancellationToken cancellation)
    {
        var refusal = argument.Length > 0 ? PracticeReplies.NoParameters
            : chunks is not null ? PracticeReplies.NoDataAfterBdat
            : TransactionFault();
        var go = false;
        if (!await AnswerAsync(PracticeStage.Data, null, refusal ?? PracticeReplies.Go, () => go = true, cancellation)) return false;
        if (!go) return true;
        using var content = new ArrivingContent(Settings.KeepsContent);
        var interruption = Interruption();
        // RFC 5321 §4.1.1.4: only CRLF.CRLF ends it. A dot between bare LFs is text, and a violation.
        var lineStart = true;
        while (true)
        {
            var input = wire.Input;
            if (lineStart && input is [(byte)'.', ..])
            {
                if (input is [_, (byte)'\r', (byte)'\n', ..])
                {
                    wire.Skip(3);
                    if (!await InterruptAsync(interruption, content, cancellation)) return false;
                    return await EndOfDataAsync(content, "DATA", cancellation);
                }
                if (input.Length >= 3 || input is [_, not (byte)'\r', ..])
                {
                    wire.Skip(1);
                    lineStart = false;
                    continue;
                }
            }
            else if (input.IndexOf("\r\n"u8) is var end and >= 0)
            {
                Keep(content, end + 2);
                lineStart = true;
                continue;
            }
            else if (input.Length > 1)
            {
                Keep(content, input.Length - 1); // the last octet may be the CR of a CRLF
                lineStart = false;
            }
            if (!await InterruptAsync(interruption, content, cancellation)) return false;
            if (!await wire.FillAsync(cancellation)) return false;
        }
    }

    private async Task<bool> BdatAsync(string argument, CancellationToken cancellation)
    {
        var parts = argument.Split(' ');
        if (parts.Length is < 1 or > 2 || !long.TryParse(parts[0], System.Globalization.NumberStyles.None, null, out var left)
            || (parts.Length == 2 && !parts[1].Equals("LAST", StringComparison.OrdinalIgnoreCase)))
        {
            // How much to skip is unknown, so what follows cannot be told from commands.
            await EndAsync(PracticeReplies.SyntaxError, cancellation);
            return false;
        }
        var last = parts.Length == 2;
        var refusal = TransactionFault();
        Played played = default;
        if (chunks is null)
        {
            played = await PlayAsync(PracticeStage.Data, null, cancellation);
            if (played.Ended) return false;
        }
        var taking = played.Answered ? played.Positive : refusal is null;
        if (taking) chunks ??= new ArrivingContent(Settings.KeepsContent);
        var interruption = taking ? Interruption() : null;
        while (left > 0)
        {
            if (!wire.HasInput && !await wire.FillAsync(cancellation)) return false;
            var part = (int)Math.Min(left, wire.Input.Length);
            if (taking) Keep(chunks!, part);
            else wire.Skip(part);
            left -= part;
            if (taking && !await InterruptAsync(interruption, chunks!, cancellation)) return false;
        }
        if (!taking)
        {
            // RFC 3030 §2: after a refused chunk the transaction is void.
            Forget();
            return played.Answered || Say(refusal!);
        }
        if (!last) return played.Answered || Say(new SmtpReply(250, new(2, 0, 0), "OK, chunk taken"));
        var whole = chunks!;
        chunks = null;
        using (whole) return await EndOfDataAsync(whole, "BDAT", cancellation);
    }

    private SmtpReply? TransactionFault() =>
        sender is null ? PracticeReplies.MailFirst
        : recipients.Count == 0 ? PracticeReplies.RecipientFirst
        : !gmail.Accounts.MaySend(account, recipients.Count) ? PracticeReplies.DailyLimit
        : null;

    private void Keep(ArrivingContent content, int octets)
    {
        // Beyond the limit it is only counted: the refusal comes at the end, as RFC 1870 §6.3 has it.
        content.Append(wire.Input[..octets], keepNothing: content.Octets + octets > Settings.MaxSize);
        wire.Skip(octets);
    }

    private PracticeRule? Interruption() => gmail.Script.Next(PracticeStage.Content, null);

    /// <returns>False: the connection is over.</returns>
    private async Task<bool> InterruptAsync(PracticeRule? rule, ArrivingContent content, CancellationToken cancellation)
    {
        if (rule is null || content.Interrupted || content.Octets < rule.After) return true;
        content.Interrupted = true;
        return !(await PlayAsync(rule, cancellation)).Ended;
    }

    private async Task<bool> EndOfDataAsync(ArrivingContent content, string command, CancellationToken cancellation)
    {
        var envelope = new Envelope(sender ?? ReversePath.Null, [.. recipients]);
        Forget();
        var played = await PlayAsync(PracticeStage.EndOfData, null, cancellation);
        if (played.Ended) return false;
        if (played.Answered && !played.Positive) return true;
        if (!played.Answered && content.Octets > Settings.MaxSize) return Say(PracticeReplies.TooLarge);

        var (octets, digest, violations) = content.Finish(body8Bit, utf8);
        gmail.Accounts.Spend(account, envelope.Recipients.Count);
        gmail.Take(new PracticeMessage
        {
            Number = 0,
            Envelope = envelope,
            Content = octets,
            Size = content.Octets,
            Digest = digest,
            Account = account?.Username,
            Identities = account is null ? [] : [account.Username, .. account.Aliases],
            Tls = wire.Tls,
            Connection = connection,
            At = time.GetUtcNow(),
            Command = command,
            Violations = violations,
            RewritesFrom = Settings.RewritesFrom,
        });
        if (!played.Answered && !await AnswerAsync(PracticeStage.Taken, null, PracticeReplies.Taken, null, cancellation)) return false;
        if (gmail.Script.Next(PracticeStage.Idle, null) is not { } unasked) return true;
        await wire.FlushAsync(cancellation);
        return !(await PlayAsync(unasked, cancellation)).Ended;
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

    private async Task EndAsync(SmtpReply reply, CancellationToken cancellation)
    {
        Say(reply);
        await wire.CloseAsync(cancellation);
    }

    /// <summary>The script's answer if it has one, else this. <paramref name="accepted"/> runs where the answer is positive, whoever gave it.</summary>
    /// <returns>False: the connection is over.</returns>
    private async Task<bool> AnswerAsync(PracticeStage stage, string? argument, SmtpReply normal, Action? accepted, CancellationToken cancellation)
    {
        var played = await PlayAsync(stage, argument, cancellation);
        if (played.Ended) return false;
        if (!played.Answered) Say(normal);
        if (played.Answered ? played.Positive : normal.IsPositive) accepted?.Invoke();
        return true;
    }

    /// <param name="Code">0: what was said was no reply.</param>
    private readonly record struct Played(bool Answered, int Code, bool Ended)
    {
        public bool Positive => Code is >= 200 and < 400;
    }

    private async Task<Played> PlayAsync(PracticeStage stage, string? argument, CancellationToken cancellation) =>
        gmail.Script.Next(stage, argument) is { } rule ? await PlayAsync(rule, cancellation) : default;

    private async Task<Played> PlayAsync(PracticeRule rule, CancellationToken cancellation)
    {
        var played = default(Played);
        rule.Reach();
        foreach (var action in rule.What)
        {
            switch (action)
            {
                case Misbehaviour.Reply reply:
                    wire.Say(reply.Text.ReplaceLineEndings("\r\n") + "\r\n");
                    played = new Played(true, reply.Code, false);
                    if (reply.Code != 421) break;
                    await wire.CloseAsync(cancellation);
                    return played with { Ended = true };
                case Misbehaviour.Half half:
                    wire.Say(half.Text);
                    played = new Played(true, 0, false);
                    break;
                case Misbehaviour.Garbage garbage:
                    var noise = new byte[Math.Clamp(garbage.Octets, 1, 16 << 20)];
                    random.NextBytes(noise);
                    wire.Say(noise);
                    played = new Played(true, 0, false);
                    break;
                case Misbehaviour.Flood flood:
                    await FloodAsync(Math.Clamp(flood.Octets, 1, 64 << 20), cancellation);
                    played = new Played(true, 0, false);
                    break;
                case Misbehaviour.Stall:
                    await wire.FlushAsync(cancellation);
                    await rule.Released.WaitAsync(cancellation);
                    break;
                case Misbehaviour.Delay delay:
                    await wire.FlushAsync(cancellation);
                    await Task.Delay(delay.For, time, cancellation);
                    break;
                case Misbehaviour.Close:
                    await wire.CloseAsync(cancellation);
                    return played with { Ended = true };
                case Misbehaviour.Reset:
                    await wire.FlushAsync(cancellation);
                    wire.Reset();
                    return played with { Ended = true };
            }
        }
        return played;
    }

    private async Task FloodAsync(int octets, CancellationToken cancellation)
    {
        var line = "250-" + new string('x', 506) + "\r\n";
        for (var said = 0; said < octets; said += line.Length)
        {
            wire.Say(line);
            if (said % 65_536 < line.Length) await wire.FlushAsync(cancellation);
        }
        await wire.FlushAsync(cancellation);
    }
}
