using SmartHost.Delivery;
using SmartHost.Gmail;
using SmartHost.Mail;
using SmartHost.Practice;
using SmartHost.Queue;
using SmartHost.Tests.Gmail;
using SmartHost.Tests.Queue;

namespace SmartHost.Tests.Delivery;

public class AccountTroubleTests
{
    private const string DailyLimit = "550-5.4.5 Daily user sending limit exceeded. For more information on Gmail\n550 5.4.5 sending limits go to https://support.google.com/a/answer/166852 gsmtp";

    [Test]
    public async Task A_refused_password_keeps_all_mail_and_is_tried_by_one_login_at_a_time()
    {
        await using var bench = await DeliveryBench.OpenAsync();
        bench.Accounts = [bench.Account("default", DeliveryBench.You, "wrongwrongwrong!")];
        for (var i = 0; i < 20; i++) await bench.AcceptAsync();
        bench.Start();
        await PausedAsync(bench);
        Assert.Multiple(() =>
        {
            Assert.That(bench.State(), Has.Property("NeedsPerson").True.And.Property("Remedy").Contains("app password"));
            Assert.That(bench.Gmail.Logins, Is.LessThanOrEqualTo(2), "one a connection, and no more once it is known");
        });
        var logins = bench.Gmail.Logins;
        await bench.AdvanceAsync(TimeSpan.FromMinutes(14), TimeSpan.FromMinutes(1));
        Assert.That(bench.Gmail.Logins, Is.EqualTo(logins));
        await bench.AdvanceUntilAsync(TimeSpan.FromMinutes(1), () => Task.FromResult(bench.Gmail.Logins == logins + 1), "the one early second try");
        await bench.AdvanceAsync(TimeSpan.FromMinutes(55), TimeSpan.FromMinutes(1));
        Assert.That(bench.Gmail.Logins, Is.EqualTo(logins + 1), "then at most one an hour");
        Assert.That(bench.Queue.Counts().Waiting, Is.EqualTo(20));
    }

    [Test]
    public async Task A_new_password_ends_the_pause_at_once_and_says_so()
    {
        await using var bench = await DeliveryBench.OpenAsync();
        await PausedByItsPasswordAsync(bench);
        await bench.Alerts.TurnAsync(default);
        Assert.That(bench.Webhook.Bodies, Has.Count.EqualTo(1).And.Some.Contain("is paused"));

        bench.Accounts = [bench.Account("default", DeliveryBench.You)];
        bench.Loop.NotifySettingsChanged();
        await bench.Gmail.WaitForAsync(5, bench.TooLong);
        Assert.That(bench.Log.Lines, Has.Some.EqualTo("account default works again"));
        await bench.Alerts.TurnAsync(default);
        Assert.That(bench.Webhook.Bodies, Has.Some.Contain("Over: "));
    }

    [Test]
    public async Task A_password_refused_after_an_outage_is_told_though_the_outage_was()
    {
        await using var bench = await DeliveryBench.OpenAsync();
        bench.AlertSettings = bench.AlertSettings with { Webhook = new Secret("https://hooks.example.com/x") };
        bench.Accounts = [bench.Account("default", DeliveryBench.You, "wrongwrongwrong!")];
        await bench.Gmail.GoOfflineAsync();
        await bench.AcceptAsync();
        bench.Start();
        await bench.AdvanceAsync(TimeSpan.FromMinutes(40), TimeSpan.FromMinutes(1));
        await bench.Alerts.TurnAsync(default);
        Assert.That(bench.Webhook.Bodies, Has.Count.EqualTo(1));
        bench.Gmail.GoOnline();
        await bench.AdvanceUntilAsync(TimeSpan.FromMinutes(1), () => Task.FromResult(bench.State().NeedsPerson), "the refused password");
        await bench.Alerts.TurnAsync(default);
        Assert.That(bench.Webhook.Bodies, Has.Count.EqualTo(2));
        Assert.That(bench.Webhook.Bodies[1], Does.Contain("app password"));
    }

