using System.Globalization;
using RazorSlices;
using SmartHost.Dashboard.Access;
using SmartHost.Dashboard.Api;
using SmartHost.Mail;
using SmartHost.Notices;
using SmartHost.Queue;

namespace SmartHost.Dashboard.Pages;

/// <summary>
/// The pages. Every one works without script: links, forms, and a redirect after what was done. A form with a mistake comes
/// back as it was written, with a sentence about each mistake.
/// </summary>
internal sealed partial class PageEndpoints(DashboardSources sources, Traffic traffic, ReverseNames names, Gate gate, TimeProvider time)
{
    private const int NewestOnOverview = 8, DeliveriesOnOverview = 5, OnOnePage = 50;
    private readonly Clock clock = new(time);

    public void Map(IEndpointRouteBuilder app)
    {
        app.MapGet("/sign-in", SignInPage).WithMetadata(OpenToAnyone.Instance);
        app.MapPost("/sign-in", SignInAsync).WithMetadata(OpenToAnyone.Instance);
        app.MapPost("/sign-out", SignOutAsync);
        app.MapGet("/", OverviewAsync);
        app.MapGet("/messages", MessagesAsync);
        app.MapGet("/messages/{id}", (HttpContext context, string id, string? done) => MessageAsync(context, id, done, null));
        app.MapGet("/messages/{id}/raw", RawAsync);
        app.MapPost("/messages/{id}/{verb}", ChangeMessageAsync);
        app.MapPost("/accounts/{name}/try", TryAccount);
        app.MapGet("/devices", DevicesAsync);
        app.MapGet("/devices/new", NewDevice);
        app.MapPost("/devices", AllowAsync);
        app.MapGet("/devices/{name}", EditDevice);
        app.MapPost("/devices/{name}", UpdateAsync);
        app.MapPost("/devices/{name}/forget", ForgetAsync);
        app.MapPost("/unknown-devices/forget", ForgetUnknownAsync);
        app.MapGet("/check", (HttpContext context) => CheckPageOf(context, null, null, null));
        app.MapPost("/check", (HttpContext context) => CheckPageOf(context, sources.Check(context.RequestAborted), null, null));
        app.MapPost("/send-test", SendTestAsync);
        app.MapFallback(() => new PlainProblem(404, "There is no such page. It may have been a message that history no longer keeps."));
    }

    // --- sign-in ------------------------------------------------------------------------------------------------

    private IResult SignInPage(HttpContext context, string? to) =>
        gate.IsSignedIn(context) ? new SeeOther(OwnPath(to)) : SignIn.Create(new SignInPage(OwnPath(to), null));

    private async Task<IResult> SignInAsync(HttpContext context, CancellationToken cancellation)
    {
        var form = await FormOf(context);
        var to = OwnPath(Field(form, "to"));
        var result = gate.SignIn(context, Field(form, "password") ?? "");
        if (result.Right) return new SeeOther(to);
        var page = SignIn.Create(new SignInPage(to, result.Wait is { } wait
            ? $"Too many wrong passwords. Try again in {Wording.Duration(wait)}."
            : "That is not the password. Letter case matters."));
        page.StatusCode = result.Wait is null ? 401 : 429;
        if (result.Wait is { } seconds) context.Response.Headers.RetryAfter = ((int)Math.Ceiling(seconds.TotalSeconds)).ToString(CultureInfo.InvariantCulture);
        return page;
    }

    private async Task SignOutAsync(HttpContext context)
    {
        await gate.SignOutAsync(context);
        await new SeeOther("/sign-in").ExecuteAsync(context);
    }

    /// <summary>A path of ours, as a header can carry it, or the overview: a link with a foreign address must not lead away after signing in.</summary>
    internal static string OwnPath(string? to) =>
        to is ['/', ..] && !to.StartsWith("//", StringComparison.Ordinal) && !to.Contains('\\') && to.All(c => c is >= ' ' and <= '~') && !to.StartsWith("/sign-", StringComparison.Ordinal) ? to : "/";

    // --- overview, messages -------------------------------------------------------------------------------------

    private async Task<IResult> OverviewAsync(HttpContext context, CancellationToken cancellation)
    {
        var (accounts, counts, alerts) = (sources.Delivery().Accounts, sources.Queue.Counts(), sources.Alerts());
        IReadOnlyList<TrafficHour> hours = [];
        IReadOnlyList<QueuedMessage> newest = [];
        IReadOnlyDictionary<string, string> reports = new Dictionary<string, string>();
        string? unread = null;
        try
        {
            (hours, newest) = (await traffic.LastDayAsync(cancellation), await sources.Queue.SearchAsync(new MessageSearch(Limit: NewestOnOverview), cancellation));
            reports = await ReportsAsync(alerts.Troubles, cancellation);
        }
        catch (IOException failure)
        {
            // A damaged database or a disk that is gone: this is the page that must still say so.
            unread = failure.Message;
        }
        return Overview.Create(new OverviewPage(FrameOf(context, "Overview", "/"), Flow.Of(accounts, counts, hours, ListensAt(context), sources.Refusal, sources.Queue.ReadTrouble, clock.Now - counts.OldestWaiting), accounts, counts, hours,
            new MessageList(newest, clock), [.. WithoutPlaceOfTheirOwn(alerts.Troubles)], unread is null ? await ToldAsync(alerts.Deliveries, cancellation) : [],
            sources.SettingsProblems(), sources.AfterRestart(), sources.Bridge(), sources.UnknownDevices().Count, ListensAt(context), sources.Refusal is not null, unread, reports));
    }

