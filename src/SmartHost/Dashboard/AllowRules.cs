using SmartHost.Devices;

namespace SmartHost.Dashboard;

/// <summary>What is wrong with a person's wish to allow a device, all at once; empty: nothing that we can see. Pure.</summary>
internal static class AllowRules
{
    /// <summary>Nothing is wrong with the wish itself: another device has that name. Null: it is free.</summary>
    public static string? NameTaken(AllowRequest request, DashboardSources sources) =>
        sources.Devices().Any(one => one.Device.Name.Equals(request.Name, StringComparison.OrdinalIgnoreCase))
            ? $"There is a device named {request.Name} already. Choose another name, or edit that device." : null;

    public static IReadOnlyList<string> Problems(AllowRequest request, DashboardSources sources, Device? edited)
    {
        // The reader of JSON lets a null pass for a text where it stands in a list.
        if (request.Addresses.Concat(request.Recipients).Any(one => one is null)) return ["Addresses and recipients are lists of texts, and null is none."];
        var problems = new List<string>();
        if (!DeviceName.IsValid(request.Name)) problems.Add($"“{request.Name}” cannot be a device's name: use {DeviceName.Rule}.");

        // A device that logs in needs no address; one that we make here has no login.
        if (request.Addresses.Count == 0 && edited?.Username is null) problems.Add("Say at which address the device is, such as 192.168.1.23.");
        var gateway = sources.Gateway();
        foreach (var text in request.Addresses)
        {
            if (!ClientNetwork.TryParse(text, out var network))
            {
                problems.Add($"“{text}” is neither an address (192.168.1.23) nor a network (192.168.1.0/24).");
            }
            else if (network.PrefixLength == 0)
            {
                problems.Add($"“{text}” is everyone who reaches this port. Write your own network, such as 192.168.1.0/24.");
            }
            else if (gateway is not null && network.Contains(gateway.Gateway) && !request.AllowGateway)
            {
                problems.Add($"{text} includes {gateway.Gateway}, which behind Docker's bridge is every device's address: allowing it would allow them all. {gateway.Remedy}");
            }
        }

        if (request.Recipients.Count == 0) problems.Add("Say whom the device may write to: an address, *@example.com for a domain, or * for everyone.");
        var patterns = new List<string>();
        AddressPatterns.Parse(request.Recipients, patterns);
        problems.AddRange(patterns.Select(problem => $"{problem}."));
        if (request.PerHour is <= 0) problems.Add("Messages an hour: write a number from 1 up, or leave it empty for no limit.");
        if (request.PerDay is <= 0) problems.Add("Messages a day: write a number from 1 up, or leave it empty for no limit.");
        if (request.Account is { } account && sources.Delivery().Accounts.All(one => one.Name != account)) problems.Add($"There is no account named {account}.");
        return problems;
    }
}
