using System.Net;
using SmartHost.Dashboard;
using SmartHost.Delivery;
using SmartHost.Devices;
using SmartHost.Gmail;
using SmartHost.Gmail.Login;
using SmartHost.History;
using SmartHost.Listener;
using SmartHost.Mail;
using SmartHost.Notices;
using SmartHost.Queue;

namespace SmartHost.Configuration;

/// <summary>
/// The one table of all settings. A row gives a setting's name, type, place in the record and a sentence about it; reading,
/// unknown names, the editor's schema (configs/smarthost.schema.json) and the reference (docs/configuration.md) all come
/// from here, so none can lag behind. Defaults stand in the records alone.
/// </summary>
internal static class SettingsSchema
{
    /// <summary>Never seen: a draft with a missing required setting becomes no settings. It spares the records a nullable that nobody else needs.</summary>
    private static readonly Mailbox Unset = Mailbox.Parse("unset@invalid");

    private static readonly SettingsSection<OAuthDraft> OAuth = new(
        _ => new OAuthDraft(),
        new ValueRow<OAuthDraft, string>("clientId", ValueKinds.Text with { Expected = "Copy the client id from Google Cloud's console (Clients)" }, (o, v) => o with { ClientId = v }, "The client id from Google Cloud's console") { IsRequired = true },
        new SecretRow<OAuthDraft>("clientSecret", (o, v) => o with { ClientSecret = v }, "The client secret from the same page"),
        new SecretFileRow<OAuthDraft>("clientSecret", (o, v) => o with { ClientSecret = v }, "A file that holds the client secret"),
        new SecretRow<OAuthDraft>("refreshToken", (o, v) => o with { RefreshToken = v }, "The refresh token, where you have one from elsewhere") { Otherwise = "kept by smarthost login" },
        new SecretFileRow<OAuthDraft>("refreshToken", (o, v) => o with { RefreshToken = v }, "A file that holds the refresh token"));

