namespace SmartHost.Configuration;

/// <summary>Where something was configured: a line of a file, or an environment variable.</summary>
/// <param name="Source">The file as it was named to us, or <c>environment variable NAME</c>.</param>
/// <param name="Line">From 1. Zero: the source as a whole.</param>
/// <param name="Column">From 1. Zero: the line as a whole.</param>
/// <param name="Folder">What relative paths written there start from. Null: the current folder.</param>
public sealed record Place(string Source, int Line = 0, int Column = 0, string? Folder = null)
{
    private const string EnvironmentWord = "environment variable ";

    public static Place InFile(string file, int line = 0, int column = 0) =>
        new(file, line, column, Path.GetDirectoryName(Path.GetFullPath(file)));

    public static Place InEnvironment(string variable) => new($"{EnvironmentWord}{variable}");

    /// <summary>The variable's name; null for a file.</summary>
    public string? Variable => Source.StartsWith(EnvironmentWord, StringComparison.Ordinal) ? Source[EnvironmentWord.Length..] : null;

    public override string ToString() => (Line, Column) switch
    {
        (0, _) => Source,
        (_, 0) => $"{Source}:{Line}",
        _ => $"{Source}:{Line}:{Column}",
    };
}
