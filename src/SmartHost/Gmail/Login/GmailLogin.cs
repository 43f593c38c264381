using System.Text;
using MailKit;
using MailKit.Net.Smtp;
using MailKit.Security;
using SmartHost.Gmail.Replies;
using SmartHost.Mail;

namespace SmartHost.Gmail.Login;

/// <summary>What an account shows to be let in. Closed.</summary>
internal abstract record LoginProof
{
    private LoginProof() { }

    public sealed record Password(Secret Value) : LoginProof;

    /// <param name="Fresh">Made for this very login: if Gmail refuses it, another one would fare no better.</param>
    public sealed record AccessToken(Secret Value, bool Fresh) : LoginProof;

    public sealed record None : LoginProof;
}

/// <summary>
/// EHLO and AUTH, by MailKit, over a connection that is ours. One AUTH with one mechanism, named explicitly: left to
/// choose, MailKit would answer a refused PLAIN with a LOGIN, and two failed logins a try get an account locked sooner.
/// What failed is read from the replies themselves, not from MailKit's exceptions, which lose codes and texts.
/// The connection is to be closed after any failure: Gmail takes one AUTH a connection.
/// </summary>
internal sealed class GmailLogin(SmtpWire wire, string localDomain)
{
    /// <returns>The offer, or what Gmail said instead; the wire's own failures are thrown.</returns>
    /// <exception cref="WireException">The conversation broke; <see cref="Stage"/> says where.</exception>
    public async Task<(EhloOffer? Offer, SmtpReply? Refusal)> RunAsync(AccountSettings account, SmtpReply greeting, LoginProof proof, CancellationToken cancellation)
    {
        Stage = Stage.Ehlo;
        await using var stream = new LoginStream(wire, greeting) { Patience = ConversationTimeouts.Ehlo };
        using var client = new SmtpClient { LocalDomain = localDomain, Timeout = Timeout.Infinite };
        if (await RefusalAsync(stream, () => client.ConnectAsync(stream, account.Host, 0, SecureSocketOptions.None, cancellation)) is { } noEhlo) return (null, noEhlo);
        var offer = Read(client);

        if (Mechanism(account, proof) is { } mechanism)
        {
            Stage = Stage.Auth;
            if (!client.Capabilities.HasFlag(SmtpCapabilities.Authentication))
            {
                // MailKit answers a refused EHLO with HELO, to which nobody offers a login: then the refusal is the reason.
                if (stream.Replies.FirstOrDefault(reply => reply.Code >= 400) is { } refusedEhlo) return (null, refusedEhlo);
                throw new WireException(ConnectionFailure.AuthNotOffered, null);
            }
            stream.Forget();
            stream.Patience = ConversationTimeouts.Auth;
            if (await RefusalAsync(stream, () => client.AuthenticateAsync(mechanism, cancellation)) is { } refusal) return (null, Redacted(refusal, account, proof));
        }
        return (offer, null);
    }

    /// <summary>How far it got.</summary>
    public Stage Stage { get; private set; }

    private static async Task<SmtpReply?> RefusalAsync(LoginStream stream, Func<Task> work)
    {
        try
        {
            await work();
            return null;
        }
        // MailKit wraps, renames or swallows what happened on the wire; the stream has it as it was.
        catch (Exception e) when (e is ProtocolException or CommandException or AuthenticationException or IOException or InvalidOperationException)
        {
            // A refused XOAUTH2 comes as 334 with details, then 535 after an empty line; a refused EHLO is followed by HELO.
            if (stream.Replies.FirstOrDefault(reply => reply.Code >= 400) is { } refusal) return refusal;
            // Without its detail: what is no reply may be an echo of the login, cut off in the middle of the password.
            if (stream.Failure is { } failure) throw new WireException(failure.Failure, null);
            return stream.Replies.LastOrDefault() ?? throw new WireException(ConnectionFailure.NotSmtp, null, e);
        }
    }

    private static EhloOffer Read(SmtpClient client)
    {
        var offered = client.Capabilities;
        return new EhloOffer(
            offered.HasFlag(SmtpCapabilities.Size), client.MaxSize > 0 ? client.MaxSize : null,
            offered.HasFlag(SmtpCapabilities.EightBitMime), offered.HasFlag(SmtpCapabilities.UTF8),
            offered.HasFlag(SmtpCapabilities.Pipelining), offered.HasFlag(SmtpCapabilities.Chunking));
    }

    private static SaslMechanism? Mechanism(AccountSettings account, LoginProof proof) => proof switch
    {
        LoginProof.Password { Value: var password } => new SaslMechanismPlain(Encoding.UTF8, account.Username.ToString(), password.Reveal()),
        LoginProof.AccessToken { Value: var token } => new SaslMechanismOAuth2(account.Username.ToString(), token.Reveal()),
        _ => null,
    };

    /// <summary>A server that repeats the command it did not like must not carry a secret into our log.</summary>
    private static SmtpReply Redacted(SmtpReply reply, AccountSettings account, LoginProof proof)
    {
        var secret = proof is LoginProof.Password { Value: var password } ? password.Reveal() : ((LoginProof.AccessToken)proof).Value.Reveal();
        if (secret.Length == 0) return reply;
        // What was sent: a mechanism says it once, so another one is asked.
        var encoded = Mechanism(account, proof)!.Challenge(null);
        return reply with { Lines = [.. reply.Lines.Select(line => line.Replace(encoded, "***", StringComparison.Ordinal).Replace(secret, "***", StringComparison.Ordinal))] };
    }
}
