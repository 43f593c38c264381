using System.Runtime.CompilerServices;
using SmartHost.Delivery;
using SmartHost.Gmail.Replies;
using SmartHost.Mail;
using SmartHost.Practice;
using SmartHost.Queue;
using SmartHost.Tests.Gmail;
using SmartHost.Tests.Practice;

namespace SmartHost.Tests.Delivery;

/// <summary>
/// What becomes of a message to two recipients, and of the account, when Gmail has a bad moment: every transcript is played
/// to the whole of delivery, which finds Gmail on both of its ports. Afterwards Gmail behaves, and nothing may be lost.
/// </summary>
[CancelAfter(60_000)]
public class TranscriptFateTests
{
    private const string Sent = "sent", Parked = "parked", Bounced = "bounced", OneBounced = "bounced, sent";

    /// <summary>By row, or by transcript or way of sending where one fares otherwise than its row.</summary>
    private static readonly Dictionary<string, string> Fates = new()
    {
        // A new connection, at once, is all it takes; or the other port.
        ["421-connection-expired"] = Sent,
        ["451-timeout"] = Sent,
        ["451-protocol-violation"] = Sent,
        ["500-not-understood"] = Sent,
        ["501-argument"] = Sent,
        ["501-cannot-decode"] = Sent,
        ["503-no-data-after-bdat"] = Sent,
        ["503-no-identity-change"] = Sent,
        ["503-wrong-order"] = Sent,
        ["530-authentication-required"] = Sent,
        ["554-unauthenticated-commands"] = Sent,
        ["454-pipelined-after-starttls"] = Sent,
        ["454-starttls-repeated"] = Sent,
        ["454-tls-not-available"] = Sent,
        ["523-pipelined-after-starttls"] = Sent,
        ["538-encryption-required"] = Sent,
        ["connect-closed"] = Sent,
        ["connect-not-smtp"] = Sent,
        ["connect-timed-out"] = Sent,
        ["tls-handshake"] = Sent,
        ["connection-lost"] = Sent,
        ["connection-garbled"] = Sent,
        // So is another transaction for the recipients that were too many.
        ["451-one-domain-a-transaction"] = Sent,
        ["452-too-many-recipients"] = Sent,
        ["550-too-many-recipients"] = Sent,
        // Minutes: Gmail or the line stumbles. Where the whole message had left, it may be there.
        ["450-4.4-network"] = "due in 1 min",
        ["451-rejected-for-now"] = "due in 1 min",
        ["530-starttls-required"] = "due in 1 min",
        ["connection-stalled"] = "due in 1 min",
        ["connection-lost--content"] = "due in 1 min",
        ["outcome-unknown"] = "due in 1 min",
        // Sent without waiting for replies: it may have arrived.
        ["connection-lost/BDAT"] = "due in 1 min",
        ["connection-garbled/BDAT"] = "due in 1 min",
        // More slowly.
        ["421-4.3.0-system-problem"] = "due in 1 min; slowed",
        ["421-4.7.0-system-problem"] = "due in 1 min; slowed",
        ["421-try-later"] = "due in 1 min; slowed",
        // Later.
        ["421-same-message-id"] = "due in 15 min",
        ["421-suspicious-content"] = "due in 15 min",
        ["451-sender-domain"] = "due in 15 min",
        // That recipient later, the other now.
        ["421-not-in-whitelist"] = "due in 15 min, sent",
        ["421-tls-for-recipient"] = "due in 15 min, sent",
        ["450-recipient-rate"] = "due in 15 min, sent",
        ["452-out-of-storage"] = "due in 15 min, sent",
        ["550-recipient-rate"] = "due in 15 min, sent",
        // The account waits, the message with it: at the door …
        ["421-4.4.5-busy"] = "due; paused 1 min",
        ["454-login-system-problem"] = "due; paused 1 min",
        ["421-try-later-at-ehlo"] = "due; paused 15 min",
        ["454-too-many-logins"] = "due; paused 15 min",
        ["450-relay-peak"] = "due; paused 15 min",
        // … for its reputation or its limit …
        ["421-reputation"] = "due; paused 60 min",
        ["421-sender-domain"] = "due; paused 60 min",
        ["421-unusual-rate"] = "due; paused 60 min",
        ["550-5.4.5-daily-limit"] = "due; paused 60 min",
        ["550-5.4.5-limit"] = "due; paused 60 min",
        ["550-5.7.28-rate"] = "due; paused 60 min",
        ["550-quota-exceeded"] = "due; paused 60 min",
        ["550-unusual-rate"] = "due; paused 60 min",
        // … or for a person; a refused password gets one early second try.
        ["334-token-refused"] = "due; paused 15 min for a person",
        ["535-bad-credentials"] = "due; paused 15 min for a person",
        ["535-refused"] = "due; paused 15 min for a person",
        ["432-password-transition"] = "due; paused 60 min for a person",
        ["501-bad-ehlo-name"] = "due; paused 60 min for a person",
        ["504-unrecognised-mechanism"] = "due; paused 60 min for a person",
        ["534-app-password-required"] = "due; paused 60 min for a person",
        ["534-web-login-required"] = "due; paused 60 min for a person",
        ["535-optional-argument"] = "due; paused 60 min for a person",
        ["550-not-authorised-to-send-directly"] = "due; paused 60 min for a person",
        ["550-relay-credentials"] = "due; paused 60 min for a person",
        ["550-relay-denied"] = "due; paused 60 min for a person",
        ["550-sending-denied"] = "due; paused 60 min for a person",
        // This message needs a person.
        ["550-5.7.60-send-as"] = Parked,
        ["550-looks-like-spam"] = Parked,
        ["550-not-rfc-5322"] = Parked,
        ["550-sender-domain"] = Parked,
        ["550-sender-unauthenticated"] = Parked,
        ["553-invalid-sender"] = Parked,
        ["554-malformed"] = Parked,
        ["555-syntax"] = Parked,
        // Given up: one recipient …
        ["550-account-disabled"] = OneBounced,
        ["550-no-such-user"] = OneBounced,
        ["552-over-quota"] = OneBounced,
        ["553-domain-not-found"] = OneBounced,
        ["553-invalid-recipient"] = OneBounced,
        // … or the message.
        ["550-administrators-rule"] = Bounced,
        ["550-policy"] = Bounced,
        ["552-blocked-attachment"] = Bounced,
        ["552-too-large"] = Bounced,
        ["552-too-large-by-code"] = Bounced,
        ["554-loop"] = Bounced,
        ["554-loop-by-code"] = Bounced,
    };

