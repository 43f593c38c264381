using System.CommandLine;
using SmartHost.Dashboard;
using SmartHost.Dashboard.Api;
using SmartHost.Delivery;

namespace SmartHost.Cli;

/// <summary>
/// For Docker and monitors. Alive is healthy even while Gmail is down or the disk is full: a restart would mend neither.
/// <c>--deep</c> wants every account able to send: it believes what the server knows of a paused account, so that a wrong
/// password is not tried again and again, and lets it log in once otherwise.
/// </summary>
internal static class HealthCommand
{
    public static Command Create(CommonOptions common)
    {
        var deep = new Option<bool>("--deep") { Description = "Prove, too, that every account can log in." };
        var command = new Command("health", "Is the server alive? Exit code 0: yes; 1: no.") { deep };
        command.Asks(common, async (parsed, client, terminal, cancellation) =>
        {
            HealthReply health;
            try
            {
                health = await client.HealthAsync(cancellation);
            }
            catch (ServerUnavailableException failure)
            {
                terminal.Complain(failure.Message);
                return ExitCode.Failure;
            }
            var troubles = parsed.GetValue(deep) ? await DeepAsync(client, cancellation) : [];
            var reply = troubles.Count > 0 ? new HealthReply("unhealthy", troubles) : health;
            if (terminal.Json) terminal.Print(reply, DashboardJson.Default.HealthReply);
            else
            {
                terminal.Line(reply.Status == "not ready" ? "alive" : reply.Status);
                foreach (var reason in reply.Reasons) terminal.Line($"! {reason}");
            }
            return troubles.Count > 0 ? ExitCode.Failure : ExitCode.Ok;
        });
        return command;
    }

    private static async Task<IReadOnlyList<string>> DeepAsync(ControlClient client, CancellationToken cancellation)
    {
        var overview = await client.GetAsync("/overview", DashboardJson.Default.OverviewReply, cancellation);
        if (overview.Value is null) return [overview.Problem!];
        var paused = overview.Value.Accounts.Where(account => account.Health == AccountHealth.Paused).Select(account => $"{account.Name}: {account.Sentence}").ToList();
        if (paused.Count > 0) return paused;
        var bad = new List<string>();
        await foreach (var line in client.CheckAsync(cancellation))
            if (line.Result == CheckResult.Bad && line.Name.StartsWith("account ", StringComparison.Ordinal)) bad.Add($"{line.Name}: {line.Text}");
        return bad;
    }
}
