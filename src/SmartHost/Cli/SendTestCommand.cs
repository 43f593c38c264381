using System.CommandLine;
using System.Net.Http.Json;
using SmartHost.Dashboard;
using SmartHost.Dashboard.Api;
using SmartHost.Delivery;
using SmartHost.Mail;

namespace SmartHost.Cli;

/// <summary>One message through the running server, its story told as it happens. Ends when it is sent, or will not be soon: a message that is put off stays in the queue.</summary>
internal static class SendTestCommand
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(250), Patience = TimeSpan.FromMinutes(2);

    private const int LooksBeforeAsking = 8;

    public static Command Create(CommonOptions common)
    {
        var to = new Option<string?>("--to") { Description = "Whom to. Default: the account's own address.", HelpName = "ADDRESS" };
        var account = new Option<string?>("--account") { Description = "By which account. Default: the first.", HelpName = "NAME" };
        account.CompletionSources.Add(Completions.Accounts(common));
        var command = new Command("send-test", "Send a test message by the running server and follow it to the end. Exit code 0: Gmail took it; 1: not, or not yet.") { to, account };
        command.Asks(common, async (parsed, client, terminal, cancellation) =>
        {
            var body = JsonContent.Create(new SendTestRequest(parsed.GetValue(to), parsed.GetValue(account)), DashboardJson.Default.SendTestRequest);
            var answer = await client.PostAsync("/send-test", body, DashboardJson.Default.SendTestReply, cancellation);
            if (answer.Value is not { } test) return terminal.Report(answer, "");
            try
            {
                return await FollowAsync(client, terminal, test.Id, TimeProvider.System, cancellation);
            }
            catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
            {
                terminal.Complain($"no longer watching. The message stays in the queue and is sent all the same; smarthost queue show {test.Id} tells its story.");
                return ExitCode.Interrupted;
            }
        });
        return command;
    }

    private static async Task<int> FollowAsync(ControlClient client, Terminal terminal, string id, TimeProvider time, CancellationToken cancellation)
    {
        var (resource, begin, told, isExplained) = (QueueCommand.Resource(id), time.GetTimestamp(), 0, false);
        for (var look = 1; ; look++)
        {
            // State before story, so that the story of a finished message is whole.
            var answer = await client.GetAsync(resource, DashboardJson.Default.MessageReply, cancellation);
            if (answer.Value is not { } message) return terminal.Report(answer.Problem, "");
            var (putOff, paused) = (false, (AccountReply?)null);
            if ((await client.GetAsync(resource + "/timeline", DashboardJson.Default.IReadOnlyListTimelineReply, cancellation)).Value is { } timeline)
            {
                if (!terminal.Json) foreach (var entry in timeline.Skip(told)) QueueCommand.Timeline(terminal, entry);
                told = timeline.Count;
                // An account that cannot be reached costs the message no attempt, so its status does not change.
                putOff = timeline.Any(entry => entry.Event == TimelineEvent.Deferred);
            }
            if (message.Status == MessageStatus.Queued && !putOff && time.GetElapsedTime(begin) is var elapsed && elapsed <= Patience)
            {
                // Not at once: an account that has a fallback passes the message on to it.
                paused = look % LooksBeforeAsking == 0 ? await PausedAsync(client, message, cancellation) : null;
                if (paused is null || paused.NextProbe <= time.GetUtcNow() + Patience - elapsed)
                {
                    if (paused is not null && !isExplained)
                    {
                        terminal.Complain($"{Reason(paused)} It is tried again at {paused.NextProbe?.ToLocalTime():HH:mm:ss}.");
                        isExplained = true;
                    }
                    await Task.Delay(Interval, time, cancellation);
                    continue;
                }
            }
            if (terminal.Json) terminal.Print(message, DashboardJson.Default.MessageReply);
            if (paused is not null)
            {
                terminal.Complain(Reason(paused));
                terminal.Complain($"The message is kept and leaves when the account works again. Next try: {paused.NextProbe?.ToLocalTime():yyyy-MM-dd HH:mm}.");
                return ExitCode.Failure;
            }
            if (message.Status == MessageStatus.Sent) return terminal.Report(null, "Gmail took it. Look into the inbox, and the spam folder.");
            terminal.Complain($"It was not sent: it is {message.Status.Word()}. smarthost queue show {id} tells its story, smarthost check finds the cause.");
            return ExitCode.Failure;
        }
    }

    private static string Reason(AccountReply paused) => $"It waits, for account {paused.Name} is paused: {paused.Sentence} {paused.Remedy}".TrimEnd();

    /// <summary>Null: its account sends.</summary>
    private static async Task<AccountReply?> PausedAsync(ControlClient client, MessageReply message, CancellationToken cancellation)
    {
        if ((await client.GetAsync("/overview", DashboardJson.Default.OverviewReply, cancellation)).Value is not { } overview) return null;
        return KeptBack.By(message, overview.Accounts) is { Health: AccountHealth.Paused, NextProbe: not null } account ? account : null;
    }
}
