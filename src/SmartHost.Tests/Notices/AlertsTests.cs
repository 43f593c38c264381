using System.Net;
using SmartHost.Mail;
using SmartHost.Notices;
using SmartHost.Queue;

namespace SmartHost.Tests.Notices;

public class AlertsTests
{
    private static readonly Mailbox You = Mailbox.Parse("you@gmail.com");
    private static readonly Alert Paused = new(AlertKind.AccountPaused, "default", "Gmail account default is paused", "Wrong password.") { Lasts = true, ByMail = false, Remedy = "Make a new one." };

    [Test]
    public async Task A_trouble_is_told_once_and_so_is_its_end()
    {
        await using var bench = await AlertsBench.OpenAsync();
        await bench.RaiseAsync(Paused);
        await bench.RaiseAsync(Paused);
        await bench.AdvanceAsync(TimeSpan.FromHours(3));
        Assert.That(bench.Receiver.Bodies, Has.Count.EqualTo(1));
        Assert.That(bench.Receiver.Bodies[0], Does.Contain("is paused").And.Contain("Make a new one."));
        bench.Alerts.Over(AlertKind.AccountPaused, "default", "Gmail takes its mail again.");
        await bench.TurnAsync();
        Assert.That(bench.Receiver.Bodies[1], Does.Contain("Over: Gmail account default is paused").And.Contain("It lasted 3 hours."));
        Assert.That(bench.Alerts.Snapshot.Troubles, Is.Empty);
    }

    [Test]
    public async Task The_end_of_what_was_never_raised_is_no_news()
    {
        await using var bench = await AlertsBench.OpenAsync();
        bench.Alerts.Over(AlertKind.AccountPaused, "default", "Fine.");
        await bench.TurnAsync();
        Assert.That(bench.Receiver.Bodies, Is.Empty);
    }

    [Test]
    public async Task A_trouble_that_stays_is_recalled_once_a_day()
    {
        await using var bench = await AlertsBench.OpenAsync();
        await bench.RaiseAsync(Paused);
        var next = await bench.TurnAsync();
        Assert.That(next, Is.EqualTo(TimeSpan.FromHours(24)));
        await bench.AdvanceAsync(next);
        Assert.That(bench.Receiver.Bodies, Has.Count.EqualTo(2));
        Assert.That(bench.Receiver.Bodies[1], Does.Contain("Still: "));
    }

    [Test]
    public async Task Another_cause_of_what_lasts_is_news_and_another_text_is_not()
    {
        await using var bench = await AlertsBench.OpenAsync();
        await bench.RaiseAsync(Paused);
        await bench.RaiseAsync(Paused with { Text = "The password was refused.", Cause = "password" });
        Assert.That(bench.Receiver.Bodies, Has.Count.EqualTo(2));
        Assert.That(bench.Receiver.Bodies[1], Does.Contain("The password was refused.").And.Not.Contain("Still: "));
        await bench.RaiseAsync(Paused with { Text = "Refused again, next try at noon.", Cause = "password" });
        await bench.RaiseAsync(Paused with { Text = "The line is down." });
        await bench.RestartAsync();
        await bench.RaiseAsync(Paused with { Text = "Refused once more.", Cause = "password" });
        Assert.That(bench.Receiver.Bodies, Has.Count.EqualTo(2), "a line that is down is no news after a reason, nor is the same reason after it");
    }

    [Test]
    public async Task Another_cause_takes_the_place_of_the_one_that_was_never_told()
    {
        await using var bench = await AlertsBench.OpenAsync();
        bench.Receiver.Answer = _ => new HttpResponseMessage(HttpStatusCode.BadGateway);
        await bench.RaiseAsync(Paused with { Text = "The line is down." });
        bench.Receiver.Answer = _ => new HttpResponseMessage(HttpStatusCode.OK);
        await bench.RaiseAsync(Paused with { Text = "The password was refused.", Cause = "password" });
        Assert.That(bench.Receiver.Bodies[^1], Does.Contain("The password was refused."));
        await bench.AdvanceAsync(TimeSpan.FromHours(2));
        Assert.That(bench.Receiver.Bodies, Has.Count.EqualTo(2), "what was to be tried again is out of date");
    }

