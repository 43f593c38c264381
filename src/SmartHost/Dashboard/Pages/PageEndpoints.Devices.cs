using System.Globalization;
using System.Net;
using RazorSlices;
using SmartHost.Devices;
using SmartHost.Mail;

namespace SmartHost.Dashboard.Pages;

/// <summary>The pages of devices: those that are known, the form that allows one, and strangers that wait for a decision.</summary>
internal sealed partial class PageEndpoints
{
    private async Task<IResult> DevicesAsync(HttpContext context, string? done)
    {
        var unknown = await Task.WhenAll(sources.UnknownDevices().Select(async one => (one, await names.OfAsync(one.Client, context.RequestAborted))));
        var frame = FrameOf(context, "Devices", "/devices") with
        {
            Done = done switch { "allow" => "Allowed. Its next try works: send from the device once more.", "update" => "Saved.", "forget" => "Forgotten. It is refused from now on.", "forget-unknown" => "Forgotten. It comes back here if it tries again.", _ => null },
        };
        return Devices.Create(new DevicesPage(frame, [.. sources.Devices().Select(view => (view, sources.Queue.AcceptedFrom(view.Device.Name)))], unknown, sources.Bridge(), sources.Gateway()?.Gateway, ListensAt(context)));
    }

    private RazorSlice<DeviceForm> NewDevice(HttpContext context, string? address)
    {
        var client = IPAddress.TryParse(address, out var parsed) ? parsed : null;
        var tried = client is null ? null : sources.UnknownDevices().FirstOrDefault(one => one.Client.Equals(client));
        return DeviceFormPage.Create(new DeviceForm(FrameOf(context, "Allow a device", "/devices"), IsNew: true, SuggestName(tried), client?.ToString() ?? "",
            string.Join('\n', tried?.Recipients ?? []), Lane.Normal, null, null, null, AccountNames(), NeedsAddress: true, BridgeFor([client?.ToString() ?? ""])));
    }

    /// <summary>What it called itself, if that can be a name and is free.</summary>
    private string SuggestName(UnknownDevice? tried)
    {
        var name = tried?.Helos.Select(helo => helo.Split('.')[0].ToLowerInvariant()).LastOrDefault(DeviceName.IsValid) ?? "";
        return name is "localhost" || name.All(char.IsAsciiDigit) || sources.Devices().Any(one => one.Device.Name.Equals(name, StringComparison.OrdinalIgnoreCase)) ? "" : name;
    }

    private IResult EditDevice(HttpContext context, string name)
    {
        if (FindDevice(name) is not { } view) return NoSuchDevice();
        if (!view.Editable) return new PlainProblem(409, view.NotEditable);
        var device = view.Device;
        return DeviceFormPage.Create(new DeviceForm(FrameOf(context, device.Name, "/devices"), IsNew: false, device.Name, string.Join('\n', device.Addresses.Select(ClientNetwork.ToText)),
            string.Join('\n', device.Recipients.Patterns), device.Priority, Text(device.PerHour), Text(device.PerDay), device.Account, AccountNames(), device.Username is null,
            BridgeFor([.. device.Addresses.Select(ClientNetwork.ToText)])));
    }

    private SeeOther TryAccount(string name)
    {
        sources.TryAccount(name);
        return new SeeOther("/");
    }

    private async Task<IResult> AllowAsync(HttpContext context, CancellationToken cancellation)
    {
        var form = await FormOf(context);
        var (request, problems) = ReadDevice(form, (Field(form, "name") ?? "").Trim());
        problems = [.. problems, .. AllowRules.Problems(request, sources, edited: null)];
        if (AllowRules.NameTaken(request, sources) is { } taken) problems = [.. problems, taken];
        if (problems.Count == 0 && await sources.Allow(request, CancellationToken.None) is { } refusal) problems = [refusal];
        return problems.Count == 0 ? new SeeOther("/devices?done=allow") : FormAgain(context, form, request, problems, null);
    }