    private static readonly SettingsSection<AccountDraft> Account = new(
        name => new AccountDraft(new AccountSettings { Name = name, Username = Unset, Credentials = new AccountCredentials.ByAddress() }),
        new ValueRow<AccountDraft, Mailbox>("username", ValueKinds.Mailbox, (a, v) => a with { Settings = a.Settings with { Username = v } }, "The account's address: it logs in with it and all mail comes from it")
        { IsRequired = true, AlsoCalled = ["user", "email", "login", "account"] },
        new SecretRow<AccountDraft>("appPassword", (a, v) => a with { AppPassword = v }, "The app password that Google made for SmartHost: 16 letters, blanks do not matter") { AlsoCalled = ["password", "pass"] },
        new SecretFileRow<AccountDraft>("appPassword", (a, v) => a with { AppPassword = v }, "A file that holds the app password") { AlsoCalled = ["passwordFile"] },
        new GroupRow<AccountDraft, OAuthDraft>("oauth", OAuth, (a, v) => a with { OAuth = v }, "OAuth 2 in place of an app password; smarthost login asks for consent"),
        new SecretRow<AccountDraft>("serviceAccount", (a, v) => a with { ServiceAccount = v }, "The JSON key of a Workspace service account with domain-wide delegation"),
        new SecretFileRow<AccountDraft>("serviceAccount", (a, v) => a with { ServiceAccount = v }, "A file that holds that key, as Google hands it out", manyLines: true),
        new ListRow<AccountDraft, Mailbox>("aliases", ValueKinds.Mailbox, (a, v) => a with { Settings = a.Settings with { Aliases = v } }, "“Send mail as” addresses that Gmail has verified: a From with one of them is kept"),
        new ValueRow<AccountDraft, string>("host", ValueKinds.HostName, (a, v) => a with { Settings = a.Settings with { Host = v } }, "Where mail is handed over") { DefaultValue = () => Account!.Blank.Settings.Host, AlsoCalled = ["server", "smtp"] },
        new ValueRow<AccountDraft, int>("port", ValueKinds.Port, (a, v) => a with { Settings = a.Settings with { Port = v } }, "The port there") { Otherwise = "587 and 465 in turn" },
        new ValueRow<AccountDraft, AccountTls>("tls", ValueKinds.Choice(("starttls", AccountTls.StartTls), ("implicit", AccountTls.Implicit)), (a, v) => a with { Settings = a.Settings with { Tls = v } }, "How encryption begins; it is never left out") { Otherwise = "implicit on port 465, else starttls" },
        new ValueRow<AccountDraft, string>("caFile", ValueKinds.FilePath, (a, v) => a with { Settings = a.Settings with { CaFile = v } }, "A PEM file with one more root to trust, for a company's proxy"),
        new ValueRow<AccountDraft, bool>("checkRevocation", ValueKinds.Switch, (a, v) => a with { Settings = a.Settings with { CheckRevocation = v } }, "Ask whether Gmail's certificate was revoked; where that is blocked it costs a minute a connection") { DefaultValue = () => Account!.Blank.Settings.CheckRevocation },
        new ValueRow<AccountDraft, int>("dailyRecipients", Count(1, 5_000_000), (a, v) => a with { Settings = a.Settings with { DailyRecipients = v } }, "Recipients in any 24 hours: 500 for gmail.com, 10000 for Workspace") { DefaultValue = () => Account!.Blank.Settings.DailyRecipients },
        new ValueRow<AccountDraft, int>("dailyMessages", Count(1, 5_000_000), (a, v) => a with { Settings = a.Settings with { DailyMessages = v } }, "Messages in any 24 hours: 500 for gmail.com, 2000 for Workspace") { DefaultValue = () => Account!.Blank.Settings.DailyMessages },
        new ValueRow<AccountDraft, int>("connections", Count(1, 10), (a, v) => a with { Settings = a.Settings with { Connections = v } }, "Connections to Gmail at one time; more than a few look like abuse") { DefaultValue = () => Account!.Blank.Settings.Connections },
        new ValueRow<AccountDraft, string>("fallback", ValueKinds.Text, (a, v) => a with { Settings = a.Settings with { Fallback = v } }, "The account that takes over while this one is paused or has spent its day"));

    private static readonly SettingsSection<ListenerSettings> Listener = new(
        name => new ListenerSettings { Name = name, Port = DefaultPort },
        new ValueRow<ListenerSettings, int>("port", ValueKinds.Port, (l, v) => l with { Port = v }, "The port that devices connect to") { Otherwise = $"{DefaultPort} for {DefaultListener}; others must say" },
        new ValueRow<ListenerSettings, IPAddress>("address", ValueKinds.ListenAddress, (l, v) => l with { Address = v }, "The address of this machine to listen on") { DefaultValue = () => Listener!.Blank.Address },
        new ValueRow<ListenerSettings, ListenerTls>("tls", ValueKinds.Choice(("off", ListenerTls.Off), ("optional", ListenerTls.Optional), ("required", ListenerTls.Required), ("implicit", ListenerTls.Implicit)), (l, v) => l with { Tls = v },
            "STARTTLS not offered, offered or demanded, or TLS from the first octet") { DefaultValue = () => Listener!.Blank.Tls },
        new ValueRow<ListenerSettings, bool>("authInClear", ValueKinds.Switch, (l, v) => l with { AuthInClear = v }, "Let devices log in without encryption: many old ones know no other way") { DefaultValue = () => Listener!.Blank.AuthInClear },
        new ValueRow<ListenerSettings, string>("certificateFile", ValueKinds.FilePath, (l, v) => l with { CertificateFile = v }, "A PEM file with your own certificate and its chain") { Otherwise = "one made by SmartHost" },
        new ValueRow<ListenerSettings, string>("keyFile", ValueKinds.FilePath, (l, v) => l with { KeyFile = v }, "The PEM file with its key") { Otherwise = "the certificate's file" },
        new ValueRow<ListenerSettings, bool>("legacyTls", ValueKinds.Switch, (l, v) => l with { LegacyTls = v }, "Accept TLS 1.0 and 1.1 on this port, for devices that know nothing newer") { DefaultValue = () => Listener!.Blank.LegacyTls });

