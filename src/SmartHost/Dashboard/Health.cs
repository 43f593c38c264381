using Microsoft.AspNetCore.Http.HttpResults;
using SmartHost.Dashboard.Access;
using SmartHost.Dashboard.Api;

namespace SmartHost.Dashboard;

/// <summary>
/// <c>/healthz</c>: the process answers, so leave it running. <c>/readyz</c>: it can take mail, has an account that can
/// send, and is not about to stop; if not, 503 with the reasons. A paused account must not make anybody restart the program, hence two of them.
/// Open to anyone, so the reasons name no account and no address.
/// </summary>
internal static class Health
{
    public static void Map(IEndpointRouteBuilder app, DashboardSources sources, CancellationToken stopping)
    {
        app.MapGet("/healthz", () => Reply("alive", sources.Refusal is null, [])).WithMetadata(OpenToAnyone.Instance, AnswersToAnyName.Instance);
        app.MapGet("/readyz", (CancellationToken cancellation) => ReadyAsync(sources, stopping, cancellation)).WithMetadata(OpenToAnyone.Instance, AnswersToAnyName.Instance);
    }

    private static async Task<JsonHttpResult<HealthReply>> ReadyAsync(DashboardSources sources, CancellationToken stopping, CancellationToken cancellation)
    {
        var refusal = await sources.Queue.ObstacleAsync(cancellation);
        var obstacles = new List<string>();
        if (stopping.IsCancellationRequested) obstacles.Add("SmartHost is stopping.");
        if (refusal is not null) obstacles.Add($"The queue takes no mail: {refusal}");
        if (sources.Queue.ReadTrouble is { } unread) obstacles.Add($"Mail that waits cannot be read, so none is sent: {unread}");
        if (sources.Queue.Damage is not null) obstacles.Add("Some mail in the queue cannot be read. The page says which.");
        var delivery = sources.Delivery();
        if (delivery.IsStarting) obstacles.Add("SmartHost is starting. Ask again in a moment.");
        else if (!delivery.HasUsableAccount) obstacles.Add("No Gmail account can send now; mail is kept. The page says why.");
        return obstacles.Count > 0 ? Reply("not ready", refusal is null, obstacles, 503) : Reply("ready", true, []);
    }

    private static JsonHttpResult<HealthReply> Reply(string status, bool takesMail, IReadOnlyList<string> reasons, int code = 200) =>
        TypedResults.Json(new HealthReply(status, takesMail, reasons), DashboardJson.Default.HealthReply, statusCode: code);
}
