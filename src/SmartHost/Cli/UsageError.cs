using System.CommandLine;
using System.CommandLine.Parsing;
using SmartHost.Configuration;

namespace SmartHost.Cli;

/// <summary>What is wrong with a command line, in our words: the parser's speak of tokens and types.</summary>
internal static class UsageError
{
    public static IReadOnlyList<string> Sentences(ParseResult result)
    {
        var command = result.CommandResult.Command;
        // What follows a word that is not known is not known either, so the first is the one to tell.
        if (result.UnmatchedTokens is [var word, ..]) return [Unknown(word, result.CommandResult)];
        if (command.Subcommands.Count > 0 && command is not RootCommand)
            return [$"say what {Path(result.CommandResult)} is to do: {string.Join(", ", command.Subcommands.Select(verb => verb.Name))}."];
        List<string> missing =
        [
            .. command.Arguments.Where(argument => argument.Arity.MinimumNumberOfValues > 0 && result.GetResult(argument) is not { Tokens.Count: > 0 }).Select(argument => argument.Name),
            .. command.Options.Where(option => option.Required && result.GetResult(option) is not { Implicit: false }).Select(option => option.Name),
        ];
        if (missing.Count > 0) return [$"{Path(result.CommandResult)} needs {string.Join(", ", missing)}."];
        return [.. result.Errors.Select(Sentence).Distinct()];
    }

    /// <summary>As it was typed: <c>smarthost queue list</c>.</summary>
    public static string Path(CommandResult result) =>
        result.Parent is CommandResult parent ? $"{Path(parent)} {result.Command.Name}" : "smarthost";

    private static string Unknown(string word, CommandResult result)
    {
        var path = Path(result);
        var command = result.Command;
        if (word.StartsWith('-'))
        {
            var option = Suggestion.Closest(word, Options(result).Where(option => !option.Hidden).Select(option => option.Name));
            return $"{path} has no option {word}.{(option is null ? "" : $" Did you mean {option}?")}";
        }
        if (command.Subcommands.Count == 0) return $"{path} does not know what to do with “{word}”.";
        var verb = Suggestion.Closest(word, command.Subcommands.Select(known => known.Name));
        return $"{path} has no command “{word}”.{(verb is null ? "" : $" Did you mean {verb}?")}";
    }

    private static IEnumerable<Option> Options(CommandResult result) =>
        result.Command.Options.Concat(result.Parent is CommandResult parent ? Options(parent).Where(option => option.Recursive) : []);

    private static string Sentence(ParseError error)
    {
        var option = error.SymbolResult as OptionResult ?? error.SymbolResult?.Parent as OptionResult;
        if (option is { Option: VersionOption }) return $"{option.Option.Name} stands alone.";
        if (option is { Tokens.Count: > 1, Option.Arity.MaximumNumberOfValues: 1 }) return $"{option.Option.Name} was given more than once: keep one of them.";
        // Our own: a command's rule for its option.
        if (option is not null && error.Message.StartsWith(option.Option.Name, StringComparison.Ordinal)) return error.Message;
        if (option is { Tokens: [.., var written] } && Nullable.GetUnderlyingType(option.Option.ValueType) is var bare && (bare ?? option.Option.ValueType) is var type && (type == typeof(int) || type == typeof(long)))
            return $"{option.Option.Name} takes a number, not “{written.Value}”.";
        return option is { Tokens: [], Option.Arity.MinimumNumberOfValues: > 0 } ? $"{option.Option.Name} needs a value." : error.Message;
    }
}
