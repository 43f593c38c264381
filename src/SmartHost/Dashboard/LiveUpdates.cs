using System.Threading.Channels;
using SmartHost.Mail;
using SmartHost.Queue;

namespace SmartHost.Dashboard;

/// <summary>
/// Tells open pages that something changed (Server-Sent Events); what it is, they ask for themselves. At most one word a
/// second, one at least every half minute, so that "4 min ago" stays true. A page that is told "no room" asks now and then
/// instead; a stream ends after an hour, or when SmartHost stops, and the browser comes back by itself.
/// </summary>
internal sealed class LiveUpdates(MailQueue queue, TimeProvider time, CancellationToken stopping)
{
    private const int MaxStreams = 32;
    private static readonly TimeSpan AtMostEvery = TimeSpan.FromSeconds(1), AtLeastEvery = TimeSpan.FromSeconds(30), Longest = TimeSpan.FromHours(1);
    private int streams;

    public const string Path = "/events";

    public void Map(IEndpointRouteBuilder app) => app.MapGet(Path, StreamAsync);

    private async Task StreamAsync(HttpContext context)
    {
        if (Interlocked.Increment(ref streams) > MaxStreams)
        {
            Interlocked.Decrement(ref streams);
            // 204 is how an EventSource is told not to come back; the script then asks now and then.
            context.Response.StatusCode = StatusCodes.Status204NoContent;
            return;
        }
        // One word waits at most: many changes are one reason to look again.
        var words = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
        void Tell(QueueId _) => words.Writer.TryWrite(true);
        queue.Changed += Tell;
        try
        {
            using var end = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, stopping);
            using var limit = time.CreateTimer(_ => words.Writer.TryComplete(), null, Longest, Timeout.InfiniteTimeSpan);
            await using var tick = time.CreateTimer(_ => words.Writer.TryWrite(true), null, AtLeastEvery, AtLeastEvery);
            context.Response.ContentType = "text/event-stream";
            await SayAsync(context, "retry: 3000\n\n", end.Token);
            await foreach (var _ in words.Reader.ReadAllAsync(end.Token))
            {
                await SayAsync(context, "data: changed\n\n", end.Token);
                await Task.Delay(AtMostEvery, time, end.Token);
            }
        }
        catch (OperationCanceledException)
        {
            // The page was closed, or we stop.
        }
        finally
        {
            queue.Changed -= Tell;
            Interlocked.Decrement(ref streams);
        }
    }

    private static async Task SayAsync(HttpContext context, string words, CancellationToken cancellation)
    {
        await context.Response.WriteAsync(words, cancellation);
        await context.Response.Body.FlushAsync(cancellation);
    }
}
