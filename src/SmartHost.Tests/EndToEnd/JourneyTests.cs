using MimeKit;
using SmartHost.Delivery;
using SmartHost.Mail;
using SmartHost.Practice;
using SmartHost.Queue;

namespace SmartHost.Tests.EndToEnd;

/// <summary>What a user relies on, from the device's first word to what lies in the mailbox.</summary>
[CancelAfter(60_000)]
public class JourneyTests
{
    private static readonly byte[] Note = "Subject: note\r\n\r\nText.\r\n"u8.ToArray();

    [Test]
    public async Task A_scan_arrives_with_every_octet_of_its_attachment(CancellationToken cancellation)
    {
        await using var live = await LiveServer.StartAsync(cancellation);
        var scan = SampleScan.Message(Mailbox.Parse("you@example.com"), DateTimeOffset.UnixEpoch);
        var conversation = await live.PlayAsync(scan, ["you@example.com"], cancellation);
        Assert.That(conversation.Succeeded, conversation.Fault);
        var arrived = (await live.Gmail.WaitForAsync(1, cancellation))[0];
        using var content = new MemoryStream(arrived.Content.ToArray());
        using var parsed = await MimeMessage.LoadAsync(content, cancellation);
        using var attachment = new MemoryStream();
        await parsed.Attachments.OfType<MimePart>().Single().Content!.DecodeToAsync(attachment, cancellation);
        Assert.Multiple(() =>
        {
            Assert.That(attachment.ToArray(), Is.EqualTo(SampleScan.Pdf()));
            Assert.That(arrived.Violations, Is.Empty);
            Assert.That(live.Gmail.Violations, Is.Empty);
        });
    }

    [Test]
    public async Task A_message_without_a_header_arrives_as_a_body(CancellationToken cancellation)
    {
        await using var live = await LiveServer.StartAsync(cancellation);
        var conversation = await live.PlayAsync("Toner is low\r\nin tray 2.\r\n"u8.ToArray(), ["you@example.com"], cancellation);
        Assert.That(conversation.Succeeded, conversation.Fault);
        var arrived = (await live.Gmail.WaitForAsync(1, cancellation))[0];
        Assert.Multiple(() =>
        {
            Assert.That(arrived.Text(), Does.EndWith("\r\n\r\nToner is low\r\nin tray 2.\r\n"));
            Assert.That(arrived.Violations, Is.Empty);
        });
    }

    [Test]
    public async Task A_refused_app_password_pauses_the_account_and_a_corrected_file_resumes_it(CancellationToken cancellation)
    {
        await using var live = await LiveServer.StartAsync(cancellation, edit: yaml =>
            yaml.Replace("appPassword: abcd efgh ijkl mnop", $"appPasswordFile: {SecretBeside(yaml, "wrong wrong wron g")}"));
        var conversation = await live.PlayAsync(Note, ["you@example.com"], cancellation);
        Assert.That(conversation.Succeeded, conversation.Fault);
        await live.WaitForHealthAsync(AccountHealth.Paused, cancellation);
        Assert.That(live.Gmail.Messages, Is.Empty);
        Assert.That(live.Server.Queue.Counts().Waiting, Is.EqualTo(1));

        await File.WriteAllTextAsync(live.File("password"), "abcd efgh ijkl mnop\n", cancellation);
        await live.Gmail.WaitForAsync(1, cancellation);
        await live.WaitForHealthAsync(AccountHealth.Healthy, cancellation);
    }

    [Test]
    public async Task A_spent_allowance_pauses_the_account_and_keeps_the_mail(CancellationToken cancellation)
    {
        await using var live = await LiveServer.StartAsync(cancellation);
        live.Gmail.SetAccount(new PracticeAccount(Mailbox.Parse("you@gmail.com"), new Secret("abcdefghijklmnop")) { DailyMessages = 0 });
        var conversation = await live.PlayAsync(Note, ["you@example.com"], cancellation);
        Assert.That(conversation.Succeeded, conversation.Fault);
        await live.WaitForHealthAsync(AccountHealth.Paused, cancellation);
        await LiveServer.WaitAsync(() => live.Server.Queue.Counts().Waiting == 1, cancellation);
        var kept = (await live.Server.Queue.SearchAsync(new MessageSearch(), cancellation)).Single();
        Assert.That(kept.State, Is.EqualTo(MessageState.Queued));
        Assert.That(live.Gmail.Messages, Is.Empty);
    }

