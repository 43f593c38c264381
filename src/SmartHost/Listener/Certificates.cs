using System.Net;
using System.Net.NetworkInformation;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Microsoft.Extensions.Logging;
using SmartHost.Disk;

namespace SmartHost.Listener;

/// <summary>A listener's certificate cannot be read or made; the message says why and what to do.</summary>
public sealed class CertificateUnavailableException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>
/// The listeners' certificates: the user's PEM files, read again when they change, or one that is made at first start and
/// kept in the data folder, so that a device which pins it need not be told again.
/// <para>
/// When it fails: at start, with a sentence; later (a renewed file is half-written, or key and certificate do not match)
/// the old certificate stays in use, the log says so once, and the next change is tried again.
/// </para>
/// </summary>
internal sealed partial class Certificates(string dataFolder, string hostname, TimeProvider time, ILogger<Certificates> logger) : IDisposable
{
    private const string CertificateName = "certificate.pem", KeyName = "certificate-key.pem";

    /// <summary>Of the one we made: a device that pins it is told anew once in ten years, and not on the day it ends.</summary>
    private static readonly TimeSpan RenewBefore = TimeSpan.FromDays(30);

    private readonly Lock gate = new();
    private readonly Dictionary<(string Certificate, string Key), Loaded> loaded = [];

    /// <summary>Reads or makes what the listener needs, so that trouble shows at start.</summary>
    /// <exception cref="CertificateUnavailableException" />
    public void Prepare(ListenerSettings listener) => OptionsFor(listener);

    public SslServerAuthenticationOptions OptionsFor(ListenerSettings listener)
    {
        var options = listener.LegacyTls ? LegacyTls.ServerOptions() : ModernTls.ServerOptions();
        options.ServerCertificateContext = ContextFor(listener);
        return options;
    }

    public void Dispose()
    {
        lock (gate)
        {
            foreach (var entry in loaded.Values) entry.Dispose();
            loaded.Clear();
        }
    }

    private SslStreamCertificateContext ContextFor(ListenerSettings listener)
    {
        lock (gate)
        {
            var (certificate, key) = listener.CertificateFile is { } own ? (own, listener.KeyFile ?? own) : Own();
            // Two files change one after the other; both times tell them apart from what was read.
            var changed = (ChangeOf(certificate), ChangeOf(key));
            loaded.TryGetValue((certificate, key), out var known);
            if (known is not null && known.Changed == changed) return known.Context;
            try
            {
                var fresh = Loaded.Read(certificate, key, changed);
                if (known is not null) LogReread(certificate, fresh.Leaf.NotAfter);
                // A handshake may still be using the old one; its finaliser, not we, ends it.
                return (loaded[(certificate, key)] = fresh).Context;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or CryptographicException or ArgumentException)
            {
                var problem = $"the certificate of listener {listener.Name} cannot be used ({certificate}, key {key}): {e.Message}";
                if (known is null) throw new CertificateUnavailableException($"{problem}. Give PEM files that belong together in certificateFile and keyFile, or leave both out to have one made", e);
                LogStale(problem);
                known.Changed = changed;
                return known.Context;
            }
        }
    }

