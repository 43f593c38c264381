namespace SmartHost.Gmail;

/// <summary>Where in the conversation with Gmail something was said, or went silent. In the order they happen.</summary>
public enum Stage
{
    /// <summary>Name lookup and TCP.</summary>
    Connect,

    Greeting,

    /// <summary>EHLO, before or after TLS.</summary>
    Ehlo,

    StartTls,

    /// <summary>The TLS handshake.</summary>
    Tls,

    Auth,
    Mail,
    Recipient,

    /// <summary>The DATA command, where BDAT is not offered: 354 is what we hope for.</summary>
    Data,

    /// <summary>The reply to the final dot, or to BDAT LAST: the one that makes the message Gmail's.</summary>
    EndOfData,
}
