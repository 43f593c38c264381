using System.Text;
using SmartHost.Disk;

namespace SmartHost.Configuration;

/// <summary>Reads a small text file, or says why it cannot be read and what to do, in the situations of containers and services.</summary>
internal static class TextFile
{
    /// <summary>There is no such file; nor can there be one of so long a name.</summary>
    public const string Missing = "does not exist", Broken = "cannot be read: the system reports an input/output error";

    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <param name="most">Octets.</param>
    /// <returns>Null where <paramref name="trouble"/> says why. Never holds anything of the content.</returns>
    public static string? Read(string path, int most, out (string What, string Instead) trouble)
    {
        trouble = default;
        try
        {
            if (Directory.Exists(path))
            {
                trouble = ("is a folder, not a file", "Name a file; Docker makes an empty folder where a mounted file does not exist, so remove the folder and create the file first");
                return null;
            }
            using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            var content = new byte[most + 1];
            var length = file.ReadAtLeast(content, content.Length, throwOnEndOfStream: false);
            if (length > most)
            {
                trouble = ($"is larger than {most} octets", "Check that it is the file you mean");
                return null;
            }
            var text = content.AsSpan(0, length);
            if (text.StartsWith((ReadOnlySpan<byte>)[0xef, 0xbb, 0xbf])) text = text[3..];
            return Strict.GetString(text);
        }
        catch (Exception missing) when (missing is FileNotFoundException or DirectoryNotFoundException)
        {
            trouble = (Missing, "Create it, or correct the path; in a container the file must be mounted there");
        }
        catch (UnauthorizedAccessException)
        {
            trouble = ($"cannot be read by the user {CurrentUser.Name} that SmartHost runs as", $"Give that user the right to read it, for example: chown {CurrentUser.Name} {path}");
        }
        catch (DecoderFallbackException)
        {
            trouble = ("is not text in UTF-8", "Save it as UTF-8");
        }
        catch (Exception failure) when (failure is IOException or ArgumentException or NotSupportedException)
        {
            trouble = (Broken, "Check the disk, and that the path is that of an ordinary file");
        }
        return null;
    }
}
