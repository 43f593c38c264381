using System.Net.Security;
using System.Text;
using SmartHost.Mail;

namespace SmartHost.Listener;

/// <summary>The part of a conversation that says who is speaking, and keeps others from listening: STARTTLS (RFC 3207) and AUTH (RFC 4954).</summary>
internal sealed partial class SmtpSession
{
    private static readonly TimeSpan HandshakeTimeout = TimeSpan.FromSeconds(30);

    /// <summary>A TLS client speaks first and at once; one that waits for a greeting gives up after half a minute.</summary>
    private static readonly TimeSpan HelloTimeout = TimeSpan.FromSeconds(15);

    private bool NeedsTls => listener.Tls == ListenerTls.Required && !wire.IsTls;

    /// <summary>What may not be said in clear there. BDAT answers for itself, since its octets follow whatever it hears.</summary>
    private static string? VerbForTls(SmtpCommand command) => command switch
    {
        SmtpCommand.Mail => "MAIL",
        SmtpCommand.Rcpt => "RCPT",
        SmtpCommand.Data => "DATA",
        SmtpCommand.Auth => "AUTH",
        SmtpCommand.Verify => "VRFY",
        _ => null,
    };

    private async ValueTask<SessionEnd?> StartTlsAsync()
    {
        if (wire.IsTls || listener.Tls == ListenerTls.Off)
        {
            Refuse(wire.IsTls ? Replies.TlsAlready : Replies.TlsOff, "STARTTLS");
            return null;
        }
        if (TlsOptions() is not { } options)
        {
            Refuse(Replies.TlsNotNow, "STARTTLS");
            return null;
        }
        if (!await HandshakeAsync(options, Replies.ReadyForTls)) return SessionEnd.HandshakeFailed;
        // RFC 3207 §4.2: what was said before is forgotten.
        await ResetAsync();
        (helo, extended, username) = (null, false, null);
        return null;
    }

    /// <summary>On a port that begins with TLS. Who speaks in clear, or waits for a greeting, is told; why a handshake fails there is no way to say, but to the owner.</summary>
    private async ValueTask<SessionEnd?> BeginTlsAsync()
    {
        wire.Clock.Allow(HelloTimeout);
        switch (await wire.HelloAsync())
        {
            case Heard.TlsHello when TlsOptions() is { } options:
                return await HandshakeAsync(options, ready: null) ? null : SessionEnd.HandshakeFailed;
            case Heard.TlsHello:
                Show(FindDevice(), Replies.TlsNotNow);
                return SessionEnd.HandshakeFailed;
            case Heard.Content or Heard.TimedOut:
                return await HangUpAsync(Refused(Replies.TlsAtOnce, "connection"), SessionEnd.HandshakeFailed);
            case var heard:
                return await EndAsync(heard);
        }
    }

    private SslServerAuthenticationOptions? TlsOptions()
    {
        try
        {
            return server.Certificates.OptionsFor(listener);
        }
        catch (CertificateUnavailableException e)
        {
            server.Log.NoTls(client.Address, listener.Name, listener.Port, e.Message);
            return null;
        }
    }

    private async ValueTask<bool> HandshakeAsync(SslServerAuthenticationOptions options, SmtpReply? ready)
    {
        wire.Clock.Allow(HandshakeTimeout + HandshakeTimeout);
        if (await wire.StartTlsAsync(options, ready, HandshakeTimeout) is not { } problem) return true;
        var hint = IsDistrust(problem)
            ? "the device does not trust the certificate: switch off its check, give this listener a certificate that it knows (certificateFile), or set tls: off here, for programs that encrypt wherever it is offered"
            : ready is null
            ? "does the device speak TLS from the first octet (SSL/TLS, not STARTTLS)?"
            : listener.LegacyTls ? "the device may want something older than TLS 1.0, or another certificate: set it to no encryption"
            : "an old device may need a listener with legacyTls: true, or no encryption";
        server.Log.HandshakeFailed(client.Address, listener.Name, listener.Port, problem.TrimEnd('.'), hint);
        Show(FindDevice(), Replies.HandshakeFailed(hint));
        return false;
    }

    /// <summary>
    /// One of the alerts for that (RFC 8446 §6.2: bad_certificate, certificate_unknown, unknown_ca and their kin), in OpenSSL's words. A client
    /// that hangs up without an alert cannot be told from one that was switched off.
    /// </summary>
    private static bool IsDistrust(string problem) =>
        problem.Contains(" alert ", StringComparison.Ordinal)
            && (problem.Contains("certificate", StringComparison.Ordinal) || problem.Contains("unknown ca", StringComparison.Ordinal));

    private async ValueTask<SessionEnd?> AuthAsync(SmtpCommand.Auth auth)
    {
        var exchange = SaslExchange.For(auth.Mechanism);
        // Whether one may log in at all comes first: who is told of other mechanisms tries them.
        if ((AuthRefusal() ?? (exchange is null ? Replies.AuthMechanism : null)) is { } refusal)
        {
            // Most devices give up here, and never name a recipient.
            if (refusal == Replies.AuthNeedsTls || refusal == Replies.AuthWithoutTls || refusal == Replies.AuthNotOffered) RememberStranger(ReversePath.Null, null);
            Refuse(refusal, "AUTH");
            return null;
        }
        var next = exchange!.Begin(auth.Initial);
        while (next is { Code: 334 } challenge)
        {
            Say(challenge);
            wire.Clock.Allow(limits.CommandTimeout);
            Heard heard;
            do heard = await wire.ReadLineAsync(CommandParser.MaxAuthLine, secret: true);
            while (heard == Heard.Line && SkipEcho());
            if (heard is not (Heard.Line or Heard.LineTooLong)) return await EndAsync(heard);
            next = heard == Heard.Line ? exchange.Next(new Secret(Encoding.Latin1.GetString(CommandParser.WithoutDebris(wire.Line)))) : Replies.AuthNotBase64;
        }
        if (next is not null)
        {
            Refuse(next, "AUTH");
            return null;
        }
        var credentials = exchange.Credentials!;
        wire.Clock.AllowAny();
        if (await server.Logins.RefusalAsync(client, credentials.Username, credentials.Password.Reveal(), limits, server.Stopped) is not { } failure)
        {
            username = credentials.Username;
            server.UnknownDevices.LoggedIn(client.Address, username);
            if (FindDevice() is { Trace: true }) StartTrace();
            Say(Replies.LoggedIn);
            return null;
        }
        triedUsername = credentials.Username;
        RememberStranger(ReversePath.Null, null);
        Refuse(failure, "AUTH");
        return ++failedLogins >= limits.AuthFailures || client.Lockout() > TimeSpan.Zero
            ? await HangUpAsync(Replies.TooManyLogins, SessionEnd.TooManyErrors)
            : null;
    }

    private SmtpReply? AuthRefusal()
    {
        if (username is not null) return Replies.AuthAlready;
        if (transaction is not null) return Replies.AuthInTransaction;
        if (!wire.IsTls && !listener.AuthInClear) return listener.Tls == ListenerTls.Off ? Replies.AuthWithoutTls : Replies.AuthNeedsTls;
        return server.Devices().Devices.Any(device => device.Username is not null) ? null : Replies.AuthNotOffered;
    }
}
