namespace SmartHost.Practice;

/// <content>AUTH: who is this?</content>
internal sealed partial class PracticeSession
{
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

        var played = await PlayAsync(PracticeStage.Auth, cancellation, mechanism);
        if (played.Ended) return false;
        if (played.Code == 334)
        {
            await wire.ReadLineAsync(cancellation);
            return await AnswerAsync(PracticeStage.AuthResponse, PracticeReplies.BadCredentials, cancellation);
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
}