    /// <summary>Of the file that a link leads to: ACME's tools and containers exchange that one, and the link stays as it was.</summary>
    private static DateTime ChangeOf(string file)
    {
        try
        {
            return File.GetLastWriteTimeUtc(File.ResolveLinkTarget(file, returnFinalTarget: true)?.FullName ?? file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Reading it says what is wrong with it.
            return default;
        }
    }

    private (string, string) Own()
    {
        var (certificate, key) = (Path.Combine(dataFolder, CertificateName), Path.Combine(dataFolder, KeyName));
        // At a start alone: no handshake depends on whether the folder can be written.
        if (loaded.ContainsKey((certificate, key))) return (certificate, key);
        if (!File.Exists(certificate) || !File.Exists(key) || IsNearItsEnd(certificate)) Make(certificate, key);
        return (certificate, key);
    }

    private bool IsNearItsEnd(string certificate)
    {
        try
        {
            using var made = X509Certificate2.CreateFromPem(File.ReadAllText(certificate));
            return made.NotAfter.ToUniversalTime() - time.GetUtcNow() < RenewBefore;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or CryptographicException)
        {
            // Reading it for use says what is wrong with it.
            return false;
        }
    }

    /// <summary>RSA, because the devices that need TLS most know nothing newer. Ten years: nobody renews what only a scanner sees.</summary>
    private void Make(string certificate, string key)
    {
        using var rsa = RSA.Create(2048);
        var request = new CertificateRequest(new X500DistinguishedName($"CN={(hostname.Length <= 64 && hostname.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-') ? hostname : "smarthost")}"), rsa, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: false, hasPathLengthConstraint: false, 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature | X509KeyUsageFlags.KeyEncipherment, critical: true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.1")], critical: false));
        var names = new SubjectAlternativeNameBuilder();
        foreach (var name in new[] { hostname, "localhost" }.Where(name => Uri.CheckHostName(name) == UriHostNameType.Dns).Distinct()) names.AddDnsName(name);
        foreach (var address in Addresses()) names.AddIpAddress(address);
        request.CertificateExtensions.Add(names.Build());
        var now = time.GetUtcNow();
        using var made = request.CreateSelfSigned(now.AddDays(-1), now.AddYears(10));
        try
        {
            PrivateFolder.Make(dataFolder);
            // An old certificate goes first, then the key comes: a crash in between leaves no certificate with a key that is not its own, and both are made again.
            File.Delete(certificate);
            WholeFile.Write(key, Encoding.ASCII.GetBytes(rsa.ExportPkcs8PrivateKeyPem() + "\n"));
            WholeFile.Write(certificate, Encoding.ASCII.GetBytes(made.ExportCertificatePem() + "\n"), WholeFile.ReadByAll);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CertificateUnavailableException($"a certificate for TLS cannot be written to {dataFolder}: {e.Message}. Make the folder writable, or set tls: off on every listener", e);
        }
        LogMade(certificate, made.GetCertHashString(HashAlgorithmName.SHA256));
    }

    private static IEnumerable<IPAddress> Addresses()
    {
        try
        {
            return
            [
                .. new[] { IPAddress.Loopback, IPAddress.IPv6Loopback }
                    .Concat(NetworkInterface.GetAllNetworkInterfaces()
                        .Where(card => card.OperationalStatus == OperationalStatus.Up)
                        .SelectMany(card => card.GetIPProperties().UnicastAddresses)
                        .Select(unicast => unicast.Address)
                        .Where(address => !address.IsIPv6LinkLocal))
                    .Distinct(),
            ];
        }
        catch (NetworkInformationException)
        {
            // Some containers hide their cards. Names are enough then.
            return [IPAddress.Loopback, IPAddress.IPv6Loopback];
        }
    }

    private sealed class Loaded(X509Certificate2 leaf, SslStreamCertificateContext context, (DateTime, DateTime) changed) : IDisposable
    {
        public X509Certificate2 Leaf => leaf;

        public SslStreamCertificateContext Context => context;

        public (DateTime, DateTime) Changed { get; set; } = changed;

        public static Loaded Read(string certificate, string key, (DateTime, DateTime) changed)
        {
            var leaf = X509Certificate2.CreateFromPemFile(certificate, key);
            // Windows cannot use a key that was never stored.
            if (OperatingSystem.IsWindows())
            {
                using var ephemeral = leaf;
                leaf = X509CertificateLoader.LoadPkcs12(ephemeral.Export(X509ContentType.Pkcs12), null);
            }
            var chain = new X509Certificate2Collection();
            chain.ImportFromPemFile(certificate);
            // Offline: a handshake must not wait for someone else's server.
            return new Loaded(leaf, SslStreamCertificateContext.Create(leaf, chain, offline: true), changed);
        }

        public void Dispose() => leaf.Dispose();
    }

    [LoggerMessage(1130, LogLevel.Information, "made a self-signed certificate: {Path}, SHA-256 {Fingerprint}")]
    private partial void LogMade(string path, string fingerprint);

    [LoggerMessage(1131, LogLevel.Information, "read {Path} again: it has changed; valid until {NotAfter:u}")]
    private partial void LogReread(string path, DateTime notAfter);

    [LoggerMessage(1132, LogLevel.Error, "{Problem}. The one read before stays in use")]
    private partial void LogStale(string problem);
}