    // The alerts' loop has no turn before the crash, so their words are lost.
    [Test]
    public async Task A_crash_between_a_pause_and_its_announcement_loses_neither_its_beginning_nor_its_end_and_tells_neither_twice()
    {
        await using var bench = await DeliveryBench.OpenAsync();
        await PausedByItsPasswordAsync(bench);
        for (var i = 0; i < 2; i++)
        {
            await bench.RestartAsync();
            await bench.RestAsync();
            await bench.Alerts.TurnAsync(default);
            Assert.That(bench.Webhook.Bodies, Has.Count.EqualTo(1).And.Some.Contain("is paused"));
        }
        bench.Accounts = [bench.Account("default", DeliveryBench.You)];
        bench.Loop.NotifySettingsChanged();
        await bench.Gmail.WaitForAsync(5, bench.TooLong);
        for (var i = 0; i < 2; i++)
        {
            await bench.RestartAsync();
            await bench.RestAsync();
            await bench.Alerts.TurnAsync(default);
            Assert.That(bench.Webhook.Bodies, Has.Count.EqualTo(2).And.Some.Contain("Over: "));
        }
    }

    // Two connections open; the first fails and the account pauses; the second hangs until the pause's wait is over, and its probe waits for it.
    [Test]
    public async Task A_probe_does_not_wait_for_ever_for_a_connection_that_was_opening_before_the_pause()
    {
        await using var bench = await DeliveryBench.OpenAsync();
        bench.Accounts = [bench.Account("default", DeliveryBench.You) with { Connections = 2 }];
        var first = bench.Gmail.Script.Add(new PracticeRule(PracticeStage.Greeting, new Misbehaviour.Stall(), new Misbehaviour.Reply("421 4.3.0 Temporary System Problem. Try again later (10). gsmtp")) { First = 1 });
        var second = bench.Gmail.Script.Add(new PracticeRule(PracticeStage.Greeting, new Misbehaviour.Stall()) { First = 2 });
        var login = bench.Gmail.Script.Add(new PracticeRule(PracticeStage.Auth, new Misbehaviour.Stall()) { First = 1 });
        var ids = new[] { await bench.AcceptAsync(), await bench.AcceptAsync() };
        bench.Start();
        await first.Reached.WaitAsync(bench.TooLong);
        await second.Reached.WaitAsync(bench.TooLong);
        first.Release();
        await bench.UntilAsync(() => bench.State().Health == AccountHealth.Paused, "the pause");
        bench.Time.Advance(TimeSpan.FromSeconds(25));
        second.Release();
        await login.Reached.WaitAsync(bench.TooLong);
        // Its login hangs until the connector's patience with it is over, later than the wait of the pause.
        await bench.AdvanceAnywayUntilAsync(TimeSpan.FromSeconds(1), () => bench.Gmail.Messages.Count == ids.Length, "both messages");
        foreach (var id in ids) await bench.DoneAsync(id);
    }

    [Test]
    public async Task Another_wrong_password_is_one_login_more_and_no_false_joy()
    {
        await using var bench = await DeliveryBench.OpenAsync();
        await PausedByItsPasswordAsync(bench);
        await bench.RestAsync();
        await bench.Alerts.TurnAsync(default);
        var logins = bench.Gmail.Logins;

        bench.Accounts = [bench.Account("default", DeliveryBench.You, "alsowrongalsowro")];
        bench.Loop.NotifySettingsChanged();
        await bench.UntilAsync(() => bench.Gmail.Logins > logins, "a try");
        await bench.RestAsync();
        await bench.Alerts.TurnAsync(default);
        Assert.Multiple(() =>
        {
            Assert.That(bench.Gmail.Logins, Is.EqualTo(logins + 1));
            Assert.That(bench.State().NextProbe - bench.Time.GetUtcNow(), Is.EqualTo(TimeSpan.FromMinutes(15)), "new credentials are a new beginning");
            Assert.That(bench.Log.Lines, Has.None.Contain("works again"));
            Assert.That(bench.Webhook.Bodies, Has.None.Contain("Over: "));
        });
        await bench.RestartAsync();
        await bench.RestAsync();
        Assert.That(bench.Gmail.Logins, Is.EqualTo(logins + 1), "a restart knows which ones were refused");
    }

