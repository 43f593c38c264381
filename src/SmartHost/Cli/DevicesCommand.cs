using System.CommandLine;
using System.Net.Http.Json;
using SmartHost.Dashboard;
using SmartHost.Dashboard.Api;
using SmartHost.Dashboard.Pages;
using SmartHost.Devices;
using SmartHost.Mail;

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
                else terminal.Table(["Address", "Names", "Tries", "Last", "From", "To"], 1, strangers.Select(one => (string[])
                    [one.Address, string.Join(", ", one.Helos.Prepend(one.HostName).OfType<string>().Distinct()), one.Attempts.ToString(), Time(one.LastSeen), string.Join(", ", one.Senders), string.Join(", ", one.Recipients)]));
                return ExitCode.Ok;
            }
            var answer = await client.GetAsync("/devices", DashboardJson.Default.IReadOnlyListDeviceReply, cancellation);
            if (answer.Value is not { } devices) return terminal.Report(answer.Problem, "");
            if (terminal.Json) terminal.Print(devices, DashboardJson.Default.IReadOnlyListDeviceReply);
            else if (devices.Count == 0) terminal.Line("No device is allowed yet.");
            else terminal.Table(["Device", "Known by", "May write to", "Today", "Last seen"], 2, devices.Select(one => (string[])
                [one.Name, string.Join(", ", one.Username is { } user ? [.. one.Addresses, $"login {user}"] : one.Addresses), string.Join(", ", one.Recipients), one.LastDay.ToString(), Time(one.LastSeen)]));
            // Who looks here for a device that was refused finds the way on.
            if (!terminal.Json && (await client.GetAsync("/unknown-devices", DashboardJson.Default.IReadOnlyListUnknownDeviceReply, cancellation)).Value is { Count: > 0 } refused)
                terminal.Line($"{Wording.Count(refused.Count, "unknown device", "unknown devices")} tried to send and {(refused.Count == 1 ? "was" : "were")} refused: smarthost devices list --unknown");
            return ExitCode.Ok;
        });
        return command;
    }

    private static Command Allow(CommonOptions common)
    {
        var name = new Argument<string>("NAME") { Description = $"Its name: {DeviceName.Rule}.", HelpName = "NAME" };
        var address = new Option<string[]>("--address") { Description = "Where it is: an address or a network. May be repeated.", Required = true, HelpName = "ADDRESS" };
        var to = new Option<string[]>("--to") { Description = "Whom it may write to: an address, *@example.com, or *. May be repeated.", Required = true, HelpName = "ADDRESS" };
        var priority = OneOf.Words("--priority", "How urgent its mail is. Default: normal.", "LANE", [.. Enum.GetNames<Lane>().Select(lane => lane.ToLowerInvariant())]);
        var perHour = new Option<int?>("--per-hour") { Description = "Messages it may send in an hour.", HelpName = "NUMBER" };
        var perDay = new Option<int?>("--per-day") { Description = "Messages it may send in a day.", HelpName = "NUMBER" };
        var account = new Option<string?>("--account") { Description = "The account its mail leaves by. Default: the first.", HelpName = "NAME" };
        account.CompletionSources.Add(Completions.Accounts(common));
        var gateway = new Option<bool>("--allow-gateway") { Description = "Even if the address is Docker's gateway, which means every device." };
        var command = new Command("allow", "Allow a device; its next try works.") { name, address, to, priority, perHour, perDay, account, gateway };
        command.Asks(common, async (parsed, client, terminal, cancellation) =>
        {
            var lane = parsed.GetValue(priority) is { } word ? Enum.Parse<Lane>(word, ignoreCase: true) : Lane.Normal;
            var request = new AllowRequest(parsed.GetValue(name)!, parsed.GetValue(address)!, parsed.GetValue(to)!, lane,
                parsed.GetValue(perHour), parsed.GetValue(perDay), parsed.GetValue(account), parsed.GetValue(gateway));
            var code = terminal.Report(await client.PostAsync<ApiProblem>("/devices", JsonContent.Create(request, DashboardJson.Default.AllowRequest), null, cancellation), $"{request.Name} may send now.");
            if (code != ExitCode.Ok || !terminal.Json) return code;
            var devices = await client.GetAsync("/devices", DashboardJson.Default.IReadOnlyListDeviceReply, cancellation);
            if (devices.Value?.FirstOrDefault(device => device.Name == request.Name) is { } allowed) terminal.Print(allowed, DashboardJson.Default.DeviceReply);
            return code;
        });
        return command;
    }

    private static Command Forget(CommonOptions common)
    {
        var name = new Argument<string>("NAME") { Description = "As devices list shows it.", HelpName = "NAME" };
        name.CompletionSources.Add(Completions.Devices(common, own: true));
        var command = new Command("forget", "Forget a device that was allowed here or on the page.") { name };
        command.Asks(common, async (parsed, client, terminal, cancellation) =>
        {
            var device = parsed.GetValue(name)!;
            var code = terminal.Report(await client.DoAsync(HttpMethod.Delete, "/devices/" + Uri.EscapeDataString(device), null, cancellation), $"{device} is forgotten.");
            if (code == ExitCode.Ok && terminal.Json) terminal.Print(new ForgottenReply(device, true), CliJson.Default.ForgottenReply);
            return code;
        });
        return command;
    }

    private static string Time(DateTimeOffset? at) => at?.ToLocalTime().ToString("MM-dd HH:mm") ?? "never";
}
