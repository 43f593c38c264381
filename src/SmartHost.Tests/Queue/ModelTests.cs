using CsCheck;
using SmartHost.Mail;
using SmartHost.Queue;

namespace SmartHost.Tests.Queue;

/// <summary>A random life of a queue, beside a model that is a dictionary; closing and crashing in between changes nothing.</summary>
public class ModelTests
{
    private enum Step { Accept, Take, Settle, GiveBack, Hold, Release, Retry, Delete, Pass, State, Report, Reopen, Crash, Tidy }

    private static readonly string[] Addresses = ["a@example.com", "b@example.com", "c@example.com"];
    private static readonly Gen<(Step, int)[]> Lives = Gen.Select(Gen.Frequency(
        (8, Gen.Const(Step.Accept)), (8, Gen.Const(Step.Take)), (8, Gen.Const(Step.Settle)), (2, Gen.Const(Step.GiveBack)), (2, Gen.Const(Step.Hold)), (2, Gen.Const(Step.Release)),
        (2, Gen.Const(Step.Retry)), (1, Gen.Const(Step.Delete)), (4, Gen.Const(Step.Pass)), (1, Gen.Const(Step.State)), (2, Gen.Const(Step.Report)), (1, Gen.Const(Step.Reopen)), (1, Gen.Const(Step.Crash)), (1, Gen.Const(Step.Tidy))),
        Gen.Int[0, 1_000_000]).Array[10, 60];

    [Test]
    public Task A_queue_is_what_was_done_to_it() => Lives.SampleAsync(LiveAsync, iter: 25, threads: 2);