    [Test]
    public async Task A_text_that_changes_all_the_time_is_shown_and_neither_counted_nor_written()
    {
        await using var bench = await AlertsBench.OpenAsync(new AlertSettings { Webhook = new Secret("https://hooks.example.com/x") });
        await bench.RaiseAsync(Alert.DiskLow("/data", 400 << 20, 500 << 20));
        var commits = 0;
        bench.QueueBench.Fault = step => { if (step == "commit") commits++; };
        for (var free = 399; free > 0; free--) await bench.RaiseAsync(Alert.DiskLow("/data", free << 20, 500 << 20));
        Assert.That(commits, Is.Zero);
        Assert.That(bench.Alerts.Snapshot.Troubles.Single(), Has.Property("Count").EqualTo(1));
        Assert.That(bench.Alerts.Snapshot.Troubles.Single().Alert.Text, Does.StartWith("1 MB are free"));
        await bench.AdvanceAsync(AlertStanding.Remind);
        Assert.That(bench.Receiver.Bodies[1], Does.Contain("Still: ").And.Contain("1 MB are free").And.Contain("\"more\":0"));
    }

    [Test]
    public void A_standing_that_an_earlier_version_wrote_is_read()
    {
        var standing = AlertStanding.FromJson("""
            {"Alert":{"Remedy":null,"Help":null,"Lasts":true,"ByMail":true,"Message":null,"Account":null,"Id":"DiskLow:/data","Kind":"DiskLow","Key":"/data","Title":"The disk is nearly full","Text":"5 MB."},
             "Since":"2026-03-01T12:00:00+00:00","Last":"2026-03-01T15:00:00+00:00","Count":180,"Told":1,"ToldAt":"2026-03-01T12:00:01+00:00","Due":"2026-03-02T12:00:01+00:00"}
            """);
        Assert.That(standing, Is.Not.Null);
        Assert.That((standing!.Told, standing.Alert.Cause, standing.Due), Is.EqualTo((1, (string?)null, standing.ToldAt + AlertStanding.Remind)));
    }

    [Test]
    public async Task What_repeats_within_a_while_is_one_more_announcement_with_a_count()
    {
        await using var bench = await AlertsBench.OpenAsync();
        for (var i = 0; i < 8; i++) await bench.RaiseAsync(Failed());
        Assert.That(bench.Receiver.Bodies, Has.Count.EqualTo(1), "the first is told at once");
        await bench.AdvanceAsync(AlertStanding.Fold);
        Assert.That(bench.Receiver.Bodies, Has.Count.EqualTo(2));
        Assert.That(bench.Receiver.Bodies[1], Does.Contain("And 6 more like it"));
        await bench.AdvanceAsync(AlertStanding.Fold);
        Assert.That(bench.Receiver.Bodies, Has.Count.EqualTo(2));
        Assert.That(bench.Alerts.Snapshot.Troubles, Is.Empty, "told and not repeated: forgotten");
    }

    [Test]
    public async Task A_flood_of_different_alerts_keeps_to_twenty_an_hour_and_loses_none()
    {
        await using var bench = await AlertsBench.OpenAsync();
        for (var i = 0; i < 50; i++) bench.Alerts.Raise(Alert.UnknownDevice($"192.168.1.{i}", null, null));
        await bench.TurnAsync();
        Assert.That(bench.Receiver.Bodies, Has.Count.EqualTo(20));
        await bench.AdvanceAsync(TimeSpan.FromHours(1));
        await bench.AdvanceAsync(TimeSpan.FromHours(1));
        Assert.That(bench.Receiver.Bodies, Has.Count.EqualTo(50));
    }

    [Test]
    public async Task What_strangers_cause_never_holds_up_what_stops_the_mail()
    {
        await using var bench = await AlertsBench.OpenAsync();
        for (var i = 0; i < 50; i++) bench.Alerts.Raise(Alert.UnknownDevice($"192.168.1.{i}", null, null));
        await bench.TurnAsync();
        await bench.RaiseAsync(Paused);
        Assert.That(bench.Receiver.Bodies[^1], Does.Contain("Gmail account default is paused"));
    }

    [Test]
    public async Task A_webhook_that_is_away_is_asked_once_a_turn_and_holds_up_no_mail()
    {
        await using var bench = await AlertsBench.OpenAsync(new AlertSettings { Email = You, Webhook = new Secret("https://hooks.example.com/x") });
        List<int> mails = [];
        bench.Receiver.Answer = _ =>
        {
            mails.Add(bench.QueueBench.Queue.Counts().Waiting);
            return new HttpResponseMessage(HttpStatusCode.BadGateway);
        };
        for (var i = 0; i < 5; i++) bench.Alerts.Raise(Alert.UnknownDevice($"192.168.1.{i}", null, null));
        await bench.TurnAsync();
        Assert.That(mails, Is.EqualTo([5]), "one knock, after the mails");
        Assert.That(bench.Alerts.Snapshot.Deliveries.Where(one => one.Channel == "webhook"), Has.Exactly(5).With.Property("Problem").Contains("502").And.Property("NextTry").Not.Null);
        bench.Receiver.Answer = _ => new HttpResponseMessage(HttpStatusCode.OK);
        await bench.AdvanceAsync(TimeSpan.FromSeconds(10));
        Assert.That(bench.Receiver.Bodies, Has.Count.EqualTo(6));
    }

