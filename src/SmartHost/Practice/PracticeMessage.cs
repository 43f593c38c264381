using System.Security.Authentication;
using SmartHost.Mail;

namespace SmartHost.Practice;

/// <summary>A message that the practice Gmail took: what a person would find in the recipient's mailbox, and how it came.</summary>
public sealed record PracticeMessage
{
    /// <summary>1, 2, 3 … in the order of arrival.</summary>
    public required int Number { get; init; }

    public required Envelope Envelope { get; init; }

    /// <summary>The octets as they came, dot-stuffing undone. Empty where <see cref="PracticeSettings.KeepsContent"/> is false.</summary>
    public required ReadOnlyMemory<byte> Content { get; init; }

    public required long Size { get; init; }

    /// <summary>SHA-256 of the octets as they came, lower-case hexadecimal.</summary>
    public required string Digest { get; init; }

    /// <summary>Who logged in; null where no login was asked for.</summary>
    public required Mailbox? Account { get; init; }

    /// <summary>The account's addresses that a header From may keep.</summary>
    public required IReadOnlyList<Mailbox> Identities { get; init; }

    /// <summary>Null: it came without TLS.</summary>
    public required SslProtocols? Tls { get; init; }

    /// <summary>1, 2, 3 … in the order in which connections were accepted.</summary>
    public required int Connection { get; init; }

    public required DateTimeOffset At { get; init; }

    /// <summary>DATA or BDAT.</summary>
    public required string Command { get; init; }

    /// <summary>What a strict reader holds against it, one sentence each. Empty is what SmartHost aims at.</summary>
    public required IReadOnlyList<string> Violations { get; init; }

    /// <summary>See <see cref="PracticeSettings.RewritesFrom"/>.</summary>
    public required bool RewritesFrom { get; init; }

    /// <summary>The header block's fields, unfolded, in order.</summary>
    public IReadOnlyList<(string Name, string Value)> Headers => PracticeHeader.Read(Content.Span).Fields;

    /// <summary>The first field of that name, unfolded; null if there is none.</summary>
    public string? Header(string name) =>
        Headers.Where(field => field.Name.Equals(name, StringComparison.OrdinalIgnoreCase)).Select(field => field.Value).FirstOrDefault();

    /// <summary>What the recipient sees: as it came, but for a From that is not the account's.</summary>
    public ReadOnlyMemory<byte> Delivered =>
        RewritesFrom && Account is { } account ? ForeignFrom.Replace(Content, account, Identities) : Content;
}
