using System.Text;

namespace SmartHost.Practice;

/// <summary>What a client claims in AUTH (RFC 4616, RFC 7628, Google's XOAUTH2): a name, and a password or a token.</summary>
internal readonly record struct PracticeClaim(string Username, string Secret, bool IsToken)
{
    public override string ToString() => $"{Username}:***";

    /// <summary>Null: it is not Base64 of UTF-8.</summary>
    public static string? Decode(string base64)
    {
        var octets = new byte[base64.Length];
        return Convert.TryFromBase64String(base64, octets, out var length) && System.Text.Unicode.Utf8.IsValid(octets.AsSpan(0, length))
            ? Encoding.UTF8.GetString(octets, 0, length)
            : null;
    }

    /// <summary><c>[authzid] NUL authcid NUL password</c>. Null: it is not that.</summary>
    public static PracticeClaim? Plain(string response) =>
        response.Split('\0') is [_, { Length: > 0 } name, var password] ? new(name, password, false) : null;

    /// <summary><c>user=NAME ^A auth=Bearer TOKEN ^A ^A</c>.</summary>
    public static PracticeClaim? Xoauth2(string response) =>
        response.Split('\x1') is [var user, var auth, "", ""] && user.StartsWith("user=", StringComparison.Ordinal) && Bearer(auth) is { } token
            ? new(user["user=".Length..], token, true)
            : null;

    /// <summary><c>n,a=NAME, ^A host=… ^A port=… ^A auth=Bearer TOKEN ^A ^A</c>; host and port may be missing.</summary>
    public static PracticeClaim? OAuthBearer(string response)
    {
        var parts = response.Split('\x1');
        return parts[0].Split(',') is ["n", ['a', '=', .. var name], ""] && parts.Select(Bearer).FirstOrDefault(token => token is not null) is { } token
            ? new(name, token, true)
            : null;
    }

    private static string? Bearer(string part) =>
        part.StartsWith("auth=Bearer ", StringComparison.Ordinal) ? part["auth=Bearer ".Length..] : null;
}
