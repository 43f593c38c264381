using System.Diagnostics;

namespace SmartHost.Tests.Listener;

/// <summary>A foreign TLS client, which can be told to speak what .NET no longer does.</summary>
internal static class OpenSslClient
{
    /// <summary>Whether STARTTLS came to an agreement. The test is skipped where openssl is not installed.</summary>
    public static async Task<bool> AgreesAsync(int port, string arguments, CancellationToken cancellation)
    {
        using var client = Start($"s_client -connect 127.0.0.1:{port} -starttls smtp {arguments}");
        // At the end of its input it says goodbye and tells what was agreed.
        client.StandardInput.Close();
        var errors = client.StandardError.ReadToEndAsync(cancellation);
        var output = await client.StandardOutput.ReadToEndAsync(cancellation);
        await client.WaitForExitAsync(cancellation);
        Assert.That(output, Does.Contain("Cipher is "), await errors);
        return !output.Contains("Cipher is (NONE)", StringComparison.Ordinal);
    }

    /// <summary>Begins a second handshake on a connection that has had its first, which TLS 1.2 knows. Ends when the server has ended it.</summary>
    public static async Task RenegotiateAsync(int port, CancellationToken cancellation)
    {
        using var client = Start($"s_client -connect 127.0.0.1:{port} -starttls smtp -tls1_2");
        var errors = client.StandardError.ReadToEndAsync(cancellation);
        var output = new System.Text.StringBuilder();
        // What is typed before the first handshake is over is thrown away. The table of the session is the last that it tells of it.
        while (!output.ToString().Contains("Extended master secret", StringComparison.Ordinal) && await client.StandardOutput.ReadLineAsync(cancellation) is { } line) output.AppendLine(line);
        await client.StandardInput.WriteLineAsync("R".AsMemory(), cancellation);
        await client.StandardInput.FlushAsync(cancellation);
        await client.StandardOutput.ReadToEndAsync(cancellation);
        await client.WaitForExitAsync(cancellation);
        Assert.That(await errors, Does.Contain("RENEGOTIATING"), output.ToString());
    }

    private static Process Start(string arguments)
    {
        try
        {
            return Process.Start(new ProcessStartInfo("openssl", arguments) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true })!;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            Assert.Ignore("openssl is not installed here");
            throw;
        }
    }
}