    [Test]
    public void Mail_of_our_own_that_Gmail_does_not_take_is_not_told_of_by_more_of_it()
    {
        var id = QueueId.Create(DateTimeOffset.UnixEpoch, new Random(1));
        Assert.That(Alert.MessageParked(LocalMail.Device, id, "[SmartHost] Mail is late", "It looks like spam.").ByMail, Is.False);
        Assert.That(Alert.MessageParked("scanner", id, "Scan", "It looks like spam.").ByMail, Is.True);
    }

    [Test]
    public async Task A_webhook_that_fails_is_tried_again_ever_more_rarely_and_seen()
    {
        await using var bench = await AlertsBench.OpenAsync();
        bench.Receiver.Answer = number => new HttpResponseMessage(number <= 3 ? HttpStatusCode.BadGateway : HttpStatusCode.OK);
        await bench.RaiseAsync(Paused);
        Assert.That(bench.Alerts.Snapshot.Deliveries[0].Problem, Does.Contain("502"));
        var waits = new List<double>();
        for (var i = 0; i < 3; i++)
        {
            var next = await bench.TurnAsync();
            waits.Add(next.TotalSeconds);
            await bench.AdvanceAsync(next);
        }
        Assert.That(waits, Is.EqualTo([10, 30, 90]));
        Assert.That(bench.Receiver.Bodies, Has.Count.EqualTo(4));
        Assert.That(bench.Alerts.Snapshot.Deliveries[0].Problem, Is.Null);
    }

    [Test]
    public async Task A_webhook_that_says_no_for_good_is_not_pestered()
    {
        await using var bench = await AlertsBench.OpenAsync();
        bench.Receiver.Answer = _ => new HttpResponseMessage(HttpStatusCode.NotFound);
        await bench.RaiseAsync(Paused);
        await bench.AdvanceAsync(TimeSpan.FromHours(2));
        Assert.That(bench.Receiver.Bodies, Has.Count.EqualTo(1));
        Assert.That(bench.Alerts.Snapshot.Deliveries[0], Has.Property("Problem").Contain("404").And.Property("NextTry").Null);
    }

    [Test]
    public async Task What_nobody_could_hear_is_not_called_told_and_is_told_when_a_channel_is_set()
    {
        await using var bench = await AlertsBench.OpenAsync(new AlertSettings());
        await bench.RaiseAsync(Paused);
        Assert.That(bench.Alerts.Snapshot.Troubles.Single(), Has.Property("ToldAt").Null.And.Property("Unheard").EqualTo(new Unheard(bench.QueueBench.Time.GetUtcNow(), "no channel is set (alerts)")));
        bench.Settings = new AlertSettings { Email = You };
        await bench.TurnAsync();
        Assert.That(bench.Alerts.Snapshot.Troubles.Single().Unheard?.Why, Is.EqualTo("it goes by webhook alone, and none is set (alerts.webhook)"));
        bench.Settings = new AlertSettings { Webhook = new Secret("https://hooks.example.com/x") };
        await bench.AdvanceAsync(TimeSpan.FromMinutes(1));
        Assert.That(bench.Receiver.Bodies.Single(), Does.Contain("Gmail account default is paused").And.Not.Contain("Still: "));
        Assert.That(bench.Alerts.Snapshot.Troubles.Single(), Has.Property("ToldAt").EqualTo(bench.QueueBench.Time.GetUtcNow()).And.Property("Unheard").Null);
    }

    [Test]
    public async Task A_corrected_webhook_is_told_at_once_also_after_a_restart()
    {
        await using var bench = await AlertsBench.OpenAsync();
        bench.Receiver.Answer = _ => new HttpResponseMessage(HttpStatusCode.NotFound);
        await bench.RaiseAsync(Paused);
        await bench.RaiseAsync(Failed());
        Assert.That(bench.Alerts.Snapshot.Troubles, Has.Exactly(2).With.Property("ToldAt").Null.And.Property("Unheard").Property("Why").EqualTo("it could not be delivered by webhook (it answered 404)"));
        bench.Receiver.Answer = _ => new HttpResponseMessage(HttpStatusCode.OK);
        bench.Settings = bench.Settings with { Webhook = new Secret("https://hooks.example.com/right") };
        await bench.RestartAsync();
        await bench.TurnAsync();
        Assert.That(bench.Receiver.Bodies.Skip(2), Has.Exactly(2).Items.And.Some.Contain("is paused").And.Some.Contain("failed"));
    }