    [Test]
    public async Task A_message_and_its_account_fare_as_the_table_says([ValueSource(nameof(Transcripts))] string name, [Values("BDAT", "DATA")] string way)
    {
        var transcript = Transcript.Load(Path.Combine(Folder(), name + ".txt"));
        await using var bench = await DeliveryBench.OpenAsync(way);
        bench.Connector = () => Given.Connector(new Dictionary<int, int> { [587] = bench.Gmail.Port, [465] = bench.Gmail.ImplicitPort }, bench.Time);
        bench.Accounts = [bench.Account("default", DeliveryBench.You) with { Host = "smtp.gmail.com", Port = null }];
        bench.Start();
        var rules = transcript.Rules();
        bench.Gmail.Script.Add(rules);
        if (rules.Any(rule => rule.Stage == PracticeStage.Idle)) await bench.DoneAsync(await bench.AcceptAsync(to: ["before@example.com"]));
        var id = await bench.AcceptAsync(to: ["one@example.com", "two@example.com"]);
        foreach (var stalled in rules.Where(rule => rule.What is [Misbehaviour.Stall])) await OutwaitAsync(bench, stalled);
        await bench.RestAsync();

        Assert.That(rules, Has.All.Property("Played").EqualTo(1), "all of it was played");
        Assert.That(await FateAsync(bench, id), Is.EqualTo(
            Fates.GetValueOrDefault($"{name}/{way}") ?? Fates.GetValueOrDefault($"{transcript.Row}/{way}") ?? Fates.GetValueOrDefault(name) ?? Fates.GetValueOrDefault(transcript.Row)));
        await NothingIsLostAsync(bench, id);
    }

