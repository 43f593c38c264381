using SmartHost.Delivery;
using SmartHost.Mail;
using SmartHost.Practice;
using SmartHost.Queue;
using SmartHost.Tests.Delivery;
using SmartHost.Tests.EndToEnd;

namespace SmartHost.Tests.Faults;

/// <summary>
/// Gmail at its worst, or somebody in its place: the message is kept and tried again, its timeline says why, and neither
/// another account nor urgent mail waits for it.
/// </summary>
public class BadUpstreamTests
{
    private static readonly PracticeStage[] Stages =
    [
        PracticeStage.Connect, PracticeStage.Handshake, PracticeStage.Greeting, PracticeStage.Ehlo, PracticeStage.StartTls, PracticeStage.EhloTls,
        PracticeStage.Auth, PracticeStage.Mail, PracticeStage.Rcpt, PracticeStage.Content, PracticeStage.EndOfData, PracticeStage.Taken,
    ];

    private static IEnumerable<TestCaseData> Misbehaviours()
    {
        foreach (var stage in (PracticeStage[])[PracticeStage.Greeting, PracticeStage.EhloTls, PracticeStage.Auth, PracticeStage.Mail, PracticeStage.EndOfData, PracticeStage.Taken])
        {
            yield return new TestCaseData(stage, (Misbehaviour[])[new Misbehaviour.Reset()]).SetArgDisplayNames($"{stage}", "reset");
            yield return new TestCaseData(stage, (Misbehaviour[])[new Misbehaviour.Close()]).SetArgDisplayNames($"{stage}", "close");
            yield return new TestCaseData(stage, (Misbehaviour[])[new Misbehaviour.Garbage(), new Misbehaviour.Close()]).SetArgDisplayNames($"{stage}", "garbage");
            yield return new TestCaseData(stage, (Misbehaviour[])[new Misbehaviour.Half("250 2.0."), new Misbehaviour.Close()]).SetArgDisplayNames($"{stage}", "half a reply");
            yield return new TestCaseData(stage, (Misbehaviour[])[new Misbehaviour.Flood()]).SetArgDisplayNames($"{stage}", "10 MB of a reply");
        }
    }

    [TestCaseSource(nameof(Stages))]
    public async Task Silence_holds_up_its_own_message_alone_and_ends(PracticeStage stage)
    {
        await using var bench = await DeliveryBench.OpenAsync();
        bench.Accounts = [bench.Account("default", DeliveryBench.You), bench.Account("second", DeliveryBench.Other)];
        var silence = bench.Gmail.Script.Add(stage, new Misbehaviour.Stall());
        bench.Start();
        var stuck = await bench.AcceptAsync("stuck");
        await silence.Reached.WaitAsync(bench.TooLong);
        // The clock stands still: had they to wait for the silence to end, they would wait for ever.
        await bench.DoneAsync(await bench.AcceptAsync(account: "second"));
        await bench.DoneAsync(await bench.AcceptAsync(lane: Lane.Urgent));

        await bench.AdvanceAnywayUntilAsync(TimeSpan.FromSeconds(10), () => bench.Gmail.Messages.Count >= (stage == PracticeStage.Taken ? 4 : 3), "the message");
        await bench.DoneAsync(stuck);
        await AssertToldAsync(bench, stuck, stage);
    }

    [TestCaseSource(nameof(Misbehaviours))]
    public async Task Nonsense_costs_a_message_nothing_but_time(PracticeStage stage, Misbehaviour[] what)
    {
        await using var bench = await DeliveryBench.OpenAsync();
        // Before a message is offered twice, so that the quiet second try at once does not do. After that an answer is lost, and a
        // second lost one is left to a person (DeliveryLoopTests).
        bench.Gmail.Script.Add(new PracticeRule(stage, what) { Times = stage is PracticeStage.Greeting or PracticeStage.EhloTls or PracticeStage.Auth ? 2 : 1 });
        var id = await bench.AcceptAsync("stuck");
        bench.Start();
        await bench.AdvanceAnywayUntilAsync(TimeSpan.FromSeconds(2), () => bench.Gmail.Messages.Count >= (stage == PracticeStage.Taken ? 2 : 1), "the message");
        await bench.DoneAsync(id);
        await AssertToldAsync(bench, id, stage);
    }

