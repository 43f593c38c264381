namespace SmartHost.Gmail.Replies;

/// <summary>Why there was no reply to read.</summary>
public enum ConnectionFailure
{
    NameNotFound,
    Refused,
    Unreachable,
    TimedOut,

    /// <summary>Closed or reset by the other side.</summary>
    Closed,

    /// <summary>What came is not SMTP: garbage, half a reply, or one without end.</summary>
    NotSmtp,

    StartTlsNotOffered,
    TlsHandshake,
    CertificateName,
    CertificateExpired,
    CertificateNotYetValid,
    CertificateIssuer,
    CertificateRevoked,
    RevocationUnknown,
    CertificateOther,

    /// <summary>The account's <c>caFile</c> cannot be read.</summary>
    CaFile,

    AuthNotOffered,

    /// <summary>The connection ended between the end of the content and the reply to it.</summary>
    OutcomeUnknown,
}

/// <param name="Stages">Empty: at any.</param>
public sealed record FailureRow(ConnectionFailure Failure, IReadOnlyList<Stage> Stages, Verdict Verdict);

/// <summary>What silence means. A blocked port and a broken connection pass by themselves; a certificate needs a person, but the mail waits.</summary>
internal static class ConnectionFailures
{
    private const string Firewall = "Check the internet connection, and whether a firewall or the provider blocks ports 587 and 465.";
    private const string Interceptor =
        "A virus scanner or proxy that opens mail connections does this: exempt SmartHost from it, or put its root certificate into a file and name that as the account's caFile.";
    private const string FreshConnection = "Nothing to do: SmartHost tries again on a new connection.";

    private const string NameNotFound = "connect-name-not-found";

    private static readonly Stage[] BeforeTls = [Stage.Connect, Stage.Greeting, Stage.Ehlo, Stage.StartTls, Stage.Tls];

    public static readonly FailureRow[] Rows =
    [
        Row(ConnectionFailure.NameNotFound, NameNotFound, VerdictAction.RetrySoon, "The mail server's name cannot be looked up.", "Check the internet connection and this machine's DNS server, and the account's host for typing mistakes."),
        Row(ConnectionFailure.Refused, "connect-refused", VerdictAction.OtherPort, "The mail server refuses the connection.", Firewall),
        Row(ConnectionFailure.Unreachable, "connect-unreachable", VerdictAction.OtherPort, "There is no route to the mail server.", Firewall),
        Row(ConnectionFailure.TimedOut, "connect-timed-out", VerdictAction.OtherPort, "The mail server does not answer.", Firewall, BeforeTls),
        Row(ConnectionFailure.Closed, "connect-closed", VerdictAction.OtherPort, "The connection was closed before TLS was up.", Firewall, BeforeTls),
        Row(ConnectionFailure.NotSmtp, "connect-not-smtp", VerdictAction.OtherPort, "Whatever answers there does not speak SMTP.", "Check the account's host and port, and whether something between here and Gmail answers in its place.", BeforeTls),
        Row(ConnectionFailure.TimedOut, "connection-stalled", VerdictAction.RetrySoon, "Gmail fell silent in the middle of the conversation.", FreshConnection),
        Row(ConnectionFailure.Closed, "connection-lost", VerdictAction.RetryNow, "The connection to Gmail broke before the message was handed over.", FreshConnection),
        Row(ConnectionFailure.NotSmtp, "connection-garbled", VerdictAction.RetryNow, "What came from Gmail could not be understood.", FreshConnection),
        Row(ConnectionFailure.OutcomeUnknown, "outcome-unknown", VerdictAction.RetryNow, "The connection broke after the whole message was sent and before Gmail confirmed it: Gmail may have it.",
            "Nothing to do: SmartHost sends it once more with the same Message-ID, so that a second copy can be recognised."),
        Row(ConnectionFailure.StartTlsNotOffered, "tls-not-offered", VerdictAction.OtherPort, "The server offers no TLS on this port; SmartHost never sends mail or a password without it.", "Remove the account's port setting. " + Interceptor),
        Row(ConnectionFailure.TlsHandshake, "tls-handshake", VerdictAction.OtherPort, "No TLS connection came about: the other side broke off, or offers only old versions.", "Check the account's port and tls settings. " + Interceptor),
        Row(ConnectionFailure.CertificateName, "tls-wrong-name", VerdictAction.OtherPort, "The server's certificate is for another name than the account's host.", "Check the account's host. " + Interceptor),
        Row(ConnectionFailure.CertificateExpired, "tls-expired", VerdictAction.OtherPort, "The server's certificate has expired.", "Check this machine's date first. " + Interceptor),
        Row(ConnectionFailure.CertificateNotYetValid, "tls-not-yet-valid", VerdictAction.OtherPort, "The server's certificate is not valid yet.", "This machine's clock is probably wrong: set date and time."),
        Row(ConnectionFailure.CertificateIssuer, "tls-unknown-issuer", VerdictAction.OtherPort, "The server's certificate comes from an issuer that this machine does not trust.", Interceptor),
        Row(ConnectionFailure.CertificateRevoked, "tls-revoked", VerdictAction.OtherPort, "The server's certificate was revoked.", "Do not switch the check off: somebody may be listening. Try again later, or from another network."),
        Row(ConnectionFailure.RevocationUnknown, "tls-revocation-unknown", VerdictAction.OtherPort, "Whether the server's certificate was revoked cannot be found out: the issuer's list is out of reach.", "Let this machine reach the issuer by HTTP (port 80), or set the account's checkRevocation to false."),
        Row(ConnectionFailure.CertificateOther, "tls-bad-certificate", VerdictAction.OtherPort, "The server's certificate is not acceptable.", Interceptor),
        Row(ConnectionFailure.CaFile, "tls-ca-file", VerdictAction.HoldAccountForPerson, "The account's caFile cannot be read.", "Make it a readable PEM file with a certificate in it, or remove the setting."),
        Row(ConnectionFailure.AuthNotOffered, "auth-not-offered", VerdictAction.HoldAccountForPerson, "The server offers no login.", "Check the account's host; smtp.gmail.com offers one."),
    ];

    public static Verdict Read(ConnectionFailure failure, Stage stage, string? detail)
    {
        var row = Rows.First(row => row.Failure == failure && (row.Stages.Count == 0 || row.Stages.Contains(stage))).Verdict;
        return string.IsNullOrEmpty(detail) ? row : row with { Happened = $"{row.Happened.TrimEnd('.')} ({detail})." };
    }

    /// <summary>No mail server was reached, or none with which TLS came about: nobody has seen a login.</summary>
    public static bool IsBeforeLogin(Verdict verdict) => verdict.Action == VerdictAction.OtherPort || verdict.Row == NameNotFound;

    private static FailureRow Row(ConnectionFailure failure, string name, VerdictAction action, string happened, string remedy, Stage[]? stages = null) =>
        new(failure, stages ?? [], new Verdict(action, name, happened, remedy));
}
