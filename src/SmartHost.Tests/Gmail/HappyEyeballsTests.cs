using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Time.Testing;
using SmartHost.Gmail;
using SmartHost.Gmail.Replies;

namespace SmartHost.Tests.Gmail;

[CancelAfter(30_000)]
public class HappyEyeballsTests
{
    private static readonly IPAddress Six = IPAddress.Parse("2001:db8::1"), SixB = IPAddress.Parse("2001:db8::2"), Four = IPAddress.Parse("192.0.2.1"), FourB = IPAddress.Parse("192.0.2.2");

    [Test]
    public void Families_alternate_and_keep_their_order() =>
        Assert.That(HappyEyeballs.Alternating([Six, SixB, Four, FourB]), Is.EqualTo(new[] { Six, Four, SixB, FourB }));

    [Test]
    public async Task An_IPv6_address_without_a_route_costs_a_quarter_of_a_second()
    {
        var time = new FakeTimeProvider();
        var began = time.GetUtcNow();
        var dialled = new List<(IPAddress, TimeSpan)>();
        var eyeballs = Eyeballs(time, [Six, Four], async (endpoint, cancellation) =>
        {
            dialled.Add((endpoint.Address, time.GetUtcNow() - began));
            if (endpoint.Address == Six) await Task.Delay(Timeout.InfiniteTimeSpan, time, cancellation);
            return new MemoryStream();
        });
        var connecting = eyeballs.ConnectAsync("smtp.gmail.com", 587, CancellationToken.None);
        Assert.That(dialled, Is.EqualTo(new[] { (Six, TimeSpan.Zero) }));
        time.Advance(TimeSpan.FromMilliseconds(249));
        Assert.That(dialled, Has.Count.EqualTo(1));
        time.Advance(TimeSpan.FromMilliseconds(1));
        var (_, address) = await connecting;
        Assert.That(address, Is.EqualTo(Four));
        Assert.That(dialled[1], Is.EqualTo((Four, TimeSpan.FromMilliseconds(250))));
    }

    [Test]
    public async Task A_refusal_starts_the_next_address_at_once()
    {
        var eyeballs = Eyeballs(new FakeTimeProvider(), [Six, Four], (endpoint, _) =>
            endpoint.Address == Six ? Task.FromException<Stream>(new SocketException((int)SocketError.NetworkUnreachable)) : Task.FromResult<Stream>(new MemoryStream()));
        Assert.That((await eyeballs.ConnectAsync("smtp.gmail.com", 587, CancellationToken.None)).Address, Is.EqualTo(Four));
    }

    [Test]
    public async Task An_address_that_answers_too_late_is_closed_again()
    {
        var time = new FakeTimeProvider();
        var lateStream = new MemoryStream();
        var eyeballs = Eyeballs(time, [Six, Four], async (endpoint, cancellation) =>
        {
            // Told to stop when it had just succeeded.
            if (endpoint.Address == Six) await Task.Delay(Timeout.InfiniteTimeSpan, time, cancellation).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            return endpoint.Address == Six ? lateStream : new MemoryStream();
        });
        var connecting = eyeballs.ConnectAsync("smtp.gmail.com", 587, CancellationToken.None);
        time.Advance(TimeSpan.FromMilliseconds(250));
        Assert.That((await connecting).Address, Is.EqualTo(Four));
        Assert.That(lateStream.CanRead, Is.False);
    }

    [Test]
    public async Task Of_several_failures_no_route_says_least()
    {
        var eyeballs = Eyeballs(new FakeTimeProvider(), [Six, Four], (endpoint, _) =>
            Task.FromException<Stream>(new SocketException((int)(endpoint.Address == Six ? SocketError.NetworkUnreachable : SocketError.ConnectionRefused))));
        var failure = await Assert.ThrowsAsync<WireException>(() => eyeballs.ConnectAsync("smtp.gmail.com", 587, CancellationToken.None));
        Assert.That(failure!.Failure, Is.EqualTo(ConnectionFailure.Refused));
        Assert.That(failure.Detail, Is.EqualTo("192.0.2.1"));
    }

    [Test]
    public async Task Silence_everywhere_ends_after_ten_seconds()
    {
        var time = new FakeTimeProvider();
        var eyeballs = Eyeballs(time, [Six, Four, SixB], async (_, cancellation) =>
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, time, cancellation);
            return new MemoryStream();
        });
        var connecting = eyeballs.ConnectAsync("smtp.gmail.com", 587, CancellationToken.None);
        time.Advance(TimeSpan.FromMilliseconds(9_999));
        Assert.That(connecting.IsCompleted, Is.False);
        time.Advance(TimeSpan.FromMilliseconds(1));
        var failure = await Assert.ThrowsAsync<WireException>(() => connecting);
        Assert.That(failure!.Failure, Is.EqualTo(ConnectionFailure.TimedOut));
    }

    [Test]
    public async Task A_silent_DNS_server_is_not_taken_for_a_silent_mail_server()
    {
        var time = new FakeTimeProvider();
        var eyeballs = new HappyEyeballs(time)
        {
            Resolve = async (_, cancellation) =>
            {
                await Task.Delay(Timeout.InfiniteTimeSpan, time, cancellation);
                return [];
            },
        };
        var connecting = eyeballs.ConnectAsync("smtp.gmail.com", 587, CancellationToken.None);
        time.Advance(TimeSpan.FromSeconds(10));
        var failure = await Assert.ThrowsAsync<WireException>(() => connecting);
        Assert.That((failure!.Failure, failure.Detail), Is.EqualTo((ConnectionFailure.NameNotFound, "smtp.gmail.com; the DNS server does not answer")));
    }

    private static HappyEyeballs Eyeballs(TimeProvider time, IPAddress[] addresses, Func<IPEndPoint, CancellationToken, Task<Stream>> dial) =>
        new(time) { Resolve = (_, _) => Task.FromResult(addresses), Dial = dial };
}
