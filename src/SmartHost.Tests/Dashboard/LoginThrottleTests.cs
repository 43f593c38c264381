using System.Net;
using CsCheck;
using Microsoft.Extensions.Time.Testing;
using SmartHost.Dashboard.Access;

namespace SmartHost.Tests.Dashboard;

public class LoginThrottleTests
{
    private static readonly IPAddress Client = IPAddress.Parse("192.168.1.5");

    [Test]
    public void Waits_double_up_to_a_quarter_of_an_hour()
    {
        var time = new FakeTimeProvider();
        var throttle = new LoginThrottle(time);
        var waits = new List<double>();
        for (var i = 0; i < 14; i++)
        {
            Assert.That(throttle.Attempt(Client, () => false), Is.EqualTo(new LoginResult(false, null)));
            if (i < 2) continue;
            var wait = throttle.Attempt(Client, () => throw new AssertionException("it was too early to look")).Wait!.Value;
            waits.Add(wait.TotalSeconds);
            time.Advance(wait);
        }
        Assert.That(waits, Is.EqualTo(new double[] { 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900 }));
    }

    [Test]
    public void A_right_one_clears_the_slate()
    {
        var throttle = new LoginThrottle(new FakeTimeProvider());
        throttle.Attempt(Client, () => false);
        throttle.Attempt(Client, () => false);
        Assert.That(throttle.Attempt(Client, () => true).Right);
        throttle.Attempt(Client, () => false);
        Assert.That(throttle.Attempt(Client, () => true).Right);
    }

    [Test]
    public void Many_addresses_are_no_way_around()
    {
        var time = new FakeTimeProvider();
        var throttle = new LoginThrottle(time);
        var looked = 0;
        for (var i = 0; i < 5000; i++) throttle.Attempt(new IPAddress([10, 0, (byte)(i >> 8), (byte)i]), () => { looked++; return false; });
        Assert.That(looked, Is.EqualTo(60));
        time.Advance(TimeSpan.FromMinutes(1));
        for (var i = 0; i < 5000; i++) throttle.Attempt(new IPAddress([10, 1, (byte)(i >> 8), (byte)i]), () => { looked++; return false; });
        Assert.That(looked, Is.EqualTo(70));
    }

    [Test]
    public void Who_was_right_lately_is_not_shut_out_by_what_others_guess()
    {
        var time = new FakeTimeProvider();
        var throttle = new LoginThrottle(time);
        Assert.That(throttle.Attempt(Client, () => true).Right);
        for (var i = 0; i < 500; i++) throttle.Attempt(new IPAddress([10, 0, (byte)(i >> 8), (byte)i]), () => false);
        Assert.That(throttle.Attempt(IPAddress.Parse("192.168.1.6"), () => true).Wait, Is.Not.Null, "for a newcomer it holds");
        Assert.That(throttle.Attempt(Client, () => true).Right);
        Assert.That(throttle.Attempt(Client, () => false).Wait, Is.Null);
        Assert.That(throttle.Attempt(Client, () => true).Wait, Is.Not.Null, "and for who guesses");
    }

    [Test]
    public void All_of_a_slash_64_is_one_client()
    {
        var throttle = new LoginThrottle(new FakeTimeProvider());
        for (var i = 1; i <= 3; i++) throttle.Attempt(IPAddress.Parse($"2001:db8::{i}"), () => false);
        Assert.That(throttle.Attempt(IPAddress.Parse("2001:db8::ffff"), () => true).Wait, Is.Not.Null);
        Assert.That(throttle.Attempt(IPAddress.Parse("2001:db8:0:1::1"), () => true).Right);
    }

    /// <summary>Whatever the rhythm, an hour of guessing by one client looks at few guesses.</summary>
    [Test]
    public void An_hour_of_guessing_gets_nowhere() => Gen.Int[1, 20_000].Array[10, 200].Sample(pauses =>
    {
        var time = new FakeTimeProvider();
        var throttle = new LoginThrottle(time);
        var looked = 0;
        var end = time.GetUtcNow().AddHours(1);
        for (var i = 0; time.GetUtcNow() < end; i++)
        {
            throttle.Attempt(Client, () => { looked++; return false; });
            time.Advance(TimeSpan.FromMilliseconds(pauses[i % pauses.Length]) + TimeSpan.FromMilliseconds(500));
        }
        return looked <= 2 + 11 + 4;
    }, iter: 50);
}
