using System.Net;
using System.Text;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using SmartHost.Dashboard;
using SmartHost.Dashboard.Access;
using SmartHost.Delivery;
using SmartHost.Listener;
using SmartHost.Mail;

namespace SmartHost.Configuration;

/// <summary>The checks that need more than one setting. Each setting by itself has been checked when they run, and what could not be read holds its default.</summary>
internal static class SettingsChecks
{
    public static readonly ListenerSettings DefaultListener = new() { Name = SettingsSchema.DefaultListener, Port = SettingsSchema.DefaultPort };

    /// <summary>What Gmail takes; see <see cref="LimitSettings.MaxSize"/>.</summary>
    private static readonly long GmailSize = new LimitSettings().MaxSize;

    /// <summary>Characters below which a secret of the page is warned of. A person types the one; nobody types the other.</summary>
    private const int LeastPassword = 8, LeastToken = 16;

    public static void Check(SettingsDraft draft, ReadContext context)
    {
        CheckDataFolder(draft.Data, context);
        AccountChecks.Check(draft, context);
        foreach (var listener in draft.Listeners) CheckListener(listener, context);
        CheckPorts(draft, context);
        DeviceChecks.Check(draft, context);
        CheckDelivery(draft.Delivery, context);
        CheckPage(draft.Dashboard, context);
        if (draft.Limits.MaxSize > GmailSize && draft.Accounts.Any(account => account.Settings.Host.EndsWith(".gmail.com", StringComparison.OrdinalIgnoreCase)))
        {
            context.Warning(context.PlaceOf("limits.maxSize"), "limits.maxSize", $"is {draft.Limits.MaxSize} octets, more than the {GmailSize} that Gmail takes", "Remove the line: a device that hears at once that its message is too large can say so");
        }
        if (draft.Alerts.Format is not null && draft.Alerts.Webhook is null && !context.Places.ContainsKey("alerts.webhook") && !context.Places.ContainsKey("alerts.webhookFile"))
        {
            context.Warning(context.PlaceOf("alerts.format"), "alerts.format", "has no effect without a webhook", "Write alerts.webhook, or remove the line");
        }
        if (draft.Alerts.Webhook is { } webhook && !ValueKinds.WebAddress.TryRead(webhook.Reveal(), context.PlaceOf("alerts.webhook"), out _))
        {
            var path = context.Places.ContainsKey("alerts.webhookFile") ? "alerts.webhookFile" : "alerts.webhook";
            context.Error(context.PlaceOf(path), path, "is not a web address", ValueKinds.WebAddress.Expected);
        }
    }

    private static void CheckDelivery(DeliverySettings delivery, ReadContext context)
    {
        static string Text(TimeSpan time) => ValueKinds.WriteDuration(time);
        var isWritten = context.Places.ContainsKey("delivery.lifetime");
        if (delivery.RetryShortest > delivery.RetryLongest)
        {
            context.Error(context.PlaceOf("delivery.retryShortest"), "delivery.retryShortest",
                $"is {Text(delivery.RetryShortest)}, longer than retryLongest ({Text(delivery.RetryLongest)})", "Write a shorter one, or raise retryLongest");
        }
        // The place is of the one that was written.
        else if (delivery.Lifetime <= delivery.RetryShortest)
        {
            context.Error(context.PlaceOf(isWritten ? "delivery.lifetime" : "delivery.retryShortest"), "delivery.lifetime",
                $"is {Text(delivery.Lifetime)}, not longer than retryShortest ({Text(delivery.RetryShortest)}), so a message would fail before it is tried again", "Write a longer one, such as 5d, or shorten retryShortest");
        }
        // No more than a warning: who shortens the lifetime has not asked for the notice that falls away.
        else if (delivery.LateNotice >= delivery.Lifetime)
        {
            context.Warning(context.PlaceOf(isWritten && !context.Places.ContainsKey("delivery.lateNotice") ? "delivery.lifetime" : "delivery.lateNotice"), "delivery.lateNotice",
                $"is {Text(delivery.LateNotice)}, not less than lifetime ({Text(delivery.Lifetime)}), so a message fails before it is announced as late", "Write a shorter lateNotice, or raise lifetime");
        }
    }

    /// <summary>Whoever reaches the page may try passwords: a short one falls in spite of the pauses between tries. How long it is, is all that is told of it.</summary>
    private static void CheckPage(DashboardSettings page, ReadContext context)
    {
        if (page.Off) return;
        void Short(string setting, Secret? secret, int least, string instead)
        {
            if (secret is null || secret.Reveal().Length >= least) return;
            var path = context.Places.ContainsKey($"dashboard.{setting}File") ? $"dashboard.{setting}File" : $"dashboard.{setting}";
            context.Warning(context.PlaceOf(path), path, $"is shorter than {least} characters, so it may be guessed", instead);
        }
        Short("password", page.Password, LeastPassword, "Write a longer one, or remove the line: SmartHost then makes one and shows it once in the log");
        Short("token", page.Token, LeastToken, "Write a longer one, such as what openssl rand -hex 24 prints");
    }

