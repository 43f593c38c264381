using SmartHost.Devices;
using SmartHost.Mail;

namespace SmartHost.Listener;

/// <summary>From MAIL to the final dot (RFC 5321 §3.3). What the device was at MAIL it stays until then, whatever a reload says.</summary>
/// <param name="openTransactions">Knows of this one until it ends.</param>
internal sealed class Transaction(Device? device, ReversePath sender, long declaredSize, OpenTransactions openTransactions) : IAsyncDisposable
{
    public Device? Device => device;

    public ReversePath Sender => sender;

    public long DeclaredSize => declaredSize;

    public List<Mailbox> Recipients { get; } = [];

    /// <summary>Recipients refused for what they are.</summary>
    public int Refused { get; set; }

    /// <summary>Recipients refused because there were enough.</summary>
    public int Excess { get; set; }

    /// <summary>What content hears while every recipient that was named was refused: of several refusals a temporary one, for it will pass, else the last.</summary>
    public SmtpReply? ForNobody { get; private set; }

    /// <summary>It named recipients, and all of them were refused.</summary>
    public bool IsForNobody => Recipients.Count == 0 && ForNobody is not null;

    /// <summary>Why the first recipient was allowed: the rule's name, for the timeline.</summary>
    public string? Rule { get; set; }

    /// <summary>Begun by DATA or by the first BDAT.</summary>
    public MessageIntake? Intake { get; set; }

    /// <summary>A recipient was refused.</summary>
    public void Refuse(SmtpReply reply)
    {
        if (ForNobody is not { Code: < 500 }) ForNobody = Replies.NoValidRecipients(reply);
    }

    public ValueTask DisposeAsync()
    {
        if (device is not null) openTransactions.Leave(device.Name);
        return Intake?.DisposeAsync() ?? ValueTask.CompletedTask;
    }
}
