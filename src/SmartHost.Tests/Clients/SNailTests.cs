namespace SmartHost.Tests.Clients;

/// <summary>s-nail, the mailx of many systems, as cron jobs and UPS scripts call it. Of a certificate it compares names alone, not addresses.</summary>
[Parallelizable(ParallelScope.All)]
public class SNailTests
{
    [Test, CancelAfter(60_000)]
    public async Task Its_mail_arrives([Values] Way way, CancellationToken cancellation)
    {
        await using var bench = await ClientBench.StartAsync(cancellation);
        var login = way == Way.Plain ? "" : $"{ClientBench.Username}:{Uri.EscapeDataString(ClientBench.Password)}@";
        List<string> arguments =
        [
            "-:/", "-S", "v15-compat", "-S", "sendwait", "-S", "nosave", "-S", "ttycharset=utf-8", "-S", "sendcharsets=utf-8", "-S", "socket-connect-timeout=20",
            "-S", $"mta={(way == Way.ImplicitTls ? "smtps" : "smtp")}://{login}localhost:{bench.PortFor(way)}",
            "-S", $"smtp-auth={(way == Way.Plain ? "none" : way == Way.LoginInClear ? "login" : "plain")}",
            "-S", $"tls-ca-file={bench.Certificate}", "-S", "tls-verify=strict",
            "-r", ClientBench.From, "-s", ClientBench.Subject, "-a", bench.Attachment,
        ];
        if (way == Way.StartTls) arguments.AddRange(["-S", "smtp-use-starttls"]);
        arguments.Add(ClientBench.To);
        var input = System.Text.Encoding.Latin1.GetString(System.Text.Encoding.UTF8.GetBytes(ClientBench.Text + "\n"));
        var environment = new Dictionary<string, string> { ["LC_ALL"] = "C.UTF-8", ["HOME"] = Path.GetTempPath(), ["MAILRC"] = "/dev/null" };
        await ForeignProgram.RunAsync("s-nail", arguments, cancellation, input, environment);
        await bench.DeliveredAsync(way, cancellation);
    }
}
