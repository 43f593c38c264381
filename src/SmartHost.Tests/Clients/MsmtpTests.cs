namespace SmartHost.Tests.Clients;

/// <summary>msmtp, the sendmail of many NAS boxes and servers. It sends what it is given, so the message is made here, in LF lines as programs write them.</summary>
[Parallelizable(ParallelScope.All)]
public class MsmtpTests
{
    [Test, CancelAfter(60_000)]
    public async Task Its_mail_arrives([Values] Way way, CancellationToken cancellation)
    {
        await using var bench = await ClientBench.StartAsync(cancellation);
        var tls = way is Way.StartTls or Way.ImplicitTls;
        List<string> arguments =
        [
            "--file=/dev/null", "--host=127.0.0.1", $"--port={bench.PortFor(way)}", $"--from={ClientBench.From}", "--timeout=30",
            tls ? "--tls=on" : "--tls=off", $"--tls-starttls={(way == Way.StartTls ? "on" : "off")}",
        ];
        if (tls) arguments.Add($"--tls-trust-file={bench.Certificate}");
        if (way != Way.Plain) arguments.AddRange([$"--auth={(way == Way.ImplicitTls ? "login" : "plain")}", $"--user={ClientBench.Username}", $"--passwordeval=echo '{ClientBench.Password}'"]);
        arguments.AddRange(["--", ClientBench.To]);
        await ForeignProgram.RunAsync("msmtp", arguments, cancellation, input: HandmadeMessage.Of(bench));
        await bench.DeliveredAsync(way, cancellation);
    }
}