    [Test]
    public async Task An_account_without_mail_is_asked_by_one_login_when_its_pause_ends()
    {
        await using var bench = await DeliveryBench.OpenAsync();
        bench.Gmail.Script.Add(new PracticeRule(PracticeStage.Auth, new Misbehaviour.Reply("454 4.7.0 Too many login attempts, please try again later. gsmtp")) { Times = 3 });
        bench.Start();
        var id = await bench.AcceptAsync();
        await PausedAsync(bench);
        await bench.Queue.DeleteAsync(id, default);
        await bench.AdvanceAsync(TimeSpan.FromMinutes(14), TimeSpan.FromMinutes(1));
        Assert.That(bench.Gmail.Logins, Is.EqualTo(1));
        await bench.AdvanceAsync(TimeSpan.FromMinutes(17), TimeSpan.FromMinutes(1));
        Assert.That(bench.Gmail.Logins, Is.EqualTo(2));
        await bench.AdvanceAsync(TimeSpan.FromMinutes(13), TimeSpan.FromMinutes(1));
        Assert.That(bench.Gmail.Logins, Is.EqualTo(2), "the wait has doubled");
        await bench.AdvanceUntilAsync(TimeSpan.FromMinutes(1), () => Task.FromResult(bench.State().Health == AccountHealth.Healthy), "a login that succeeds");
        Assert.That(bench.Gmail.Logins, Is.EqualTo(4));
        await bench.AdvanceAsync(TimeSpan.FromHours(5), TimeSpan.FromMinutes(5));
        Assert.That(bench.Gmail.Logins, Is.EqualTo(4), "and then no more");
    }

    [Test]
    public async Task Without_mail_a_daily_limits_pause_ends_with_its_wait_and_one_for_a_person_does_not()
    {
        await using var bench = await DeliveryBench.OpenAsync();
        bench.Gmail.Script.Add(PracticeStage.EndOfData, DailyLimit);
        bench.Start();
        var id = await bench.AcceptAsync();
        await PausedAsync(bench);
        await bench.Queue.HoldAsync(id, "not now", default);
        await bench.AdvanceAsync(TimeSpan.FromMinutes(62), TimeSpan.FromMinutes(1));
        Assert.That(bench.State().Health, Is.EqualTo(AccountHealth.Healthy));

        bench.Gmail.Script.Add(PracticeStage.Mail, "550 5.7.0 Mail relay denied [203.0.113.7]. gsmtp");
        var other = await bench.AcceptAsync();
        await PausedAsync(bench);
        await bench.Queue.HoldAsync(other, "not now", default);
        await bench.AdvanceAsync(TimeSpan.FromHours(3), TimeSpan.FromMinutes(5));
        Assert.That(bench.State(), Has.Property("Health").EqualTo(AccountHealth.Paused).And.Property("NeedsPerson").True);
        bench.Loop.TryNow("default");
        await bench.UntilAsync(() => bench.State().Health == AccountHealth.Healthy, "a person's word");
        Assert.That(bench.Gmail.Messages, Is.Empty);
    }

    [Test]
    public async Task New_credentials_are_proved_by_one_login_where_no_message_waits()
    {
        await using var bench = await DeliveryBench.OpenAsync();
        bench.Start();
        await bench.Loop.RestAsync();
        Assert.That(bench.Gmail.Logins, Is.Zero, "a start proves nothing: check does");
        bench.Accounts = [bench.Account("default", DeliveryBench.You, "wrongwrongwrong!")];
        bench.Loop.NotifySettingsChanged();
        await PausedAsync(bench);
        Assert.That(bench.Gmail.Logins, Is.EqualTo(1));
        bench.Accounts = [bench.Account("default", DeliveryBench.You)];
        bench.Loop.NotifySettingsChanged();
        await bench.UntilAsync(() => bench.Gmail.Logins == 2 && bench.State().Health == AccountHealth.Healthy, "the right password");
        bench.Loop.TryNow("default");
        await bench.RestAsync();
        Assert.That(bench.Gmail.Logins, Is.EqualTo(2), "the open connection is proof enough");
    }

    [Test]
    public async Task A_person_may_end_the_wait_by_one_try()
    {
        await using var bench = await DeliveryBench.OpenAsync();
        bench.Accounts = [bench.Account("default", DeliveryBench.You, "wrongwrongwrong!")];
        for (var i = 0; i < 5; i++) await bench.AcceptAsync();
        bench.Start();
        await PausedAsync(bench);
        await bench.RestAsync();
        var logins = bench.Gmail.Logins;
        bench.Loop.TryNow("default");
        await bench.UntilAsync(() => bench.Gmail.Logins == logins + 1, "one try");
        await bench.RestAsync();
        Assert.That(bench.Gmail.Logins, Is.EqualTo(logins + 1), "for five messages");
        bench.Gmail.SetAccount(new PracticeAccount(DeliveryBench.You, new Secret("wrongwrongwrong!")));
        bench.Loop.TryNow("default");
        await bench.Gmail.WaitForAsync(5, bench.TooLong);
    }