    [Test]
    public async Task A_webhook_that_is_away_holds_up_no_channel_that_is_set_meanwhile()
    {
        await using var bench = await AlertsBench.OpenAsync();
        bench.Receiver.Answer = _ => new HttpResponseMessage(HttpStatusCode.BadGateway);
        await bench.RaiseAsync(Paused with { ByMail = true });
        bench.Settings = bench.Settings with { Email = You };
        await bench.TurnAsync();
        Assert.That(await bench.MailAsync(), Has.Count.EqualTo(1));
        await bench.AdvanceAsync(TimeSpan.FromSeconds(10));
        Assert.That((await bench.MailAsync()).Count, Is.EqualTo(1), "and the mail is not sent again for the webhook's sake");
        Assert.That(bench.Receiver.Bodies, Has.Count.EqualTo(3));
    }

    [Test]
    public async Task A_failure_that_nobody_could_hear_of_is_kept_for_a_channel_that_is_set_later()
    {
        await using var bench = await AlertsBench.OpenAsync(new AlertSettings());
        await bench.RaiseAsync(Failed());
        await bench.RaiseAsync(Alert.UnknownDevice("192.168.1.9", null, null));
        await bench.AdvanceAsync(AlertStanding.Fold);
        Assert.That(bench.Alerts.Snapshot.Troubles.Select(standing => standing.Alert.Kind), Is.EqualTo([AlertKind.MessageFailed]), "there is no end to strangers");
        await bench.AdvanceAsync(TimeSpan.FromDays(1));
        bench.Settings = new AlertSettings { Webhook = new Secret("https://hooks.example.com/x") };
        await bench.AdvanceAsync(TimeSpan.FromMinutes(1));
        Assert.That(bench.Receiver.Bodies.Single(), Does.Contain(Failed().Title));
        await bench.AdvanceAsync(AlertStanding.Fold);
        Assert.That(bench.Alerts.Snapshot.Troubles, Is.Empty);
    }

    [Test]
    public async Task A_failure_that_nobody_ever_hears_of_stands_for_a_week()
    {
        await using var bench = await AlertsBench.OpenAsync(new AlertSettings());
        await bench.RaiseAsync(Failed());
        await bench.AdvanceAsync(TimeSpan.FromDays(6));
        Assert.That(bench.Alerts.Snapshot.Troubles, Has.Count.EqualTo(1));
        await bench.AdvanceAsync(TimeSpan.FromDays(1));
        Assert.That(bench.Alerts.Snapshot.Troubles, Is.Empty);
    }

    [Test]
    public async Task The_failure_report_tells_of_a_failure_where_mail_is_the_only_channel()
    {
        await using var bench = await AlertsBench.OpenAsync(new AlertSettings { Email = You });
        await bench.RaiseAsync(Failed());
        Assert.That(bench.Alerts.Snapshot.Troubles.Single(), Has.Property("Unheard").Null.And.Property("ToldAt").Not.Null);
        Assert.That(await bench.MailAsync(), Is.Empty, "a mail of its own beside the report");
    }

    [Test]
    public async Task Of_our_own_mail_that_failed_no_report_tells()
    {
        await using var bench = await AlertsBench.OpenAsync(new AlertSettings { Email = You });
        await bench.RaiseAsync(Alert.MessageFailed(LocalMail.Device, default, "[SmartHost] Mail is late", You, "No such user."));
        Assert.That(bench.Alerts.Snapshot.Troubles.Single(), Has.Property("ToldAt").Null.And.Property("Unheard").Not.Null);
    }

