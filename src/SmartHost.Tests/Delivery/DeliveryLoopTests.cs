using System.Text;
using SmartHost.Delivery;
using SmartHost.Mail;
using SmartHost.Practice;
using SmartHost.Queue;
using SmartHost.Tests.Queue;

namespace SmartHost.Tests.Delivery;

public class DeliveryLoopTests
{
    [Test]
    public async Task A_message_leaves_and_its_timeline_tells_how()
    {
        await using var bench = await DeliveryBench.OpenAsync();
        bench.Start();
        var id = await bench.AcceptAsync(to: ["ann@example.com", "bob@example.com"]);
        var done = await bench.DoneAsync(id);
        var arrived = bench.Gmail.Messages.Single();
        Assert.Multiple(() =>
        {
            Assert.That(done.Recipients, Has.All.Property("State").EqualTo(RecipientState.Sent));
            Assert.That(arrived.Envelope.Sender.Mailbox, Is.EqualTo(DeliveryBench.You), "the account, whatever the device said");
            Assert.That(arrived.Envelope.Recipients.Select(one => one.ToString()), Is.EqualTo(["ann@example.com", "bob@example.com"]));
            Assert.That(arrived.Violations, Is.Empty);
            Assert.That(bench.Queue.SpentBy("you@gmail.com"), Is.EqualTo(new Spend("you@gmail.com", 1, 2)));
        });
        var story = await bench.Queue.TimelineAsync(id, default);
        Assert.That(story.Select(entry => entry.Event), Is.SupersetOf(new[] { TimelineEvent.Received, TimelineEvent.Attempt, TimelineEvent.Sent }));
        Assert.That(story.Single(entry => entry.Event == TimelineEvent.Attempt).Text, Does.Contain($"{bench.Gmail.Host}:{bench.Gmail.Port}"));
    }

    [Test]
    public async Task Messages_that_share_a_Message_ID_without_being_the_same_get_one_each()
    {
        await using var bench = await DeliveryBench.OpenAsync();
        bench.Start();
        var first = await SentAsync("Alarm: door", "open");
        Assert.That(await SentAsync("Alarm: door", "open"), Is.EqualTo(first), "sent twice since our 250 was missed: the receiver can tell");
        var other = await SentAsync("Alarm: door", "shut");
        var third = await SentAsync("Alarm: window", "open");
        Assert.That(new[] { first, other, third }, Is.Unique);
        Assert.That(bench.Gmail.Messages[^1].Header("X-Original-Message-ID"), Is.EqualTo("<1@printer.lan>"));
        Assert.That(bench.Gmail.Messages.SelectMany(message => message.Violations), Is.Empty);

        await bench.RestartAsync();
        bench.Time.Advance(TimeSpan.FromMinutes(1)); // The queue's ids begin anew with the same chance, but at another time.
        Assert.That(new[] { first, other, third, await SentAsync("Alarm: roof", "open") }, Is.Unique, "what was found out is known after a restart");
        bench.Gmail.Script.Add(PracticeStage.Taken, [new Misbehaviour.Close()]);
        var again = await SentAsync("Alarm: cellar", "open");
        Assert.That(bench.Gmail.Messages[^2].Header("Message-ID"), Is.EqualTo(again), "the same at each attempt");

        async Task<string?> SentAsync(string subject, string text)
        {
            var content = Encoding.ASCII.GetBytes($"Subject: {subject}\r\nMessage-ID: <1@printer.lan>\r\n\r\n{text}\r\n");
            var id = await bench.QueueBench.AcceptAsync(QueueBench.Submission(subject: subject) with { MessageId = "<1@printer.lan>" }, content);
            await bench.AdvanceUntilAsync(TimeSpan.FromSeconds(30), async () => (await bench.FindAsync(id)).State == MessageState.Done, "its end");
            return bench.Gmail.Messages[^1].Header("Message-ID");
        }
    }

