using SmartHost.Mail;

namespace SmartHost.Gmail;

/// <summary>What the repairs need to know about a message and its device.</summary>
/// <param name="Account">The account's own address.</param>
/// <param name="From">The device's <c>from</c> setting, or null.</param>
/// <param name="MessageId">The queue's, with brackets: the header's own where that was valid.</param>
public sealed record RepairContext(
    Mailbox Account, IReadOnlyList<Mailbox> Aliases, string Device, string? From, string? SubjectPrefix,
    ReversePath Sender, string MessageId, DateTimeOffset ReceivedAt);

/// <summary>
/// A stored message made fit for Gmail (gmail's repairs, the From rule), without ever holding its body in memory:
/// a rewritten header block and the body as a stream. (Contract; the repairs follow.)
/// </summary>
public sealed class OutgoingMessage : IAsyncDisposable
{
    /// <summary>What was mended, for the timeline: "supplied Date", "kept the first of two From".</summary>
    public IReadOnlyList<string> Repairs => throw new NotImplementedException();

    /// <summary>Exact octets that <see cref="WriteToAsync"/> will write.</summary>
    public long Size => throw new NotImplementedException();

    /// <summary>True where any octet is above 127 (BODY=8BITMIME).</summary>
    public bool Is8Bit => throw new NotImplementedException();

    /// <summary>Reads <paramref name="stored"/> (seekable; owned from here on) once to learn its size and faults.</summary>
    public static Task<OutgoingMessage> PrepareAsync(Stream stored, RepairContext context, CancellationToken cancellation) => throw new NotImplementedException();

    /// <summary>Writes header and body: CRLF line ends, no bare CR or LF, no NUL, lines of at most 998 octets. Not dot-stuffed.</summary>
    public Task WriteToAsync(Stream destination, CancellationToken cancellation) => throw new NotImplementedException();

    public ValueTask DisposeAsync() => throw new NotImplementedException();
}
