using System.Net;
using System.Net.Sockets;
using System.Text;
using SmartHost.Practice;

namespace SmartHost.Tests.EndToEnd;

internal static class RunningServer
{
    /// <summary>A configuration that sends to the practice Gmail at full speed. Returns the file's path.</summary>
    public static string WriteConfig(string folder, int port, PracticeGmail gmail, int connections = 2, string more = "")
    {
        var caFile = Path.Combine(folder, "ca.pem");
        File.WriteAllText(caFile, gmail.CaPem);
        var config = Path.Combine(folder, "smarthost.yaml");
        File.WriteAllText(config, $$"""
            data: {{folder}}/data
            accounts:
              default:
                username: you@gmail.com
                appPassword: abcd efgh ijkl mnop
                host: 127.0.0.1
                port: {{gmail.Port}}
                tls: starttls
                caFile: {{caFile}}
                connections: {{connections}}
                dailyMessages: 1000000
                dailyRecipients: 1000000
            listeners:
              lan: { port: {{port}}, address: 127.0.0.1 }
            dashboard: { off: true }
            delivery: { pace: 0s, burst: 100000, messagesPerConnection: 100000, retryShortest: 1s, retryLongest: 2s }
            devices:
              test-device: { addresses: [127.0.0.1], recipients: ["*@example.com"] }
            {{more}}
            """);
        return config;
    }

    private static int lastPort = 20_000 + Environment.ProcessId % 5_000;

    /// <summary>
    /// Free a moment ago, for settings that want a number; each is given once. Below those that the system gives to whoever connects
    /// (from 32768 on): one of those another test's connection might take before the server listens.
    /// </summary>
    public static int FreePort()
    {
        while (true)
        {
            var port = Interlocked.Increment(ref lastPort);
            try
            {
                using var probe = new TcpListener(IPAddress.Loopback, port);
                probe.Start();
                return port;
            }
            catch (SocketException)
            {
                // Somebody listens there.
            }
        }
    }

    public static string Text(this PracticeMessage message) => Encoding.Latin1.GetString(message.Content.Span);
}