    private static readonly SettingsSection<Device> DeviceRows = new(
        name => new Device { Name = name, Recipients = AddressPatterns.Any },
        new ListRow<Device, IPNetwork>("addresses", ValueKinds.Network, (d, v) => d with { Addresses = v }, "Its addresses or networks; of several devices that fit, the most exact wins") { AlsoCalled = ["ip", "ips", "network", "networks", "hosts"] },
        new ValueRow<Device, string>("username", ValueKinds.Text, (d, v) => d with { Username = v }, "The name it logs in with, in place of an address or as well") { AlsoCalled = ["user", "login"] },
        new SecretRow<Device>("passwordHash", (d, v) => d with { PasswordHash = v }, "The hash of its password, from smarthost hash-password", isHash: true) { AlsoCalled = ["password"] },
        new SecretFileRow<Device>("passwordHash", (d, v) => d with { PasswordHash = v }, "A file that holds that hash") { Keep = (d, file) => d with { PasswordHashFile = file } },
        new ListRow<Device, string>("senders", ValueKinds.Pattern, (d, v) => d with { Senders = Patterns(v) }, "Sender addresses it may use: you@example.com, \"*@example.com\" or \"*\"") { Otherwise = "\"*\"" },
        new ListRow<Device, string>("recipients", ValueKinds.Pattern, (d, v) => d with { Recipients = Patterns(v) }, "Whom it may write to: you@example.com, \"*@example.com\" or \"*\"") { IsRequired = true, AlsoCalled = ["to", "allow", "allowed"] },
        new ValueRow<Device, long>("maxSize", ValueKinds.Size, (d, v) => d with { MaxSize = v }, "The largest message it may send") { Otherwise = "limits.maxSize" },
        new ValueRow<Device, int>("perHour", Count(1, 1_000_000), (d, v) => d with { PerHour = v }, "Messages it may send in any 60 minutes") { Otherwise = "no limit" },
        new ValueRow<Device, int>("perDay", Count(1, 1_000_000), (d, v) => d with { PerDay = v }, "Messages it may send in any 24 hours") { Otherwise = "no limit" },
        new ValueRow<Device, string>("account", ValueKinds.Text, (d, v) => d with { Account = v }, "The account its mail leaves by") { Otherwise = "the first account" },
        new ValueRow<Device, Lane>("priority", ValueKinds.Choice(("urgent", Lane.Urgent), ("normal", Lane.Normal), ("bulk", Lane.Bulk)), (d, v) => d with { Priority = v }, "Urgent mail waits for nothing; bulk may spend half of the account's day") { DefaultValue = () => DeviceRows!.Blank.Priority },
        new ValueRow<Device, bool>("requireAuth", ValueKinds.Switch, (d, v) => d with { RequireAuth = v }, "Refuse it unless it has logged in") { DefaultValue = () => DeviceRows!.Blank.RequireAuth },
        new ValueRow<Device, bool>("requireTls", ValueKinds.Switch, (d, v) => d with { RequireTls = v }, "Refuse it unless the connection is encrypted") { DefaultValue = () => DeviceRows!.Blank.RequireTls },
        new ValueRow<Device, string>("from", ValueKinds.Text, (d, v) => d with { From = v }, "The display name its mail shows, or one of the account's aliases") { Otherwise = "its name" },
        new ListRow<Device, Mailbox>("addTo", ValueKinds.Mailbox, (d, v) => d with { AddTo = v }, "Addresses that get a copy of everything it sends"),
        new ValueRow<Device, string>("subjectPrefix", ValueKinds.Text, (d, v) => d with { SubjectPrefix = v }, "Text before every subject"),
        new ValueRow<Device, Mailbox>("reportTo", ValueKinds.Mailbox, (d, v) => d with { ReportTo = v }, "Who is told when its mail fails") { Otherwise = "alerts.email" },
        new ValueRow<Device, bool>("trace", ValueKinds.Switch, (d, v) => d with { Trace = v }, "Write its conversations to a file, passwords masked") { DefaultValue = () => DeviceRows!.Blank.Trace });