    [Test]
    public async Task A_pause_outlives_a_restart_and_a_password_mended_meanwhile_ends_it()
    {
        await using var bench = await DeliveryBench.OpenAsync();
        bench.Accounts = [bench.Account("default", DeliveryBench.You, "wrongwrongwrong!")];
        var id = await bench.AcceptAsync();
        bench.Start();
        await PausedAsync(bench);
        var logins = bench.Gmail.Logins;
        await bench.RestartAsync();
        await PausedAsync(bench);
        Assert.That(bench.Gmail.Logins, Is.EqualTo(logins), "a restart is no reason to knock again");

        await bench.StopAsync();
        bench.Accounts = [bench.Account("default", DeliveryBench.You)];
        bench.Start();
        await bench.DoneAsync(id);
    }

    [Test]
    public async Task A_consent_given_while_it_was_not_running_is_asked_for_at_the_start()
    {
        await using var bench = await DeliveryBench.OpenAsync();
        await using var google = await TokenEndpoint.StartAsync();
        using var http = new HttpClient();
        bench.Accounts = [bench.Account("default", DeliveryBench.You) with { Credentials = new AccountCredentials.OAuth("id", new Secret("secret"), null) }];
        var kept = new RefreshTokens(bench.QueueBench.Folder);
        bench.Connector = () => new GmailConnector(bench.Time, tokens: new AccessTokens(bench.Time, http, kept, endpoint: google.Uri));
        bench.Start();
        await bench.AcceptAsync();
        await PausedAsync(bench);
        Assert.That((google.Forms.Count, bench.State().NextProbe - bench.Time.GetUtcNow()), Is.EqualTo((0, TimeSpan.FromHours(1))), "without a consent there is nothing to ask with");
        await bench.StopAsync();
        kept.Keep("default", "id", new Secret("1//new"), bench.Time.GetUtcNow());
        bench.Start();
        await bench.UntilAsync(() => google.Forms.Count > 0, "Google to be asked");
        Assert.That(google.Forms[0]["refresh_token"], Is.EqualTo("1//new"));
    }

    [Test]
    public async Task The_daily_limit_waits_and_probes_one_message_an_hour_and_bounces_nothing()
    {
        await using var bench = await DeliveryBench.OpenAsync();
        bench.Gmail.Script.Add(new PracticeRule(PracticeStage.EndOfData, new Misbehaviour.Reply(DailyLimit)) { First = 3, Times = 5 });
        for (var i = 0; i < 10; i++) await bench.AcceptAsync();
        bench.Accounts = [bench.Account("default", DeliveryBench.You) with { Connections = 1 }];
        bench.Start();
        await PausedAsync(bench);
        Assert.That(bench.Gmail.Messages, Has.Count.EqualTo(2));
        var transactions = bench.Heard("MAIL");
        await bench.AdvanceAsync(TimeSpan.FromHours(3.5), TimeSpan.FromMinutes(5));
        await bench.UntilAsync(() => bench.Heard("MAIL") == transactions + 3, "one probe an hour");
        Assert.That(bench.Gmail.Messages, Has.Count.EqualTo(2));
        await bench.AdvanceUntilAsync(TimeSpan.FromMinutes(5), () => Task.FromResult(bench.Gmail.Messages.Count == 10), "the end of the limit");
        Assert.That(await bench.Queue.SearchAsync(new MessageSearch(Bounced: true), default), Is.Empty);
        Assert.That(bench.State().Health, Is.EqualTo(AccountHealth.Healthy));
    }

    [Test]
    public async Task A_week_without_a_line_only_delays()
    {
        await using var bench = await DeliveryBench.OpenAsync();
        await bench.Gmail.GoOfflineAsync();
        bench.Start();
        var id = await bench.AcceptAsync();
        await PausedAsync(bench);
        await bench.AdvanceAsync(TimeSpan.FromDays(7), TimeSpan.FromMinutes(30));
        var middle = await bench.AcceptAsync();
        bench.Gmail.GoOnline();
        await bench.AdvanceUntilAsync(TimeSpan.FromMinutes(1), async () => (await bench.FindAsync(id)).State == MessageState.Done, "delivery");
        await bench.DoneAsync(middle);
        Assert.That(bench.Gmail.Messages, Has.Count.EqualTo(2));
        Assert.That((await bench.FindAsync(id)).Recipients.Single().State, Is.EqualTo(RecipientState.Sent));
    }

