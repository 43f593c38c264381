using System.Diagnostics;
using System.Text;

namespace SmartHost.Tests.Clients;

/// <summary>
/// A mail program that others wrote, run to its end. Where it is not installed the test is skipped with a sentence, but
/// fails under <c>.ci/run</c> (SMARTHOST_ALL_PROGRAMS), which installs all of them.
/// </summary>
internal static class ForeignProgram
{
    /// <summary>Its output and errors. Fails where it ends with anything but zero; killed when <paramref name="cancellation"/> says so.</summary>
    public static async Task<string> RunAsync(
        string program, IReadOnlyList<string> arguments, CancellationToken cancellation, string input = "", IReadOnlyDictionary<string, string>? environment = null)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardInputEncoding = Encoding.Latin1,
            WorkingDirectory = Path.GetTempPath(),
        };
        foreach (var (name, value) in environment ?? new Dictionary<string, string>()) start.Environment[name] = value;
        using var process = Start(start);
        try
        {
            var output = process.StandardOutput.ReadToEndAsync(cancellation);
            var errors = process.StandardError.ReadToEndAsync(cancellation);
            await WriteAsync(process, input);
            await process.WaitForExitAsync(cancellation);
            var said = $"{program} {string.Join(' ', arguments)}\n{await output}\n{await errors}";
            Assert.That(process.ExitCode, Is.Zero, said);
            return said;
        }
        finally
        {
            if (!process.HasExited) process.Kill(entireProcessTree: true);
        }
    }

    private static async Task WriteAsync(Process process, string input)
    {
        try
        {
            await process.StandardInput.WriteAsync(input);
            process.StandardInput.Close();
        }
        catch (IOException)
        {
            // It ended without reading: its exit code says more.
        }
    }

    private static Process Start(ProcessStartInfo start)
    {
        try
        {
            return Process.Start(start)!;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            var sentence = $"{start.FileName} is not installed here; .ci/run names the package";
            if (Environment.GetEnvironmentVariable("SMARTHOST_ALL_PROGRAMS") is { Length: > 0 }) Assert.Fail(sentence);
            Assert.Ignore(sentence);
            throw;
        }
    }
}
