using SmartHost.Cli;
using SmartHost.Practice;
using SmartHost.Tests.EndToEnd;

namespace SmartHost.Tests.Faults;

/// <summary>
/// A data folder that somebody or something damaged while the program was off. It says so, keeps what it finds, and either
/// delivers what can be read or refuses with the way out. Nothing is lost without a word.
/// </summary>
[Platform(Exclude = "Win", Reason = "signals"), CancelAfter(40_000)]
public class DamagedFolderTests
{
    private TemporaryFolder folder = null!;
    private PracticeGmail gmail = null!;
    private int port;
    private string config = "", data = "";

    /// <summary>A folder with waiting mail, as a kill left it.</summary>
    [SetUp]
    public async Task Fill()
    {
        folder = new TemporaryFolder();
        data = folder.File("data");
        gmail = await PracticeGmail.StartAsync(new PracticeSettings(), TimeProvider.System);
        port = RunningServer.FreePort();
        config = RunningServer.WriteConfig(folder.Path, port, gmail);
        await gmail.GoOfflineAsync();
        await using var process = SmartHostProcess.Start(["run", "--config", config]);
        await process.WaitForBannerAsync(port, default);
        foreach (var (token, size) in new[] { ("small", 3_000), ("large", 600_000), ("larger", 900_000) })
            Assert.That(await SmtpDevice.SendAsync(port, token, size, default), Is.EqualTo(HandOver.Accepted), process.Output);
        // A stop in good order, but where the test is about the log.
        if (TestContext.CurrentContext.Test.MethodName!.StartsWith("A_log_", StringComparison.Ordinal)) await process.KillAsync();
        else
        {
            Assert.That(await process.TerminateAsync(default), Is.Zero, process.Output);
            Assert.That(File.Exists(Path.Combine(data, "queue.db-wal")), Is.False, "after a stop in good order queue.db is all there is, and a copy of it is whole");
        }
        gmail.GoOnline();
    }

    [TearDown]
    public async Task Clear()
    {
        await gmail.DisposeAsync();
        folder.Dispose();
    }

    [TestCase("truncated"), TestCase("a page of zeros"), TestCase("garbage"), TestCase("emptied to its head")]
    public async Task A_damaged_database_is_kept_and_refused_with_the_way_out(string how, CancellationToken cancellation)
    {
        var database = Path.Combine(data, "queue.db");
        var octets = await File.ReadAllBytesAsync(database, cancellation);
        switch (how)
        {
            case "truncated": octets = octets[..(octets.Length / 2 + 100)]; break;
            case "a page of zeros": octets.AsSpan(2 * 4096, 4096).Clear(); break;
            case "garbage": new Random(1).NextBytes(octets); break;
            case "emptied to its head": octets.AsSpan(4096).Clear(); break;
        }
        await File.WriteAllBytesAsync(database, octets, cancellation);
        await using var process = SmartHostProcess.Start(["run", "--config", config]);
        Assert.That(await process.ExitAsync(cancellation), Is.EqualTo(ExitCode.Unavailable), process.Output);
        Assert.That(process.Output, Does.Contain("is damaged").And.Contain(".recover").And.Contain("content/unclaimed").And.Not.Contain("   at "));
        Assert.That(await File.ReadAllBytesAsync(database, cancellation), Is.EqualTo(octets), "nothing in it was changed");
        Assert.That(Directory.GetFiles(Path.Combine(data, "content"), "*.eml"), Has.Length.EqualTo(2));
    }

    [Test]
    public async Task The_way_out_of_a_damaged_database_keeps_the_large_messages(CancellationToken cancellation)
    {
        foreach (var file in Directory.GetFiles(data, "queue.db*")) File.Delete(file);
        await using var process = SmartHostProcess.Start(["run", "--config", config]);
        await process.WaitForBannerAsync(port, cancellation);
        Assert.That(process.Output, Does.Contain("the database does not know this content"));
        Assert.That(Directory.GetFiles(Path.Combine(data, "content", "unclaimed"), "*.eml"), Has.Length.EqualTo(2));
        Assert.That(await SmtpDevice.SendAsync(port, "new", 1000, cancellation), Is.EqualTo(HandOver.Accepted), process.Output);
        await gmail.WaitForAsync(1, cancellation);
    }

    /// <summary>A backup of queue.db alone, or a clean-up of "temporary" files: the last commits were in the log.</summary>
    [Test]
    public async Task A_log_that_is_missing_is_said_and_the_content_it_spoke_of_is_kept(CancellationToken cancellation)
    {
        Assert.That(File.Exists(Path.Combine(data, "queue.db-wal")), "a kill was to leave the log");
        File.Delete(Path.Combine(data, "queue.db-wal"));
        File.Delete(Path.Combine(data, "queue.db-shm"));
        await using var process = SmartHostProcess.Start(["run", "--config", config]);
        await process.WaitForBannerAsync(port, cancellation);
        Assert.That(process.Output, Does.Contain("queue.db-wal is missing, though"));
        Assert.That(Directory.GetFiles(Path.Combine(data, "content", "unclaimed"), "*.eml"), Has.Length.EqualTo(2), process.Output);
        Assert.That(await SmtpDevice.SendAsync(port, "new", 1000, cancellation), Is.EqualTo(HandOver.Accepted), process.Output);
        await gmail.WaitForAsync(message => Ledger.Token(message) == "new", cancellation);
    }

