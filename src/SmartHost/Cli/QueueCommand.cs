using System.CommandLine;
using System.Net.Http.Json;
using SmartHost.Dashboard;
using SmartHost.Dashboard.Api;
using SmartHost.Dashboard.Pages;
using SmartHost.Delivery;
using SmartHost.Queue;

namespace SmartHost.Cli;

/// <summary>The queue of the running server: look, and steer.</summary>
internal static class QueueCommand
{
    public static Command Create(CommonOptions common) => new("queue", "Look at the messages of the running server, and steer them.")
    {
        List(common),
        Show(common),
        Retry(common),
        Hold(common),
        Change(common, "release", "Let a held message go.", "is released", "held"),
        Change(common, "delete", "Delete a message and its content for good.", "is deleted", "waiting", "held", "parked"),
    };

    private static Command List(CommonOptions common)
    {
        var state = OneOf.Words("--state", "Only those.", "STATE", "waiting", "held", "parked", "sent", "bounced", "deleted");
        var device = new Option<string?>("--device") { Description = "Only from this device.", HelpName = "NAME" };
        device.CompletionSources.Add(Completions.Devices(common));
        var text = new Option<string?>("--text") { Description = "Only with this in address or subject.", HelpName = "TEXT" };
        var limit = new Option<int>("--limit") { Description = "How many, newest first.", DefaultValueFactory = _ => 50, HelpName = "NUMBER" };
        limit.Validators.Add(result =>
        {
            if (result.Tokens is [var written] && int.TryParse(written.Value, out var number) && number is < 1 or > ApiEndpoints.MaxLimit) result.AddError($"--limit is 1 to {ApiEndpoints.MaxLimit}, not “{written.Value}”.");
        });
        var command = new Command("list", "List messages, newest first.") { state, device, text, limit };
        command.Asks(common, async (parsed, client, terminal, cancellation) =>
        {
            var query = QueryString.Create(new Dictionary<string, string?>
            {
                ["state"] = parsed.GetValue(state), ["device"] = parsed.GetValue(device), ["text"] = parsed.GetValue(text), ["limit"] = parsed.GetValue(limit).ToString(),
            }.Where(pair => pair.Value is not null));
            var answer = await client.GetAsync("/messages" + query, DashboardJson.Default.MessagesReply, cancellation);
            if (answer.Value is not { } found) return terminal.Report(answer.Problem, "");
            if (terminal.Json) terminal.Print(found, DashboardJson.Default.MessagesReply);
            else if (found.Messages.Count == 0) terminal.Line("No messages.");
            else
            {
                terminal.Table(["ID", "Received", "Status", "Device", "To", "Subject"], 5, found.Messages.Select(one => (string[])
                    [one.Id, one.ReceivedAt.ToLocalTime().ToString("MM-dd HH:mm"), one.Status.Word(), one.Device, To(one), one.Subject ?? ""]));
            }
            return ExitCode.Ok;
        });
        return command;
    }

    private static string To(MessageReply message) =>
        message.Recipients.Count == 1 ? message.Recipients[0].Address : $"{message.Recipients[0].Address} +{message.Recipients.Count - 1}";

    private static Command Show(CommonOptions common)
    {
        var id = new Argument<string>("ID") { Description = "As queue list shows it.", HelpName = "ID" };
        id.CompletionSources.Add(Completions.Messages(common, [null]));
        var command = new Command("show", "Show one message and its story.") { id };
        command.Asks(common, async (parsed, client, terminal, cancellation) =>
        {
            var resource = Resource(parsed.GetValue(id)!);
            var answer = await client.GetAsync(resource, DashboardJson.Default.MessageReply, cancellation);
            if (answer.Value is not { } message) return terminal.Report(answer.Problem, "");
            var timeline = await client.GetAsync(resource + "/timeline", DashboardJson.Default.IReadOnlyListTimelineReply, cancellation);
            if (terminal.Json)
            {
                terminal.Print(new StoryReply(message, timeline.Value ?? []), DashboardJson.Default.StoryReply);
                return ExitCode.Ok;
            }
            void Field(string name, string value) => terminal.Line(Terminal.Clean($"{name,-9}{value}"), indent: 9);
            terminal.Line(Terminal.Clean($"{message.Id}  {message.Status.Word()}{(message.StateReason is { } why ? $": {why}" : "")}"), indent: 9);
            Field("From", $"<{message.Sender}>, device {message.Device}{(message.Client is { } address ? $" at {address}" : "")}");
            // What kept a recipient waiting before the message was held or parked is no reason any more: the message's own is.
            var isOver = message.State != MessageState.Queued;
            foreach (var one in message.Recipients) Field("To", $"{one.Address}: {one.State.ToString().ToLowerInvariant()}{(one.Reply is { } reply && !(isOver && one.State == RecipientState.Queued) ? $" ({reply})" : "")}");
            Field("Subject", message.Subject ?? "");
            Field("Size", $"{Wording.Size(message.Size)}, {Wording.Count(message.Attempts, "attempt", "attempts")}{(message.Due is { } due ? $", due {due.ToLocalTime():yyyy-MM-dd HH:mm:ss}" : "")}");
            if (message.State == MessageState.Queued && (await client.GetAsync("/overview", DashboardJson.Default.OverviewReply, cancellation)).Value is { } overview
                && KeptBack.Reason(message, overview.Accounts, Moment) is { } reason) Field("Waits", reason);
            terminal.Line();
            foreach (var entry in timeline.Value ?? []) Timeline(terminal, entry);
            return ExitCode.Ok;
        });
        return command;
    }

