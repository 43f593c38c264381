using SmartHost.Disk;
using SmartHost.Mail;

namespace SmartHost.Configuration;

/// <summary>A secret in a file of its own, as Docker, Kubernetes and systemd hand them out. What goes wrong names the path and the remedy, never the content, nor what may be it.</summary>
internal static class SecretFile
{
    private const int MaxOctets = 64 * 1024;
    private const string CredentialsVariable = "CREDENTIALS_DIRECTORY";

    public static Secret? Read(string written, Place place, string path, bool manyLines, ReadContext context)
    {
        if (Resolve(written.Trim(), place, path, context) is not { } file) return null;
        context.Files.Add(file);
        if (TextFile.Read(file, MaxOctets, out var trouble) is not { } content)
        {
            // What is no file may be the secret itself, written under the wrong of two names: then it must not be told.
            if (Path.Exists(file) || trouble.What is not (TextFile.Missing or TextFile.Broken)) context.Error(place, path, $"names {file}, which {trouble.What}", trouble.Instead);
            else if (trouble.What == TextFile.Missing && IsPath(written.Trim())) context.Error(place, path, $"names {file}, which {trouble.What}; the nearest folder that does is {WriteProbe.Existing(file)}", trouble.Instead);
            else context.Error(place, path, $"names a file that does not exist, and the nearest folder that does is {WriteProbe.Existing(file)}",
                $"Create it, or correct the path; in a container the file must be mounted there. If it is the secret itself that stands here, write it as {path[..^"File".Length]}");
            return null;
        }
        // Editors and echo end a file with a line end that is no part of the secret.
        var secret = content.Trim();
        if (secret.Length == 0)
        {
            context.Error(place, path, $"names {file}, which is empty", "Write the secret into it, as its only line");
            return null;
        }
        if (!manyLines && secret.Contains('\n'))
        {
            context.Error(place, path, $"names {file}, which has several lines", "Leave the secret alone in it, as its only line");
            return null;
        }
        if (IsReadableByAll(file))
        {
            context.Warning(place, path, $"names {file}, which everyone on this machine can read", PrivateTo(file));
        }
        return new Secret(secret);
    }

    /// <summary>
    /// Nobody's secret looks so, and so it may be told. A password or base64 may begin with a slash or a dollar, so a path needs more
    /// than that: its first folder must be there.
    /// </summary>
    private static bool IsPath(string written) =>
        written.StartsWith("./", StringComparison.Ordinal) || written.StartsWith("../", StringComparison.Ordinal) || written.StartsWith("$CREDENTIALS_DIRECTORY/", StringComparison.Ordinal)
        || (written.Split('/') is ["", { Length: > 0 } first, _, ..] && Directory.Exists($"/{first}"));

    /// <summary>
    /// The mode alone would lock the server out where root made the file and another user runs it: as a service, in a container.
    /// Who that is, is not known to a check that root runs.
    /// </summary>
    public static string PrivateTo(string file) => $"Let it belong to the user that runs SmartHost (chown USER {file}), then run: chmod 600 {file}";

    /// <summary>Docker and Kubernetes mount secrets readable by all of the container, where nobody else lives: no reason to warn.</summary>
    public static bool IsReadableByAll(string file)
    {
        if (OperatingSystem.IsWindows() || file.StartsWith("/run/secrets/", StringComparison.Ordinal) || file.StartsWith("/var/run/secrets/", StringComparison.Ordinal)) return false;
        try
        {
            return File.GetUnixFileMode(file).HasFlag(UnixFileMode.OtherRead);
        }
        catch (Exception gone) when (gone is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    /// <summary>systemd's folder for credentials is known by a variable alone.</summary>
    private static string? Resolve(string written, Place place, string path, ReadContext context)
    {
        foreach (var variable in (string[])[$"${{{CredentialsVariable}}}", $"${CredentialsVariable}"])
        {
            if (!written.StartsWith(variable, StringComparison.Ordinal)) continue;
            if (context.Environment.TryGetValue(CredentialsVariable, out var folder) && folder.Length > 0)
            {
                written = folder + written[variable.Length..];
                break;
            }
            context.Error(place, path, $"names a file below ${CredentialsVariable}, which is not set", "Start SmartHost as a systemd service with LoadCredential=, or write the whole path");
            return null;
        }
        if (ValueKinds.FilePath.TryRead(written, place, out var file)) return file;
        context.Error(place, path, "is not a path", ValueKinds.FilePath.Hint(written) ?? "Write the path of a file that holds the secret");
        return null;
    }
}