    [Test]
    public async Task A_pause_across_a_restart_ages_nothing()
    {
        await using var bench = await DeliveryBench.OpenAsync();
        await bench.Gmail.GoOfflineAsync();
        bench.Start();
        var id = await bench.AcceptAsync();
        await PausedAsync(bench);
        await bench.StopAsync();
        bench.Time.Advance(TimeSpan.FromDays(30));
        bench.Gmail.GoOnline();
        bench.Start();
        await bench.AdvanceUntilAsync(TimeSpan.FromMinutes(1), async () => (await bench.FindAsync(id)).State == MessageState.Done, "delivery");
        Assert.That((await bench.FindAsync(id)).Recipients.Single().State, Is.EqualTo(RecipientState.Sent));
    }

    [Test]
    public async Task While_the_line_is_down_the_first_message_says_so_once_and_connections_are_few()
    {
        await using var bench = await DeliveryBench.OpenAsync();
        await bench.Gmail.GoOfflineAsync();
        for (var i = 0; i < 10; i++) await bench.AcceptAsync();
        bench.Start();
        await PausedAsync(bench);
        await bench.AdvanceAsync(TimeSpan.FromHours(2), TimeSpan.FromMinutes(1));
        var told = 0;
        foreach (var message in await bench.Queue.SearchAsync(new MessageSearch(), default))
        {
            told += (await bench.Queue.TimelineAsync(message.Id, default)).Count(entry => entry.Event == TimelineEvent.Deferred);
        }
        Assert.That(told, Is.EqualTo(1));
        Assert.That(bench.Log.Lines.Count(line => line.Contains("cannot be reached")), Is.InRange(10, 16), "1, 2, 5 minutes, then every ten");
    }

    [Test]
    public async Task Slow_down_means_one_connection_a_rest_and_a_slower_pace_that_recovers()
    {
        await using var bench = await DeliveryBench.OpenAsync();
        bench.Gmail.Script.Add(PracticeStage.EndOfData, "421 4.7.0 Temporary System Problem.  Try again later (10). gsmtp");
        bench.Start();
        var id = await bench.AcceptAsync();
        await bench.UntilAsync(() => bench.Loop.State.Accounts is [{ Health: AccountHealth.Slowed }], "slowing");
        Assert.That((await bench.FindAsync(id)).State, Is.EqualTo(MessageState.Queued));
        for (var i = 0; i < 100; i++) await bench.AcceptAsync();
        Assert.That(bench.Gmail.Messages, Is.Empty, "it rests");
        await bench.AdvanceUntilAsync(TimeSpan.FromSeconds(1), () => Task.FromResult(bench.Gmail.Messages.Count == 101), "all of it");
        var times = bench.Gmail.Messages.Select(message => message.At).ToList();
        Assert.Multiple(() =>
        {
            Assert.That(times[0] - QueueBench.Start, Is.GreaterThanOrEqualTo(TimeSpan.FromMinutes(1)));
            Assert.That(times[5] - times[4], Is.GreaterThanOrEqualTo(TimeSpan.FromSeconds(1)));
            Assert.That(times[100], Is.EqualTo(times[95]), "as fast as before");
        });
        await bench.UntilAsync(() => bench.State().Health == AccountHealth.Healthy, "health");
    }

    [Test]
    public async Task Slow_down_is_heard_by_what_waits_for_a_connection()
    {
        await using var bench = await DeliveryBench.OpenAsync();
        bench.Accounts = [bench.Account("default", DeliveryBench.You) with { Connections = 2 }];
        var slow = bench.Gmail.Script.Add(new PracticeRule(PracticeStage.Mail, new Misbehaviour.Stall(), new Misbehaviour.Reply("421 4.7.0 Temporary System Problem.  Try again later (10). gsmtp")));
        bench.Start();
        await bench.AcceptAsync();
        await slow.Reached.WaitAsync(bench.TooLong);
        var second = bench.Gmail.Script.Add(PracticeStage.Greeting, new Misbehaviour.Stall());
        await bench.AcceptAsync();
        await second.Reached.WaitAsync(bench.TooLong);
        slow.Release();
        await bench.UntilAsync(() => bench.Loop.State.Accounts is [{ Health: AccountHealth.Slowed }], "slowing");
        second.Release();
        await bench.RestAsync();
        Assert.That(bench.Gmail.Messages, Is.Empty, "it rests");
        await bench.AdvanceUntilAsync(TimeSpan.FromSeconds(10), () => Task.FromResult(bench.Gmail.Messages.Count == 2), "both");
        Assert.That(bench.Gmail.Messages[0].At - QueueBench.Start, Is.GreaterThanOrEqualTo(TimeSpan.FromMinutes(1)));
    }

