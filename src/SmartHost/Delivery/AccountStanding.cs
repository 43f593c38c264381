using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using SmartHost.Gmail;
using SmartHost.Gmail.Login;
using SmartHost.Gmail.Repair;
using SmartHost.Gmail.Replies;

namespace SmartHost.Delivery;

public enum AccountHealth
{
    Healthy,

    /// <summary>Sending, at less than full pace, since Gmail asked for it.</summary>
    Slowed,

    /// <summary>Sending nothing; its mail waits and does not age.</summary>
    Paused,
}

public enum PauseKind
{
    /// <summary>Gmail cannot be reached, or stumbles: minutes, by itself.</summary>
    Unreachable,

    /// <summary>Gmail wants no more for now (a daily limit, too many logins): by itself, in time.</summary>
    Held,

    /// <summary>A person must mend something, such as a password. But for one early second try, at most one try an hour: Google locks accounts that keep knocking.</summary>
    NeedsPerson,
}

/// <summary>Why an account sends nothing, and when it is tried again: by one message on one connection.</summary>
/// <param name="Row">The catalogue row that paused it; the waits of one row grow, another row starts anew.</param>
/// <param name="AtLogin">It happened before any message was offered, so a login that succeeds ends it.</param>
/// <param name="Since">When the account stopped working, whatever rows followed; its mail ages again from the end.</param>
/// <param name="KeptUntil">Up to here the time of the pause has been given back to its mail's lifetime.</param>
/// <param name="Failures">Tries that ended in this row, one after the other.</param>
/// <param name="Announced">People have been told, so they will also be told when it is over.</param>
/// <param name="AboutToken">As <see cref="Verdict.AboutToken"/>. Not in what earlier builds stored: such a pause merely waits for its probe.</param>
public sealed record Pause(
    PauseKind Kind, string Row, string Happened, string Remedy, Uri? Help, bool AtLogin,
    DateTimeOffset Since, DateTimeOffset KeptUntil, DateTimeOffset NextProbe, int Failures, bool Announced,
    bool AboutToken = false)
{
    private static readonly TimeSpan
        FirstHold = TimeSpan.FromMinutes(15),
        ShortestForPerson = TimeSpan.FromHours(1),
        LongestHold = TimeSpan.FromHours(24),
        QuietWhileUnreachable = TimeSpan.FromMinutes(30);

    /// <summary>Another one is news. Null: the line is down, which is no news to people who know a reason already.</summary>
    internal string? Cause => Kind == PauseKind.Unreachable ? null : Row;

    /// <summary>The standing after Gmail's word, given the one before it.</summary>
    public static Pause After(Pause? before, Verdict verdict, bool atLogin, DateTimeOffset now, RetrySchedule schedule)
    {
        var kind = verdict.Action switch
        {
            VerdictAction.HoldAccount => PauseKind.Held,
            VerdictAction.HoldAccountForPerson => PauseKind.NeedsPerson,
            // Before a message was offered, a refusal can only concern the account or its settings.
            VerdictAction.Park or VerdictAction.BounceMessage or VerdictAction.BounceRecipient => PauseKind.NeedsPerson,
            _ => PauseKind.Unreachable,
        };
        // A line that is down says so in many ways, now refused, now silent: they are one row.
        var again = before is not null && (before.Row == verdict.Row || (kind == PauseKind.Unreachable && before.Kind == kind));
        var failures = again ? before!.Failures + 1 : 1;
        var wait = kind switch
        {
            PauseKind.Unreachable when verdict.Action == VerdictAction.RetryLater => schedule.Later(failures - 1),
            PauseKind.Unreachable => verdict.Wait is { } asked && asked > schedule.Reconnect(failures - 1) ? asked : schedule.Reconnect(failures - 1),
            PauseKind.Held when verdict.Evenly => verdict.Wait ?? FirstHold,
            PauseKind.Held => Doubled(verdict.Wait ?? FirstHold, failures),
            // The one early second try of a refused password (a hiccup of Google's is known) is the row's own Wait; then an hour at least.
            _ when failures == 1 && verdict.Wait is { } first => first,
            _ => Doubled(ShortestForPerson, failures - (verdict.Wait is null ? 0 : 1)),
        };
        return new Pause(kind, verdict.Row, verdict.Happened, verdict.Remedy, verdict.Help, atLogin,
            before?.Since ?? now, before?.KeptUntil ?? now, now + wait, failures, before?.Announced ?? false, verdict.AboutToken);
    }

    /// <summary>Read back by a clock that may have been put back while we were not running: a wait longer than any there is was reckoned by another clock.</summary>
    /// <param name="longest">The longest wait for a line that is down.</param>
    public Pause ReadAt(DateTimeOffset now, TimeSpan longest) => NextProbe - now <= (Kind == PauseKind.Unreachable ? longest : LongestHold) ? this
        : this with { NextProbe = Kind == PauseKind.Unreachable ? now : now + ShortestForPerson };

    /// <summary>A short loss of the line is no news; anything else is, at once.</summary>
    public bool IsWorthAnnouncing(DateTimeOffset now) => !Announced && (Kind != PauseKind.Unreachable || now - Since >= QuietWhileUnreachable);

    private static TimeSpan Doubled(TimeSpan first, int failures)
    {
        var wait = first * Math.Pow(2, Math.Min(failures - 1, 16));
        return wait < LongestHold ? wait : LongestHold;
    }
}

