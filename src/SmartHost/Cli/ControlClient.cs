using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using SmartHost.Dashboard.Access;
using SmartHost.Dashboard.Api;

namespace SmartHost.Cli;

/// <summary>There is no server to ask; the message says so and what to do.</summary>
internal sealed class ServerUnavailableException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>What the server said: a value, or a sentence why there is none.</summary>
/// <param name="IsMisuse">What it was asked cannot be, whatever its state: an address that is none, an account that is not there.</param>
internal readonly record struct Answer<T>(T? Value, string? Problem, bool IsMisuse = false) where T : class;

/// <summary>
/// Asks the running server by the socket in its data folder. A refusal is an <see cref="Answer{T}"/>; no server, or one
/// that goes away in the middle, is a <see cref="ServerUnavailableException"/>.
/// </summary>
internal sealed class ControlClient : IDisposable
{
    private readonly HttpClient http;
    private readonly string path;

    public ControlClient(string dataFolder)
    {
        path = ControlSocket.PathIn(dataFolder);
        http = new HttpClient(new SocketsHttpHandler { ConnectCallback = ConnectAsync, UseProxy = false }) { BaseAddress = new Uri("http://localhost") };
    }

    public void Dispose() => http.Dispose();

    public Task<Answer<T>> GetAsync<T>(string resource, JsonTypeInfo<T> type, CancellationToken cancellation) where T : class =>
        AskAsync(HttpMethod.Get, resource, null, type, cancellation);

    /// <param name="type">Null: the answer that it is done says no more.</param>
    public Task<Answer<T>> PostAsync<T>(string resource, HttpContent? body, JsonTypeInfo<T>? type, CancellationToken cancellation) where T : class =>
        AskAsync(HttpMethod.Post, resource, body, type, cancellation);

    /// <returns>Null: done. Else why not.</returns>
    public async Task<string?> DoAsync(HttpMethod method, string resource, HttpContent? body, CancellationToken cancellation) =>
        (await AskAsync<ApiProblem>(method, resource, body, null, cancellation)).Problem;

    /// <summary>By its next message, or by a login alone where none waits.</summary>
    /// <returns>As <see cref="DoAsync"/>.</returns>
    public Task<string?> TryAccountAsync(string account, CancellationToken cancellation) => DoAsync(HttpMethod.Post, $"/accounts/{Uri.EscapeDataString(account)}/try", null, cancellation);

    /// <summary>Whether it is alive, and what keeps it from being ready.</summary>
    public Task<HealthReply> HealthAsync(CancellationToken cancellation) => TalkAsync(async () =>
    {
        // 503 is an answer here, with the reasons in it.
        using var response = await http.GetAsync("/readyz", cancellation);
        return await response.Content.ReadFromJsonAsync(DashboardJson.Default.HealthReply, cancellation) ?? throw new JsonException();
    }, cancellation);

    private Task<Answer<T>> AskAsync<T>(HttpMethod method, string resource, HttpContent? body, JsonTypeInfo<T>? type, CancellationToken cancellation) where T : class => TalkAsync(async () =>
    {
        using var request = new HttpRequestMessage(method, ApiEndpoints.Root + resource) { Content = body };
        using var response = await http.SendAsync(request, cancellation);
        if (!response.IsSuccessStatusCode)
        {
            var problem = await response.Content.ReadFromJsonAsync(DashboardJson.Default.ApiProblem, cancellation);
            return new Answer<T>(null, problem?.Problem ?? $"The server answered {(int)response.StatusCode}.", response.StatusCode == HttpStatusCode.BadRequest);
        }
        return new Answer<T>(type is null ? null : await response.Content.ReadFromJsonAsync(type, cancellation), null);
    }, cancellation);

    private async Task<T> TalkAsync<T>(Func<Task<T>> talk, CancellationToken cancellation)
    {
        try
        {
            return await talk();
        }
        catch (HttpRequestException failure)
        {
            throw new ServerUnavailableException(Sentence(failure), failure);
        }
        catch (Exception failure) when (failure is IOException or JsonException || (failure is OperationCanceledException && !cancellation.IsCancellationRequested))
        {
            throw new ServerUnavailableException($"The server at {path} broke off in the middle of its answer. Try again; its log says whether it stopped.", failure);
        }
    }

    private string Sentence(HttpRequestException failure) => failure.GetBaseException() switch
    {
        SocketException { SocketErrorCode: SocketError.AccessDenied } =>
            $"You may not ask the server: {path} is open to the user that runs it alone. Run this as that user or as root (in Docker: docker exec smarthost smarthost …).",
        ArgumentException => $"The path {path} is too long for a socket: choose a shorter one with data.",
        _ => $"No server is running with the data folder {Path.GetDirectoryName(path)}. Start it with smarthost run, or name its configuration with --config (in Docker: docker exec smarthost smarthost …). If data was changed since it started, restart it.",
    };

    private async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellation)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), cancellation);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
