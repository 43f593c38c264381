namespace SmartHost.Configuration;

public enum ProblemSeverity
{
    /// <summary>The settings cannot be used.</summary>
    Error,

    /// <summary>They can, though probably not as meant.</summary>
    Warning,
}

/// <summary>
/// One thing wrong with the settings, in words for whoever wrote them. Never quotes the value of a secret setting:
/// problems are printed, logged and shown on the page.
/// </summary>
/// <param name="Path">The setting, such as <c>devices.ups.recipients</c>; empty where it concerns the file as a whole.</param>
/// <param name="What">What is wrong, as the rest of a sentence that begins with the path, or a whole one.</param>
/// <param name="Instead">What to write or do instead.</param>
public sealed record Problem(ProblemSeverity Severity, Place Place, string Path, string What, string Instead)
{
    public bool IsError => Severity == ProblemSeverity.Error;

    public override string ToString() =>
        $"{Place}: {(IsError ? "error" : "warning")}: {(Path.Length == 0 ? "" : Path + " ")}{What}. {Advice}";

    /// <summary><see cref="Instead"/> as a whole sentence.</summary>
    public string Advice => Instead.EndsWith('?') ? Instead : Instead + ".";
}