    [Test]
    public async Task What_a_person_has_seen_to_is_no_trouble_any_more_and_told_to_nobody()
    {
        await using var bench = await AlertsBench.OpenAsync(new AlertSettings());
        var queue = bench.QueueBench.Queue;
        var (first, second) = (await ParkAsync(), await ParkAsync());
        await bench.RaiseAsync(Alert.MessageParked("scanner", second, "Scan", "It looks like spam."));
        Assert.That(await queue.DeleteAsync(second, default), Is.Null);
        await bench.TurnAsync();
        Assert.That(bench.Alerts.Snapshot.Troubles, Has.Count.EqualTo(1), "another one of that device needs a person");
        Assert.That(await queue.DeleteAsync(first, default), Is.Null);
        await bench.TurnAsync();
        Assert.That(bench.Alerts.Snapshot.Troubles, Is.Empty);
        bench.Settings = new AlertSettings { Webhook = new Secret("https://hooks.example.com/x") };
        await bench.AdvanceAsync(TimeSpan.FromMinutes(1));
        Assert.That(bench.Receiver.Bodies, Is.Empty);

        async Task<QueueId> ParkAsync()
        {
            var id = await bench.QueueBench.AcceptAsync();
            await queue.SettleAsync(new Settlement(bench.QueueBench.Take().Id, [], [], Park: "It looks like spam."), default);
            return id;
        }
    }

    [Test]
    public async Task A_try_that_has_come_is_promised_no_more()
    {
        await using var bench = await AlertsBench.OpenAsync();
        bench.Receiver.Answer = _ => new HttpResponseMessage(HttpStatusCode.BadGateway);
        await bench.RaiseAsync(Paused);
        await bench.AdvanceAsync(TimeSpan.FromSeconds(10));
        Assert.That(bench.Alerts.Snapshot.Deliveries.Select(one => one.NextTry is null), Is.EqualTo([false, true]));
        bench.Settings = new AlertSettings();
        await bench.TurnAsync();
        Assert.That(bench.Alerts.Snapshot.Deliveries, Has.All.Property("NextTry").Null);
    }

    [Test]
    public async Task A_webhook_that_is_taken_out_of_the_settings_was_not_told()
    {
        await using var bench = await AlertsBench.OpenAsync();
        bench.Receiver.Answer = _ => new HttpResponseMessage(HttpStatusCode.BadGateway);
        await bench.RaiseAsync(Paused);
        bench.Settings = new AlertSettings();
        await bench.AdvanceAsync(TimeSpan.FromSeconds(10));
        Assert.That(bench.Alerts.Snapshot.Deliveries, Has.Exactly(1).Items.With.Property("Problem").Contains("502"));
        Assert.That(bench.Alerts.Snapshot.Troubles.Single(), Has.Property("ToldAt").Null.And.Property("Unheard").Property("Why").EqualTo("no channel is set (alerts)"));
        Assert.That(bench.Log.Lines, Has.None.StartsWith("alert by webhook: "));
        bench.Alerts.Over(AlertKind.AccountPaused, "default", "Fine.");
        await bench.TurnAsync();
        Assert.That(bench.Receiver.Bodies, Has.Count.EqualTo(1));
    }

    [Test]
    public async Task A_reminder_that_reached_nobody_leaves_what_was_told_told()
    {
        await using var bench = await AlertsBench.OpenAsync();
        await bench.RaiseAsync(Paused);
        var told = bench.QueueBench.Time.GetUtcNow();
        bench.Receiver.Answer = _ => new HttpResponseMessage(HttpStatusCode.NotFound);
        await bench.AdvanceAsync(AlertStanding.Remind);
        Assert.That(bench.Alerts.Snapshot.Troubles.Single(), Has.Property("ToldAt").EqualTo(told).And.Property("Unheard").Not.Null);
        bench.Receiver.Answer = _ => new HttpResponseMessage(HttpStatusCode.OK);
        bench.Alerts.Over(AlertKind.AccountPaused, "default", "Fine.");
        await bench.TurnAsync();
        Assert.That(bench.Receiver.Bodies[^1], Does.Contain("Over: "));
    }

    [Test, CancelAfter(30_000)]
    public async Task A_change_of_the_settings_wakes_the_loop(CancellationToken cancellation)
    {
        await using var bench = await AlertsBench.OpenAsync(new AlertSettings());
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var told = new TaskCompletionSource();
        bench.Receiver.Answer = _ =>
        {
            told.TrySetResult();
            return new HttpResponseMessage(HttpStatusCode.OK);
        };
        await bench.RaiseAsync(Paused);
        var running = bench.Alerts.RunAsync(stop.Token);
        bench.Settings = new AlertSettings { Webhook = new Secret("https://hooks.example.com/x") };
        bench.Alerts.NotifySettingsChanged();
        await told.Task.WaitAsync(cancellation);
        await stop.CancelAsync();
        await running.WaitAsync(cancellation);
    }