    private static readonly SettingsSection<DashboardSettings> Dashboard = new(
        _ => new DashboardSettings(),
        new ValueRow<DashboardSettings, int>("port", ValueKinds.Port, (d, v) => d with { Port = v }, "The page's port") { DefaultValue = () => Dashboard!.Blank.Port },
        new ValueRow<DashboardSettings, IPAddress>("address", ValueKinds.ListenAddress, (d, v) => d with { Address = v }, "The address of this machine that shows the page") { DefaultValue = () => Dashboard!.Blank.Address },
        new SecretRow<DashboardSettings>("password", (d, v) => d with { Password = v }, "The page's password") { Otherwise = "made at first start, shown once in the log" },
        new SecretFileRow<DashboardSettings>("password", (d, v) => d with { Password = v }, "A file that holds it"),
        new SecretRow<DashboardSettings>("token", (d, v) => d with { Token = v }, "For scripts, as Authorization: Bearer") { Otherwise = "none" },
        new SecretFileRow<DashboardSettings>("token", (d, v) => d with { Token = v }, "A file that holds it"),
        new ValueRow<DashboardSettings, bool>("off", ValueKinds.Switch, (d, v) => d with { Off = v }, "No page at all") { DefaultValue = () => Dashboard!.Blank.Off, AlsoCalled = ["disabled"], Opposite = ("enabled", "Write off: true for no page; without it the page is on") },
        new ListRow<DashboardSettings, string>("hosts", ValueKinds.HostPattern, (d, v) => d with { Hosts = v }, "Public names the page may be opened by; addresses, names without a dot and names below local, lan, home, home.arpa, internal, localdomain, fritz.box or speedport.ip need no mention") { Otherwise = "none", AlsoCalled = ["hostnames", "domains"] },
        new ValueRow<DashboardSettings, bool>("openMetrics", ValueKinds.Switch, (d, v) => d with { OpenMetrics = v }, "Show /metrics without signing in") { DefaultValue = () => Dashboard!.Blank.OpenMetrics });

    private static readonly SettingsSection<AlertSettings> Alerts = new(
        _ => new AlertSettings(),
        new ValueRow<AlertSettings, Mailbox>("email", ValueKinds.Mailbox, (a, v) => a with { Email = v }, "Who is told of trouble by mail") { AlsoCalled = ["mail", "to"] },
        new SecretRow<AlertSettings>("webhook", (a, v) => a with { Webhook = v }, "A web address that is told: ntfy, Slack, Discord, Mattermost, Home Assistant or your own") { AlsoCalled = ["url"] },
        new SecretFileRow<AlertSettings>("webhook", (a, v) => a with { Webhook = v }, "A file that holds that address, which often is a secret"),
        new ValueRow<AlertSettings, WebhookFormat>("format", ValueKinds.Choice(
            ("json", WebhookFormat.Json), ("ntfy", WebhookFormat.Ntfy), ("slack", WebhookFormat.Slack), ("discord", WebhookFormat.Discord), ("mattermost", WebhookFormat.Mattermost), ("homeAssistant", WebhookFormat.HomeAssistant)),
            (a, v) => a with { Format = v }, "What the webhook understands") { Otherwise = "told by its address, else json" },
        new ValueRow<AlertSettings, int>("allowancePercent", Count(1, 100), (a, v) => a with { AllowancePercent = v }, "Share of an account's day that is worth an alert, in percent") { DefaultValue = () => Alerts!.Blank.AllowancePercent },
        new ValueRow<AlertSettings, long>("diskLow", ValueKinds.Size, (a, v) => a with { DiskLow = v }, "Free space below which the disk counts as low") { DefaultValue = () => Alerts!.Blank.DiskLow });

