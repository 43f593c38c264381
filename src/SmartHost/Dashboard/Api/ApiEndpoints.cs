using System.Globalization;
using System.Net;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Http.HttpResults;
using SmartHost.Dashboard.Access;
using SmartHost.Mail;
using SmartHost.Queue;

namespace SmartHost.Dashboard.Api;

/// <summary>
/// The JSON API, for scripts and for the command line. What cannot be done is answered with a sentence under
/// <c>problem</c>: 400 where the request is at fault, 404 where there is no such thing, 409 where it cannot be done now.
/// </summary>
internal sealed class ApiEndpoints(DashboardSources sources, Traffic traffic, ReverseNames names, TimeProvider time)
{
    public const string Root = "/api/v1";
    public const int MaxLimit = 500;

    public void Map(IEndpointRouteBuilder app)
    {
        var api = app.MapGroup(Root);
        api.MapGet("/openapi.json", () => TypedResults.Text(Asset.Read("openapi.json"), "application/json"));
        api.MapGet("/overview", OverviewAsync);
        api.MapGet("/alerts", AlertsNow);
        api.MapGet("/messages", SearchAsync);
        api.MapGet("/messages/{id}", MessageAsync);
        api.MapGet("/messages/{id}/timeline", TimelineAsync);
        api.MapGet("/messages/{id}/raw", RawAsync);
        api.MapPost("/messages/{id}/retry", (string id, CancellationToken cancellation) => ChangeAsync(id, sources.Queue.RetryAsync, cancellation));
        api.MapPost("/messages/{id}/release", (string id, CancellationToken cancellation) => ChangeAsync(id, sources.Queue.ReleaseAsync, cancellation));
        api.MapPost("/messages/{id}/hold", HoldAsync);
        api.MapDelete("/messages/{id}", (string id, CancellationToken cancellation) => ChangeAsync(id, sources.Queue.DeleteAsync, cancellation));
        api.MapGet("/devices", Devices);
        api.MapPost("/devices", AllowAsync);
        api.MapPut("/devices/{name}", UpdateAsync);
        api.MapDelete("/devices/{name}", ForgetAsync);
        api.MapGet("/unknown-devices", UnknownDevicesAsync);
        api.MapDelete("/unknown-devices/{address}", ForgetUnknown);
        api.MapPost("/accounts/{name}/try", TryAccount);
        api.MapPost("/check", CheckAsync);
        api.MapPost("/logins", async (CancellationToken cancellation) => TypedResults.Json(await sources.ProveLogins(cancellation), DashboardJson.Default.IReadOnlyListLoginReply));
        api.MapPost("/send-test", SendTestAsync);
        // A path that is not there must not be answered with a page.
        api.MapFallback("{**path}", (HttpRequest request) => ApiProblem.Result(404, $"There is no such address, or it takes no {request.Method}. {Root}/openapi.json lists all of them."));
    }

    private async Task<IResult> OverviewAsync(HttpRequest request, CancellationToken cancellation)
    {
        var (accounts, counts) = (sources.Delivery().Accounts, sources.Queue.Counts());
        IReadOnlyList<TrafficHour> hours = [];
        try
        {
            hours = await traffic.LastDayAsync(cancellation);
        }
        catch (IOException)
        {
            // The alerts beside it say that the database cannot be read; an answer without them would say less.
        }
        return TypedResults.Json(new OverviewReply(sources.Version, sources.StartedAt, Flow.Of(accounts, counts, hours, sources.ListensAt(HostNames.OfThisMachine(request)), sources.Refusal, sources.Queue.ReadTrouble, time.GetUtcNow() - counts.OldestWaiting),
            QueueReply.Of(counts),
            [.. accounts.Select(AccountReply.Of)], [.. sources.Alerts().Troubles.Select(AlertReply.Of)], sources.SettingsProblems(), sources.AfterRestart(), sources.Bridge() is { } bridge ? $"{bridge.Text} {bridge.Remedy}" : null, hours), DashboardJson.Default.OverviewReply);
    }

    private JsonHttpResult<AlertsReply> AlertsNow()
    {
        var snapshot = sources.Alerts();
        return TypedResults.Json(new AlertsReply([.. snapshot.Troubles.Select(AlertReply.Of)],
            [.. snapshot.Deliveries.Select(one => new AlertDeliveryReply(one.At, one.Channel, one.Title, one.Problem, one.NextTry, one.Mail))]), DashboardJson.Default.AlertsReply);
    }

