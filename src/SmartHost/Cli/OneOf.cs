using System.CommandLine;

namespace SmartHost.Cli;

/// <summary>An option that takes one of a few words. The library's own way of it answers a slip in seven lines of jargon.</summary>
internal static class OneOf
{
    public static Option<string?> Words(string name, string description, string helpName, params string[] words)
    {
        var option = new Option<string?>(name) { Description = $"{description} One of {string.Join(", ", words)}.", HelpName = helpName };
        option.CompletionSources.Add(words);
        option.Validators.Add(result =>
        {
            if (result.Tokens is [var written] && !words.Contains(written.Value)) result.AddError($"{name} is one of {string.Join(", ", words)}, not “{written.Value}”.");
        });
        return option;
    }
}
