using System.Text;
using MimeKit;
using SmartHost.Delivery;
using SmartHost.History;
using SmartHost.Mail;
using SmartHost.Notices;
using SmartHost.Queue;
using SmartHost.Tests.Clients;
using SmartHost.Tests.Queue;

namespace SmartHost.Tests.Notices;

public class ReportWriterTests
{
    private static readonly Mailbox Owner = Mailbox.Parse("owner@example.com"), You = Mailbox.Parse("you@gmail.com");
    private static readonly SmtpReply NoSuchUser = new(550, new EnhancedStatus(5, 1, 1), "The email account does not exist gsmtp");

    [TestCase(0, false)]
    [TestCase(0, true)]
    [TestCase(300_000, true)]
    public async Task A_failure_becomes_a_report_that_a_person_and_a_program_can_read(int size, bool crash)
    {
        await using var bench = await QueueBench.OpenAsync();
        var failed = await BounceAsync(bench, content: "Received: from printer\r\nSubject: Scan\r\nX-Mailer: Copier 2000\r\n\r\nSecret body.\r\n" + new string('x', size));
        if (crash) await bench.CrashAsync();
        bench.Time.Advance(TimeSpan.FromSeconds(1));
        await Writer(bench).ReportAsync(default);

        var report = (await ReportsAsync(bench)).Single();
        Assert.That((report.Sender.IsNull, report.Recipients.Single().Address), Is.EqualTo((true, Owner)));
        var message = await LoadAsync(bench, report);
        var parts = (MultipartReport)message.Body!;
        var text = ((TextPart)parts[0]).Text;
        var fields = ((MessageDeliveryStatus)parts[1]).StatusGroups;
        using var header = new MemoryStream();
        ((TextRfc822Headers)parts[2]).WriteTo(header);
        Assert.Multiple(() =>
        {
            Assert.That(message.Subject, Is.EqualTo("Not delivered: Scan"));
            Assert.That(message.Headers["Auto-Submitted"], Is.EqualTo("auto-replied"));
            Assert.That(message.References, Is.EqualTo(["1@lan.example"]));
            Assert.That(parts.ReportType, Is.EqualTo("delivery-status"));
            Assert.That(text, Does.Contain("scanner").And.Contain("nobody@example.com").And.Contain("No such mailbox. Check the address.").And.Contain(NoSuchUser.ToString()).And.Contain(failed.ToString()));
            Assert.That(fields[0]["Reporting-MTA"], Is.EqualTo("dns; nas.lan"));
            Assert.That(fields[1]["Final-Recipient"], Is.EqualTo("rfc822; nobody@example.com"));
            Assert.That(fields[1]["Action"], Is.EqualTo("failed"));
            Assert.That(fields[1]["Status"], Is.EqualTo("5.1.1"));
            Assert.That(fields[1]["Diagnostic-Code"], Is.EqualTo($"smtp; {NoSuchUser}"));
            Assert.That(parts[2].ContentType.MimeType, Is.EqualTo("text/rfc822-headers"));
            Assert.That(Encoding.ASCII.GetString(header.ToArray()), Does.Contain("X-Mailer: Copier 2000").And.Not.Contain("Secret body"));
        });
        Assert.That(await bench.Queue.UnreportedAsync(default), Is.Empty);
        Assert.That(await bench.StoryAsync(failed), Has.Some.EqualTo(TimelineEvent.Reported));
        Assert.That((await bench.FindAsync(failed)).HasContent, Is.False, "kept for the report alone");
    }

