using static SmartHost.Gmail.Replies.VerdictAction;

namespace SmartHost.Gmail.Replies;

/// <summary>One recipient's trouble; the others of the same message go on.</summary>
internal static class RepliesAboutRecipients
{
    private const string NoSuchUser = "https://support.google.com/mail/?p=NoSuchUser";
    private const string Limits = "https://support.google.com/a/answer/166852";
    private const string ReceivingRate = "https://support.google.com/mail/?p=ReceivingRatePerm";

    public static readonly ReplyRow[] Rows =
    [
        new("550-no-such-user", "550 5.1.1", [], BounceRecipient,
            "This address does not exist.",
            "Check its spelling in the device.",
            "550-5.1.1 The email account that you tried to reach does not exist. Please try\n550-5.1.1 double-checking the recipient's email address for typos or\n550 5.1.1 unnecessary spaces. d9si1234567abc.12 - gsmtp",
            Stage.Recipient, help: NoSuchUser),
        new("550-account-disabled", "550 5.2.1", ["disabled", "inactive"], BounceRecipient,
            "The recipient's account is disabled.",
            "Remove the address from the device, or ask its owner for another.",
            "550 5.2.1 The email account that you tried to reach is disabled. d9si1234567abc.12 - gsmtp",
            Stage.Recipient, help: "https://support.google.com/mail/?p=DisabledUser"),
        new("550-recipient-rate", "550 5.2.1", ["receiving mail at a rate", "at a rate that"], RetryLater,
            "The recipient gets more mail than Gmail lets through to one account.",
            "Nothing to do: SmartHost tries again for a day. A device that floods this address should send less.",
            "550-5.2.1 The user you are trying to contact is receiving mail at a rate that\n550 5.2.1 prevents additional messages from being delivered. d9si1234567abc.12 - gsmtp",
            Stage.Recipient, help: ReceivingRate, patience: TimeSpan.FromDays(1)),
        new("450-recipient-rate", "450 4.2.1", ["too quickly", "at a rate"], RetryLater,
            "The recipient gets mail too quickly for Gmail.",
            "Nothing to do: SmartHost tries again later.",
            "450-4.2.1 The user you are trying to contact is receiving mail too quickly.\n450 4.2.1 Please resend your message at a later time. d9si1234567abc.12 - gsmtp",
            Stage.Recipient, help: ReceivingRate),
        new("452-out-of-storage", "452 4.2.2", [], RetryLater,
            "The recipient's mailbox is full.",
            "Tell its owner to make room; SmartHost tries again for two days.",
            "452-4.2.2 The recipient's inbox is out of storage space and inactive. Please\n452 4.2.2 direct the recipient to make room. d9si1234567abc.12 - gsmtp",
            Stage.Recipient, help: "https://support.google.com/mail/?p=OverQuotaTemp", patience: TimeSpan.FromDays(2)),
        new("552-over-quota", "552 5.2.2", [], BounceRecipient,
            "The recipient's mailbox is full and takes no more mail.",
            "Tell its owner to make room, then send again.",
            "552 5.2.2 The email account that you tried to reach is over quota. d9si1234567abc.12 - gsmtp",
            Stage.Recipient, help: "https://support.google.com/mail/?p=OverQuotaPerm"),
        new("553-domain-not-found", "553 5.1.2", [], BounceRecipient,
            "There is no such mail domain.",
            "Check the part behind the @ in the device.",
            "553-5.1.2 We weren't able to find the recipient domain. Please check for any\n553 5.1.2 spelling errors. d9sm1234567abc.12 - gsmtp",
            Stage.Recipient, help: "https://support.google.com/mail/?p=BadRcptDomain"),
        new("553-invalid-recipient", "553 5.1.3", [], BounceRecipient,
            "This is not a valid e-mail address for Gmail.",
            "Check the address in the device.",
            "553 5.1.3 The recipient address <someone@example> is not a valid RFC 5321 address. d9sm1234567abc.12 - gsmtp",
            Stage.Recipient),
        new("452-too-many-recipients", "452 4.5.3", [], SplitRecipients,
            "Gmail takes no more recipients in one go.",
            "Nothing to do: SmartHost sends to the others separately.",
            "452 4.5.3 Your message has too many recipients. For more information regarding Google's sending limits, visit https://support.google.com/a/answer/166852 d9sm1234567abc.12 - gsmtp",
            Stage.Recipient, help: Limits),
        new("451-one-domain-a-transaction", "451 4.3.0", ["Multiple destination domains"], SplitRecipients,
            "This server takes the recipients of one domain at a time.",
            "Nothing to do: SmartHost sends to the others separately.",
            "451 4.3.0 Multiple destination domains per transaction is unsupported. Please try again. d9si1234567abc.12 - gsmtp",
            Stage.Recipient),
        new("550-too-many-recipients", "550 5.5.3", [], SplitRecipients,
            "Gmail finds too many recipients for this sender.",
            "Nothing to do: SmartHost sends to fewer at a time. If it stays, the account has reached its daily limit.",
            "550 5.5.3 Too many recipients for this sender. d9sm1234567abc.12 - gsmtp",
            Stage.Recipient, help: Limits, wait: TimeSpan.FromHours(1), again: HoldAccount, evenly: true),
    ];
}