    [TestCase(CertificateFlaw.WrongName), TestCase(CertificateFlaw.Expired), TestCase(CertificateFlaw.SelfSigned), TestCase(CertificateFlaw.UnknownAuthority)]
    public async Task A_certificate_that_is_not_good_gets_no_password_and_stops_no_other_account(CertificateFlaw flaw)
    {
        await using var bench = await DeliveryBench.OpenAsync(gmail: new PracticeSettings { CertificateFlaw = flaw });
        await using var good = await PracticeGmail.StartAsync(new PracticeSettings(), bench.Time);
        bench.Accounts = [bench.Account("default", DeliveryBench.You), bench.Account("good", DeliveryBench.You) with { Port = good.Port, CaFile = good.CaFile }];
        bench.Start();
        var id = await bench.AcceptAsync();
        await bench.UntilAsync(() => bench.Loop.State.Accounts.Any(account => account is { Name: "default", Health: AccountHealth.Paused }), "the pause");
        await bench.DoneAsync(await bench.AcceptAsync(account: "good"));
        Assert.Multiple(async () =>
        {
            Assert.That(bench.State().Sentence, Does.Contain("certificate"));
            Assert.That((bench.Gmail.Logins, bench.Gmail.Messages.Count, good.Messages.Count), Is.EqualTo((0, 0, 1)));
            Assert.That((await bench.FindAsync(id)).State, Is.EqualTo(MessageState.Queued));
        });
    }

    [Test, CancelAfter(120_000), Platform("Linux", Reason = "reads /proc")]
    public async Task Replies_without_end_do_not_grow_the_process(CancellationToken cancellation)
    {
        using var folder = new TemporaryFolder();
        await using var gmail = await PracticeGmail.StartAsync(new PracticeSettings(), TimeProvider.System);
        var port = RunningServer.FreePort();
        await using var process = SmartHostProcess.Start(["run", "--config", RunningServer.WriteConfig(folder.Path, port, gmail)]);
        await process.WaitForBannerAsync(port, cancellation);
        Assert.That(await SmtpDevice.SendAsync(port, "first", 1000, cancellation), Is.EqualTo(HandOver.Accepted), process.Output);
        await gmail.WaitForAsync(1, cancellation);
        var before = process.PeakMemory();
        foreach (var stage in (PracticeStage[])[PracticeStage.EndOfData, PracticeStage.Greeting, PracticeStage.EhloTls])
        {
            // 64 MB in the lines of one reply; 16 MB that are no line at all.
            foreach (var what in (Misbehaviour[])[new Misbehaviour.Flood(64 << 20), new Misbehaviour.Garbage(16 << 20)])
            {
                var rule = gmail.Script.Add(stage, what);
                // A connection in use need not greet again.
                await gmail.GoOfflineAsync();
                gmail.GoOnline();
                Assert.That(await SmtpDevice.SendAsync(port, $"{stage}-{what.GetType().Name}", 1000, cancellation), Is.EqualTo(HandOver.Accepted), process.Output);
                await rule.Reached.WaitAsync(cancellation);
                await Ledger.DrainedAsync(folder.File("data"), process, cancellation);
            }
        }
        Assert.That(gmail.Messages.Select(Ledger.Token).Distinct().Count(), Is.EqualTo(7), process.Output);
        Assert.That(process.PeakMemory() - before, Is.LessThan(32 << 20), "half a flood would be as much");
    }

    private static async Task AssertToldAsync(DeliveryBench bench, QueueId id, PracticeStage stage)
    {
        var timeline = await bench.Queue.TimelineAsync(id, default);
        var story = string.Join('\n', timeline.Select(entry => $"{entry.Event}: {entry.Text}"));
        TestContext.Out.WriteLine(story);
        Assert.That(timeline.Skip(1).Any(entry => entry.Event != TimelineEvent.Sent && entry.Text.Length > 20), Is.True, $"nothing told why it took two tries:\n{story}");
        var copies = bench.Gmail.Messages.Count(message => message.Header("Subject") == "stuck");
        Assert.That(copies, Is.EqualTo(stage == PracticeStage.Taken ? 2 : 1));
    }
}
