using System.CommandLine;
using System.Net;
using SmartHost.Configuration;
using SmartHost.Dashboard.Api;
using SmartHost.Devices;
using SmartHost.Hosting;
using SmartHost.Listener;
using SmartHost.Mail;

namespace SmartHost.Cli;

/// <summary>Which rule decides, and what the device would hear: the listener's own decision, asked of the settings; what the device has sent, of the running server, if there is one.</summary>
internal static class ExplainCommand
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);

    public static Command Create(CommonOptions common)
    {
        var client = new Option<string>("--client") { Description = "The device's address.", Required = true, HelpName = "IP" };
        var from = new Option<string>("--from") { Description = "The sender it gives; <> for none.", Required = true, HelpName = "ADDRESS" };
        var to = new Option<string>("--to") { Description = "The recipient.", Required = true, HelpName = "ADDRESS" };
        var auth = new Option<string?>("--auth") { Description = "The user name it logs in with.", HelpName = "USER" };
        var tls = new Option<bool>("--tls") { Description = "As if it spoke TLS." };
        var size = new Option<long>("--size") { Description = "Octets of the message.", HelpName = "OCTETS" };
        var command = new Command("explain", "Say whether a device may send this, and by which rule. Exit code 0: allowed; 1: refused.") { client, from, to, auth, tls, size };
        command.SetAction(async (parsed, cancellation) =>
        {
            var terminal = Terminal.Of(parsed, common);
            // As the settings read addresses: for .NET 192.168.1 is one too, but not the one that was meant.
            if (!ClientNetwork.TryParseAddress(parsed.GetValue(client)!, out var address)) return Misused(terminal, "--client is not an address: write one like 192.168.1.23.");
            if (!Mailbox.TryParse(parsed.GetValue(to)!.Trim('<', '>'), out var recipient)) return Misused(terminal, "--to is not an e-mail address: write one like you@example.com.");

            var read = SettingsReader.Read(parsed.GetValue(common.Config), SettingsReader.ProcessEnvironment());
            if (read.Settings is not { } settings)
            {
                terminal.Complain("the settings have mistakes:\n" + ProblemText.Format(read.Problems).TrimEnd());
                return ExitCode.Configuration;
            }
            var (given, sender) = (parsed.GetValue(from)!, LenientPath.ReadSender(parsed.GetValue(from)!));
            var user = parsed.GetValue(auth);
            var device = user is null ? settings.Devices.ByAddress(address) : settings.Devices.ByUsername(user);
            var isLimited = device is { PerHour: not null } or { PerDay: not null };
            var accepted = isLimited ? await AcceptedAsync(settings.DataFolder, device!.Name, cancellation) : null;
            var reply = Explain(settings, device, address, sender, recipient, user, parsed.GetValue(tls), parsed.GetValue(size), accepted ?? (0, 0));
            if (isLimited && accepted is null) reply = reply with { Note = $"{reply.Note} perHour and perDay are not looked at: what it has sent, only a running SmartHost knows, and none could be asked.".TrimStart() };
            // The rule speaks of an address that nobody typed.
            if (sender != ReversePath.Null && !Mailbox.TryParse(given.Trim('<', '>', ' '), out _))
                reply = reply with { Note = $"“{given}” is no complete address: SmartHost takes it for {sender.Mailbox}. {reply.Note}".TrimEnd() };
            if (terminal.Json) terminal.Print(reply, CliJson.Default.ExplainReply);
            else
            {
                terminal.Line(reply.Allowed ? "✓ allowed" : "✗ refused");
                void Field(string name, string value) => terminal.Line(Terminal.Clean($"{name,-8}{value}"), indent: 8);
                Field("Device", $"{reply.Device ?? "none"} ({reply.RecognisedBy})");
                Field("Rule", reply.Rule);
                if (reply.Reply is { } heard) Field("Reply", heard);
                if (reply.Note is { } note) Field("Note", note);
            }
            return reply.Allowed ? ExitCode.Ok : ExitCode.Failure;
        });
        return command;
    }

    /// <summary>Null: no server is running, or none that this user may ask, or it does not know the device.</summary>
    private static async Task<(int LastHour, int LastDay)?> AcceptedAsync(string dataFolder, string device, CancellationToken cancellation)
    {
        using var server = new ControlClient(dataFolder);
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        patience.CancelAfter(Patience);
        try
        {
            var devices = await server.GetAsync("/devices", DashboardJson.Default.IReadOnlyListDeviceReply, patience.Token);
            return devices.Value?.FirstOrDefault(one => one.Name == device) is { } known ? (known.LastHour, known.LastDay) : null;
        }
        catch (Exception failure) when (failure is ServerUnavailableException || (failure is OperationCanceledException && !cancellation.IsCancellationRequested))
        {
            return null;
        }
    }

    private static ExplainReply Explain(
        SmartHostSettings settings, Device? device, IPAddress client, ReversePath sender, Mailbox recipient, string? user, bool tls, long size, (int LastHour, int LastDay) accepted)
    {
        var note = user is null && client.Equals(DockerBridge.OwnGateway())
            ? $"{client} is the gateway of Docker's network: every device may seem to come from it, so do not allow it. “Docker and networks” in the documentation has the ways out."
            : null;
        var by = user is null ? $"by its address {client}" : $"by its login {user}";
        if (user is not null && device is null) return new ExplainReply(false, null, by, "devices.NAME.username", Replies.AuthFailed.ToString(), null);
        RelayVerdict Decide(Mailbox? to) => RelayPolicy.Decide(new RelayRequest(device, client, user is not null, tls, sender, to, size, accepted.LastHour, accepted.LastDay));
        if (size > settings.Limits.MaxSize) return new ExplainReply(false, device?.Name, by, $"limits.maxSize {settings.Limits.MaxSize}", Replies.TooLarge(settings.Limits.MaxSize).ToString(), note);
        var mail = Decide(null);
        var verdict = mail.Refusal is null ? Decide(recipient) : mail;
        return new ExplainReply(verdict.Refusal is null, device?.Name, by, verdict.Rule, verdict.Refusal?.ToString(), note);
    }

    private static int Misused(Terminal terminal, string sentence)
    {
        terminal.Complain(sentence);
        return ExitCode.Usage;
    }
}
