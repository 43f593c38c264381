using System.Net;
using System.Threading.Channels;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;

namespace SmartHost.Gmail.Login;

/// <summary>
/// Receives the browser after the consent, on 127.0.0.1 and a port of the system's choice (RFC 8252 §7.3). Only this
/// machine reaches it. Each answer is handed on once, right or wrong; a request without an answer of Google's, such as for a
/// favicon, is not an arrival. Dispose it after the login.
/// </summary>
public sealed class ConsentListener : IAsyncDisposable
{
    private const string Page = """
        <!doctype html><html lang="en"><meta charset="utf-8"><title>SmartHost</title>
        <body style="font-family: sans-serif; margin: 4em"><p>Google's answer has arrived. You may close this page and look at the terminal.</p></body></html>
        """;

    private readonly WebApplication application;
    /// <summary>More than one, since some other page on this machine might knock first; a flood of them is dropped.</summary>
    private readonly Channel<string> arrivals = Channel.CreateBounded<string>(new BoundedChannelOptions(8) { FullMode = BoundedChannelFullMode.DropWrite });

    private ConsentListener(WebApplication application) => this.application = application;

    /// <summary>For the <see cref="ConsentRequest"/>.</summary>
    public Uri Redirect { get; private set; } = null!;

    public static async Task<ConsentListener> StartAsync(CancellationToken cancellation)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.Listen(IPAddress.Loopback, 0);
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestLineSize = 8 * 1024;
        });
        var listener = new ConsentListener(builder.Build());
        listener.application.Run(listener.ReceiveAsync);
        await listener.application.StartAsync(cancellation);
        var address = listener.application.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single();
        listener.Redirect = new Uri(address);
        return listener;
    }

    /// <summary>The address that a browser came with, for <see cref="OAuthConsent.FinishAsync"/>. If that fails, wait for the next.</summary>
    public async Task<string> WaitAsync(CancellationToken cancellation) => await arrivals.Reader.ReadAsync(cancellation);

    public ValueTask DisposeAsync() => application.DisposeAsync();

    private async Task ReceiveAsync(HttpContext context)
    {
        var query = context.Request.QueryString.Value ?? "";
        if (!query.Contains("code=", StringComparison.Ordinal) && !query.Contains("error=", StringComparison.Ordinal))
        {
            context.Response.StatusCode = StatusCodes.Status404NotFound;
            return;
        }
        context.Response.ContentType = "text/html; charset=utf-8";
        // The address holds the code: it should not travel on, nor stay.
        context.Response.Headers["Referrer-Policy"] = "no-referrer";
        context.Response.Headers.CacheControl = "no-store";
        context.Response.Headers.Connection = "close";
        await context.Response.WriteAsync(Page, context.RequestAborted);
        await context.Response.CompleteAsync();
        arrivals.Writer.TryWrite(query);
    }
}