    private static readonly SettingsSection<LimitSettings> Limits = new(
        _ => new LimitSettings(),
        new ValueRow<LimitSettings, long>("maxSize", ValueKinds.Size, (l, v) => l with { MaxSize = v }, "The largest message taken; Gmail takes no more than the default") { DefaultValue = () => Limits!.Blank.MaxSize },
        new ValueRow<LimitSettings, int>("connections", Count(1, 10_000), (l, v) => l with { Connections = v }, "Connections at one time, all devices together") { DefaultValue = () => Limits!.Blank.Connections },
        new ValueRow<LimitSettings, int>("connectionsPerDevice", Count(1, 10_000), (l, v) => l with { ConnectionsPerDevice = v }, "Connections at one time from one address") { DefaultValue = () => Limits!.Blank.ConnectionsPerDevice },
        new ValueRow<LimitSettings, int>("recipients", Count(1, 10_000), (l, v) => l with { Recipients = v }, "Recipients of one message") { DefaultValue = () => Limits!.Blank.Recipients },
        new ValueRow<LimitSettings, int>("messagesPerMinute", Count(1, 1_000_000), (l, v) => l with { MessagesPerMinute = v }, "Messages from one address in any 60 seconds") { DefaultValue = () => Limits!.Blank.MessagesPerMinute },
        new ValueRow<LimitSettings, int>("connectionsPerMinute", Count(1, 1_000_000), (l, v) => l with { ConnectionsPerMinute = v }, "New connections from one address in any 60 seconds") { DefaultValue = () => Limits!.Blank.ConnectionsPerMinute },
        new ValueRow<LimitSettings, int>("recipientsPerMinute", Count(1, 1_000_000), (l, v) => l with { RecipientsPerMinute = v }, "Recipients from one address in any 60 seconds") { DefaultValue = () => Limits!.Blank.RecipientsPerMinute },
        new ValueRow<LimitSettings, long>("bytesPerMinute", ValueKinds.Size, (l, v) => l with { BytesPerMinute = v }, "Message content from one address in any 60 seconds") { DefaultValue = () => Limits!.Blank.BytesPerMinute },
        new ValueRow<LimitSettings, int>("errors", Count(1, 10_000), (l, v) => l with { Errors = v }, "Refusals since the last message that was taken, before a session is closed") { DefaultValue = () => Limits!.Blank.Errors },
        new ValueRow<LimitSettings, int>("authFailures", Count(1, 10_000), (l, v) => l with { AuthFailures = v }, "Failed logins of one address before it must wait") { DefaultValue = () => Limits!.Blank.AuthFailures },
        new ValueRow<LimitSettings, TimeSpan>("authLockout", ValueKinds.Duration, (l, v) => l with { AuthLockout = v }, "How long it must wait then") { DefaultValue = () => Limits!.Blank.AuthLockout },
        new ValueRow<LimitSettings, TimeSpan>("commandTimeout", ValueKinds.Duration, (l, v) => l with { CommandTimeout = v }, "How long a device may be silent between commands") { DefaultValue = () => Limits!.Blank.CommandTimeout },
        new ValueRow<LimitSettings, TimeSpan>("dataTimeout", ValueKinds.Duration, (l, v) => l with { DataTimeout = v }, "How long it may be silent within a message") { DefaultValue = () => Limits!.Blank.DataTimeout },
        new ValueRow<LimitSettings, TimeSpan>("sessionTimeout", ValueKinds.Duration, (l, v) => l with { SessionTimeout = v }, "How long a connection may last; a message that has begun by then may take as long again") { DefaultValue = () => Limits!.Blank.SessionTimeout },
        new ValueRow<LimitSettings, int>("hops", Count(5, 100), (l, v) => l with { Hops = v }, "Received headers after which a message counts as a loop") { DefaultValue = () => Limits!.Blank.Hops });