    [Test]
    public async Task What_was_not_told_before_a_restart_is_told_after_it_and_what_was_is_not()
    {
        await using var bench = await AlertsBench.OpenAsync();
        bench.Receiver.Answer = _ => new HttpResponseMessage(HttpStatusCode.BadGateway);
        await bench.RaiseAsync(Paused);
        await bench.RestartAsync();
        bench.Receiver.Answer = _ => new HttpResponseMessage(HttpStatusCode.OK);
        await bench.TurnAsync();
        Assert.That(bench.Receiver.Bodies, Has.Count.EqualTo(2));
        await bench.RestartAsync();
        await bench.RaiseAsync(Paused);
        Assert.That(bench.Receiver.Bodies, Has.Count.EqualTo(2));
        bench.Alerts.Over(AlertKind.AccountPaused, "default", "Fine.");
        await bench.TurnAsync();
        Assert.That(bench.Receiver.Bodies[2], Does.Contain("Over: "));
    }

    [Test, CancelAfter(30_000)]
    public async Task A_disk_that_hangs_silences_nothing_and_is_told_of(CancellationToken cancellation)
    {
        await using var bench = await AlertsBench.OpenAsync(new AlertSettings { Webhook = new Secret("https://hooks.example.com/s3cr3t"), Email = You });
        using var hang = new ManualResetEventSlim();
        bench.QueueBench.Fault = step => { if (step == "commit") hang.Wait(); };
        bench.Alerts.Raise(Alert.QueueTrouble("The disk hangs."));
        bench.Alerts.Raise(Alert.AccountPaused("default", "Wrong password.", "Make a new one.", null, default, bench.QueueBench.Time, mailBy: "second"));
        // It waits for the disk by the time it has returned, and only once.
        var turn = bench.TurnAsync();
        Assert.That(turn.IsCompleted, Is.False);
        bench.QueueBench.Time.Advance(TimeSpan.FromSeconds(5));
        await turn.WaitAsync(cancellation);
        Assert.That(string.Join('\n', bench.Receiver.Bodies), Does.Contain("The disk hangs.").And.Contain("is paused"));
        bench.QueueBench.Time.Advance(TimeSpan.FromSeconds(30));
        Assert.That(await bench.QueueBench.Queue.ObstacleAsync(default), Does.Contain("has not answered for"));

        // The mail that was on its way all the time is not written a second time.
        hang.Set();
        bench.QueueBench.Fault = null;
        // Behind all that waited.
        await bench.QueueBench.Queue.PutStateAsync("bench", "rest", null, cancellation);
        for (var i = 0; i < 6; i++) await bench.AdvanceAsync(TimeSpan.FromSeconds(10));
        await bench.AdvanceAsync(TimeSpan.FromHours(1));
        Assert.That(await bench.MailAsync(), Has.Count.EqualTo(1));
        Assert.That(await bench.QueueBench.Queue.ObstacleAsync(default), Is.Null);
    }

    [Test]
    public async Task What_lasts_is_heard_however_much_happens_beside_it()
    {
        await using var bench = await AlertsBench.OpenAsync();
        for (var i = 0; i < 1100; i++) bench.Alerts.Raise(Failed() with { Key = $"device{i}" });
        await bench.RaiseAsync(Alert.AccountPaused("default", "Wrong password.", "Make a new one.", null, default, bench.QueueBench.Time, mailBy: null));
        Assert.That(bench.Receiver.Bodies, Has.Some.Contain("is paused"));
        Assert.That(bench.Alerts.Snapshot.Troubles, Has.Count.EqualTo(1001), "a flood is bounded");
    }

    [Test]
    public async Task Mail_goes_through_the_queue_with_a_null_sender_urgently_and_by_the_account_named()
    {
        await using var bench = await AlertsBench.OpenAsync(new AlertSettings { Email = You });
        await bench.RaiseAsync(Alert.AccountPaused("default", "Wrong password.", "Make a new one.", null, bench.QueueBench.Time.GetUtcNow(), bench.QueueBench.Time, mailBy: "second"));
        var mail = (await bench.MailAsync()).Single();
        var content = System.Text.Encoding.UTF8.GetString((await bench.QueueBench.ContentAsync(mail.Id))!);
        Assert.Multiple(() =>
        {
            Assert.That((mail.Sender.IsNull, mail.Account, mail.Lane, mail.Recipients.Single().Address), Is.EqualTo((true, "second", Lane.Urgent, You)));
            Assert.That(bench.Alerts.Snapshot.Deliveries.Single(), Has.Property("Channel").EqualTo("e-mail").And.Property("Mail").EqualTo(mail.Id.ToString()), "so that its own fate can be seen");
            Assert.That(mail.Subject, Is.EqualTo("[SmartHost] Gmail account default is paused"));
            Assert.That(content, Does.Contain("Auto-Submitted: auto-generated").And.Contain("Make a new one.").And.Not.Contain("From:"));
            Assert.That(content.Replace("\r\n", ""), Does.Not.Contain("\n").And.Not.Contain("\r"));
            Assert.That(content, Does.Contain($"Message-Id: {mail.MessageId}").IgnoreCase);
        });
    }