    private async Task<IResult> UpdateAsync(HttpContext context, string name)
    {
        if (FindDevice(name) is not { } view) return NoSuchDevice();
        if (!view.Editable) return new PlainProblem(409, view.NotEditable);
        var form = await FormOf(context);
        var (request, problems) = ReadDevice(form, view.Device.Name);
        problems = [.. problems, .. AllowRules.Problems(request, sources, view.Device)];
        if (problems.Count == 0 && await sources.Update(request, CancellationToken.None) is { } refusal) problems = [refusal];
        return problems.Count == 0 ? new SeeOther("/devices?done=update") : FormAgain(context, form, request, problems, view);
    }

    private async Task<IResult> ForgetAsync(HttpContext context, string name)
    {
        if (FindDevice(name) is not { } view) return NoSuchDevice();
        if (!view.Editable) return new PlainProblem(409, view.NotEditable);
        return await sources.Forget(view.Device.Name, CancellationToken.None) is { } problem ? new PlainProblem(409, problem) : new SeeOther("/devices?done=forget");
    }

    private async Task<IResult> ForgetUnknownAsync(HttpContext context, CancellationToken cancellation)
    {
        var form = await FormOf(context);
        if (IPAddress.TryParse(Field(form, "address"), out var address)) sources.ForgetUnknown(address);
        return new SeeOther("/devices?done=forget-unknown");
    }

    private static (AllowRequest Request, IReadOnlyList<string> Problems) ReadDevice(IFormCollection form, string name)
    {
        var problems = new List<string>();
        return (new AllowRequest(name, List("addresses"), List("recipients"), Priority(), Number("perHour", "Messages an hour"), Number("perDay", "Messages a day"),
            Field(form, "account") is { Length: > 0 } account ? account : null, Field(form, "allowGateway") == "yes"), problems);

        IReadOnlyList<string> List(string field) =>
            (Field(form, field) ?? "").Split(['\r', '\n', ',', ';', ' ', '\t'], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);

        Lane Priority()
        {
            switch (Field(form, "priority"))
            {
                case "urgent": return Lane.Urgent;
                case null or "" or "normal": return Lane.Normal;
                case "bulk": return Lane.Bulk;
                case var other:
                    problems.Add($"Priority: “{other}” is none. Choose urgent, normal or bulk.");
                    return Lane.Normal;
            }
        }

        int? Number(string field, string label)
        {
            if (Field(form, field)?.Trim() is not { Length: > 0 } text) return null;
            if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number)) return number;
            problems.Add($"{label}: “{text}” is no number. Write one from 1 up, or leave it empty for no limit.");
            return null;
        }
    }

    private RazorSlice<DeviceForm> FormAgain(HttpContext context, IFormCollection form, AllowRequest request, IReadOnlyList<string> problems, DeviceView? edited)
    {
        var page = DeviceFormPage.Create(new DeviceForm(FrameOf(context, edited?.Device.Name ?? "Allow a device", "/devices") with { Problems = problems }, edited is null, request.Name,
            Field(form, "addresses") ?? "", Field(form, "recipients") ?? "", request.Priority, Field(form, "perHour"), Field(form, "perDay"), request.Account, AccountNames(),
            edited?.Device.Username is null, BridgeFor(request.Addresses)));
        page.StatusCode = 400;
        return page;
    }

    private BridgeWarning? BridgeFor(IReadOnlyList<string> addresses) =>
        sources.Gateway() is { } gateway && addresses.Any(text => ClientNetwork.TryParse(text, out var network) && network.Contains(gateway.Gateway)) ? gateway : null;

    private DeviceView? FindDevice(string name) => sources.Devices().FirstOrDefault(view => view.Device.Name.Equals(name, StringComparison.OrdinalIgnoreCase));

    private static PlainProblem NoSuchDevice() => new(404, "There is no such device. It may have been forgotten, or renamed in its file.");
}