    /// <summary>Another reader than the library that wrote it. RFC 3464's fields are ASCII, RFC 6533's addresses too.</summary>
    [Test, CancelAfter(60_000)]
    public async Task Pythons_email_package_reads_the_report(CancellationToken cancellation)
    {
        await using var bench = await QueueBench.OpenAsync();
        var reply = new SmtpReply(550, new EnhancedStatus(5, 1, 1), ["Die Adresse gibt es nicht, bitte prüfen Sie,", "ob sie richtig geschrieben ist: " + new string('x', 150), "https://support.google.com/mail/?p=NoSuchUser d9sm1 - gsmtp"]);
        await BounceAsync(bench, to: "jörg+scan@abteilung-fuer-bücher-und-zeitschriften.universitaetsbibliothek.example", reply: reply, content: "Received: from printer\r\nSubject: L\u00e4ngere Scans\r\n\r\nBody.\r\n");
        await Writer(bench).ReportAsync(cancellation);
        var report = Encoding.Latin1.GetString((await bench.ContentAsync((await ReportsAsync(bench)).Single().Id))!);
        await ForeignProgram.RunAsync("python3", ["-c", """
            import email, email.policy, sys
            octets = sys.stdin.buffer.read()
            octets.decode('ascii')
            report = email.message_from_bytes(octets, policy=email.policy.default)
            assert not report.defects, report.defects
            assert (report.get_content_type(), report['Content-Type'].params['report-type']) == ('multipart/report', 'delivery-status'), report['Content-Type']
            text, status, header = report.iter_parts()
            assert 'jörg+scan@abteilung-fuer-bücher-und-zeitschriften.universitaetsbibliothek.example' in text.get_content(), text.get_content()
            assert status['Content-Transfer-Encoding'] in (None, '7bit'), status.items()
            assert len(status.get_payload()) == 2, octets
            message, recipient = status.get_payload()
            assert message['Reporting-MTA'] == 'dns; nas.lan', message.items()
            assert recipient['Final-Recipient'] == r'utf-8; j\x{F6}rg\x{2B}scan@abteilung-fuer-b\x{FC}cher-und-zeitschriften.universitaetsbibliothek.example', recipient.items()
            assert (recipient['Action'], recipient['Status']) == ('failed', '5.1.1'), recipient.items()
            said = recipient['Diagnostic-Code']
            assert said.startswith('smtp; 550 5.1.1 Die Adresse gibt es nicht, bitte prüfen Sie, ob') and said.endswith('- gsmtp'), said
            assert header.get_content_type() == 'text/rfc822-headers', header.get_content_type()
            assert b'Subject: L\xe4ngere Scans' in header.get_payload(decode=True), header.get_payload(decode=True)
            """], cancellation, report, new Dictionary<string, string> { ["PYTHONUTF8"] = "1" });
    }

    // RFC 3463: too large, a loop, its time over. Gmail was not asked, so there is no reply to take the code from.
    [TestCase(5, 3, 4)]
    [TestCase(5, 4, 6)]
    [TestCase(4, 4, 7)]
    public async Task What_we_gave_up_ourselves_keeps_its_status(int kind, int subject, int detail)
    {
        await using var bench = await QueueBench.OpenAsync();
        await bench.AcceptAsync();
        var message = bench.Take();
        var status = new EnhancedStatus(kind, subject, detail);
        await bench.Queue.SettleAsync(Settlements.GiveUp(message, status, _ => "It was held (by a person) until its 5 days were over.", bench.Time.GetUtcNow()), default);
        await Writer(bench).ReportAsync(default);
        var parts = (MultipartReport)(await LoadAsync(bench, (await ReportsAsync(bench)).Single())).Body!;
        var fields = ((MessageDeliveryStatus)parts[1]).StatusGroups[1];
        Assert.That((fields["Status"], fields["Diagnostic-Code"]), Is.EqualTo((status.ToString(), (string?)null)));
        Assert.That(((TextPart)parts[0]).Text, Does.Contain("Reason:   It was held (by a person) until its 5 days were over.\n"));
    }

    [Test]
    public async Task Who_was_sent_it_is_not_in_the_fields_and_is_mentioned_in_the_text()
    {
        await using var bench = await QueueBench.OpenAsync();
        await BounceAsync(bench, alsoSent: "ann@example.com");
        await Writer(bench).ReportAsync(default);
        var parts = (MultipartReport)(await LoadAsync(bench, (await ReportsAsync(bench)).Single())).Body!;
        Assert.That(((MessageDeliveryStatus)parts[1]).StatusGroups, Has.Count.EqualTo(2));
        Assert.That(((TextPart)parts[0]).Text, Does.Contain("Its other recipient has been sent it."));
    }

    [Test]
    public async Task The_first_failure_is_reported_at_once_and_those_of_the_next_minute_in_one_notice()
    {
        await using var bench = await QueueBench.OpenAsync();
        var writer = Writer(bench);
        await BounceAsync(bench);
        await writer.ReportAsync(default);
        for (var i = 0; i < 25; i++) await BounceAsync(bench);
        var next = await writer.ReportAsync(default);
        Assert.That(await ReportsAsync(bench), Has.Count.EqualTo(1));
        Assert.That(next, Is.EqualTo(ReportWriter.Fold));
        bench.Time.Advance(next);
        await writer.ReportAsync(default);

        var reports = await ReportsAsync(bench);
        Assert.That(reports, Has.Count.EqualTo(2));
        var message = await LoadAsync(bench, reports[0]);
        Assert.That(message.Subject, Is.EqualTo("25 messages of scanner were not delivered"));
        Assert.That(message.BodyParts.OfType<MessageDeliveryStatus>().Count(), Is.EqualTo(20));
        Assert.That(message.TextBody, Does.Contain("And 5 more"));
        Assert.That(await bench.Queue.UnreportedAsync(default), Is.Empty);
    }

