using System.Net;
using Microsoft.Extensions.Logging;

namespace SmartHost.Listener;

/// <summary>What sessions have to say beside a message's journey, each with what its reader can do about it.</summary>
internal sealed partial class SessionLog(ILogger<SmtpServer> logger)
{
    [LoggerMessage(1100, LogLevel.Debug, "[{Client}] session on {Listener} ended: {End}")]
    public partial void Ended(IPAddress client, string listener, SessionEnd end);

    [LoggerMessage(1101, LogLevel.Error, "[{Client}] session ended by a bug; please report it")]
    public partial void Bug(Exception exception, IPAddress client);

    [LoggerMessage(1120, LogLevel.Warning, "[{Client}] does not speak SMTP on listener {Listener} (port {Port}): {Hint}")]
    public partial void NotSmtp(IPAddress client, string listener, int port, string hint);

    [LoggerMessage(1121, LogLevel.Warning, "[{Client}] TLS failed on listener {Listener} (port {Port}): {Problem}; {Hint}")]
    public partial void HandshakeFailed(IPAddress client, string listener, int port, string problem, string hint);

    [LoggerMessage(1123, LogLevel.Error, "[{Client}] TLS is not available on listener {Listener} (port {Port}): {Problem}")]
    public partial void NoTls(IPAddress client, string listener, int port, string problem);

    [LoggerMessage(1122, LogLevel.Warning, "no wire trace: {Problem}")]
    public partial void NoTrace(string problem);
}
