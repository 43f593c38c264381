using SmartHost.Delivery;
using SmartHost.Gmail;
using SmartHost.Gmail.Replies;
using SmartHost.Mail;

namespace SmartHost.Tests.Delivery;

public class AccountStandingTests
{
    private static readonly DateTimeOffset Noon = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);
    private readonly RetrySchedule schedule = new(() => new DeliverySettings(), new RetryScheduleTests.NoJitter());

    [Test]
    public void A_hold_waits_as_its_row_says_and_twice_as_long_each_time_up_to_a_day() =>
        Assert.That(Waits(new Verdict(VerdictAction.HoldAccount, "421-unusual-rate", "h", "r", Wait: TimeSpan.FromHours(1)), 7), Is.EqualTo([1, 2, 4, 8, 16, 24, 24]));

    [TestCase("550-5.4.5-daily-limit", 1)]
    [TestCase("550-5.4.5-limit", 1)]
    [TestCase("550-quota-exceeded", 1)]
    [TestCase("550-too-many-recipients", 1)]
    [TestCase("450-relay-peak", 0.25)]
    public void A_limit_is_asked_about_evenly_since_it_frees_at_any_time(string row, double hours) =>
        Assert.That(Waits(ReplyCatalogue.Rows.Single(one => one.Name == row).Verdict.Repeated(), 24), Is.All.EqualTo(hours));

    [Test]
    public void A_refused_password_is_tried_once_more_after_its_rows_wait_and_then_at_most_hourly() =>
        Assert.That(Waits(new Verdict(VerdictAction.HoldAccountForPerson, "535-bad-credentials", "h", "r", Wait: TimeSpan.FromMinutes(15)), 4), Is.EqualTo([0.25, 1, 2, 4]));

    [Test]
    public void What_needs_a_person_and_names_no_wait_is_tried_at_most_hourly() =>
        Assert.That(Waits(new Verdict(VerdictAction.HoldAccountForPerson, "534", "h", "r"), 6), Is.EqualTo([1, 2, 4, 8, 16, 24]));

    [Test]
    public void A_lost_line_is_tried_every_ten_minutes_for_ever() =>
        Assert.That(Waits(new Verdict(VerdictAction.OtherPort, "connect-refused", "h", "r"), 6).Select(hours => Math.Round(hours * 60)), Is.EqualTo([1, 2, 5, 10, 10, 10]));

    [Test]
    public void However_a_lost_line_shows_its_waits_grow()
    {
        var refused = Pause.After(null, new Verdict(VerdictAction.OtherPort, "connect-refused", "h", "r"), true, Noon, schedule);
        var silent = Pause.After(refused, new Verdict(VerdictAction.OtherPort, "connect-timed-out", "h", "r"), true, Noon, schedule);
        Assert.That((silent.Failures, silent.NextProbe), Is.EqualTo((2, Noon.AddMinutes(2))));
    }

    [Test]
    public void A_refusal_before_any_message_was_offered_never_bounces_one() =>
        Assert.That(Pause.After(null, new Verdict(VerdictAction.BounceMessage, "class-5", "h", "r"), atLogin: true, Noon, schedule).Kind, Is.EqualTo(PauseKind.NeedsPerson));

    [Test]
    public void Another_reason_begins_its_own_waits_and_keeps_the_beginning()
    {
        var first = Pause.After(null, new Verdict(VerdictAction.HoldAccount, "a", "h", "r", Wait: TimeSpan.FromHours(1)), false, Noon, schedule);
        var second = Pause.After(first with { Failures = 5 }, new Verdict(VerdictAction.HoldAccount, "b", "h", "r", Wait: TimeSpan.FromHours(1)), false, Noon.AddHours(9), schedule);
        Assert.That((second.Since, second.NextProbe, second.Failures), Is.EqualTo((Noon, Noon.AddHours(10), 1)));
    }

    [Test]
    public void A_lost_line_is_news_only_after_half_an_hour_and_a_refused_password_at_once()
    {
        var line = Pause.After(null, new Verdict(VerdictAction.OtherPort, "connect-refused", "h", "r"), true, Noon, schedule);
        var password = Pause.After(null, new Verdict(VerdictAction.HoldAccountForPerson, "535", "h", "r"), true, Noon, schedule);
        Assert.That((line.IsWorthAnnouncing(Noon.AddMinutes(29)), line.IsWorthAnnouncing(Noon.AddMinutes(30)), password.IsWorthAnnouncing(Noon)), Is.EqualTo((false, true, true)));
    }

    [Test]
    public void A_standing_survives_the_disk()
    {
        var verdict = new Verdict(VerdictAction.HoldAccountForPerson, "535-bad-credentials", "What happened.", "What to do.", new Uri("https://support.google.com/accounts/answer/185833"), TimeSpan.FromMinutes(15));
        var standing = new AccountStanding(Pause.After(null, verdict, true, Noon, schedule), 4, Noon, "busy", "salt:hash");
        Assert.That(AccountStanding.FromJson(standing.ToJson()), Is.EqualTo(standing));
    }

    [Test]
    public void A_pause_stored_before_it_knew_of_tokens_is_read()
    {
        var standing = new AccountStanding(Pause.After(null, TokenRefusals.NoConsentYet, true, Noon, schedule), 1, null, null, "salt:hash");
        var older = standing.ToJson().Replace(",\"AboutToken\":true", "", StringComparison.Ordinal);
        Assert.That(older, Is.Not.EqualTo(standing.ToJson()));
        Assert.That(AccountStanding.FromJson(older), Is.EqualTo(standing with { Pause = standing.Pause! with { AboutToken = false } }));
    }

    [TestCase(null)]
    [TestCase("{ broken")]
    [TestCase("null")]
    [TestCase("[1,2]")]
    public void What_is_no_standing_counts_as_healthy(string? json) => Assert.That(AccountStanding.FromJson(json), Is.EqualTo(AccountStanding.Healthy));

    [Test]
    public void A_fingerprint_tells_changed_credentials_and_does_not_contain_them()
    {
        var account = Account("abcd efgh ijkl mnop");
        var print = CredentialFingerprint.Of(account);
        Assert.Multiple(() =>
        {
            Assert.That(CredentialFingerprint.Matches(Account("abcd efgh ijkl mnop"), print), Is.True);
            Assert.That(CredentialFingerprint.Matches(Account("another one"), print), Is.False);
            Assert.That(CredentialFingerprint.Matches(account with { Username = Mailbox.Parse("other@gmail.com") }, print), Is.False);
            Assert.That(CredentialFingerprint.Matches(account, "garbage"), Is.False);
            Assert.That(CredentialFingerprint.Of(account), Is.Not.EqualTo(print), "salted");
            Assert.That(print, Does.Not.Contain("abcd"));
        });
    }

    internal static AccountSettings Account(string password) => new()
    {
        Name = "default", Username = Mailbox.Parse("you@gmail.com"), Credentials = new AccountCredentials.AppPassword(new Secret(password)),
    };

    /// <summary>Hours between the tries of one row, each try failing.</summary>
    private List<double> Waits(Verdict verdict, int tries)
    {
        var waits = new List<double>();
        var now = Noon;
        Pause? pause = null;
        for (var i = 0; i < tries; i++)
        {
            pause = Pause.After(pause, verdict, atLogin: true, now, schedule);
            waits.Add((pause.NextProbe - now).TotalHours);
            now = pause.NextProbe;
        }
        return waits;
    }
}
