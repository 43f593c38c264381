using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using SmartHost.Dashboard.Access;
using SmartHost.History;

namespace SmartHost.Dashboard;

/// <summary>
/// The meters of <see cref="Meters"/> and the runtime's own, as Prometheus text at <c>/metrics</c>, and pushed by OTLP where
/// OpenTelemetry's usual environment variable names a collector. A collector that does not answer costs nothing but its numbers.
/// </summary>
internal static class Metrics
{
    public const string Path = "/metrics";

    public static IServiceCollection AddDashboardMetrics(this IServiceCollection services, string? otlpEndpoint)
    {
        // The environment's word (OTEL_SERVICE_NAME) comes last and so wins.
        services.AddOpenTelemetry().ConfigureResource(resource => resource.AddService("smarthost").AddEnvironmentVariableDetector()).WithMetrics(metrics =>
        {
            metrics.AddMeter(Meters.Name).AddRuntimeInstrumentation().AddPrometheusExporter();
            // The exporter reads OTEL_EXPORTER_OTLP_* itself; here is only decided whether there is one.
            if (!string.IsNullOrEmpty(otlpEndpoint)) metrics.AddOtlpExporter();
        });
        return services;
    }

    public static void Map(IEndpointRouteBuilder app, Func<DashboardSettings> settings) =>
        app.MapPrometheusScrapingEndpoint(Path).WithMetadata(new OpenToAnyone(() => settings().OpenMetrics));
}
