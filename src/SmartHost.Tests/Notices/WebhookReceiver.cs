using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace SmartHost.Tests.Notices;

/// <summary>One POST as it came over the wire.</summary>
internal sealed record Posted(string Path, string ContentType, IReadOnlyDictionary<string, string> Headers, byte[] Octets)
{
    public string Body => System.Text.Encoding.UTF8.GetString(Octets);
}

/// <summary>Somebody's HTTP server on a loopback port, which keeps what it is sent: a webhook, a collector of metrics.</summary>
internal sealed class WebhookReceiver : IAsyncDisposable
{
    private readonly WebApplication application;
    private readonly List<Posted> posts = [];
    private volatile int status = 200;

    private WebhookReceiver(WebApplication application) => this.application = application;

    public Uri Address { get; private set; } = null!;

    /// <summary>What it answers from now on.</summary>
    public int Status
    {
        get => status;
        set => status = value;
    }

    public Posted[] Posts
    {
        get { lock (posts) return [.. posts]; }
    }

    public static async Task<WebhookReceiver> StartAsync()
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        var receiver = new WebhookReceiver(builder.Build());
        receiver.application.Run(receiver.TakeAsync);
        await receiver.application.StartAsync();
        receiver.Address = new Uri(receiver.application.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single());
        return receiver;
    }

    /// <summary>The first that fits, as soon as it is there.</summary>
    public async Task<Posted> WaitForAsync(Func<Posted, bool> fits, CancellationToken cancellation)
    {
        while (true)
        {
            if (Posts.FirstOrDefault(fits) is { } post) return post;
            await Task.Delay(TimeSpan.FromMilliseconds(10), TimeProvider.System, cancellation);
        }
    }

    public Task<Posted> WaitForAsync(string text, CancellationToken cancellation) => WaitForAsync(post => post.Body.Contains(text, StringComparison.Ordinal), cancellation);

    public ValueTask DisposeAsync() => application.DisposeAsync();

    private async Task TakeAsync(HttpContext context)
    {
        // The old manner of a redirect, after which a client asks with GET; and the newer one, which keeps the method.
        if (context.Request.Path.Value is "/moved" or "/moved-as-it-is")
        {
            context.Response.Redirect("/", permanent: true, preserveMethod: context.Request.Path == "/moved-as-it-is");
            return;
        }
        if (context.Request.Path == "/moved-away")
        {
            context.Response.Redirect("file:///etc/passwd");
            return;
        }
        if (context.Request.Method != "POST") return;
        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body);
        lock (posts)
            posts.Add(new Posted(context.Request.Path, context.Request.ContentType ?? "", context.Request.Headers.ToDictionary(pair => pair.Key, pair => pair.Value.ToString(), StringComparer.OrdinalIgnoreCase), body.ToArray()));
        context.Response.StatusCode = status;
    }
}
