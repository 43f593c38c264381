namespace SmartHost.Mail;

/// <summary>How soon a message should leave: an alert from a UPS never waits behind a newsletter. Stored by number.</summary>
public enum Lane
{
    Urgent = 0,
    Normal = 1,
    Bulk = 2,
}
