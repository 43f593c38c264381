using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using SmartHost.Practice;

namespace SmartHost.Tests.EndToEnd;

/// <summary>
/// A Postfix of the test's own in Gmail's place: STARTTLS or TLS at once, logins checked by Cyrus SASL, and a mailbox folder
/// that takes whatever is for example.com. It has its own configuration, queue and ports and touches nothing of the system's.
/// It runs under a shell that waits for its standard input to end, so it stops even where the test's process is killed.
/// </summary>
internal sealed class PostfixServer : IAsyncDisposable
{
    public const string Password = "abcdefghijklmnop";

    /// <summary>What it takes at most: little, so that a test need not be large.</summary>
    public const int LargestMessage = 1_000_000;

    /// <summary>Refused by this Postfix, each in its own way.</summary>
    public const string NoSuchUser = "refused@example.com", Full = "full@example.com", Closing = "closing@example.com";

    /// <summary>Ways to be spoken to, each on a port of its own, with the options of its smtpd.</summary>
    private static readonly (string Way, string Options)[] Services =
    [
        ("all", ""),
        ("no BDAT", "-o smtpd_discard_ehlo_keywords=chunking"),
        ("no pipelining", "-o smtpd_discard_ehlo_keywords=pipelining"),
        ("neither", "-o smtpd_discard_ehlo_keywords=chunking,pipelining"),
        ("TLS at once", "-o smtpd_tls_wrappermode=yes"),
    ];

    private readonly TemporaryFolder folder = new();
    private readonly Dictionary<string, int> ports = Services.ToDictionary(service => service.Way, _ => RunningServer.FreePort());
    private Process? keeper;

    public static IEnumerable<string> Ways => Services.Select(service => service.Way);

    public string CaFile => folder.File("ca.pem");

    public string Log => File.Exists(folder.File("postfix.log")) ? File.ReadAllText(folder.File("postfix.log")) : "";

    /// <summary>Ignores the test where there is no Postfix, or no right to run one.</summary>
    public static async Task<PostfixServer> StartAsync(CancellationToken cancellation)
    {
        if (!OperatingSystem.IsLinux() || Environment.UserName != "root") Assert.Ignore("Postfix runs as root alone");
        foreach (var program in (string[])["/usr/sbin/postfix", "/usr/sbin/saslpasswd2"]) if (!File.Exists(program)) Assert.Ignore($"{program} is not installed here: apt-get install postfix sasl2-bin libsasl2-modules");
        var postfix = new PostfixServer();
        try
        {
            await postfix.ConfigureAsync(cancellation);
            await postfix.GoOnlineAsync(cancellation);
            return postfix;
        }
        catch
        {
            await postfix.DisposeAsync();
            throw;
        }
    }

    public int Port(string way) => ports[way];