    [Test]
    public async Task One_bad_recipient_of_three_is_reported_and_the_others_get_their_mail(CancellationToken cancellation)
    {
        await using var live = await LiveServer.StartAsync(cancellation, more: "alerts: { email: admin@example.com }");
        live.Gmail.Script.Add(new PracticeRule(PracticeStage.Rcpt, new Misbehaviour.Reply("550-5.1.1 The email account that you tried to reach does not exist.\n550 5.1.1 - gsmtp")) { Argument = "gone@example.com", Times = 100 });
        var conversation = await live.PlayAsync(Note, ["a@example.com", "gone@example.com", "b@example.com"], cancellation);
        Assert.That(conversation.Succeeded, conversation.Fault);
        var mail = await live.Gmail.WaitForAsync(message => message.Header("Subject") == "note", cancellation);
        var report = await live.Gmail.WaitForAsync(message => message.Text().Contains("gone@example.com", StringComparison.Ordinal) && message.Header("Content-Type")!.Contains("delivery-status", StringComparison.Ordinal), cancellation);
        Assert.Multiple(() =>
        {
            Assert.That(mail.Envelope.Recipients.Select(to => to.ToString()), Is.EquivalentTo(["a@example.com", "b@example.com"]));
            Assert.That(report.Envelope.Recipients.Select(to => to.ToString()), Is.EqualTo(["admin@example.com"]));
            Assert.That(report.Text(), Does.Contain("Status: 5.1.1"));
        });
    }

    [Test]
    public async Task An_unknown_device_is_refused_and_a_file_dropped_in_lets_it_send(CancellationToken cancellation)
    {
        await using var live = await LiveServer.StartAsync(cancellation, edit: yaml => yaml.Replace("addresses: [127.0.0.1]", "addresses: [192.0.2.1]"));
        var refused = await live.PlayAsync(Note, ["you@example.com"], cancellation);
        Assert.That(refused.Exchanges.Single(exchange => exchange.Code == 550).Reply[0], Does.Contain("127.0.0.1 is not a known device. Allow it on the SmartHost page"));

        var devices = Directory.CreateDirectory(live.File("data/devices")).FullName;
        await File.WriteAllTextAsync(Path.Combine(devices, "local.yaml"), "addresses: [127.0.0.1]\nrecipients: [\"*@example.com\"]\n", cancellation);
        await LiveServer.WaitAsync(() => live.Server.Flow.Settings.Current.Devices.Devices.Count == 2, cancellation);
        var taken = await live.PlayAsync(Note, ["you@example.com"], cancellation);
        Assert.That(taken.Succeeded, taken.Fault);
        Assert.That((await live.Gmail.WaitForAsync(1, cancellation))[0].Header("Subject"), Is.EqualTo("note"));
    }

    [Test]
    public async Task A_certificate_for_another_name_gets_no_password_and_no_mail(CancellationToken cancellation)
    {
        await using var live = await LiveServer.StartAsync(cancellation, new PracticeSettings { CertificateFlaw = CertificateFlaw.WrongName });
        var conversation = await live.PlayAsync(Note, ["you@example.com"], cancellation);
        Assert.That(conversation.Succeeded, conversation.Fault);
        await LiveServer.WaitAsync(() => live.Server.Flow.Delivery.State.Accounts[0].Sentence.Contains("certificate is for another name", StringComparison.Ordinal), cancellation);
        Assert.That((live.Gmail.Logins, live.Gmail.Messages.Count, live.Server.Queue.Counts().Waiting), Is.EqualTo((0, 0, 1)));
    }

    [TestCase(PracticeStage.Greeting), TestCase(PracticeStage.Ehlo), TestCase(PracticeStage.StartTls), TestCase(PracticeStage.Handshake)]
    [TestCase(PracticeStage.Auth), TestCase(PracticeStage.Mail), TestCase(PracticeStage.Rcpt), TestCase(PracticeStage.EndOfData), TestCase(PracticeStage.Taken)]
    public async Task A_connection_that_breaks_only_delays_the_mail(PracticeStage stage, CancellationToken cancellation)
    {
        await using var live = await LiveServer.StartAsync(cancellation);
        var rule = live.Gmail.Script.Add(stage, new Misbehaviour.Reset());
        var conversation = await live.PlayAsync(Note, ["you@example.com"], cancellation);
        Assert.That(conversation.Succeeded, conversation.Fault);
        await rule.Reached.WaitAsync(cancellation);
        await LiveServer.WaitAsync(() => live.Server.Queue.Counts().Waiting == 0, cancellation);
        // Taken, and the reply lost: the one window in which a second copy is right.
        Assert.That(live.Gmail.Messages, Has.Count.EqualTo(stage == PracticeStage.Taken ? 2 : 1));
        Assert.That(live.Gmail.Messages.Select(message => message.Header("Message-ID")).Distinct().Count(), Is.EqualTo(1));
    }

    private static string SecretBeside(string yaml, string secret)
    {
        var data = yaml.Split('\n')[0]["data: ".Length..].Trim();
        var file = Path.Combine(Path.GetDirectoryName(data)!, "password");
        File.WriteAllText(file, secret);
        return file;
    }
}