    [Test]
    public async Task An_account_without_another_beside_it_is_told_of_by_webhook_alone()
    {
        await using var bench = await AlertsBench.OpenAsync(new AlertSettings { Email = You, Webhook = new Secret("https://hooks.example.com/x") });
        await bench.RaiseAsync(Alert.AccountPaused("default", "Wrong password.", "Make a new one.", null, default, bench.QueueBench.Time, mailBy: null));
        Assert.That(await bench.MailAsync(), Is.Empty);
        Assert.That(bench.Receiver.Bodies, Has.Count.EqualTo(1));
    }

    [Test]
    public async Task Without_any_channel_trouble_is_still_shown()
    {
        await using var bench = await AlertsBench.OpenAsync(new AlertSettings());
        await bench.RaiseAsync(Paused);
        Assert.That(bench.Alerts.Snapshot.Troubles.Single().Alert, Is.EqualTo(Paused));
    }

    [Test]
    public async Task The_webhooks_address_is_in_no_log_line_and_no_result()
    {
        await using var bench = await AlertsBench.OpenAsync(new AlertSettings { Webhook = new Secret("http://127.0.0.1:1/s3cr3t") });
        bench.Receiver.Answer = _ => throw new HttpRequestException(HttpRequestError.ConnectionError, "Connection refused (127.0.0.1:1/s3cr3t)");
        await bench.RaiseAsync(Paused);
        Assert.That(bench.Alerts.Snapshot.Deliveries[0].Problem, Is.EqualTo("no connection"));
        Assert.That(string.Join('\n', bench.Log.Lines), Does.Contain("no connection").And.Not.Contain("s3cr3t"));
    }

    [Test]
    public async Task The_loop_ends_when_it_is_told_to_and_tells_what_is_raised_before()
    {
        await using var bench = await AlertsBench.OpenAsync();
        using var stop = new CancellationTokenSource();
        var told = new TaskCompletionSource();
        bench.Receiver.Answer = _ =>
        {
            told.TrySetResult();
            return new HttpResponseMessage(HttpStatusCode.OK);
        };
        var running = bench.Alerts.RunAsync(stop.Token);
        bench.Alerts.Raise(Paused);
        await told.Task.WaitAsync(TimeSpan.FromSeconds(30));
        await stop.CancelAsync();
        await running.WaitAsync(TimeSpan.FromSeconds(30));
    }

    [Test, CancelAfter(30_000)]
    public async Task What_is_said_while_a_webhook_lets_us_wait_outlives_a_stop(CancellationToken cancellation)
    {
        await using var bench = await AlertsBench.OpenAsync();
        await bench.RaiseAsync(Alert.DiskLow("/data", 1, 2));
        using var stop = new CancellationTokenSource();
        bench.Receiver.Answer = _ =>
        {
            bench.Alerts.Raise(Paused);
            bench.Alerts.Over(AlertKind.DiskLow, _ => true, "There is room.");
            stop.Cancel();
            throw new OperationCanceledException(stop.Token);
        };
        bench.Alerts.Raise(Failed());
        await bench.Alerts.RunAsync(stop.Token).WaitAsync(cancellation);
        bench.Receiver.Answer = _ => new HttpResponseMessage(HttpStatusCode.OK);
        await bench.RestartAsync();
        await bench.TurnAsync();
        Assert.That(bench.Receiver.Bodies, Has.Some.Contain("is paused"));
        // As the housekeeping does every minute.
        bench.Alerts.Over(AlertKind.DiskLow, _ => true, "There is room.");
        await bench.TurnAsync();
        Assert.That(bench.Receiver.Bodies[^1], Does.Contain("Over: The disk"));
    }

