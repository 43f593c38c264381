using System.CommandLine;
using System.Net;
using System.Net.Sockets;
using System.Security.Authentication;
using MimeKit;
using SmartHost.Configuration;
using SmartHost.Hosting;
using SmartHost.Mail;
using SmartHost.Practice;
using SmartHost.Queue;

namespace SmartHost.Cli;

/// <summary>
/// The whole program at work, without a Google account: the real listener, queue and delivery, with a practice Gmail in
/// Gmail's place. Sends one sample scan, tells its journey, then stays for more. Leaves nothing behind.
/// </summary>
public static class DemoCommand
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    /// <summary>Of the page, which only this machine reaches; long enough for the settings not to warn of it.</summary>
    private const string Password = "practice";

    /// <summary>Taken where they are free, so that what the demo prints looks like the real thing.</summary>
    private const int UsualPort = 2525, UsualPage = 8025;

    public static Command Create(CommonOptions common)
    {
        var once = new Option<bool>("--once") { Description = "End after the sample scan: exit code 0 if it arrived." };
        var command = new Command("demo", "See it work without a Google account: one sample scan's journey, step by step.") { once };
        common.Refuse(command, common.Config, common.Json);
        command.SetAction((parsed, cancellation) => RunAsync(parsed.GetValue(once), cancellation));
        return command;
    }

    private static async Task<int> RunAsync(bool once, CancellationToken cancellation)
    {
        var time = TimeProvider.System;
        var folder = Directory.CreateTempSubdirectory("smarthost-demo-").FullName;
        try
        {
            await using var gmail = await PracticeGmail.StartAsync(new PracticeSettings(), time);
            var settings = Settings(folder, gmail);
            await using var log = LogSetup.Create(settings.Current.Log);
            await using var server = await SmartHostServer.StartAsync(settings, log, time, new Random(), cancellation);
            var port = server.EndpointOf("lan").Port;
            Console.WriteLine($"SmartHost listens for devices on port {port}; a practice Gmail stands in for smtp.gmail.com. Nothing leaves this machine.");

            var arrived = await SampleAsync(server, gmail, port, time, cancellation);
            if (once) return arrived ? ExitCode.Ok : ExitCode.Failure;
            await MoreAsync(server, gmail, port, cancellation);
            return ExitCode.Ok;
        }
        catch (StartFailedException failure)
        {
            await Console.Error.WriteLineAsync($"smarthost: the demo cannot start: {failure.Message}");
            return ExitCode.Unavailable;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task<bool> SampleAsync(SmartHostServer server, PracticeGmail gmail, int port, TimeProvider time, CancellationToken cancellation)
    {
        var begin = time.GetTimestamp();
        string Clock() => $"{time.GetElapsedTime(begin).TotalSeconds,7:0.000} s  ";

        Console.WriteLine();
        Console.WriteLine("An old multifunction printer sends a scan: plain SMTP, no login, a From that nobody owns.");
        var device = new PracticeDevice(time, Patience);
        var conversation = await device.PlayAsync("127.0.0.1", port, SampleScan.Dialogue(Mailbox.Parse("you@gmail.com"), time.GetLocalNow()), cancellation, exchange =>
        {
            if (exchange.Sent is { } sent) Console.WriteLine($"{Clock()}printer    {sent}");
            foreach (var line in exchange.Reply) Console.WriteLine($"{Clock()}SmartHost  {line}");
        });
        if (!conversation.Succeeded)
        {
            Console.WriteLine($"The printer gave up: {conversation.Fault ?? "it was refused"}.");
            return false;
        }

        PracticeMessage message;
        using (var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellation))
        {
            patience.CancelAfter(Patience);
            try
            {
                message = (await gmail.WaitForAsync(1, patience.Token))[0];
            }
            catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
            {
                Console.WriteLine($"{Clock()}it did not arrive within {Patience.TotalSeconds:0} seconds");
                return false;
            }
        }
        Console.WriteLine($"{Clock()}it is at Gmail");
        Console.WriteLine();
        var known = await SettledAsync(server.Queue, cancellation);
        Console.WriteLine($"Its journey, as SmartHost keeps it ({known.Id}):");
        foreach (var entry in await server.Queue.TimelineAsync(known.Id, cancellation))
        {
            Console.WriteLine($"  {entry.At.ToLocalTime():HH:mm:ss.fff}  {entry.Event,-9}  {entry.Text}");
            if (entry.Reply is { } reply) Console.WriteLine($"{"",27}Gmail: {reply}");
        }
        Console.WriteLine();
        Console.WriteLine("What arrived:");
        Show(message);
        return true;
    }

    /// <summary>Gmail has it a moment before our note of that is committed; the story is told when it is complete.</summary>
    private static async Task<QueuedMessage> SettledAsync(MailQueue queue, CancellationToken cancellation)
    {
        using var changed = new SemaphoreSlim(0);
        void Changed(QueueId _) => changed.Release();
        queue.Changed += Changed;
        try
        {
            while (true)
            {
                if (await queue.SearchAsync(new MessageSearch(Limit: 1), cancellation) is [{ State: not MessageState.Queued } message, ..]) return message;
                await changed.WaitAsync(cancellation);
            }
        }
        finally
        {
            queue.Changed -= Changed;
        }
    }

    private static void Show(PracticeMessage message)
    {
        using var content = new MemoryStream(message.Delivered.ToArray());
        using var parsed = MimeMessage.Load(content);
        foreach (var name in new[] { "From", "Reply-To", "To", "Subject", "Date", "Message-ID", "X-SmartHost-Device", "X-Original-From" })
            if (parsed.Headers[name] is { } value) Console.WriteLine($"  {name}: {value}");
        foreach (var attachment in parsed.Attachments.OfType<MimePart>())
            Console.WriteLine($"  attached: {attachment.FileName} ({attachment.ContentType.MimeType})");
        Console.WriteLine($"  {message.Size:N0} octets, to {string.Join(", ", message.Envelope.Recipients)}, by {(message.Tls == SslProtocols.Tls13 ? "TLS 1.3" : "TLS 1.2")} as {message.Account}");
        if (message.Violations.Count > 0) Console.WriteLine($"  Gmail would object: {string.Join("; ", message.Violations)}");
        Console.WriteLine();
    }

    private static async Task MoreAsync(SmartHostServer server, PracticeGmail gmail, int port, CancellationToken cancellation)
    {
        Console.WriteLine("Send more from any program or device, for example:");
        Console.WriteLine($"  printf 'Subject: hello\\n\\nIt works.\\n' | curl smtp://127.0.0.1:{port} --mail-from scanner@example.com --mail-rcpt you@gmail.com -T -");
        if (server.PagePort is { } page) Console.WriteLine($"and look at it on http://127.0.0.1:{page} (password: {Password}). Ctrl+C ends the demo.");
        Console.WriteLine();

        using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var showing = ShowMoreAsync(gmail, ended.Token);
        await server.RunAsync(cancellation);
        await ended.CancelAsync();
        await showing;
    }

    private static async Task ShowMoreAsync(PracticeGmail gmail, CancellationToken stop)
    {
        try
        {
            await foreach (var message in gmail.ReadAllAsync(stop))
            {
                if (message.Number == 1) continue;
                Console.WriteLine($"{message.At.ToLocalTime():HH:mm:ss.fff}  arrived:");
                Show(message);
            }
        }
        catch (OperationCanceledException)
        {
            // the demo is over
        }
    }

    private static SettingsSource Settings(string folder, PracticeGmail gmail)
    {
        var config = Path.Combine(folder, "smarthost.yaml");
        // An apostrophe is written twice between apostrophes.
        string Quoted(string path) => $"'{path.Replace("'", "''", StringComparison.Ordinal)}'";
        File.WriteAllText(config, $$"""
            data: {{Quoted(Path.Combine(folder, "data"))}}
            accounts:
              default: { username: you@gmail.com, appPassword: abcd efgh ijkl mnop, host: {{gmail.Host}}, port: {{gmail.Port}}, tls: starttls, caFile: {{Quoted(gmail.CaFile)}} }
            listeners: { lan: { port: {{Free(UsualPort)}}, address: 127.0.0.1 } }
            dashboard: { port: {{Free(UsualPage)}}, address: 127.0.0.1, password: {{Password}} }
            devices: { old-printer: { addresses: [127.0.0.1], recipients: ["*"] } }
            log: { level: warning }
            """);
        var environment = new Dictionary<string, string>();
        var read = SettingsReader.Read(config, environment);
        return new SettingsSource(config, environment, read.Settings is null
            ? throw new StartFailedException(ProblemText.Format(read.Problems))
            : read);
    }

    private static int Free(int wanted)
    {
        foreach (var port in new[] { wanted, 0 })
        {
            try
            {
                using var probe = new TcpListener(IPAddress.Loopback, port);
                probe.Start();
                return ((IPEndPoint)probe.LocalEndpoint).Port;
            }
            catch (SocketException)
            {
                // taken: any other will do
            }
        }
        return wanted;
    }
}
