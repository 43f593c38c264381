using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;
using SmartHost.Mail;
using SmartHost.Queue;

namespace SmartHost.Tests.Queue;

/// <summary>The disk fails: nobody is told 250, nothing that was accepted is lost, and it ends by itself.</summary>
public class FaultTests
{
    private static readonly SqliteException SyncFailed = new("disk I/O error", 10, 1034), Full = new("database or disk is full", 13);

    [TestCase(1000)]
    [TestCase(300_000)]
    public async Task A_failed_sync_never_becomes_a_250(int length)
    {
        await using var bench = await QueueBench.OpenAsync();
        bench.Fault = step => { if (step == "commit") throw SyncFailed; };
        Assert.That(await bench.SubmitAsync(QueueBench.Submission(), QueueBench.Octets(length)), Is.InstanceOf<CommitOutcome.Failed>());
        Assert.That(bench.Queue.Take((_, _) => true), Is.Null);
        Assert.That(bench.Queue.AcceptedFrom("scanner"), Is.EqualTo((0, 0)));
        Assert.That(bench.ContentFiles(), Is.Empty);
        bench.Fault = null;
        var id = await bench.AcceptAsync();
        await bench.CrashAsync();
        Assert.That((await bench.Queue.SearchAsync(new MessageSearch(), default)).Single().Id, Is.EqualTo(id));
        Assert.That(bench.Log.Lines.Count(line => line.Level == LogLevel.Error), Is.EqualTo(1));
        Assert.That(bench.Log.Lines.Any(line => line.Text.Contains("can be written again")), Is.True);
    }

    [TestCase("begin")]
    [TestCase("commit")]
    public async Task A_full_disk_asks_the_device_to_come_again(string where)
    {
        await using var bench = await QueueBench.OpenAsync();
        bench.Fault = step => { if (step == where) throw Full; };
        Assert.That(await bench.SubmitAsync(QueueBench.Submission()), Is.InstanceOf<CommitOutcome.InsufficientStorage>());
        bench.Fault = null;
        await bench.AcceptAsync();
    }

    [Test]
    public async Task All_of_a_failed_batch_fail_and_all_of_the_next_succeed()
    {
        await using var bench = await QueueBench.OpenAsync();
        var failed = await InOneBatch(bench, SyncFailed, 5);
        Assert.That(failed, Has.All.InstanceOf<CommitOutcome.Failed>());
        var accepted = await InOneBatch(bench, null, 5);
        Assert.That(accepted, Has.All.InstanceOf<CommitOutcome.Committed>());
        Assert.That(await bench.Queue.SearchAsync(new MessageSearch(), default), Has.Count.EqualTo(5));
    }

    [Test]
    public async Task One_member_that_fails_by_itself_does_not_harm_the_others()
    {
        await using var bench = await QueueBench.OpenAsync();
        var unknown = QueueId.Create(QueueBench.Start, new Random(9));
        Task<QueuedMessage>? bad = null;
        var outcomes = await InOneBatch(bench, null, 4, () => bad = bench.Queue.SettleAsync(new Settlement(unknown, [], [], Spent: new Spend("default", 1, 1)), default));
        Assert.That(async () => await bad!, Throws.InvalidOperationException.With.Message.Contains(unknown.ToString()));
        Assert.That(outcomes, Has.All.InstanceOf<CommitOutcome.Committed>());
        await bench.ReopenAsync();
        Assert.That(await bench.Queue.SearchAsync(new MessageSearch(), default), Has.Count.EqualTo(4));
        Assert.That(bench.Queue.SpentBy("default").Messages, Is.Zero);
    }

    [Test]
    public async Task A_damaged_page_that_one_write_meets_costs_no_other_its_commit()
    {
        await using var bench = await QueueBench.OpenAsync();
        var first = await DamagedPageTests.DamageStoryAsync(bench);
        Task<string?>? held = null;
        var outcomes = await InOneBatch(bench, null, 4, () => held = bench.Queue.HoldAsync(first, "by a person", default));
        Assert.That(outcomes, Has.All.InstanceOf<CommitOutcome.Committed>());
        Assert.That(await held!, Does.Contain("damaged"));
        Assert.That(bench.Queue.WriteTrouble, Is.Null, "mail is taken");
    }

