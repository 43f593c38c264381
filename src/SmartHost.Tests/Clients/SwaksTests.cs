namespace SmartHost.Tests.Clients;

/// <summary>swaks, with which administrators try out a mail server. By itself it takes 8-bit header text as it is typed.</summary>
[Parallelizable(ParallelScope.All)]
public class SwaksTests
{
    [Test, CancelAfter(60_000)]
    public async Task Its_mail_arrives([Values] Way way, [Values("LOGIN", "PLAIN")] string mechanism, CancellationToken cancellation)
    {
        await using var bench = await ClientBench.StartAsync(cancellation);
        List<string> arguments =
        [
            "--server", "127.0.0.1", "--port", bench.PortFor(way).ToString(), "--from", ClientBench.From, "--to", ClientBench.To, "--timeout", "30s",
            "--header", $"Subject: {ClientBench.Subject}", "--body", $"@{bench.TextFile}",
            "--attach-type", "application/octet-stream", "--attach-name", "scan.bin", "--attach", $"@{bench.Attachment}",
        ];
        if (way is Way.StartTls) arguments.Add("--tls");
        if (way is Way.ImplicitTls) arguments.Add("--tls-on-connect");
        if (way is Way.StartTls or Way.ImplicitTls) arguments.AddRange(["--tls-verify", "--tls-ca-path", bench.Certificate]);
        if (way != Way.Plain) arguments.AddRange(["--auth", mechanism, "--auth-user", ClientBench.Username, "--auth-password", ClientBench.Password]);
        await ForeignProgram.RunAsync("swaks", arguments, cancellation);
        await bench.DeliveredAsync(way, cancellation);
    }

    [Test, CancelAfter(60_000)]
    public async Task It_sends_all_commands_at_once(CancellationToken cancellation)
    {
        await using var bench = await ClientBench.StartAsync(cancellation);
        await ForeignProgram.RunAsync("swaks",
        [
            "--server", "127.0.0.1", "--port", bench.Port.ToString(), "--from", ClientBench.From, "--to", ClientBench.To, "--pipeline",
            "--header", $"Subject: {ClientBench.Subject}", "--body", $"@{bench.TextFile}",
        ], cancellation);
        await bench.DeliveredAsync(Way.Plain, cancellation, attachment: false);
    }
}