    public async Task GoOnlineAsync(CancellationToken cancellation)
    {
        keeper = Run("postfix -c \"$0\" start && cat; postfix -c \"$0\" stop");
        foreach (var port in ports.Values)
        {
            while (!await AnswersAsync(port, cancellation))
            {
                Assert.That(keeper.HasExited, Is.False, () => $"Postfix did not start: {Log}");
                await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System, cancellation);
            }
        }
    }

    /// <summary>Ends it in order, as a shutdown does. What it has delivered stays.</summary>
    public async Task GoOfflineAsync()
    {
        if (keeper is null) return;
        keeper.StandardInput.Close();
        await keeper.WaitForExitAsync();
        keeper.Dispose();
        keeper = null;
        Assert.That(Log.Split('\n').Any(line => line.Contains("panic:", StringComparison.Ordinal)), Is.False, Log);
    }

    /// <summary>
    /// What has been delivered to addresses that end so, when it is so many: the octets with LF line ends as Postfix stores them.
    /// </summary>
    public async Task<IReadOnlyList<(string To, byte[] Content)>> WaitForAsync(int count, string ending, CancellationToken cancellation)
    {
        var inbox = Path.Combine(folder.Path, "mail", "inbox", "new");
        while (true)
        {
            if (Directory.Exists(inbox))
            {
                var found = Directory.EnumerateFiles(inbox).Select(File.ReadAllBytes).Select(content => (To: Recipient(content), content)).Where(one => one.To.EndsWith(ending, StringComparison.Ordinal)).ToList();
                if (found.Count >= count) return found;
            }
            await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System, cancellation);
        }

        static string Recipient(byte[] content) => Encoding.Latin1.GetString(content).Split('\n').First(line => line.StartsWith("Delivered-To: ", StringComparison.Ordinal))[14..];
    }

    /// <summary>Waits until its log says so.</summary>
    public Task LoggedAsync(string words, CancellationToken cancellation) => LiveServer.WaitAsync(() => Log.Contains(words, StringComparison.Ordinal), cancellation);

    public async ValueTask DisposeAsync()
    {
        await GoOfflineAsync();
        folder.Dispose();
    }

    private async Task ConfigureAsync(CancellationToken cancellation)
    {
        foreach (var name in (string[])["etc", "etc/sasl", "queue", "data", "mail"]) Directory.CreateDirectory(folder.File(name));
        using (var certificate = new PracticeCertificate(CertificateFlaw.None))
        {
            var own = certificate.Context.TargetCertificate;
            var key = own.GetECDsaPrivateKey()?.ExportPkcs8PrivateKeyPem() ?? own.GetRSAPrivateKey()!.ExportPkcs8PrivateKeyPem();
            await File.WriteAllTextAsync(CaFile, certificate.CaPem, cancellation);
            await File.WriteAllTextAsync(folder.File("etc/certificate.pem"), key + "\n" + own.ExportCertificatePem() + "\n", cancellation);
        }
        var path = folder.Path;
        // Debian's Postfix looks for it here, beside main.cf, whatever cyrus_sasl_config_path says.
        await File.WriteAllTextAsync(folder.File("etc/sasl/smtpd.conf"), $"pwcheck_method: auxprop\nauxprop_plugin: sasldb\nmech_list: PLAIN LOGIN\nsasldb_path: {path}/sasldb2\n", cancellation);
        await File.WriteAllTextAsync(folder.File("etc/main.cf"), $$"""
            compatibility_level = 3.6
            queue_directory = {{path}}/queue
            data_directory = {{path}}/data
            maillog_file = {{path}}/postfix.log
            maillog_file_prefixes = {{path}}
            myhostname = mx.example.net
            mydestination =
            mynetworks =
            inet_protocols = ipv4
            alias_maps =
            local_recipient_maps =
            message_size_limit = {{LargestMessage}}
            smtpd_tls_chain_files = {{path}}/etc/certificate.pem
            smtpd_tls_security_level = encrypt
            smtpd_sasl_auth_enable = yes
            smtpd_sasl_path = smtpd
            smtpd_relay_restrictions = permit_sasl_authenticated, reject
            smtpd_recipient_restrictions = check_recipient_access inline:{ { {{NoSuchUser}} = 550 5.1.1 No such user }, { {{Full}} = 452 4.2.2 Mailbox full }, { {{Closing}} = 421 4.3.2 Shutting down } }
            virtual_mailbox_domains = example.com
            virtual_mailbox_base = {{path}}/mail
            virtual_mailbox_maps = static:inbox/
            virtual_uid_maps = static:65534
            virtual_gid_maps = static:65534

            """, cancellation);
        var smtpd = Services.Select(service => $"127.0.0.1:{ports[service.Way]} inet n - n - - smtpd {service.Options}\n");
        await File.WriteAllTextAsync(folder.File("etc/master.cf"), string.Concat(smtpd) + """
            postlog unix-dgram n - n - 1 postlogd
            cleanup unix n - n - 0 cleanup
            qmgr unix n - n 300 1 qmgr
            rewrite unix - - n - - trivial-rewrite
            bounce unix - - n - 0 bounce
            defer unix - - n - 0 bounce
            trace unix - - n - 0 bounce
            tlsmgr unix - - n 1000? 1 tlsmgr
            proxymap unix - - n - - proxymap
            anvil unix - - n - 1 anvil
            error unix - - n - - error
            retry unix - - n - - error
            virtual unix - n n - - virtual

            """, cancellation);
        // Postfix's own user must get through to its folders; the mailbox belongs to nobody, as whom "virtual" delivers.
        using var prepared = Run($"chmod 755 {path} && chown postfix {path}/data && chown 65534 {path}/mail && saslpasswd2 -p -c -f {path}/sasldb2 -u gmail.com you && chown postfix {path}/sasldb2");
        await prepared.StandardInput.WriteAsync(Password);
        prepared.StandardInput.Close();
        await prepared.WaitForExitAsync(cancellation);
        Assert.That(prepared.ExitCode, Is.Zero, "preparing Postfix's folders");
    }

    private Process Run(string script)
    {
        // In a session of its own: a signal that ends the tests, sent to their whole group, must not end what is to clean up.
        var start = new ProcessStartInfo("/usr/bin/setsid", ["/bin/sh", "-c", script, folder.File("etc")]) { RedirectStandardInput = true };
        return Process.Start(start)!;
    }

    private static async Task<bool> AnswersAsync(int port, CancellationToken cancellation)
    {
        using var client = new TcpClient();
        try
        {
            await client.ConnectAsync(IPAddress.Loopback, port, cancellation);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
