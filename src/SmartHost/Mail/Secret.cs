namespace SmartHost.Mail;

/// <summary>
/// A password, token or key. It prints as stars wherever a record, a log line or an exception happens to include it;
/// only <see cref="Reveal"/> shows it, so that a search for that word finds every place that does.
/// </summary>
public sealed class Secret(string value) : IEquatable<Secret>
{
    public string Reveal() => value;

    public bool Equals(Secret? other) => other is not null && other.Reveal() == value;

    public override bool Equals(object? obj) => Equals(obj as Secret);

    public override int GetHashCode() => value.GetHashCode(StringComparison.Ordinal);

    public override string ToString() => "***";
}
