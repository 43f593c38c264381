namespace SmartHost.Tests.Clients;

/// <summary>curl, by which scripts and appliances send mail.</summary>
[Parallelizable(ParallelScope.All)]
public class CurlTests
{
    [Test, CancelAfter(60_000)]
    public async Task Its_mail_arrives([Values] Way way, CancellationToken cancellation)
    {
        await using var bench = await ClientBench.StartAsync(cancellation);
        List<string> arguments =
        [
            "--silent", "--show-error", "--url", $"{(way == Way.ImplicitTls ? "smtps" : "smtp")}://127.0.0.1:{bench.PortFor(way)}/copier.lan",
            "--mail-from", ClientBench.From, "--mail-rcpt", ClientBench.To, "--cacert", bench.Certificate,
            "-H", $"Subject: {MimeSubject}", "-H", $"From: {ClientBench.From}", "-H", $"To: {ClientBench.To}",
            "-F", $"=<{bench.TextFile};type=text/plain; charset=utf-8;encoder=quoted-printable", "-F", $"file=@{bench.Attachment};encoder=base64",
        ];
        if (way == Way.StartTls) arguments.Add("--ssl-reqd");
        if (way != Way.Plain) arguments.AddRange(["--user", $"{ClientBench.Username}:{ClientBench.Password}"]);
        await ForeignProgram.RunAsync("curl", arguments, cancellation);
        await bench.DeliveredAsync(way, cancellation);
    }

    private static string MimeSubject => $"=?utf-8?B?{Convert.ToBase64String(System.Text.Encoding.UTF8.GetBytes(ClientBench.Subject))}?=";
}