    private static readonly SettingsSection<DeliverySettings> Delivery = new(
        _ => new DeliverySettings(),
        new ValueRow<DeliverySettings, TimeSpan>("retryShortest", ValueKinds.Duration, (d, v) => d with { RetryShortest = v }, "The first wait before a message is tried again") { DefaultValue = () => Delivery!.Blank.RetryShortest },
        new ValueRow<DeliverySettings, TimeSpan>("retryLongest", ValueKinds.Duration, (d, v) => d with { RetryLongest = v }, "The longest wait") { DefaultValue = () => Delivery!.Blank.RetryLongest },
        new ValueRow<DeliverySettings, TimeSpan>("lifetime", ValueKinds.Duration, (d, v) => d with { Lifetime = v }, "After this a message fails and its failure is reported; the clock stops while the account is paused") { DefaultValue = () => Delivery!.Blank.Lifetime },
        new ValueRow<DeliverySettings, TimeSpan>("lateNotice", ValueKinds.Duration, (d, v) => d with { LateNotice = v }, "After this a waiting message is announced once as late") { DefaultValue = () => Delivery!.Blank.LateNotice },
        new ValueRow<DeliverySettings, int>("burst", Count(1, 100_000), (d, v) => d with { Burst = v }, "Messages that leave at once before pacing begins") { DefaultValue = () => Delivery!.Blank.Burst },
        new ValueRow<DeliverySettings, TimeSpan>("pace", ValueKinds.DurationOrZero, (d, v) => d with { Pace = v }, "Between two messages of a long run; 0 for no pacing") { DefaultValue = () => Delivery!.Blank.Pace },
        new ValueRow<DeliverySettings, int>("messagesPerConnection", Count(1, 100_000), (d, v) => d with { MessagesPerConnection = v }, "Messages after which a connection to Gmail is closed") { DefaultValue = () => Delivery!.Blank.MessagesPerConnection },
        new ValueRow<DeliverySettings, TimeSpan>("idleConnection", ValueKinds.Duration, (d, v) => d with { IdleConnection = v }, "How long an unused connection to Gmail is kept") { DefaultValue = () => Delivery!.Blank.IdleConnection });

    private static readonly SettingsSection<QueueSettings> History = new(
        _ => new QueueSettings { Folder = "" },
        new ValueRow<QueueSettings, int>("keepDays", Count(0, 3_650), (q, v) => q with { KeepDays = v }, "Days for which a finished message is still listed") { DefaultValue = () => History!.Blank.KeepDays },
        new ValueRow<QueueSettings, int>("keepContent", Count(0, 3_650), (q, v) => q with { KeepContent = v }, "Days for which its content is kept; 0: none after delivery") { DefaultValue = () => History!.Blank.KeepContent });

    private static readonly SettingsSection<QueueSettings> Queue = new(
        _ => new QueueSettings { Folder = "" },
        new ValueRow<QueueSettings, int>("maxMessages", Count(1, 10_000_000), (q, v) => q with { MaxMessages = v }, "Messages that may wait, all together, before devices are told to try later") { DefaultValue = () => Queue!.Blank.MaxMessages },
        new ValueRow<QueueSettings, long>("minFree", ValueKinds.Size, (q, v) => q with { MinFree = v }, "Free space on the disk below which devices are told to try later") { DefaultValue = () => Queue!.Blank.MinFree });

