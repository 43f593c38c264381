using System.Net.Security;
using System.Runtime.InteropServices;
using System.Security.Authentication;
using SmartHost.Disk;

namespace SmartHost.Listener;

/// <summary>
/// TLS 1.0 and 1.1 for devices that know nothing newer. OpenSSL 3 refuses both whatever an application asks for, unless
/// its configuration allows them; and that counts for the whole process. So it is off unless a listener asks for it, and
/// every other endpoint is pinned by <see cref="ModernTls"/>.
/// </summary>
public static partial class LegacyTls
{
    private const string Configuration = """
        # Written by SmartHost at every start, because a listener has legacyTls: true.
        openssl_conf = openssl_init
        [openssl_init]
        ssl_conf = ssl_section
        [ssl_section]
        system_default = system_default_section
        [system_default_section]
        MinProtocol = TLSv1
        CipherString = DEFAULT:@SECLEVEL=0

        """;

    /// <summary>
    /// Must run before anything in the process touches OpenSSL (TLS, hashes, certificates, random keys): it reads its
    /// configuration once. So: while the settings are read, before a certificate in them is checked.
    /// </summary>
    /// <param name="dataFolder">Where <c>openssl-legacy.cnf</c> is written.</param>
    /// <returns>Null when it is done; otherwise a sentence why legacy devices will not get through.</returns>
    public static string? EnableForProcess(string dataFolder)
    {
        if (OperatingSystem.IsWindows()) return "legacyTls: Windows decides itself which TLS versions there are; enable TLS 1.0 in its registry";
        var path = Path.Combine(Path.GetFullPath(dataFolder), "openssl-legacy.cnf");
        try
        {
            PrivateFolder.Make(dataFolder);
            File.WriteAllText(path, Configuration);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return $"legacyTls: {path} cannot be written: {e.Message}";
        }
        // Environment.SetEnvironmentVariable changes .NET's copy alone, which OpenSSL never sees.
        return SetEnvironment("OPENSSL_CONF", path, 1) == 0 ? null : "legacyTls: the environment of the process cannot be changed";
    }

    internal static SslServerAuthenticationOptions ServerOptions() => new()
    {
#pragma warning disable SYSLIB0039, CA5397 // The old versions are what this listener is for.
        EnabledSslProtocols = SslProtocols.Tls | SslProtocols.Tls11 | ModernTls.Protocols,
#pragma warning restore SYSLIB0039, CA5397
    };

    [LibraryImport("libc", EntryPoint = "setenv", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int SetEnvironment(string name, string value, int overwrite);
}