    private static void CheckDataFolder(string? folder, ReadContext context)
    {
        if (folder is null || Encoding.UTF8.GetByteCount(ControlSocket.PathIn(folder)) <= ControlSocket.MaxPath) return;
        context.Error(context.PlaceOf("data"), "data", $"is {folder}, too long for the socket that the command line asks the server by", $"Name a folder of {ControlSocket.MaxPath - ControlSocket.FileName.Length - 1} octets at most");
    }

    public static void CheckAccountExists(string account, string path, SettingsDraft draft, ReadContext context)
    {
        var names = draft.Accounts.Select(known => known.Settings.Name).ToList();
        if (names.Contains(account)) return;
        var close = Suggestion.Closest(account, names);
        context.Error(context.PlaceOf(path), path, $"is {Quoting.Value(account)}, and there is no such account",
            close is not null ? $"Did you mean {close}?" : names.Count > 0 ? $"Write one of: {string.Join(", ", names)}" : "Add it under accounts");
    }

    private static void CheckListener(ListenerSettings listener, ReadContext context)
    {
        var path = $"listeners.{listener.Name}";
        if (listener.Name != SettingsSchema.DefaultListener && !context.Places.ContainsKey($"{path}.port")) context.Error(context.PlaceOf(path), $"{path}.port", "is missing", ValueKinds.Port.Expected);
        if (listener is { LegacyTls: true, Tls: ListenerTls.Off })
        {
            context.Warning(context.PlaceOf($"{path}.legacyTls"), $"{path}.legacyTls", "has no effect, since tls is off", "Write tls: optional, or remove the line");
        }
        if (listener is { KeyFile: not null, CertificateFile: null })
        {
            context.Error(context.PlaceOf($"{path}.keyFile"), $"{path}.keyFile", "is given without certificateFile", "Name the certificate that belongs to the key, or remove the line");
        }
        if (listener.CertificateFile is not { } certificate) return;
        var before = context.Problems.Count;
        AccountChecks.CheckCertificates(certificate, $"{path}.certificateFile", context);
        if (listener.KeyFile is { } key && TextFile.Read(key, 1 << 20, out var trouble) is null) context.Error(context.PlaceOf($"{path}.keyFile"), $"{path}.keyFile", $"names {key}, which {trouble.What}", trouble.Instead);
        if (context.Problems.Count > before) return;
        try
        {
            X509Certificate2.CreateFromPemFile(certificate, listener.KeyFile).Dispose();
        }
        catch (Exception failure) when (failure is CryptographicException or ArgumentException or IOException)
        {
            context.Error(context.PlaceOf($"{path}.certificateFile"), $"{path}.certificateFile", "and the key do not belong together, or the key has a password", "Name the unencrypted PEM key that was made with this certificate in keyFile");
        }
    }

    private static void CheckPorts(SettingsDraft draft, ReadContext context)
    {
        var listeners = draft.Listeners.Count > 0 ? draft.Listeners : [DefaultListener];
        var ports = listeners.Select(listener => (Path: $"listeners.{listener.Name}.port", listener.Address, listener.Port)).ToList();
        if (!draft.Dashboard.Off) ports.Add(("dashboard.port", draft.Dashboard.Address, draft.Dashboard.Port));
        for (var i = 0; i < ports.Count; i++)
        {
            var (path, address, port) = ports[i];
            // A mistake in it was told already, and left the default here.
            if (context.Problems.Exists(problem => problem.Path == path)) continue;
            var (clash, _, _) = ports.Take(i).FirstOrDefault(other => other.Port == port && Overlap(other.Address, address) && !context.Problems.Exists(problem => problem.Path == other.Path));
            if (clash is null) continue;
            // The one to change is the one that was written; of two, the second.
            var (wrong, other) = context.Places.ContainsKey(path) || !context.Places.ContainsKey(clash) ? (path, clash) : (clash, path);
            context.Error(context.PlaceOf(wrong), wrong, $"is {port}, which {other} ({(context.Places.TryGetValue(other, out var place) ? place : "its default")}) has too", "Give each a port of its own");
        }
    }

    private static bool Overlap(IPAddress left, IPAddress right) => left.Equals(right) || IsAny(left) || IsAny(right);

    private static bool IsAny(IPAddress address) => address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any);
}
