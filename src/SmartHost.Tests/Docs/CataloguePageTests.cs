using System.Runtime.CompilerServices;
using System.Text;
using SmartHost.Gmail.Replies;

namespace SmartHost.Tests.Docs;

/// <summary>The table of replies in docs/gmail.md is made from the catalogue itself, so the two cannot differ.</summary>
public class CataloguePageTests
{
    private const string Refresh = "SMARTHOST_REFRESH_GENERATED", Begin = "<!-- catalogue -->\n", End = "<!-- /catalogue -->";

    [Test]
    public void Table_of_replies_is_what_the_catalogue_says()
    {
        var path = Path.Combine(DocsFolder(), "gmail.md");
        var page = File.ReadAllText(path);
        var (begin, end) = (page.IndexOf(Begin, StringComparison.Ordinal) + Begin.Length, page.IndexOf(End, StringComparison.Ordinal));
        var wanted = page[..begin] + Table() + page[end..];
        if (Environment.GetEnvironmentVariable(Refresh) is { Length: > 0 }) File.WriteAllText(path, wanted);
        else Assert.That(page, Is.EqualTo(wanted), $"docs/gmail.md is stale. Refresh it: {Refresh}=1 dotnet test --filter CataloguePage");
    }

    private static string Table()
    {
        var table = new StringBuilder("\n| Gmail says | What it means | SmartHost | You |\n|---|---|---|---|\n");
        foreach (var row in ReplyCatalogue.Rows.OrderBy(row => row.Codes[0]).ThenBy(row => row.Name, StringComparer.Ordinal))
        {
            var help = row.Verdict.Help is { } page ? $" [Google's page]({page})" : "";
            table.Append($"| {Cell(row.Example.ToString(), 110)} | {Cell(row.Verdict.Happened)} | {Deed(row.Verdict)} | {Cell(row.Verdict.Remedy)}{(row.Verdict.RemedyWithToken is { } remedy ? $" With OAuth or a service account: {Cell(remedy)}" : "")}{help} |\n");
        }
        return table.Append('\n').ToString();
    }

    private static string Deed(Verdict verdict) => verdict.Action switch
    {
        VerdictAction.Accepted => "done",
        VerdictAction.RetryNow => verdict.Again switch
        {
            VerdictAction.Park => "tries again at once, then sets the message aside for you",
            VerdictAction.HoldAccountForPerson => "tries again at once, then pauses the account until it is mended",
            _ => "tries again at once, then in minutes",
        },
        VerdictAction.RetrySoon => "tries again in minutes",
        VerdictAction.RetryLater when verdict.Patience is { } patience => $"tries again in a quarter of an hour, then hours; after {patience.TotalHours:0} h it gives this recipient up and reports it",
        VerdictAction.RetryLater => "tries again in a quarter of an hour, then hours",
        VerdictAction.SlowDown => "slows down, tries again in minutes",
        VerdictAction.HoldAccount when verdict.Evenly => $"pauses the account and tries one message every {(verdict.Wait == TimeSpan.FromHours(1) ? "hour" : Span(verdict.Wait!.Value))}; keeps all mail",
        VerdictAction.HoldAccount => verdict.Wait is { } wait ? $"pauses the account for {Span(wait)}, then longer; keeps all mail" : "pauses the account; keeps all mail",
        VerdictAction.HoldAccountForPerson => "pauses the account until it is mended; keeps all mail",
        VerdictAction.Park => "sets the message aside for you",
        VerdictAction.BounceRecipient => "gives this recipient up and reports it",
        VerdictAction.BounceMessage => "gives the message up and reports it",
        VerdictAction.SplitRecipients => "sends to the others in another transaction" + (verdict.Again is VerdictAction.HoldAccount ? "; refused for a single one, it pauses the account" : ""),
        VerdictAction.OtherPort => "tries the other port",
        _ => throw new System.Diagnostics.UnreachableException(),
    };

    private static string Span(TimeSpan wait) => wait.TotalHours >= 1 ? $"{wait.TotalHours:0.#} h" : $"{wait.TotalMinutes:0} min";

    private static string Cell(string text, int most = int.MaxValue) =>
        (text.Length <= most ? text : text[..(most - 1)] + "…").Replace("|", "\\|").Replace("<", "&lt;").Replace("*", "\\*");

    private static string DocsFolder([CallerFilePath] string path = "") => Path.GetFullPath(Path.Combine(Path.GetDirectoryName(path)!, "..", "..", "..", "docs"));
}