    [Test]
    public async Task No_arrival_is_slept_through()
    {
        await using var bench = await DeliveryBench.OpenAsync();
        bench.Start();
        // Each arrives as the loop comes to rest after the one before; the clock stands, so nothing but its arrival can wake the loop.
        for (var i = 1; i <= 200; i++)
        {
            await bench.AcceptAsync();
            await bench.Gmail.WaitForAsync(i, bench.TooLong);
        }
    }

    [Test]
    public async Task One_connection_serves_message_after_message_and_closes_when_it_has_served_its_share()
    {
        await using var bench = await DeliveryBench.OpenAsync();
        bench.Settings = bench.Settings with { MessagesPerConnection = 3 };
        bench.Start();
        for (var i = 0; i < 7; i++) await bench.DoneAsync(await bench.AcceptAsync());
        Assert.That(bench.Gmail.Messages.Select(message => message.Connection), Is.EqualTo([1, 1, 1, 2, 2, 2, 3]));
        await bench.UntilAsync(() => bench.Heard("QUIT") == 2, "a polite goodbye on both");
    }

    [Test]
    public async Task A_connection_that_nobody_needs_is_closed()
    {
        await using var bench = await DeliveryBench.OpenAsync();
        bench.Start();
        await bench.DoneAsync(await bench.AcceptAsync());
        await bench.AdvanceUntilAsync(TimeSpan.FromSeconds(10), () => Task.FromResult(bench.Heard("QUIT") == 1 && bench.Gmail.OpenConnections == 0), "QUIT");
    }

    [Test]
    public async Task A_burst_uses_two_connections_and_never_more()
    {
        await using var bench = await DeliveryBench.OpenAsync();
        for (var i = 0; i < 40; i++) await bench.AcceptAsync($"device{i % 4}");
        bench.Start();
        await bench.Gmail.WaitForAsync(40, bench.TooLong);
        Assert.That(bench.Gmail.MostOpenConnections, Is.InRange(1, 2));
        Assert.That(bench.Gmail.Violations, Is.Empty);
    }

    [Test]
    public async Task An_urgent_message_leaves_while_a_scan_uploads_and_500_bulk_messages_wait()
    {
        await using var bench = await DeliveryBench.OpenAsync();
        // Both ordinary connections are busy and stay so: one with a 20 MB scan, one with a newsletter.
        var busy = bench.Gmail.Script.Add(new PracticeRule(PracticeStage.Content, new Misbehaviour.Stall()) { Times = 2 });
        var scan = await bench.AcceptAsync("scanner", Lane.Normal, null, null, Scan(20_000_000));
        for (var i = 0; i < 500; i++) await bench.AcceptAsync("shop", Lane.Bulk);
        bench.Start();
        await bench.UntilAsync(() => busy.Played == 2, "both connections to be busy");

        await bench.AcceptAsync("ups", Lane.Urgent);
        var first = (await bench.Gmail.WaitForAsync(1, bench.TooLong))[0];
        Assert.That(first.Header("X-SmartHost-Device"), Is.EqualTo("ups"), "while nothing else had left");
        Assert.That((await bench.FindAsync(scan)).State, Is.EqualTo(MessageState.Queued));

        busy.Release();
        await bench.DoneAsync(scan);
        Assert.That(bench.Gmail.MostOpenConnections, Is.EqualTo(3), "two, and one for the urgent message");
    }