    [Test]
    public async Task An_end_that_could_not_be_told_before_a_restart_is_told_after_it_once()
    {
        await using var bench = await AlertsBench.OpenAsync();
        await bench.RaiseAsync(Paused);
        bench.Receiver.Answer = _ => new HttpResponseMessage(HttpStatusCode.BadGateway);
        bench.Alerts.Over(AlertKind.AccountPaused, "default", "Fine.");
        await bench.TurnAsync();
        Assert.That(bench.Alerts.Snapshot.Troubles, Is.Empty);
        bench.Receiver.Answer = _ => new HttpResponseMessage(HttpStatusCode.OK);
        for (var i = 0; i < 2; i++)
        {
            await bench.RestartAsync();
            bench.Alerts.Over(AlertKind.AccountPaused, "default", "Fine.");
            await bench.TurnAsync();
        }
        Assert.That(bench.Receiver.Bodies, Has.Count.EqualTo(3), "the trouble, its end that was refused, its end");
        Assert.That(bench.Receiver.Bodies[2], Does.Contain("Over: "));
    }

    [Test]
    public async Task An_end_that_mail_has_told_is_not_mailed_again_at_each_restart_while_the_webhook_is_away()
    {
        await using var bench = await AlertsBench.OpenAsync();
        bench.Settings = bench.Settings with { Email = You };
        await bench.RaiseAsync(Paused);
        bench.Receiver.Answer = _ => new HttpResponseMessage(HttpStatusCode.BadGateway);
        for (var i = 0; i < 3; i++)
        {
            bench.Alerts.Over(AlertKind.AccountPaused, "default", "Fine.");
            await bench.TurnAsync();
            await bench.RestartAsync();
        }
        Assert.That((await bench.MailAsync()).Select(mail => mail.Subject), Has.Exactly(1).Contains("Over: "));
    }

    [Test]
    public async Task What_comes_again_is_mailed_though_its_end_still_waits_for_a_webhook_that_is_away()
    {
        await using var bench = await AlertsBench.OpenAsync();
        bench.Settings = bench.Settings with { Email = You };
        bench.Receiver.Answer = _ => new HttpResponseMessage(HttpStatusCode.BadGateway);
        await bench.RaiseAsync(Alert.DiskLow("/data", 400 << 20, 500 << 20));
        bench.Alerts.Over(AlertKind.DiskLow, "data", "There is room again.");
        await bench.AdvanceAsync(TimeSpan.FromHours(1));
        await bench.AdvanceAsync(TimeSpan.FromHours(1));
        await bench.RaiseAsync(Alert.DiskLow("/data", 300 << 20, 500 << 20));
        Assert.That((await bench.MailAsync()).Select(mail => mail.Subject), Is.EqualTo((string[])
            ["[SmartHost] The disk is nearly full", "[SmartHost] Over: The disk is nearly full", "[SmartHost] The disk is nearly full"]));
        bench.Receiver.Answer = _ => new HttpResponseMessage(HttpStatusCode.OK);
        var tries = bench.Receiver.Bodies.Count;
        await bench.AdvanceAsync(TimeSpan.FromHours(1));
        Assert.That(bench.Receiver.Bodies.Skip(tries), Has.One.Items.And.All.Contains("300 MB are free"), "that it is over would be wrong by now");
    }

    [Test]
    public async Task What_happens_again_is_mailed_though_a_webhook_that_is_away_has_not_taken_the_first()
    {
        await using var bench = await AlertsBench.OpenAsync();
        bench.Settings = bench.Settings with { Email = You };
        bench.Receiver.Answer = _ => new HttpResponseMessage(HttpStatusCode.BadGateway);
        for (var i = 0; i < 3; i++)
        {
            await bench.RaiseAsync(Alert.MailLate("scanner", QueueId.Create(DateTimeOffset.UnixEpoch, new Random(i)), "Scan", TimeSpan.FromHours(5), null, byMail: true));
            await bench.AdvanceAsync(TimeSpan.FromHours(2));
        }
        Assert.That(await bench.MailAsync(), Has.Count.EqualTo(3));
    }

    [Test]
    public async Task Strangers_without_end_are_not_all_kept_and_hold_up_no_other_event()
    {
        await using var bench = await AlertsBench.OpenAsync();
        for (var i = 0; i < 500; i++) bench.Alerts.Raise(Alert.UnknownDevice($"2001:db8::{i:x}", null, null));
        await bench.TurnAsync();
        Assert.That(bench.Alerts.Snapshot.Troubles, Has.Count.EqualTo(200));
        await bench.RaiseAsync(Failed());
        await bench.AdvanceAsync(TimeSpan.FromHours(1));
        Assert.That(bench.Receiver.Bodies, Has.Some.Contains("No such user."), "as soon as anything more may be said");
    }

    private static Alert Failed() => Alert.MessageFailed("scanner", QueueId.Create(DateTimeOffset.UnixEpoch, new Random(1)), "Scan", You, "No such user.");
}
