namespace SmartHost.Mail;

/// <summary>An SMTP reply (RFC 5321 §4.2), ours or Gmail's: a code, the enhanced code where one was given, and the text without either.</summary>
/// <param name="Code">Three digits, 200 to 599.</param>
/// <param name="Lines">At least one; the enhanced code is not repeated in them.</param>
public sealed record SmtpReply(int Code, EnhancedStatus? Status, IReadOnlyList<string> Lines)
{
    public SmtpReply(int code, EnhancedStatus status, string text) : this(code, status, [text]) { }

    public SmtpReply(int code, string text) : this(code, null, [text]) { }

    public bool IsPositive => Code is >= 200 and < 400;

    public string Text => string.Join(' ', Lines);

    public bool Equals(SmtpReply? other) => other is not null && ToString() == other.ToString();

    public override int GetHashCode() => ToString().GetHashCode(StringComparison.Ordinal);

    /// <summary>One line, for logs and timelines: <c>550 5.1.1 No such user</c>.</summary>
    public override string ToString() => Status is { } status ? $"{Code} {status} {Text}" : $"{Code} {Text}";
}
