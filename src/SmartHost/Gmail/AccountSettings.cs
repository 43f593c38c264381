using SmartHost.Mail;

namespace SmartHost.Gmail;

public enum AccountTls
{
    /// <summary>STARTTLS on the submission port (587).</summary>
    StartTls,

    /// <summary>TLS from the first octet (465).</summary>
    Implicit,
}

/// <summary>How an account proves who it is. Closed: exactly these.</summary>
public abstract record AccountCredentials
{
    private AccountCredentials() { }

    /// <summary>Sixteen letters; Google shows them in groups, and the spaces are ignored.</summary>
    public sealed record AppPassword(Secret Password) : AccountCredentials;

    /// <param name="RefreshToken">Null: <c>smarthost login</c> has kept one in the data folder, or has yet to.</param>
    public sealed record OAuth(string ClientId, Secret ClientSecret, Secret? RefreshToken) : AccountCredentials;

    /// <summary>A Workspace service account with domain-wide delegation: the JSON key that Google hands out.</summary>
    public sealed record ServiceAccount(Secret KeyJson) : AccountCredentials;

    /// <summary>No login: smtp-relay.gmail.com knows us by our address.</summary>
    public sealed record ByAddress : AccountCredentials;
}

/// <summary>One Gmail account, and how to reach Gmail for it.</summary>
public sealed record AccountSettings
{
    public required string Name { get; init; }

    /// <summary>The account's address: login, envelope sender and header From.</summary>
    public required Mailbox Username { get; init; }

    public required AccountCredentials Credentials { get; init; }

    /// <summary>"Send mail as" addresses that Gmail has verified; a header From with one of them is kept.</summary>
    public IReadOnlyList<Mailbox> Aliases { get; init; } = [];

    public string Host { get; init; } = "smtp.gmail.com";

    /// <summary>Null: 587 and 465 in turn, the one that works remembered; with <see cref="Tls"/> set, the one that it means.</summary>
    public int? Port { get; init; }

    /// <summary>Null: what the port means (465 implicit, anything else STARTTLS).</summary>
    public AccountTls? Tls { get; init; }

    /// <summary>PEM with one more root to trust, for a corporate proxy or a test.</summary>
    public string? CaFile { get; init; }

    /// <summary>Look up whether Gmail's certificate was revoked. A blocked CRL can stall a connection for a minute.</summary>
    public bool CheckRevocation { get; init; }

    /// <summary>Recipients in any 24 hours; messages likewise. Consumer accounts: 500. Workspace: 2,000 messages.</summary>
    public int DailyRecipients { get; init; } = 500;

    public int DailyMessages { get; init; } = 500;

    public int Connections { get; init; } = 2;

    /// <summary>The account that takes over while this one is paused or spent.</summary>
    public string? Fallback { get; init; }
}
