using System.Collections.Concurrent;
using System.Diagnostics;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using SmartHost.Gmail.Login;
using SmartHost.Gmail.Replies;

namespace SmartHost.Gmail;

/// <summary>
/// Opens sessions: a token where the account needs one, then ports in turn, the working one remembered; TLS always
/// checked; one AUTH a connection. Safe for several callers at once. Every failure is a verdict, with one line of what
/// was tried; nothing is retried here except the other port, and one fresh token for one that Gmail did not accept.
/// </summary>
/// <param name="hostname">Of which <see cref="LocalDomain"/> makes our name for EHLO. Gmail turns <c>localhost</c> and the like away.</param>
/// <param name="tokens">Where OAuth and service accounts get their access tokens; null: they cannot log in.</param>
public sealed partial class GmailConnector(TimeProvider time, ILogger<GmailConnector>? logger = null, string? hostname = null, AccessTokens? tokens = null)
{
    private const int Submission = 587, Submissions = 465;

    private readonly ILogger log = logger ?? NullLogger<GmailConnector>.Instance;
    private readonly string localDomain = LocalDomain(hostname);

    /// <summary>The port that worked last, by account.</summary>
    private readonly ConcurrentDictionary<string, int> working = new();

    /// <summary>Tests put their own addresses and sockets here.</summary>
    internal HappyEyeballs Sockets { get; init; } = new(time);

    /// <summary>
    /// Never throws for what Gmail or the network does; cancellation throws. With <see cref="AccountSettings.Port"/> null
    /// both ports are tried, or the one that <see cref="AccountSettings.Tls"/> means.
    /// </summary>
    public async Task<OpenOutcome> OpenAsync(AccountSettings account, CancellationToken cancellation)
    {
        var (proof, refusal) = await ProofAsync(account, cancellation);
        if (proof is null) return refusal!;
        var outcome = await OpenAsync(account, proof, cancellation);

        // A token from before may have been revoked in the meantime. One new one, on a new connection, and no loop:
        // what a fresh token is refused for, another would be too.
        if (!ForgetRefused(account, proof, outcome) || proof is LoginProof.AccessToken { Fresh: true }) return outcome;
        var failed = (OpenOutcome.Failed)outcome;
        (proof, refusal) = await ProofAsync(account, cancellation);
        if (proof is null) return refusal!;
        outcome = await OpenAsync(account, proof, cancellation);
        ForgetRefused(account, proof, outcome);
        return outcome switch
        {
            OpenOutcome.Opened opened => opened with { Tried = $"{failed.Tried}; with a new access token {opened.Tried}" },
            OpenOutcome.Failed again => again with { Tried = $"{failed.Tried}; with a new access token {again.Tried}" },
            _ => throw new UnreachableException(),
        };
    }

    /// <summary>As far as TLS and a greeting, then QUIT, for a check: nothing is logged in. Never throws for what Gmail or the network does.</summary>
    public async Task<Reach> ReachAsync(AccountSettings account, int port, CancellationToken cancellation)
    {
        var attempt = Attempt(account, port);
        await attempt.RunAsync(account.Tls ?? TlsOf(port), proof: null, cancellation);
        return new Reach(attempt.Verdict, attempt.Address, attempt.Encryption);
    }

    /// <summary>
    /// A name that Gmail accepts in EHLO: the host name where it has a domain, else the host name below home.arpa, the
    /// domain that RFC 8375 sets aside for homes. Characters that no host name has are dropped.
    /// </summary>
    internal static string LocalDomain(string? hostname)
    {
        var labels = (hostname ?? "").Split('.').Select(label => string.Concat(label.Where(c => char.IsAsciiLetterOrDigit(c) || c == '-')).Trim('-')).Where(label => label.Length is > 0 and <= 63).ToList();
        if (labels is [] or ["localhost", ..]) return "smarthost.home.arpa";
        return labels.Count > 1 ? string.Join('.', labels) : $"{labels[0]}.home.arpa";
    }

    private async Task<OpenOutcome> OpenAsync(AccountSettings account, LoginProof proof, CancellationToken cancellation)
    {
        var tried = new List<string>();
        PortAttempt? furthest = null;
        foreach (var (port, tls) in Ports(account))
        {
            var attempt = Attempt(account, port);
            await attempt.RunAsync(tls, proof, cancellation);
            tried.Add(attempt.Tried());
            var all = string.Join("; ", tried);
            if (attempt.Session is { } session)
            {
                working[account.Name] = port;
                LogOpened(log, account.Name, all);
                return new OpenOutcome.Opened(session, all);
            }
            // Of two failures the one that got further says more: a bad certificate more than a closed port.
            if (furthest is null || attempt.Stage > furthest.Stage) furthest = attempt;
            if (attempt.Verdict!.Action != VerdictAction.OtherPort) break;
        }
        if (!furthest!.Verdict!.Known) GmailSession.LogUnknownReply(log, account.Name, furthest.Stage, furthest.Reply!);
        return new OpenOutcome.Failed(furthest.Verdict, furthest.Reply, string.Join("; ", tried));
    }

    /// <summary>
    /// True: Gmail did not accept the token, and nobody will show it again. Also a fresh one is forgotten: kept, it would be an
    /// old one to the next try, which would begin with a login that is known to fail and make two where one is too many.
    /// </summary>
    private bool ForgetRefused(AccountSettings account, LoginProof proof, OpenOutcome outcome)
    {
        if (proof is not LoginProof.AccessToken token || outcome is not OpenOutcome.Failed { Reply.Code: 535 or 334 }) return false;
        tokens!.Forget(account, token.Value);
        return true;
    }

    private PortAttempt Attempt(AccountSettings account, int port) => new(Sockets, account, port, localDomain, time, log);

    private IEnumerable<(int Port, AccountTls Tls)> Ports(AccountSettings account)
    {
        if (account.Port is { } port) return [(port, account.Tls ?? TlsOf(port))];
        (int, AccountTls) starttls = (Submission, AccountTls.StartTls), @implicit = (Submissions, AccountTls.Implicit);
        if (account.Tls is { } only) return [only == AccountTls.StartTls ? starttls : @implicit];
        return working.GetValueOrDefault(account.Name) == Submissions ? [@implicit, starttls] : [starttls, @implicit];
    }

    private static AccountTls TlsOf(int port) => port == Submissions ? AccountTls.Implicit : AccountTls.StartTls;

    /// <returns>Either what to log in with, or why there is nothing.</returns>
    private async Task<(LoginProof? Proof, OpenOutcome.Failed? Refusal)> ProofAsync(AccountSettings account, CancellationToken cancellation)
    {
        switch (account.Credentials)
        {
            case AccountCredentials.ByAddress:
                return (new LoginProof.None(), null);
            case AccountCredentials.AppPassword { Password: var password }:
                return (new LoginProof.Password(password), null);
            default:
                if (tokens is null) throw new InvalidOperationException("this connector was made without a source of access tokens");
                return await tokens.GetAsync(account, cancellation) switch
                {
                    TokenOutcome.Granted granted => (new LoginProof.AccessToken(granted.Token, granted.Fresh), null),
                    TokenOutcome.Refused refused => (null, new OpenOutcome.Failed(refused.Verdict, null, $"{tokens.Endpoint.Host} for an access token")),
                    _ => throw new UnreachableException(),
                };
        }
    }

    [LoggerMessage(3101, LogLevel.Debug, "account {Account}: connected, {Tried}")]
    private static partial void LogOpened(ILogger logger, string account, string tried);
}
