using System.Security.Cryptography;
using MimeKit;
using SmartHost.Devices;
using SmartHost.Practice;
using SmartHost.Tests.EndToEnd;

namespace SmartHost.Tests.Clients;

/// <summary>How a client gets in.</summary>
public enum Way
{
    /// <summary>No encryption, no login: known by its address.</summary>
    Plain,

    /// <summary>A login in clear text.</summary>
    LoginInClear,

    /// <summary>STARTTLS, then a login.</summary>
    StartTls,

    /// <summary>TLS from the first octet, then a login.</summary>
    ImplicitTls,
}

/// <summary>
/// The whole program with the practice Gmail behind it, for clients that others wrote. <see cref="Delivered"/> judges what
/// came out at the far end, as the recipient would: the text, the letters, the attachment octet for octet.
/// Clients verify its certificate, so the names in it are tested as well.
/// </summary>
internal sealed class ClientBench : IAsyncDisposable
{
    public const string Username = "shop", Password = "correct horse 1!", From = "shop@lan.example", To = "you@example.com";

    /// <summary>Beyond ASCII, beyond Latin-1, and lines that begin with dots: what clients and servers get wrong between them.</summary>
    public const string Subject = "Scan für Büro 3 – „Angebot“", Text = "Seite 1: Größe 5 µm\n.one dot\n..two dots\n.\nThe end";

    private readonly LiveServer live;

    private ClientBench(LiveServer live, int implicitPort)
    {
        (this.live, ImplicitPort) = (live, implicitPort);
        // Every octet value, in an order that no transfer encoding likes.
        AttachmentContent = [.. Enumerable.Range(0, 70_000).Select(i => (byte)(i * 7 + i / 256))];
        File.WriteAllBytes(Attachment, AttachmentContent);
        File.WriteAllText(TextFile, Text);
    }

    public int Port => live.Port;

    public int ImplicitPort { get; }

    public string Attachment => live.File("scan.bin");

    public string TextFile => live.File("text.txt");

    /// <summary>The one that the program made at its start.</summary>
    public string Certificate => live.File("data/certificate.pem");

    private byte[] AttachmentContent { get; }

    public string NewFile(string name) => live.File(name);

    public int PortFor(Way way) => way == Way.ImplicitTls ? ImplicitPort : Port;

    public static async Task<ClientBench> StartAsync(CancellationToken cancellation)
    {
        using var random = RandomNumberGenerator.Create();
        var implicitPort = RunningServer.FreePort();
        var live = await LiveServer.StartAsync(cancellation, edit: settings => settings
            .Replace("address: 127.0.0.1 }", $"address: 127.0.0.1, authInClear: true }}\n  tls: {{ port: {implicitPort}, address: 127.0.0.1, tls: implicit }}")
            + $"  {Username}: {{ username: {Username}, passwordHash: \"{PasswordHash.Create(Password, random, iterations: 10_000)}\", recipients: [\"*@example.com\"] }}\n");
        return new ClientBench(live, implicitPort);
    }

    /// <summary>Waits for the one message and holds everything against it.</summary>
    public async Task DeliveredAsync(Way way, CancellationToken cancellation, bool subject = true, bool attachment = true)
    {
        var arrived = (await live.Gmail.WaitForAsync(1, cancellation)).Single();
        using var message = await MimeMessage.LoadAsync(new MemoryStream(arrived.Content.ToArray()), cancellation);
        Assert.Multiple(() =>
        {
            Assert.That(arrived.Violations, Is.Empty);
            Assert.That(arrived.Envelope.Recipients.Select(recipient => recipient.ToString()), Is.EqualTo(new[] { To }));
            Assert.That(message.From.Mailboxes.Select(mailbox => mailbox.Address), Is.EqualTo(new[] { "you@gmail.com" }));
            Assert.That(arrived.Header("X-SmartHost-Device"), Is.EqualTo(way == Way.Plain ? "test-device" : Username));
            Assert.That(arrived.Header("Received"), Does.Match(way switch
            {
                Way.Plain => " with E?SMTP id ", // Some say HELO where they need no extension.
                Way.LoginInClear => " with ESMTPA id ",
                _ => " with ESMTPSA id ",
            }));
            if (subject) Assert.That(message.Subject, Is.EqualTo(Subject));
            Assert.That(message.TextBody?.ReplaceLineEndings("\n").TrimEnd(), Is.EqualTo(Text));
            if (!attachment) return;
            using var content = new MemoryStream();
            ((MimePart)message.Attachments.Single()).Content!.DecodeTo(content);
            Assert.That(content.ToArray(), Is.EqualTo(AttachmentContent));
        });
    }

    public ValueTask DisposeAsync() => live.DisposeAsync();
}