    /// <summary>Of mail that was given up a report tells by mail, whatever becomes of the alert: its story says whom.</summary>
    private async Task<IReadOnlyDictionary<string, string>> ReportsAsync(IReadOnlyList<AlertStanding> troubles, CancellationToken cancellation)
    {
        var reports = new Dictionary<string, string>();
        foreach (var alert in troubles.Select(standing => standing.Alert).Where(alert => alert is { Kind: AlertKind.MessageFailed, Message: not null }))
        {
            if (await FindAsync(alert.Message!, cancellation) is not { } message) continue;
            if ((await sources.Queue.TimelineAsync(message.Id, cancellation)).LastOrDefault(entry => entry.Event == TimelineEvent.Reported) is { } reported) reports[alert.Id] = reported.Text;
            else if (message.OwesReport) reports[alert.Id] = "Its report by mail follows.";
        }
        return reports;
    }

    /// <summary>The worst first. A paused account tells its own story, with what can be done about it; unknown devices have one line for all of them, as long as they wait for a decision.</summary>
    private static IEnumerable<AlertStanding> WithoutPlaceOfTheirOwn(IReadOnlyList<AlertStanding> troubles) =>
        from standing in troubles
        where standing.Alert.Kind is not (AlertKind.AccountPaused or AlertKind.UnknownDevice)
        orderby standing.Alert.Lasts descending, standing.Alert.Kind, standing.Last descending
        select standing;

    private async Task<IReadOnlyList<Told>> ToldAsync(IReadOnlyList<AlertDelivery> deliveries, CancellationToken cancellation)
    {
        List<Told> told = [];
        foreach (var one in deliveries.Take(DeliveriesOnOverview))
            told.Add(new(one, one.Mail is { } id && await FindAsync(id, cancellation) is { } message ? MessageStatuses.Of(message) : null));
        return told;
    }

    private async Task<IResult> MessagesAsync(HttpContext context, string? q, string? device, string? state, string? before, string? done)
    {
        var search = (MessageStatuses.Search(state) ?? new MessageSearch()) with
        {
            Text = q?.Trim(),
            Device = device,
            Limit = OnOnePage,
            Before = QueueId.TryParse(before, out var id) ? id : null,
        };
        var found = await sources.Queue.SearchAsync(search, context.RequestAborted);
        var next = found.Count == OnOnePage
            ? $"/messages?q={Uri.EscapeDataString(q ?? "")}&device={Uri.EscapeDataString(device ?? "")}&state={Uri.EscapeDataString(state ?? "")}&before={found[^1].Id}" : null;
        // Also a device that is not configured any more may have mail, of which the list tells; and SmartHost itself writes reports.
        List<string> devices = [.. sources.Devices().Select(one => one.Device.Name).Concat(found.Select(one => one.Device)).Append("smarthost").Append(device ?? "").Where(name => name.Length > 0).Distinct().Order()];
        var frame = FrameOf(context, "Messages", "/messages") with { Done = done == "delete" ? "Deleted." : null };
        return Messages.Create(new MessagesPage(frame, new MessageList(found, clock), q, device, state ?? "", devices, next, ListensAt(context),
            IsFiltered: !string.IsNullOrEmpty(q + device + state + before)));
    }

    private async Task<IResult> MessageAsync(HttpContext context, string id, string? done, string? problem)
    {
        var cancellation = context.RequestAborted;
        if (await FindAsync(id, cancellation) is not { } message) return NoSuchMessage();
        var timeline = await sources.Queue.TimelineAsync(message.Id, cancellation);
        var (raw, noRaw) = await RawOfAsync(message, cancellation);
        var frame = FrameOf(context, message.Subject is { Length: > 0 } subject ? subject : "Message", "/messages") with
        {
            // Words of ours, picked by a word in the address: what stands in a link never becomes text on the page.
            Done = done switch { "retry" => "It is tried next.", "hold" => "Held: it waits until somebody releases it.", "release" => "Released: it leaves next.", "sent" => "On its way. Watch it here.", _ => null },
            Problems = problem is null ? [] : [problem],
        };
        var waits = KeptBack.Reason(MessageReply.Of(message), [.. sources.Delivery().Accounts.Select(AccountReply.Of)], clock.Relative);
        var page = Message.Create(new MessagePage(frame, message, timeline, raw, noRaw, waits));
        if (problem is not null) page.StatusCode = 409;
        return page;
    }

