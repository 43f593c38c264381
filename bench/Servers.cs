using System.Diagnostics;

namespace SmartHost.Bench;

/// <summary>How each server is configured: the same work, the same next hop, nothing that the other may not do.</summary>
internal static class Servers
{
    public static Func<string, int, ProcessStartInfo> SmartHost(string binary, Mode mode, Sink sink, int connections) => (folder, port) =>
    {
        var settings = Path.Combine(folder, "smarthost.yaml");
        // Pure intake: an upstream that refuses the connection, so that the first message pauses the account.
        File.WriteAllText(settings, $$"""
            data: {{folder}}/data
            accounts:
              default:
                username: {{Sink.Username}}
                appPassword: {{Sink.Password}}
                host: 127.0.0.1
                port: {{(mode == Mode.Forward ? sink.Port : 1)}}
                tls: starttls
                caFile: {{sink.CaFile}}
                connections: {{connections}}
                dailyRecipients: 1000000
                dailyMessages: 1000000
            listeners: { lan: { port: {{port}}, address: 127.0.0.1, tls: off } }
            dashboard: { off: true }
            devices: { bench: { addresses: [127.0.0.1], recipients: ["*"] } }
            delivery: { pace: 0s, burst: 100000, messagesPerConnection: 100000 }
            limits: { connections: 500, connectionsPerDevice: 500, messagesPerMinute: 1000000, connectionsPerMinute: 1000000, recipientsPerMinute: 1000000, bytesPerMinute: 100000000000 }
            """);
        File.SetUnixFileMode(settings, UnixFileMode.UserRead | UnixFileMode.UserWrite); // it holds a password
        var start = binary.EndsWith(".dll", StringComparison.Ordinal) ? new ProcessStartInfo("dotnet", [binary]) : new ProcessStartInfo(binary);
        start.ArgumentList.Add("run");
        start.ArgumentList.Add("--config");
        start.ArgumentList.Add(settings);
        return start;
    };

    /// <summary>Postfix as a Debian package sets it up, in a folder of its own. Needs root, as its master process always does.</summary>
    public static Func<string, int, ProcessStartInfo> Postfix(Mode mode, Sink sink, int connections, bool reuse) => (folder, port) =>
    {
        var (etc, spool, data) = (Path.Combine(folder, "etc"), Path.Combine(folder, "spool"), Path.Combine(folder, "data"));
        foreach (var path in new[] { etc, spool, data }) Directory.CreateDirectory(path);
        File.WriteAllText(Path.Combine(etc, "passwd"), $"[127.0.0.1]:{sink.Port} {Sink.Username}:{Sink.Password}\n");
        File.WriteAllText(Path.Combine(etc, "main.cf"), $$"""
            compatibility_level = 3.6
            queue_directory = {{spool}}
            data_directory = {{data}}
            command_directory = /usr/sbin
            daemon_directory = /usr/lib/postfix/sbin
            mail_owner = postfix
            setgid_group = postdrop
            myhostname = relay.example.com
            mydestination =
            alias_maps =
            alias_database =
            local_recipient_maps =
            inet_interfaces = 127.0.0.1
            inet_protocols = ipv4
            mynetworks = 127.0.0.0/8
            message_size_limit = 52428800
            mailbox_size_limit = 0
            biff = no
            maillog_file = {{folder}}/maillog
            maillog_file_prefixes = /tmp, /var
            relayhost = [127.0.0.1]:{{sink.Port}}
            smtp_tls_security_level = encrypt
            smtp_tls_CAfile = {{sink.CaFile}}
            smtp_sasl_auth_enable = yes
            smtp_sasl_password_maps = texthash:{{etc}}/passwd
            smtp_sasl_security_options = noanonymous
            smtp_sasl_tls_security_options = noanonymous
            {{(mode == Mode.Hold ? "smtpd_client_restrictions = static:HOLD" : "")}}
            smtp_destination_concurrency_limit = {{connections}}
            initial_destination_concurrency = {{connections}}
            {{(reuse ? "smtp_connection_cache_on_demand = yes\nsmtp_tls_connection_reuse = yes" : "")}}
            """);
        var services = File.ReadLines("/etc/postfix/master.cf").Any()
            ? $"""
            127.0.0.1:{port} inet n - n - - smtpd
            pickup unix n - n 60 1 pickup
            cleanup unix n - n - 0 cleanup
            qmgr unix n - n 300 1 qmgr
            tlsmgr unix - - n 1000? 1 tlsmgr
            rewrite unix - - n - - trivial-rewrite
            bounce unix - - n - 0 bounce
            defer unix - - n - 0 bounce
            trace unix - - n - 0 bounce
            verify unix - - n - 1 verify
            proxymap unix - - n - - proxymap
            smtp unix - - n - - smtp
            relay unix - - n - - smtp
            error unix - - n - - error
            retry unix - - n - - error
            discard unix - - n - - discard
            local unix - n n - - local
            anvil unix - - n - 1 anvil
            scache unix - - n - 1 scache
            tlsproxy unix - - n - 0 tlsproxy
            postlog unix-dgram n - n - 1 postlogd

            """
            : throw new InvalidOperationException("the Debian package postfix is not installed");
        File.WriteAllText(Path.Combine(etc, "master.cf"), services);
        Run("chmod", "755", folder, etc, spool);
        Run("chown", "postfix", data);
        return new ProcessStartInfo("/usr/sbin/postfix", ["-c", etc, "start-fg"]);
    };

    private static void Run(string command, params string[] arguments)
    {
        using var process = Process.Start(command, arguments);
        process.WaitForExit();
    }
}