    [Test]
    public async Task A_long_run_leaves_at_the_pace_and_urgent_mail_does_not_wait_for_it()
    {
        await using var bench = await DeliveryBench.OpenAsync();
        bench.Settings = bench.Settings with { Burst = 2, Pace = TimeSpan.FromSeconds(2) };
        for (var i = 0; i < 4; i++) await bench.AcceptAsync("shop", Lane.Normal);
        bench.Start();
        await bench.Gmail.WaitForAsync(2, bench.TooLong);
        await bench.AcceptAsync("ups", Lane.Urgent);
        var third = (await bench.Gmail.WaitForAsync(3, bench.TooLong))[2];
        Assert.That(third.Header("X-SmartHost-Device"), Is.EqualTo("ups"));
        await bench.AdvanceUntilAsync(TimeSpan.FromSeconds(0.5), () => Task.FromResult(bench.Gmail.Messages.Count == 5), "the rest");
        var times = bench.Gmail.Messages.Select(message => message.At).ToList();
        Assert.That(times[4] - times[3], Is.GreaterThanOrEqualTo(TimeSpan.FromSeconds(2)));
        Assert.That(times[3] - times[0], Is.GreaterThanOrEqualTo(TimeSpan.FromSeconds(4)), "the urgent one's token is paid back");
    }

    [Test]
    public async Task Nothing_leaves_while_the_disk_would_not_take_that_it_did_and_all_of_it_afterwards()
    {
        await using var bench = await DeliveryBench.OpenAsync();
        bench.Accounts = [bench.Account("default", DeliveryBench.You) with { Connections = 1 }];
        for (var i = 0; i < 30; i++) await bench.AcceptAsync();
        bench.QueueBench.Fault = QueueBench.FullDisk;
        bench.Start();
        // As many as may wait for the disk with their results, and no more.
        await bench.UntilAsync(() => bench.Log.Lines.Count(line => line.Contains("It leaves when that has changed.")) == 16, "what waits for the disk");
        await bench.UntilAsync(() => bench.State().Sending == 0, "rest");
        Assert.That(bench.Gmail.Messages, Is.Empty, "a restart would send it again, and say nothing of it");
        bench.QueueBench.Fault = null;
        await bench.AdvanceAnywayUntilAsync(TimeSpan.FromSeconds(1), () => bench.Gmail.Messages.Count == 30, "the rest");
        Assert.That(bench.Gmail.Connections, Is.EqualTo(1));
    }

    [Test]
    public async Task Two_hundred_and_fifty_recipients_are_three_transactions_with_one_Message_ID()
    {
        await using var bench = await DeliveryBench.OpenAsync();
        bench.Start();
        var id = await bench.AcceptAsync(to: [.. Enumerable.Range(0, 250).Select(i => $"r{i}@example.com")]);
        await bench.DoneAsync(id);
        var messages = bench.Gmail.Messages;
        Assert.That(messages.Select(message => message.Envelope.Recipients.Count), Is.EqualTo([100, 100, 50]));
        Assert.That(messages.Select(message => message.Header("Message-ID")).Distinct().Count(), Is.EqualTo(1));
        Assert.That(messages.SelectMany(message => message.Envelope.Recipients).Distinct().Count(), Is.EqualTo(250));
        Assert.That(bench.Queue.SpentBy("you@gmail.com"), Is.EqualTo(new Spend("you@gmail.com", 3, 250)));
    }

    [Test]
    public async Task Each_recipient_has_its_own_fate()
    {
        await using var bench = await DeliveryBench.OpenAsync();
        bench.Gmail.Script.Add(new PracticeRule(PracticeStage.Rcpt, new Misbehaviour.Reply("550 5.1.1 The email account that you tried to reach does not exist. gsmtp")) { Argument = "gone@example.com" });
        bench.Gmail.Script.Add(new PracticeRule(PracticeStage.Rcpt, new Misbehaviour.Reply("450 4.2.1 The user you are trying to contact is receiving mail too quickly. gsmtp")) { Argument = "busy@example.com" });
        bench.AlertSettings = bench.AlertSettings with { Email = DeliveryBench.You };
        bench.Start();
        var id = await bench.AcceptAsync(to: ["ann@example.com", "gone@example.com", "busy@example.com"]);
        await bench.UntilAsync(async () => (await bench.FindAsync(id)).Recipients.Select(one => one.State).SequenceEqual([RecipientState.Sent, RecipientState.Bounced, RecipientState.Queued]), "three fates");
        await bench.AdvanceUntilAsync(TimeSpan.FromMinutes(1), async () => (await bench.FindAsync(id)).State == MessageState.Done, "the second try");
        Assert.That(bench.Gmail.Messages.Select(message => string.Join(' ', message.Envelope.Recipients)), Is.EqualTo(["ann@example.com", "busy@example.com"]));
        Assert.That(bench.Gmail.Messages[1].At - bench.Gmail.Messages[0].At, Is.GreaterThanOrEqualTo(TimeSpan.FromMinutes(15)));
        await bench.Reports.ReportAsync(default);
        var report = (await bench.Queue.SearchAsync(new MessageSearch(Device: "smarthost"), default)).Single();
        Assert.That(report.Recipients.Single().Address, Is.EqualTo(DeliveryBench.You));
    }

