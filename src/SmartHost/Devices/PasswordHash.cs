using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace SmartHost.Devices;

/// <summary>
/// What is kept of a device's password: PBKDF2 with SHA-256 (RFC 8018), as self-describing text
/// <c>pbkdf2-sha256$iterations$salt$hash</c>, salt and hash in base64. The number of iterations stands in the text,
/// so it can grow without making older hashes worthless. Text that is not of this form verifies nothing.
/// </summary>
public static class PasswordHash
{
    /// <summary>Some 100 ms on a small NAS: nothing for a device, much for someone who guesses.</summary>
    public const int Iterations = 210_000;

    private const string Scheme = "pbkdf2-sha256";
    private const int SaltLength = 16, HashLength = 32;

    /// <summary>Outside of these a hash is either worthless, or a way to keep the processor busy.</summary>
    private const int LeastIterations = 10_000, MostIterations = 10_000_000;

    public static string Create(string password, RandomNumberGenerator random, int iterations = Iterations)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(iterations, LeastIterations);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(iterations, MostIterations);
        var salt = new byte[SaltLength];
        random.GetBytes(salt);
        return $"{Scheme}${iterations}${Convert.ToBase64String(salt)}${Convert.ToBase64String(Derive(password, salt, iterations))}";
    }

    /// <summary>Takes as long for a wrong password as for the right one. False for text that is not a hash of ours.</summary>
    public static bool Verify(string stored, string password) =>
        Read(stored) is var (iterations, salt, hash) && CryptographicOperations.FixedTimeEquals(hash, Derive(password, salt, iterations));

    public static bool IsWellFormed(string stored) => Read(stored) is not null;

    private static (int Iterations, byte[] Salt, byte[] Hash)? Read(string stored)
    {
        var parts = stored.Split('$');
        if (parts.Length != 4 || parts[0] != Scheme) return null;
        if (!int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out var iterations)) return null;
        if (iterations is < LeastIterations or > MostIterations) return null;
        var (salt, hash) = (new byte[SaltLength], new byte[HashLength]);
        return Convert.TryFromBase64String(parts[2], salt, out var saltLength) && saltLength == SaltLength
            && Convert.TryFromBase64String(parts[3], hash, out var hashLength) && hashLength == HashLength
            ? (iterations, salt, hash)
            : null;
    }

    private static byte[] Derive(string password, byte[] salt, int iterations) =>
        Rfc2898DeriveBytes.Pbkdf2(Encoding.UTF8.GetBytes(password), salt, iterations, HashAlgorithmName.SHA256, HashLength);
}
