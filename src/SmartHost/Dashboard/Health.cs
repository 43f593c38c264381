using Microsoft.AspNetCore.Http.HttpResults;
using SmartHost.Dashboard.Access;
using SmartHost.Dashboard.Api;

namespace SmartHost.Dashboard;

/// <summary>
/// <c>/healthz</c>: the process answers, so leave it running. <c>/readyz</c>: it can take mail and has an account that can
/// send; if not, 503 with the reasons. A paused account must not make anybody restart the program, hence two of them.
/// Open to anyone, so the reasons name no account and no address.
/// </summary>
internal static class Health
{
    public static void Map(IEndpointRouteBuilder app, DashboardSources sources)
    {
        app.MapGet("/healthz", () => Reply("alive", [])).WithMetadata(OpenToAnyone.Instance, AnswersToAnyName.Instance);
        app.MapGet("/readyz", () => Ready(sources)).WithMetadata(OpenToAnyone.Instance, AnswersToAnyName.Instance);
    }

    internal static IReadOnlyList<string> Obstacles(DashboardSources sources)
    {
        var obstacles = new List<string>();
        if (sources.Queue.Trouble is { } trouble) obstacles.Add($"The queue cannot be written: {trouble}");
        if (sources.Queue.Refusal(declaredSize: 0) is { } full) obstacles.Add($"The queue takes no mail: {full}");
        if (!sources.Delivery().HasUsableAccount) obstacles.Add("No Gmail account can send now; mail is kept. The page says why.");
        return obstacles;
    }

    private static JsonHttpResult<HealthReply> Ready(DashboardSources sources) =>
        Obstacles(sources) is { Count: > 0 } obstacles ? Reply("not ready", obstacles, 503) : Reply("ready", []);

    private static JsonHttpResult<HealthReply> Reply(string status, IReadOnlyList<string> reasons, int code = 200) =>
        TypedResults.Json(new HealthReply(status, reasons), DashboardJson.Default.HealthReply, statusCode: code);
}