/// <summary>
/// An account's standing as it outlives a restart. If it cannot be written, the account goes on by what is in memory and a
/// restart would begin by one try: no mail is at stake.
/// </summary>
/// <param name="Slowness">As <see cref="Pace.Slowness"/>.</param>
/// <param name="Fingerprint">Of the credentials that were in use, so that a changed password ends a pause even across a restart.</param>
public sealed record AccountStanding(Pause? Pause, double Slowness, DateTimeOffset? SlowedSince, string? SlowedBecause, string? Fingerprint)
{
    public static readonly AccountStanding Healthy = new(null, 1, null, null, null);

    public AccountHealth Health => Pause is not null ? AccountHealth.Paused : Slowness > 1 ? AccountHealth.Slowed : AccountHealth.Healthy;

    public string ToJson() => JsonSerializer.Serialize(this, DeliveryJson.Default.AccountStanding);

    /// <summary>What does not read as a standing (an older version's, say) counts as healthy: the next reply will tell.</summary>
    public static AccountStanding FromJson(string? json)
    {
        if (json is null) return Healthy;
        try
        {
            return JsonSerializer.Deserialize(json, DeliveryJson.Default.AccountStanding) ?? Healthy;
        }
        catch (JsonException)
        {
            return Healthy;
        }
    }
}

/// <summary>
/// Tells whether credentials changed, without keeping them: a slow salted hash, since a password of a person's own making
/// could be guessed from a quick one.
/// </summary>
public static class CredentialFingerprint
{
    private const int SaltOctets = 16, HashOctets = 32, Iterations = 100_000;

    public static string Of(AccountSettings account) => Of(account, RandomNumberGenerator.GetBytes(SaltOctets));

    public static bool Matches(AccountSettings account, string fingerprint)
    {
        var salt = fingerprint.Split(':')[0];
        Span<byte> octets = stackalloc byte[SaltOctets];
        return Convert.TryFromBase64String(salt, octets, out var written) && written == SaltOctets && Of(account, octets.ToArray()) == fingerprint;
    }

    private static string Of(AccountSettings account, byte[] salt)
    {
        var credentials = account.Credentials switch
        {
            AccountCredentials.AppPassword password => $"password {password.Password.Reveal()}",
            AccountCredentials.OAuth oauth => $"oauth {oauth.ClientId} {oauth.ClientSecret.Reveal()} {oauth.RefreshToken?.Reveal()}",
            AccountCredentials.ServiceAccount service => $"service {service.KeyJson.Reveal()}",
            _ => "address",
        };
        // The host and the name belong to it: a password refused under the wrong name is a new try under the right one.
        var text = $"{account.Username} {account.Host} {account.Port} {account.Tls} {credentials}";
        var hash = Rfc2898DeriveBytes.Pbkdf2(Encoding.UTF8.GetBytes(text), salt, Iterations, HashAlgorithmName.SHA256, HashOctets);
        return $"{Convert.ToBase64String(salt)}:{Convert.ToBase64String(hash)}";
    }
}

[JsonSourceGenerationOptions(UseStringEnumConverter = true)]
[JsonSerializable(typeof(AccountStanding))]
internal sealed partial class DeliveryJson : JsonSerializerContext;