    [Test]
    public async Task What_one_recipients_organisation_forbids_reaches_all_others()
    {
        await using var bench = await DeliveryBench.OpenAsync();
        bench.Gmail.Script.Add(new PracticeRule(PracticeStage.Rcpt, new Misbehaviour.Reply("550 5.7.1 No scans to the board, please. - gcdp")) { Argument = "board@example.com" });
        bench.Start();
        var id = await bench.AcceptAsync(to: ["board@example.com", .. Enumerable.Range(0, 120).Select(i => $"r{i}@example.com")]);
        var done = await bench.DoneAsync(id);
        Assert.That(done.Recipients.Where(one => one.State == RecipientState.Bounced).Select(one => one.Address.ToString()), Is.EqualTo(["board@example.com"]));
        Assert.That(bench.Gmail.Messages.SelectMany(message => message.Envelope.Recipients).Distinct().Count(), Is.EqualTo(120));
    }

    // Said at the end of the data it names nobody; to bounce all for it would blame whom it does not concern.
    [TestCase("550 5.1.1 The email account that you tried to reach does not exist. gsmtp", RecipientState.Bounced)]
    [TestCase("552 5.2.2 The email account that you tried to reach is over quota. gsmtp", RecipientState.Bounced)]
    [TestCase("553 5.1.2 We weren't able to find the recipient domain. gsmtp", RecipientState.Bounced)]
    [TestCase("452 4.2.2 The recipient's inbox is out of storage space. gsmtp", RecipientState.Queued)]
    public async Task One_recipients_trouble_that_is_told_of_the_message_becomes_that_recipients(string reply, RecipientState state)
    {
        await using var bench = await DeliveryBench.OpenAsync();
        bench.Gmail.Script.Add(new PracticeRule(PracticeStage.EndOfData, new Misbehaviour.Reply(reply)) { Times = 3 });
        bench.Start();
        var id = await bench.AcceptAsync(to: [.. Enumerable.Range(0, 4).Select(i => $"r{i}@example.com")]);
        await bench.RestAsync();
        Assert.That((await bench.FindAsync(id)).Recipients.Select(one => one.State), Is.EqualTo([state, RecipientState.Sent, RecipientState.Sent, RecipientState.Sent]));
        Assert.That((await bench.Queue.TimelineAsync(id, default)).Select(entry => entry.Text), Has.Some.StartsWith("Gmail refused one of the recipients").And.Some.EndsWith("Offered again at once in another transaction."));
    }

    [Test]
    public async Task A_connection_that_died_while_idle_costs_nothing_but_a_new_one()
    {
        await using var bench = await DeliveryBench.OpenAsync();
        bench.Start();
        await bench.DoneAsync(await bench.AcceptAsync());
        bench.Gmail.Script.Add(PracticeStage.Mail, "451 4.4.2 Timeout - closing connection. gsmtp");
        var second = await bench.AcceptAsync();
        var done = await bench.DoneAsync(second);
        Assert.That(done.Attempts, Is.EqualTo(1), "the resend is the one that counts");
        Assert.That(bench.Gmail.Messages.Select(message => message.Connection), Is.EqualTo([1, 2]));
    }

