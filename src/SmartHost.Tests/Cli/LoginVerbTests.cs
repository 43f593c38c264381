using SmartHost.Cli;
using SmartHost.Tests.EndToEnd;

namespace SmartHost.Tests.Cli;

/// <summary>Where there is nothing to log in: whether the line or the settings must change, the exit code tells.</summary>
[CancelAfter(30_000)]
public class LoginVerbTests
{
    [TestCase("", ExitCode.Configuration, "No account uses OAuth")]
    [TestCase("--account nope", ExitCode.Usage, "There is no account nope.")]
    [TestCase("--account default", ExitCode.Usage, "Account default does not use OAuth; it needs no login.")]
    public async Task Without_an_account_to_log_in_it_says_what_to_change(string options, int code, string sentence, CancellationToken cancellation)
    {
        using var folder = new TemporaryFolder();
        await File.WriteAllTextAsync(folder.File("smarthost.yaml"), "accounts: { default: { username: you@gmail.com, appPassword: abcd efgh ijkl mnop } }\n", cancellation);
        var typed = await Typed.RunAsync(Screen.None, ["login", .. options.Split(' ', StringSplitOptions.RemoveEmptyEntries), "--config", folder.File("smarthost.yaml")], cancellation);
        Assert.That((typed.Code, typed.Output), Is.EqualTo((code, "")));
        Assert.That(typed.Error, Does.StartWith($"smarthost: {sentence}"));
    }
}
