using System.Collections.Concurrent;
using System.Net;
using SmartHost.Cli;
using SmartHost.Delivery;
using SmartHost.Gmail;
using SmartHost.Gmail.Login;
using SmartHost.Mail;
using SmartHost.Practice;
using SmartHost.Tests.Practice;

namespace SmartHost.Tests.EndToEnd;

/// <summary><c>smarthost login</c> from the printed address to the kept token, with a browser that is an HTTP client and a Google that is <see cref="PracticeTokens"/>.</summary>
[CancelAfter(60_000)]
public class LoginTests
{
    private static readonly byte[] Scan = "From: scanner@device.lan\r\nSubject: scan\r\n\r\nhello\r\n"u8.ToArray();

    private PracticeTokens tokens = null!;
    private TemporaryFolder folder = null!;
    private HttpClient http = null!;

    [SetUp]
    public async Task Start()
    {
        tokens = await PracticeTokens.StartAsync(TimeProvider.System);
        folder = new TemporaryFolder();
        // Redirects are followed by hand: what a browser does with them is the point.
        http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, UseProxy = false });
    }

    [TearDown]
    public async Task Stop()
    {
        http.Dispose();
        folder.Dispose();
        await tokens.DisposeAsync();
    }

    [Test]
    public async Task A_consent_in_the_browser_frees_the_mail_of_a_running_server_at_once(CancellationToken cancellation)
    {
        await using var live = await LiveServer.StartAsync(cancellation, new PracticeSettings { AcceptsToken = tokens.Accepts }, edit: WithOAuth, tokenEndpoint: tokens.TokenEndpoint);
        await live.PlayAsync(Scan, ["you@example.com"], cancellation);
        await live.WaitForHealthAsync(AccountHealth.Paused, cancellation);
        var state = live.Server.Flow.Delivery.State.Accounts[0];
        Assert.That(state, Has.Property("NeedsPerson").True.And.Property("Remedy").Contains("smarthost login"));
        Assert.That(state.NextProbe - TimeProvider.System.GetUtcNow(), Is.GreaterThan(TimeSpan.FromMinutes(50)), "by itself it would be an hour");

        var settings = live.Server.Flow.Settings.Current;
        await using var login = new Login(this, settings.Accounts[0], settings.DataFolder, cancellation);
        using var page = await BrowseAsync(await login.PageAsync(), cancellation);
        Assert.That(await page.Content.ReadAsStringAsync(cancellation), Does.Contain("You may close this page"));
        Assert.That(await login.Ended, Is.Zero);
        Assert.That(login.Said, Does.Contain("you@gmail.com is logged in. The running SmartHost tries it now").And.Contain("“Testing”").And.Contain("seven days"));

        await live.Gmail.WaitForAsync(1, cancellation);
        await live.WaitForHealthAsync(AccountHealth.Healthy, cancellation);
        Assert.That(login.Said + login.Complained, Does.Not.Contain("1//practice").And.Not.Contain(tokens.ClientSecret.Reveal()));
    }

    [Test]
    public async Task Without_waiting_mail_the_page_says_healthy_again_too(CancellationToken cancellation)
    {
        await using var live = await LiveServer.StartAsync(cancellation, new PracticeSettings { AcceptsToken = tokens.Accepts }, edit: WithOAuth, tokenEndpoint: tokens.TokenEndpoint);
        live.Server.Flow.Delivery.TryNow("default");
        await live.WaitForHealthAsync(AccountHealth.Paused, cancellation);
        var settings = live.Server.Flow.Settings.Current;
        await using var login = new Login(this, settings.Accounts[0], settings.DataFolder, cancellation);
        using var page = await BrowseAsync(await login.PageAsync(), cancellation);
        Assert.That(await login.Ended, Is.Zero);
        await live.WaitForHealthAsync(AccountHealth.Healthy, cancellation);
        Assert.That(live.Gmail.Logins, Is.EqualTo(1));
    }

    [Test]
    public async Task On_a_machine_without_a_browser_the_address_is_pasted(CancellationToken cancellation)
    {
        await using var login = new Login(this, Account(), folder.Path, cancellation);
        // The browser is elsewhere: it gets the redirect and cannot follow it.
        using var redirect = await http.GetAsync(await login.PageAsync(), cancellation);
        login.Paste("");
        login.Paste($"  \"{redirect.Headers.Location}\" ");
        Assert.That(await login.Ended, Is.Zero);
        Assert.That(login.Said, Does.Contain("SmartHost uses it when it starts."));

        var kept = new FileInfo(Path.Combine(folder.Path, "tokens", "default.json"));
        Assert.That(kept.UnixFileMode, Is.EqualTo(UnixFileMode.UserRead | UnixFileMode.UserWrite));
        Assert.That(kept.Directory!.UnixFileMode, Is.EqualTo(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute));
        var granted = await new AccessTokens(TimeProvider.System, http, new RefreshTokens(folder.Path), endpoint: tokens.TokenEndpoint).GetAsync(Account(), cancellation);
        Assert.That(granted, Is.InstanceOf<TokenOutcome.Granted>());
    }

    [Test]
    public async Task A_refusal_and_an_answer_to_another_login_are_explained_and_may_be_followed_by_a_consent(CancellationToken cancellation)
    {
        await using var login = new Login(this, Account(), folder.Path, cancellation);
        var address = await login.PageAsync();
        tokens.Declining = true;
        using (await BrowseAsync(address, cancellation)) await login.ComplainedAsync("the consent was declined");
        tokens.Declining = false;

        using (var foreign = await http.GetAsync(new Uri(address.ToString().Replace("&state=", "&state=x")), cancellation)) login.Paste(foreign.Headers.Location!.ToString());
        await login.ComplainedAsync("belongs to another login");
        login.Paste("I do not know what to paste");
        await login.ComplainedAsync("There is no code in this address");
        Assert.That(Directory.Exists(Path.Combine(folder.Path, "tokens")), Is.False);

        using var page = await BrowseAsync(address, cancellation);
        Assert.That(await login.Ended, Is.Zero);
    }

    /// <summary>Whoever copied it has seen Google's page: a prompt that waits on would only look as if more were to come.</summary>
    [Test]
    public async Task A_refusal_that_is_pasted_ends_the_login(CancellationToken cancellation)
    {
        await using var login = new Login(this, Account(), folder.Path, cancellation);
        tokens.Declining = true;
        using var redirect = await http.GetAsync(await login.PageAsync(), cancellation);
        login.Paste(redirect.Headers.Location!.ToString());
        Assert.That(await login.Ended, Is.EqualTo(ExitCode.Failure));
        Assert.That(login.Complained, Does.Contain("the consent was declined"));
        Assert.That(Directory.Exists(Path.Combine(folder.Path, "tokens")), Is.False);
    }

    [Test]
    public async Task Without_a_terminal_there_is_nothing_to_wait_for(CancellationToken cancellation)
    {
        await using var login = new Login(this, Account(), folder.Path, cancellation);
        login.CloseInput();
        Assert.That(await login.Ended, Is.EqualTo(ExitCode.Usage));
        Assert.That(login.Complained, Does.Contain("there is no terminal to paste it into").And.Contain("docker exec -it smarthost smarthost login"));
    }

    [Test]
    public async Task A_code_that_Google_does_not_exchange_ends_the_login_and_keeps_nothing(CancellationToken cancellation)
    {
        await using var login = new Login(this, Account(), folder.Path, cancellation);
        tokens.Fail("invalid_grant", "Bad Request");
        using var page = await BrowseAsync(await login.PageAsync(), cancellation);
        Assert.That(await login.Ended, Is.EqualTo(1));
        Assert.That(login.Complained, Does.Contain("does not accept the code any more").And.Contain("Run smarthost login again"));
        Assert.That(Directory.Exists(Path.Combine(folder.Path, "tokens")), Is.False);
    }

    [Test]
    public async Task While_Google_stumbles_the_same_login_may_be_tried_again(CancellationToken cancellation)
    {
        await using var login = new Login(this, Account(), folder.Path, cancellation);
        tokens.Fail("internal_failure", "Try again", status: 503);
        using var redirect = await http.GetAsync(await login.PageAsync(), cancellation);
        login.Paste(redirect.Headers.Location!.ToString());
        await login.ComplainedAsync("Google");
        login.Paste(redirect.Headers.Location!.ToString());
        Assert.That(await login.Ended, Is.Zero);
    }

    private AccountSettings Account() => new()
    {
        Name = "default", Username = Mailbox.Parse("you@gmail.com"), Credentials = new AccountCredentials.OAuth(tokens.ClientId, tokens.ClientSecret, null),
    };

    private string WithOAuth(string yaml) => yaml.Replace("appPassword: abcd efgh ijkl mnop", $"oauth: {{ clientId: {tokens.ClientId}, clientSecret: {tokens.ClientSecret.Reveal()} }}");

    /// <summary>Google's page, a click on "Allow" (or "Cancel"), and the page that the browser ends on.</summary>
    private async Task<HttpResponseMessage> BrowseAsync(Uri page, CancellationToken cancellation)
    {
        using var answer = await http.GetAsync(page, cancellation);
        Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.Redirect), await answer.Content.ReadAsStringAsync(cancellation));
        return await http.GetAsync(answer.Headers.Location, cancellation);
    }

    /// <summary>A login under way, and the terminal that it runs in.</summary>
    private sealed class Login : IAsyncDisposable
    {
        private readonly WatchedWriter output = new(), error = new();
        private readonly Keyboard keyboard = new();
        private readonly ControlClient server;
        private readonly CancellationTokenSource ending;

        public Login(LoginTests tests, AccountSettings account, string dataFolder, CancellationToken cancellation)
        {
            ending = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
            server = new ControlClient(dataFolder);
            var consent = new OAuthConsent(TimeProvider.System, tests.http, new RefreshTokens(dataFolder), tests.tokens.TokenEndpoint);
            Ended = LoginCommand.AskAsync(new Terminal(output, error, Screen.None, json: false), account, consent, server, keyboard, tests.tokens.AuthorizationEndpoint, ending.Token);
        }

        /// <summary>With the exit code.</summary>
        public Task<int> Ended { get; }

        public string Said => output.Text;

        public string Complained => error.Text;

        public async Task<Uri> PageAsync()
        {
            await LiveServer.WaitAsync(() => Said.Contains("press Enter", StringComparison.Ordinal), ending.Token);
            return new Uri(Said.Split('\n').Single(line => line.StartsWith("http", StringComparison.Ordinal)));
        }

        public Task ComplainedAsync(string words) => LiveServer.WaitAsync(() => Complained.Contains(words, StringComparison.Ordinal), ending.Token);

        public void Paste(string line) => keyboard.Lines.Add(line);

        public void CloseInput() => keyboard.Lines.CompleteAdding();

        public async ValueTask DisposeAsync()
        {
            // Whoever still waits at the keyboard sees its end.
            keyboard.Lines.CompleteAdding();
            await ending.CancelAsync();
            await ((Task)Ended).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            server.Dispose();
            ending.Dispose();
        }
    }

    private sealed class Keyboard : TextReader
    {
        public BlockingCollection<string> Lines { get; } = [];

        public override string? ReadLine() => Lines.TryTake(out var line, Timeout.Infinite) ? line : null;
    }
}
