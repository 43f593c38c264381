using System.Text.Json;
using System.Text.Json.Serialization;
using SmartHost.Gmail.Replies;

namespace SmartHost.Gmail.Login;

/// <summary>What Google's token endpoint says: RFC 6749 §5.1 and §5.2, and two members of Google's own. A class, not a record: it must not print itself.</summary>
internal sealed class TokenAnswer
{
    [JsonPropertyName("access_token")]
    public string? AccessToken { get; init; }

    /// <summary>Seconds.</summary>
    [JsonPropertyName("expires_in")]
    public long? ExpiresIn { get; init; }

    [JsonPropertyName("refresh_token")]
    public string? RefreshToken { get; init; }

    /// <summary>Seconds; only where the consent itself runs out, as it does after seven days for a client in testing.</summary>
    [JsonPropertyName("refresh_token_expires_in")]
    public long? RefreshTokenExpiresIn { get; init; }

    public DateTimeOffset? ConsentEnds(DateTimeOffset now) => RefreshTokenExpiresIn is { } seconds ? now.AddSeconds(Math.Clamp(seconds, 0, int.MaxValue)) : null;

    [JsonPropertyName("scope")]
    public string? Scope { get; init; }

    [JsonPropertyName("error")]
    public string? Error { get; init; }

    [JsonPropertyName("error_description")]
    public string? Description { get; init; }

    [JsonPropertyName("error_subtype")]
    public string? Subtype { get; init; }
}

[JsonSerializable(typeof(TokenAnswer))]
[JsonSerializable(typeof(KeptRefreshToken))]
[JsonSerializable(typeof(ServiceAccountKey))]
[JsonSerializable(typeof(ServiceAccountKey.Header))]
[JsonSerializable(typeof(ServiceAccountKey.Claims))]
internal sealed partial class TokenJson : JsonSerializerContext;

/// <summary>One POST to the token endpoint. Whatever comes back is an answer with a token in it, or a verdict.</summary>
internal static class TokenRequest
{
    /// <summary>A real answer has about 2 KB.</summary>
    private const int MaxAnswer = 64 * 1024;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    public static async Task<(TokenAnswer? Answer, Verdict? Refusal)> PostAsync(
        HttpClient http, Uri endpoint, Dictionary<string, string> form, TimeProvider time, CancellationToken cancellation)
    {
        using var limit = new CancellationTokenSource(Patience, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellation);
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, endpoint) { Content = new FormUrlEncodedContent(form) };
            using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, either.Token);
            var answer = await ReadAsync(response.Content, either.Token);
            if (response.IsSuccessStatusCode && !string.IsNullOrEmpty(answer?.AccessToken)) return (answer, null);
            return (null, TokenRefusals.Read((int)response.StatusCode, answer?.Error, answer?.Subtype, answer?.Description));
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return (null, TokenRefusals.Unreachable(endpoint.Host, "no answer in time"));
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            // The exception's text names hosts and errors of the network, never the form.
            return (null, TokenRefusals.Unreachable(endpoint.Host, (e as HttpRequestException)?.HttpRequestError.ToString() ?? "connection lost"));
        }
    }

    private static async Task<TokenAnswer?> ReadAsync(HttpContent content, CancellationToken cancellation)
    {
        await using var body = await content.ReadAsStreamAsync(cancellation);
        var buffer = new byte[MaxAnswer];
        var length = await body.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, cancellation);
        try
        {
            return JsonSerializer.Deserialize(buffer.AsSpan(0, length), TokenJson.Default.TokenAnswer);
        }
        catch (JsonException)
        {
            // A proxy's page, or something cut off: the status code has to do.
            return null;
        }
    }
}
