using SmartHost.Delivery;

namespace SmartHost.Tests.Delivery;

public class RetryScheduleTests
{
    [Test]
    public void Soon_is_1_2_5_and_10_minutes_and_then_goes_on_calmly()
    {
        var schedule = new RetrySchedule(() => new DeliverySettings(), new NoJitter());
        Assert.That(Enumerable.Range(0, 8).Select(schedule.Soon).Select(wait => wait.TotalMinutes), Is.EqualTo([1, 2, 5, 10, 15, 60, 240, 240]));
    }

    [Test]
    public void Later_is_15_minutes_an_hour_and_then_every_4_hours()
    {
        var schedule = new RetrySchedule(() => new DeliverySettings(), new NoJitter());
        Assert.That(Enumerable.Range(0, 4).Select(schedule.Later).Select(wait => wait.TotalMinutes), Is.EqualTo([15, 60, 240, 240]));
    }

    [Test]
    public void Reaching_Gmail_is_tried_every_ten_minutes_however_long_the_line_is_down()
    {
        var schedule = new RetrySchedule(() => new DeliverySettings(), new NoJitter());
        Assert.That(schedule.Reconnect(1000), Is.EqualTo(TimeSpan.FromMinutes(10)));
    }

    [Test]
    public void Waits_are_spread_by_up_to_a_quarter_and_stay_within_the_settings()
    {
        var settings = new DeliverySettings { RetryShortest = TimeSpan.FromMinutes(3), RetryLongest = TimeSpan.FromMinutes(11) };
        var schedule = new RetrySchedule(() => settings, new Random(1));
        var waits = Enumerable.Range(0, 1000).Select(_ => schedule.Soon(0)).ToList();
        Assert.Multiple(() =>
        {
            Assert.That(waits, Is.All.InRange(TimeSpan.FromMinutes(3), TimeSpan.FromMinutes(3.75)));
            Assert.That(waits.Distinct().Count(), Is.GreaterThan(900), "no two messages of a burst come back together");
            Assert.That(Enumerable.Range(0, 20).Select(schedule.Later), Is.All.EqualTo(TimeSpan.FromMinutes(11)));
        });
    }

    [Test]
    public void A_reloaded_setting_is_heard_at_the_next_wait()
    {
        var settings = new DeliverySettings();
        var schedule = new RetrySchedule(() => settings, new NoJitter());
        var before = schedule.Soon(0);
        settings = settings with { RetryShortest = TimeSpan.FromMinutes(4) };
        Assert.That((before, schedule.Soon(0)), Is.EqualTo((TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(4))));
    }

    internal sealed class NoJitter : Random
    {
        public override double NextDouble() => 0;
    }
}