    private static async Task LiveAsync((Step Step, int Salt)[] life)
    {
        await using var bench = await QueueBench.OpenAsync();
        var model = new Dictionary<QueueId, Expected>();
        var leased = new List<QueueId>();
        var spent = 0;
        string? state = null;
        foreach (var (step, salt) in life)
        {
            var now = bench.Time.GetUtcNow();
            var any = model.Count == 0 ? default : model.Keys.Order().ElementAt(salt % model.Count);
            switch (step)
            {
                case Step.Accept:
                    // A millisecond each, so that ids tell the order.
                    bench.Time.Advance(TimeSpan.FromMilliseconds(1));
                    var to = Addresses[..(1 + salt % 3)];
                    var size = salt % 10 == 0 ? 270_000 : 100 + salt % 1000;
                    var lane = (Lane)(salt % 3);
                    var device = $"d{salt % 4}";
                    var id = await bench.AcceptAsync(QueueBench.Submission(device, lane, to: to), QueueBench.Octets(size));
                    model[id] = new Expected(device, lane, size, bench.Time.GetUtcNow(), to.Length);
                    break;
                case Step.Take:
                    var due = model.Where(pair => pair.Value.State == MessageState.Queued && !leased.Contains(pair.Key) && pair.Value.Due <= now && pair.Value.Expires > now).ToList();
                    var taken = bench.Queue.Take((_, _) => true);
                    if (due.Count == 0)
                    {
                        Assert.That(taken, Is.Null);
                        break;
                    }
                    Assert.That(taken, Is.Not.Null);
                    var best = due.Min(pair => pair.Value.Lane);
                    Assert.That(taken!.Lane, Is.EqualTo(best));
                    var first = due.Where(pair => pair.Value.Lane == best && pair.Value.Device == taken.Device).OrderBy(pair => pair.Value.Due).ThenBy(pair => pair.Key).First();
                    Assert.That(taken.Id, Is.EqualTo(first.Key));
                    Compare(taken, first.Value);
                    leased.Add(taken.Id);
                    break;
                case Step.Settle when leased.Count > 0:
                    var settled = leased[salt % leased.Count];
                    var expected = model[settled];
                    var outcomes = Addresses.Take(expected.Recipients.Length).Select((address, i) => (Address: address, Kind: (salt >> (2 * i)) % 4)).Where(outcome => outcome.Kind != 3).ToList();
                    var park = salt % 17 == 0 ? "odd" : null;
                    foreach (var (_, kind, i) in outcomes.Select((outcome, i) => (outcome.Address, outcome.Kind, Array.IndexOf(Addresses, outcome.Address)))) expected.Settle(i, kind, now);
                    expected.Attempts++;
                    if (expected.Recipients.All(recipient => recipient.State != RecipientState.Queued)) expected.State = MessageState.Done;
                    else if (park is not null) expected.State = MessageState.Parked;
                    var result = await bench.Queue.SettleAsync(new Settlement(settled, [.. outcomes.Select(outcome => new RecipientOutcome(Mailbox.Parse(outcome.Address), outcome.Kind switch
                    {
                        0 => QueueBench.Sent,
                        1 => QueueBench.Bounced,
                        _ => bench.Deferred(TimeSpan.FromMinutes(10)),
                    }))], [], Park: park, Spent: new Spend("default", 1, 1)), default);
                    spent++;
                    leased.Remove(settled);
                    Compare(result, expected);
                    break;
                case Step.GiveBack when leased.Count > 0:
                    bench.Queue.GiveBack(leased[salt % leased.Count]);
                    leased.RemoveAt(salt % leased.Count);
                    break;
                case Step.Hold when model.Count > 0:
                    var holds = !leased.Contains(any) && model[any].State is MessageState.Queued or MessageState.Parked;
                    Assert.That(await bench.Queue.HoldAsync(any, "x", default) is null, Is.EqualTo(holds));
                    if (holds) model[any].State = MessageState.Held;
                    break;
                case Step.Release when model.Count > 0:
                    var releases = model[any].State is MessageState.Held or MessageState.Parked;
                    Assert.That(await bench.Queue.ReleaseAsync(any, default) is null, Is.EqualTo(releases));
                    if (releases) model[any].Requeue(now);
                    break;
                case Step.Retry when model.Count > 0:
                    // A bounce keeps its content until it is reported, and so long it can be tried again.
                    var retries = !leased.Contains(any) && (model[any].State is MessageState.Queued or MessageState.Held or MessageState.Parked || model[any] is { State: MessageState.Done, HasContent: true });
                    Assert.That(await bench.Queue.RetryAsync(any, default) is null, Is.EqualTo(retries));
                    if (retries) model[any].Retry(now);
                    break;
                case Step.Delete when model.Count > 0:
                    var deletes = !leased.Contains(any) && model[any].State is MessageState.Queued or MessageState.Held or MessageState.Parked;
                    Assert.That(await bench.Queue.DeleteAsync(any, default) is null, Is.EqualTo(deletes));
                    if (deletes) model[any].State = MessageState.Deleted;
                    break;
                case Step.Pass:
                    bench.Time.Advance(TimeSpan.FromMinutes(salt % 15));
                    break;
                case Step.State:
                    state = salt % 3 == 0 ? null : $"{salt}";
                    await bench.Queue.PutStateAsync("scope", "key", state, default);
                    break;
                case Step.Report when model.Count > 0:
                    await bench.ReportedAsync(any);
                    model[any].Report();
                    break;
                case Step.Reopen:
                    await bench.ReopenAsync();
                    leased.ForEach(lease => model[lease].Suspect = true);
                    leased.Clear();
                    break;
                case Step.Crash:
                    await bench.Queue.PutStateAsync("scope", "barrier", "1", default);
                    await bench.CrashAsync();
                    leased.ForEach(lease => model[lease].Suspect = true);
                    leased.Clear();
                    break;
                case Step.Tidy:
                    await bench.Queue.TidyAsync(default);
                    break;
            }
        }
        await bench.ReopenAsync();
        leased.ForEach(lease => model[lease].Suspect = true);
        var stored = await bench.Queue.SearchAsync(new MessageSearch(Limit: 1000), default);
        Assert.That(stored.Select(message => message.Id), Is.EqualTo(model.Keys.OrderDescending()));
        foreach (var message in stored)
        {
            Compare(message, model[message.Id]);
            Assert.That(await bench.ContentAsync(message.Id), Is.EqualTo(model[message.Id].HasContent ? QueueBench.Octets(model[message.Id].Size) : null));
        }
        Assert.That(bench.Queue.SpentBy("default").Messages, Is.EqualTo(spent));
        Assert.That(bench.Queue.GetState("scope", "key"), Is.EqualTo(state));
        var open = model.Values.Where(expected => !expected.Finished).ToList();
        Assert.That(bench.Queue.Counts(), Is.EqualTo(new QueueCounts(
            open.Count(expected => expected is { State: MessageState.Queued, Lane: Lane.Urgent }), open.Count(expected => expected is { State: MessageState.Queued, Lane: Lane.Normal }),
            open.Count(expected => expected is { State: MessageState.Queued, Lane: Lane.Bulk }), open.Count(expected => expected.State == MessageState.Held),
            open.Count(expected => expected.State == MessageState.Parked), open.Sum(expected => (long)expected.Size), Oldest(open), Oldest(open.Where(expected => expected.State == MessageState.Queued)))));
        Assert.That(bench.Log.Lines.Where(line => line.Level >= Microsoft.Extensions.Logging.LogLevel.Error), Is.Empty);
    }

