using System.Buffers.Text;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using SmartHost.Mail;

namespace SmartHost.Gmail.Login;

/// <summary>
/// The JSON key of a Workspace service account, and the signed request (RFC 7523) by which it speaks for a mailbox.
/// It needs domain-wide delegation for Gmail's scope; the mailbox is the subject, never the service account itself.
/// A class, not a record: it must not print itself.
/// </summary>
internal sealed class ServiceAccountKey
{
    [JsonPropertyName("client_email")]
    public string? ClientEmail { get; init; }

    /// <summary>PKCS #8, PEM.</summary>
    [JsonPropertyName("private_key")]
    public string? PrivateKey { get; init; }

    [JsonPropertyName("private_key_id")]
    public string? PrivateKeyId { get; init; }

    /// <returns>False where <paramref name="keyJson"/> is not such a key.</returns>
    public static bool TrySign(Secret keyJson, Mailbox mailbox, Uri audience, DateTimeOffset now, [NotNullWhen(true)] out Secret? assertion)
    {
        assertion = null;
        try
        {
            if (JsonSerializer.Deserialize(keyJson.Reveal(), TokenJson.Default.ServiceAccountKey) is not { ClientEmail: { Length: > 0 } issuer, PrivateKey: { Length: > 0 } pem } key) return false;
            using var rsa = RSA.Create();
            rsa.ImportFromPem(pem);
            var issued = now.ToUnixTimeSeconds();
            var header = Part(new Header("RS256", "JWT", key.PrivateKeyId), TokenJson.Default.Header);
            var claims = Part(new Claims(issuer, AccessTokens.Scope, audience.ToString(), mailbox.ToString(), issued, issued + 3600), TokenJson.Default.Claims);
            var signed = $"{header}.{claims}";
            var signature = rsa.SignData(Encoding.ASCII.GetBytes(signed), HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
            assertion = new Secret($"{signed}.{Base64Url.EncodeToString(signature)}");
            return true;
        }
        catch (Exception e) when (e is JsonException or ArgumentException or CryptographicException)
        {
            return false;
        }
    }

    private static string Part<T>(T value, System.Text.Json.Serialization.Metadata.JsonTypeInfo<T> type) => Base64Url.EncodeToString(JsonSerializer.SerializeToUtf8Bytes(value, type));

    internal sealed record Header([property: JsonPropertyName("alg")] string Algorithm, [property: JsonPropertyName("typ")] string Type,
        [property: JsonPropertyName("kid"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? KeyId);

    internal sealed record Claims(
        [property: JsonPropertyName("iss")] string Issuer, [property: JsonPropertyName("scope")] string Scope, [property: JsonPropertyName("aud")] string Audience,
        [property: JsonPropertyName("sub")] string Subject, [property: JsonPropertyName("iat")] long IssuedAt, [property: JsonPropertyName("exp")] long Expires);
}
