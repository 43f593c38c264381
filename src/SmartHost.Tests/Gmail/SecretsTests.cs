using Microsoft.Extensions.Logging;
using SmartHost.Gmail;

namespace SmartHost.Tests.Gmail;

[CancelAfter(30_000)]
public class SecretsTests
{
    private const string Encoded = "AHlvdUBnbWFpbC5jb20AYWJjZGVmZ2hpamtsbW5vcA==";

    [TestCase("S: 535 5.7.8 Username and Password not accepted\nEND")]
    [TestCase("S: 500 5.5.1 what is \"AUTH PLAIN " + Encoded + "\" or abcdefghijklmnop?\nEND")]
    [TestCase("S: what is \"AUTH PLAIN " + Encoded + "\"?\nEND")]
    [TestCase("CLOSE")]
    public async Task A_login_that_fails_shows_no_secret_anywhere(string ending)
    {
        var log = new List<string>();
        await using var gmail = new ScriptedGmail(ScriptedGmail.Hello + ScriptedGmail.HelloAgain + "C: AUTH PLAIN *\n" + ending);
        var failed = (OpenOutcome.Failed)await Given.Connector(gmail, logger: new ListLogger(log)).OpenAsync(Given.Account(), CancellationToken.None);
        Assert.That(gmail.Heard, Does.Contain("AUTH PLAIN " + Encoded), "the login took place");
        foreach (var text in (string[])[failed.ToString(), failed.Verdict.ToString(), failed.Reply?.ToString() ?? "", failed.Tried, .. log])
            Assert.That(text, Does.Not.Contain(Encoded).And.Not.Contain("abcdefghijklmnop").And.Not.Contain(Given.AppPassword));
    }

    private sealed class ListLogger(List<string> lines) : ILogger<GmailConnector>
    {
        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            lines.Add($"{formatter(state, exception)} {exception}");
    }
}
