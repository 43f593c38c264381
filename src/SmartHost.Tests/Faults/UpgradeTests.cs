using System.IO.Compression;
using System.Runtime.CompilerServices;
using Microsoft.Data.Sqlite;
using SmartHost.Cli;
using SmartHost.Practice;
using SmartHost.Tests.EndToEnd;

namespace SmartHost.Tests.Faults;

/// <summary>
/// Folders of other versions. <c>first-build.zip</c> is what the first whole build left when it was killed with three messages
/// waiting: its database with the last commits still in the log, and the file of the large message. It is never made anew;
/// a release whose layout differs adds a folder of its own. (Migration step by step: DataFolderTests.)
/// </summary>
[Platform(Exclude = "Win", Reason = "signals"), CancelAfter(60_000)]
public class UpgradeTests
{
    [Test]
    public async Task Mail_that_the_first_build_took_is_delivered_by_this_one(CancellationToken cancellation)
    {
        using var folder = new TemporaryFolder();
        await using var gmail = await PracticeGmail.StartAsync(new PracticeSettings(), TimeProvider.System);
        var port = RunningServer.FreePort();
        var config = RunningServer.WriteConfig(folder.Path, port, gmail);
        Unpack(folder.File("data"));
        // Days have gone by since: its account was paused, and what is in the queue then does not age.
        await using var process = SmartHostProcess.Start(["run", "--config", config]);
        await process.WaitForBannerAsync(port, cancellation);
        await Ledger.DrainedAsync(folder.File("data"), process, cancellation);
        Assert.Multiple(() =>
        {
            Assert.That(gmail.Messages.Select(Ledger.Token), Is.EquivalentTo(new[] { "small", "three-recipients", "large" }), process.Output);
            Assert.That(gmail.Messages.All(message => message.Text().Contains($"end of {Ledger.Token(message)}", StringComparison.Ordinal)));
            Assert.That(gmail.Messages.Single(message => Ledger.Token(message) == "three-recipients").Envelope.Recipients, Has.Count.EqualTo(3));
        });
        Assert.That(await SmtpDevice.SendAsync(port, "new", 1000, cancellation), Is.EqualTo(HandOver.Accepted), process.Output);
        Assert.That(await process.TerminateAsync(cancellation), Is.Zero, process.Output);
    }

    [Test]
    public async Task A_folder_of_a_newer_version_is_refused_with_a_sentence_and_left_as_it_is(CancellationToken cancellation)
    {
        using var folder = new TemporaryFolder();
        await using var gmail = await PracticeGmail.StartAsync(new PracticeSettings(), TimeProvider.System);
        var config = RunningServer.WriteConfig(folder.Path, RunningServer.FreePort(), gmail);
        Unpack(folder.File("data"));
        using (var connection = new SqliteConnection($"Data Source={folder.File("data/queue.db")};Pooling=False"))
        {
            connection.Open();
            using var newer = connection.CreateCommand();
            newer.CommandText = "PRAGMA user_version = 99";
            newer.ExecuteNonQuery();
        }
        var before = await File.ReadAllBytesAsync(folder.File("data/queue.db"), cancellation);
        await using var process = SmartHostProcess.Start(["run", "--config", config]);
        Assert.That(await process.ExitAsync(cancellation), Is.EqualTo(ExitCode.Unavailable), process.Output);
        Assert.That(process.Output, Does.Contain("was written by a newer SmartHost (its layout is version 99").And.Not.Contain("   at "));
        Assert.That(await File.ReadAllBytesAsync(folder.File("data/queue.db"), cancellation), Is.EqualTo(before));
        Assert.That(Directory.GetFiles(folder.File("data/content")), Has.Length.EqualTo(1));
    }

    private static void Unpack(string to, [CallerFilePath] string path = "") => ZipFile.ExtractToDirectory(Path.Combine(Path.GetDirectoryName(path)!, "first-build.zip"), to);
}