    [Test]
    public async Task A_lost_answer_is_sent_once_more_with_the_same_Message_ID_and_said_to_be_possibly_double()
    {
        await using var bench = await DeliveryBench.OpenAsync();
        bench.Gmail.Script.Add(PracticeStage.Taken, new Misbehaviour.Close());
        bench.Start();
        var id = await bench.AcceptAsync();
        await bench.AdvanceUntilAsync(TimeSpan.FromSeconds(10), async () => (await bench.FindAsync(id)).State == MessageState.Done, "the second try");
        Assert.That(bench.Gmail.Messages.Select(message => message.Header("Message-ID")).Distinct().Count(), Is.EqualTo(1));
        Assert.That(bench.Gmail.Messages, Has.Count.EqualTo(2));
        Assert.That(await bench.QueueBench.StoryAsync(id), Has.Some.EqualTo(TimelineEvent.PossibleDuplicate));
        Assert.That(bench.Log.Lines, Has.Some.Contain("possible duplicate"));
    }

    [Test]
    public async Task An_answer_lost_twice_is_left_to_a_person()
    {
        await using var bench = await DeliveryBench.OpenAsync();
        bench.Gmail.Script.Add(new PracticeRule(PracticeStage.Taken, new Misbehaviour.Close()) { Times = 10 });
        bench.Start();
        var id = await bench.AcceptAsync();
        await bench.AdvanceUntilAsync(TimeSpan.FromSeconds(10), async () => (await bench.FindAsync(id)).State == MessageState.Parked, "parking");
        Assert.That(bench.Gmail.Messages, Has.Count.EqualTo(2));
        Assert.That((await bench.FindAsync(id)).StateReason, Does.EndWith("then retry or delete it."), "as the page and the command line call it");
    }

    [Test]
    public async Task However_many_servers_it_has_passed_what_the_listener_took_is_sent()
    {
        await using var bench = await DeliveryBench.OpenAsync();
        bench.Start();
        var id = await bench.AcceptAsync(content: string.Concat(Enumerable.Range(0, 100).Select(i => $"Received: from hop{i}\r\n")) + "Subject: x\r\n\r\nx\r\n");
        var done = await bench.DoneAsync(id);
        Assert.That(done.Recipients.Single().State, Is.EqualTo(RecipientState.Sent));
        Assert.That(bench.Gmail.Messages, Has.Count.EqualTo(1));
    }

    [Test]
    public async Task A_message_too_large_for_Gmail_is_given_up_with_advice()
    {
        await using var bench = await DeliveryBench.OpenAsync();
        bench.Start();
        var id = await bench.AcceptAsync("scanner", Lane.Normal, null, null, Scan(36_500_000));
        var done = await bench.DoneAsync(id);
        Assert.That(done.Recipients.Single(), Has.Property("State").EqualTo(RecipientState.Bounced).And.Property("Reply").Contains("fewer pages"));
        Assert.That(bench.Heard("MAIL"), Is.Zero);
    }

    [Test]
    public async Task A_message_whose_content_is_gone_is_parked_and_the_others_go_on()
    {
        await using var bench = await DeliveryBench.OpenAsync();
        var broken = await bench.AcceptAsync("scanner", Lane.Normal, null, null, Scan(400_000));
        File.Delete(Path.Combine(bench.QueueBench.Folder, "content", bench.QueueBench.ContentFiles().Single()));
        var fine = await bench.AcceptAsync();
        bench.Start();
        await bench.DoneAsync(fine);
        Assert.That((await bench.StateAsync(broken, MessageState.Parked)).StateReason, Does.Contain("missing").And.Contain("retry the message, or delete it"));
    }