    [Test]
    public async Task Devices_are_folded_apart()
    {
        await using var bench = await QueueBench.OpenAsync();
        await BounceAsync(bench, device: "scanner");
        await BounceAsync(bench, device: "ups");
        await Writer(bench).ReportAsync(default);
        Assert.That(await ReportsAsync(bench), Has.Count.EqualTo(2));
    }

    [Test]
    public async Task Without_reportTo_it_goes_to_the_alerts_address()
    {
        await using var bench = await QueueBench.OpenAsync();
        await BounceAsync(bench);
        await Writer(bench, reportTo: null, email: You).ReportAsync(default);
        Assert.That((await ReportsAsync(bench)).Single().Recipients.Single().Address, Is.EqualTo(You));
    }

    [Test]
    public async Task Where_nobody_is_to_be_told_the_timeline_says_so_once()
    {
        await using var bench = await QueueBench.OpenAsync();
        var failed = await BounceAsync(bench);
        var writer = Writer(bench, reportTo: null, email: null);
        await writer.ReportAsync(default);
        await writer.ReportAsync(default);
        Assert.That((await bench.Queue.TimelineAsync(failed, default)).Count(entry => entry.Text.Contains("reportTo")), Is.EqualTo(1));
        Assert.That(await ReportsAsync(bench), Is.Empty);
    }

    [Test]
    public async Task Content_that_cannot_be_read_costs_the_quotation_and_no_report()
    {
        await using var bench = await QueueBench.OpenAsync();
        var id = await BounceAsync(bench, content: $"Subject: x\r\n\r\n{string.Concat(Enumerable.Repeat(new string('x', 70) + "\r\n", 5000))}");
        await BounceAsync(bench, device: "ups");
        var file = Path.Combine(bench.Folder, "content", id + ".eml");
        File.Delete(file);
        Directory.CreateDirectory(file);
        await Writer(bench).ReportAsync(default);
        Assert.That(await ReportsAsync(bench), Has.Count.EqualTo(2));
        Directory.Delete(file);
    }

    // Whose sender field was left empty sends the null path.
    [Test]
    public async Task A_device_without_a_sender_is_reported_on_as_well()
    {
        await using var bench = await QueueBench.OpenAsync();
        await bench.AcceptAsync(QueueBench.Submission(to: ["nobody@example.com"], from: null), null);
        await bench.SettleAsync(bench.Take(), ("nobody@example.com", QueueBench.Bounced));
        await Writer(bench).ReportAsync(default);
        Assert.That((await ReportsAsync(bench)).Single().Recipients.Single().Address, Is.EqualTo(Owner));
    }

    [Test]
    public async Task A_report_that_bounces_is_not_reported()
    {
        await using var bench = await QueueBench.OpenAsync();
        await BounceAsync(bench);
        var writer = Writer(bench);
        await writer.ReportAsync(default);
        var report = bench.Take();
        Assert.That(report.Device, Is.EqualTo(LocalMail.Device));
        await bench.SettleAsync(report, (Owner.ToString(), QueueBench.Bounced));
        bench.Time.Advance(TimeSpan.FromHours(1));
        await writer.ReportAsync(default);
        Assert.That(await ReportsAsync(bench), Has.Count.EqualTo(1));
    }

    [Test]
    public async Task A_disk_that_takes_no_report_delays_it()
    {
        await using var bench = await QueueBench.OpenAsync();
        await BounceAsync(bench);
        var writer = Writer(bench);
        bench.Fault = step => throw new IOException("No space left on device");
        var next = await writer.ReportAsync(default);
        Assert.That(next, Is.LessThan(TimeSpan.FromMinutes(1)));
        bench.Fault = null;
        await writer.ReportAsync(default);
        Assert.That(await ReportsAsync(bench), Has.Count.EqualTo(1));
    }