    [Test]
    public async Task A_result_that_comes_as_the_grace_of_a_stop_ends_is_written()
    {
        await using var bench = await QueueBench.OpenAsync();
        var id = await bench.AcceptAsync();
        bench.Take();
        await bench.Queue.SettleAsync(new Settlement(id, [new RecipientOutcome(Mailbox.Parse("you@gmail.com"), QueueBench.Sent)], []), new CancellationToken(canceled: true));
        await bench.ReopenAsync();
        Assert.That((await bench.FindAsync(id)).State, Is.EqualTo(MessageState.Done));
    }

    [Test]
    public async Task A_settlement_waits_for_the_disk_and_holds_its_lease_meanwhile()
    {
        await using var bench = await QueueBench.OpenAsync();
        var id = await bench.AcceptAsync();
        var message = bench.Take();
        var tries = 0;
        using var tried = new SemaphoreSlim(0);
        bench.Fault = step =>
        {
            if (step != "commit") return;
            tries++;
            tried.Release();
            throw Full;
        };
        var settling = bench.Queue.SettleAsync(new Settlement(id, [new RecipientOutcome(Mailbox.Parse("you@gmail.com"), QueueBench.Sent)], [], Spent: new Spend("default", 1, 1)), default);
        Assert.That(await tried.WaitAsync(TimeSpan.FromSeconds(10)), Is.True);
        Assert.That(bench.Queue.Take((_, _) => true), Is.Null);
        Assert.That(settling.IsCompleted, Is.False);
        bench.Fault = null;
        await Until(settling, bench);
        Assert.That((await settling).State, Is.EqualTo(MessageState.Done));
        Assert.That(bench.Queue.SpentBy("default").Messages, Is.EqualTo(1));
        Assert.That((message.Id, tries), Is.EqualTo((id, 1)));
    }

    [Test]
    public async Task Closing_ends_a_settlement_that_waits_and_the_next_start_knows_of_the_attempt()
    {
        await using var bench = await QueueBench.OpenAsync();
        var id = await bench.AcceptAsync();
        bench.Take();
        await bench.Queue.PutStateAsync("test", "barrier", "1", default);
        bench.Fault = step => { if (step == "commit") throw Full; };
        var settling = bench.Queue.SettleAsync(new Settlement(id, [], []), default);
        await bench.CloseAsync();
        Assert.That(async () => await settling, Throws.InstanceOf<OperationCanceledException>());
        bench.Fault = null;
        await bench.OpenQueueAsync();
        Assert.That(bench.Take().PossibleDuplicate, Is.True);
    }

    [Test]
    public async Task A_person_hears_in_a_sentence_that_the_disk_is_full()
    {
        await using var bench = await QueueBench.OpenAsync();
        var id = await bench.AcceptAsync();
        bench.Fault = step => { if (step == "commit") throw Full; };
        Assert.That(await bench.Queue.HoldAsync(id, "x", default), Does.Contain("disk").And.Contain("full"));
        bench.Fault = null;
        Assert.That(bench.Take().State, Is.EqualTo(MessageState.Queued));
    }

    [Test]
    public async Task A_commit_that_may_return_keeps_its_content_until_recovery_has_looked()
    {
        await using var bench = await QueueBench.OpenAsync();
        bench.Fault = step => { if (step is "commit" or "scar") throw SyncFailed; };
        Assert.That(await bench.SubmitAsync(QueueBench.Submission(), QueueBench.Octets(300_000)), Is.InstanceOf<CommitOutcome.Failed>());
        Assert.That(bench.ContentFiles(), Has.Length.EqualTo(1));
        bench.Fault = null;
        var id = await bench.AcceptAsync();
        await bench.ReopenAsync();
        Assert.That(bench.ContentFiles(), Is.Empty);
        Assert.That(bench.Take().Id, Is.EqualTo(id));
    }