    private static readonly SettingsSection<LogSettings> Log = new(
        _ => new LogSettings(),
        new ValueRow<LogSettings, LogFormat>("format", ValueKinds.Choice(("text", LogFormat.Text), ("json", LogFormat.Json)), (l, v) => l with { Format = v }, "Lines for people, or compact JSON for a collector") { DefaultValue = () => Log!.Blank.Format },
        new ValueRow<LogSettings, LogVerbosity>("level", ValueKinds.Choice(("debug", LogVerbosity.Debug), ("information", LogVerbosity.Information), ("warning", LogVerbosity.Warning)), (l, v) => l with { Level = v }, "What is worth a line") { DefaultValue = () => Log!.Blank.Level },
        new ValueRow<LogSettings, string>("file", ValueKinds.FilePath, (l, v) => l with { File = v }, "A file as well as the console: one a day, 14 kept") { Otherwise = "the console alone" });

    public const int DefaultPort = 2525;

    /// <summary>The listener that is there when none is written.</summary>
    public const string DefaultListener = "lan";

    public static readonly SettingsSection<SettingsDraft> Root = new(
        _ => new SettingsDraft(),
        new NamedRow<SettingsDraft, AccountDraft>("accounts", "account", Account, (s, v) => s with { Accounts = v }, "The Gmail accounts that mail leaves by; the first is the default"),
        new NamedRow<SettingsDraft, ListenerSettings>("listeners", "listener", Listener, (s, v) => s with { Listeners = v }, "The ports that devices connect to") { Otherwise = $"{DefaultListener}: {{ port: {DefaultPort} }}" },
        new NamedRow<SettingsDraft, Device>("devices", "device", DeviceRows, (s, v) => s with { Devices = v }, "Who may send; each may also stand in a file of its own, devices/NAME.yaml in the data folder"),
        new ValueRow<SettingsDraft, string>("unknownDevices", ValueKinds.Choice(("refuse", "refuse")) with { Expected = "Write refuse; to allow a whole network, list it under devices: addresses: [192.168.1.0/24]" }, (s, _) => s, "What happens to devices that are not listed: they are refused, and shown on the page") { Otherwise = "refuse" },
        new ValueRow<SettingsDraft, string>("data", ValueKinds.FolderPath, (s, v) => s with { Data = v }, "The folder for all that SmartHost keeps: the queue, its certificate, devices you allowed on the page") { Otherwise = "data, beside this file" },
        new ValueRow<SettingsDraft, string>("hostname", ValueKinds.HostName with { Expected = "Write a name for this machine, such as nas.lan" }, (s, v) => s with { Hostname = v }, "The name in our greeting and in Received headers") { Otherwise = "the machine's" },
        new GroupRow<SettingsDraft, DashboardSettings>("dashboard", Dashboard, (s, v) => s with { Dashboard = v }, "The page"),
        new GroupRow<SettingsDraft, AlertSettings>("alerts", Alerts, (s, v) => s with { Alerts = v }, "Where trouble is announced"),
        new GroupRow<SettingsDraft, LimitSettings>("limits", Limits, (s, v) => s with { Limits = v }, "What one device, and all together, may ask"),
        new GroupRow<SettingsDraft, DeliverySettings>("delivery", Delivery, (s, v) => s with { Delivery = v }, "Pace and patience towards Gmail"),
        new GroupRow<SettingsDraft, QueueSettings>("history", History, (s, v) => s with { Queue = s.Queue with { KeepDays = v.KeepDays, KeepContent = v.KeepContent } }, "What is kept of finished messages"),
        new GroupRow<SettingsDraft, QueueSettings>("queue", Queue, (s, v) => s with { Queue = s.Queue with { MaxMessages = v.MaxMessages, MinFree = v.MinFree } }, "What may wait"),
        new GroupRow<SettingsDraft, LogSettings>("log", Log, (s, v) => s with { Log = v }, "What SmartHost writes about its work"),
        new ListRow<SettingsDraft, IPNetwork>("trace", ValueKinds.Network, (s, v) => s with { Trace = v }, "Addresses or networks whose conversations are written to a file, whatever device they are"));

    private static ValueKind<int> Count(int least, int most) => ValueKinds.Whole(least, most);

    private static AddressPatterns Patterns(IReadOnlyList<string> texts) => AddressPatterns.Parse(texts, []);
}
