namespace SmartHost.Tests.Clients;

/// <summary>Python's smtplib, in countless scripts and appliances. It prefers CRAM-MD5 where it is offered, then PLAIN with the credentials at once.</summary>
[Parallelizable(ParallelScope.All)]
public class PythonTests
{
    private const string Script = """
        import smtplib, ssl, sys
        from email.message import EmailMessage
        way, port, certificate, user, password, sender, to, subject, text, attachment = sys.argv[1:]
        trust = ssl.create_default_context(cafile=certificate)
        message = EmailMessage()
        message['From'], message['To'], message['Subject'] = sender, to, subject
        message.set_content(open(text, encoding='utf-8').read())
        message.add_attachment(open(attachment, 'rb').read(), maintype='application', subtype='octet-stream', filename='scan.bin')
        if way == 'ImplicitTls':
            server = smtplib.SMTP_SSL('127.0.0.1', int(port), timeout=30, context=trust)
        else:
            server = smtplib.SMTP('127.0.0.1', int(port), timeout=30)
        with server:
            if way == 'StartTls':
                server.starttls(context=trust)
            if way != 'Plain':
                server.login(user, password)
            refused = server.send_message(message)
            assert refused == {}, refused
        """;

    [Test, CancelAfter(60_000)]
    public async Task Its_mail_arrives([Values] Way way, CancellationToken cancellation)
    {
        await using var bench = await ClientBench.StartAsync(cancellation);
        await ForeignProgram.RunAsync("python3",
        [
            "-c", Script, way.ToString(), bench.PortFor(way).ToString(), bench.Certificate, ClientBench.Username, ClientBench.Password,
            ClientBench.From, ClientBench.To, ClientBench.Subject, bench.TextFile, bench.Attachment,
        ], cancellation, environment: new Dictionary<string, string> { ["PYTHONUTF8"] = "1" });
        await bench.DeliveredAsync(way, cancellation);
    }
}
