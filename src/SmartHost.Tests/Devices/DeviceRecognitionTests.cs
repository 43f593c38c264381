using System.Net;
using SmartHost.Devices;
using SmartHost.Mail;

namespace SmartHost.Tests.Devices;

public class DeviceRecognitionTests
{
    private static readonly DeviceDirectory Directory = new(
    [
        Named("office", "192.168.1.0/24"),
        Named("scanner", "192.168.1.23"),
        Named("everyone6", "::/0"),
        Named("camera", "fe80::1"),
        Named("shop") with { Username = "Shop" },
    ]);

    [TestCase("192.168.1.23", "scanner")]
    [TestCase("192.168.1.24", "office")]
    [TestCase("::ffff:192.168.1.23", "scanner")]
    [TestCase("fd00::1", "everyone6")]
    [TestCase("fe80::1%2", "camera")]
    [TestCase("192.168.2.1", null)]
    public void The_longest_prefix_wins(string client, string? device) =>
        Assert.That(Directory.ByAddress(IPAddress.Parse(client))?.Name, Is.EqualTo(device));

    [TestCase("SHOP", "shop")]
    [TestCase("shop2", null)]
    public void A_login_names_its_device(string username, string? device) =>
        Assert.That(Directory.ByUsername(username)?.Name, Is.EqualTo(device));

    [TestCase("192.168.1.23", "192.168.1.23")]
    [TestCase(" 192.168.1.23/24 ", "192.168.1.0/24")]
    [TestCase("192.168.1.130/25", "192.168.1.128/25")]
    [TestCase("192.168.1.7/255.255.252.0", "192.168.0.0/22")]
    [TestCase("10.1.2.3/0", "0.0.0.0/0")]
    [TestCase("10.1.2.3/0.0.0.0", "0.0.0.0/0")]
    [TestCase("fd12:3456::1/8", "fd00::/8")]
    [TestCase("::ffff:10.0.0.1", "10.0.0.1")]
    [TestCase("::1", "::1")]
    public void Networks_are_read_as_people_write_them(string text, string network)
    {
        Assert.That(ClientNetwork.TryParse(text, out var read), Is.True);
        Assert.That(ClientNetwork.ToText(read), Is.EqualTo(network));
    }

    [TestCase("")]
    [TestCase(null)]
    [TestCase("192.168.1")]
    [TestCase("192.168.001.010")]
    [TestCase("192.168.1.256")]
    [TestCase("192.168.1.0/33")]
    [TestCase("192.168.1.0/")]
    [TestCase("192.168.1.0/24/8")]
    [TestCase("192.168.1.0/255.0.255.0")]
    [TestCase("192.168.1.*")]
    [TestCase("fd00::/129")]
    [TestCase("[::1]")]
    [TestCase("fe80::1%eth0")]
    [TestCase("scanner.lan")]
    public void What_could_mean_something_else_is_no_network(string? text) =>
        Assert.That(ClientNetwork.TryParse(text, out _), Is.False);

    [Test]
    public void Patterns_match_exactly_what_they_say()
    {
        var problems = new List<string>();
        var patterns = AddressPatterns.Parse(["You@gmail.com", "*@example.com", "example.com", "*@", "a@b@c", ""], problems);
        Assert.That(problems, Has.Count.EqualTo(4));
        Assert.That(patterns.Match(Mailbox.Parse("you@GMAIL.com")), Is.EqualTo("You@gmail.com"));
        Assert.That(patterns.Match(Mailbox.Parse("anyone@EXAMPLE.com")), Is.EqualTo("*@example.com"));
        Assert.That(patterns.Match(Mailbox.Parse("anyone@mail.example.com")), Is.Null);
        Assert.That(patterns.Match(Mailbox.Parse("anyone@badexample.com")), Is.Null);
    }

    private static Device Named(string name, params string[] addresses) => new()
    {
        Name = name,
        Recipients = AddressPatterns.Any,
        Addresses = [.. addresses.Select(text => ClientNetwork.TryParse(text, out var network) ? network : throw new FormatException(text))],
    };
}
