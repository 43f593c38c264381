using System.Text;

namespace SmartHost.Configuration;

/// <summary>Problems as people read them: place and setting on one line, what is wrong and what to write instead below.</summary>
public static class ProblemText
{
    public static string Format(IReadOnlyList<Problem> problems)
    {
        var text = new StringBuilder();
        foreach (var problem in problems)
        {
            text.Append(problem.IsError ? "✗ " : "! ").Append(problem.Place).Append('\n');
            text.Append("    ").Append(problem.Path.Length == 0 ? "" : problem.Path + " ").Append(problem.What).Append(".\n");
            text.Append("    → ").Append(problem.Advice).Append('\n');
        }
        return text.Append(Summary(problems)).Append('\n').ToString();
    }

    /// <summary>One line: <c>2 mistakes, 1 warning</c>.</summary>
    public static string Summary(IReadOnlyList<Problem> problems)
    {
        var (errors, warnings) = (problems.Count(problem => problem.IsError), problems.Count(problem => !problem.IsError));
        return (errors, warnings) switch
        {
            (0, 0) => "The settings are in order",
            (0, _) => Count(warnings, "warning"),
            (_, 0) => Count(errors, "mistake"),
            _ => $"{Count(errors, "mistake")}, {Count(warnings, "warning")}",
        };
    }

    private static string Count(int number, string noun) => $"{number} {noun}{(number == 1 ? "" : "s")}";
}
