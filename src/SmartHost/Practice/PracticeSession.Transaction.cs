using SmartHost.Mail;

namespace SmartHost.Practice;

/// <content>MAIL to the final dot: whom is it from, whom is it for, and what is it?</content>
internal sealed partial class PracticeSession
{
    private async Task<bool> MailAsync(string argument, CancellationToken cancellation)
    {
        if (!greeted) return Say(PracticeReplies.HelloFirst);
        var path = PracticePath.Read(argument, "FROM:");
        return await AnswerAsync(PracticeStage.Mail, Refusal() ?? PracticeReplies.Done, cancellation, path?.Mailbox?.ToString(), Begin);

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
        return await AnswerAsync(PracticeStage.Rcpt, Refusal() ?? PracticeReplies.RecipientDone, cancellation, path?.Mailbox?.ToString(), Add);

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
        if (!await AnswerAsync(PracticeStage.Data, refusal ?? PracticeReplies.Go, cancellation, accepted: () => go = true)) return false;
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
        // Where it cannot be read, how much to skip is unknown, and what follows cannot be told from commands.
        if (parts.Length > 2 || !long.TryParse(parts[0], System.Globalization.NumberStyles.None, null, out var left)
            || (parts.Length == 2 && !parts[1].Equals("LAST", StringComparison.OrdinalIgnoreCase)))
            return await EndAsync(PracticeReplies.SyntaxError, cancellation);
        var last = parts.Length == 2;
        var refusal = TransactionFault();
        Played played = default;
        if (chunks is null)
        {
            played = await PlayAsync(PracticeStage.Data, cancellation);
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
        using (whole) return await EndOfDataAsync(whole, "BDAT", cancellation, played);
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

    private PracticeRule? Interruption() => gmail.Script.Next(PracticeStage.Content);

    /// <returns>False: the connection is over.</returns>
    private async Task<bool> InterruptAsync(PracticeRule? rule, ArrivingContent content, CancellationToken cancellation)
    {
        if (rule is null || content.Interrupted || content.Octets < rule.After) return true;
        content.Interrupted = true;
        return !(await PlayAsync(rule, cancellation)).Ended;
    }

    /// <param name="said">What the script has already said to this very command: one command, one answer.</param>
    private async Task<bool> EndOfDataAsync(ArrivingContent content, string command, CancellationToken cancellation, Played said = default)
    {
        var envelope = new Envelope(sender ?? ReversePath.Null, [.. recipients]);
        Forget();
        var played = said.Answered ? said : await PlayAsync(PracticeStage.EndOfData, cancellation);
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
        if (!played.Answered && !await AnswerAsync(PracticeStage.Taken, PracticeReplies.Taken, cancellation)) return false;
        if (gmail.Script.Next(PracticeStage.Idle) is not { } unasked) return true;
        await wire.FlushAsync(cancellation);
        return !(await PlayAsync(unasked, cancellation)).Ended;
    }
}