    private async Task<IResult> SearchAsync(string? text, string? device, string? state, string? before, string? limit, CancellationToken cancellation)
    {
        if (MessageStatuses.Search(state) is not { } search)
        {
            return ApiProblem.Result(400, $"“{state}” is no state: use waiting, held, parked, sent, bounced or deleted, or leave it out for all.");
        }
        // Read here, since the binder's answer to "many" is an empty 400.
        var most = search.Limit;
        if (limit is not null && !(int.TryParse(limit, NumberStyles.None, CultureInfo.InvariantCulture, out most) && most is >= 1 and <= MaxLimit))
        {
            return ApiProblem.Result(400, $"limit is “{limit}”: use 1 to {MaxLimit}.");
        }
        QueueId? older = null;
        if (before is not null)
        {
            if (!QueueId.TryParse(before, out var id)) return ApiProblem.Result(400, $"“{before}” is no message's id.");
            older = id;
        }
        search = search with { Text = text, Device = device, Before = older, Limit = most };
        var found = await sources.Queue.SearchAsync(search, cancellation);
        var next = found.Count == search.Limit ? found[^1].Id.ToString() : null;
        return TypedResults.Json(new MessagesReply([.. found.Select(MessageReply.Of)], next), DashboardJson.Default.MessagesReply);
    }

    private async Task<IResult> MessageAsync(string id, CancellationToken cancellation) =>
        await FindAsync(id, cancellation) is { } message ? TypedResults.Json(MessageReply.Of(message), DashboardJson.Default.MessageReply) : NoSuchMessage(id);

    private async Task<IResult> TimelineAsync(string id, CancellationToken cancellation)
    {
        if (await FindAsync(id, cancellation) is not { } message) return NoSuchMessage(id);
        var entries = await sources.Queue.TimelineAsync(message.Id, cancellation);
        return TypedResults.Json([.. entries.Select(entry => new TimelineReply(entry.At, entry.Event, entry.Text, entry.Recipient?.ToString(), entry.Reply))],
            DashboardJson.Default.IReadOnlyListTimelineReply);
    }

    private async Task<IResult> RawAsync(string id, CancellationToken cancellation)
    {
        if (await FindAsync(id, cancellation) is not { } message) return NoSuchMessage(id);
        return await sources.Queue.OpenContentAsync(message.Id, cancellation) is { } content
            ? RawMessage.Download(content, message.Id)
            : ApiProblem.Result(404, message.HasContent ? RawMessage.Missing : RawMessage.Gone);
    }

    private async Task<IResult> ChangeAsync(string id, Func<QueueId, CancellationToken, Task<string?>> change, CancellationToken cancellation)
    {
        if (await FindAsync(id, cancellation) is not { } message) return NoSuchMessage(id);
        return Done(await change(message.Id, cancellation));
    }

    private async Task<IResult> HoldAsync(string id, HttpRequest request, CancellationToken cancellation)
    {
        var reason = "held by a person";
        if (HasBody(request))
        {
            var (body, problem) = await ReadAsync(request, DashboardJson.Default.HoldRequest);
            if (problem is not null) return problem;
            if (body?.Reason?.Trim() is { Length: > 0 } said) reason = said;
        }
        return await ChangeAsync(id, (message, token) => sources.Queue.HoldAsync(message, reason, token), cancellation);
    }

    private JsonHttpResult<IReadOnlyList<DeviceReply>> Devices() => TypedResults.Json(
        [.. sources.Devices().Select(view => DeviceReply.Of(view, sources.Queue.AcceptedFrom(view.Device.Name)))], DashboardJson.Default.IReadOnlyListDeviceReply);

    private async Task<IResult> AllowAsync(HttpRequest request, CancellationToken cancellation)
    {
        var (allow, problem) = await ReadAsync(request, DashboardJson.Default.AllowRequest);
        if (problem is not null) return problem;
        if (AllowRules.Problems(allow!, sources, edited: null) is { Count: > 0 } problems) return ApiProblem.Result(400, string.Join(' ', problems));
        // As with an address that another device has, of which the settings tell.
        return Done(AllowRules.NameTaken(allow!, sources) ?? await sources.Allow(allow!, cancellation));
    }

    private async Task<IResult> UpdateAsync(string name, HttpRequest request, CancellationToken cancellation)
    {
        if (FindDevice(name) is not { } view) return NoSuchDevice(name);
        var (update, problem) = await ReadAsync(request, DashboardJson.Default.AllowRequest);
        if (problem is not null) return problem;
        if (update!.Name != view.Device.Name) return ApiProblem.Result(400, "A device keeps its name: forget it and allow it anew under the other one.");
        if (AllowRules.Problems(update, sources, view.Device) is { Count: > 0 } problems) return ApiProblem.Result(400, string.Join(' ', problems));
        return view.Editable ? Done(await sources.Update(update, cancellation)) : ApiProblem.Result(409, view.NotEditable);
    }

    private async Task<IResult> ForgetAsync(string name, CancellationToken cancellation)
    {
        if (FindDevice(name) is not { } view) return NoSuchDevice(name);
        return view.Editable ? Done(await sources.Forget(view.Device.Name, cancellation)) : ApiProblem.Result(409, view.NotEditable);
    }