    [Test]
    public async Task A_stop_lets_the_attempt_in_flight_finish()
    {
        await using var bench = await DeliveryBench.OpenAsync();
        bench.Accounts = [bench.Account("default", DeliveryBench.You) with { Connections = 1 }];
        var answer = bench.Gmail.Script.Add(PracticeStage.Taken, new Misbehaviour.Stall());
        bench.Start();
        var id = await bench.AcceptAsync();
        await answer.Reached.WaitAsync(bench.TooLong);
        var later = await bench.AcceptAsync();
        var stopped = await bench.BeginStopAsync();
        answer.Release();
        await stopped.WaitAsync(bench.TooLong);
        Assert.That((await bench.FindAsync(id)).State, Is.EqualTo(MessageState.Done));
        Assert.That(bench.Gmail.Messages, Has.Count.EqualTo(1));
        Assert.That(((await bench.FindAsync(later)).State, await bench.QueueBench.StoryAsync(later)), Is.EqualTo((MessageState.Queued, new[] { TimelineEvent.Received })), "nothing new is begun");
    }

    [Test]
    public async Task A_stop_says_goodbye_on_an_idle_connection_before_the_attempt_in_flight_ends()
    {
        await using var bench = await DeliveryBench.OpenAsync();
        var answer = bench.Gmail.Script.Add(PracticeStage.Taken, new Misbehaviour.Stall());
        for (var i = 0; i < 2; i++) await bench.AcceptAsync();
        bench.Start();
        await answer.Reached.WaitAsync(bench.TooLong);
        await bench.UntilAsync(() => bench.Loop.State.Accounts is [{ Connections: 2, Sending: 1 }], "the other to be idle");
        var stopped = await bench.BeginStopAsync();
        await bench.UntilAsync(() => bench.Heard("QUIT") == 1, "its end");
        answer.Release();
        await stopped.WaitAsync(bench.TooLong);
        Assert.That(bench.Gmail.Messages, Has.Count.EqualTo(2));
    }

    [Test]
    public async Task A_stop_abandons_what_does_not_finish_in_its_grace_and_loses_nothing()
    {
        await using var bench = await DeliveryBench.OpenAsync();
        var stalled = bench.Gmail.Script.Add(PracticeStage.Content, new Misbehaviour.Stall());
        bench.Start();
        // Too large for the buffers on the way, so that it cannot have left whole.
        var id = await bench.AcceptAsync("scanner", Lane.Normal, null, null, Scan(20_000_000));
        await stalled.Reached.WaitAsync(bench.TooLong);
        var stopped = await bench.BeginStopAsync();
        await bench.AdvanceAnywayUntilAsync(TimeSpan.FromSeconds(1), () => stopped.IsCompleted, "the end of the grace");
        await stopped;
        Assert.That((await bench.FindAsync(id)).State, Is.EqualTo(MessageState.Queued));
        bench.Gmail.Script.Clear();
        await bench.RestartAsync();
        await bench.DoneAsync(id);
        Assert.That(bench.Gmail.Messages, Has.Count.EqualTo(1));
    }

    [Test]
    public async Task A_stop_between_the_content_and_its_reply_tells_of_the_possible_duplicate()
    {
        await using var bench = await DeliveryBench.OpenAsync();
        var silent = bench.Gmail.Script.Add(new PracticeRule(PracticeStage.Taken, new Misbehaviour.Stall()));
        var id = await bench.AcceptAsync();
        bench.Start();
        await silent.Reached.WaitAsync(bench.TooLong);
        var stopped = await bench.BeginStopAsync();
        await bench.AdvanceAnywayUntilAsync(TimeSpan.FromSeconds(1), () => stopped.IsCompleted, "the end of the grace");
        bench.Gmail.Script.Clear();
        await bench.RestartAsync();
        Assert.That((await bench.DoneAsync(id)).PossibleDuplicate, Is.True);
        Assert.That(await bench.QueueBench.StoryAsync(id), Has.Member(TimelineEvent.PossibleDuplicate));
    }