    /// <summary>SQLite itself drops without a word what stands behind the damage, and the next start would delete its content.</summary>
    [Test]
    public async Task A_log_that_the_disk_damaged_is_said_once_and_the_content_it_spoke_of_is_kept(CancellationToken cancellation)
    {
        var log = Path.Combine(data, "queue.db-wal");
        var octets = await File.ReadAllBytesAsync(log, cancellation);
        octets[5000] ^= 1;
        await File.WriteAllBytesAsync(log, octets, cancellation);
        await using (var process = SmartHostProcess.Start(["run", "--config", config]))
        {
            await process.WaitForBannerAsync(port, cancellation);
            Assert.That(process.Output, Does.Contain("queue.db-wal is damaged").And.Contain("send again from its device"));
            Assert.That(Directory.GetFiles(Path.Combine(data, "content", "unclaimed"), "*.eml"), Has.Length.EqualTo(2), process.Output);
            Assert.That(await File.ReadAllBytesAsync(Path.Combine(Directory.GetDirectories(data, "damaged-*").Single(), "queue.db-wal"), cancellation), Is.EqualTo(octets));
            Assert.That(await SmtpDevice.SendAsync(port, "new", 1000, cancellation), Is.EqualTo(HandOver.Accepted), process.Output);
            await gmail.WaitForAsync(message => Ledger.Token(message) == "new", cancellation);
            await process.KillAsync();
        }
        await using var next = SmartHostProcess.Start(["run", "--config", config]);
        await next.WaitForBannerAsync(port, cancellation);
        Assert.That(next.Output, Does.Not.Contain("is damaged"));
    }

    /// <summary>It folds what is left of the log as it closes the database, and then nothing else would tell that there was more.</summary>
    [Test]
    public async Task A_log_that_the_disk_damaged_is_not_forgotten_where_the_start_fails(CancellationToken cancellation)
    {
        var (log, unclaimed) = (Path.Combine(data, "queue.db-wal"), Path.Combine(data, "content", "unclaimed"));
        var octets = await File.ReadAllBytesAsync(log, cancellation);
        octets[5000] ^= 1;
        await File.WriteAllBytesAsync(log, octets, cancellation);
        // A file in the folder's place, so that nothing can be set aside.
        await File.WriteAllTextAsync(unclaimed, "", cancellation);
        await using (var process = SmartHostProcess.Start(["run", "--config", config])) Assert.That(await process.ExitAsync(cancellation), Is.Not.Zero, process.Output);
        File.Delete(unclaimed);
        await using var next = SmartHostProcess.Start(["run", "--config", config]);
        await next.WaitForBannerAsync(port, cancellation);
        Assert.That(next.Output, Does.Match("queue.db-wal is (missing|damaged)"));
        Assert.That(Directory.GetFiles(unclaimed, "*.eml"), Has.Length.EqualTo(2), next.Output);
    }

    [Test]
    public async Task A_content_file_that_is_gone_or_cut_short_is_parked_with_a_word_and_the_rest_is_delivered(CancellationToken cancellation)
    {
        var files = new DirectoryInfo(Path.Combine(data, "content")).GetFiles("*.eml").OrderBy(file => file.Length).ToList();
        files[0].Delete();
        using (var cut = files[1].OpenWrite()) cut.SetLength(100_000);
        await using var process = SmartHostProcess.Start(["run", "--config", config]);
        await process.WaitForBannerAsync(port, cancellation);
        await gmail.WaitForAsync(1, cancellation);
        await LiveServer.WaitAsync(() => process.Output.Split('\n').Count(line => line.Contains("parked", StringComparison.OrdinalIgnoreCase)) >= 2, cancellation);
        Assert.That(gmail.Messages.Select(Ledger.Token), Is.EqualTo(new[] { "small" }), "a torn message is not sent");
        Assert.That(files[1].Exists, "what is left of it is kept");
    }

    [Test]
    public async Task Files_that_are_not_ours_are_left_alone(CancellationToken cancellation)
    {
        string[] alien = ["Thumbs.db", "content/holiday.jpg", "content/draft.part", "content/.DS_Store", "queue.db.old"];
        foreach (var name in alien) await File.WriteAllTextAsync(Path.Combine(data, name), "not ours", cancellation);
        Directory.CreateDirectory(Path.Combine(data, "content", "@eaDir"));
        await using var process = SmartHostProcess.Start(["run", "--config", config]);
        await process.WaitForBannerAsync(port, cancellation);
        await Ledger.DrainedAsync(data, process, cancellation);
        Assert.That(gmail.Messages.Select(Ledger.Token), Is.EquivalentTo(new[] { "small", "large", "larger" }));
        foreach (var name in alien) Assert.That(await File.ReadAllTextAsync(Path.Combine(data, name), cancellation), Is.EqualTo("not ours"), name);
    }
}
