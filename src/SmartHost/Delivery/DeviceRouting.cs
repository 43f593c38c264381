namespace SmartHost.Delivery;

/// <summary>What delivery needs to know of a device: how its header is made. The rest of a device is the listener's business.</summary>
/// <param name="From">A display name, or a mailbox that is one of the account's aliases. Null: the name that the device gives itself, else its name in the settings.</param>
public sealed record DeviceRouting(string? From, string? SubjectPrefix)
{
    public static readonly DeviceRouting None = new(null, null);
}