    [Test]
    public async Task A_stop_ends_even_while_the_disk_takes_nothing()
    {
        await using var bench = await DeliveryBench.OpenAsync();
        bench.Accounts = [bench.Account("default", DeliveryBench.You, "wrongwrongwrong!")];
        var id = await bench.AcceptAsync();
        bench.QueueBench.Fault = QueueBench.FullDisk;
        bench.Start();
        await bench.UntilAsync(() => bench.Gmail.Logins > 0 && bench.Log.Lines.Any(line => line.Contains("is paused")), "a pause that cannot be written");
        var stopped = await bench.BeginStopAsync();
        await bench.AdvanceAnywayUntilAsync(TimeSpan.FromSeconds(1), () => stopped.IsCompleted, "the end");
        await stopped;
        bench.QueueBench.Fault = null;
        bench.Accounts = [bench.Account("default", DeliveryBench.You)];
        await bench.RestartAsync();
        await bench.DoneAsync(id);
    }

    [Test]
    public async Task A_stop_ends_even_while_a_change_of_settings_waits_for_the_disk()
    {
        await using var bench = await DeliveryBench.OpenAsync();
        bench.Accounts = [bench.Account("default", DeliveryBench.You, "wrongwrongwrong!")];
        var id = await bench.AcceptAsync();
        bench.Start();
        await bench.PausedAsync();
        await bench.RestAsync();
        bench.QueueBench.Fault = QueueBench.FullDisk;
        bench.Accounts = [bench.Account("default", DeliveryBench.You)];
        bench.Loop.NotifySettingsChanged();
        var stopped = await bench.BeginStopAsync();
        await bench.AdvanceAnywayUntilAsync(TimeSpan.FromSeconds(1), () => stopped.IsCompleted, "the end");
        await stopped;
        bench.QueueBench.Fault = null;
        await bench.RestartAsync();
        await bench.DoneAsync(id);
    }

    [Test]
    public async Task Mail_tried_for_its_whole_lifetime_is_given_up_with_the_last_answer_and_reported()
    {
        await using var bench = await DeliveryBench.OpenAsync();
        bench.AlertSettings = bench.AlertSettings with { Email = DeliveryBench.You };
        bench.Gmail.Script.Add(new PracticeRule(PracticeStage.Rcpt, new Misbehaviour.Reply("450 4.2.1 The user is receiving mail at a rate that prevents delivery gsmtp")) { Argument = "busy@example.com", Times = 10_000 });
        bench.Start();
        var id = await bench.AcceptAsync(to: ["busy@example.com"]);
        await bench.AdvanceUntilAsync(TimeSpan.FromMinutes(30), async () => (await bench.FindAsync(id)).State == MessageState.Done, "its end");
        var recipient = (await bench.FindAsync(id)).Recipients.Single();
        Assert.That(recipient.State, Is.EqualTo(RecipientState.Bounced));
        Assert.That(recipient.Reply, Does.StartWith("4.4.7 Tried for 5 days; last answer: "));
        Assert.That(bench.Time.GetUtcNow() - QueueBench.Start, Is.InRange(TimeSpan.FromDays(5), TimeSpan.FromDays(5.2)));
        Assert.That((await bench.FindAsync(id)).LateAnnounced, Is.True, "it was announced as late before");
        await bench.Reports.ReportAsync(default);
        Assert.That(await bench.Queue.SearchAsync(new MessageSearch(Device: "smarthost"), default), Is.Not.Empty);
    }