    private static DateTimeOffset? Oldest(IEnumerable<Expected> messages) => messages.Min(expected => (DateTimeOffset?)expected.ReceivedAt);

    private static void Compare(QueuedMessage message, Expected expected)
    {
        Assert.That((message.Device, message.Lane, message.Size, message.ReceivedAt), Is.EqualTo((expected.Device, expected.Lane, (long)expected.Size, expected.ReceivedAt)));
        Assert.That((message.State, message.Attempts, message.PossibleDuplicate, message.HasContent), Is.EqualTo((expected.State, expected.Attempts, expected.Suspect, expected.HasContent)));
        Assert.That(message.Recipients.Select(recipient => (recipient.State, recipient.Due)), Is.EqualTo(expected.Recipients));
        if (!expected.Finished) Assert.That((message.Due, message.Expires), Is.EqualTo((expected.Due, expected.Expires)));
    }

    private sealed class Expected(string device, Lane lane, int size, DateTimeOffset receivedAt, int recipients)
    {
        public string Device => device;
        public Lane Lane => lane;
        public int Size => size;
        public DateTimeOffset ReceivedAt => receivedAt;
        public DateTimeOffset Expires { get; private set; } = receivedAt + QueueBench.Lifetime;
        public (RecipientState State, DateTimeOffset Due)[] Recipients { get; } = [.. Enumerable.Repeat((RecipientState.Queued, receivedAt), recipients)];
        public MessageState State { get; set; }
        public int Attempts { get; set; }
        public bool Suspect { get; set; }
        /// <summary>Who bounced and whose sender has yet to be told.</summary>
        private readonly HashSet<int> untold = [];

        public bool HasContent => !Finished || (State == MessageState.Done && untold.Count > 0);
        public bool Finished => State is MessageState.Done or MessageState.Deleted;
        public DateTimeOffset Due => Recipients.Where(recipient => recipient.State == RecipientState.Queued).Min(recipient => recipient.Due);

        public void Settle(int i, int kind, DateTimeOffset now)
        {
            if (Recipients[i].State != RecipientState.Queued) return;
            if (kind == 1) untold.Add(i);
            Recipients[i] = kind switch { 0 => (RecipientState.Sent, Recipients[i].Due), 1 => (RecipientState.Bounced, Recipients[i].Due), _ => (RecipientState.Queued, now + TimeSpan.FromMinutes(10)) };
        }

        public void Report() => untold.Clear();

        public void Retry(DateTimeOffset now)
        {
            if (State == MessageState.Done)
            {
                for (var i = 0; i < Recipients.Length; i++) if (Recipients[i].State == RecipientState.Bounced) Recipients[i].State = RecipientState.Queued;
                untold.Clear();
                Expires = now + QueueBench.Lifetime;
            }
            Requeue(now);
        }

        public void Requeue(DateTimeOffset now)
        {
            State = MessageState.Queued;
            for (var i = 0; i < Recipients.Length; i++) if (Recipients[i].State == RecipientState.Queued) Recipients[i].Due = now;
        }
    }
}
