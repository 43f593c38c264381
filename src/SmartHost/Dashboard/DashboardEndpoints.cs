using SmartHost.Dashboard.Access;
using SmartHost.Dashboard.Api;
using SmartHost.Dashboard.Pages;
using SmartHost.Mail;

namespace SmartHost.Dashboard;

/// <summary>
/// The dashboard's two doors for the composition root: <see cref="AddDashboard"/> before the host is built,
/// <see cref="UseDashboard"/> after. If the page cannot run, SmartHost says so at start; once running, nothing that happens
/// here touches the mail.
/// </summary>
public static class DashboardEndpoints
{
    /// <param name="otlpEndpoint">The value of <c>OTEL_EXPORTER_OTLP_ENDPOINT</c>; null or empty: metrics are not pushed.</param>
    public static IServiceCollection AddDashboard(this IServiceCollection services, string? otlpEndpoint = null) =>
        services.AddRouting().AddControlSocketMode().AddDashboardMetrics(otlpEndpoint);

    /// <summary>Puts the gate in front and maps pages, API, health and metrics behind it.</summary>
    /// <param name="settings">Asked at every request, so that a new token or name works at once.</param>
    /// <param name="password">The configured one, else the one that <see cref="DashboardPassword.ReadOrMakeAsync"/> gave.</param>
    /// <param name="sessions">From <see cref="SessionTokens.OpenAsync"/>.</param>
    public static void UseDashboard(
        this WebApplication app, Func<DashboardSettings> settings, DashboardSources sources, Func<Secret> password, SessionTokens sessions, TimeProvider time)
    {
        var gate = new Gate(settings, password, sessions, new LoginThrottle(time), app.Services.GetRequiredService<ILogger<Gate>>());
        var names = new ReverseNames(time);
        var traffic = new Traffic(sources.Queue, time);
        app.Lifetime.ApplicationStopped.Register(traffic.Dispose);

        // A page may wait for the disk, and a request comes on the thread that hears all devices: see SocketThreads.
        app.Use(next => async context =>
        {
            await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
            await next(context);
        });
        // Many a probe asks by HEAD. It hears what GET tells, and Kestrel, which knows what was asked, leaves out the body.
        app.Use(next => context =>
        {
            // Not where GET goes on for as long as somebody looks.
            if (HttpMethods.IsHead(context.Request.Method) && context.Request.Path != LiveUpdates.Path) context.Request.Method = HttpMethods.Get;
            return next(context);
        });
        // Said here, not left to the framework: the gate must know which endpoint it guards.
        app.UseRouting();
        app.Use(next => context => gate.PassAsync(context, next));
        Asset.Map(app);
        Health.Map(app, sources, app.Lifetime.ApplicationStopping);
        Metrics.Map(app, settings);
        new ApiEndpoints(sources, traffic, names, time).Map(app);
        new PageEndpoints(sources, traffic, names, gate, time).Map(app);
        new LiveUpdates(sources.Queue, time, app.Lifetime.ApplicationStopping).Map(app);
    }
}