    [Test]
    public async Task The_loop_reports_what_bounced_when_it_is_woken_and_ends_when_told()
    {
        await using var bench = await QueueBench.OpenAsync();
        var reported = new TaskCompletionSource();
        var writer = Writer(bench);
        using var stop = new CancellationTokenSource();
        var running = writer.RunAsync(stop.Token);
        await BounceAsync(bench);
        bench.Queue.Changed += _ => reported.TrySetResult();
        writer.Wake();
        await reported.Task.WaitAsync(TimeSpan.FromSeconds(30));
        await stop.CancelAsync();
        await running.WaitAsync(TimeSpan.FromSeconds(30));
        Assert.That(await ReportsAsync(bench), Has.Count.EqualTo(1));
    }

    [Test]
    public async Task A_story_that_cannot_be_read_is_reported_without_and_keeps_no_other_from_it()
    {
        await using var bench = await QueueBench.OpenAsync();
        await bench.AcceptAsync(QueueBench.Submission("copier", Lane.Bulk, to: ["nobody@example.com"]));
        // Longer than a page: its beginning is damaged, and its end is where the report will be noted.
        await bench.Queue.SettleAsync(new Settlement(bench.Take().Id, [new RecipientOutcome(Mailbox.Parse("nobody@example.com"), new DeliveryStatus.Bounced(NoSuchUser.Status!.Value, "No such mailbox.", NoSuchUser))],
            [.. Enumerable.Range(0, 200).Select(i => new TimelineEntry(bench.Time.GetUtcNow(), TimelineEvent.Note, $"Line number {i} of a long story."))]), default);
        await BounceAsync(bench);
        await bench.CloseAsync();
        await DamagedPageTests.DamageAsync(bench, "Line number 50 ", page: 1);
        bench.Time.Advance(TimeSpan.FromSeconds(1));
        await bench.OpenQueueAsync();
        await Writer(bench).ReportAsync(default);
        var reports = await ReportsAsync(bench);
        Assert.That(reports, Has.Count.EqualTo(2));
        var texts = await Task.WhenAll(reports.Select(async report => Encoding.UTF8.GetString((await bench.ContentAsync(report.Id))!)));
        Assert.That(texts, Has.One.Contains("X-SmartHost-Device: copier").And.One.Contains("X-SmartHost-Device: scanner").And.All.Contains(NoSuchUser.ToString()));
        Assert.That(await bench.Queue.UnreportedAsync(default), Is.Empty);
    }

    private static ReportWriter Writer(QueueBench bench) => Writer(bench, Owner, You);

    private static ReportWriter Writer(QueueBench bench, Mailbox? reportTo, Mailbox? email) => new(
        bench.Queue, new LocalMail(bench.Queue, "nas.lan", bench.Time), _ => reportTo, () => new AlertSettings { Email = email }, "nas.lan", new MailLog(new CollectedLines()), bench.Time);

    private static async Task<QueueId> BounceAsync(QueueBench bench, string device = "scanner", string? alsoSent = null, string? content = null, string to = "nobody@example.com", SmtpReply? reply = null)
    {
        reply ??= NoSuchUser;
        // In the bulk lane, so that a report waiting in the queue is not taken in its place.
        await bench.AcceptAsync(QueueBench.Submission(device, Lane.Bulk, to: alsoSent is null ? [to] : [to, alsoSent]), content is null ? null : Encoding.Latin1.GetBytes(content));
        var message = bench.Queue.Take((_, lane) => lane == Lane.Bulk)!;
        var nobody = Mailbox.Parse(to);
        List<RecipientOutcome> outcomes = [new(nobody, new DeliveryStatus.Bounced(reply.Status!.Value, "No such mailbox. Check the address.", reply))];
        if (alsoSent is not null) outcomes.Add(new RecipientOutcome(Mailbox.Parse(alsoSent), QueueBench.Sent));
        await bench.Queue.SettleAsync(new Settlement(message.Id, outcomes,
            [new TimelineEntry(bench.Time.GetUtcNow(), TimelineEvent.Bounced, "No such mailbox. Check the address.", nobody, reply.ToString())]), default);
        return message.Id;
    }

    private static async Task<IReadOnlyList<QueuedMessage>> ReportsAsync(QueueBench bench) => await bench.Queue.SearchAsync(new MessageSearch(Device: LocalMail.Device), default);

    private static async Task<MimeMessage> LoadAsync(QueueBench bench, QueuedMessage message) => await MimeMessage.LoadAsync(new MemoryStream((await bench.ContentAsync(message.Id))!));
}
