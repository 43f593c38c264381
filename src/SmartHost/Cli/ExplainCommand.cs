using System.CommandLine;
using System.Net;
using SmartHost.Configuration;
using SmartHost.Devices;
using SmartHost.Hosting;
using SmartHost.Listener;
using SmartHost.Mail;

namespace SmartHost.Cli;

/// <summary>Which rule decides, and what the device would hear: the listener's own decision, asked of the settings alone. Counts of the last hour and day are taken as zero.</summary>
internal static class ExplainCommand
{
    public static Command Create(CommonOptions common)
    {
        var client = new Option<string>("--client") { Description = "The device's address.", Required = true, HelpName = "IP" };
        var from = new Option<string>("--from") { Description = "The sender it gives; <> for none.", Required = true, HelpName = "ADDRESS" };
        var to = new Option<string>("--to") { Description = "The recipient.", Required = true, HelpName = "ADDRESS" };
        var auth = new Option<string?>("--auth") { Description = "The user name it logs in with.", HelpName = "USER" };
        var tls = new Option<bool>("--tls") { Description = "As if it spoke TLS." };
        var size = new Option<long>("--size") { Description = "Octets of the message.", HelpName = "OCTETS" };
        var command = new Command("explain", "Say whether a device may send this, and by which rule. Exit code 0: allowed; 1: refused.") { client, from, to, auth, tls, size };
        command.SetAction(parsed =>
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
            var reply = Explain(settings, address, sender, recipient, parsed.GetValue(auth), parsed.GetValue(tls), parsed.GetValue(size));
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

    private static ExplainReply Explain(SmartHostSettings settings, IPAddress client, ReversePath sender, Mailbox recipient, string? user, bool tls, long size)
    {
        var note = user is null && client.Equals(DockerBridge.OwnGateway())
            ? $"{client} is the gateway of Docker's network: every device may seem to come from it, so do not allow it. “Docker and networks” in the documentation has the ways out."
            : null;
        var device = user is null ? settings.Devices.ByAddress(client) : settings.Devices.ByUsername(user);
        var by = user is null ? $"by its address {client}" : $"by its login {user}";
        if (user is not null && device is null) return new ExplainReply(false, null, by, "devices.NAME.username", Replies.AuthFailed.ToString(), null);
        RelayVerdict Decide(Mailbox? to) => RelayPolicy.Decide(new RelayRequest(device, client, user is not null, tls, sender, to, size, 0, 0));
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
