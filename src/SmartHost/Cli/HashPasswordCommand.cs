using System.CommandLine;
using System.Security.Cryptography;
using SmartHost.Devices;

namespace SmartHost.Cli;

/// <summary>Prints the hash of a device's password for its <c>passwordHash</c>. The password is asked for, or read from standard input; never an argument, which a process list would show.</summary>
public static class HashPasswordCommand
{
    public static Command Create(CommonOptions common)
    {
        var command = new Command("hash-password", "Print the hash of a device's password, for its passwordHash setting.");
        common.Refuse(command, common.Config);
        command.SetAction((parsed, cancellation) => RunAsync(Terminal.Of(parsed, common), cancellation));
        return command;
    }

    private static async Task<int> RunAsync(Terminal terminal, CancellationToken cancellation)
    {
        var password = Console.IsInputRedirected ? await Console.In.ReadLineAsync(cancellation) : AskTwice();
        if (string.IsNullOrEmpty(password))
        {
            terminal.Complain("no password was given, or the two differ; nothing was printed.");
            return ExitCode.Usage;
        }
        using var random = RandomNumberGenerator.Create();
        var hash = PasswordHash.Create(password, random);
        if (terminal.Json) terminal.Print(new HashReply(hash), CliJson.Default.HashReply);
        else terminal.Line(hash);
        return ExitCode.Ok;
    }

    private static string? AskTwice()
    {
        var first = Ask("Password of the device: ");
        return first.Length > 0 && first == Ask("The same again: ") ? first : null;
    }

    private static string Ask(string prompt)
    {
        Console.Error.Write(prompt);
        var typed = new System.Text.StringBuilder();
        while (Console.ReadKey(intercept: true) is { Key: not ConsoleKey.Enter } key)
        {
            if (key.Key == ConsoleKey.Backspace) typed.Length = Math.Max(0, typed.Length - 1);
            else if (!char.IsControl(key.KeyChar)) typed.Append(key.KeyChar);
        }
        Console.Error.WriteLine();
        return typed.ToString();
    }
}
