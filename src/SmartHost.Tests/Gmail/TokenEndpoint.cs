using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace SmartHost.Tests.Gmail;

/// <summary>Stands where Google's token endpoint should be, and remembers every form it was sent.</summary>
internal sealed class TokenEndpoint : IAsyncDisposable
{
    private readonly WebApplication application;

    private TokenEndpoint(WebApplication application) => this.application = application;

    public Uri Uri { get; private set; } = null!;

    public List<Dictionary<string, string>> Forms { get; } = [];

    /// <summary>Status and body of the next answer; the argument is how many requests there have been.</summary>
    public Func<int, Task<(int Status, string Body)>> Answer { get; set; } = count => Task.FromResult((200, $$"""{"access_token":"ya29.token-{{count}}","expires_in":3599,"token_type":"Bearer"}"""));

    public static async Task<TokenEndpoint> StartAsync()
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        var endpoint = new TokenEndpoint(builder.Build());
        endpoint.application.Run(endpoint.ServeAsync);
        await endpoint.application.StartAsync();
        endpoint.Uri = new Uri(endpoint.application.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single() + "/token");
        return endpoint;
    }

    public void Refuse(int status, string error, string? description = null) =>
        Answer = _ => Task.FromResult((status, description is null ? $$"""{"error":"{{error}}"}""" : $$"""{"error":"{{error}}","error_description":"{{description}}"}"""));

    public ValueTask DisposeAsync() => application.DisposeAsync();

    private async Task ServeAsync(HttpContext context)
    {
        var form = await context.Request.ReadFormAsync();
        int count;
        lock (Forms)
        {
            Forms.Add(form.ToDictionary(pair => pair.Key, pair => pair.Value.ToString()));
            count = Forms.Count;
        }
        var (status, body) = await Answer(count);
        context.Response.StatusCode = status;
        context.Response.ContentType = "application/json";
        await context.Response.WriteAsync(body);
    }
}
