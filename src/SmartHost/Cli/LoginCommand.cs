using System.CommandLine;
using System.Runtime.InteropServices;
using SmartHost.Configuration;
using SmartHost.Gmail;
using SmartHost.Gmail.Login;

namespace SmartHost.Cli;

/// <summary>
/// Google's consent for an account with OAuth. With a browser on this machine the answer comes back by itself; on a NAS
/// without one, the page is opened anywhere and the address it ends on is pasted here. Whichever comes first counts.
/// Keeps the refresh token in the data folder, and nothing unless all of it succeeded.
/// </summary>
internal static class LoginCommand
{
    public static Command Create(CommonOptions common)
    {
        var name = new Option<string?>("--account") { Description = "Which account. Default: the first that uses OAuth.", HelpName = "NAME" };
        var command = new Command("login", "Let Google's page ask you whether SmartHost may send (accounts with oauth).") { name };
        common.Refuse(command, common.Json);
        command.SetAction(async (parsed, cancellation) =>
        {
            var terminal = Terminal.Of(parsed, common);
            var read = SettingsReader.Read(parsed.GetValue(common.Config), SettingsReader.ProcessEnvironment());
            if (read.Settings is not { } settings)
            {
                await Console.Error.WriteAsync(ProblemText.Format(read.Problems));
                return ExitCode.Configuration;
            }
            var wanted = parsed.GetValue(name);
            if (settings.Accounts.FirstOrDefault(one => wanted is null ? one.Credentials is AccountCredentials.OAuth : one.Name == wanted) is not { } account)
            {
                terminal.Complain(wanted is null ? "No account uses OAuth, so there is nothing to log in. To use it, make a client in Google Cloud's console and write oauth: { clientId: …, clientSecretFile: … } in place of the account's appPassword." : $"There is no account {wanted}.");
                return wanted is null ? ExitCode.Configuration : ExitCode.Usage;
            }
            if (account.Credentials is not AccountCredentials.OAuth)
            {
                terminal.Complain($"Account {account.Name} does not use OAuth; it needs no login.");
                return ExitCode.Usage;
            }
            using var http = new HttpClient();
            using var server = new ControlClient(settings.DataFolder);
            var consent = new OAuthConsent(TimeProvider.System, http, new RefreshTokens(settings.DataFolder));
            return await AskAsync(terminal, account, consent, server, Console.In, consentPage: null, cancellation);
        });
        return command;
    }

    /// <param name="server">Told when all is done, if it runs.</param>
    /// <param name="input">Where a person pastes the address.</param>
    /// <param name="consentPage">Google's; tests have their own.</param>
    internal static async Task<int> AskAsync(
        Terminal terminal, AccountSettings account, OAuthConsent consent, ControlClient server, TextReader input, Uri? consentPage, CancellationToken cancellation)
    {
        await using var listener = await ConsentListener.StartAsync(cancellation);
        var request = new ConsentRequest(account, listener.Redirect, consentPage);
        terminal.Line($"Open this page, sign in as {account.Username}, and allow it:");
        terminal.Line();
        terminal.Line(request.Page.ToString());
        terminal.Line();
        terminal.Line("If the browser runs on this machine, that is all. If not, the last page will not load:");
        terminal.Line("copy its whole address from the browser, paste it here and press Enter.");

        using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        // The listener's host takes these signals for itself and would leave this command waiting.
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, _ => ended.Cancel());
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, _ => ended.Cancel());
        // On a thread of its own: reading the console blocks, whatever its asynchronous methods promise.
        var pasted = Task.Run(input.ReadLine, CancellationToken.None);
        var returned = listener.WaitAsync(ended.Token);
        while (true)
        {
            await Task.WhenAny((Task)returned, pasted);
            string answer;
            var isPasted = false;
            if (returned.IsCompleted)
            {
                answer = await returned;
                returned = listener.WaitAsync(ended.Token);
            }
            else if (await pasted is { } line)
            {
                pasted = Task.Run(input.ReadLine, CancellationToken.None);
                if (string.IsNullOrWhiteSpace(line)) continue;
                (answer, isPasted) = (line, true);
            }
            else
            {
                // A browser on this machine might still answer, but nobody who waits here without a terminal knows that.
                terminal.Complain("the address must be pasted, and there is no terminal to paste it into. Run smarthost login in one (in Docker: docker exec -it smarthost smarthost login).");
                await ended.CancelAsync();
                return ExitCode.Usage;
            }

            switch (await FinishAsync(consent, account, request, answer, cancellation))
            {
                case ConsentOutcome.Kept kept:
                    terminal.Line($"{account.Username} is logged in. {await TellAsync(server, account.Name, cancellation)}");
                    if (kept.Warning is { } warning) terminal.Line(warning);
                    await ended.CancelAsync();
                    return ExitCode.Ok;
                case ConsentOutcome.Failed failed:
                    terminal.Complain(failed.Message);
                    // A refusal by the browser may be some other page's of this machine; who pastes one has read it, and may begin anew.
                    if (failed.MayTryAgain && !(isPasted && failed.IsRefusal)) break;
                    await ended.CancelAsync();
                    return ExitCode.Failure;
            }
        }
    }

    /// <summary>A pause for want of this consent ends at once, not with the hour. The token is kept in any case.</summary>
    private static async Task<string> TellAsync(ControlClient server, string account, CancellationToken cancellation)
    {
        try
        {
            return await server.TryAccountAsync(account, cancellation) is { } problem
                ? $"The running SmartHost does not try it yet: {problem} Restart it."
                : "The running SmartHost tries it now; its page tells how that went.";
        }
        catch (ServerUnavailableException unavailable)
        {
            return $"SmartHost uses it when it starts. {unavailable.Message}";
        }
    }

    private static async Task<ConsentOutcome> FinishAsync(OAuthConsent consent, AccountSettings account, ConsentRequest request, string answer, CancellationToken cancellation)
    {
        try
        {
            return await consent.FinishAsync(account, request, answer, cancellation);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return new ConsentOutcome.Failed($"The token cannot be kept in the data folder: {failure.Message} Run this as the user that runs SmartHost, or as root.", MayTryAgain: false);
        }
    }
}
