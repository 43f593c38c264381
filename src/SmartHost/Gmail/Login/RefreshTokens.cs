using System.Text.Json;
using SmartHost.Disk;
using SmartHost.Gmail.Replies;
using SmartHost.Mail;

namespace SmartHost.Gmail.Login;

/// <summary>What <c>smarthost login</c> keeps in the data folder. A class, not a record: it must not print itself.</summary>
internal sealed class KeptRefreshToken
{
    public string? RefreshToken { get; init; }

    public string? ClientId { get; init; }

    public DateTimeOffset Obtained { get; init; }
}

/// <summary>
/// Refresh tokens in <c>tokens/ACCOUNT.json</c> of the data folder, readable by its owner alone. Written whole beside the old one
/// and renamed over it: after a crash there is the old token or the new one, never half of one.
/// </summary>
public sealed class RefreshTokens(string dataFolder)
{
    public const string Folder = "tokens";

    /// <returns>The token, or why there is none.</returns>
    internal async Task<(Secret? Token, Verdict? Problem)> ReadAsync(string account, string clientId, CancellationToken cancellation)
    {
        try
        {
            await using var file = File.OpenRead(PathOf(account));
            var kept = await JsonSerializer.DeserializeAsync(file, TokenJson.Default.KeptRefreshToken, cancellation);
            if (string.IsNullOrEmpty(kept?.RefreshToken)) return (null, TokenRefusals.UnreadableStore);
            // Google answers "invalid_grant" to a token of another client: say what is wrong instead of asking.
            if (kept.ClientId != clientId) return (null, TokenRefusals.OtherClient);
            return (new Secret(kept.RefreshToken), null);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return (null, TokenRefusals.NoConsentYet);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException)
        {
            return (null, TokenRefusals.UnreadableStore);
        }
    }

    /// <exception cref="IOException">The data folder cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">Nor can it for want of rights.</exception>
    public void Keep(string account, string clientId, Secret refreshToken, DateTimeOffset now)
    {
        var path = PathOf(account);
        // A consent may come before the first start: then the data folder is made here, too, and as private.
        PrivateFolder.Make(dataFolder);
        var folder = Path.GetDirectoryName(path)!;
        PrivateFolder.Make(folder);
        var owner = FolderOwner.OtherThanRoot(dataFolder);
        owner?.Receive(folder);
        WholeFile.Write(path, JsonSerializer.SerializeToUtf8Bytes(
            new KeptRefreshToken { RefreshToken = refreshToken.Reveal(), ClientId = clientId, Obtained = now }, TokenJson.Default.KeptRefreshToken), owner: owner);
    }

    /// <summary>Account names are the user's own; what no file name may hold is escaped.</summary>
    internal string PathOf(string account) => Path.Combine(dataFolder, Folder, Uri.EscapeDataString(account) + ".json");
}
