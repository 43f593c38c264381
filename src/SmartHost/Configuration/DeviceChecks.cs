using System.Net;
using SmartHost.Devices;
using SmartHost.Mail;

namespace SmartHost.Configuration;

/// <summary>What must be true of a device as a whole, and of all devices together.</summary>
internal static class DeviceChecks
{
    /// <summary>Reports and alerts of our own go by this name.</summary>
    private const string Reserved = "smarthost";

    /// <summary>No mistake, and the check of the whole tells it in a line of its own.</summary>
    public const string NobodyYet = "names none, so nobody can send yet";

    public static void Check(SettingsDraft draft, ReadContext context)
    {
        if (draft.Devices.Count == 0 && !context.Problems.Exists(problem => problem.Path.StartsWith("devices", StringComparison.Ordinal)))
        {
            context.Warning(context.PlaceOf("devices"), "devices", NobodyYet, "Let your device send once and allow it on the page, or add it under devices, or set SMARTHOST_DEVICES");
        }
        foreach (var device in draft.Devices) CheckOne(device, draft, context);
        CheckAddresses(draft.Devices, context);
        CheckUsernames(draft.Devices, context);
    }

    private static void CheckOne(Device device, SettingsDraft draft, ReadContext context)
    {
        var path = $"devices.{device.Name}";
        bool Has(string setting) => context.Places.ContainsKey($"{path}.{setting}");
        void Error(string setting, string what, string instead) => context.Error(context.PlaceOf($"{path}.{setting}"), $"{path}.{setting}", what, instead);

        if (device.Name.Equals(Reserved, StringComparison.OrdinalIgnoreCase)) context.Error(context.PlaceOf(path), path, "has the name that SmartHost's own mail goes by", "Give the device another name");
        if (!Has("addresses") && !Has("username")) context.Error(context.PlaceOf(path), path, "has neither addresses nor a username, so it can never be recognised", "Write addresses: [192.168.1.23], or username and passwordHash");
        var hasHash = Has("passwordHash") || Has("passwordHashFile");
        if (Has("username") && !hasHash) Error("username", "is given without passwordHash", "Run smarthost hash-password and write what it prints, in quotes, as passwordHash");
        if (hasHash && !Has("username")) Error(Has("passwordHash") ? "passwordHash" : "passwordHashFile", "is given without username", "Write the name that the device logs in with as username");
        if (device.PasswordHash is { } hash && !PasswordHash.IsWellFormed(hash.Reveal()))
        {
            Error(Has("passwordHash") ? "passwordHash" : "passwordHashFile", "is not a hash made by smarthost hash-password", "Run smarthost hash-password and write what it prints, in quotes; in a compose file double every $");
        }
        if (device.RequireAuth && !Has("username")) Error("requireAuth", "asks for a login, but the device has no username", "Write username and passwordHash, or remove requireAuth");
        if (device.Account is { } account) SettingsChecks.CheckAccountExists(account, $"{path}.account", draft, context);
        if (device.MaxSize > draft.Limits.MaxSize)
        {
            context.Warning(context.PlaceOf($"{path}.maxSize"), $"{path}.maxSize", $"is {device.MaxSize}, more than limits.maxSize ({draft.Limits.MaxSize}) lets through", "Write a smaller one, or remove the line");
        }
        var leaves = draft.Accounts.FirstOrDefault(known => device.Account is null || known.Settings.Name == device.Account);
        if (Mailbox.TryParse(device.From, out var from) && leaves is { Settings: var sending } && from != sending.Username && !sending.Aliases.Contains(from))
        {
            context.Warning(context.PlaceOf($"{path}.from"), $"{path}.from", $"is {from}, which is no alias of account {sending.Name}, so Gmail would replace it", $"Add it to accounts.{sending.Name}.aliases once Gmail has verified it, or write a display name");
        }
    }

    private static void CheckAddresses(IReadOnlyList<Device> devices, ReadContext context)
    {
        var owners = new Dictionary<IPNetwork, Device>();
        foreach (var device in devices)
        {
            foreach (var network in device.Addresses.Distinct())
            {
                var path = $"devices.{device.Name}.addresses";
                if (!owners.TryAdd(network, device)) context.Error(context.PlaceOf(path), path, $"has {ClientNetwork.ToText(network)}, which devices.{owners[network].Name} ({context.PlaceOf($"devices.{owners[network].Name}.addresses")}) has too", "Remove it from one of the two");
                if (IsNobody(network)) context.Error(context.PlaceOf(path), path, $"has {ClientNetwork.ToText(network)}, which no device has, so it can never match", "Write its address, such as 192.168.1.23, or your own network, such as 192.168.1.0/24");
                if (network.PrefixLength == 0) context.Warning(context.PlaceOf(path), path, $"has {ClientNetwork.ToText(network)}: everyone who reaches this port can send by your account", "Write your own network, such as 192.168.1.0/24");
            }
        }
    }

    /// <summary>0.0.0.0 or ::, meant as everyone: to a listener it is, to an allowlist it is one address that nothing comes from.</summary>
    private static bool IsNobody(IPNetwork network) =>
        network is { PrefixLength: 32 or 128 } && (network.BaseAddress.Equals(IPAddress.Any) || (network.PrefixLength == 128 && network.BaseAddress.Equals(IPAddress.IPv6Any)));

    private static void CheckUsernames(IReadOnlyList<Device> devices, ReadContext context)
    {
        var owners = new Dictionary<string, Device>(StringComparer.OrdinalIgnoreCase);
        foreach (var device in devices)
        {
            if (device.Username is not { } username || owners.TryAdd(username, device)) continue;
            var path = $"devices.{device.Name}.username";
            context.Error(context.PlaceOf(path), path, $"is {Quoting.Value(username)}, which devices.{owners[username].Name} ({context.PlaceOf($"devices.{owners[username].Name}.username")}) has too", "Give each device a name of its own");
        }
    }
}