    /// <summary>The message itself, or why it cannot be shown: the rest of its page must not fall with it.</summary>
    private async Task<(RawMessage? Raw, string? WhyNot)> RawOfAsync(QueuedMessage message, CancellationToken cancellation)
    {
        if (!message.HasContent) return (null, RawMessage.Gone);
        try
        {
            return await sources.Queue.OpenContentAsync(message.Id, cancellation) is { } content ? (await RawMessage.ReadAsync(content, cancellation), null) : (null, RawMessage.Missing);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return (null, $"It cannot be read: {failure.Message}");
        }
    }

    private async Task<IResult> RawAsync(HttpContext context, string id)
    {
        if (await FindAsync(id, context.RequestAborted) is not { } message) return NoSuchMessage();
        return await sources.Queue.OpenContentAsync(message.Id, context.RequestAborted) is { } content ? RawMessage.Download(content, message.Id) : new PlainProblem(404, message.HasContent ? RawMessage.Missing : RawMessage.Gone);
    }

    private async Task<IResult> ChangeMessageAsync(HttpContext context, string id, string verb)
    {
        // Not the request's token: once begun, a change is made, whether or not the browser waits for it.
        if (await FindAsync(id, context.RequestAborted) is not { } message) return NoSuchMessage();
        Task<string?>? change = verb switch
        {
            "retry" => sources.Queue.RetryAsync(message.Id, CancellationToken.None),
            "hold" => sources.Queue.HoldAsync(message.Id, "held by a person", CancellationToken.None),
            "release" => sources.Queue.ReleaseAsync(message.Id, CancellationToken.None),
            "delete" => sources.Queue.DeleteAsync(message.Id, CancellationToken.None),
            _ => null,
        };
        if (change is null) return new PlainProblem(404, "A message can be retried, held, released or deleted; nothing else.");
        if (await change is { } problem) return await MessageAsync(context, id, null, problem);
        return new SeeOther(verb == "delete" ? "/messages?done=delete" : $"/messages/{message.Id}?done={verb}");
    }

    // --- check --------------------------------------------------------------------------------------------------

    private RazorSlice<CheckPage> CheckPageOf(HttpContext context, IAsyncEnumerable<CheckLine>? lines, string? to, string? problem)
    {
        var accounts = sources.Delivery().Accounts;
        var page = Check.Create(new CheckPage(FrameOf(context, "Check", "/check") with { Problems = problem is null ? [] : [problem] }, lines, to,
            accounts.Count > 0 ? accounts[0].Username.ToString() : null, AccountNames()));
        if (problem is not null) page.StatusCode = 409;
        return page;
    }

    private async Task<IResult> SendTestAsync(HttpContext context, CancellationToken cancellation)
    {
        var form = await FormOf(context);
        var to = Field(form, "to")?.Trim() is { Length: > 0 } text ? text : null;
        if (to is not null && !Mailbox.TryParse(to, out _)) return CheckPageOf(context, null, to, $"“{to}” is not an e-mail address.");
        var result = await sources.SendTest(new SendTestRequest(to, Field(form, "account") is { Length: > 0 } account ? account : null), cancellation);
        return result.Id is { } id ? new SeeOther($"/messages/{id}?done=sent") : CheckPageOf(context, null, to, result.Problem ?? "The test message could not be queued.");
    }

    // --- what all share -----------------------------------------------------------------------------------------

    private Frame FrameOf(HttpContext context, string title, string section) => new(title, section,
        context.Features.Get<Visitor>() is Visitor.Person person ? person.CsrfToken : "", clock, sources.Version, sources.Queue.Counts().Parked, sources.UnknownDevices().Count);

    private IReadOnlyList<string> ListensAt(HttpContext context) => sources.ListensAt(HostNames.OfThisMachine(context.Request));

    private async Task<QueuedMessage?> FindAsync(string text, CancellationToken cancellation) =>
        QueueId.TryRead(text, out var id) ? await sources.Queue.FindAsync(id, cancellation) : null;

    private IReadOnlyList<string> AccountNames() => [.. sources.Delivery().Accounts.Select(account => account.Name)];

    /// <summary>A script may post anything, or nothing: that is a form without fields.</summary>
    private static async ValueTask<IFormCollection> FormOf(HttpContext context) =>
        context.Request.HasFormContentType ? await context.Request.ReadFormAsync(context.RequestAborted) : FormCollection.Empty;

    private static string? Field(IFormCollection form, string name) => form.TryGetValue(name, out var value) ? value.ToString() : null;

    private static string? Text(int? number) => number?.ToString(CultureInfo.InvariantCulture);

    private static PlainProblem NoSuchMessage() => new(404, "There is no such message. It may be older than what history keeps.");
}
