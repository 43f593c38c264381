namespace SmartHost.Tests.Clients;

/// <summary>nodemailer, in Node.js programs such as home automation and web shops.</summary>
[Parallelizable(ParallelScope.All)]
public class NodemailerTests
{
    private const string Script = """
        const fs = require('fs'), nodemailer = require('nodemailer');
        const [way, port, certificate, user, pass, from, to, subject, text, attachment] = process.argv.slice(1);
        const transport = nodemailer.createTransport({
          host: '127.0.0.1', port: Number(port), secure: way === 'ImplicitTls', requireTLS: way === 'StartTls', ignoreTLS: !way.endsWith('Tls'),
          tls: { ca: fs.readFileSync(certificate) }, auth: way === 'Plain' ? undefined : { user, pass }, connectionTimeout: 20000,
        });
        transport.sendMail({ from, to, subject, text: fs.readFileSync(text, 'utf8'), attachments: [{ path: attachment }] })
          .then(sent => { if (sent.rejected.length) throw new Error(sent.rejected); transport.close(); })
          .catch(failure => { console.error(failure); process.exit(1); });
        """;

    [Test, CancelAfter(60_000)]
    public async Task Its_mail_arrives([Values] Way way, CancellationToken cancellation)
    {
        await using var bench = await ClientBench.StartAsync(cancellation);
        // Debian's package lies where Debian's node looks for it, but a node from elsewhere does not.
        var environment = new Dictionary<string, string> { ["NODE_PATH"] = "/usr/share/nodejs" };
        await ForeignProgram.RunAsync("node",
        [
            "-e", Script, way.ToString(), bench.PortFor(way).ToString(), bench.Certificate, ClientBench.Username, ClientBench.Password,
            ClientBench.From, ClientBench.To, ClientBench.Subject, bench.TextFile, bench.Attachment,
        ], cancellation, environment: environment);
        await bench.DeliveredAsync(way, cancellation);
    }
}
