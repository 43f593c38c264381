using Microsoft.Extensions.Logging;
using SmartHost.Mail;

namespace SmartHost.Queue;

/// <summary>The queue's only door. (Contract; the storage behind it follows.)</summary>
public sealed class MailQueue : IAsyncDisposable
{
    /// <summary>Opens or makes the data folder, recovers what a crash left, loads the index.</summary>
    /// <exception cref="QueueUnavailableException">With a sentence for a person: folder read-only, another process owns it, newer schema, corrupt database.</exception>
    public static Task<MailQueue> OpenAsync(QueueSettings settings, TimeSpan lifetime, TimeProvider time, Random random, ILogger<MailQueue> logger, CancellationToken cancellation) => throw new NotImplementedException();

    // --- intake -------------------------------------------------------------------------------------------------

    /// <summary>Asked before a device sends content. Null: there is room. Otherwise a sentence for a 452.</summary>
    public string? Refusal(long declaredSize) => throw new NotImplementedException();

    public IncomingMessage Receive() => throw new NotImplementedException();

    // --- delivery -----------------------------------------------------------------------------------------------

    /// <summary>
    /// Leases the next due message that <paramref name="serves"/> allows, urgent lane first, and within a lane the
    /// device whose turn it is (round robin), oldest first. Null: nothing is due. The lease is in memory alone (a
    /// crash releases it), but that an attempt began is on disk before this returns to disk's next commit, so that
    /// recovery can tell of a possible duplicate. Ended by <see cref="SettleAsync"/> or <see cref="GiveBack"/>.
    /// </summary>
    /// <param name="serves">Account name as stored (null: default) and lane. Called under the index lock: pure and quick.</param>
    public QueuedMessage? Take(Func<string?, Lane, bool> serves) => throw new NotImplementedException();

    /// <summary>The lease of that message ends without a change.</summary>
    public void GiveBack(QueueId id) => throw new NotImplementedException();

    /// <summary>Commits an attempt's result and ends the lease. Returns the message as it is now.</summary>
    public Task<QueuedMessage> SettleAsync(Settlement settlement, CancellationToken cancellation) => throw new NotImplementedException();

    /// <summary>The stored octets, seekable. Null: the content is missing (park the message).</summary>
    public Task<Stream?> OpenContentAsync(QueueId id, CancellationToken cancellation) => throw new NotImplementedException();

    /// <summary>
    /// Completes when there may be something new to take: an arrival, a release, a settlement, or the next due time.
    /// Never misses a change made after the previous <see cref="Take"/>; may complete for nothing.
    /// </summary>
    public Task WaitForWorkAsync(CancellationToken cancellation) => throw new NotImplementedException();

    /// <summary>Wakes <see cref="WaitForWorkAsync"/>: an account's pause ended, settings changed.</summary>
    public void Wake() => throw new NotImplementedException();

    // --- lifetime, reports --------------------------------------------------------------------------------------

    /// <summary>Queued messages (not leased) whose lifetime is over, or that are older than <paramref name="lateAfter"/> and not announced.</summary>
    public IReadOnlyList<QueuedMessage> Expired() => throw new NotImplementedException();

    public IReadOnlyList<QueuedMessage> Late(TimeSpan lateAfter) => throw new NotImplementedException();

    public Task MarkLateAnnouncedAsync(QueueId id, CancellationToken cancellation) => throw new NotImplementedException();

    /// <summary>Moves the expiry of every waiting message that <paramref name="waits"/> names by how long it waited since then.</summary>
    public Task ExtendLifetimeAsync(Func<string?, bool> waits, DateTimeOffset pausedSince, CancellationToken cancellation) => throw new NotImplementedException();

    /// <summary>Messages with a bounced recipient that no report has told of yet (null reverse-paths never).</summary>
    public Task<IReadOnlyList<QueuedMessage>> UnreportedAsync(CancellationToken cancellation) => throw new NotImplementedException();

    /// <summary>Marks its bounces as told where no report can be sent (nobody to send to).</summary>
    public Task MarkReportedAsync(QueueId id, TimelineEntry entry, CancellationToken cancellation) => throw new NotImplementedException();

    // --- what a person does -------------------------------------------------------------------------------------

    /// <summary>Each returns null when done, else a sentence why not (no such message, being sent now, content gone …).</summary>
    public Task<string?> RetryAsync(QueueId id, CancellationToken cancellation) => throw new NotImplementedException();

    public Task<string?> HoldAsync(QueueId id, string reason, CancellationToken cancellation) => throw new NotImplementedException();

    public Task<string?> ReleaseAsync(QueueId id, CancellationToken cancellation) => throw new NotImplementedException();

    public Task<string?> DeleteAsync(QueueId id, CancellationToken cancellation) => throw new NotImplementedException();

    public Task AppendTimelineAsync(QueueId id, TimelineEntry entry, CancellationToken cancellation) => throw new NotImplementedException();

    // --- what a person asks -------------------------------------------------------------------------------------

    public Task<QueuedMessage?> FindAsync(QueueId id, CancellationToken cancellation) => throw new NotImplementedException();

    public Task<IReadOnlyList<TimelineEntry>> TimelineAsync(QueueId id, CancellationToken cancellation) => throw new NotImplementedException();

    /// <summary>Newest first.</summary>
    public Task<IReadOnlyList<QueuedMessage>> SearchAsync(MessageSearch search, CancellationToken cancellation) => throw new NotImplementedException();

    /// <summary>Waiting messages by lane, held, parked, octets; from the index, without the disk.</summary>
    public QueueCounts Counts() => throw new NotImplementedException();

    /// <summary>Raised after a commit, with the message's id; handlers must be quick and must not throw.</summary>
    public event Action<QueueId>? Changed { add => throw new NotImplementedException(); remove => throw new NotImplementedException(); }

    // --- rolling counts, other state ----------------------------------------------------------------------------

    /// <summary>What an account spent in the 24 hours before now.</summary>
    public Spend SpentBy(string account) => throw new NotImplementedException();

    /// <summary>Messages accepted from a device in the last hour and the last 24.</summary>
    public (int LastHour, int LastDay) AcceptedFrom(string device) => throw new NotImplementedException();

    /// <summary>Small durable facts of other folders (an account's standing, folded alerts): scope and key to JSON. Read from memory.</summary>
    public string? GetState(string scope, string key) => throw new NotImplementedException();

    public IReadOnlyDictionary<string, string> GetStates(string scope) => throw new NotImplementedException();

    /// <summary>Null removes it. Returns when it is on disk.</summary>
    public Task PutStateAsync(string scope, string key, string? json, CancellationToken cancellation) => throw new NotImplementedException();

    /// <summary>Deletes what history no longer keeps. Called now and then by its owner.</summary>
    public Task TidyAsync(CancellationToken cancellation) => throw new NotImplementedException();

    /// <summary>Commits what waits, then closes. Intakes after this end as Failed.</summary>
    public ValueTask DisposeAsync() => throw new NotImplementedException();
}

/// <summary>The data folder cannot be used; the message says why and what to do.</summary>
public sealed class QueueUnavailableException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>All conditions must hold; null or empty means any.</summary>
/// <param name="Text">Found in subject, sender, recipient, Message-ID or id, letter case ignored.</param>
public sealed record MessageSearch(string? Text = null, string? Device = null, IReadOnlyCollection<MessageState>? States = null, bool? Bounced = null, QueueId? Before = null, int Limit = 50);

public sealed record QueueCounts(int Urgent, int Normal, int Bulk, int Held, int Parked, long Octets, DateTimeOffset? Oldest)
{
    public int Waiting => Urgent + Normal + Bulk;
}
