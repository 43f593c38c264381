using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.RegularExpressions;
using SmartHost.Mail;

namespace SmartHost.Notices;

/// <summary>
/// Posts an announcement in the form that its receiver understands. The address is a secret (whoever has it can write to the
/// channel), so nothing here puts it into a result or an exception's text. Failures are values: null is delivered.
/// </summary>
public sealed partial class Webhook(HttpClient http, TimeProvider time)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(15);

    /// <summary>Discord's SUPPRESS_EMBEDS: it fetches no page that a stranger names, and shows none.</summary>
    private const int WithoutPreviews = 1 << 2;

    public async Task<ChannelFailure?> PostAsync(Secret address, WebhookFormat? format, Announcement announcement, string host, CancellationToken stop)
    {
        if (!Uri.TryCreate(address.Reveal(), UriKind.Absolute, out var uri) || uri.Scheme is not ("http" or "https"))
        {
            return new ChannelFailure("the webhook's address is not an http or https address", Final: true);
        }
        using var patience = new CancellationTokenSource(Patience, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(stop, patience.Token);
        try
        {
            using var request = Request(uri, format ?? FormatOf(uri), announcement, host, time.GetUtcNow());
            using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, either.Token);
            // After 301 or 302 a client asks the new address with GET: whatever that answers, nobody was told.
            if (response.RequestMessage is { } last && last.Method != HttpMethod.Post) return new ChannelFailure("it answered with a redirect: write the address that it leads to", Final: true);
            if (response.IsSuccessStatusCode) return null;
            var code = (int)response.StatusCode;
            // 408 and 429 ask for patience; any other 4xx says that this request is wrong and will stay so.
            return new ChannelFailure($"it answered {code}", Final: code is >= 400 and < 500 and not 408 and not 429);
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            return new ChannelFailure($"no answer within {Patience.TotalSeconds:0} seconds", Final: false);
        }
        catch (Exception failure) when (failure is UriFormatException or NotSupportedException)
        {
            // A redirect to file:///etc/passwd and the like: HttpClient throws what it throws at a caller's own mistake.
            return new ChannelFailure("it answered with a redirect to what is no web address", Final: true);
        }
        catch (HttpRequestException failure)
        {
            // Not failure.Message: it may name the address.
            return new ChannelFailure(failure.HttpRequestError == HttpRequestError.Unknown ? "it could not be reached" : Words(failure.HttpRequestError), Final: false);
        }
    }

    /// <summary>Told by the address; JSON where nothing is recognised.</summary>
    public static WebhookFormat FormatOf(Uri address) => address switch
    {
        { Host: "ntfy.sh" } => WebhookFormat.Ntfy,
        _ when address.Host.StartsWith("ntfy.", StringComparison.OrdinalIgnoreCase) => WebhookFormat.Ntfy,
        { Host: "hooks.slack.com" or "hooks.slack-gov.com" } => WebhookFormat.Slack,
        { Host: "discord.com" or "discordapp.com" or "canary.discord.com" or "ptb.discord.com" } => WebhookFormat.Discord,
        _ when address.AbsolutePath.StartsWith("/api/webhook/", StringComparison.Ordinal) => WebhookFormat.HomeAssistant,
        _ => WebhookFormat.Json,
    };

    internal static HttpRequestMessage Request(Uri address, WebhookFormat format, Announcement announcement, string host, DateTimeOffset now)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, address);
        // HttpClient drops it; a topic of one's own ntfy is often behind a name and a password, or a token in a password's place.
        if (address.UserInfo is { Length: > 0 } login) request.Headers.Authorization = new AuthenticationHeaderValue("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes(Uri.UnescapeDataString(login))));
        var title = $"{announcement.Title} ({host})";
        switch (format)
        {
            case WebhookFormat.Ntfy:
                request.Content = new StringContent(announcement.Body, Encoding.UTF8, new MediaTypeHeaderValue("text/plain", "utf-8"));
                request.Headers.Add("Title", HeaderText(title));
                request.Headers.Add("Priority", announcement.IsOver ? "default" : "high");
                request.Headers.Add("Tags", announcement.IsOver ? "white_check_mark" : "warning");
                if (announcement.Alert.Help is { } help) request.Headers.Add("Click", help.AbsoluteUri);
                break;
            case WebhookFormat.Slack:
                request.Content = Json(new SlackMessage($"*{SlackText(title)}*\n{SlackText(announcement.Body)}"), WebhookJson.Default.SlackMessage);
                break;
            case WebhookFormat.Mattermost:
                request.Content = Json(new SlackMessage(Markdown(title, announcement)), WebhookJson.Default.SlackMessage);
                break;
            case WebhookFormat.Discord:
                var content = Markdown(title, announcement);
                // Discord refuses more than 2000 characters; and a subject must not be able to call @everyone.
                request.Content = Json(new DiscordMessage(content.Length > 2000 ? content[..1999] + "…" : content, new DiscordMentions([]), WithoutPreviews), WebhookJson.Default.DiscordMessage);
                break;
            default:
                // Home Assistant hands the whole object to its automation as trigger.json.
                request.Content = Json(new JsonMessage(announcement.Alert.Kind, announcement.Alert.Key, title, announcement.Text, announcement.Alert.Remedy,
                    announcement.Alert.Help, announcement.Since, now, announcement.More, announcement.IsOver, host, announcement.Body), WebhookJson.Default.JsonMessage);
                break;
        }
        return request;
    }

    private static ByteArrayContent Json<T>(T value, System.Text.Json.Serialization.Metadata.JsonTypeInfo<T> type) =>
        new(JsonSerializer.SerializeToUtf8Bytes(value, type)) { Headers = { ContentType = new MediaTypeHeaderValue("application/json", "utf-8") } };

    /// <summary>A header carries ASCII; ntfy reads RFC 2047 for the rest.</summary>
    private static string HeaderText(string text) =>
        text.All(c => c is >= ' ' and <= '~') ? text : $"=?UTF-8?B?{Convert.ToBase64String(Encoding.UTF8.GetBytes(text))}?=";

    /// <summary>Slack reads these three as markup: a subject with &lt;!channel&gt; must stay a subject.</summary>
    private static string SlackText(string text) => text.Replace("&", "&amp;").Replace("<", "&lt;").Replace(">", "&gt;");

    private static string Markdown(string title, Announcement announcement) => $"**{MarkdownText(title)}**\n{announcement.Told(MarkdownText)}";

    /// <summary>A subject, or what an unknown device calls itself, must not become a link under a friendly name, a picture, or a call to everybody.</summary>
    private static string MarkdownText(string text) => Calls().Replace(Marks().Replace(text, @"\$0"), "@\u200b");

    [GeneratedRegex(@"[\\*_~`\[\]<>|#]")]
    private static partial Regex Marks();

    // Mattermost has no way to say that nobody is meant; an address such as me@here.example is no call.
    [GeneratedRegex(@"(?<![\w.])@(?=(all|channel|here|everyone)\b)", RegexOptions.IgnoreCase)]
    private static partial Regex Calls();

    private static string Words(HttpRequestError error) => error switch
    {
        HttpRequestError.NameResolutionError => "its name does not resolve",
        HttpRequestError.ConnectionError => "no connection",
        HttpRequestError.SecureConnectionError => "its TLS certificate is not trusted",
        _ => "the connection broke",
    };

    internal sealed record JsonMessage(
        AlertKind Kind, string Key, string Title, string Text, string? Remedy, Uri? Help, DateTimeOffset Since, DateTimeOffset At, int More, bool Over, string Host, string Message);

    internal sealed record SlackMessage(string Text);

    internal sealed record DiscordMessage(string Content, [property: JsonPropertyName("allowed_mentions")] DiscordMentions AllowedMentions, int Flags);

    internal sealed record DiscordMentions(IReadOnlyList<string> Parse);
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UseStringEnumConverter = true, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(Webhook.JsonMessage))]
[JsonSerializable(typeof(Webhook.SlackMessage))]
[JsonSerializable(typeof(Webhook.DiscordMessage))]
internal sealed partial class WebhookJson : JsonSerializerContext;
