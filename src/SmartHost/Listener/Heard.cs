namespace SmartHost.Listener;

/// <summary>What came instead of, or with, a line or a piece of content.</summary>
internal enum Heard
{
    Line,
    Content,

    /// <summary>Longer than allowed; it was thrown away up to its end, so client and server are still in step.</summary>
    LineTooLong,

    /// <summary>So long without an end that waiting for one is over.</summary>
    Endless,

    /// <summary>A TLS handshake where none belongs.</summary>
    TlsHello,

    /// <summary>The client has finished sending, or is gone.</summary>
    Closed,

    /// <summary>The deadline passed.</summary>
    TimedOut,

    /// <summary>The deadline passed within a line.</summary>
    HalfLine,

    /// <summary>The session has lasted as long as one may.</summary>
    Outlived,

    /// <summary>The server stops, and there is no transaction, or none that ended in time.</summary>
    Stopping,
}
