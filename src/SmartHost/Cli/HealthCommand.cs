using System.CommandLine;
using SmartHost.Dashboard.Api;

namespace SmartHost.Cli;

/// <summary>
/// For Docker and monitors. Healthy is a server that answers and takes mail, even while Gmail is down: its queue is there for
/// that. <c>--deep</c> wants every account able to log in, too; the server keeps that from becoming a storm of logins.
/// </summary>
internal static class HealthCommand
{
    /// <summary>Docker gives up on a health check after ten seconds as our image sets it; a sentence should come before.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5), DeepPatience = TimeSpan.FromMinutes(1);

    public static Command Create(CommonOptions common)
    {
        var deep = new Option<bool>("--deep") { Description = "Prove, too, that every account can log in. Asks Google at most four times an hour, so it may run as often as you like." };
        var command = new Command("health", "Is the server alive, and does it take mail? Exit code 0: yes; 1: no.") { deep };
        command.Asks(common, async (parsed, client, terminal, cancellation) =>
        {
            var isDeep = parsed.GetValue(deep);
            var limit = isDeep ? DeepPatience : Patience;
            using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
            patience.CancelAfter(limit);
            try
            {
                var health = await client.HealthAsync(patience.Token);
                if (isDeep) health = Deepened(health, await client.PostAsync("/logins", null, DashboardJson.Default.IReadOnlyListLoginReply, patience.Token));
                Show(terminal, health);
                return health.TakesMail && health.Status != Unhealthy ? ExitCode.Ok : ExitCode.Failure;
            }
            catch (ServerUnavailableException failure)
            {
                terminal.Complain(failure.Message);
            }
            catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
            {
                terminal.Complain($"the server did not answer within {limit.TotalSeconds:0} seconds.");
            }
            return ExitCode.Failure;
        });
        return command;
    }

    private const string Unhealthy = "unhealthy";

    private static HealthReply Deepened(HealthReply health, Answer<IReadOnlyList<LoginReply>> logins)
    {
        if (logins.Value is null) return new HealthReply(Unhealthy, health.TakesMail, [.. health.Reasons, logins.Problem!]);
        var troubles = logins.Value.Where(login => !login.CanLogIn).Select(login => $"account {login.Account}: {login.Text}").ToList();
        return troubles.Count == 0 ? health : new HealthReply(Unhealthy, health.TakesMail, [.. health.Reasons, .. troubles]);
    }

    private static void Show(Terminal terminal, HealthReply health)
    {
        if (terminal.Json)
        {
            terminal.Print(health, DashboardJson.Default.HealthReply);
            return;
        }
        terminal.Line(health switch
        {
            { TakesMail: false } => "alive, but it takes no mail",
            // Gmail being away is nothing that a restart could mend.
            { Status: "not ready" } => "alive",
            _ => health.Status,
        });
        foreach (var reason in health.Reasons) terminal.Line($"! {reason}", indent: 2);
    }
}
