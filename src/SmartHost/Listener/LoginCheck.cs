using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Logging;
using SmartHost.Devices;
using SmartHost.Mail;

namespace SmartHost.Listener;

/// <summary>
/// Checks a device's user name and password. A failure is slow, counted against the client and in the end locks it out;
/// a success is remembered, so that a device that logs in for every message does not pay for the slow hash each time.
/// Guessing cannot take the machine: at most two hashes are computed at a time.
/// </summary>
internal sealed partial class LoginCheck(Func<DeviceDirectory> devices, TimeProvider time, ILogger<LoginCheck> logger) : IDisposable
{
    /// <summary>Before each refusal is said, times the number of failures so far, at most <see cref="LongestDelay"/>.</summary>
    private static readonly TimeSpan Delay = TimeSpan.FromSeconds(0.5), LongestDelay = TimeSpan.FromSeconds(3);

    private readonly SemaphoreSlim hashing = new(2);
    private readonly byte[] key = RandomNumberGenerator.GetBytes(32);
    private readonly Lock gate = new();

    /// <summary>By stored hash, so that a changed password forgets the old one: a keyed digest of the pair that was right. Nothing in it can be turned back into a password.</summary>
    private readonly Dictionary<string, byte[]> verified = [];

    /// <summary>Computed for user names that do not exist, so that how long a refusal takes does not tell which ones do.</summary>
    private readonly Lazy<string> decoy = new(() =>
    {
        using var random = RandomNumberGenerator.Create();
        return PasswordHash.Create("", random);
    });

    /// <summary>Null: the login is right. Otherwise what to say.</summary>
    public async ValueTask<SmtpReply?> RefusalAsync(Client client, string username, string password, LimitSettings limits, CancellationToken cancellation)
    {
        var device = devices().ByUsername(username);
        var stored = device?.PasswordHash?.Reveal();
        var lockout = client.Lockout();
        if (stored is not null && (lockout == TimeSpan.Zero || client.HasLoggedIn) && IsRemembered(stored, password))
        {
            client.LoginSucceeded();
            return null;
        }
        if (lockout > TimeSpan.Zero)
        {
            await Task.Delay(LongestDelay, time, cancellation);
            return Replies.LockedOut(lockout);
        }
        if (await VerifyAsync(stored, password, cancellation) && stored is not null)
        {
            Remember(stored, password);
            client.LoginSucceeded();
            return null;
        }
        var failures = client.LoginFailed(limits);
        LogFailed(client.Address.ToString(), Replies.Printable(username, 64), device is null ? "no device has this username" : "the password is wrong");
        if (client.Lockout() > TimeSpan.Zero) LogLockedOut(client.Address.ToString(), Math.Ceiling(limits.AuthLockout.TotalMinutes));
        var delay = Delay * failures;
        await Task.Delay(delay < LongestDelay ? delay : LongestDelay, time, cancellation);
        return Replies.AuthFailed;
    }

    public void Dispose() => hashing.Dispose();

    private async ValueTask<bool> VerifyAsync(string? stored, string password, CancellationToken cancellation)
    {
        await hashing.WaitAsync(cancellation);
        try
        {
            // Not on the thread that hears the other devices, and neither is the decoy made there, which takes as long.
            return await Task.Run(() => PasswordHash.Verify(stored ?? decoy.Value, password), cancellation);
        }
        finally
        {
            hashing.Release();
        }
    }

    private bool IsRemembered(string stored, string password)
    {
        lock (gate)
        {
            return verified.TryGetValue(stored, out var digest) && CryptographicOperations.FixedTimeEquals(digest, Digest(stored, password));
        }
    }

    private void Remember(string stored, string password)
    {
        lock (gate)
        {
            // One entry a device; hashes that no device has any more go.
            if (verified.Count > devices().Devices.Count)
            {
                var current = devices().Devices.Select(device => device.PasswordHash?.Reveal()).ToHashSet();
                foreach (var old in verified.Keys.Where(known => !current.Contains(known)).ToList()) verified.Remove(old);
            }
            verified[stored] = Digest(stored, password);
        }
    }

    private byte[] Digest(string stored, string password) => HMACSHA256.HashData(key, Encoding.UTF8.GetBytes($"{stored}\0{password}"));

    [LoggerMessage(1110, LogLevel.Warning, "login of “{Username}” from [{Client}] failed: {Reason}")]
    private partial void LogFailed(string client, string username, string reason);

    [LoggerMessage(1111, LogLevel.Warning, "[{Client}] is locked out from logging in for {Minutes:0} min: too many failed logins")]
    private partial void LogLockedOut(string client, double minutes);
}