    [Test]
    public void Every_fate_is_that_of_a_transcript() =>
        Assert.That(Fates.Keys.Select(key => key.Split('/')[0]), Is.SubsetOf(Transcripts().SelectMany(name => new[] { name, name.Split("--")[0] })));

    [Test]
    public void Every_row_of_the_catalogue_has_a_transcript() =>
        Assert.That(ReplyCatalogue.Rows.Select(row => row.Name), Is.SubsetOf(Transcripts().Select(name => name.Split("--")[0])));

    private static async Task<string> FateAsync(DeliveryBench bench, QueueId id)
    {
        var (message, account, now) = (await bench.FindAsync(id), bench.State(), bench.Time.GetUtcNow());
        var fate = message.State == MessageState.Parked ? Parked : string.Join(", ", message.Recipients.Select(recipient => recipient.State switch
        {
            RecipientState.Sent => Sent,
            RecipientState.Bounced => Bounced,
            _ when recipient.Due <= now => "due",
            _ => $"due in {Minutes(recipient.Due - now)}",
        }).Distinct());
        return account.Health switch
        {
            AccountHealth.Slowed => $"{fate}; slowed",
            AccountHealth.Paused => $"{fate}; paused {Minutes(account.NextProbe!.Value - now)}{(account.NeedsPerson ? " for a person" : "")}",
            _ => fate,
        };
    }

    private static string Minutes(TimeSpan span) => $"{Math.Round(span.TotalMinutes)} min";

    /// <summary>Who has not bounced gets it once Gmail behaves (and a person has looked, where one must): once, or twice where Gmail had it without saying so.</summary>
    private static async Task NothingIsLostAsync(DeliveryBench bench, QueueId id)
    {
        if ((await bench.FindAsync(id)).State == MessageState.Parked) Assert.That(await bench.Queue.ReleaseAsync(id, default), Is.Null);
        await bench.AdvanceUntilAsync(TimeSpan.FromMinutes(15), async () => (await bench.FindAsync(id)).State == MessageState.Done, "its end");
        var message = await bench.FindAsync(id);
        var arrived = bench.Gmail.Messages.SelectMany(one => one.Envelope.Recipients).ToLookup(recipient => recipient);
        var copies = (await bench.QueueBench.StoryAsync(id)).Contains(TimelineEvent.PossibleDuplicate) ? new[] { 1, 2 } : [1];
        Assert.Multiple(() =>
        {
            foreach (var recipient in message.Recipients)
                Assert.That(arrived[recipient.Address].Count(), recipient.State == RecipientState.Sent ? Is.AnyOf([.. copies]) : Is.Zero, recipient.Address.ToString());
            Assert.That(bench.State().Health, Is.Not.EqualTo(AccountHealth.Paused));
            Assert.That(bench.Gmail.Violations, Is.Empty);
        });
    }

    /// <summary>Moves the clock until delivery has lost its patience, and no further: what it tries next has a time of its own.</summary>
    private static async Task OutwaitAsync(DeliveryBench bench, PracticeRule stalled)
    {
        await stalled.Reached.WaitAsync(bench.TooLong);
        // Gmail may be there before the loop has published that it went.
        await bench.UntilAsync(() => bench.Loop.State.Accounts is [{ Sending: > 0 } or { Connecting: true }], "the attempt to show");
        await bench.AdvanceAnywayUntilAsync(TimeSpan.FromSeconds(1), () => bench.Gmail.Connections > 1 || bench.State() is { Sending: 0, Connecting: false }, "the end of its patience");
    }

    private static IEnumerable<string> Transcripts() => Directory.EnumerateFiles(Folder(), "*.txt").Select(file => Path.GetFileNameWithoutExtension(file)).Order(StringComparer.Ordinal);

    private static string Folder([CallerFilePath] string path = "") => Path.GetFullPath(Path.Combine(Path.GetDirectoryName(path)!, "..", "Transcripts"));
}