    [Test]
    public async Task Late_mail_is_told_of_once_after_four_hours_and_all_of_it_together()
    {
        await using var bench = await DeliveryBench.OpenAsync();
        bench.AlertSettings = bench.AlertSettings with { Webhook = new Secret("https://hooks.example.com/x") };
        bench.Gmail.Script.Add(new PracticeRule(PracticeStage.Rcpt, new Misbehaviour.Reply("450 4.2.1 The user is receiving mail at a rate that prevents delivery gsmtp")) { Times = 10_000 });
        bench.Start();
        for (var i = 0; i < 5; i++) await bench.AcceptAsync();
        await bench.AdvanceAsync(TimeSpan.FromHours(3.9), TimeSpan.FromMinutes(5));
        await bench.Alerts.TurnAsync(default);
        Assert.That(bench.Webhook.Bodies, Is.Empty);
        await bench.AdvanceAsync(TimeSpan.FromHours(0.2), TimeSpan.FromMinutes(1));
        await bench.Alerts.TurnAsync(default);
        await bench.AdvanceAsync(TimeSpan.FromHours(12), TimeSpan.FromMinutes(15));
        await bench.Alerts.TurnAsync(default);
        Assert.That(bench.Webhook.Bodies, Has.Count.InRange(1, 2), "five messages are not five notices");
        Assert.That(bench.Webhook.Bodies, Has.All.Contain("Mail of scanner is late"));
        Assert.That(bench.Webhook.Bodies[0], Does.Contain("Last answer: The recipient gets mail too quickly for Gmail."));
    }

    [TestCase("452 4.2.2 The recipient's inbox is out of storage space and inactive. gsmtp", 2, "mailbox is full")]
    [TestCase("550 5.2.1 The user you are trying to contact is receiving mail at a rate that prevents additional messages from being delivered. gsmtp", 1, "more mail than Gmail lets through")]
    public async Task A_full_or_flooded_mailbox_is_given_up_after_days_and_not_after_the_whole_lifetime(string reply, int days, string reason)
    {
        await using var bench = await DeliveryBench.OpenAsync();
        bench.Gmail.Script.Add(new PracticeRule(PracticeStage.Rcpt, new Misbehaviour.Reply(reply)) { Argument = "full@example.com", Times = 10_000 });
        bench.Start();
        var id = await bench.AcceptAsync(to: ["full@example.com", "ann@example.com"]);
        await bench.UntilAsync(async () => (await bench.FindAsync(id)).Recipients[1].State == RecipientState.Sent, "the other recipient to be sent");
        await bench.AdvanceUntilAsync(TimeSpan.FromMinutes(15), async () => (await bench.FindAsync(id)).State == MessageState.Done, "its end");
        Assert.That(bench.Time.GetUtcNow() - QueueBench.Start, Is.InRange(TimeSpan.FromDays(days), TimeSpan.FromDays(days + 0.2)));
        Assert.That((await bench.FindAsync(id)).Recipients[0].Reply, Is.EqualTo(reply));
        var end = (await bench.Queue.TimelineAsync(id, default)).Single(entry => entry.Event == TimelineEvent.Bounced);
        Assert.That(end.Text, Does.Contain(reason).And.Contain("gave it up"));
    }

    [Test]
    public async Task A_message_that_was_on_hold_for_days_gets_more_than_one_try_at_a_full_mailbox()
    {
        await using var bench = await DeliveryBench.OpenAsync();
        var id = await bench.AcceptAsync();
        await bench.Queue.HoldAsync(id, "wait", default);
        bench.Time.Advance(TimeSpan.FromDays(3));
        bench.Gmail.Script.Add(PracticeStage.Rcpt, "452 4.2.2 The recipient's inbox is out of storage space. gsmtp");
        bench.Start();
        await bench.Queue.ReleaseAsync(id, default);
        await bench.AdvanceUntilAsync(TimeSpan.FromMinutes(5), async () => (await bench.FindAsync(id)).State == MessageState.Done, "its end");
        Assert.That((await bench.FindAsync(id)).Recipients.Single().State, Is.EqualTo(RecipientState.Sent));
    }

    private static byte[] Scan(int octets)
    {
        var line = new string('A', 76) + "\r\n";
        var header = "Received: from printer\r\nSubject: scan\r\nMIME-Version: 1.0\r\nContent-Type: application/pdf; name=scan.pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n";
        return Encoding.ASCII.GetBytes(header + string.Concat(Enumerable.Repeat(line, octets / line.Length)));
    }
}
