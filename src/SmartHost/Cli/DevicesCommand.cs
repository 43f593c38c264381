using System.CommandLine;
using System.Net.Http.Json;
using SmartHost.Dashboard;
using SmartHost.Dashboard.Api;

namespace SmartHost.Cli;

/// <summary>The devices of the running server, those that are allowed and those that tried.</summary>
internal static class DevicesCommand
{
    public static Command Create(CommonOptions common) => new("devices", "List, allow and forget devices on the running server.") { List(common), Allow(common), Forget(common) };

    private static Command List(CommonOptions common)
    {
        var unknown = new Option<bool>("--unknown") { Description = "Those that tried and are not allowed." };
        var command = new Command("list", "List devices.") { unknown };
        command.Asks(common, async (parsed, client, terminal, cancellation) =>
        {
            if (parsed.GetValue(unknown))
            {
                var tried = await client.GetAsync("/unknown-devices", DashboardJson.Default.IReadOnlyListUnknownDeviceReply, cancellation);
                if (tried.Value is not { } strangers) return terminal.Report(tried.Problem, "");
                if (terminal.Json) terminal.Print(strangers, DashboardJson.Default.IReadOnlyListUnknownDeviceReply);
                else if (strangers.Count == 0) terminal.Line("No unknown device has tried.");
                else terminal.Table(["Address", "Name", "Tries", "Last", "From", "To"], strangers.Select(one => (string[])
                    [one.Address, one.HostName ?? "", one.Attempts.ToString(), Time(one.LastSeen), string.Join(", ", one.Senders), string.Join(", ", one.Recipients)]));
                return ExitCode.Ok;
            }
            var answer = await client.GetAsync("/devices", DashboardJson.Default.IReadOnlyListDeviceReply, cancellation);
            if (answer.Value is not { } devices) return terminal.Report(answer.Problem, "");
            if (terminal.Json) terminal.Print(devices, DashboardJson.Default.IReadOnlyListDeviceReply);
            else if (devices.Count == 0) terminal.Line("No device is allowed yet.");
            else terminal.Table(["Device", "Known by", "May write to", "Today", "Last seen"], devices.Select(one => (string[])
                [one.Name, string.Join(", ", one.Username is { } user ? [.. one.Addresses, $"login {user}"] : one.Addresses), string.Join(", ", one.Recipients), one.LastDay.ToString(), Time(one.LastSeen)]));
            return ExitCode.Ok;
        });
        return command;
    }

    private static Command Allow(CommonOptions common)
    {
        var name = new Argument<string>("NAME") { Description = "Its name: letters, digits, hyphens." };
        var address = new Option<string[]>("--address") { Description = "Where it is: an address or a network. May be repeated.", Required = true };
        var to = new Option<string[]>("--to") { Description = "Whom it may write to: an address, *@example.com, or *. May be repeated.", Required = true };
        var perHour = new Option<int?>("--per-hour") { Description = "Messages it may send in an hour." };
        var perDay = new Option<int?>("--per-day") { Description = "Messages it may send in a day." };
        var account = new Option<string?>("--account") { Description = "The account its mail leaves by." };
        var gateway = new Option<bool>("--allow-gateway") { Description = "Even if the address is Docker's gateway, which means every device." };
        var command = new Command("allow", "Allow a device; its next try works.") { name, address, to, perHour, perDay, account, gateway };
        command.Asks(common, async (parsed, client, terminal, cancellation) =>
        {
            var request = new AllowRequest(parsed.GetValue(name)!, parsed.GetValue(address)!, parsed.GetValue(to)!,
                PerHour: parsed.GetValue(perHour), PerDay: parsed.GetValue(perDay), Account: parsed.GetValue(account), AllowGateway: parsed.GetValue(gateway));
            return terminal.Report(await client.DoAsync(HttpMethod.Post, "/devices", JsonContent.Create(request, DashboardJson.Default.AllowRequest), cancellation), $"{request.Name} may send now.");
        });
        return command;
    }

    private static Command Forget(CommonOptions common)
    {
        var name = new Argument<string>("NAME");
        var command = new Command("forget", "Forget a device that was allowed here or on the page.") { name };
        command.Asks(common, async (parsed, client, terminal, cancellation) => terminal.Report(
            await client.DoAsync(HttpMethod.Delete, "/devices/" + Uri.EscapeDataString(parsed.GetValue(name)!), null, cancellation), $"{parsed.GetValue(name)} is forgotten."));
        return command;
    }

    private static string Time(DateTimeOffset? at) => at?.ToLocalTime().ToString("MM-dd HH:mm") ?? "never";
}
