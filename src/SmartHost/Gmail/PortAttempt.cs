using System.Globalization;
using System.Net;
using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging;
using SmartHost.Gmail.Login;
using SmartHost.Gmail.Replies;
using SmartHost.Mail;

namespace SmartHost.Gmail;

/// <summary>
/// One try at one port, from the lookup of the name to the login, and its story: how far it came, and what was said or
/// broke there. Never throws for what Gmail or the network does; cancellation throws.
/// </summary>
internal sealed class PortAttempt(HappyEyeballs sockets, AccountSettings account, int port, string localDomain, TimeProvider time, ILogger log)
{
    private readonly long began = time.GetTimestamp();

    /// <summary>The one of the host's that answered.</summary>
    public IPAddress? Address { get; private set; }

    /// <summary>How far it came.</summary>
    public Stage Stage { get; private set; }

    public string? Encryption { get; private set; }

    /// <summary>Null: it did not come to that.</summary>
    public GmailSession? Session { get; private set; }

    public SmtpReply? Reply { get; private set; }

    /// <summary>Null where nothing speaks against it.</summary>
    public Verdict? Verdict { get; private set; }

    /// <param name="proof">Null: no further than TLS.</param>
    public async Task RunAsync(AccountTls tls, LoginProof? proof, CancellationToken cancellation)
    {
        GmailLogin? login = null;
        SmtpWire? wire = null;
        try
        {
            // First: nothing is asked of a network whose answer could not be trusted.
            var roots = GmailTls.LoadRoots(account.CaFile);
            (var stream, Address) = await sockets.ConnectAsync(account.Host, port, cancellation);
            wire = new SmtpWire(stream, time);
            SmtpReply? greeting = null;
            if (tls == AccountTls.StartTls)
            {
                greeting = await GreetingAsync(wire, cancellation);
                if (greeting is null || !await StartTlsAsync(wire, cancellation)) return;
            }
            Stage = Stage.Tls;
            var secure = await SecureAsync(wire.Stream, roots, cancellation);
            wire = new SmtpWire(secure, time);
            Encryption = secure.SslProtocol == SslProtocols.Tls13 ? "TLS 1.3" : "TLS 1.2";
            greeting ??= await GreetingAsync(wire, cancellation);
            if (greeting is null) return;
            if (proof is null)
            {
                await wire.WriteLineAsync("QUIT", ConversationTimeouts.Ehlo, cancellation);
                return;
            }

            login = new GmailLogin(wire, localDomain);
            var (offer, refusal) = await login.RunAsync(account, greeting, proof, cancellation);
            Stage = login.Stage;
            if (refusal is not null) RefuseLogin(refusal, proof);
            else Session = new GmailSession(wire, offer!, account.Name, time, log);
        }
        catch (WireException e)
        {
            Stage = login?.Stage ?? Stage;
            Fail(e);
        }
        finally
        {
            if (Session is null && wire is not null) await wire.DisposeAsync();
        }
    }

    /// <summary>One line for a timeline: where, how it ended, how long it took.</summary>
    public string Tried()
    {
        var seconds = time.GetElapsedTime(began).TotalSeconds;
        var where = Address is null ? $"{account.Host}:{port}" : $"{account.Host}:{port} [{Address}]";
        var end = Session is not null ? "connected" : Reply is { } reply ? $"said “{reply}”" : $"failed ({Verdict!.Row})";
        return string.Create(CultureInfo.InvariantCulture, $"{where} {end} after {seconds:0.00} s");
    }

    private async Task<SmtpReply?> GreetingAsync(SmtpWire wire, CancellationToken cancellation)
    {
        Stage = Stage.Greeting;
        var greeting = await wire.ReadReplyAsync(ConversationTimeouts.Greeting, cancellation);
        return Expect(220, greeting) ? greeting : null;
    }

    private async Task<bool> StartTlsAsync(SmtpWire wire, CancellationToken cancellation)
    {
        Stage = Stage.Ehlo;
        await wire.WriteLineAsync($"EHLO {localDomain}", ConversationTimeouts.Ehlo, cancellation);
        var ehlo = await wire.ReadReplyAsync(ConversationTimeouts.Ehlo, cancellation);
        if (!Expect(250, ehlo)) return false;
        Stage = Stage.StartTls;
        if (!ehlo.Lines.Any(line => line.Trim().Equals("STARTTLS", StringComparison.OrdinalIgnoreCase))) throw new WireException(ConnectionFailure.StartTlsNotOffered, null);
        await wire.WriteLineAsync("STARTTLS", ConversationTimeouts.Ehlo, cancellation);
        var ready = await wire.ReadReplyAsync(ConversationTimeouts.Ehlo, cancellation);
        if (!Expect(220, ready)) return false;
        // Whatever follows the 220 in clear was put there by somebody in between, to be read as if it came encrypted.
        return wire.HasMore ? throw new WireException(ConnectionFailure.NotSmtp, "it said more after STARTTLS than it was asked") : true;
    }

    private async Task<SslStream> SecureAsync(Stream plain, X509Certificate2Collection? roots, CancellationToken cancellation)
    {
        using var limit = new CancellationTokenSource(account.CheckRevocation ? ConversationTimeouts.TlsWithRevocation : ConversationTimeouts.Tls, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellation);
        try
        {
            return await GmailTls.SecureAsync(plain, account, roots, either.Token);
        }
        catch (OperationCanceledException e) when (!cancellation.IsCancellationRequested)
        {
            throw new WireException(ConnectionFailure.TimedOut, null, e);
        }
    }

    private bool Expect(int code, SmtpReply reply)
    {
        if (reply.Code != code) Refuse(reply);
        return reply.Code == code;
    }

    /// <summary>A success where it ends the conversation is no answer to what was asked.</summary>
    private void Refuse(SmtpReply reply) => (Reply, Verdict) = (reply, reply.Code < 300
        ? ReplyCatalogue.Read(ConnectionFailure.NotSmtp, Stage, $"it said “{reply}”")
        : ReplyCatalogue.Read(reply, Stage));

    /// <summary>What helps a password does not help a token, and who reads both tries the wrong one.</summary>
    private void RefuseLogin(SmtpReply reply, LoginProof proof)
    {
        Refuse(reply);
        if (proof is LoginProof.AccessToken && Verdict is { RemedyWithToken: { } remedy }) Verdict = Verdict with { Remedy = remedy };
    }

    private void Fail(WireException e) => Verdict = ReplyCatalogue.Read(e.Failure, Stage, e.Detail);
}
