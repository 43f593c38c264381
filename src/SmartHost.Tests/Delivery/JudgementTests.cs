using Microsoft.Extensions.Time.Testing;
using SmartHost.Delivery;
using SmartHost.Gmail;
using SmartHost.Gmail.Replies;
using SmartHost.Mail;
using SmartHost.Queue;

namespace SmartHost.Tests.Delivery;

public class JudgementTests
{
    private static readonly DateTimeOffset Noon = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);
    private static readonly FakeTimeProvider Clock = new(Noon);
    private static readonly Mailbox Ann = Mailbox.Parse("ann@example.com"), Bob = Mailbox.Parse("bob@example.com");
    private static readonly SmtpReply Ok = new(250, new EnhancedStatus(2, 0, 0), "OK gsmtp");
    private readonly RetrySchedule schedule = new(() => new DeliverySettings(), new RetryScheduleTests.NoJitter());

    [Test]
    public void Each_recipient_has_its_own_outcome()
    {
        var judged = Judge(Message(Ann, Bob), [Said(Ann, VerdictAction.Accepted, Ok), Said(Bob, VerdictAction.BounceRecipient, new SmtpReply(550, new EnhancedStatus(5, 1, 1), "No such user"))]);
        Assert.Multiple(() =>
        {
            Assert.That(Of<DeliveryStatus.Sent>(judged, Ann).Reply, Is.EqualTo(Ok));
            Assert.That(Of<DeliveryStatus.Bounced>(judged, Bob).Status, Is.EqualTo(new EnhancedStatus(5, 1, 1)));
            Assert.That(judged.Settlement.Spent, Is.EqualTo(new Spend("you@gmail.com", 1, 1)));
            Assert.That(judged.Settlement.CountsAsAttempt, Is.True);
            Assert.That(judged.Taken, Is.True);
        });
    }

    [Test]
    public void Waits_grow_with_the_recipients_own_attempts()
    {
        var message = Message(Ann, Bob);
        message = message with { Recipients = [message.Recipients[0], message.Recipients[1] with { Attempts = 2 }] };
        var judged = Judge(message, [Said(Ann, VerdictAction.RetrySoon), Said(Bob, VerdictAction.RetrySoon)]);
        Assert.That((Of<DeliveryStatus.Deferred>(judged, Ann).Due - Noon, Of<DeliveryStatus.Deferred>(judged, Bob).Due - Noon), Is.EqualTo((TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(5))));
    }

    [Test]
    public void Recipients_that_are_put_off_together_come_due_together()
    {
        var many = Enumerable.Range(0, 60).Select(i => Mailbox.Parse($"r{i}@example.com")).ToArray();
        var spread = new RetrySchedule(() => new DeliverySettings(), new Random(1));
        DateTimeOffset[] Dues() => [.. Judgement.Of(Offer(Message(many)), new TransactionOutcome([.. many.Select(one => Said(one, VerdictAction.RetrySoon))], MayBeDelivered: false), MessageNotes.None, spread, Clock)
            .Settlement.Outcomes.Select(outcome => ((DeliveryStatus.Deferred)outcome.Status).Due).Distinct()];
        var (first, second) = (Dues(), Dues());
        Assert.Multiple(() =>
        {
            Assert.That(first, Has.Length.EqualTo(1), "one transaction, as it was");
            Assert.That(second, Is.Not.EqualTo(first), "another message comes at another time");
        });
    }

    [Test]
    public void Retry_now_is_at_once_and_uncounted_and_the_second_time_in_a_row_soon()
    {
        var first = Judge(Message(Ann), [Said(Ann, VerdictAction.RetryNow)]);
        var second = Judge(Message(Ann), [Said(Ann, VerdictAction.RetryNow)], first.Notes);
        Assert.Multiple(() =>
        {
            Assert.That(first.Settlement.Outcomes, Is.Empty, "as it was: due");
            Assert.That(first.Settlement.CountsAsAttempt, Is.False);
            Assert.That(Of<DeliveryStatus.Deferred>(second, Ann).Due, Is.EqualTo(Noon.AddMinutes(1)));
            Assert.That(second.Settlement.CountsAsAttempt, Is.True);
            Assert.That(second.Notes.Resent, Is.False, "the next is a new row of tries");
        });
    }

    [Test]
    public void What_a_new_connection_does_not_mend_is_set_aside_for_a_person()
    {
        var misunderstood = new RecipientVerdict(Ann, new Verdict(VerdictAction.RetryNow, "row", "What happened.", "What to do.", Again: VerdictAction.Park), null);
        var first = Judge(Message(Ann), [misunderstood]);
        var second = Judge(Message(Ann), [misunderstood], first.Notes);
        Assert.Multiple(() =>
        {
            Assert.That((first.Settlement.Park, first.Notes.Resent), Is.EqualTo(((string?)null, true)));
            Assert.That(second.Settlement.Park, Is.EqualTo("What happened, on a new connection too. What to do."));
            Assert.That(second.Settlement.Outcomes, Is.Empty, "when it is released it is due");
        });
    }

    [Test]
    public void A_login_that_Gmail_forgets_on_each_connection_is_the_accounts_trouble()
    {
        var forgotten = new RecipientVerdict(Ann, new Verdict(VerdictAction.RetryNow, "row", "What happened.", "What to do.", Again: VerdictAction.HoldAccountForPerson), null);
        var judged = Judge(Message(Ann), [forgotten], Judge(Message(Ann), [forgotten]).Notes);
        Assert.That((judged.AboutAccount?.Action, judged.Settlement.CountsAsAttempt, judged.Notes.Resent), Is.EqualTo(((VerdictAction?)VerdictAction.HoldAccountForPerson, false, false)));
    }

    [TestCase(VerdictAction.HoldAccount)]
    [TestCase(VerdictAction.HoldAccountForPerson)]
    public void A_hold_is_the_accounts_and_leaves_the_message_due_and_unaged(VerdictAction action)
    {
        var judged = Judge(Message(Ann), [Said(Ann, action, new SmtpReply(550, new EnhancedStatus(5, 4, 5), "Daily user sending limit exceeded"))]);
        var status = Of<DeliveryStatus.Deferred>(judged, Ann);
        Assert.Multiple(() =>
        {
            Assert.That(judged.AboutAccount?.Action, Is.EqualTo(action));
            Assert.That(status.Due, Is.EqualTo(Noon));
            Assert.That(status.Status, Is.EqualTo(new EnhancedStatus(4, 4, 5)), "what only delays is not a 5 to us");
            Assert.That(judged.Settlement.CountsAsAttempt, Is.False);
            Assert.That(judged.Settlement.Spent, Is.Null);
        });
    }

    [Test]
    public void A_hold_among_other_words_is_heard()
    {
        var judged = Judge(Message(Ann, Bob), [Said(Ann, VerdictAction.SlowDown), Said(Bob, VerdictAction.HoldAccount)]);
        Assert.That(judged.AboutAccount?.Action, Is.EqualTo(VerdictAction.HoldAccount));
    }

    [Test]
    public void Slow_down_is_not_the_messages_fault()
    {
        var judged = Judge(Message(Ann), [Said(Ann, VerdictAction.SlowDown)]);
        Assert.That((judged.AboutAccount?.Action, judged.Settlement.CountsAsAttempt, Of<DeliveryStatus.Deferred>(judged, Ann).Due), Is.EqualTo(((VerdictAction?)VerdictAction.SlowDown, false, Noon.AddMinutes(1))));
    }

    [Test]
    public void A_refused_message_bounces_for_every_recipient_even_those_not_in_this_transaction()
    {
        var judged = Judge(Message(Ann, Bob), [Said(Ann, VerdictAction.BounceMessage, new SmtpReply(552, new EnhancedStatus(5, 3, 4), "too large"))]);
        Assert.That(judged.Settlement.Outcomes.Select(outcome => outcome.Status), Is.All.TypeOf<DeliveryStatus.Bounced>());
        Assert.That(judged.Settlement.Outcomes, Has.Count.EqualTo(2));
    }

    [Test]
    public void A_blocked_attachment_is_named()
    {
        var judged = Judge(Message(Ann), [Said(Ann, VerdictAction.BounceMessage, new SmtpReply(552, new EnhancedStatus(5, 7, 0), "potential security issue"))], blocked: ["setup.exe in tools.zip"]);
        Assert.That(Of<DeliveryStatus.Bounced>(judged, Ann).Reason, Does.Contain("setup.exe in tools.zip"));
    }

    [Test]
    public void A_parked_message_keeps_what_was_already_taken()
    {
        var judged = Judge(Message(Ann, Bob), [Said(Ann, VerdictAction.Accepted, Ok), Said(Bob, VerdictAction.Park, spam: true)]);
        Assert.Multiple(() =>
        {
            Assert.That(judged.Settlement.Outcomes.Select(outcome => outcome.Recipient), Is.EqualTo([Ann]));
            Assert.That(judged.Settlement.Park, Does.Contain("What happened.").And.Contain("What to do."));
            Assert.That(judged.Settlement.Timeline.Select(entry => entry.Event), Has.Some.EqualTo(TimelineEvent.Parked));
            Assert.That(judged.Spam, Is.True);
        });
    }

    [Test]
    public void Too_many_recipients_leaves_the_rest_due_at_once_beside_those_taken()
    {
        var judged = Judge(Message(Ann, Bob), [Said(Ann, VerdictAction.Accepted, Ok), Said(Bob, VerdictAction.SplitRecipients)]);
        Assert.That((judged.Settlement.Outcomes.Count, judged.Settlement.CountsAsAttempt, judged.Notes.MostRecipients), Is.EqualTo((1, false, 100)));
    }

    [Test]
    public void Where_none_was_taken_the_next_transaction_is_half_as_large_down_to_one_which_waits()
    {
        var all = Enumerable.Range(0, 8).Select(i => Mailbox.Parse($"r{i}@example.com")).ToArray();
        var judged = Judge(Message(all), [.. all.Select(one => Said(one, VerdictAction.SplitRecipients))]);
        var alone = Judge(Message(all), [Said(all[0], VerdictAction.SplitRecipients)]);
        Assert.Multiple(() =>
        {
            Assert.That(judged.Notes.MostRecipients, Is.EqualTo(4));
            Assert.That(judged.Settlement.Outcomes, Is.Empty);
            Assert.That(Of<DeliveryStatus.Deferred>(alone, all[0]).Due, Is.EqualTo(Noon.AddMinutes(15)));
        });
    }

    [Test]
    public void An_unknown_outcome_is_sent_once_more_and_then_left_to_a_person()
    {
        var first = Judge(Message(Ann), [Said(Ann, VerdictAction.RetryNow)], mayBeDelivered: true);
        var second = Judge(Message(Ann), [Said(Ann, VerdictAction.RetryNow)], first.Notes, mayBeDelivered: true);
        Assert.Multiple(() =>
        {
            Assert.That(first.Settlement.Timeline.Select(entry => entry.Event), Has.Some.EqualTo(TimelineEvent.PossibleDuplicate));
            Assert.That(Of<DeliveryStatus.Deferred>(first, Ann).Due, Is.EqualTo(Noon.AddMinutes(1)));
            Assert.That(first.Settlement.Park, Is.Null);
            Assert.That(second.Settlement.Park, Does.Contain("Sent folder"));
        });
    }

    [TestCase(VerdictAction.RetryNow)]
    [TestCase(VerdictAction.RetrySoon)]
    public void Where_connection_after_connection_breaks_the_account_waits_and_the_message_longer_and_is_not_set_aside(VerdictAction action)
    {
        var broken = new RecipientVerdict(Ann, new Verdict(action, "row", "What happened.", "What to do.", Again: VerdictAction.Park), null);
        var judged = Judgement.Of(Offer(Message(Ann)) with { Losing = true }, new TransactionOutcome([broken], false, LoginSpent: true), new MessageNotes(Resent: true), schedule, Clock);
        Assert.Multiple(() =>
        {
            Assert.That(judged.AboutAccount, Has.Property("Action").EqualTo(VerdictAction.RetrySoon).And.Property("Happened").Contains("What happened."));
            Assert.That((judged.Settlement.Park, judged.Settlement.CountsAsAttempt, judged.Notes.Resent), Is.EqualTo(((string?)null, true, false)));
            Assert.That(Of<DeliveryStatus.Deferred>(judged, Ann).Due, Is.EqualTo(Noon.AddMinutes(15)), "so that others ask in its place");
        });
    }

    [Test]
    public void With_an_unknown_outcome_who_was_refused_at_RCPT_still_has_an_answer()
    {
        var judged = Judge(Message(Ann, Bob), [Said(Ann, VerdictAction.RetryNow), Said(Bob, VerdictAction.BounceRecipient, new SmtpReply(550, new EnhancedStatus(5, 1, 1), "No such user"))], mayBeDelivered: true);
        Of<DeliveryStatus.Deferred>(judged, Ann);
        Of<DeliveryStatus.Bounced>(judged, Bob);
    }

    [Test]
    public void The_timeline_has_Gmails_words_our_reading_and_the_way_they_came()
    {
        var reply = new SmtpReply(450, new EnhancedStatus(4, 2, 1), "The user is receiving mail too quickly");
        var judged = Judgement.Of(Offer(Message(Ann)) with { Tried = "smtp.gmail.com:587 (STARTTLS)", Repairs = ["supplied Date"] },
            new TransactionOutcome([Said(Ann, VerdictAction.RetryLater, reply)], false), MessageNotes.None, schedule, Clock);
        var entries = judged.Settlement.Timeline;
        Assert.Multiple(() =>
        {
            Assert.That(entries.Single(entry => entry.Event == TimelineEvent.Attempt).Text, Does.Contain("smtp.gmail.com:587").And.Contain("default"));
            Assert.That(entries.Single(entry => entry.Event == TimelineEvent.Note).Text, Does.Contain("supplied Date"));
            var deferred = entries.Single(entry => entry.Event == TimelineEvent.Deferred);
            Assert.That((deferred.Recipient, deferred.Reply), Is.EqualTo((Ann, reply.ToString())));
            Assert.That(deferred.Text, Does.Contain("What happened. What to do.").And.Contain("2026-03-01 12:15 UTC"));
        });
    }

    [Test]
    public void The_next_try_is_told_as_the_clock_on_the_wall_will_show_it()
    {
        var here = new FakeTimeProvider(Noon);
        here.SetLocalTimeZone(TimeZoneInfo.CreateCustomTimeZone("here", new TimeSpan(5, 30, 0), "here", "here"));
        var judged = Judgement.Of(Offer(Message(Ann)), new TransactionOutcome([Said(Ann, VerdictAction.RetryLater)], false), MessageNotes.None, schedule, here);
        Assert.That(judged.Settlement.Timeline[^1].Text, Does.EndWith("Next try 2026-03-01 17:45 UTC+05:30."));
    }

    [Test]
    public void A_hundred_recipients_with_one_fate_are_one_line()
    {
        var all = Enumerable.Range(0, 100).Select(i => Mailbox.Parse($"r{i}@example.com")).ToArray();
        var judged = Judge(Message(all), [.. all.Select(one => Said(one, VerdictAction.Accepted, Ok))]);
        Assert.That(judged.Settlement.Timeline.Where(entry => entry.Event == TimelineEvent.Sent).Select(entry => entry.Text), Is.EqualTo(["Gmail took it. (100 recipients)"]));
        Assert.That(judged.Settlement.Outcomes, Has.Count.EqualTo(100));
    }

    [Test]
    public void Every_action_has_an_end([Values] VerdictAction action) =>
        Assert.That(() => Judge(Message(Ann), [Said(Ann, action, Ok)]), Throws.Nothing);

    private Judged Judge(QueuedMessage message, IReadOnlyList<RecipientVerdict> verdicts, MessageNotes? notes = null, bool mayBeDelivered = false, IReadOnlyList<string>? blocked = null) =>
        Judgement.Of(Offer(message) with { Blocked = blocked ?? [] }, new TransactionOutcome(verdicts, mayBeDelivered), notes ?? MessageNotes.None, schedule, Clock);

    private static Offer Offer(QueuedMessage message) => new(message, "default", "you@gmail.com");

    private static RecipientVerdict Said(Mailbox recipient, VerdictAction action, SmtpReply? reply = null, bool spam = false) =>
        new(recipient, new Verdict(action, "row", "What happened.", "What to do.") { Spam = spam }, reply);

    private static T Of<T>(Judged judged, Mailbox recipient) where T : DeliveryStatus
    {
        var status = judged.Settlement.Outcomes.Single(outcome => outcome.Recipient == recipient).Status;
        Assert.That(status, Is.TypeOf<T>());
        return (T)status;
    }

    internal static QueuedMessage Message(params Mailbox[] recipients) => new()
    {
        Id = QueueId.Create(Noon, new Random(1)),
        Sender = new ReversePath(Mailbox.Parse("scanner@lan.example")),
        Recipients = [.. recipients.Select(recipient => new QueuedRecipient(recipient, RecipientState.Queued, Noon, 0, null))],
        Device = "scanner",
        Account = null,
        Lane = Lane.Normal,
        Origin = Origin.Local,
        MessageId = "<1@lan.example>",
        Subject = "Scan",
        Size = 1000,
        ReceivedAt = Noon,
        State = MessageState.Queued,
        Due = Noon,
        Expires = Noon.AddDays(5),
        Attempts = 0,
    };
}
