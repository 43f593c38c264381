namespace SmartHost.Tests.Clients;

/// <summary>mutt, by which scripts send files. Its SMTP is its own, and so is its TLS, by GnuTLS; where the text is not ASCII it says BODY=8BITMIME.</summary>
[Parallelizable(ParallelScope.All)]
public class MuttTests
{
    [Test, CancelAfter(60_000)]
    public async Task Its_mail_arrives([Values] Way way, CancellationToken cancellation)
    {
        await using var bench = await ClientBench.StartAsync(cancellation);
        var login = way == Way.Plain ? "" : $"{ClientBench.Username}:{Uri.EscapeDataString(ClientBench.Password)}@";
        List<string> arguments = ["-n", "-F", "/dev/null"];
        (string Name, string Value)[] settings =
        [
            ("smtp_url", $"{(way == Way.ImplicitTls ? "smtps" : "smtp")}://{login}localhost:{bench.PortFor(way)}/"), ("smtp_authenticators", "login:plain"),
            ("ssl_starttls", way == Way.StartTls ? "yes" : "no"), ("ssl_force_tls", way == Way.StartTls ? "yes" : "no"),
            ("certificate_file", bench.Certificate), ("from", ClientBench.From), ("use_from", "yes"), ("copy", "no"), ("charset", "utf-8"), ("send_charset", "utf-8"),
        ];
        foreach (var (name, value) in settings) arguments.AddRange(["-e", $"set {name}=\"{value}\""]);
        arguments.AddRange(["-s", ClientBench.Subject, "-a", bench.Attachment, "--", ClientBench.To]);
        var input = System.Text.Encoding.Latin1.GetString(System.Text.Encoding.UTF8.GetBytes(ClientBench.Text + "\n"));
        var environment = new Dictionary<string, string> { ["LC_ALL"] = "C.UTF-8", ["HOME"] = Path.GetTempPath() };
        await ForeignProgram.RunAsync("mutt", arguments, cancellation, input, environment);
        await bench.DeliveredAsync(way, cancellation);
    }
}
