using System.CommandLine;
using SmartHost.Cli;

namespace SmartHost.Tests.Cli;

/// <summary>What can be typed, as the program itself says it.</summary>
public class HelpTests
{
    [Test]
    public async Task Every_verb_says_what_it_takes()
    {
        var scenes = new List<string>();
        foreach (var path in Verbs(CommandLine.Root(), []))
        {
            var typed = await Typed.RunAsync([.. path, "--help"], CancellationToken.None);
            Assert.That((typed.Code, typed.Error), Is.EqualTo((ExitCode.Ok, "")), typed.Scene());
            Assert.That(typed.Output.Split('\n'), Has.All.Length.LessThanOrEqualTo(80));
            scenes.Add(typed.Scene());
        }
        Assert.That(scenes, Has.Count.EqualTo(20));
        Approved.Matches("help", string.Join('\n', scenes));
    }

    [TestCase("run", "--json"), TestCase("login", "--json"), TestCase("demo", "--json"), TestCase("demo", "--config"), TestCase("hash-password", "--config")]
    public async Task What_a_verb_refuses_is_not_in_its_help(string verb, string option)
    {
        Assert.That((await Typed.RunAsync([verb, "--help"], CancellationToken.None)).Output, Does.Not.Contain(option).And.Contain("--help"));
        Assert.That((await Typed.RunAsync(["check", "--help"], CancellationToken.None)).Output, Does.Contain(option), "where it is taken");
    }

    /// <summary>A process list shows arguments to everybody on the machine, and a shell keeps them.</summary>
    [Test]
    public void No_verb_takes_a_secret_as_an_argument()
    {
        string[] words = ["password", "secret", "token", "key", "credential"];
        foreach (var command in Commands(CommandLine.Root()))
        {
            var names = command.Options.SelectMany(option => option.Aliases.Append(option.Name)).Concat(command.Arguments.Select(argument => argument.Name));
            Assert.That(names.Where(name => words.Any(word => name.Contains(word, StringComparison.OrdinalIgnoreCase))), Is.Empty, command.Name);
        }
    }

    [TestCase("help", "--help"), TestCase("help queue list", "queue list --help")]
    public async Task Help_is_also_a_word(string line, string alike)
    {
        var (typed, option) = (await Typed.RunAsync(Screen.None, line.Split(' '), CancellationToken.None), await Typed.RunAsync(Screen.None, alike.Split(' '), CancellationToken.None));
        Assert.That((typed.Code, typed.Output, typed.Error), Is.EqualTo((ExitCode.Ok, option.Output, "")));
    }

    [TestCase("chek", "has no command “chek”. Did you mean check?")]
    [TestCase("queue shw 1", "smarthost queue has no command “shw”. Did you mean show?")]
    [TestCase("frobnicate", "smarthost has no command “frobnicate”.")]
    [TestCase("queue", "say what smarthost queue is to do: list, show, retry, hold, release, delete.")]
    [TestCase("devices", "say what smarthost devices is to do: list, allow, forget.")]
    [TestCase("check --config ", "--config names no file.")]
    [TestCase("queue show", "smarthost queue show needs ID.")]
    [TestCase("queue show a b", "smarthost queue show does not know what to do with “b”.")]
    [TestCase("queue list --state lost", "--state is one of waiting, held, parked, sent, bounced, deleted, not “lost”.")]
    [TestCase("queue list --limit many", "--limit takes a number, not “many”.")]
    [TestCase("queue list --sate held", "smarthost queue list has no option --sate. Did you mean --state?")]
    [TestCase("devices allow scanner", "smarthost devices allow needs --address, --to.")]
    [TestCase("devices allow scanner --address 192.168.1.23 --to * --priority high", "--priority is one of urgent, normal, bulk, not “high”.")]
    [TestCase("devices allow scanner --address 192.168.1.23 --to * --per-hour 1.5", "--per-hour takes a number, not “1.5”.")]
    [TestCase("explain --from a@example.com", "smarthost explain needs --client, --to.")]
    [TestCase("run --confg x.yaml", "smarthost run has no option --confg. Did you mean --config?")]
    [TestCase("check --config", "--config needs a value.")]
    [TestCase("check -c x -c y", "--config was given more than once: keep one of them.")]
    [TestCase("queue list --limit 5 --limit 6", "--limit was given more than once: keep one of them.")]
    [TestCase("--version --json", "--version stands alone.")]
    [TestCase("demo --once --json", "smarthost demo does not take --json: leave it out.")]
    [TestCase("demo --once --config /nope", "smarthost demo does not take --config: leave it out.")]
    [TestCase("hash-password --config x.yaml", "smarthost hash-password does not take --config: leave it out.")]
    [TestCase("demo --confg x.yaml", "smarthost demo has no option --confg.\nTry")]
    [TestCase("--json run", "smarthost run does not take --json: leave it out.")]
    [TestCase("login --json", "smarthost login does not take --json: leave it out.")]
    public async Task A_slip_of_the_fingers_gets_a_sentence(string line, string sentence)
    {
        var typed = await Typed.RunAsync(Screen.None, line.Split(' '), CancellationToken.None);
        Assert.That((typed.Code, typed.Output), Is.EqualTo((ExitCode.Usage, "")));
        Assert.That(typed.Error, Does.Contain(sentence).And.Contain("Try: smarthost").And.Contain(" --help").And.Not.Contain("   at "));
        Assert.That(typed.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries), Has.Length.EqualTo(2), typed.Error);
    }

    private static IEnumerable<string[]> Verbs(Command command, string[] path) =>
        command.Subcommands.SelectMany(verb => Verbs(verb, [.. path, verb.Name])).Prepend(path);

    private static IEnumerable<Command> Commands(Command command) => command.Subcommands.SelectMany(Commands).Prepend(command);
}