    [Test]
    public async Task An_account_under_another_name_has_the_day_that_its_mailbox_has_left()
    {
        await using var bench = await DeliveryBench.OpenAsync();
        bench.Start();
        await bench.DoneAsync(await bench.AcceptAsync());
        bench.Accounts = [bench.Account("office", DeliveryBench.You), bench.Account("spare", DeliveryBench.Other)];
        bench.Loop.NotifySettingsChanged();
        await bench.UntilAsync(() => bench.Loop.State.Accounts.Count == 2, "the new names");
        Assert.That(bench.Loop.State.Accounts.Select(account => account.MessagesUsed), Is.EqualTo(new[] { 1, 0 }));
    }

    [Test]
    public async Task A_probe_that_outlasts_its_pause_says_nothing_about_the_next_one()
    {
        await using var bench = await DeliveryBench.OpenAsync();
        bench.Accounts = [bench.Account("default", DeliveryBench.You) with { Connections = 2 }];
        await bench.Gmail.GoOfflineAsync();
        bench.Start();
        await bench.AcceptAsync();
        await PausedAsync(bench);
        var probe = bench.Gmail.Script.Add(PracticeStage.Taken, new Misbehaviour.Stall());
        bench.Gmail.GoOnline();
        await bench.AdvanceAnywayUntilAsync(TimeSpan.FromMinutes(1), () => probe.Reached.IsCompleted, "the probe, whose login ended the pause");
        bench.Gmail.Script.Add(PracticeStage.Mail, "550 5.4.5 Daily user sending limit exceeded. gsmtp");
        await bench.AcceptAsync();
        await PausedAsync(bench);
        probe.Release();
        await bench.RestAsync();
        Assert.That(bench.Gmail.Messages, Has.Count.EqualTo(1));
        Assert.That(bench.State(), Has.Property("Health").EqualTo(AccountHealth.Paused).And.Property("Sentence").Contains("daily sending limit"));
    }

    [Test]
    public async Task Three_spam_verdicts_in_an_hour_rest_the_account()
    {
        await using var bench = await DeliveryBench.OpenAsync();
        bench.Accounts = [bench.Account("default", DeliveryBench.You) with { Connections = 1 }];
        bench.Gmail.Script.Add(new PracticeRule(PracticeStage.EndOfData,
            new Misbehaviour.Reply("550-5.7.1 Our system has detected that this message is\n550 5.7.1 likely unsolicited mail. gsmtp")) { Times = 3 });
        for (var i = 0; i < 4; i++) await bench.AcceptAsync();
        bench.Start();
        await PausedAsync(bench);
        Assert.That(bench.Queue.Counts(), Has.Property("Parked").EqualTo(3).And.Property("Waiting").EqualTo(1));
        await bench.AdvanceUntilAsync(TimeSpan.FromMinutes(5), () => Task.FromResult(bench.Gmail.Messages.Count == 1), "the fourth");
        Assert.That(bench.Time.GetUtcNow() - QueueBench.Start, Is.GreaterThanOrEqualTo(TimeSpan.FromHours(1)));
    }

    [Test]
    public async Task After_the_third_spam_verdict_nothing_that_waits_for_a_connection_goes_out()
    {
        await using var bench = await DeliveryBench.OpenAsync();
        bench.Accounts = [bench.Account("default", DeliveryBench.You) with { Connections = 2 }];
        bench.Gmail.Script.Add(new PracticeRule(PracticeStage.EndOfData, new Misbehaviour.Reply("550 5.7.1 This message is likely unsolicited mail. gsmtp")) { Times = 3 });
        // The second connection does not come, so that there is always one who waits for it.
        var second = bench.Gmail.Script.Add(new PracticeRule(PracticeStage.Greeting, new Misbehaviour.Stall()) { First = 2 });
        for (var i = 0; i < 4; i++) await bench.AcceptAsync();
        bench.Start();
        await second.Reached.WaitAsync(bench.TooLong);
        await PausedAsync(bench);
        second.Release();
        await bench.RestAsync();
        Assert.That(bench.Gmail.Messages, Is.Empty);
        Assert.That(bench.Queue.Counts(), Has.Property("Parked").EqualTo(3).And.Property("Waiting").EqualTo(1));
    }

