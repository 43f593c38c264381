using SmartHost.Delivery;
using SmartHost.Gmail;
using SmartHost.Gmail.Login;
using SmartHost.Mail;
using SmartHost.Practice;
using SmartHost.Tests.Gmail;

namespace SmartHost.Tests.Delivery;

/// <summary>An account whose login is refused: few tries, one alarm, no mail lost, and an end as soon as it is mended.</summary>
public class RefusedLoginTests
{
    [Test]
    public async Task A_refused_password_keeps_all_mail_and_is_tried_by_one_login_at_a_time()
    {
        await using var bench = await DeliveryBench.OpenAsync();
        bench.Accounts = [bench.Account("default", DeliveryBench.You, "wrongwrongwrong!")];
        for (var i = 0; i < 20; i++) await bench.AcceptAsync();
        bench.Start();
        await bench.PausedAsync();
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
        await bench.PausedAsync();
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
    public async Task New_credentials_are_proved_by_one_login_where_no_message_waits()
    {
        await using var bench = await DeliveryBench.OpenAsync();
        bench.Start();
        await bench.Loop.RestAsync();
        Assert.That(bench.Gmail.Logins, Is.Zero, "a start proves nothing: check does");
        bench.Accounts = [bench.Account("default", DeliveryBench.You, "wrongwrongwrong!")];
        bench.Loop.NotifySettingsChanged();
        await bench.PausedAsync();
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
        await bench.PausedAsync();
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
        await bench.PausedAsync();
        var logins = bench.Gmail.Logins;
        await bench.RestartAsync();
        await bench.PausedAsync();
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
        await bench.PausedAsync();
        Assert.That((google.Forms.Count, bench.State().NextProbe - bench.Time.GetUtcNow()), Is.EqualTo((0, TimeSpan.FromHours(1))), "without a consent there is nothing to ask with");
        await bench.StopAsync();
        kept.Keep("default", "id", new Secret("1//new"), bench.Time.GetUtcNow());
        bench.Start();
        await bench.UntilAsync(() => google.Forms.Count > 0, "Google to be asked");
        Assert.That(google.Forms[0]["refresh_token"], Is.EqualTo("1//new"));
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
        await bench.PausedAsync();
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
        await bench.PausedAsync();
        await bench.AdvanceAsync(TimeSpan.FromMinutes(55), TimeSpan.FromMinutes(1));
        Assert.That((bench.Gmail.Logins, bench.State().NeedsPerson), Is.EqualTo((2, true)));
    }

    /// <summary>Five messages wait, and a webhook is there to be told.</summary>
    private static async Task PausedByItsPasswordAsync(DeliveryBench bench)
    {
        bench.AlertSettings = bench.AlertSettings with { Webhook = new Secret("https://hooks.example.com/x") };
        bench.Accounts = [bench.Account("default", DeliveryBench.You, "wrongwrongwrong!")];
        for (var i = 0; i < 5; i++) await bench.AcceptAsync();
        bench.Start();
        await bench.PausedAsync();
    }
}