    public static string Resource(string id) => "/messages/" + Uri.EscapeDataString(id);

    public static void Timeline(Terminal terminal, TimelineReply entry)
    {
        const int indent = 27;
        terminal.Line(Terminal.Clean($"{entry.At.ToLocalTime():MM-dd HH:mm:ss}  {entry.Event,-9}  {(entry.Recipient is { } recipient ? $"{recipient}: " : "")}{entry.Text}"), indent);
        if (entry.Reply is { } reply) terminal.Line(Terminal.Clean($"{"",indent}Gmail: {reply}"), indent);
    }

    private static Command Hold(CommonOptions common)
    {
        var ids = Ids(common, "waiting");
        var reason = new Option<string?>("--reason") { Description = "Why, for whoever finds it held.", HelpName = "TEXT" };
        var command = new Command("hold", "Keep a message back until it is released.") { ids, reason };
        command.Asks(common, (parsed, client, terminal, cancellation) => EachAsync(parsed.GetValue(ids)!, client, terminal, "is held", id =>
            client.DoAsync(HttpMethod.Post, Resource(id) + "/hold", JsonContent.Create(new HoldRequest(parsed.GetValue(reason)), DashboardJson.Default.HoldRequest), cancellation), cancellation));
        return command;
    }

    /// <param name="states">Of messages that this can be done to, for the Tab key; the server decides.</param>
    private static Command Change(CommonOptions common, string verb, string description, string done, params string[] states)
    {
        var ids = Ids(common, states);
        var command = new Command(verb, description) { ids };
        command.Asks(common, (parsed, client, terminal, cancellation) => EachAsync(parsed.GetValue(ids)!, client, terminal, done, id => verb == "delete"
            ? client.DoAsync(HttpMethod.Delete, Resource(id), null, cancellation)
            : client.DoAsync(HttpMethod.Post, $"{Resource(id)}/{verb}", null, cancellation), cancellation));
        return command;
    }

    /// <summary>What is due is not tried while its account is paused or has spent its day, and who types this should hear so.</summary>
    private static Command Retry(CommonOptions common)
    {
        var ids = Ids(common, "waiting", "parked");
        var command = new Command("retry", "Try now, whatever the schedule says.") { ids };
        command.Asks(common, (parsed, client, terminal, cancellation) => EachAsync(parsed.GetValue(ids)!, client, terminal, "will be tried now", id =>
            client.DoAsync(HttpMethod.Post, $"{Resource(id)}/retry", null, cancellation), cancellation, keptBack: id => KeptBackAsync(client, id, cancellation)));
        return command;
    }

    private static async Task<string?> KeptBackAsync(ControlClient client, string id, CancellationToken cancellation)
    {
        if ((await client.GetAsync(Resource(id), DashboardJson.Default.MessageReply, cancellation)).Value is not { } message) return null;
        if ((await client.GetAsync("/overview", DashboardJson.Default.OverviewReply, cancellation)).Value is not { } overview) return null;
        if (KeptBack.Reason(message, overview.Accounts, Moment) is not { } reason) return null;
        var isPaused = KeptBack.By(message, overview.Accounts) is { Health: AccountHealth.Paused };
        return $"is due now, but {reason}{(reason is [.., '.' or '?' or '!'] ? "" : ".")}{(isPaused ? " “Try now” on the page tries the account at once." : "")}";
    }

    private static string Moment(DateTimeOffset at) => $"{at.ToLocalTime():yyyy-MM-dd HH:mm}";

    private static Argument<string[]> Ids(CommonOptions common, params string[] states)
    {
        var ids = new Argument<string[]>("ID") { Arity = ArgumentArity.OneOrMore, Description = "As queue list shows it. More than one may be given.", HelpName = "ID" };
        ids.CompletionSources.Add(Completions.Messages(common, states));
        return ids;
    }

    /// <summary>One that is refused does not stop the others.</summary>
    /// <param name="keptBack">What to say in place of <paramref name="done"/> where it does not come to that; null from it: it does.</param>
    private static async Task<int> EachAsync(
        string[] ids, ControlClient client, Terminal terminal, string done, Func<string, Task<string?>> change, CancellationToken cancellation, Func<string, Task<string?>>? keptBack = null)
    {
        var (code, changes) = (ExitCode.Ok, new List<ChangeReply>());
        foreach (var id in ids)
        {
            var problem = await change(id);
            var instead = problem is null && keptBack is not null ? await keptBack(id) : null;
            code = Math.Max(code, terminal.Report(problem, $"{id} {instead ?? done + "."}"));
            if (!terminal.Json) continue;
            var now = await client.GetAsync(Resource(id), DashboardJson.Default.MessageReply, cancellation);
            changes.Add(new ChangeReply(id, problem is null, now.Value?.Status, problem));
        }
        if (terminal.Json) terminal.Print(changes, CliJson.Default.IReadOnlyListChangeReply);
        return code;
    }
}