    [Test]
    public async Task An_account_slowed_at_its_login_says_so_afterwards()
    {
        await using var bench = await DeliveryBench.OpenAsync();
        bench.Gmail.Script.Add(PracticeStage.Auth, "421 4.7.0 Temporary System Problem.  Try again later (10). gsmtp");
        bench.Start();
        var id = await bench.AcceptAsync();
        await bench.AdvanceUntilAsync(TimeSpan.FromMinutes(1), async () => (await bench.FindAsync(id)).State == MessageState.Done, "delivery");
        Assert.That(bench.State(), Has.Property("Health").EqualTo(AccountHealth.Slowed).And.Property("Sentence").StartsWith("Sending slowly: Gmail finds").And.Property("Since").Not.Null);
    }

    [Test]
    public async Task The_fallback_takes_over_while_the_first_is_paused()
    {
        await using var bench = await DeliveryBench.OpenAsync();
        bench.Accounts = [bench.Account("default", DeliveryBench.You, "wrongwrongwrong!") with { Fallback = "second" }, bench.Account("second", DeliveryBench.Other)];
        bench.Start();
        await bench.DoneAsync(await bench.AcceptAsync());
        Assert.That(bench.Gmail.Messages.Single().Account, Is.EqualTo(DeliveryBench.Other));
        Assert.That(bench.Gmail.Messages.Single().Envelope.Sender.Mailbox, Is.EqualTo(DeliveryBench.Other));
    }

    [Test]
    public async Task The_fallback_takes_over_when_the_allowance_is_spent()
    {
        await using var bench = await DeliveryBench.OpenAsync();
        bench.Accounts = [bench.Account("default", DeliveryBench.You) with { DailyMessages = 10, Fallback = "second" }, bench.Account("second", DeliveryBench.Other)];
        bench.Start();
        for (var i = 0; i < 11; i++) await bench.DoneAsync(await bench.AcceptAsync());
        Assert.That(bench.Gmail.Messages.Count(message => message.Account == DeliveryBench.You), Is.EqualTo(9), "normal mail spends 90 %");
        Assert.That(bench.Gmail.Messages.Count(message => message.Account == DeliveryBench.Other), Is.EqualTo(2));
    }

    [Test]
    public async Task A_spent_allowance_waits_for_its_window_and_urgent_mail_still_leaves()
    {
        await using var bench = await DeliveryBench.OpenAsync();
        bench.Accounts = [bench.Account("default", DeliveryBench.You) with { DailyMessages = 10 }];
        for (var i = 0; i < 8; i++) await bench.AcceptAsync("shop", Lane.Bulk);
        bench.Start();
        await bench.Gmail.WaitForAsync(5, bench.TooLong);
        await bench.DoneAsync(await bench.AcceptAsync("ups", Lane.Urgent));
        Assert.That(bench.Gmail.Messages, Has.Count.EqualTo(6));
        Assert.That(bench.State().Spent, Is.EqualTo([Lane.Bulk]));
        await bench.AdvanceUntilAsync(TimeSpan.FromMinutes(30), () => Task.FromResult(bench.Gmail.Messages.Count == 9), "the window");
        Assert.That(bench.Gmail.Messages[6].At - bench.Gmail.Messages[0].At, Is.GreaterThanOrEqualTo(TimeSpan.FromHours(24)));
        Assert.That(bench.State().Health, Is.EqualTo(AccountHealth.Healthy), "not an error");
    }

    [Test]
    public async Task Mail_to_more_than_the_allowance_leaves_goes_to_as_many_as_it_may()
    {
        await using var bench = await DeliveryBench.OpenAsync();
        bench.Accounts = [bench.Account("default", DeliveryBench.You) with { DailyRecipients = 10 }];
        bench.Start();
        var id = await bench.AcceptAsync(to: [.. Enumerable.Range(0, 12).Select(i => $"r{i}@example.com")]);
        var first = (await bench.Gmail.WaitForAsync(1, bench.TooLong))[0];
        Assert.That(first.Envelope.Recipients, Has.Count.EqualTo(9));
        await bench.AdvanceUntilAsync(TimeSpan.FromMinutes(30), async () => (await bench.FindAsync(id)).State == MessageState.Done, "the rest");
    }

    [Test]
    public async Task Mail_for_an_account_that_is_not_configured_leaves_by_the_default_one()
    {
        await using var bench = await DeliveryBench.OpenAsync();
        bench.Start();
        await bench.DoneAsync(await bench.AcceptAsync(account: "gone"));
        await bench.DoneAsync(await bench.AcceptAsync(account: "gone"));
        Assert.That(bench.Gmail.Messages.Select(message => message.Account), Is.All.EqualTo(DeliveryBench.You));
        Assert.That(bench.Log.Lines.Count(line => line.Contains("the account gone")), Is.EqualTo(1), "said once");
    }

