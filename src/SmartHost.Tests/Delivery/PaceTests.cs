using CsCheck;
using Microsoft.Extensions.Time.Testing;
using SmartHost.Delivery;

namespace SmartHost.Tests.Delivery;

public class PaceTests
{
    private readonly FakeTimeProvider time = new();

    [Test]
    public void A_burst_leaves_at_once_and_a_long_run_at_the_interval()
    {
        var pace = Configured(burst: 3, TimeSpan.FromSeconds(2));
        for (var i = 0; i < 3; i++) Send(pace);
        Assert.That(pace.Wait(), Is.EqualTo(TimeSpan.FromSeconds(2)).Within(TimeSpan.FromMilliseconds(1)));
        time.Advance(TimeSpan.FromSeconds(2));
        Send(pace);
        Assert.That(pace.Wait(), Is.GreaterThan(TimeSpan.Zero), "one interval is one message");
    }

    [Test]
    public void A_quiet_hour_earns_one_burst_and_not_more()
    {
        var pace = Configured(burst: 3, TimeSpan.FromSeconds(2));
        for (var i = 0; i < 3; i++) Send(pace);
        time.Advance(TimeSpan.FromHours(1));
        for (var i = 0; i < 3; i++) Send(pace);
        Assert.That(pace.Wait(), Is.GreaterThan(TimeSpan.Zero));
    }

    [Test]
    public void With_an_interval_of_zero_nothing_waits()
    {
        var pace = Configured(burst: 1, TimeSpan.Zero);
        for (var i = 0; i < 1000; i++) Send(pace);
        Assert.That(pace.Wait(), Is.EqualTo(TimeSpan.Zero));
    }

    [Test]
    public void Urgent_mail_goes_into_debt_that_later_mail_pays()
    {
        var pace = Configured(burst: 1, TimeSpan.FromSeconds(2));
        pace.Spend();
        pace.Spend();
        Assert.That(pace.Wait(), Is.EqualTo(TimeSpan.FromSeconds(4)).Within(TimeSpan.FromMilliseconds(1)));
    }

    [Test]
    public void Each_slow_down_doubles_the_interval_and_successes_win_it_back_step_by_step()
    {
        var pace = Configured(burst: 20, TimeSpan.FromSeconds(1.5));
        pace.SlowDown();
        pace.SlowDown();
        Assert.That(pace.Interval, Is.EqualTo(TimeSpan.FromSeconds(6)));
        var steps = new List<double>();
        for (var sent = 1; pace.IsSlowed; sent++)
        {
            if (pace.Succeeded()) steps.Add(sent);
        }
        // From a quarter of the rate to all of it, an eighth every ten messages: six steps.
        Assert.That(steps, Is.EqualTo([10, 20, 30, 40, 50, 60]));
        Assert.That(pace.Interval, Is.EqualTo(TimeSpan.FromSeconds(1.5)));
    }

    [Test]
    public void A_slow_down_takes_the_burst_away()
    {
        var pace = Configured(burst: 20, TimeSpan.FromSeconds(1));
        pace.SlowDown();
        time.Advance(TimeSpan.FromMinutes(10));
        Send(pace);
        Assert.That(pace.Wait(), Is.GreaterThan(TimeSpan.Zero));
    }

    [Test]
    public void Gmail_can_slow_down_even_an_account_without_pacing()
    {
        var pace = Configured(burst: 20, TimeSpan.Zero);
        pace.SlowDown();
        Assert.That(pace.Interval, Is.EqualTo(TimeSpan.FromSeconds(2)));
    }

    [Test]
    public void In_any_run_never_more_leaves_than_a_burst_and_one_an_interval() =>
        Gen.Select(Gen.Int[1, 30], Gen.Int[1, 5000], Gen.Int[0, 4000].List[1, 200]).Sample((burst, interval, gaps) =>
        {
            var clock = new FakeTimeProvider();
            var pace = new Pace(clock);
            pace.Configure(new DeliverySettings { Burst = burst, Pace = TimeSpan.FromMilliseconds(interval) });
            var (sent, elapsed) = (0, 0);
            foreach (var gap in gaps)
            {
                clock.Advance(TimeSpan.FromMilliseconds(gap));
                elapsed += gap;
                while (pace.Wait() == TimeSpan.Zero)
                {
                    pace.Spend();
                    sent++;
                }
            }
            return sent <= burst + elapsed / (double)interval + 0.01;
        });

    private Pace Configured(int burst, TimeSpan interval)
    {
        var pace = new Pace(time);
        pace.Configure(new DeliverySettings { Burst = burst, Pace = interval });
        return pace;
    }

    private static void Send(Pace pace)
    {
        Assert.That(pace.Wait(), Is.EqualTo(TimeSpan.Zero));
        pace.Spend();
    }
}
