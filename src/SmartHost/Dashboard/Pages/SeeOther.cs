namespace SmartHost.Dashboard.Pages;

/// <summary>303: after a form, the browser fetches the next page, so that reloading it does nothing twice.</summary>
internal sealed record SeeOther(string To) : IResult
{
    public Task ExecuteAsync(HttpContext httpContext)
    {
        httpContext.Response.StatusCode = StatusCodes.Status303SeeOther;
        httpContext.Response.Headers.Location = To;
        return Task.CompletedTask;
    }
}