    [Test]
    public async Task A_commit_that_cannot_return_any_more_lets_go_of_its_content()
    {
        await using var bench = await QueueBench.OpenAsync();
        bench.Fault = step => { if (step is "commit" or "scar") throw SyncFailed; };
        for (var i = 0; i < 3; i++) Assert.That(await bench.SubmitAsync(QueueBench.Submission(), QueueBench.Octets(300_000)), Is.InstanceOf<CommitOutcome.Failed>());
        Assert.That(bench.ContentFiles(), Has.Length.EqualTo(3));
        bench.Fault = null;
        var id = await bench.AcceptAsync(content: QueueBench.Octets(300_000));
        await bench.UntilAsync(() => Task.FromResult(bench.ContentFiles().SequenceEqual([$"{id}.eml"])));
    }

    /// <summary>What a failed sync leaves in SQLite's log looks like a commit to whoever opens the database next.</summary>
    [Test]
    public async Task A_failed_commit_that_returns_with_a_new_connection_is_forgotten()
    {
        await using var bench = await QueueBench.OpenAsync();
        var first = await bench.AcceptAsync();
        bench.Fault = step =>
        {
            if (step == "scar")
            {
                using var ghost = new SqliteConnection($"Data Source={Path.Combine(bench.Folder, "queue.db")};Pooling=False");
                ghost.Open();
                using var insert = ghost.CreateCommand();
                insert.CommandText = """
                    INSERT INTO messages SELECT number + 1, '0123456789abc', sender, device, account, lane, client, helo, protocol, message_id, subject, size, received, state, reason,
                        due, expires, attempts, attempting, duplicate, late, content, bounced, unreported, finished FROM messages
                    """;
                Assert.That(insert.ExecuteNonQuery(), Is.EqualTo(1));
            }
            if (step is "commit" or "scar") throw SyncFailed;
        };
        Assert.That(await bench.SubmitAsync(QueueBench.Submission()), Is.InstanceOf<CommitOutcome.Failed>());
        bench.Fault = null;
        var second = await bench.AcceptAsync();
        Assert.That((await bench.Queue.SearchAsync(new MessageSearch(), default)).Select(message => message.Id), Is.EquivalentTo(new[] { first, second }));
    }

    [Test]
    public async Task Octets_after_the_disk_failed_are_swallowed_and_the_end_tells()
    {
        await using var bench = await QueueBench.OpenAsync();
        await using var incoming = bench.Queue.Receive();
        await incoming.WriteAsync(QueueBench.Octets(200_000), default);
        // The folder goes away under it: what would become a file finds no place.
        Directory.Delete(Path.Combine(bench.Folder, "content"), recursive: true);
        await incoming.WriteAsync(QueueBench.Octets(200_000), default);
        await incoming.WriteAsync(QueueBench.Octets(200_000), default);
        Assert.That(incoming.Length, Is.EqualTo(600_000));
        Assert.That(await incoming.CommitAsync(QueueBench.Submission(), default), Is.InstanceOf<CommitOutcome.Failed>());
        Directory.CreateDirectory(Path.Combine(bench.Folder, "content"));
        await bench.AcceptAsync(content: QueueBench.Octets(300_000));
    }

    /// <summary>All of them wait while the journal is at its first, and so share the second.</summary>
    private static async Task<CommitOutcome[]> InOneBatch(QueueBench bench, Exception? failure, int count, Action? andAlso = null)
    {
        using var entered = new SemaphoreSlim(0);
        using var go = new SemaphoreSlim(0);
        var commits = 0;
        bench.Fault = step =>
        {
            if (step == "begin" && commits == 0)
            {
                entered.Release();
                go.Wait();
            }
            if (step == "commit" && ++commits == 2 && failure is not null) throw failure;
        };
        var gate = bench.Queue.PutStateAsync("test", "gate", "1", default);
        await entered.WaitAsync();
        var waiting = new List<Task<CommitOutcome>>();
        for (var i = 0; i < count; i++)
        {
            waiting.Add(bench.SubmitAsync(QueueBench.Submission()));
            if (i == 1) andAlso?.Invoke();
        }
        go.Release();
        await gate;
        var outcomes = await Task.WhenAll(waiting);
        Assert.That(commits, Is.EqualTo(2), "they did not share a commit");
        bench.Fault = null;
        return outcomes;
    }

    private static Task Until(Task done, QueueBench bench) => bench.UntilAsync(() => Task.FromResult(done.IsCompleted));
}