    [Test]
    public async Task A_device_names_its_account()
    {
        await using var bench = await DeliveryBench.OpenAsync();
        bench.Accounts.Add(bench.Account("second", DeliveryBench.Other));
        bench.Start();
        await bench.DoneAsync(await bench.AcceptAsync(account: "second"));
        Assert.That(bench.Gmail.Messages.Single().Account, Is.EqualTo(DeliveryBench.Other));
    }

    [Test]
    public async Task A_login_forgotten_in_mid_connection_is_mended_by_a_new_one()
    {
        await using var bench = await DeliveryBench.OpenAsync();
        bench.Gmail.Script.Add(PracticeStage.Mail, "530-5.7.0 Authentication Required. For more information, go to\n530 5.7.0 https://support.google.com/mail/?p=WantAuthError gsmtp");
        bench.Start();
        await bench.DoneAsync(await bench.AcceptAsync());
        Assert.That(bench.Gmail.Logins, Is.EqualTo(2));
    }

    [Test]
    public async Task A_login_that_is_forgotten_every_time_pauses_the_account_before_Google_locks_it()
    {
        await using var bench = await DeliveryBench.OpenAsync();
        bench.Accounts = [bench.Account("default", DeliveryBench.You) with { Connections = 1 }];
        bench.Gmail.Script.Add(new PracticeRule(PracticeStage.Mail, new Misbehaviour.Reply("530 5.7.0 Authentication Required. gsmtp")) { Times = int.MaxValue });
        for (var i = 0; i < 20; i++) await bench.AcceptAsync();
        bench.Start();
        await PausedAsync(bench);
        await bench.AdvanceAsync(TimeSpan.FromMinutes(55), TimeSpan.FromMinutes(1));
        Assert.That(bench.State(), Has.Property("NeedsPerson").True.And.Property("Sentence").Contains("on a new connection too"));
        Assert.That(bench.Gmail.Logins, Is.LessThanOrEqualTo(3), "however many messages wait");
        Assert.That(bench.Queue.Counts(), Has.Property("Waiting").EqualTo(20).And.Property("Parked").Zero);
    }

    [Test]
    public async Task A_login_that_Gmail_does_not_understand_is_not_repeated_every_few_minutes()
    {
        await using var bench = await DeliveryBench.OpenAsync();
        bench.Gmail.Script.Add(new PracticeRule(PracticeStage.Auth, new Misbehaviour.Reply("501 5.5.2 Cannot Decode response gsmtp")) { Times = int.MaxValue });
        await bench.AcceptAsync();
        bench.Start();
        await PausedAsync(bench);
        await bench.AdvanceAsync(TimeSpan.FromMinutes(55), TimeSpan.FromMinutes(1));
        Assert.That((bench.Gmail.Logins, bench.State().NeedsPerson), Is.EqualTo((2, true)));
    }

    [Test]
    public async Task An_allowance_near_its_end_is_announced()
    {
        await using var bench = await DeliveryBench.OpenAsync();
        bench.AlertSettings = bench.AlertSettings with { Webhook = new Secret("https://hooks.example.com/x") };
        bench.Accounts = [bench.Account("default", DeliveryBench.You) with { DailyMessages = 5 }];
        bench.Start();
        for (var i = 0; i < 4; i++) await bench.DoneAsync(await bench.AcceptAsync());
        await bench.AdvanceAsync(TimeSpan.FromMinutes(2), TimeSpan.FromSeconds(30));
        await bench.Alerts.TurnAsync(default);
        Assert.That(bench.Webhook.Bodies, Has.Some.Contain("80 %"));
    }

    /// <summary>Five messages wait, and a webhook is there to be told.</summary>
    private static async Task PausedByItsPasswordAsync(DeliveryBench bench)
    {
        bench.AlertSettings = bench.AlertSettings with { Webhook = new Secret("https://hooks.example.com/x") };
        bench.Accounts = [bench.Account("default", DeliveryBench.You, "wrongwrongwrong!")];
        for (var i = 0; i < 5; i++) await bench.AcceptAsync();
        bench.Start();
        await PausedAsync(bench);
    }

    private static Task PausedAsync(DeliveryBench bench) => bench.UntilAsync(() => bench.Loop.State.Accounts is [{ Health: AccountHealth.Paused }, ..], "the pause");
}