    private async Task<IResult> UnknownDevicesAsync(CancellationToken cancellation)
    {
        var gateway = sources.Gateway()?.Gateway;
        var replies = await Task.WhenAll(sources.UnknownDevices().Select(async one => new UnknownDeviceReply(one.Client.ToString(), await names.OfAsync(one.Client, cancellation),
            one.Attempts, one.FirstSeen, one.LastSeen, one.Helos, one.Usernames, one.Senders, one.Recipients, one.Mailers, one.Client.Equals(gateway))));
        return TypedResults.Json(replies, DashboardJson.Default.IReadOnlyListUnknownDeviceReply);
    }

    private IResult ForgetUnknown(string address)
    {
        if (!IPAddress.TryParse(address, out var one) || sources.UnknownDevices().All(view => !view.Client.Equals(one)))
        {
            return ApiProblem.Result(404, $"“{address}” is not on the list of unknown devices.");
        }
        sources.ForgetUnknown(one);
        return TypedResults.NoContent();
    }

    /// <summary>Answers before it is tried: a login may take a minute, and /overview shows how it went.</summary>
    private IResult TryAccount(string name)
    {
        if (sources.Delivery().Accounts.FirstOrDefault(one => one.Name.Equals(name, StringComparison.OrdinalIgnoreCase)) is not { } account)
        {
            return ApiProblem.Result(404, $"There is no account “{name}”.");
        }
        sources.TryAccount(account.Name);
        return TypedResults.NoContent();
    }

    /// <summary>One JSON object a line, each sent as soon as it is known (NDJSON): a check takes seconds, and a person waits.</summary>
    private async Task CheckAsync(HttpContext context)
    {
        context.Response.ContentType = "application/x-ndjson";
        await foreach (var line in sources.Check(context.RequestAborted))
        {
            await context.Response.WriteAsync(JsonSerializer.Serialize(line, DashboardJson.Default.CheckLine) + "\n", context.RequestAborted);
            await context.Response.Body.FlushAsync(context.RequestAborted);
        }
    }

    private async Task<IResult> SendTestAsync(HttpRequest request, CancellationToken cancellation)
    {
        var test = new SendTestRequest();
        if (HasBody(request))
        {
            var (body, problem) = await ReadAsync(request, DashboardJson.Default.SendTestRequest);
            if (problem is not null) return problem;
            test = body!;
        }
        if (test.To is not null && !Mailbox.TryParse(test.To, out _)) return ApiProblem.Result(400, $"“{test.To}” is not an e-mail address.");
        var accounts = sources.Delivery().Accounts;
        if (test.Account is { } name && accounts.All(one => one.Name != name)) return ApiProblem.Result(400, $"There is no account {name}; there is {string.Join(", ", accounts.Select(one => one.Name))}.");
        var result = await sources.SendTest(test, cancellation);
        return result.Id is { } id
            ? TypedResults.Json(new SendTestReply(id.ToString()), DashboardJson.Default.SendTestReply, statusCode: 202)
            : ApiProblem.Result(409, result.Problem ?? "The test message could not be queued.");
    }

    /// <summary>Not by its length: a chunked body has none.</summary>
    private static bool HasBody(HttpRequest request) => request.HttpContext.Features.Get<IHttpRequestBodyDetectionFeature>()?.CanHaveBody == true;

    private static async Task<(T? Body, IResult? Problem)> ReadAsync<T>(HttpRequest request, JsonTypeInfo<T> type) where T : class
    {
        // Not by the binder: its answer to a mistake is an empty 400. The type is asked for so that no plain form can post here.
        if (!request.HasJsonContentType()) return (null, ApiProblem.Result(415, "Send JSON, with Content-Type: application/json."));
        try
        {
            var body = await request.ReadFromJsonAsync(type, request.HttpContext.RequestAborted);
            return body is null ? (null, ApiProblem.Result(400, "The body is null: send a JSON object.")) : (body, null);
        }
        catch (JsonException mistake)
        {
            var where = mistake is { Path: { Length: > 0 } path } ? $" at {path}" : "";
            return (null, ApiProblem.Result(400, $"The body is not the JSON object that {Root}/openapi.json describes{where}: {JsonMistake.Advice(mistake, type)}."));
        }
    }

    private async Task<QueuedMessage?> FindAsync(string text, CancellationToken cancellation) =>
        QueueId.TryRead(text, out var id) ? await sources.Queue.FindAsync(id, cancellation) : null;

    private DeviceView? FindDevice(string name) => sources.Devices().FirstOrDefault(view => view.Device.Name.Equals(name, StringComparison.OrdinalIgnoreCase));

    private static IResult Done(string? problem) => problem is null ? TypedResults.NoContent() : ApiProblem.Result(409, problem);

    private static IResult NoSuchMessage(string id) => ApiProblem.Result(404, $"There is no message “{id}”. It may be older than what history keeps.");

    private static IResult NoSuchDevice(string name) => ApiProblem.Result(404, $"There is no device named “{name}”.");
}
