using System.Net;
using System.Net.Sockets;
using System.Text;
using SmartHost.Listener;

namespace SmartHost.Tests.Listener;

public class WireTraceTests
{
    [Test, CancelAfter(30_000)]
    public async Task A_traced_client_is_written_down_without_its_password(CancellationToken cancellation)
    {
        await using var listener = await TestListener.StartAsync(settings => settings with { AuthInClear = true }, traced: [IPNetwork.Parse("127.0.0.0/8")]);
        using (var device = new TcpClient())
        {
            await device.ConnectAsync(IPAddress.Loopback, listener.Port, cancellation);
            var dialogue = "EHLO \x1b[2J\r\nAUTH LOGIN\r\n*\r\nauth login c2hvcA==\r\nc2VjcmV0\r\nAUTH LOGIN\r\nc2hvcA==\r\nc2VjcmV0\r\nAUTH:PLAIN AHNob3AAc2VjcmV0\r\nAUTH c2hvcA==\r\nRSET\r\nMAIL FROM:<a@lan.example>\r\nRCPT TO:<you@example.com>\r\nDATA\r\n"
                + $"Subject: x\r\n\r\n{new string('y', 40_000)}\r\n.\r\nQUIT\r\n";
            await device.GetStream().WriteAsync(Encoding.ASCII.GetBytes(dialogue), cancellation);
            using var reader = new StreamReader(device.GetStream());
            Assert.That(await reader.ReadToEndAsync(cancellation), Does.Contain("235").And.Contain("221"));
        }
        var files = Directory.GetFiles(Path.Combine(listener.Folder, "traces"));
        Assert.That(files, Has.Length.EqualTo(1));
        var trace = await File.ReadAllTextAsync(files[0], cancellation);
        Assert.That(trace, Does.Contain(@"-> EHLO \x1b[2J").And.Contain("<- 235 2.7.0").And.Contain("-> AUTH login ***").And.Contain("=> Subject: x").And.Contain("<- 250 2.0.0 Ok: queued as"));
        Assert.That(trace, Does.Not.Contain("c2VjcmV0").And.Not.Contain("c2hvcA").And.Not.Contain("AHNob3A").And.Not.Contain("\x1b"));
        Assert.That(trace, Has.Length.LessThan(30_000), "content is cut");
        if (!OperatingSystem.IsWindows()) Assert.That(File.GetUnixFileMode(files[0]), Is.EqualTo(UnixFileMode.UserRead | UnixFileMode.UserWrite));
    }

    /// <summary>Whatever stands before or between: what the parser takes for a login, and what a person meant as one, is masked.</summary>
    [TestCase("AUTH PLAIN {0}", ExpectedResult = "AUTH PLAIN ***")]
    [TestCase("auth\tplain\t{0}", ExpectedResult = "AUTH plain ***")]
    [TestCase("\0AUTH PLAIN {0}", ExpectedResult = "AUTH PLAIN ***")]
    [TestCase("\u00ef\u00bb\u00bfAUTH PLAIN {0}", ExpectedResult = "AUTH PLAIN ***")]
    [TestCase("AUTH=PLAIN {0}", ExpectedResult = "AUTH PLAIN ***")]
    [TestCase("AUTH\0PLAIN {0}", ExpectedResult = "AUTH PLAIN ***")]
    [TestCase("AUTHPLAIN {0}", ExpectedResult = "AUTH ***")]
    [TestCase("AUTH {0}", ExpectedResult = "AUTH ***")]
    [TestCase("AUHT LOGIN {0} {0}", ExpectedResult = "AUTH LOGIN ***")]
    [TestCase("\u00ff\u00fbAUTH LOGIN {0}", ExpectedResult = "AUTH LOGIN ***")]
    [TestCase("AUTH LOGIN", ExpectedResult = "AUTH LOGIN")]
    [TestCase("AUTH", ExpectedResult = "AUTH")]
    public string A_login_is_masked_in_every_form(string line)
    {
        const string secret = "AHNob3AAc2VjcmV0";
        var folder = Directory.CreateTempSubdirectory("smarthost-traces-").FullName;
        try
        {
            using (var trace = WireTrace.Open(folder, "scanner", "1", TimeProvider.System, out _)!)
            {
                trace.Received(Encoding.Latin1.GetBytes(string.Format(System.Globalization.CultureInfo.InvariantCulture, line, secret)), secret: false);
                // Whoever does not wait sends the rest as well, whether or not it was asked for.
                trace.Received(Encoding.Latin1.GetBytes(secret), secret: false);
                trace.Received(Encoding.Latin1.GetBytes("\0" + secret), secret: false);
                trace.Received("QUIT"u8, secret: false);
            }
            var lines = File.ReadAllLines(Directory.GetFiles(folder).Single());
            Assert.That(string.Join('\n', lines), Does.Not.Contain(secret));
            Assert.That(lines.Skip(1).Select(text => text[16..]), Is.EqualTo(new[] { "***", "***", "QUIT" }));
            return lines[0][16..];
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Test]
    public void Where_the_folder_cannot_be_made_there_is_a_reason_and_no_trace()
    {
        var file = Path.GetTempFileName();
        try
        {
            Assert.That(WireTrace.Open(Path.Combine(file, "traces"), "scanner", "1", TimeProvider.System, out var problem), Is.Null);
            Assert.That(problem, Is.Not.Empty);
        }
        finally
        {
            File.Delete(file);
        }
    }
}
