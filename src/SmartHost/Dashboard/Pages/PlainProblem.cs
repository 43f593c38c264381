namespace SmartHost.Dashboard.Pages;

/// <summary>A page with one sentence on it, for what happens outside a session.</summary>
public sealed record PlainProblem(int Status, string Sentence) : IResult
{
    public string Title => Status switch
    {
        401 => "You are signed out",
        403 => "Nothing was done",
        404 => "Not here",
        421 => "Not by this name",
        429 => "Please wait",
        >= 500 => "That went wrong",
        _ => "That did not work",
    };

    public Task ExecuteAsync(HttpContext httpContext)
    {
        var page = PlainProblemPage.Create(this);
        page.StatusCode = Status;
        return ((IResult)page).ExecuteAsync(httpContext);
    }
}
